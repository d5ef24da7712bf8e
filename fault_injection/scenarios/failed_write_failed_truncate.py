"""A write fails after some bytes, and what undoes it fails too."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.log_steps import (
    Acknowledge,
    Append,
    Close,
    Drain,
    Fault,
    Kill,
    Open,
    PowerCut,
    Replay,
)
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import log_plan

REOPENED = (Close(), Open())
"""The file is marked as complete when the write fails."""


def cases(effort: Effort) -> Iterator[Case]:
    """Some bytes, an error, then the truncation or its sync fails; then it goes on."""
    for short in (1, 20, 125, 250):
        for error in ("ENOSPC", "EIO"):
            for call in ("truncate", "sync"):
                for before, clean in ((0, ()), (2, ()), (0, REOPENED)):
                    begun = [*[Append(1)] * before, *clean]
                    used = log_plan(
                        "failed-write-failed-truncate", Open(), *begun,
                        Fault("append", short=short, suffix=".wal"),
                        Fault("append", error, at=2, suffix=".wal"),
                        Fault(call, "EIO", suffix=".wal"), Append(3), Append(2), Replay(),
                        Acknowledge(1), seed=effort.seed, rotation_bytes=1 << 15,
                    )  # fmt: skip
                    yield Case(used, budget=effort.budget(6, 500))
                    for kept in ("none", "all"):
                        yield Case(used.then(PowerCut(kept=kept), Open(), Append(1), Drain()))
                    yield Case(used.then(Kill(), Open(), Append(1), Drain()))
                    failed = used.with_steps(*used.steps[:-3], Kill(), Open(), Append(1))
                    for kept in ("none", "all"):
                        yield Case(failed.then(PowerCut(kept=kept), Open(), Drain()))


SCENARIO = Scenario(
    name="failed-write-failed-truncate",
    number=47,
    title="a write fails, and so does what would undo it",
    when="after 1 to 250 bytes of a batch there is an error; then truncate, or the sync behind it, "
    "fails",
    effect="part of a batch stays in the file",
    contract="the error is indefinite, as many numbers are burned as may have been written, and a "
    "new file is begun; nothing that returned is lost or given a second time",
    why="rocksdb-js#748, queuelib#14, raft-wal#32: a torn record in the middle, with sound ones "
    "on both sides",
    invariants=("I1", "I2", "I6", "I10", "I11"),
    requirements=("WAL-4.2", "WAL-4.1", "ERR-1.2", "WAL-1.2"),
    cases=cases,
    strikes=(
        "append short",
        "append ENOSPC",
        "append EIO",
        "truncate EIO",
        "sync EIO",
        "power-cut",
    ),
)
