"""The broker would take more at a time than the connector holds in memory."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.connector_steps import (
    BrokerFault,
    Cut,
    ExpectDelivered,
    Flow,
    Kill,
    Publish,
    Quiesce,
    Start,
    Wait,
)
from fault_injection.connector_workloads import connector_plan
from fault_injection.plan import Step
from fault_injection.scenario import Effort, Scenario


def cases(effort: Effort) -> Iterator[Case]:
    """Windows and buffers of all proportions; no answer for a while, then all at once."""
    windows = (1, 2, 10, 1000, 2**32 - 1)
    for window, buffer_bytes in itertools.product(windows, (1, 150, 300, 1000, 3000)):
        for padding in (0, 100, 1000) if effort.is_deep else (0, 300):
            late = BrokerFault("late-acknowledgement@2:5")
            steps = (late, Start(), Publish(25, padding), Flow(), Publish(3), Wait(8), Publish(3))
            ends: tuple[tuple[Step, ...], ...] = ((), (Cut(), Wait(1)), (Kill(), Start()))
            for end in ends:
                plan = (*steps, *end, Wait(8), ExpectDelivered(), Quiesce())
                yield Case(
                    connector_plan(
                        "window-larger-than-buffer", *plan, window=window, buffer_bytes=buffer_bytes
                    )
                )


SCENARIO = Scenario(
    name="window-larger-than-buffer",
    number=81,
    title="a window that is larger than the buffer, and an event that is",
    when="the broker's window, the buffer and the events have unlucky proportions",
    effect="what is in flight fills the buffer; or one event alone is larger than all of it",
    contract="in flight is what fits, memory stays within its limit, an event that is larger than "
    "the buffer goes alone, and nothing stalls",
    why="Trap T11: a retransmit buffer outside the limit, and a record that is never read back",
    invariants=("I1", "I8", "I9", "I10"),
    requirements=("BUF-1.1", "BUF-2.1", "BUF-2.2", "LNK-2.2", "DEL-1.4"),
    cases=cases,
    strikes=("late-acknowledgement", "cut", "kill"),
)
