"""Hello or Welcome is lost, late, split, wrong, or said twice."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.connector_steps import (
    BrokerFault,
    ExpectAttempts,
    ExpectDelivered,
    Kill,
    LinkFault,
    Publish,
    Quiesce,
    Start,
    Wait,
)
from fault_injection.connector_workloads import HELLO_BYTES, WELCOME_BYTES, connector_plan
from fault_injection.scenario import Effort, Scenario

FAULTS = (
    "wrong-version", "wrong-version:0", "wrong-version:2", "wrong-version:4294967295",
    "window-zero", "no-welcome", "reset-before-welcome", "second-welcome@1", "second-welcome@2",
    "stall@c*", "error@c*", "garbage@c*", "undecodable-message@c*",
)  # fmt: skip
PATIENCE = (ExpectAttempts(0, 1), Wait(900), ExpectAttempts(15, 48))
"""The longest backoff is 33 s, and a greeting waits for 10 s at most."""
HOPELESS = (
    "wrong-version", "wrong-version:0", "wrong-version:2", "wrong-version:4294967295",
)  # fmt: skip
"""Until somebody updates one of the two. A window of 0 is a breach, and may pass by itself."""
AT_ONCE = (Wait(20), ExpectAttempts(1, 1), Wait(900), ExpectAttempts(24, 36))
"""The first delay is the longest already, 27 s at least: doublings would make nine attempts."""


def cases(effort: Effort) -> Iterator[Case]:
    """Each fault for ever, and then not any more; the greeting cut and held up at each byte."""
    for fault in FAULTS:
        begin = (Start(), BrokerFault(fault), Publish(3))
        patience = () if "@1" in fault or "@2" in fault else PATIENCE
        yield Case(connector_plan("greeting-faults", *begin, *patience, Publish(1), Quiesce()))
        once = BrokerFault(fault if "@" in fault else f"{fault.split(':')[0]}@1")
        steps = (once, Start(), Publish(3), Kill(), Start(), Wait(60), Publish(1), Wait(60))
        yield Case(connector_plan("greeting-faults", *steps, Quiesce()))
    for fault in HOPELESS:
        plan = connector_plan("greeting-faults", BrokerFault(fault), Start(), *AT_ONCE)
        yield Case(plan.then(Publish(1), Quiesce()))
    for direction, length in (("to-broker", HELLO_BYTES), ("to-connector", WELCOME_BYTES)):
        for offset in range(length + 1):
            for kind, amount in (("reset", 0.0), ("half-open", 0.0), ("delay", 9), ("delay", 11)):
                faults = [LinkFault(kind, direction, offset, amount, each) for each in (1, 2)]
                late = (*faults, Start(), Publish(3), Wait(80), ExpectDelivered(), Quiesce())
                yield Case(connector_plan("greeting-faults", *late))


SCENARIO = Scenario(
    name="greeting-faults",
    number=76,
    title="the greeting goes wrong",
    when="the two sides are of different versions, or break off while they greet each other",
    effect="no Welcome, an impossible one, a second one, or one that comes when nobody waits",
    contract="no event is settled or lost by it; what only a person can mend is tried at the "
    "longest backoff; a greeting that does not come is given up after 10 s",
    why="Trap T20: a window of 0 is a deadlock without an error, a version a loop without an end",
    invariants=("I1", "I10"),
    requirements=("LNK-2.1", "LNK-2.2", "CON-3.2", "CON-3.3", "LNK-4.1"),
    cases=cases,
    strikes=(
        "wrong-version", "window-zero", "no-welcome", "reset-before-welcome", "second-welcome",
        "link reset", "link half-open", "link delay",
    ),
)  # fmt: skip
