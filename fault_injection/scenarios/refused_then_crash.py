"""An event is refused, and the process ends before, while, or after its dead letter is stored."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.connector_steps import (
    Advance,
    BrokerFault,
    BrokerRestart,
    DiskWorks,
    Flow,
    Kill,
    Link,
    MoveBytes,
    PowerCut,
    Publish,
    Quiesce,
    Start,
)
from fault_injection.connector_workloads import connector_plan
from fault_injection.plan import Step
from fault_injection.scenario import Effort, Scenario

EVENTS = 5
CALLS = 24
"""More than the disk makes from a refusal to the end of what follows from it."""


_THERE_AND_BACK = (MoveBytes(), MoveBytes("to-connector"))
HEARD = (Link(), *_THERE_AND_BACK, *_THERE_AND_BACK)
"""The greeting, all events, and their answers; what follows from them is not done yet."""
CUT = (PowerCut(), Start())


def cases(effort: Effort) -> Iterator[Case]:
    """Refuse each event; end in each call of the disk that follows."""
    for at, lazily in itertools.product(range(1, EVENTS + 1), (1, 1000)):
        for calls in range(CALLS):
            for end in _ends(calls, effort):
                refused = (Start(), BrokerFault(f"refuse@{at}"), Publish(EVENTS), end, Flow())
                steps = (*refused, Kill(), Start(), Flow(), Publish(1), Flow(), Quiesce())
                yield Case(
                    connector_plan(
                        "refused-then-crash", *steps, window=EVENTS, acknowledge_count_max=lazily
                    )
                )
    # The link breaks between the refusal and its letter, and the broker restarts with or without.
    for at, keeps in itertools.product(range(1, EVENTS + 1), (True, False)):
        for then in ((Advance(1), *HEARD, DiskWorks(9)), (Kill(), Start(), *HEARD), CUT):
            begin = (Start(), BrokerFault(f"refuse@{at}"), Publish(EVENTS), *HEARD)
            plan = connector_plan("refused-then-crash", *begin, BrokerRestart(keeps), window=EVENTS)
            yield Case(plan.then(*then, Flow(), Quiesce()))
    # What is to be done is done in another order than it came in, and not all of it.
    for at, index, count in itertools.product(range(1, EVENTS + 1), range(3), (1, 2)):
        begin = (Start(), BrokerFault(f"refuse@{at}"), Publish(EVENTS), *HEARD)
        some = (DiskWorks(count, index), Kill(), Start(), Flow(), Quiesce())
        plan = connector_plan("refused-then-crash", *begin, window=EVENTS, acknowledge_count_max=1)
        yield Case(plan.then(*some))


def _ends(calls: int, effort: Effort) -> Iterator[Step]:
    yield Kill(calls)
    yield PowerCut("none", after_calls=calls)
    yield PowerCut("all", after_calls=calls)
    for number in range(effort.budget(0, 12)):
        yield PowerCut(f"#{number}", after_calls=calls)


SCENARIO = Scenario(
    name="refused-then-crash",
    number=71,
    title="refuse, crash, Welcome",
    when="the broker refuses an event for good and takes those behind it; then the process dies",
    effect="the broker's highest number is above one that it never took",
    contract="the event is in the dead-letter file or is sent again: never only in a number",
    why="Trap T4: the event was skipped as acknowledged, and was in neither place",
    invariants=("I1", "I3", "I10"),
    requirements=("DLQ-2.1", "LNK-2.1", "LNK-3.3", "DEL-1.1"),
    cases=cases,
    strikes=("refuse", "kill", "power-cut", "broker-restart"),
)
