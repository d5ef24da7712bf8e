"""The buffer is filled and drained to one byte on either side of both thresholds."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.connector_steps import ExpectLevel, Flow, Kill, Publish, Quiesce, Start
from fault_injection.connector_workloads import connector_plan, size_of, sized
from fault_injection.plan import Plan, Step
from fault_injection.scenario import Effort, Scenario

LIMITS = (1000, 2000, 2001, 2009, 10_007)
"""Of a limit that ten does not divide no byte is exactly 70 %."""


OFF = (ExpectLevel("released"), Quiesce())


def cases(effort: Effort) -> Iterator[Case]:
    """Fill to 70 % in two events; drain to 50 % by one acknowledgement; exact to the byte."""
    for limit in LIMITS if not effort.is_deep else (*LIMITS, *range(900, 940)):
        at_70, at_50 = -(-7 * limit // 10), 5 * limit // 10
        for used in (at_70 - 1, at_70, at_70 + 1):
            level = "triggered" if used >= at_70 else "released"
            filled = (Start(), Publish(1), sized(2, used - size_of(1)))
            yield Case(_plan(limit, *filled, ExpectLevel(level), Flow(), *OFF))
            # A process that finds them reads them back: until then the level is held on.
            found = (*filled, Kill(), Start(), ExpectLevel("triggered"))
            yield Case(_plan(limit, *found, Flow(), *OFF))
        for left, level in ((at_50 + 1, "triggered"), (at_50, "released"), (at_50 - 1, "released")):
            full = (Start(), sized(1, limit - left), sized(2, left), ExpectLevel("triggered"))
            # Hello and Welcome; the first event and its answer; the second one has none yet.
            yield Case(_plan(limit, *full, Flow(2), ExpectLevel(level), Flow(), *OFF))
            yield Case(_plan(limit, *full, Flow(2), Publish(1), Publish(1), Flow(), *OFF))


def _plan(limit: int, *steps: Step) -> Plan:
    return connector_plan("slow-consumer-threshold", *steps, buffer_bytes=limit, window=1)


SCENARIO = Scenario(
    name="slow-consumer-threshold",
    number=40,
    title="69.99, 70 and 70.01 %; 50.01, 50 and 49.99 %",
    when="a consumer is slower than the producer, and the buffer stands exactly at a threshold",
    effect="one byte decides whether producers are slowed down",
    contract="on from 70 %, off from 50 %, as before in between; one signal for each edge; the sum "
    "is that of the whole frames of unsettled events, to the byte",
    why="The shipped connector truncates percentages and signals a release that nothing preceded "
    "(C11); its sizes are estimates (C16)",
    invariants=("I8", "I9"),
    requirements=("BPR-1.1", "BPR-1.3", "BPR-2.1", "BUF-1.1"),
    cases=cases,
    strikes=("kill",),
)
