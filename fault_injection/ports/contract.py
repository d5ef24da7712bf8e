"""What SPEC.md says of a log's calls and bytes when nothing goes wrong, asked of a port.

Crashes show what is lost. They do not show that a second process is let in, that a number was
skipped, or that a file has no second copy of its header until the first one rots. Each rule here
is asked in a directory of its own, with limits that are small, and is one requirement:

    python3 -m fault_injection port contract --port ./my-adapter

The bytes are read with the reference's own decoders. Spec: PRT-1.6.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fault_injection.damage import record_places
from fault_injection.ports.adapter import Adapter, PortError
from fault_injection.ports.errors import Skipped, Unsupported
from fault_injection.subject import make_event
from reference.acknowledgement_slots import ACK_NAME, AckSlot, decode_slot
from reference.codec import encode_event
from reference.limits import FRAMES_OFFSET
from reference.segment_header import SegmentHeader, decode_segment_header, segment_name

COPY_OFFSET: Final = 4096
"""Of the second copy: in a header block, and in the acknowledgement file."""
ROTATION_BYTES: Final = FRAMES_OFFSET + 200
"""The second short event fills a file."""
EVENT_BYTES: Final = len(encode_event(make_event(1)))


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What became of one rule."""

    name: str
    requirement: str
    text: str
    """What is wrong, or why it was skipped; empty if it holds."""
    status: str = "passed"
    """"passed", "failed" or "skipped"."""


class Opened:
    """A log that is open in a directory of its own."""

    def __init__(self, adapter: Adapter, place: Path, **settings: int) -> None:
        self.adapter = adapter
        self.place = place
        limits = {"rotation_bytes": ROTATION_BYTES, "acknowledge_count_max": 1, **settings}
        self.settings = limits
        adapter.ask("open", dir=str(place), settings=limits)

    def append(self, *pids: int) -> list[int]:
        """Append one event for each, as one batch; return the numbers."""
        events = [encode_event(make_event(each)).hex() for each in pids]
        found = self.adapter.ask("append_batch", events=events)["sequences"]
        return [int(each) for each in found]

    def segments(self) -> dict[str, bytes]:
        """Return names and bytes of its files, oldest first."""
        names = self.adapter.ask("status")["segments"]
        return {each: (self.place / each).read_bytes() for each in names}

    def refusal(self, op: str, **fields: Any) -> str:
        """Return the code of the error that this comes to; empty if to none."""
        try:
            self.adapter.ask(op, **fields)
        except PortError as error:
            return error.code
        return ""


Rule = Callable[[Adapter, Path], str]


def _acknowledged_beyond(adapter: Adapter, place: Path) -> str:
    log = Opened(adapter, place)
    log.append(1, 2)
    for number in (3, 1000):
        if not log.refusal("acknowledge", through=str(number)):
            return f"2 is the last number, and an acknowledgement through {number} is taken"
    entries = adapter.ask("replay", after="0")["entries"]
    numbers = [each["sequence"] for each in entries]
    return "" if numbers == ["1", "2"] else f"it was refused, and settled something: {numbers}"


def _refused_event(adapter: Adapter, place: Path) -> str:
    log = Opened(adapter, place, event_bytes_max=EVENT_BYTES)
    sound = encode_event(make_event(1))
    for event, what in ((sound[:-1], "does not decode"),
                        (encode_event(make_event(1, 1)), "is too large")):  # fmt: skip
        if not log.refusal("append", event=event.hex()):
            return f"an event that {what} is taken"
        if not log.refusal("append_batch", events=[sound.hex(), event.hex()]):
            return f"a batch with an event that {what} is taken"
    found = log.append(1)
    return "" if found == [1] else f"four refusals, and the first event has the number {found[0]}"


def _second_opener(adapter: Adapter, place: Path) -> str:
    log = Opened(adapter, place)
    with Adapter(adapter.command) as other:
        try:
            other.ask("open", dir=str(place), settings=log.settings)
        except PortError as error:
            code = error.code
        else:
            return "a second process is let in while the first one has the log open"
        if code != "Locked":
            return f"a second process is refused with {code}, expected Locked"
        adapter.ask("close")
        other.ask("open", dir=str(place), settings=log.settings)
    return ""


