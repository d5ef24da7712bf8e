"""The acknowledgement file knows more than the log."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.log_steps import (
    Acknowledge,
    Append,
    Check,
    Close,
    Damage,
    Drain,
    Kill,
    Open,
    Snapshot,
)
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import log_plan


def cases(effort: Effort) -> Iterator[Case]:
    """The file is restored to an older copy, or cut, after more was stored, settled, closed."""
    for kept in (1, 2):
        for more in (1, 3):
            for settled in range(kept + more + 1):
                plan = log_plan(
                    "acknowledgements-ahead", Open(), Append(kept), Snapshot(), Append(more),
                    Acknowledge(settled), Close(), Damage("stale", lost_max=more),
                    seed=effort.seed, rotation_bytes=1 << 15,
                )  # fmt: skip
                opened = plan.then(Open(), Append(1))
                for ending in (Kill(), Close()):
                    again = opened.then(ending, Open(), Check("said-once"), Append(1), ending)
                    yield Case(again.then(Open(), Check("said-once"), Drain()), twice=True)


SCENARIO = Scenario(
    name="acknowledgements-ahead",
    number=51,
    title="the acknowledgement file is ahead of the log",
    when="the log's file is restored from a copy, or has lost its end, and the acknowledgement "
    "file is new",
    effect="the slots name numbers that no file has",
    contract="the slots are believed: numbering goes on above them, for good; what is missing and "
    "was not acknowledged is reported, once",
    why="nats#6600: the consumer was ahead of the stream, and new messages were never delivered; "
    "trap T10",
    invariants=("I2", "I6", "I7"),
    requirements=("ACK-3.1", "WAL-1.2", "REC-6.2", "REP-1.2"),
    cases=cases,
    strikes=("damage stale",),
)
