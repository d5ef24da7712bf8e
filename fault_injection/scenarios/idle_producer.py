"""Nobody publishes any more, and the link breaks: what is left is delivered all the same."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.connector_steps import (
    BrokerListens,
    BrokerRestart,
    BrokerStopsListening,
    Cut,
    ExpectDelivered,
    Flow,
    HalfOpen,
    Kill,
    Link,
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
    """Break the link in each way; no step publishes afterwards."""
    breaks: tuple[tuple[Step, ...], ...] = (
        (Cut(),), (BrokerRestart(),), (BrokerRestart(False),), (HalfOpen(),),
        (BrokerStopsListening(), Wait(5), BrokerListens()), (Kill(), Start()),
        (ShutDown(0.0), Start()), (Cut(), Wait(0.05), Cut(), Wait(0.3), Cut()),
    )  # fmt: skip
    for how, count in itertools.product(breaks, (1, 4, 40)):
        for before in (Flow(1), Flow(2), Flow(3), Link()):
            steps = (Start(), Publish(count), before, *how, Wait(35), Wait(5), ExpectDelivered())
            for window in (1, 3, 8) if effort.is_deep else (3,):
                yield Case(connector_plan("idle-producer", *steps, Quiesce(), window=window))


SCENARIO = Scenario(
    name="idle-producer",
    number=77,
    title="an idle producer still reconnects",
    when="the link breaks after the last event was published",
    effect="nothing that the producer does could start another attempt",
    contract="the connector tries again by itself until everything is delivered",
    why="The shipped connector reconnects inside publish only: an idle one keeps its buffer (C13)",
    invariants=("I1", "I10"),
    requirements=("CON-3.2", "CON-3.3", "DEL-1.4"),
    cases=cases,
    strikes=("cut", "broker-restart", "link half-open", "kill", "connection refused"),
)
