"""The power fails, and any legal part of what was not synced is on the medium; of a write in
flight, under the profile `torn`, any part."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import log_plan, rotate_and_delete

PROFILES = ("posix-min", "ext4-ordered", "ext4-writeback", "ext4-journal", "xfs", "btrfs", "torn")


def cases(effort: Effort) -> Iterator[Case]:
    """Explore every profile; posix-min leaves most, and gets most."""
    for profile in PROFILES:
        plan = log_plan(
            "unsynced-all-subsets", *rotate_and_delete(), profile=profile, seed=effort.seed
        )
        yield Case(plan, budget=effort.budget(400, 1 << 20))


SCENARIO = Scenario(
    name="unsynced-all-subsets",
    number=3,
    title="every legal subset of what was not synced",
    when="the power fails at any moment of a log's use, under six filesystems' promises and where "
    "a write in flight is cut at any byte",
    effect="each write, size and name that was not synced is kept or lost, in any combination "
    "that the filesystem allows",
    contract="what append returned is replayed; nothing invented; nothing called lost that is not",
    why="etcd#6368, leveldb#196: a file's name was lost although the file had been synced",
    invariants=("I1", "I2", "I3", "I6", "I7", "I12"),
    requirements=("WAL-1.1", "REC-1.1", "ACK-5.1", "FMT-5.4"),
    cases=cases,
    strikes=("power-cut",),
)
