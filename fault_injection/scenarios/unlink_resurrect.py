"""A deleted file is back after a power cut."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.cuts import picked_cuts
from fault_injection.log_steps import Acknowledge, Append, Close, Fault, Kill, Open, PowerCut
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import LIFE_AFTER, disk_of, files, log_plan, uses


def cases(effort: Effort) -> Iterator[Case]:
    """Keep all but the removals, at every moment; and never sync the directory after one."""
    for steps in (*uses().values(), [*files(3), Acknowledge(4), Append(1), Acknowledge(3)]):
        plan = log_plan("unlink-resurrect", *steps, seed=effort.seed)
        for cut in picked_cuts(disk_of(plan), ("all-but-deletes",)):
            yield Case(plan.then(cut, *LIFE_AFTER))
    for settled in range(1, 7):
        for ending in (Kill(), Close()):
            plan = log_plan(
                "unlink-resurrect", *files(3), Fault("sync_directory", "EIO", times=0),
                Acknowledge(settled), ending, PowerCut(), seed=effort.seed,
            )  # fmt: skip
            yield Case(plan.then(*LIFE_AFTER))
            yield Case(plan.then(Open(), Kill(), Open(), Append(2), Kill(), *LIFE_AFTER))


SCENARIO = Scenario(
    name="unlink-resurrect",
    number=13,
    title="a deleted file comes back",
    when="the power fails after a file was unlinked and before the directory was synced",
    effect="the file is there again, with its records, all of them settled",
    contract="its events may be repeated as they were and under their numbers; no number is given "
    "again, and the file goes again",
    why="POSIX promises nothing of a name without a sync of its directory; nats#6600: sequence "
    "and files disagreed after a kill",
    invariants=("I1", "I4", "I6", "I10"),
    requirements=("ACK-5.1", "WAL-1.2", "REC-4.2", "REC-9.1"),
    cases=cases,
    strikes=("power-cut", "sync_directory EIO"),
)
