"""Every state that a power cut may leave at one moment: listed one by one, or sampled honestly.

    legal sets <= budget     all of them (legal_sets.py)
    else                     the telling ones, then what a seed draws (crash_sampling.py)

A state is a set and a filling for bytes that were never written (disk_image.py). Two sets may
give the same directory: distinct_states.py sees that without building either. This is the
plain way, with which that one is compared.

Spec: SIM-2.4.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from simulators.crash_point import CrashPoint
from simulators.crash_sampling import sample
from simulators.disk_image import Image, content_after, fillings, names_after
from simulators.legal_sets import LegalSets
from simulators.persistence import Kind, Operation, Profile
from simulators.tears import parse_filling, pieces

BUDGET: Final = 4096


@dataclass(frozen=True, slots=True)
class CrashState:
    """One directory that a cut may leave, and how to get it again."""

    kept: int
    """Bit mask over the pending operations."""
    filling: str
    image: Image


@dataclass(slots=True)
class Coverage:
    """How much of what is legal was looked at: legal sets, whatever directories they give."""

    legal: int = 0
    explored: int = 0
    is_lower_bound: bool = False
    """`legal` leaves some out: a part had too many to be listed."""
    torn: int = 0
    """Directories with a write in flight (torn_writes.py), which `explored` does not count."""

    def add(self, legal: LegalSets) -> None:
        """Count the legal sets of a moment; `explored` is for whoever looks at them."""
        self.legal += legal.count
        self.is_lower_bound = self.is_lower_bound or legal.is_cut_short


def crash_states(
    point: CrashPoint, profile: Profile, *, budget: int = BUDGET, seed: int = 0,
    coverage: Coverage | None = None,
) -> Iterator[CrashState]:  # fmt: skip
    """Yield the states of this moment, all if there are at most `budget` legal sets."""
    legal = LegalSets(point.pending, profile)
    if coverage is not None:
        coverage.add(legal)
    files = _Files(point)
    is_all = legal.are_at_most(budget)
    for kept in legal if is_all else sample(legal, point.pending, budget, seed):
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


class _Files:
    """Builds directories of one moment; a file's content is made once for each of its sets."""

    def __init__(self, point: CrashPoint) -> None:
        self._point = point
        self._by_inode: dict[int, int] = {}
        self._names = 0
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
        earlier: list[Image] = []
        for filling in fillings(self._point.previous):
            image = {
                name: self._content(inode, kept, filling)
                for name, inode in self._directory(kept & self._names).items()
            }
            if image not in earlier:
                yield CrashState(kept, filling, image)
                earlier.append(image)

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
