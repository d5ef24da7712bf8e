"""Bytes arrive one by one, in pieces of any size, and with a pause at any byte."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.connector_steps import (
    BrokerFault,
    ExpectDelivered,
    ExpectRepeats,
    Flow,
    LinkFault,
    Publish,
    Quiesce,
    Start,
    Wait,
)
from fault_injection.connector_workloads import (
    ACKNOWLEDGE_BYTES,
    HELLO_BYTES,
    WELCOME_BYTES,
    connector_plan,
    size_of,
)
from fault_injection.scenario import Effort, Scenario

EVENTS = 3
BYTES = {
    "to-broker": HELLO_BYTES + sum(size_of(pid) for pid in range(1, EVENTS + 1)),
    "to-connector": WELCOME_BYTES + EVENTS * ACKNOWLEDGE_BYTES,
}


def cases(effort: Effort) -> Iterator[Case]:
    """Cut the streams into pieces of each size; split them once at each offset."""
    for size in (*range(1, effort.budget(18, 160)), 31, 64, 127):
        pieces = [LinkFault("pieces", direction, 0, size) for direction in BYTES]
        steps = (*pieces, Start(), Publish(EVENTS), Flow(), ExpectDelivered())
        refused = (BrokerFault("refuse@1"), Publish(2), Flow(), Quiesce())
        yield Case(connector_plan("dribble", *steps, *refused))
    for direction, length in BYTES.items():
        for offset in range(1, length):
            split = LinkFault("delay", direction, offset, 0.5)
            late = (split, Start(), Publish(EVENTS), Wait(2), ExpectDelivered(), ExpectRepeats())
            yield Case(connector_plan("dribble", *late, Quiesce()))


SCENARIO = Scenario(
    name="dribble",
    number=37,
    title="one byte at a time",
    when="the socket hands out bytes in pieces that have nothing to do with frames",
    effect="a read ends anywhere: inside a length, a tag, a number",
    contract="frames are put together; nothing is lost, repeated, or taken for an error",
    why="A reader that expects whole frames works on every test machine, and fails under load",
    invariants=("I2", "I3", "I4"),
    requirements=("LNK-1.1", "LNK-1.2", "DEL-1.2"),
    cases=cases,
    strikes=("link pieces", "link delay", "refuse"),
)
