"""The wall clock jumps forwards and backwards while events are taken and links are tried."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.connector_steps import (
    BrokerListens,
    BrokerStopsListening,
    Cut,
    ExpectDelivered,
    Flow,
    Kill,
    Publish,
    Quiesce,
    Start,
    Wait,
    WallClock,
)
from fault_injection.connector_workloads import connector_plan
from fault_injection.scenario import Effort, Scenario

JUMPS_S = (1, -1, 3600, -3600, 10**9, -(10**9), 2**40, -(2**40))


def cases(effort: Effort) -> Iterator[Case]:
    """Jump between publishes, while the connector waits for its next attempt, and over a kill."""
    for seconds in JUMPS_S:
        taken = (Publish(2), WallClock(seconds), Publish(2), Flow())
        away = (Publish(1), BrokerStopsListening(), Wait(3), WallClock(seconds), BrokerListens())
        over = (Publish(3), Kill(), WallClock(seconds), Start(), Publish(1), Flow(), Cut())
        for steps in (taken, away, over):
            # The connector has waited for less than 8 s, so it waits for less than 8 s more.
            yield Case(
                connector_plan(
                    "clock-jump", Start(), *steps, Wait(8), ExpectDelivered(), Quiesce(),
                    seed=effort.seed,
                )
            )  # fmt: skip


SCENARIO = Scenario(
    name="clock-jump",
    number=31,
    title="the wall clock jumps",
    when="NTP steps the clock, or somebody sets it, while the connector works or waits",
    effect="timestamps go back or far ahead; the clock that timers use does not",
    contract="order is that of the numbers, and the next attempt comes when it would have come",
    why="A retry timer on the wall clock sleeps for as long as the clock was set back",
    invariants=("I1", "I3", "I10"),
    requirements=("DEL-1.2", "CON-3.2", "CON-3.3", "DEL-1.4"),
    cases=cases,
    strikes=("wall-clock", "kill", "broker-stops-listening"),
)
