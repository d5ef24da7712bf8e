"""One write in flight when the power failed: cut at a byte, and what the rest shows.

Fault model. The first or the last so many of the bytes that the call wrote to a granule arrived,
and the rest shows

    old               what was there before
    zeros, garbage
    previous          what an earlier file left on the block (previous_content.py)

With powersafe overwrite the rest is that of the call's own bytes. Without it (`wide`) the rest of
the granule can be damaged too, bytes that were durable included.

A tear is data, a text such as `7:12:zeros`: of pending operation 7 twelve bytes arrived, and the
rest are zeros; `7:-12:old:wide` has the last twelve, and the whole granule at stake. A state's
filling is followed by its tears: `garbage 7:12:zeros`.

Spec: SIM-2.12.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from simulators.disk_image import blank_bytes
from simulators.persistence import Operation

OLD: Final = "old"


@dataclass(frozen=True, slots=True)
class Tear:
    """One write in flight."""

    index: int
    """Which of the pending operations."""
    arrived: int
    """So many of the bytes that the call wrote are on the medium; negative: the last so many."""
    rest: str
    """`old`, or a filling."""
    is_wide: bool = False
    """The rest is that of the granule, not only of what the call wrote."""

    def __str__(self) -> str:
        wide = ":wide" if self.is_wide else ""
        return f"{self.index}:{self.arrived}:{self.rest}{wide}"

    @classmethod
    def parse(cls, text: str) -> Tear:
        """Return the tear that this text is of."""
        index, arrived, rest, *wide = text.split(":")
        return cls(int(index), int(arrived), rest, bool(wide))


def parse_filling(text: str) -> tuple[str, dict[int, Tear]]:
    """Return the filling of a state and its tears by the index of the operation."""
    filling, *texts = text.split()
    return filling, {tear.index: tear for tear in map(Tear.parse, texts)}


def pieces(operation: Operation, tear: Tear, previous: bytes) -> Iterator[Operation]:
    """Yield what became of a write in flight: first the rest, over it what arrived."""
    start, end = operation.touched
    if tear.rest != OLD:
        low, high = (0, len(operation.data)) if tear.is_wide else (start, end)
        blank = blank_bytes(tear.rest, operation.offset + high, previous)
        yield _part(operation, low, high, blank[operation.offset + low :])
    if tear.arrived < 0:
        start = max(start, end + tear.arrived)
    else:
        end = min(end, start + tear.arrived)
    yield _part(operation, start, end, operation.data[start:end])


def _part(operation: Operation, start: int, end: int, data: bytes) -> Operation:
    assert len(data) == end - start
    return replace(operation, offset=operation.offset + start, data=data)
