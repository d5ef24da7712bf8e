"""A case: one plan and how it is tried. Scenarios give cases, the runner has them executed.

    run       do the steps, check after each
    explore   do the steps, and recover from every crash that the disk allows on the way

What comes back is counted, so that a scenario can say how much it looked at, and lists what
really went wrong: a case whose faults never strike shows nothing, and says so.

Spec: SCN-1.1, SCN-1.4.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from fault_injection.connector_run import ConnectorRun
from fault_injection.exploring import explore_plan
from fault_injection.invariants import Broken
from fault_injection.log_run import LogRun
from fault_injection.plan import Plan
from fault_injection.subject import LogSubject


@dataclass(frozen=True, slots=True)
class Case:
    """One plan, and how it is tried."""

    plan: Plan
    budget: int = 0
    """Legal sets looked at in each moment; 0: no exploration."""
    depth: int = 1
    """2: the power fails during recovery too."""
    twice: bool = False
    """Recover twice and compare."""


@dataclass(slots=True)
class Tally:
    """How much was looked at. Tallies add up."""

    cases: int = 0
    checks: int = 0
    """Times that the oracle was asked."""
    moments: int = 0
    legal: int = 0
    explored: int = 0
    distinct: int = 0
    nested: int = 0
    equivalents: int = 0
    is_lower_bound: bool = False
    fired: Counter[str] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        """Add another's counts."""
        for name in ("cases", "checks", "moments", "legal", "explored", "distinct", "nested",
                     "equivalents"):  # fmt: skip
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.is_lower_bound = self.is_lower_bound or other.is_lower_bound
        self.fired.update(other.fired)


@dataclass(slots=True)
class CaseResult:
    """What a case came to."""

    tally: Tally
    failing: Plan | None = None
    """Shows the failure without exploration; None if nothing is broken."""
    broken: Broken | None = None


def execute(case: Case, subject: LogSubject) -> CaseResult:
    """Try the case."""
    if case.plan.world == "connector":
        connector = ConnectorRun(case.plan).run()
        tally = Tally(1, connector.checks, fired=connector.fired)
        return CaseResult(tally, case.plan if connector.broken else None, connector.broken)
    if not case.budget:
        run = LogRun(case.plan, subject, case.twice).run()
        tally = Tally(1, run.checks, fired=run.fired)
        return CaseResult(tally, case.plan if run.broken else None, run.broken)
    found = explore_plan(case.plan, subject, budget=case.budget, depth=case.depth, twice=case.twice)
    seen = found.exploration
    tally = Tally(
        1, seen.checks + found.run.checks, seen.moments, seen.legal, seen.explored,
        seen.distinct, seen.nested, seen.equivalents, seen.is_lower_bound, found.run.fired,
    )  # fmt: skip
    tally.fired["power-cut"] += seen.checks
    return CaseResult(tally, found.failing, found.broken)
