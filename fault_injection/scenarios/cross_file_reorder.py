"""What was written to one file is durable, what was written to the others before is not."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.cuts import file_picks, picked_cuts
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import FEW_AND_ONE, LIFE_AFTER, disk_of, files, log_plan, uses


def cases(effort: Effort) -> Iterator[Case]:
    """Keep the bytes of one file alone, or of all but one; names always."""
    for steps in (*uses().values(), files(3, 1)):
        for settings in FEW_AND_ONE:
            plan = log_plan("cross-file-reorder", *steps, seed=effort.seed).limited(settings)
            disk = disk_of(plan)
            for cut in picked_cuts(disk, file_picks(disk)):
                yield Case(plan.then(cut, *LIFE_AFTER))


SCENARIO = Scenario(
    name="cross-file-reorder",
    number=12,
    title="the newer file is durable, the older one is not",
    when="the power fails while two files have something pending",
    effect="the bytes of one of them reach the medium, those of the other do not",
    contract="a file is synced before the next one takes a record: nothing returned is lost",
    why="yugabyte-db#3490: the old segment was not synced before the new one was used",
    invariants=("I1", "I3", "I12"),
    requirements=("WAL-1.1", "WAL-3.1", "REC-4.1", "ACK-5.1"),
    cases=cases,
    strikes=("power-cut",),
)
