"""A record of the backlog rots: its number is never sent, and nothing waits for it."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.connector_steps import (
    BrokerListens,
    BrokerStopsListening,
    Damage,
    Flow,
    Publish,
    Quiesce,
    Start,
)
from fault_injection.connector_workloads import connector_plan
from fault_injection.scenario import Effort, Scenario

EVENTS = 9


def cases(effort: Effort) -> Iterator[Case]:
    """Rot each record by one bit of its body, or of its header; deliver the others."""
    for file, record in ((0, 0), (0, 1), (0, 3), (1, 0), (1, 1)):
        for bit in range(3, 30 * 8, effort.budget(29, 1)):
            # A header that does not verify may take the record before it along.
            rot = Damage("flip", file, record=record, place=bit, lost_max=2)
            steps = (Start(), BrokerStopsListening(), Publish(EVENTS), rot, BrokerListens())
            yield Case(
                connector_plan(
                    "gap-in-numbers", *steps, Start(), Publish(2), Flow(), Quiesce(), window=3
                )
            )


SCENARIO = Scenario(
    name="gap-in-numbers",
    number=72,
    title="a number that nobody will ever acknowledge",
    when="one record of a backlog rots on the medium",
    effect="the numbers that are sent have a gap, and no answer ever covers it by itself",
    contract="the loss is reported, the others are delivered, and the files go as if it had been",
    why="Trap T5: a contiguous watermark stood still for ever, and the log filled its quota",
    invariants=("I1", "I7", "I10"),
    requirements=("LNK-3.1", "LNK-3.2", "ACK-5.1", "DEL-1.4"),
    cases=cases,
    strikes=("damage flip",),
)
