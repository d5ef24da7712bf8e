"""One sync fails, wherever it is, and the pages count as clean from then on."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.log_steps import Append, Drain, Fault, Kill, Open, PowerCut
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import each_call, log_plan, uses

FILESYSTEMS = (("posix-min", ""), ("ext4-ordered",) * 2, ("xfs",) * 2, ("btrfs",) * 2)
"""Profile, and how a sync fails there."""


def cases(effort: Effort) -> Iterator[Case]:
    """The k-th sync, under each filesystem: power off at once, or opened again in this boot."""
    for profile, policy in FILESYSTEMS:
        for steps in uses().values():
            plan = log_plan("fsync-eio-once", *steps, profile=profile, seed=effort.seed)
            for at in each_call(plan, "sync"):
                fault = Fault("sync", "EIO", at, policy=policy)
                failed = plan.with_steps(fault, *steps, Append(1))
                for kept in ("none", "all"):
                    yield Case(failed.then(PowerCut(kept=kept), Open(), Drain()))
                again = failed.then(Kill(), Open(), Append(1))
                yield Case(again.then(PowerCut(), Open(), Append(1), Drain()))
                if profile == "posix-min":
                    yield Case(again, budget=effort.budget(3, 200))


SCENARIO = Scenario(
    name="fsync-eio-once",
    number=18,
    title="a sync fails once, under four filesystems",
    when="the k-th sync of a segment, a copy, or the acknowledgement file, for every k",
    effect="EIO once; the pages are clean and readable, and perhaps never on the medium; on btrfs "
    "the old content is back; the next sync of the file succeeds",
    contract="what was in doubt is not acknowledged, and not believed when it is read again; the "
    "log goes on after it was opened again",
    why="fsyncgate (PostgreSQL, 2018); CuttleFS (ATC 2020) shows what each filesystem does; trap "
    "T3",
    invariants=("I1", "I2", "I6", "I10", "I11"),
    requirements=("WAL-4.3", "REC-7.1", "ACK-4.1", "ERR-1.2", "WAL-1.1"),
    cases=cases,
    strikes=("sync EIO", "power-cut"),
)
