"""A read gives other bytes than are on the medium, once, while events are read back."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.connector_steps import (
    ExpectDelivered,
    Misread,
    Publish,
    Quiesce,
    Start,
    Wait,
)
from fault_injection.connector_workloads import connector_plan
from fault_injection.plan import Plan, Step
from fault_injection.scenario import Effort, Scenario

EVENTS = 20
IN_MEMORY = 6
"""So many fit; the others are read back from the log. With room for one more."""
BITS = (3, 40, 100, 200, 400)
"""Of a record: its length, its number, its checksum, its body."""


def cases(effort: Effort) -> Iterator[Case]:
    """Each record that is read back, in header and body; and another one at the second look."""
    for record in range(IN_MEMORY + 1, EVENTS):
        for bit in BITS:
            yield Case(_plan(effort, Misread(record=record, bit=bit)))
        for other in {IN_MEMORY + 1, EVENTS - 1} - {record}:
            second = Misread(record=other, at=2)
            yield Case(_plan(effort, Misread(record=record), second))


def _plan(effort: Effort, *misreads: Step) -> Plan:
    steps = (Start(), Publish(EVENTS), *misreads, Wait(60), ExpectDelivered(), Quiesce())
    return connector_plan(
        "misread-while-paging", *steps, seed=effort.seed, buffer_bytes=700, window=3,
        rotation_bytes=1 << 15,
    )  # fmt: skip


SCENARIO = Scenario(
    name="misread-while-paging",
    number=90,
    title="a read that gives other bytes once",
    when="more events are stored than fit into memory, and the rest is read back",
    effect="one bit of one record is another one, in one read: the medium is as it was",
    contract="it is read again before anything is called lost; everything is delivered",
    why="Disks, controllers and memory flip bits on the way; a loss that is declared at the first "
    "look is one that the log itself makes",
    invariants=("I1", "I2", "I7", "I10"),
    requirements=("BUF-2.1", "REP-2.1", "DEL-1.1"),
    cases=cases,
    strikes=("read FlipBit",),
)
