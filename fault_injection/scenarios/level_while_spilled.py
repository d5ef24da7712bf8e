"""A backlog many times the buffer is read back page by page: the level stays on all the way."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.connector_steps import (
    BrokerListens,
    BrokerStopsListening,
    Flow,
    Kill,
    PowerCut,
    Publish,
    Quiesce,
    ShutDown,
    Start,
    Wait,
)
from fault_injection.connector_workloads import connector_plan
from fault_injection.scenario import Effort, Scenario


def cases(effort: Effort) -> Iterator[Case]:
    """Drain one answer at a time, look at the level after each, and die half-way."""
    for buffer_bytes, window in itertools.product((300, 400, 1000), (1, 2, 50)):
        for padding in (0, 17, 200, 1200) if effort.is_deep else (0, 200):
            backlog = (Start(), BrokerStopsListening(), Publish(30, padding), BrokerListens())
            drain = (Wait(0.3), *(Flow(1) for _ in range(25)))
            more = (Publish(1), Flow(1), Publish(2), Flow(2), Publish(20), *drain[1:])
            for end in ((), (Kill(), Start()), (PowerCut(), Start()), (ShutDown(0.0), Start())):
                yield Case(
                    connector_plan(
                        "level-while-spilled", *backlog, *drain, *more, *end, *drain, Flow(),
                        Quiesce(), buffer_bytes=buffer_bytes, window=window,
                    )
                )  # fmt: skip


SCENARIO = Scenario(
    name="level-while-spilled",
    number=74,
    title="backpressure while a backlog is read back",
    when="more waits in the log than memory holds, and the broker takes it page by page",
    effect="the buffer falls below half and fills again with every page",
    contract="triggered until the last page is in memory and half is settled: one edge, not one "
    "for each page; what is counted is what is held",
    why="Trap T11: producers sped up at every page with five gigabytes unsent",
    invariants=("I3", "I8", "I9"),
    requirements=("BPR-1.2", "BPR-2.1", "BUF-1.1", "BUF-2.1", "BUF-2.2"),
    cases=cases,
    strikes=("kill", "power-cut", "shut-down"),
)
