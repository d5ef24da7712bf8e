"""Writes in flight when the power fails: cut at a byte, and what the rest of the sector shows.

Fault model. crash_states.py keeps whole granules. Here one write, or two, that the cut caught
in flight is kept in part: the first or the last so many of the bytes that the call wrote to the
granule arrived, and the rest shows

    old         what was there before
    zeros, garbage
    previous    what an earlier file left on the block (previous_content.py): appends only, for
                where the file itself was durable nothing earlier is left

With powersafe overwrite only bytes that the call wrote can be torn. Without it the rest of the
granule can be damaged too, bytes that were durable included.

Theory of operation. To keep the space small, only the last two pending writes of each file are
torn, each against three backgrounds: all else was kept, what was issued before was, and nothing
but sizes and names. Cuts: at both ends, one byte off them, and at the edges that the caller
names (a format's fields). A state is data: the set that was kept, and its filling followed by
the tears, as in `garbage 7:12:zeros`: of pending operation 7 twelve bytes arrived, with zeros
behind. `rebuilt` makes the directory from that again.

Not here: anything where the profile has no `torn_writes`: there are no such states.

Spec: SIM-2.12.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from simulators.crash_filesystem import CrashPoint
from simulators.crash_states import BUDGET, Coverage, CrashState, crash_states
from simulators.disk_image import FILLINGS, Image, content_after, fillings, names_after
from simulators.persistence import Kind, Operation, Profile, predecessors

TORN_WRITES_MAX: Final = 2
"""Of each file, the last so many."""
EDGES: Final = (4, 8, 16, 20, 28)
"""Where a frame of the log has its fields; the caller may name others."""
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

    def __str__(self) -> str:
        return f"{self.index}:{self.arrived}:{self.rest}"

    @classmethod
    def parse(cls, text: str) -> Tear:
        """Return the tear that this text is of."""
        index, arrived, rest = text.split(":")
        return cls(int(index), int(arrived), rest)


def all_states(
    point: CrashPoint, profile: Profile, *, budget: int = BUDGET, seed: int = 0,
    coverage: Coverage | None = None,
) -> Iterator[CrashState]:  # fmt: skip
    """Yield whole states, and torn ones where the profile has such."""
    yield from crash_states(point, profile, budget=budget, seed=seed, coverage=coverage)
    if profile.torn_writes:
        for state in torn_states(point, profile):
            if coverage is not None:
                coverage.torn += 1
            yield state


def torn_states(
    point: CrashPoint, profile: Profile, edges: Sequence[int] = EDGES
) -> Iterator[CrashState]:
    """Yield the states with one write in flight, and with two of different files."""
    masks = predecessors(point.pending, profile)
    candidates = _last_writes(point.pending)
    seen: set[frozenset[tuple[str, bytes]]] = set()

    def new(kept: int, *tears: Tear) -> Iterator[CrashState]:
        for base in fillings(point.previous):
            if len(tears) == 1 or all(tear.rest in (OLD, base) for tear in tears):
                filling = " ".join((base, *map(str, tears)))
                state = rebuilt(point, profile, kept, filling)
                key = frozenset(state.image.items())
                if key not in seen:
                    seen.add(key)
                    yield state

    for index in candidates:
        for kept in _backgrounds(point.pending, masks, (index,)):
            for arrived in _cuts(point.pending[index], edges):
                for rest in (OLD, *_rests(point, (index,))):
                    yield from new(kept, Tear(index, arrived, rest))
    for pair in itertools.combinations(candidates, 2):
        if point.pending[pair[0]].inode == point.pending[pair[1]].inode:
            continue
        for kept in _backgrounds(point.pending, masks, pair):
            for rest in _rests(point, pair):
                yield from new(kept, *(Tear(i, _half(point.pending[i]), rest) for i in pair))


def rebuilt(point: CrashPoint, profile: Profile, kept: int, filling: str) -> CrashState:
    """Return the state that these data describe, torn or whole: a plan is replayed from it."""
    base, *texts = filling.split()
    torn = {tear.index: tear for tear in map(Tear.parse, texts)}
    by_inode: dict[int, list[Operation]] = {}
    names: list[Operation] = []
    for index, operation in enumerate(point.pending):
        if operation.kind in (Kind.ADD, Kind.DELETE):
            if kept >> index & 1:
                names.append(operation)
            continue
        own = by_inode.setdefault(operation.inode, [])
        if index in torn:
            previous = point.previous.get(operation.inode, b"")
            own += _pieces(operation, torn[index], profile, previous)
        elif kept >> index & 1:
            own.append(operation)
    image: Image = {
        name: content_after(
            point.contents.get(inode, b""), by_inode.get(inode, ()), base,
            point.previous.get(inode, b""), point.holes.get(inode, ()),
        )
        for name, inode in names_after(point.names, names).items()
    }  # fmt: skip
    return CrashState(kept, filling, image)


# ---- One write --------------------------------------------------------------


def _pieces(
    operation: Operation, tear: Tear, profile: Profile, previous: bytes
) -> Iterator[Operation]:
    """Yield what became of a write in flight: first the rest, over it what arrived."""
    start, end = operation.touched
    if tear.rest != OLD:
        low, high = (start, end) if profile.powersafe_overwrite else (0, len(operation.data))
        blank = FILLINGS[tear.rest](operation.offset + high)
        if tear.rest == "previous":
            blank = previous[: len(blank)] + blank[len(previous) :]
        yield _part(operation, low, high, blank[operation.offset + low :])
    if tear.arrived < 0:
        start = max(start, end + tear.arrived)
    else:
        end = min(end, start + tear.arrived)
    yield _part(operation, start, end, operation.data[start:end])


def _part(operation: Operation, start: int, end: int, data: bytes) -> Operation:
    assert len(data) == end - start
    return replace(operation, offset=operation.offset + start, data=data)


def _cuts(operation: Operation, edges: Sequence[int]) -> Sequence[int]:
    length = operation.touched[1] - operation.touched[0]
    inside = sorted({0, 1, length // 2, length - 1, length, *edges} & set(range(length + 1)))
    return (*inside, *(each for each in (-1, -(length // 2)) if each))


def _rests(point: CrashPoint, in_flight: Sequence[int]) -> Sequence[str]:
    is_overwrite = any(point.pending[index].is_overwrite for index in in_flight)
    return fillings({} if is_overwrite else point.previous)


def _half(operation: Operation) -> int:
    return (operation.touched[1] - operation.touched[0]) // 2


# ---- Which writes, and what else was kept -----------------------------------


def _last_writes(operations: Sequence[Operation]) -> list[int]:
    """Return the indexes of the last writes of each file that no failed sync gave up."""
    found: dict[int, list[int]] = {}
    for index, operation in enumerate(operations):
        if operation.kind is Kind.WRITE and not operation.is_given_up:
            found.setdefault(operation.inode, []).append(index)
    return sorted(index for own in found.values() for index in own[-TORN_WRITES_MAX:])


def _backgrounds(
    operations: Sequence[Operation], masks: Sequence[int], in_flight: Sequence[int]
) -> Sequence[int]:
    """Return legal sets without the writes in flight but with all that comes before them."""
    never = sum(1 << index for index in in_flight)
    needed = 0
    for index in reversed(range(len(operations))):
        if (never | needed) >> index & 1:
            needed |= masks[index]
    for index in range(len(operations)):
        if masks[index] & never:
            never |= 1 << index
    if needed & never:
        return ()  # one of them has to be kept before the other
    everything = (1 << len(operations)) - 1
    small = sum(1 << i for i, o in enumerate(operations) if o.kind is not Kind.WRITE)
    before = (1 << min(in_flight)) - 1
    wanted = (everything, before | needed, small | needed)
    return list(dict.fromkeys(_closed(each & ~never, masks) for each in wanted))


def _closed(kept: int, masks: Sequence[int]) -> int:
    """Return the largest legal set inside `kept`: predecessors have lower indexes."""
    for index, mask in enumerate(masks):
        if kept >> index & 1 and mask & ~kept:
            kept &= ~(1 << index)
    return kept
