"""A rename is two changes of the directory, and the power fails between them."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.cuts import picked_cuts
from fault_injection.log_steps import Acknowledge, Append, Fault, Kill, Open
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import LIFE_AFTER, disk_of, log_plan


def cases(effort: Effort) -> Iterator[Case]:
    """Recovery's copy and a new acknowledgement file; both names, the new one alone, neither."""
    picks = ("both-names", "adds", "names", "deletes", "all-but-adds")
    recovery = [Open(), Append(2), Append(1), Kill(), Open(), Append(1), Kill(), Open()]
    anew = [Open(), Append(2), Fault("overwrite", "EIO", suffix="ack"), Acknowledge(1), Append(1),
            Acknowledge(1), Append(1)]  # fmt: skip
    for steps in (recovery, anew):
        plan = log_plan("rename-nonatomic", *steps, seed=effort.seed)
        disk = disk_of(plan)
        for cut in picked_cuts(disk, picks):
            yield Case(plan.then(cut, *LIFE_AFTER), twice=True)
            yield Case(plan.then(cut, Open(), Append(2), Kill(), *LIFE_AFTER))


SCENARIO = Scenario(
    name="rename-nonatomic",
    number=15,
    title="a rename leaves both names",
    when="the power fails after a rename and before the directory is synced",
    effect="the file has its old name, both, or the new one, whatever else was pending",
    contract="every one of these recovers to the same events, and drains",
    why="ALICE's weakest model of a filesystem: a rename is an addition and a removal",
    invariants=("I1", "I4", "I5", "I6", "I10"),
    requirements=("DSK-1.1", "REC-7.1", "REC-9.2", "ACK-4.1"),
    cases=cases,
    strikes=("power-cut",),
)
