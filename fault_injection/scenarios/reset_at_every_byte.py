"""The connection is cut at every byte, on either side of every acknowledgement."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.connector_steps import (
    Flow,
    Kill,
    LinkFault,
    PowerCut,
    Publish,
    Quiesce,
    ShutDown,
    Start,
)
from fault_injection.connector_workloads import (
    ACKNOWLEDGE_BYTES,
    HELLO_BYTES,
    WELCOME_BYTES,
    connector_plan,
    size_of,
)
from fault_injection.plan import Step
from fault_injection.scenario import Effort, Scenario

EVENTS = 3
SENT_BYTES = HELLO_BYTES + sum(size_of(pid) for pid in range(1, EVENTS + 1))
HEARD_BYTES = WELCOME_BYTES + EVENTS * ACKNOWLEDGE_BYTES
ENDS: tuple[tuple[Step, ...], ...] = (
    (), (Kill(), Start()), (PowerCut(), Start()), (ShutDown(), Start()),
)  # fmt: skip


def cases(effort: Effort) -> Iterator[Case]:
    """Cut at each byte of either direction; then go on, be killed, lose power, or end well."""
    for window in (1, 2, 8) if effort.is_deep else (1, 8):
        for direction, length in (("to-broker", SENT_BYTES), ("to-connector", HEARD_BYTES)):
            for offset in range(length):
                cut = (LinkFault("reset", direction, offset), Start(), Publish(EVENTS), Flow())
                is_short = direction == "to-broker" and not effort.is_deep
                for end in ENDS[:1] if is_short and offset % 16 else ENDS:
                    steps = (*cut, *end, Flow(), Quiesce())
                    yield Case(connector_plan("reset-at-every-byte", *steps, window=window))


SCENARIO = Scenario(
    name="reset-at-every-byte",
    number=34,
    title="reset before, in and after every acknowledgement",
    when="the connection breaks at any byte of the greeting, of an event or of an answer",
    effect="what was behind that byte is lost, in both directions, and both sides are told",
    contract="what was not acknowledged is sent again, under its number and in order",
    why="The shipped connector called an event published when the kernel had its bytes: a broker "
    "that died before it read them lost it (C1)",
    invariants=("I1", "I2", "I3", "I4", "I10"),
    requirements=("LNK-2.3", "LNK-3.1", "LNK-3.2", "DEL-1.1", "DEL-1.2", "DEL-1.3"),
    cases=cases,
    strikes=("link reset", "kill", "power-cut", "shut-down"),
)
