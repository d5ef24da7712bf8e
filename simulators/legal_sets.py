"""Which sets of pending operations a power cut may keep: counted before they are listed.

Theory of operation. The pending operations and what has to come before what (persistence.py)
make a graph. A legal set is closed downwards in it: with an operation it holds all that has to
come before. The graph falls into *parts* that have nothing to do with each other (granules of
one file, names); the legal sets of a part are listed, and those of the whole are their
combinations: their number is a product, known before anything is enumerated.

A set is a bit mask over the operations, in the order of issue.

Spec: SIM-2.4.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from simulators.persistence import Operation, Profile, predecessors

PART_SETS_MAX: Final = 1 << 16
"""Of a single part no more legal sets than about this are listed."""


@dataclass(frozen=True, slots=True)
class Part:
    """Operations that are tied to each other, and to no others."""

    mask: int
    sets: tuple[int, ...]
    """The legal ones, none and all included."""


class LegalSets:
    """The legal sets of some pending operations."""

    def __init__(self, operations: Sequence[Operation], profile: Profile) -> None:
        self._before = predecessors(operations, profile)
        self.everything = (1 << len(operations)) - 1
        self.parts = [self._part(members) for members in self._connected()]
        self.is_cut_short = any(len(part.sets) > PART_SETS_MAX for part in self.parts)
        """A part had too many to be listed: `count` is a lower bound."""
        self.count = math.prod(len(part.sets) for part in self.parts)

    def __iter__(self) -> Iterator[int]:
        for choice in itertools.product(*(part.sets for part in self.parts)):
            yield sum(choice)

    def are_at_most(self, budget: int) -> bool:
        """Whether all can be listed, within the budget."""
        return self.count <= budget and not self.is_cut_short

    def smallest_with(self) -> list[int]:
        """Return for each operation the smallest legal set that has it."""
        smallest: list[int] = []
        for index, before in enumerate(self._before):
            mask = 1 << index
            for other in bits(before):
                mask |= smallest[other]
            smallest.append(mask)
        return smallest

    def largest_without(self) -> list[int]:
        """Return for each operation the largest legal set that lacks it.

        The largest that lacks several is what theirs have in common.
        """
        needing = [1 << index for index in range(len(self._before))]
        for index in reversed(range(len(self._before))):  # all that need it come later
            for other in bits(self._before[index]):
                needing[other] |= needing[index]
        return [self.everything & ~mask for mask in needing]

    def _connected(self) -> Iterator[list[int]]:
        """Yield the indexes of each part, in the order of issue."""
        parent = list(range(len(self._before)))

        def root(index: int) -> int:
            while parent[index] != index:
                parent[index] = parent[parent[index]]
                index = parent[index]
            return index

        for index, mask in enumerate(self._before):
            for before in bits(mask):
                parent[root(index)] = root(before)
        groups: dict[int, list[int]] = {}
        for index in range(len(self._before)):
            groups.setdefault(root(index), []).append(index)
        yield from groups.values()

    def _part(self, members: Sequence[int]) -> Part:
        whole = sum(1 << each for each in members)
        sets = [0]
        for index in members:  # in the order of issue: what has to come before is there
            before = self._before[index]
            sets += [each | 1 << index for each in sets if before & ~each == 0]
            if len(sets) > PART_SETS_MAX:
                return Part(whole, (*sets, whole))  # what came before this index, and everything
        return Part(whole, tuple(sets))


def closed(wanted: int, before: Sequence[int], *, grow: bool) -> int:
    """Return the legal set nearest to the wanted one: what it needs is added, or what cannot be
    without what it lacks is dropped.

    `before` is that of `predecessors`: all that has to come before an operation stands before it.
    """
    kept = wanted
    order = range(len(before))
    for index in reversed(order) if grow else order:
        if kept >> index & 1 and before[index] & ~kept:
            kept = kept | before[index] if grow else kept & ~(1 << index)
    return kept


def bits(mask: int) -> Iterator[int]:
    """Yield the indexes of the bits that are set, lowest first."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest
