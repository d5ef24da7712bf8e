"""The different directories of one moment, found without building those that are equal.

Theory of operation. Of what is pending, names and sizes *decide*: which files there are and
where they end. Parts that hold only writes to one file are *loose*: once it is decided where
the file ends, each of them changes its own granules and nothing else. So for one decision and
one filling

    the contents of a file     are the combinations of the contents that its loose parts give
    the directories            are the combinations of the contents of the files that have names

and equal ones are seen where they arise: of the legal sets of a loose part those are one
that leave the same bytes (behind the end of the file; zeros over zeros), and a file without a
name does not matter. What is walked is the product of what differs, not of the legal sets;
how many of them each directory stands for is a product too, and counted exactly.

Names and contents are numbered (`Numbers`), so that directories of different moments can be
compared as a few small integers. `state_at` (crash_states.py) builds one when it is wanted.

Spec: SIM-2.4.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from simulators.crash_filesystem import CrashFilesystem
from simulators.crash_point import CrashPoint
from simulators.crash_sampling import sample
from simulators.crash_states import BUDGET, Coverage
from simulators.disk_image import fillings, names_after
from simulators.file_contents import FileContents, Key, Numbers
from simulators.file_pieces import Files, UnbuiltFiles
from simulators.legal_sets import LegalSets, Part, bits
from simulators.persistence import Kind, Operation, Profile

LOOSE_SETS_MAX: Final = 64
"""A part with more (writes that wait for one other) decides too: each set is built."""


class DistinctState(NamedTuple):
    """A directory that a cut may leave, and one way to get it (crash_states.state_at).

    Most keys come once, but not all: two decisions or two fillings may leave the same bytes.
    """

    key: Key
    kept: int
    """Of the legal sets that leave it, one that keeps the most."""
    filling: str
    sets: int
    """How many of the legal sets leave it, with this filling."""
    files: Files
    """What is in it, for who need not build it: the files of this and its likes, by `kept`."""


def distinct_states(
    point: CrashPoint, profile: Profile, numbers: Numbers, *, budget: int = BUDGET, seed: int = 0,
    coverage: Coverage | None = None,
) -> Iterator[DistinctState]:  # fmt: skip
    """Yield what `crash_states` would build, equal directories recognised."""
    legal = LegalSets(point.pending, profile)
    moment = _Moment(point, legal, numbers)
    coverage = Coverage() if coverage is None else coverage
    coverage.add(legal)
    if legal.are_at_most(budget):
        coverage.explored += legal.count
        yield from moment.all_states()
        return
    for kept in sample(legal, point.pending, budget, seed):
        coverage.explored += 1
        yield from moment.states(kept)


def distinct_cuts(
    disk: CrashFilesystem, *, budget: int = BUDGET, seed: int = 0, first: int = 0
) -> Iterator[tuple[int, DistinctState]]:
    """Yield the cuts from moment `first` on, each with its moment, and no directory twice.

    The same directory is another one once more was promised. None is built (`state_at` does).
    """
    numbers = Numbers()
    seen: set[tuple[int, Key]] = set()
    for moment in range(first, len(disk.points)):
        point = disk.points[moment]
        for state in distinct_states(point, disk.profile, numbers, budget=budget, seed=seed):
            if (point.mark, state.key) not in seen:
                seen.add((point.mark, state.key))
                yield moment, state


class _Alike(NamedTuple):
    """The directories of one decision and one filling."""

    names: int
    contents: Sequence[FileContents]
    """Of each name."""
    files: Files


class _Moment:
    """One crash point, taken apart into what decides and what is loose."""

    def __init__(self, point: CrashPoint, legal: LegalSets, numbers: Numbers) -> None:
        self._point = point
        self._numbers = numbers
        self._fillings = fillings(point.previous)
        self._names = 0
        self._own: dict[int, int] = {}
        """Inode: the operations on its bytes and its size."""
        for index, operation in enumerate(point.pending):
            if operation.is_name:
                self._names |= 1 << index
            else:
                self._own[operation.inode] = self._own.get(operation.inode, 0) | 1 << index
        self._loose: dict[int, list[Part]] = {}
        self._deciding: list[Part] = []
        for part in legal.parts:
            chosen = self._operations(part.mask)
            inode = chosen[0].inode
            if len(part.sets) <= LOOSE_SETS_MAX and all(
                each.kind is Kind.WRITE and each.inode == inode for each in chosen
            ):
                self._loose.setdefault(inode, []).append(part)
            else:
                self._deciding.append(part)
        self._decides = sum(part.mask for part in self._deciding)
        self._files: dict[tuple[int, int, str], FileContents] = {}
        self._directories: dict[int, dict[str, int]] = {}
        self._decided: dict[tuple[int, str], _Alike] = {}

    def all_states(self) -> Iterator[DistinctState]:
        """Yield every state: decisions, and for each the product of the files' contents."""
        for decision, (most, count) in self._decisions().items():
            directory = self._directory(decision)
            present = sorted(set(directory.values()))
            places = [present.index(inode) for inode in directory.values()]
            absent = [p for i, parts in self._loose.items() if i not in present for p in parts]
            sets = count * math.prod(len(part.sets) for part in absent)
            kept = most | sum(part.mask for part in absent)
            for filling in self._fillings:
                alike = self._alike(decision, filling)
                choices = [self._file(inode, decision, filling).choices() for inode in present]
                for choice in itertools.product(*choices):
                    together, times = kept, sets
                    for each in choice:
                        together |= each.kept
                        times *= each.sets
                    key = (alike.names, *[choice[place].number for place in places])
                    yield DistinctState(key, together, filling, times, alike.files)

    def states(self, kept: int) -> Iterator[DistinctState]:
        """Yield the states of one legal set."""
        for filling in self._fillings:
            alike = self._alike(kept, filling)
            key = (alike.names, *[each.number(kept) for each in alike.contents])
            yield DistinctState(key, kept, filling, 1, alike.files)

    def _decisions(self) -> dict[int, tuple[int, int]]:
        """Return what may be decided: the operations that matter, to a set with most, and count.

        What becomes of a file without a name does not matter.
        """
        decisions: dict[int, tuple[int, int]] = {}
        for choice in itertools.product(*(part.sets for part in self._deciding)):
            decided = sum(choice)
            matters = self._names
            for inode in self._directory(decided).values():
                matters |= self._own.get(inode, 0)
            most, sets = decisions.get(decided & matters, (decided, 0))
            decisions[decided & matters] = max(most, decided, key=int.bit_count), sets + 1
        return decisions

    def _directory(self, kept: int) -> dict[str, int]:
        """Return name to inode, in alphabetical order."""
        kept &= self._names
        found = self._directories.get(kept)
        if found is None:
            names = names_after(self._point.names, self._operations(kept))
            found = self._directories[kept] = dict(sorted(names.items()))
        return found

    def _alike(self, kept: int, filling: str) -> _Alike:
        """Return what the directories after this decision have in common."""
        decided = kept & self._decides, filling
        found = self._decided.get(decided)
        if found is None:
            directory = self._directory(kept)
            contents = {name: self._file(inode, kept, filling) for name, inode in directory.items()}
            found = self._decided[decided] = _Alike(
                self._numbers.of_names(list(directory)),
                list(contents.values()),
                UnbuiltFiles.of(contents),
            )
        return found

    def _file(self, inode: int, kept: int, filling: str) -> FileContents:
        decided = kept & self._decides & self._own.get(inode, 0)
        key = inode, decided, filling
        found = self._files.get(key)
        if found is None:
            durable = self._point.contents.get(inode, b"")
            own = {index: self._point.pending[index] for index in bits(self._own.get(inode, 0))}
            loose = self._loose.get(inode, [])
            found = self._files[key] = FileContents(
                durable, own, decided, loose, filling, self._numbers,
                self._point.previous.get(inode, b""), self._point.holes.get(inode, ()),
            )  # fmt: skip
        return found

    def _operations(self, kept: int) -> list[Operation]:
        return [self._point.pending[index] for index in bits(kept)]
