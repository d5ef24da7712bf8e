"""A write fails and is cut back; what it had written may come back."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.log_steps import Append, Close, Drain, Fault, Kill, Open, PowerCut, Replay
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import log_plan

REOPENED = (Close(), Open())
"""The file is marked as complete when the write fails."""


def cases(effort: Effort) -> Iterator[Case]:
    """Cut back, and appended to again with events of the same length; every legal power cut."""
    for profile in ("posix-min", "ext4-ordered", "btrfs"):
        for before, clean in ((0, ()), (1, ()), (2, ()), (0, REOPENED), (2, REOPENED)):
            for short in (21, 130, 240):
                begun = [*[Append(1)] * before, *clean]
                used = log_plan(
                    "truncate-then-append", Open(), *begun,
                    Fault("append", short=short, suffix=".wal"),
                    Fault("append", "ENOSPC", at=2, suffix=".wal"),
                    Append(3), Append(1), Append(2), Replay(), profile=profile,
                    seed=effort.seed, rotation_bytes=1 << 15,
                )  # fmt: skip
                yield Case(used, budget=effort.budget(24, 2000))
                for kept in ("none", "all"):
                    yield Case(used.then(PowerCut(kept=kept), Open(), Append(1), Drain()))
                yield Case(used.then(Kill(), Open(), Append(1), Drain()))
                failed = used.with_steps(*used.steps[:-3], Kill(), Open(), Append(1))
                yield Case(failed.then(Append(2)), budget=effort.budget(12, 500))


SCENARIO = Scenario(
    name="truncate-then-append",
    number=46,
    title="a failed write is cut back, and the file is not used again",
    when="a disk is full in the middle of a batch; the log cuts the file back and goes on",
    effect="until it is synced the cut is undone by a power cut; bytes that were cut off verify in "
    "their place",
    contract="an event whose append failed for certain never comes back, whatever is appended "
    "later",
    why="Trap T8; kura#47: a record behind a torn one was replayed after the torn one was written "
    "again",
    invariants=("I1", "I2", "I11"),
    requirements=("WAL-4.2", "FMT-5.5", "ERR-1.2", "REC-6.1"),
    cases=cases,
    strikes=("append short", "append ENOSPC", "power-cut"),
)
