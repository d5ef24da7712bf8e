"""Nobody listens for a while, or a broker dies at every first event; then it is back."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.connector_steps import (
    BrokerFault,
    BrokerListens,
    BrokerStopsListening,
    ExpectAttempts,
    ExpectDelivered,
    Kill,
    Publish,
    Quiesce,
    Start,
    Wait,
)
from fault_injection.connector_workloads import connector_plan
from fault_injection.scenario import Effort, Scenario

LONGEST_S = 33.1
"""The longest backoff with its jitter."""
DYING = ("reset-before-record", "error", "reset-before-welcome", "not-listening:0.01")


def cases(effort: Effort) -> Iterator[Case]:
    """Be away for many lengths of time; be there and let nothing through."""
    for seconds in (0.05, 0.1, 1, 10, 60, 600, *((3600, 86_400) if effort.is_deep else ())):
        away = (Start(), BrokerStopsListening(), Publish(3), Wait(seconds), Publish(30))
        back = (BrokerListens(), Wait(LONGEST_S), ExpectDelivered(), Quiesce())
        yield Case(connector_plan("broker-refused-then-up", *away, *back))
        yield Case(connector_plan("broker-refused-then-up", *away, Kill(), Start(), *back))
    for seed in range(effort.seed, effort.seed + effort.budget(4, 200)):
        counted = (Start(), BrokerStopsListening(), Publish(1))
        yield Case(connector_plan("broker-refused-then-up", *counted, *ATTEMPTS, seed=seed))
    for fault in DYING:
        dies = (Start(), BrokerFault(fault), Publish(2), *ATTEMPTS)
        yield Case(connector_plan("broker-refused-then-up", *dies, Quiesce(), seed=effort.seed))


ATTEMPTS = (ExpectAttempts(0, 1), Wait(600), ExpectAttempts(22, 36))
"""Ten doublings take 51 s; from then on there is one attempt in about 30 s."""


SCENARIO = Scenario(
    name="broker-refused-then-up",
    number=33,
    title="nobody listens, and then somebody does",
    when="the broker is not started yet, restarts, or dies whenever it is given an event",
    effect="a connection is refused, or accepted and dropped again",
    contract="events are stored meanwhile; attempts double their distance to 30 s, whatever lets "
    "the connector in and out again; all is delivered one longest delay after the return",
    why="In the shipped connector nothing but a publish tries again, and the backoff has no "
    "jitter (C13)",
    invariants=("I1", "I8", "I10"),
    requirements=("CON-2.1", "CON-3.2", "DEL-1.4"),
    cases=cases,
    strikes=("connection refused", *(fault.split(":")[0] for fault in DYING)),
)
