"""Every state that a power cut may leave at one moment: counted, listed, or sampled honestly.

Theory of operation. The pending operations and what has to come before what (persistence.py)
make a graph. A legal set of kept operations is closed downwards in it. The graph falls into
parts that have nothing to do with each other (granules of one file, names); the legal sets of
a part are listed, and those of the whole are their combinations: their number is a product,
known before anything is enumerated.

    legal sets <= budget     all of them
    else                     none, all, prefixes in the order of issue; all but a part, a part
                             alone; and combinations drawn from a seed, to the budget

A state is a set and a filling for bytes that were never written (disk_image.py). Two sets may
give the same directory; that is for the explorer to see.

Spec: SIM-2.4.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from simulators.crash_filesystem import CrashPoint
from simulators.disk_image import Image, content_after, fillings, names_after
from simulators.persistence import Kind, Operation, Profile, predecessors
from simulators.tears import parse_filling, pieces

BUDGET: Final = 4096
PART_SETS_MAX: Final = 1 << 16
"""Of a single part no more legal sets than about this are listed."""
PART_SETS_TELLING: Final = 4


@dataclass(frozen=True, slots=True)
class CrashState:
    """One directory that a cut may leave, and how to get it again."""

    kept: int
    """Bit mask over the pending operations."""
    filling: str
    image: Image


@dataclass(slots=True)
class Coverage:
    """How much of what is legal was looked at."""

    legal: int = 0
    explored: int = 0
    is_lower_bound: bool = False
    """`legal` leaves some out: a part had too many to be listed."""
    torn: int = 0
    """Directories with a write in flight (torn_writes.py), which `explored` does not count."""


def crash_states(
    point: CrashPoint, profile: Profile, *, budget: int = BUDGET, seed: int = 0,
    coverage: Coverage | None = None,
) -> Iterator[CrashState]:  # fmt: skip
    """Yield the states of this moment, all if there are at most `budget` legal sets."""
    operations = point.pending
    parts = [_legal_sets(part, masks) for part, masks in _parts(operations, profile)]
    is_cut_short = any(len(sets) > PART_SETS_MAX for sets in parts)
    legal = math.prod(len(sets) for sets in parts)
    sets = _all(parts) if legal <= budget else _sample(parts, operations, budget, seed)
    files = _Files(point)
    if coverage is not None:
        coverage.legal += legal
        coverage.is_lower_bound = coverage.is_lower_bound or is_cut_short
    for kept in sets:
        if coverage is not None:
            coverage.explored += 1
        yield from files.states(kept)


def state_at(point: CrashPoint, kept: int, filling: str) -> CrashState:
    """Return one state by what a violation's path says of it. Nothing is enumerated.

    Names are in alphabetical order: equal directories are listed alike. Writes in flight stand
    behind the filling (tears.py).
    """
    base, torn = parse_filling(filling)
    by_inode: dict[int, list[Operation]] = {}
    for index, operation in enumerate(point.pending):
        own = by_inode.setdefault(operation.inode, [])
        if index in torn:
            own += pieces(operation, torn[index], point.previous.get(operation.inode, b""))
        elif kept >> index & 1:
            own.append(operation)
    chosen = [each for index, each in enumerate(point.pending) if kept >> index & 1]
    image: Image = {}
    for name, inode in sorted(names_after(point.names, chosen).items()):
        durable, own = point.contents.get(inode, b""), by_inode.get(inode, [])
        previous, holes = point.previous.get(inode, b""), point.holes.get(inode, ())
        image[name] = content_after(durable, own, base, previous, holes)
    return CrashState(kept, filling, image)


# ---- Legal sets -------------------------------------------------------------


def _parts(operations: Sequence[Operation], profile: Profile) -> list[tuple[list[int], list[int]]]:
    """Return the connected parts: indexes, and the predecessors of each index."""
    masks = predecessors(operations, profile)
    parent = list(range(len(operations)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    for index, mask in enumerate(masks):
        for before in range(len(operations)):
            if mask >> before & 1:
                parent[root(index)] = root(before)
    groups: dict[int, list[int]] = {}
    for index in range(len(operations)):
        groups.setdefault(root(index), []).append(index)
    return [(group, masks) for group in groups.values()]


def _legal_sets(part: Sequence[int], masks: Sequence[int]) -> list[int]:
    """Return the downward closed sets of one part as masks, none and all included."""
    sets = [0]
    for index in part:  # in the order of issue: predecessors come first
        sets += [each | 1 << index for each in sets if masks[index] & ~each == 0]
        if len(sets) > PART_SETS_MAX:
            whole = sum(1 << each for each in part)
            return [*sets, whole]  # what came before this index, and everything
    return sets


def _all(parts: Sequence[Sequence[int]]) -> Iterator[int]:
    for choice in itertools.product(*parts):
        yield sum(choice)


def _sample(
    parts: Sequence[Sequence[int]], operations: Sequence[Operation], budget: int, seed: int
) -> Iterator[int]:
    """Yield different legal sets: the telling ones first, then what a seed draws."""
    everything = (1 << len(operations)) - 1
    seen: set[int] = set()

    def telling() -> Iterator[int]:
        yield 0
        yield everything
        # A prefix in the order of issue is always legal. They may take half of the budget.
        step = 1 + 2 * len(operations) // budget
        for index in range(0, len(operations), step):
            yield (1 << index) - 1
        for part in parts[:: 1 + 8 * len(parts) // budget]:
            whole = max(part, key=int.bit_count)
            for each in part[:PART_SETS_TELLING]:
                yield everything & ~whole | each
                yield each

    source = random.Random(seed)
    drawn = (sum(source.choice(part) for part in parts) for _ in range(4 * budget))
    for kept in itertools.chain(telling(), drawn):
        if len(seen) >= budget:
            return
        if kept not in seen:
            seen.add(kept)
            yield kept


# ---- Directories ------------------------------------------------------------


class _Files:
    """Builds directories of one moment; a file's content is made once for each of its sets."""

    def __init__(self, point: CrashPoint) -> None:
        self._point = point
        self._by_inode: dict[int, int] = {}
        self._names = 0
        self._fillings = fillings(point.previous)
        for index, operation in enumerate(point.pending):
            if operation.kind in (Kind.ADD, Kind.DELETE):
                self._names |= 1 << index
            else:
                known = self._by_inode.get(operation.inode, 0)
                self._by_inode[operation.inode] = known | 1 << index
        self._contents: dict[tuple[int, int, str], bytes] = {}
        self._directories: dict[int, dict[str, int]] = {}

    def states(self, kept: int) -> Iterator[CrashState]:
        """Yield one state, or one for each filling if some bytes were never written."""
        seen: list[Image] = []
        for filling in self._fillings:
            image = {
                name: self._content(inode, kept, filling)
                for name, inode in self._directory(kept & self._names).items()
            }
            if image not in seen:
                seen.append(image)
                yield CrashState(kept, filling, image)

    def _directory(self, kept: int) -> dict[str, int]:
        found = self._directories.get(kept)
        if found is None:
            found = self._directories[kept] = names_after(self._point.names, self._chosen(kept))
        return found

    def _content(self, inode: int, kept: int, filling: str) -> bytes:
        own = kept & self._by_inode.get(inode, 0)
        key = inode, own, filling
        found = self._contents.get(key)
        if found is None:
            durable = self._point.contents.get(inode, b"")
            previous = self._point.previous.get(inode, b"")
            holes = self._point.holes.get(inode, ())
            found = content_after(durable, self._chosen(own), filling, previous, holes)
            self._contents[key] = found
        return found

    def _chosen(self, kept: int) -> list[Operation]:
        return [o for index, o in enumerate(self._point.pending) if kept >> index & 1]
