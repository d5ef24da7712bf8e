"""A sync fails, the log is opened again in the same boot, and what it reads is published."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.log_steps import Acknowledge, Append, Close, Drain, Fault, Kill, Open, PowerCut
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import log_plan


def cases(effort: Effort) -> Iterator[Case]:
    """One to three events in doubt, closed or killed, settled or not; then the power fails."""
    for profile, policy in (("posix-min", ""), ("ext4-ordered",) * 2, ("btrfs",) * 2):
        for before in (0, 1, 3):
            for doubted in (1, 3):
                for ending in (Kill(), Close()):
                    failed = log_plan(
                        "reopen-after-failed-sync", Open(), *[Append(1)] * before,
                        Fault("sync", "EIO", suffix=".wal", policy=policy), Append(doubted),
                        ending, Open(), profile=profile, seed=effort.seed, rotation_bytes=1 << 15,
                    )  # fmt: skip
                    for settled in (0, 1):
                        used = failed.then(Acknowledge(settled))
                        for kept in ("none", "all"):
                            yield Case(used.then(PowerCut(kept=kept), Open(), Append(1), Drain()))
                    # And the disk has no room to write it anew, nor takes the floor.
                    full = [Fault("create_exclusive", "ENOSPC", times=0)]
                    full += [Fault("overwrite", "EIO", times=0)]
                    begun = len(failed.steps) - 1
                    opened = failed.with_steps(*failed.steps[:begun], *full, Open(), Append(1))
                    yield Case(opened.then(PowerCut(), Open(), Append(1), Drain()))
                    yield Case(failed.then(Append(1)), budget=effort.budget(20, 1000))


SCENARIO = Scenario(
    name="reopen-after-failed-sync",
    number=44,
    title="opened again in the same boot after a failed sync",
    when="a sync failed, its pages are clean and readable; another process, or the same one, opens "
    "the log",
    effect="recovery reads records that are not on the medium, and its own sync succeeds without "
    "writing them",
    contract="what is replayed was written anew by this process and synced: a power cut afterwards "
    "keeps it",
    why="Trap T3: syncing every surviving file before publishing is exactly what does not help",
    invariants=("I1", "I2", "I6", "I11"),
    requirements=("WAL-4.3", "REC-7.1", "WAL-1.1"),
    cases=cases,
    strikes=("sync EIO", "power-cut"),
)
