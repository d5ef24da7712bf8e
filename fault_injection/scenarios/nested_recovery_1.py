"""The power fails during the recovery from a power cut."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import log_plan, uses


def cases(effort: Effort) -> Iterator[Case]:
    """Every recovery of every crash that is looked at, crashed in turn."""
    for steps in uses().values():
        for profile in ("posix-min", "ext4-ordered"):
            plan = log_plan("nested-recovery-1", *steps, profile=profile, seed=effort.seed)
            yield Case(plan, budget=effort.budget(7, 60), depth=2, twice=True)


SCENARIO = Scenario(
    name="nested-recovery-1",
    number=16,
    title="a power cut at every moment of recovery",
    when="the machine crashes again while the log is being opened",
    effect="what recovery had written is kept in any legal part",
    contract="the second recovery finds the same events, and is as good as the first",
    why="FiSC and eXplode (OSDI 2006) found crashes in recovery in every system that they tried",
    invariants=("I1", "I2", "I5", "I6"),
    requirements=("REC-9.1", "REC-9.2", "REC-7.1"),
    cases=cases,
    strikes=("power-cut",),
)
