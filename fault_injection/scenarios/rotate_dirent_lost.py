"""Files are durable and their names are not."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.cuts import picked_cuts
from fault_injection.plan import Step
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import FEW_AND_ONE, LIFE_AFTER, disk_of, files, log_plan, uses

PICKS = ("all-but-names", "all-but-adds")


def cases(effort: Effort) -> Iterator[Case]:
    """At every moment all that is pending is kept, but for new names, or for all names."""
    plans: list[list[Step]] = [*uses().values(), files(3, 1)]
    for steps in plans:
        for settings in FEW_AND_ONE:
            plan = log_plan("rotate-dirent-lost", *steps, seed=effort.seed).limited(settings)
            for cut in picked_cuts(disk_of(plan), PICKS):
                yield Case(plan.then(cut, *LIFE_AFTER))


SCENARIO = Scenario(
    name="rotate-dirent-lost",
    number=10,
    title="a new file is durable, its name is not",
    when="the power fails after a rotation, a recovery or a new acknowledgement file",
    effect="what was written into new files is on the medium, and no name leads to it",
    contract="no append returns before the name of its file is durable",
    why="etcd#6368, leveldb#196, mongo-rocks#35: the file was synced, its directory was not; "
    "upstream's shipped WAL syncs no directory (W2)",
    invariants=("I1", "I6", "I10"),
    requirements=("WAL-1.1", "WAL-3.1", "WAL-1.2", "REC-7.1"),
    cases=cases,
    strikes=("power-cut",),
)
