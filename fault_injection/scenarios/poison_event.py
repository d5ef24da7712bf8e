"""An event that the broker refuses for good stands at the head of the line."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.connector_steps import (
    BrokerFault,
    ExpectAttempts,
    ExpectDelivered,
    ExpectRepeats,
    Flow,
    Kill,
    Publish,
    Quiesce,
    Start,
)
from fault_injection.connector_workloads import connector_plan
from fault_injection.scenario import Effort, Scenario

EVENTS = 7


def cases(effort: Effort) -> Iterator[Case]:
    """Refuse each event, two in a row, and all; with a short reason and a very long one."""
    for window, at in itertools.product((1, 3, 8), range(1, EVENTS + 1)):
        for count, reason in ((1, 0), (2, 0), (1, 2000), (1, 1_000_000)):
            refusals = [BrokerFault(f"refuse@{at}:{reason}") for _ in range(count)]
            steps = (Start(), *refusals, Publish(EVENTS), Flow(), ExpectDelivered())
            # One link is enough: no other is tried, and nothing is sent a second time.
            alone = (ExpectAttempts(1, 1), ExpectRepeats(), Publish(2), Flow(), Quiesce())
            yield Case(connector_plan("poison-event", *steps, *alone, window=window))
    for buffer_bytes in (300, 3000):
        steps = (Start(), BrokerFault("refuse"), Publish(30), Flow(), ExpectDelivered())
        plan = connector_plan("poison-event", *steps, buffer_bytes=buffer_bytes)
        yield Case(plan.then(ExpectAttempts(1, 1), Kill(), Start(), Flow(), Quiesce()))


SCENARIO = Scenario(
    name="poison-event",
    number=78,
    title="one event is refused for ever",
    when="the broker can never take an event, whoever sends it and how often",
    effect="Refuse, with a reason of up to a megabyte",
    contract="it is a dead letter; those behind it are delivered on the same link, at once",
    why="The shipped connector closed, connected and sent the same event again, for ever (C10)",
    invariants=("I1", "I3", "I4", "I10"),
    requirements=("DLQ-2.1", "LNK-3.3", "DEL-1.4"),
    cases=cases,
    strikes=("refuse",),
)
