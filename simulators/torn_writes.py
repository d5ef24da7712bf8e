"""Which states have a write in flight: a few that tell, of a space that is too large.

Fault model. crash_states.py keeps whole granules. Here one write, or two of different files,
that the cut caught in flight is kept in part; tears.py says what that leaves. Only profiles with
`torn_writes` have such states.

Theory of operation. To keep the space small, only the last two pending writes of each file are
torn, each against three backgrounds: all else was kept, what was issued before was, and nothing
but sizes and names. Cuts: at both ends, one byte off them, in the middle, and at the edges that
the caller names (a format's fields). The bytes of an earlier file are the rest of appends only:
where the file itself was durable nothing earlier is left.

Spec: SIM-2.12.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Final

from simulators.crash_point import CrashPoint
from simulators.crash_states import Coverage, CrashState, state_at
from simulators.disk_image import fillings
from simulators.legal_sets import closed
from simulators.persistence import Kind, Operation, Profile, predecessors
from simulators.tears import OLD, Tear

TORN_WRITES_MAX: Final = 2
"""Of each file, the last so many."""
EDGES: Final = (4, 8, 16, 20, 28)
"""Where a frame of the log has its fields; the caller may name others."""


def torn_states(
    point: CrashPoint, profile: Profile, *, edges: Sequence[int] = EDGES,
    coverage: Coverage | None = None,
) -> Iterator[CrashState]:  # fmt: skip
    """Yield the states with one write in flight, and with two of different files."""
    if not profile.torn_writes:
        return
    before = predecessors(point.pending, profile)
    candidates = _last_writes(point.pending)
    seen: set[frozenset[tuple[str, bytes]]] = set()

    def new(kept: int, *tears: Tear) -> Iterator[CrashState]:
        for base in fillings(point.previous):
            if len(tears) == 1 or all(tear.rest in (OLD, base) for tear in tears):
                filling = " ".join((base, *map(str, tears)))
                state = state_at(point, kept, filling)
                key = frozenset(state.image.items())
                if key not in seen:
                    seen.add(key)
                    if coverage is not None:
                        coverage.torn += 1
                    yield state

    is_wide = not profile.powersafe_overwrite
    for index in candidates:
        for kept in _backgrounds(point.pending, before, (index,)):
            for arrived in _cuts(point.pending[index], edges):
                for rest in (OLD, *_rests(point, (index,))):
                    yield from new(kept, Tear(index, arrived, rest, is_wide))
    for pair in itertools.combinations(candidates, 2):
        if point.pending[pair[0]].inode == point.pending[pair[1]].inode:
            continue
        for kept in _backgrounds(point.pending, before, pair):
            for rest in _rests(point, pair):
                yield from new(
                    kept, *(Tear(i, _half(point.pending[i]), rest, is_wide) for i in pair)
                )


# ---- One write --------------------------------------------------------------


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
    operations: Sequence[Operation], before: Sequence[int], in_flight: Sequence[int]
) -> Sequence[int]:
    """Return legal sets without the writes in flight but with all that comes before them."""
    flying = sum(1 << index for index in in_flight)
    everything = (1 << len(operations)) - 1
    without = closed(everything & ~flying, before, grow=False)
    needed = closed(flying, before, grow=True) & ~flying
    if needed & ~without:
        return ()  # one of them has to be kept before the other
    small = sum(1 << i for i, o in enumerate(operations) if o.kind is not Kind.WRITE)
    earlier = (1 << min(in_flight)) - 1
    wanted = (everything, earlier | needed, small | needed)
    return list(dict.fromkeys(closed(each & without, before, grow=False) for each in wanted))
