"""Removals of files are durable, and nothing else that was pending is."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.cuts import picked_cuts
from fault_injection.log_steps import Acknowledge, Append
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import LIFE_AFTER, disk_of, files, log_plan, uses


def cases(effort: Effort) -> Iterator[Case]:
    """Keep the removals alone, or all changes of names, at every moment."""
    for steps in (*uses().values(), [*files(3), Acknowledge(2), Append(1), Acknowledge(9)]):
        for profile in ("posix-min", "ext4-writeback", "btrfs"):
            plan = log_plan("unlink-before-mark", *steps, profile=profile, seed=effort.seed)
            for cut in picked_cuts(disk_of(plan), ("deletes", "names")):
                yield Case(plan.then(cut, *LIFE_AFTER))


SCENARIO = Scenario(
    name="unlink-before-mark",
    number=14,
    title="a file is gone, and the acknowledgement that let it go is not durable",
    when="the power fails at any moment at which a removal is pending",
    effect="names are kept, bytes are not",
    contract="a file is unlinked only after its acknowledgements are durable: nothing is missing, "
    "and nothing settled is called lost",
    why="vector#25570: unlink came before the sync of the ledger, and the reader crashed for ever",
    invariants=("I1", "I7", "I12"),
    requirements=("ACK-5.1", "ACK-4.1", "REC-7.1", "REC-4.1"),
    cases=cases,
    strikes=("power-cut",),
)
