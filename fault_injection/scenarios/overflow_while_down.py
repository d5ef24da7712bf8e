"""More than the buffer holds is published while there is no broker; then the process dies."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.connector_steps import (
    BrokerListens,
    BrokerStopsListening,
    ExpectDelivered,
    Flow,
    Kill,
    PowerCut,
    Publish,
    Quiesce,
    ShutDown,
    Start,
    Wait,
)
from fault_injection.connector_workloads import connector_plan
from fault_injection.plan import Step
from fault_injection.scenario import Effort, Scenario


def cases(effort: Effort) -> Iterator[Case]:
    """Overflow by a little and by much, die in each way, and deliver it all in the next life."""
    ends: tuple[tuple[Step, ...], ...] = (
        (), (Kill(), Start()), (PowerCut(), Start()), (ShutDown(), Start()),
        (Kill(), Start(), Publish(7), Kill(), Start()),
    )  # fmt: skip
    for buffer_bytes, count in itertools.product((200, 400, 1000, 3000), (3, 8, 25, 60)):
        for end in ends:
            for padding in (0, 30, 1200) if effort.is_deep else (30,):
                down = (BrokerStopsListening(), Start(), Publish(count, padding), Flow(), *end)
                back = (Publish(3), BrokerListens(), Wait(40), ExpectDelivered(), Quiesce())
                yield Case(
                    connector_plan(
                        "overflow-while-down", *down, *back, buffer_bytes=buffer_bytes, window=4
                    )
                )


SCENARIO = Scenario(
    name="overflow-while-down",
    number=41,
    title="more than the buffer holds while disconnected, and a kill",
    when="the broker is away for long, and the agent is restarted meanwhile",
    effect="the buffer is full: what does not fit is in the log alone, and memory is gone",
    contract="publishing goes on; memory stays within its limit; everything arrives, in order",
    why="The shipped connector returned BufferOverflow for an event that its log had (C9), and "
    "stopped a replay that did not fit (C8)",
    invariants=("I1", "I3", "I8", "I9", "I10"),
    requirements=("BUF-1.1", "BUF-1.2", "BUF-2.1", "CON-2.1", "DEL-1.1"),
    cases=cases,
    strikes=("connection refused", "kill", "power-cut", "shut-down"),
)
