"""No new file can be made: for a while, or because the filesystem is read-only."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.log_steps import (
    Acknowledge,
    Append,
    Check,
    Drain,
    Fault,
    Kill,
    Open,
    PowerCut,
    Replay,
)
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import files, log_plan


def cases(effort: Effort) -> Iterator[Case]:
    """Creating fails, or writing or syncing the header; below the hard limit and at it."""
    for error in ("ENOSPC", "EROFS", "EMFILE", "EACCES"):
        for call in ("create_exclusive", "sync_directory"):
            for limit in (8192 + 260, 8192 + 900):
                for again in (1, 4):
                    full = log_plan(
                        "failing-rotation", *files(1), Fault(call, error, times=0),
                        *[Append(1)] * again, Acknowledge(1), Append(3), Replay(),
                        seed=effort.seed, file_bytes_max=limit,
                    )  # fmt: skip
                    healed = full.then(Check("goes-on"), Append(2), Replay())
                    yield Case(healed.then(Drain()))
                    for kept in ("none", "all"):
                        yield Case(healed.then(PowerCut(kept=kept), Open(), Drain()))
                        yield Case(full.then(PowerCut(kept=kept), Open(), Drain()))
                    yield Case(full.then(Kill(), Open(), Check("degraded"), Replay(), Drain()))


SCENARIO = Scenario(
    name="failing-rotation",
    number=49,
    title="no new file can be made",
    when="the newest file is full and rotation fails, until it does not any more",
    effect="ENOSPC, EROFS, EMFILE or EACCES, for the file or for its name",
    contract="appends go on in the old file up to its hard limit and are refused then, "
    "definitely; a failed rotation fails no durable append; with the disk well again it goes on "
    "without reopening",
    why="Trap T9; nats#6211: a read-only directory made it forget its state; upstream counts a "
    "file on before it exists (W14, W27)",
    invariants=("I1", "I6", "I9", "I10", "I11"),
    requirements=("WAL-3.3", "WAL-4.4", "REC-9.3", "ERR-1.2"),
    cases=cases,
    strikes=(
        "create_exclusive ENOSPC",
        "create_exclusive EROFS",
        "sync_directory EROFS",
        "power-cut",
    ),
)
