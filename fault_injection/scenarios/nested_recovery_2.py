"""The power fails in the recovery from a power cut in a recovery."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.cuts import cuts
from fault_injection.log_steps import Acknowledge, Append, Damage, Drain, Kill, Open
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import disk_of, log_plan


def cases(effort: Effort) -> Iterator[Case]:
    """Three crashes deep on a short log; then cuts of recovery from a torn and a rotten one."""
    short = log_plan("nested-recovery-2", Open(), Append(2), Acknowledge(1), seed=effort.seed)
    yield Case(short, budget=effort.budget(3, 8), depth=3)
    for harm in (Damage("cut", file=-1, amount=30, lost_max=1),
                 Damage("flip", record=0, place=40, lost_max=1)):  # fmt: skip
        plan = log_plan(
            "nested-recovery-2", Open(), Append(2), Append(2), Kill(), harm, Open(),
            seed=effort.seed,
        )  # fmt: skip
        for cut in cuts(disk_of(plan), effort.budget(6, 40), effort.seed):
            crashed = plan.then(cut, Open())
            for again in cuts(disk_of(crashed), effort.budget(2, 12), effort.seed):
                yield Case(crashed.then(again, Open(), Drain()))


SCENARIO = Scenario(
    name="nested-recovery-2",
    number=17,
    title="a power cut in the recovery from a power cut in recovery",
    when="the machine crashes three times in a row, the last two while the log is being opened",
    effect="each time what was pending is kept in any legal part",
    contract="no depth of crashes loses an event or makes the log unable to go on",
    why="cockroach#68319: the first restart was fine, the second found corruption",
    invariants=("I1", "I5", "I6", "I7", "I10"),
    requirements=("REC-9.2", "REC-7.1", "REP-1.2", "WAL-1.2"),
    cases=cases,
    strikes=("power-cut", "damage cut", "damage flip"),
)
