"""Explores what a program leaves at every crash, and what becomes of it: the engine.

    result = explore(workload, recover, check, profile)

Theory of operation. The workload runs once on a CrashFilesystem, which records the moments at
which the power may fail, and the promises that the workload had made by then (`mark`). The
different directories of each moment (distinct_states.py) are given to `recover`, and `check`
says whether what came back keeps the promises. What `recover` gives depends on the directory
alone, so it is asked once for each, or not at all where it is known that it would see no
difference (recovery_memory.py); what was promised depends on the moment, so each directory is
judged for each of its moments, and `check` is asked once for promises and answer.

Recovery writes, so the power may fail again: with `depth` above 1, `recover` itself runs on a
CrashFilesystem that is recorded, and every directory that a cut inside it can leave is
recovered in turn. A directory that was seen is not explored again.

Numbers are counted, not estimated: moments, legal sets, explored ones, distinct directories,
and how many of those recover to the same answer.

Not here: a program, an oracle (fault_injection and the tests bring them).

Spec: SIM-2.4, SIM-2.5.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from simulators.crash_filesystem import CrashFilesystem
from simulators.crash_point import CrashPoint
from simulators.crash_states import BUDGET, Coverage, state_at
from simulators.disk_image import Image
from simulators.distinct_states import DistinctState, distinct_states
from simulators.file_contents import Key, Numbers
from simulators.file_pieces import BuiltFiles
from simulators.persistence import Profile
from simulators.recovery_memory import RecoveryMemory
from simulators.torn_writes import torn_states

Answer = TypeVar("Answer", bound=Hashable)

VIOLATIONS_MAX: Final = 20
"""After so many the same mistake is only found again."""
VIOLATIONS_KEPT: Final = 1000
"""Of one moment, until the least are picked out."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise that was broken, and the plan that shows it again."""

    what: str
    step: str
    """The call at which the power failed; of a nested crash, the last one."""
    path: tuple[tuple[int, int, str], ...]
    """For each crash: which moment, which pending operations were kept, which filling.

    `state_at` (crash_states.py) makes the directory from each of these.
    """
    lost: int = 0
    """How many pending operations were not kept; of a nested crash, in the last one."""


@dataclass(slots=True)
class Exploration(Generic[Answer]):
    """What was looked at and what was found."""

    moments: int = 0
    legal: int = 0
    """Legal sets of pending operations, added up over the moments."""
    is_lower_bound: bool = False
    """There are more legal sets than `legal`: a moment had too many to be counted."""
    explored: int = 0
    """Legal sets whose directories were looked at, with every filling: built, or recognised
    as equal to one that was."""
    torn: int = 0
    """Besides: states with a write in flight."""
    distinct: int = 0
    """Directories, byte for byte."""
    nested: int = 0
    """Of those, left by a crash during recovery."""
    recoveries: int = 0
    """How often recovery ran."""
    checks: int = 0
    """Pairs of directory and promises that were judged, each once."""
    answers: set[Answer] = field(default_factory=set)
    violations: list[Violation] = field(default_factory=list)
    """Those of one moment in the order of what was lost: the first one needs the least."""

    @property
    def equivalents(self) -> int:
        """How many different answers recovery gave."""
        return len(self.answers)

    @property
    def distinct_ratio(self) -> float:
        """Distinct directories for each explored set. A set leaves one for each filling."""
        return self.distinct / self.explored if self.explored else 0.0

    @property
    def answer_ratio(self) -> float:
        """Different answers for each distinct directory."""
        return self.equivalents / self.distinct if self.distinct else 0.0

    def __str__(self) -> str:
        torn = f" and {self.torn:,} torn states" if self.torn else ""
        bound = "at least " if self.is_lower_bound else ""
        return (
            f"{self.moments} moments, explored {self.explored:,} of {bound}{_count(self.legal)} "
            f"legal sets{torn}, {self.distinct:,} distinct directories ({self.nested:,} nested; "
            f"{self.distinct_ratio:.3g} per set), {self.equivalents:,} different answers "
            f"({self.answer_ratio:.3g} per directory), {len(self.violations)} violations"
        )


def _count(number: int) -> str:
    """Return the number; one too long to read by its magnitude."""
    return f"{number:,}" if number < 10**12 else f"10^{len(str(number)) - 1}"


Workload = Callable[[CrashFilesystem], None]
Recover = Callable[[CrashFilesystem], Answer]
"""It sees the disk through its calls, or asks for `process_image`; and nothing else."""
Check = Callable[[list[object], Answer], str]
"""Given the promises made by then and the answer: what is wrong, or an empty text.

The same for the same two, whichever directory it is about.
"""
Path = tuple[tuple[int, int, str], ...]


def explore(
    workload: Workload,
    recover: Recover[Answer],
    check: Check[Answer],
    profile: Profile,
    *,
    budget: int = BUDGET,
    depth: int = 1,
    seed: int = 0,
    every_operation: bool = False,
    run_all: bool = False,
    earlier: Image | None = None,
) -> Exploration[Answer]:
    """Run the workload, fail the power everywhere, and recover from everything.

    Of a moment with more than `budget` legal sets a sample is explored, drawn from `seed`.
    `every_operation`: moments are not only where most is pending, but wherever anything
    changes. `run_all`: recovery runs on every directory and `check` on each of its answers, and
    none is recognised by what recovery reads of it. `earlier` files were deleted before: their
    bytes may show (previous_content.py).
    """
    disk = CrashFilesystem(profile, every_operation=every_operation, earlier=earlier)
    workload(disk)
    disk.end()
    engine = _Engine(recover, check, profile, budget, seed, every_operation, run_all, earlier)
    engine.result.violations = engine.explore(disk, disk.marks, depth, ())
    return engine.result


