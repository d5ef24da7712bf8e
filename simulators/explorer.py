"""Explores what a program leaves at every crash, and what becomes of it: the engine.

    result = explore(workload, recover, check, profile)

Theory of operation. The workload runs once on a CrashFilesystem, which records every moment
at which the power may fail, and the promises that the workload had made by then (`mark`).
Each legal directory of each moment is given to `recover`, and `check` says whether what came
back keeps the promises. What `recover` gives depends on the directory alone, so it is asked
once for each; what was promised depends on the moment, so `check` is asked for each pair.

Recovery writes, so the power may fail again: with `depth` above 1, `recover` itself runs on a
CrashFilesystem, and every directory that a cut inside it can leave is recovered in turn. A
directory that was seen is not explored again.

Numbers are counted, not estimated: moments, legal sets, explored ones, distinct directories,
and how many of those recover to the same answer.

Not here: a program, an oracle (fault_injection and the tests bring them).

Spec: SIM-2.4, SIM-2.5.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from simulators.crash_filesystem import CrashFilesystem
from simulators.crash_states import BUDGET, Coverage
from simulators.disk_image import Image
from simulators.persistence import Profile
from simulators.torn_writes import all_states

Answer = TypeVar("Answer", bound=Hashable)

VIOLATIONS_MAX: Final = 20
"""After so many the same mistake is only found again."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise that was broken, and the plan that shows it again."""

    what: str
    step: str
    """The call at which the power failed; of a nested crash, the last one."""
    path: tuple[tuple[int, int, str], ...]
    """For each crash: which moment, which pending operations were kept, which filling."""


@dataclass(slots=True)
class Exploration(Generic[Answer]):
    """What was looked at and what was found."""

    moments: int = 0
    legal: int = 0
    is_lower_bound: bool = False
    """There are more legal sets than `legal`: a moment had too many to be counted."""
    explored: int = 0
    torn: int = 0
    """Besides those: directories with a write in flight."""
    distinct: int = 0
    """Directories, byte for byte."""
    nested: int = 0
    """Of those, left by a crash during recovery."""
    checks: int = 0
    answers: set[Answer] = field(default_factory=set)
    violations: list[Violation] = field(default_factory=list)

    @property
    def equivalents(self) -> int:
        """How many different answers recovery gave."""
        return len(self.answers)

    def __str__(self) -> str:
        torn = f" and {self.torn:,} torn states" if self.torn else ""
        bound = "at least " if self.is_lower_bound else ""
        return (
            f"{self.moments} moments, explored {self.explored:,} of {bound}{_count(self.legal)} "
            f"legal sets{torn}, {self.distinct:,} distinct directories ({self.nested:,} nested), "
            f"{self.equivalents:,} different answers, {len(self.violations)} violations"
        )


def _count(number: int) -> str:
    """Return the number; one too long to read by its magnitude."""
    return f"{number:,}" if number < 10**12 else f"10^{len(str(number)) - 1}"


Workload = Callable[[CrashFilesystem], None]
Recover = Callable[[CrashFilesystem], Answer]
Check = Callable[[list[object], Answer], str]
"""Given the promises made by then and the answer: what is wrong, or an empty text."""


def explore(
    workload: Workload,
    recover: Recover[Answer],
    check: Check[Answer],
    profile: Profile,
    *,
    budget: int = BUDGET,
    depth: int = 1,
    seed: int = 0,
    earlier: Image | None = None,
) -> Exploration[Answer]:
    """Run the workload, fail the power everywhere, and recover from everything.

    `earlier` files were deleted before: their bytes may show (previous_content.py).
    """
    disk = CrashFilesystem(profile, earlier=earlier)
    workload(disk)
    disk.end()
    engine = _Engine(recover, check, profile, budget, seed, earlier)
    engine.explore(disk, disk.marks, depth, ())
    return engine.result


class _Engine(Generic[Answer]):
    def __init__(
        self, recover: Recover[Answer], check: Check[Answer], profile: Profile, budget: int,
        seed: int, earlier: Image | None,
    ) -> None:  # fmt: skip
        self.result: Exploration[Answer] = Exploration()
        self._recover = recover
        self._check = check
        self._profile = profile
        self._budget = budget
        self._seed = seed
        self._earlier = earlier
        self._known: dict[Hashable, tuple[Answer, CrashFilesystem]] = {}
        self._checked: set[tuple[Hashable, int, int]] = set()

    def explore(
        self,
        disk: CrashFilesystem,
        promises: list[object],
        depth: int,
        path: tuple[tuple[int, int, str], ...],
        fixed_marks: int | None = None,
    ) -> None:
        """Look at every state of every moment of what `disk` recorded."""
        result = self.result
        coverage = Coverage()
        for index, point in enumerate(disk.points):
            result.moments += 1
            marks = point.mark if fixed_marks is None else fixed_marks
            for state in all_states(
                point, self._profile, budget=self._budget, seed=self._seed, coverage=coverage
            ):
                key = frozenset(state.image.items())
                here = (*path, (index, state.kept, state.filling))
                if (key, marks, depth) in self._checked:
                    continue
                self._checked.add((key, marks, depth))
                answer, recovery = self._recovered(key, state.image, is_nested=bool(path))
                result.checks += 1
                wrong = self._check(promises[:marks], answer)
                if wrong:
                    result.violations.append(Violation(wrong, point.step, here))
                    if len(result.violations) >= VIOLATIONS_MAX:
                        break
                if depth > 1:
                    self.explore(recovery, promises, depth - 1, here, marks)
            if len(result.violations) >= VIOLATIONS_MAX:
                break
        result.legal += coverage.legal
        result.is_lower_bound = result.is_lower_bound or coverage.is_lower_bound
        result.explored += coverage.explored
        result.torn += coverage.torn

    def _recovered(
        self, key: Hashable, image: Image, *, is_nested: bool
    ) -> tuple[Answer, CrashFilesystem]:
        found = self._known.get(key)
        if found is None:
            disk = CrashFilesystem(self._profile, image, earlier=self._earlier)
            answer = self._recover(disk)
            disk.end()
            found = self._known[key] = answer, disk
            self.result.distinct += 1
            self.result.nested += is_nested
            self.result.answers.add(answer)
        return found
