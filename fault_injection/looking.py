"""A reader that looks at the directory of a running log: what `inspect` and `verify` do.

Theory of operation. Another process may read at any time, also while a write is under way, and
then it sees any first part of it. So of what changed between two calls of the log every part is
looked at, byte by byte where it is short; each look is a survey of a directory whose lock is
taken (reference/inspection.py). While nothing but the log itself has touched the files:

    nothing that it reports is damage                                 I7, trap T19
    no number counts as given for which neither a record stands nor a header
    every record that it shows was offered, byte for byte              I2

Not here: damage that a running log really has (tests/test_inspection.py). Spec: CLI-2.2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from fault_injection.invariants import Broken
from reference.errors import DecodeError, WalError
from reference.events import ProcessEvent
from reference.frame import StoredFrame, decode_body
from reference.inspection import inspect_directory
from reference.segment_files import scan_stored
from reference.survey import Survey
from simulators.disk_image import Image
from simulators.memory_filesystem import MemoryFilesystem

PARTS_MAX: Final = 120
"""Of one write: each byte of a short record, and of a header block every so many."""


class Reader:
    """Looks at a directory each time that it has changed; `broken` is the first thing wrong."""

    def __init__(self, offered: Mapping[int, ProcessEvent], image: Image) -> None:
        """`image` is the directory as it is now; `offered` grows before an append begins."""
        self.broken: Broken | None = None
        self._offered = offered
        self._seen = image
        self._looks = 0

    def take_looks(self) -> int:
        """Return how often it has looked since the last time."""
        looks, self._looks = self._looks, 0
        return looks

    def look(self, image: Image) -> None:
        """Look at everything that a reader may see between the last look and now."""
        for state in states_between(self._seen, image):
            if self.broken is None:
                self._looks += 1
                self.broken = self._judge(state)
        self._seen = image

    def _judge(self, image: Image) -> Broken | None:
        disk = MemoryFilesystem({name: bytearray(data) for name, data in image.items()})
        disk.locked = True
        try:
            survey = inspect_directory(disk)
            shown = list(_records(disk, survey))
        except (WalError, OSError) as error:
            return Broken("I7", f"a reader of the running log is told: {error}")
        if survey.report.damages:
            return Broken("I7", f"a reader is told of damage: {survey.report.damages[0]}")
        for sequence, event in shown:
            if event is None or self._offered.get(event.pid) != event:
                return Broken("I2", f"a reader is shown {sequence}, which nobody offered", sequence)
        firsts = [segment.header.first_sequence for segment in survey.segments]
        end = max((*firsts, *(sequence + 1 for sequence, _ in shown)), default=1)
        if survey.next_sequence > end:
            return Broken("I7", f"a reader takes {end} for given: no record stands for it", end)
        return None


def states_between(before: Image, after: Image) -> Iterator[Image]:
    """Yield the directory with each part of what has changed; the whole change comes last."""
    for name in sorted(before.keys() & after.keys()):
        old, new = before[name], after[name]
        for end in _ends(old, new):
            yield {**before, name: new[:end] + old[end:]}
    if before != after:
        yield after


def _ends(old: bytes, new: bytes) -> range:
    """Return where a write that makes the new content of the old may have got to by a look."""
    differing = [place for place, (a, b) in enumerate(zip(old, new, strict=False)) if a != b]
    if len(new) < len(old) or old == new:
        return range(0)  # a cut is not seen half-way
    start = differing[0] if differing else len(old)
    stop = len(new) if len(new) > len(old) else differing[-1] + 1
    return range(start + 1, stop, 1 + (stop - start) // PARTS_MAX)


def _records(disk: MemoryFilesystem, survey: Survey) -> Iterator[tuple[int, ProcessEvent | None]]:
    """Yield number and event of each record; None for one that cannot be decoded."""
    for segment in survey.segments:
        for item in scan_stored(disk, segment):
            if isinstance(item, StoredFrame):
                try:
                    yield item.sequence, decode_body(item.body, item.sequence).event
                except DecodeError:
                    yield item.sequence, None
