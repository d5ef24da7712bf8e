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
from simulators.persistence import Operation, Profile
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
    is_all = legal.are_at_most(budget)
    for kept in legal if is_all else sample(legal, point.pending, budget, seed):
        if coverage is not None:
            coverage.explored += 1
        images: list[Image] = []
        for filling in fillings(point.previous):
            state = state_at(point, kept, filling)
            if state.image not in images:  # else no byte shows that was never written
                yield state
                images.append(state.image)


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
