"""Each of the broker's misbehaviours, by its name, at each place where it can strike."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.connector_steps import (
    BrokerFault,
    Cut,
    ExpectDelivered,
    Flow,
    Kill,
    Publish,
    Quiesce,
    Start,
    Wait,
)
from fault_injection.connector_workloads import connector_plan
from fault_injection.plan import Plan, Step
from fault_injection.scenario import Effort, Scenario
from simulators.broker_faults import MISBEHAVIOURS, Place

EVENTS = 12


def cases(effort: Effort) -> Iterator[Case]:
    """Once, at several occasions; and again and again until the broker is good."""
    for each in MISBEHAVIOURS.values():
        for place in each.places:
            is_connection = place is Place.CONNECTION
            letter = "c" if is_connection and len(each.places) > 1 else ""
            for at in (1, 2) if is_connection else range(1, EVENTS + 1, effort.budget(3, 1)):
                strike = BrokerFault(f"{each.name}@{letter}{at}")
                steps = (strike, Start(), Publish(EVENTS), Flow(), Cut(), Wait(120))
                for window in (1, 4, 20) if effort.is_deep else (4,):
                    yield Case(_plan(*steps, ExpectDelivered(), Quiesce(), window=window))
            often = BrokerFault(f"{each.name}%{letter}40")
            always = BrokerFault(f"{each.name}@c*" if letter else each.name)
            twice = (often, Start(), Publish(EVENTS), Wait(60), Publish(3), Cut(), Wait(60))
            yield Case(_plan(*twice, Quiesce(), window=4))
            killed = (always, Start(), Publish(EVENTS), Wait(60), Kill(), Start(), Publish(2))
            yield Case(_plan(*killed, Wait(9), Quiesce(), window=4))


def _plan(*steps: Step, window: int) -> Plan:
    return connector_plan(
        "every-misbehaviour", *steps, window=window, buffer_bytes=1000, seed=window
    )


SCENARIO = Scenario(
    name="every-misbehaviour",
    number=80,
    title="every misbehaviour that the broker has",
    when="the broker breaks a rule, restarts, forgets, stalls, refuses or lies",
    effect="one of the named misbehaviours, once, often, or always",
    contract="once: everything is delivered all the same, without help; always: nothing is lost, "
    "and everything is delivered when it stops",
    why="Each is a report of some client that believed its broker",
    invariants=("I1", "I2", "I3", "I8", "I9", "I10"),
    requirements=("LNK-4.1", "LNK-4.2", "DEL-1.1", "DEL-1.4"),
    cases=cases,
    strikes=tuple(MISBEHAVIOURS),
)
