"""Somebody deletes the log's segments and leaves the acknowledgement file."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.connector_steps import (
    ExpectDelivered,
    Flow,
    Kill,
    PowerCut,
    Publish,
    Quiesce,
    ShutDown,
    Start,
    Wait,
    Wipe,
)
from fault_injection.connector_workloads import connector_plan
from fault_injection.scenario import Effort, Scenario


def cases(effort: Effort) -> Iterator[Case]:
    """Behind each kind of end; fewer, as many and more events than the broker had."""
    for events in (1, 3, 7):
        for end in (Kill(), PowerCut("all"), ShutDown()):
            for used in (Wait(2), Flow()):
                for more in (1, events + 3):
                    plan = connector_plan(
                        "wiped-segments", Start(), Publish(events), used, end, Wipe(), Start(),
                        Publish(more), Wait(2), seed=effort.seed, window=3,
                    )  # fmt: skip
                    yield Case(plan.then(ExpectDelivered(), Quiesce()))


SCENARIO = Scenario(
    name="wiped-segments",
    number=93,
    title="the segments are deleted, the acknowledgement file stays",
    when="the process does not run, and somebody makes room by hand",
    effect="numbers begin at 1 again; the slots name a log that the broker knows",
    contract="the log goes on under a new identity, and every event that is taken from then on is "
    "delivered",
    why="Trap T16: under the old identity the broker takes the first new events for repeats, and "
    "drops them",
    invariants=("I1", "I2", "I10"),
    requirements=("WAL-7.1", "REC-5.1", "LNK-2.4", "DEL-1.1"),
    cases=cases,
    strikes=("wipe",),
)
