"""After a lost link only what was in flight is sent again, and new events wait behind the old."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.connector_steps import (
    Advance,
    Cut,
    ExpectDelivered,
    ExpectRepeats,
    Flow,
    Link,
    MoveBytes,
    Publish,
    Quiesce,
    Start,
    Wait,
)
from fault_injection.connector_workloads import connector_plan
from fault_injection.plan import Plan, Step
from fault_injection.scenario import Effort, Scenario


def cases(effort: Effort) -> Iterator[Case]:
    """Break the link after each round, publish before and while the next one is made."""
    for window, rounds in itertools.product((1, 3, 8), range(1, effort.budget(9, 30))):
        for buffer_bytes in (400, 3000):
            first = (Start(), Publish(12), Flow(rounds), Cut(), ExpectRepeats())
            again = (Publish(2), Wait(0.2), ExpectRepeats(window), ExpectDelivered(), Quiesce())
            yield Case(_plan(*first, *again, window=window, buffer_bytes=buffer_bytes))
        # New events come at each point of the second greeting.
        greeting = (Advance(0.2), Link(), MoveBytes(), MoveBytes("to-connector"), MoveBytes())
        for place in range(len(greeting) + 1):
            steps = (*greeting[:place], Publish(2), *greeting[place:], Flow(), ExpectDelivered())
            broken = (Start(), Publish(9), Flow(rounds), Cut())
            yield Case(_plan(*broken, *steps, ExpectRepeats(window), Quiesce(), window=window))


def _plan(*steps: Step, window: int, buffer_bytes: int = 3000) -> Plan:
    return connector_plan(
        "repeats-after-reconnect", *steps, window=window, buffer_bytes=buffer_bytes
    )


SCENARIO = Scenario(
    name="repeats-after-reconnect",
    number=79,
    title="what is sent again after a reconnect",
    when="the link breaks with events in memory, in flight, and in the log alone",
    effect="the connector does not know which of those in flight have arrived",
    contract="those in flight are sent again at most, before anything newer; nothing twice on one "
    "link",
    why="The shipped connector replayed its log and then its buffer: each event twice, and new "
    "ones before old (C2, C5, C15)",
    invariants=("I1", "I3", "I4"),
    requirements=("LNK-2.3", "LNK-3.1", "DEL-1.2", "BUF-2.1"),
    cases=cases,
    strikes=("cut",),
)
