"""Numbers that no event has are in the log, and the broker refuses the events around them."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.connector_steps import (
    BrokerFault,
    Damage,
    ExpectBacklog,
    Kill,
    Publish,
    Quiesce,
    Start,
    Wait,
)
from fault_injection.connector_workloads import connector_plan
from fault_injection.scenario import Effort, Scenario

HARMS = (
    Damage("garbage", file=-1, place=-1, amount=300),
    Damage("cut", file=-1, amount=20, lost_max=1),
    Damage("flip", file=0, record=2, place=240, lost_max=1),
)


def cases(effort: Effort) -> Iterator[Case]:
    """A tail whose numbers were burned, or a lost record; before or after a page is read."""
    for harm in HARMS:
        for events in (6, 20):
            for more in (1, 12):
                for refusal in ("refuse", "refuse%50"):
                    used = (Publish(more), BrokerFault(refusal), Wait(200), ExpectBacklog())
                    plan = connector_plan(
                        "refused-above-burned", Start(), Publish(events), Kill(), harm, Start(),
                        *used, seed=effort.seed, buffer_bytes=700, window=3,
                    )  # fmt: skip
                    yield Case(plan.then(Quiesce()))
                    yield Case(plan.then(Kill(), Start(), Wait(200), ExpectBacklog(), Quiesce()))


SCENARIO = Scenario(
    name="refused-above-burned",
    number=92,
    title="burned numbers among events that are refused",
    when="numbers were burned or lost, and the broker refuses what stands around them, so that no "
    "acknowledgement ever covers them",
    effect="numbers that a page from the log steps over",
    contract="they are nobody's: when all else is settled the connector waits for nothing",
    why="Trap T5: a hole that is waited for holds the watermark, the log and a clean end for ever",
    invariants=("I1", "I7", "I10"),
    requirements=("BUF-2.1", "REC-6.2", "DEL-1.4"),
    cases=cases,
    strikes=("refuse", "damage garbage", "damage flip"),
)
