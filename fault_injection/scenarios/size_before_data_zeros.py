"""Files are as long as they should be, and what was never written reads as zeros."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.cuts import SIZES_ONLY, picked_cuts
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import LIFE_AFTER, disk_of, log_plan, uses


def cases(effort: Effort) -> Iterator[Case]:
    """At every moment keep the sizes alone, or with the names."""
    for profile in ("posix-min", "ext4-writeback"):
        for steps in uses().values():
            plan = log_plan("size-before-data-zeros", *steps, profile=profile, seed=effort.seed)
            for cut in picked_cuts(disk_of(plan), SIZES_ONLY):
                yield Case(plan.then(cut, *LIFE_AFTER), twice=True)


SCENARIO = Scenario(
    name="size-before-data-zeros",
    number=7,
    title="sizes are durable before the bytes, which read as zeros",
    when="the power fails after the filesystem has written a new size and before the bytes",
    effect="the newest file, the acknowledgement file or a new one ends in zeros, or is all zeros",
    contract="zeros are never a record, never a header, and cost nothing that was returned",
    why="persist-queue#180, braft#254: ext4 with delayed allocation leaves a tail of zeros; "
    "upstream's shipped WAL reads every four zeros as a record (W23)",
    invariants=("I1", "I2", "I5", "I6"),
    requirements=("FMT-5.4", "REC-6.1", "REC-5.2", "REC-9.1"),
    cases=cases,
    strikes=("power-cut",),
)
