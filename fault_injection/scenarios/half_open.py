"""The connection stands and nothing arrives any more, or the broker reads and answers nothing."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.connector_steps import (
    BrokerFault,
    ExpectDelivered,
    Flow,
    HalfOpen,
    Link,
    LinkFault,
    Publish,
    Quiesce,
    Start,
    Wait,
)
from fault_injection.connector_workloads import HELLO_BYTES, connector_plan
from fault_injection.scenario import Effort, Scenario

TOLD_AFTER_S = 30.0
AGAIN_AFTER_S = TOLD_AFTER_S + 1.0
DIRECTIONS = ("", "to-broker", "to-connector")


def cases(effort: Effort) -> Iterator[Case]:
    """Go silent at rest and at each byte; the buffer fills meanwhile."""
    more = (Publish(2), Wait(5), Publish(40))
    for direction in DIRECTIONS:
        for before in (Flow(), Flow(2), Link()):
            silent = (Start(), Publish(3), before, HalfOpen(direction), *more)
            told = (Wait(TOLD_AFTER_S + 5), Wait(5), ExpectDelivered(), Quiesce())
            yield Case(connector_plan("half-open", *silent, *told))
    step = effort.budget(9, 1)
    for direction, length in (("to-broker", HELLO_BYTES + 300), ("to-connector", 72)):
        for offset in range(0, length, step):
            fault = LinkFault("half-open", direction, offset)
            plan = connector_plan("half-open", fault, Start(), Publish(3), *more, window=2)
            yield Case(plan.then(Wait(TOLD_AFTER_S + 5), Wait(5), ExpectDelivered(), Quiesce()))
    for name in ("stall@1", "stall@4", "stall@c1", "no-welcome@1", "no-acknowledgement@2"):
        steps = (BrokerFault(name), Start(), Publish(5), *more, Wait(AGAIN_AFTER_S + 5), Wait(5))
        yield Case(connector_plan("half-open", *steps, ExpectDelivered(), Quiesce()))


SCENARIO = Scenario(
    name="half-open",
    number=36,
    title="half open: accepted, and never answered",
    when="a machine, a container or a broker's loop stops without closing its connections",
    effect="bytes are taken by the kernel and go nowhere; no error is ever returned",
    contract="the connector notices by its own deadlines within 30 s and connects again; memory "
    "stays bounded, backpressure is on while the buffer is full",
    why="The shipped transport has no publish timeout: one stalled broker stops the actor (C20)",
    invariants=("I1", "I8", "I9", "I10"),
    requirements=("CON-3.3", "BUF-1.1", "BPR-1.1", "DEL-1.4"),
    cases=cases,
    strikes=("link half-open", "stall", "no-welcome", "no-acknowledgement"),
)