class _Engine(Generic[Answer]):
    def __init__(
        self, recover: Recover[Answer], check: Check[Answer], profile: Profile, budget: int,
        seed: int, every_operation: bool, run_all: bool, earlier: Image | None,
    ) -> None:  # fmt: skip
        self.result: Exploration[Answer] = Exploration()
        self._recover = recover
        self._check = check
        self._profile = profile
        self._budget = budget
        self._seed = seed
        self._every_operation = every_operation
        self._earlier = earlier
        self._run_all = run_all
        self._memory = RecoveryMemory(self._run, profile)
        self._numbers = Numbers()
        self._known: list[Answer] = []
        self._places: dict[Answer, int] = {}
        """Of each in `_known`: an answer is hashed once where recovery runs, not for each use."""
        self._answers: dict[Key, int] = {}
        self._verdicts: dict[tuple[int, int], str] = {}
        """How much was promised, and the answer, to what is wrong with it."""
        self._checked: dict[tuple[Key, int], int] = {}
        """Directory and how much was promised, to the depth at which that was explored."""

    def explore(
        self,
        disk: CrashFilesystem,
        promises: list[object],
        depth: int,
        path: Path,
    ) -> list[Violation]:
        """Look at every state of every moment of what `disk` recorded; return what is wrong.

        `promises`: all of the workload's; of a recovery, those that were made by then.
        """
        result = self.result
        violations: list[Violation] = []
        last: CrashPoint | None = None
        coverage = Coverage()
        for index, point in enumerate(disk.points):
            if last is None or not _is_same(point, last):
                coverage = Coverage()
                promised = promises if path else promises[: point.mark]
                found = self._explore_moment(point, promised, depth, (path, index), coverage)
                violations += _least(found)
            last = point
            result.moments += 1
            result.legal += coverage.legal
            result.explored += coverage.explored
            result.torn += coverage.torn
            result.is_lower_bound = result.is_lower_bound or coverage.is_lower_bound
            if len(violations) >= VIOLATIONS_MAX:
                break
        return violations[:VIOLATIONS_MAX]

    def _explore_moment(
        self,
        point: CrashPoint,
        promises: list[object],
        depth: int,
        place: tuple[Path, int],
        coverage: Coverage,
    ) -> list[Violation]:
        path, index = place
        violations: list[Violation] = []
        for state in self._states(point, coverage):
            pair = state.key, len(promises)
            if self._checked.get(pair, 0) >= depth:
                continue
            is_new = pair not in self._checked
            self._checked[pair] = depth
            answer, recovery = self._recovered(point, state, depth, is_nested=bool(path))
            here = (*path, (index, state.kept, state.filling))
            if is_new:
                self.result.checks += 1
                if wrong := self._judged(promises, answer):
                    lost = len(point.pending) - state.kept.bit_count()
                    violations.append(Violation(wrong, point.step, here, lost))
                    if len(violations) > VIOLATIONS_KEPT:
                        violations = _least(violations)
            if recovery is not None and len(violations) < VIOLATIONS_MAX:
                violations += self.explore(recovery, promises, depth - 1, here)
        return violations

    def _states(self, point: CrashPoint, coverage: Coverage) -> Iterator[DistinctState]:
        yield from distinct_states(
            point, self._profile, self._numbers,
            budget=self._budget, seed=self._seed, coverage=coverage,
        )  # fmt: skip
        for state in torn_states(point, self._profile, coverage=coverage):
            key = self._numbers.of_image(state.image)
            yield DistinctState(key, state.kept, state.filling, 1, BuiltFiles(state.image))

    def _recovered(
        self, point: CrashPoint, state: DistinctState, depth: int, *, is_nested: bool
    ) -> tuple[int, CrashFilesystem | None]:
        """Return which answer it was, and at a depth above 1 the disk that recorded recovery."""
        known = self._answers.get(state.key)
        if known is not None and depth == 1:
            return known, None

        def image() -> Image:
            return state_at(point, state.kept, state.filling).image

        recovery: CrashFilesystem | None = None
        if depth == 1 and not self._run_all:
            answer = self._memory.answer(state.files, state.kept, image)
        else:
            disk = CrashFilesystem(
                self._profile, image(), every_operation=self._every_operation and depth > 1,
                earlier=self._earlier,
            )  # fmt: skip
            answer = self._run(disk)
            if depth > 1:
                disk.end()
                recovery = disk
        if known is None:
            self._answers[state.key] = answer
            self.result.distinct += 1
            self.result.nested += is_nested
        return answer, recovery

    def _run(self, disk: CrashFilesystem) -> int:
        """Recover, and return which answer that gave."""
        answer = self._recover(disk)
        self.result.recoveries += 1
        place = self._places.setdefault(answer, len(self._places))
        if place == len(self._known):
            self._known.append(answer)
            self.result.answers.add(answer)
        return place

    def _judged(self, promises: list[object], answer: int) -> str:
        """Return what is wrong with the answer: it depends on nothing but the two."""
        asked = len(promises), answer
        verdict = None if self._run_all else self._verdicts.get(asked)
        if verdict is None:
            verdict = self._verdicts[asked] = self._check(promises, self._known[answer])
        return verdict


def _is_same(point: CrashPoint, other: CrashPoint) -> bool:
    """Whether both leave the same, and as much was promised."""
    return (
        point.mark == other.mark
        and point.pending == other.pending
        and point.names == other.names
        and point.contents == other.contents
        and point.previous == other.previous
        and point.holes == other.holes
    )


def _least(violations: list[Violation]) -> list[Violation]:
    """Return those that need the least to be lost, no more than are wanted."""
    return sorted(violations, key=lambda violation: violation.lost)[:VIOLATIONS_MAX]
