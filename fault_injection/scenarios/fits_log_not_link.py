"""Events at the limits of log and link, and entries that can never be sent."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.connector_steps import (
    BrokerListens,
    BrokerStopsListening,
    ExpectAttempts,
    ExpectDelivered,
    ExpectStored,
    Flow,
    Kill,
    Plant,
    Publish,
    Quiesce,
    Start,
    Wait,
)
from fault_injection.connector_workloads import connector_plan
from fault_injection.plan import Plan, Step
from fault_injection.scenario import Effort, Scenario
from fault_injection.subject import make_event
from reference.codec import encode_event
from reference.limits import EVENT_BYTES_MAX, LINK_BODY_BYTES_MAX

LINK_OVERHEAD_BYTES = 4 + 8 + 8
"""Tag, sequence and the length of the topic, which comes on top."""


def cases(effort: Effort) -> Iterator[Case]:
    """The largest event and one byte more; another writer's entries, too large or undecodable."""
    room = EVENT_BYTES_MAX - len(encode_event(make_event(1)))
    for padding, stored in ((room - 1, 1), (room, 1), (room + 1, 0)):
        steps = (Start(), Publish(1, padding), ExpectStored(stored), Publish(2), Flow())
        yield Case(_plan(*steps, ExpectDelivered(), ExpectAttempts(1, 1), Quiesce()))
        yield Case(_plan(*steps[:-1], Kill(), Start(), Flow(), ExpectDelivered(), Quiesce()))
    topic_bytes = len("events.process.start")  # the event after three has the pid 4: a stop
    edge = LINK_BODY_BYTES_MAX - LINK_OVERHEAD_BYTES - topic_bytes
    for payload_bytes in (edge - 1, edge, edge + 1, edge + 2, edge + 12):
        yield Case(_plan(*_around(Plant(payload_bytes))))
    for payload_bytes in (120, 500):
        yield Case(_plan(*_around(Plant(payload_bytes, is_decodable=False))))
        yield Case(_plan(*_around(Plant(payload_bytes, is_decodable=False)), buffer_bytes=300))


def _around(plant: Step) -> tuple[Step, ...]:
    """Events before and behind it; those behind are published by who finds it."""
    before = (Start(), BrokerStopsListening(), Publish(3), plant, BrokerListens())
    return (*before, Start(), Publish(3), Flow(), ExpectDelivered(), Wait(5), Quiesce())


def _plan(*steps: Step, buffer_bytes: int = 10 << 20) -> Plan:
    return connector_plan(
        "fits-log-not-link", *steps, buffer_bytes=buffer_bytes, rotation_bytes=80 << 20,
        profile="ext4-ordered",
    )  # fmt: skip


SCENARIO = Scenario(
    name="fits-log-not-link",
    number=73,
    title="an event that fits the log and not the link",
    when="an event is as large as the log takes, or another writer's entry cannot be sent",
    effect="its frame on the link would be longer than allowed, or its bytes are no event",
    contract="whatever the log takes can be sent; what it finds and cannot send is a dead letter, "
    "and holds nothing up",
    why="Trap T6, and the shipped connector's poison event: it failed, closed, connected and "
    "failed again for ever (C10)",
    invariants=("I1", "I10", "I11"),
    requirements=("FMT-1.1", "LNK-1.1", "BUF-2.3", "REC-11.1", "DEL-1.4"),
    cases=cases,
    strikes=("kill", "plant"),
)