def _batch_in_one_file(adapter: Adapter, place: Path) -> str:
    log = Opened(adapter, place)
    numbers = log.append(*range(1, 8))
    if numbers != list(range(1, 8)):
        return f"a batch of seven has the numbers {numbers}"
    for name, content in log.segments().items():
        places = record_places(content)
        if places and places[-1][0] >= ROTATION_BYTES:
            return f"{name}: {len(places)} records, the last one begins behind the threshold"
    return ""


def _header_copies(adapter: Adapter, place: Path) -> str:
    log = Opened(adapter, place)
    log.append(1, 2, 3, 4, 5)
    salts: dict[bytes, str] = {}
    for name, content in log.segments().items():
        first = decode_segment_header(content[:COPY_OFFSET])
        second = decode_segment_header(content[COPY_OFFSET:FRAMES_OFFSET])
        if not isinstance(first, SegmentHeader):
            return f"{name}: the first copy of the header is {first}"
        if first != second:
            return f"{name}: the second copy of the header is not as the first: {second}"
        if (other := salts.setdefault(first.salt, name)) != name:
            return f"{name} has the salt of {other}"
    return ""


def _slots(adapter: Adapter, place: Path) -> str:
    log = Opened(adapter, place)
    log.append(1, 2)
    log.append(3, 4)
    for number in (1, 2, 3):
        adapter.ask("acknowledge", through=str(number))
    content = (place / ACK_NAME).read_bytes()
    if len(content) != 2 * COPY_OFFSET:
        return f"the acknowledgement file has {len(content)} bytes"
    slots: list[AckSlot] = []
    for number, offset in enumerate((0, COPY_OFFSET)):
        slot = decode_slot(content[offset : offset + COPY_OFFSET])
        if slot is None:
            return f"slot {number} does not verify after three acknowledgements"
        slots.append(slot)
    older, newer = sorted(slots, key=lambda each: each.generation)
    if newer.generation - older.generation != 1:
        return f"the slots have the generations {older.generation} and {newer.generation}"
    if (older.acknowledged_through, newer.acknowledged_through) != (2, 3):
        return (
            f"acknowledged one by one through 3, the slots say {older.acknowledged_through} and "
            f"{newer.acknowledged_through}, expected 2 and 3"
        )
    return ""


def _taken_names(adapter: Adapter, place: Path) -> str:
    """What has come into the directory since the log was opened is nobody's to write over."""
    log = Opened(adapter, place)
    log.append(1, 2)
    kept = {place / segment_name(number): b"somebody's %d\n" % number for number in (2, 3)}
    for path, text in kept.items():
        path.write_bytes(text)
    numbers = log.append(3, 4)
    if numbers != [3, 4]:
        return f"behind names that are taken the next two events have the numbers {numbers}"
    for path, text in kept.items():
        if not path.exists() or path.read_bytes() != text:
            return f"{path.name} was there, and was written over"
    return ""


RULES: Final[tuple[tuple[str, str, Rule], ...]] = (
    ("acknowledged-beyond-the-log", "ACK-2.1", _acknowledged_beyond),
    ("refused-event-takes-no-number", "WAL-1.3", _refused_event),
    ("batch-stays-in-its-file", "WAL-3.2", _batch_in_one_file),
    ("header-copies-and-salts", "FMT-4.1", _header_copies),
    ("slots-take-turns", "ACK-1.1", _slots),
    ("taken-names-are-left", "WAL-3.1", _taken_names),
    ("second-opener-is-refused", "DSK-1.3", _second_opener),
)  # fmt: skip


def try_contract(command: Sequence[str], only: Sequence[str] = ()) -> Iterator[RuleResult]:
    """Ask each rule, or those with these names, of a process of its own each.

    Raises AdapterError if one does not answer.
    """
    for name, requirement, rule in RULES:
        if only and name not in only:
            continue
        place = tempfile.TemporaryDirectory(prefix="procmond-contract-")
        with place as directory, Adapter(command) as adapter:
            yield _asked(adapter, Path(directory, "wal"), name, requirement, rule)


def _asked(adapter: Adapter, place: Path, name: str, requirement: str, rule: Rule) -> RuleResult:
    place.mkdir(mode=0o700)
    try:
        wrong = rule(adapter, place)
    except (Unsupported, Skipped) as skipped:
        return RuleResult(name, requirement, str(skipped), "skipped")
    except PortError as error:
        wrong = f"refused: {error}"
    except FileNotFoundError as error:
        wrong = f"there is no {error.filename}"
    return RuleResult(name, requirement, wrong, "failed" if wrong else "passed")
