"""Acknowledgements are lost, late, doubled, out of order, or of numbers that were never sent."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.connector_steps import (
    BrokerFault,
    BrokerRestart,
    ExpectAttempts,
    ExpectDelivered,
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
from fault_injection.plan import Step
from fault_injection.scenario import Effort, Scenario

FAULTS = (
    "no-acknowledgement", "late-acknowledgement", "duplicate-acknowledgement",
    "reordered-acknowledgement", "unknown-acknowledgement", "decreasing-acknowledgement",
)  # fmt: skip
PARAMETERS = {
    "late-acknowledgement": (":0.5", ":29", ":31", ":3600"),
    "unknown-acknowledgement": ("", ":1", ":2", ":5", ":4611686018427387904"),
}
EVENTS = 10


def cases(effort: Effort) -> Iterator[Case]:
    """Let each strike at each event; then wait, be killed, or lose power, with and without flow."""
    ends: tuple[tuple[Step, ...], ...] = (
        (Wait(70),), (Kill(), Start()), (Publish(1), PowerCut(), Start()), (ShutDown(40), Start()),
    )  # fmt: skip
    for fault in FAULTS:
        for parameter, at in itertools.product(PARAMETERS.get(fault, ("",)), range(1, EVENTS + 1)):
            strike = BrokerFault(f"{fault}@{at}{parameter}")
            for window in (1, 3, 16) if effort.is_deep else (3,):
                for end in ends:
                    steps = (Start(), strike, Publish(EVENTS), Flow(), *end, Flow(), Quiesce())
                    yield Case(connector_plan("wrong-acknowledgements", *steps, window=window))
    # One that says nothing new is no breach: the link that stands goes on.
    for at in range(1, EVENTS + 1):
        twice = BrokerFault(f"duplicate-acknowledgement@{at}")
        steps = (Start(), twice, Publish(EVENTS), Wait(40), Publish(2), Wait(40))
        plan = connector_plan("wrong-acknowledgements", *steps, ExpectAttempts(1, 1), window=3)
        yield Case(plan.then(ExpectDelivered(), Quiesce()))
    # Of a log that was found, any number up to its end could be an answer.
    for parameter, at in itertools.product((":1", ":2", ":5"), (1, 2)):
        strike = BrokerFault(f"unknown-acknowledgement@{at}{parameter}")
        found = (Start(), Publish(EVENTS), Kill(), strike, Start(), Flow())
        plan = connector_plan("wrong-acknowledgements", *found, window=2)
        yield Case(plan.then(BrokerRestart(False), Quiesce()))


SCENARIO = Scenario(
    name="wrong-acknowledgements",
    number=35,
    title="lost, late, doubled, reordered and invented acknowledgements",
    when="the broker's answer is not the one that it should be",
    effect="the event was recorded, and the connector is told something else, later, or nothing",
    contract="only numbers that were sent on this link are settled, in order; anything else closes "
    "the link, and an answer that never comes closes it after its deadline",
    why="The shipped connector's mark is a cut-off: one answer above a gap deletes all below (W15)",
    invariants=("I1", "I4", "I10", "I12"),
    requirements=("LNK-3.2", "LNK-4.1", "CON-3.3", "DEL-1.1"),
    cases=cases,
    strikes=FAULTS,
)
