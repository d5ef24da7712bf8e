"""A plan on a log with every crash that its disk allows: exploration, and plans that show one.

`explore_plan` runs the plan once, and recovers from every directory that a power cut at any
moment of it may leave, and from every directory that cuts during those recoveries leave. What
it finds is turned into a plan with the cuts as steps, which shows the same without exploring.

The engine is simulators/explorer.py; this file brings the log and the oracle to it.

Spec: SCN-1.4, SIM-2.4.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from fault_injection.invariants import Broken, check_log
from fault_injection.log_run import LogRun
from fault_injection.log_steps import Open, PowerCut
from fault_injection.plan import Plan
from fault_injection.promises import Answer
from fault_injection.recovering import recovered
from fault_injection.subject import LogSubject
from simulators.crash_filesystem import CrashFilesystem
from simulators.explorer import Exploration, Violation, explore
from simulators.persistence import DISKS


@dataclass(slots=True)
class Explored:
    """What exploring a plan came to."""

    exploration: Exploration[Answer]
    run: LogRun
    failing: Plan | None = None
    broken: Broken | None = None


@dataclass(slots=True)
class _Oracle:
    """Remembers what was broken, which the engine keeps as text."""

    found: dict[str, Broken] = field(default_factory=dict)

    def check(self, promises: list[object], answer: Answer) -> str:
        broken = check_log(promises, answer)
        if broken is None:
            return ""
        self.found[str(broken)] = broken
        return str(broken)


def explore_plan(
    plan: Plan, subject: LogSubject, *, budget: int, depth: int = 1, twice: bool = False
) -> Explored:
    """Run the plan and fail the power at every moment of it.

    Moments with more than `budget` legal sets of kept operations are sampled. `depth` 2 also
    fails the power during each recovery. `twice` recovers again and compares (I5).
    """
    runs: list[LogRun] = []
    oracle = _Oracle()

    def workload(disk: CrashFilesystem) -> None:
        run = LogRun(plan, subject)
        run.use_disk(disk)
        runs.append(run.run())

    def recover(disk: CrashFilesystem) -> Answer:
        return recovered(disk, plan, subject, runs[0].offered, twice=twice)

    exploration = explore(
        workload, recover, oracle.check, DISKS[plan.profile], budget=budget, depth=depth,
        seed=plan.seed,
    )  # fmt: skip
    run = runs[0]
    if run.broken is not None:
        return Explored(exploration, run, plan, run.broken)
    if not exploration.violations:
        return Explored(exploration, run)
    violation = min(exploration.violations, key=_cost)
    return Explored(exploration, run, _as_plan(plan, violation), oracle.found[violation.what])


def _cost(violation: Violation) -> tuple[int, int]:
    """Few crashes, early: easier to understand."""
    return len(violation.path), violation.path[-1][0]


def _as_plan(plan: Plan, violation: Violation) -> Plan:
    steps = []
    for moment, kept, filling in violation.path:
        steps += [PowerCut(moment, f"{kept:x}", filling), Open()]
    return plan.then(*steps)
