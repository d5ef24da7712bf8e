"""Makes a failing plan small: steps are left out, numbers made small, while it still fails.

A plan fails in the same way if the same invariant is broken. For a case that was explored
the steps are those before the crash; what crash shows it is looked for anew each time, since
moments have other numbers once a step is gone. In the end the cut is made as harmless as it
can be: what is lost in it is needed for the failure.

Deterministic, and bounded by a number of attempts: a plan that is not the smallest is still
a plan. Spec: SCN-1.5.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from fault_injection.cases import Case, CaseResult, execute
from fault_injection.cuts import image_after, moment_of
from fault_injection.errors import PlanError
from fault_injection.invariants import Broken
from fault_injection.log_run import LogRun
from fault_injection.log_steps import PowerCut
from fault_injection.plan import Plan, Step
from fault_injection.subject import LogSubject

ATTEMPTS_MAX: Final = 400
BUDGET_MAX: Final = 200
"""Of legal sets in a moment, while shrinking."""
BITS_MAX: Final = 96
"""Of a cut with more pending operations the rest is left as it is."""


@dataclass(frozen=True, slots=True)
class Shrunk:
    """The smallest plan that was found."""

    plan: Plan
    broken: Broken
    attempts: int
    steps_before: int


def shrink(
    case: Case, found: CaseResult, subject: LogSubject, attempts_max: int = ATTEMPTS_MAX
) -> Shrunk:
    """Return a small plan that breaks the same invariant as `found` does."""
    assert found.failing is not None
    assert found.broken is not None
    search = _Search(case, found.failing, found.broken, subject, attempts_max)
    search.leave_out_steps()
    search.make_numbers_small()
    search.keep_what_does_not_matter()
    return Shrunk(search.plan, search.broken, search.attempts, len(found.failing.steps))


class _Search:
    def __init__(
        self, case: Case, plan: Plan, broken: Broken, subject: LogSubject, attempts_max: int
    ) -> None:
        self.plan = plan
        self.broken = broken
        self.attempts = 0
        self._attempts_max = attempts_max
        self._case = replace(case, budget=min(case.budget, BUDGET_MAX))
        self._subject = subject
        self._base = case.plan if case.budget else plan
        """What steps are taken from."""

    def leave_out_steps(self) -> None:
        """Take out runs of steps, long ones first."""
        size = max(1, len(self._base.steps) // 2)
        while True:
            start = 0
            while start < len(self._base.steps):
                steps = self._base.steps
                if not self._holds(steps[:start] + steps[start + size :]):
                    start += size
            if size == 1:
                return
            size //= 2

    def make_numbers_small(self) -> None:
        """Bring each number of each step as near to its default as it goes."""
        for index in range(len(self._base.steps)):
            while self._makes_smaller(index):
                continue

    def _makes_smaller(self, index: int) -> bool:
        """Try the step with a smaller number; return whether that held."""
        steps = self._base.steps
        return any(
            self._holds((*steps[:index], smaller, *steps[index + 1 :]))
            for smaller in _smaller(steps[index])
        )

    def keep_what_does_not_matter(self) -> None:
        """Let the power cuts lose only what has to be lost."""
        for index, step in enumerate(self.plan.steps):
            if not isinstance(step, PowerCut) or step.kept in ("none", "all"):
                continue
            kept, pending = self._cut_at(index, step)
            for bit in range(min(pending, BITS_MAX)):
                if kept >> bit & 1:
                    continue
                steps = list(self.plan.steps)
                steps[index] = replace(step, kept=f"{kept | 1 << bit:x}")
                if self._fails(Case(self.plan.with_steps(*steps), twice=self._case.twice)):
                    kept |= 1 << bit

    def _cut_at(self, index: int, step: PowerCut) -> tuple[int, int]:
        """Return what the cut keeps, as a bit mask, and how many operations were pending.

        A step may say it in a word, which means something else in each log.
        """
        run = LogRun(self.plan.with_steps(*self.plan.steps[:index]), self._subject).run()
        run.disk.end()  # exploring notes the end as a moment
        _, kept = image_after(run.disk, step)
        return kept, len(run.disk.points[moment_of(run.disk, step)].pending)

    def _holds(self, steps: tuple[Step, ...]) -> bool:
        """Whether these steps show it too; then they are what is gone on with."""
        base = self._base.with_steps(*steps)
        if not self._fails(replace(self._case, plan=base)):
            return False
        self._base = base
        return True

    def _fails(self, case: Case) -> bool:
        if self.attempts >= self._attempts_max:
            return False
        self.attempts += 1
        try:
            result = execute(case, self._subject)
        except PlanError:
            return False  # a step refers to what an earlier one would have made
        if result.broken is None or result.broken.invariant != self.broken.invariant:
            return False
        assert result.failing is not None
        self.plan, self.broken = result.failing, result.broken
        return True


def _smaller(step: Step) -> Iterator[Step]:
    """Yield the step with a number nearer to its default, the nearest first."""
    for each in dataclasses.fields(step):
        value, default = getattr(step, each.name), each.default
        if type(value) is not int or type(default) is not int or value == default:
            continue
        nearer = value - 1 if value > default else value + 1
        for number in dict.fromkeys((default, (value + default) // 2, nearer)):
            if number != value:
                yield replace(step, **{each.name: number})
