"""A sync that failed says so at the next sync of the file: ext4 with data=journal."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.log_steps import Append, Drain, Fault, Kill, Open, PowerCut, Replay
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import each_call, log_plan

PROFILES = ("ext4-journal", "posix-min")


def cases(effort: Effort) -> Iterator[Case]:
    """The sync of an append lies; the next one tells; the same boot opens the log again."""
    for profile in PROFILES:
        for before in (0, 1, 3):
            steps = [Open(), *[Append(1)] * before]
            plan = log_plan(
                "fsync-eio-late", *steps, profile=profile, seed=effort.seed, rotation_bytes=1 << 15
            )
            synced = len(list(each_call(plan, "sync")))
            for lied in (1, 2):
                for kept in ("none", "all"):
                    fault = Fault("sync", "EIO", at=synced + 1, policy="ext4-journal")
                    failed = plan.with_steps(fault, *steps, Append(lied), Append(1))
                    yield Case(
                        failed.then(
                            Replay(), Kill(), Open(), PowerCut(kept=kept), Open(), Append(1),
                            Drain(),
                        )
                    )  # fmt: skip


SCENARIO = Scenario(
    name="fsync-eio-late",
    number=19,
    title="a failed sync is reported by the next one",
    when="the sync of an append fails, and the filesystem says so at the next sync of the file",
    effect="this sync returns as if all were well; the next one fails and writes nothing",
    contract="stated limit: until the next sync nobody can know, and a power cut in between may "
    "cost the event that was acknowledged. Once the error is told the log is failed, and opening "
    "it again in the same boot writes the event anew: from then on a power cut keeps it",
    why="CuttleFS (ATC 2020): ext4 with data=journal reports a failure one sync late",
    invariants=("I1", "I10", "I11"),
    requirements=("WAL-4.3", "REC-7.1"),
    cases=cases,
    strikes=("sync EIO", "power-cut"),
)
