"""The broker acknowledges, loses what it took, and comes back as if nothing had been."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.connector_steps import (
    BrokerFault,
    BrokerRestart,
    Cut,
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


def cases(effort: Effort) -> Iterator[Case]:
    """Forget at each moment of a delivery; the connector goes on, is killed, or ends well."""
    ends: tuple[tuple[Step, ...], ...] = (
        (), (Kill(), Start()), (ShutDown(), Start()), (PowerCut(), Start()),
    )  # fmt: skip
    for window, rounds in itertools.product((1, 3, 8), range(1, effort.budget(8, 20))):
        for end in ends:
            steps = (Start(), Publish(8), Flow(rounds), BrokerRestart(False), *end)
            again = (Flow(2), BrokerRestart(False), Publish(2), Flow(), Quiesce())
            yield Case(connector_plan("broker-amnesia", *steps, *again, window=window))
    for at in range(1, effort.budget(9, 20)):
        for fault in (f"forget@{at}", f"forget@c{1 + at % 3}"):
            steps = (BrokerFault(fault), Start(), Publish(8), Flow(), Cut(), Wait(1), Cut())
            plan = connector_plan("broker-amnesia", *steps, Wait(1), window=2)
            yield Case(plan.then(Publish(3), Quiesce()))


SCENARIO = Scenario(
    name="broker-amnesia",
    number=39,
    title="acknowledged, and then forgotten by the broker",
    when="a broker without a disk restarts, or is restored from a backup",
    effect="it knows nothing of this log, and asks for everything that is not settled",
    contract="what it acknowledged is its duty and is not sent again; everything unsettled is "
    "sent, in order; what is settled stays settled, whatever it says it has",
    why="nats-server#6600: consumer and stream disagreed after a restart, and new messages were "
    "never delivered",
    invariants=("I1", "I3", "I4", "I10"),
    requirements=("LNK-2.3", "LNK-3.2", "DEL-1.1", "DEL-1.3"),
    cases=cases,
    strikes=("broker-restart", "forget", "shut-down"),
)
