"""The broker refuses an event, and the disk refuses its dead letter."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.connector_steps import (
    BrokerFault,
    ExpectLevel,
    Fault,
    Flow,
    Heal,
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

CALLS = ("create_exclusive", "append", "sync", "sync_directory")


def cases(effort: Effort) -> Iterator[Case]:
    """Let each call for the letter fail, a while or until healed; end in between or not."""
    for call, error, at in itertools.product(CALLS, ("ENOSPC", "EIO", "EDQUOT"), (1, 3, 5)):
        for times in (1, 3, 0):
            suffix = "" if call == "sync_directory" else "procmond.dead"
            full = Fault(call, error, times=times, suffix=suffix)
            refused = (Start(), Publish(1), Flow(), BrokerFault(f"refuse@{at}"), Publish(5), full)
            blocked = (Flow(), *((ExpectLevel("triggered"),) if times == 0 and suffix else ()))
            ends: tuple[tuple[Step, ...], ...] = (
                (), (Kill(), Start()), (PowerCut(), Start()), (ShutDown(), Start()),
            )  # fmt: skip
            for end in ends if effort.is_deep or at == 3 else ends[:1]:
                steps = (*refused, *blocked, Wait(2.5), *end, Publish(2), Heal(), Wait(3))
                yield Case(connector_plan("dead-letter-on-full-disk", *steps, Quiesce()))
    for at in (2, 3, 4, 5):  # what comes behind it in its file is settled, the file is not
        full = Fault("append", "ENOSPC", times=0, suffix="procmond.dead")
        plan = connector_plan(
            "dead-letter-on-full-disk", Start(), BrokerFault(f"refuse@{at}"), full, Publish(9),
            Flow(), Wait(3), Kill(), Heal(), Start(), Quiesce(), rotation_bytes=8392,
        )  # fmt: skip
        yield Case(plan)


SCENARIO = Scenario(
    name="dead-letter-on-full-disk",
    number=75,
    title="a dead letter that finds no room",
    when="the disk is full, by the log itself perhaps, and the broker refuses an event",
    effect="the letter cannot be created, written or synced",
    contract="the event stays unsettled, its file stays, backpressure is on, and the letter is "
    "tried again every second: when there is room everything goes on",
    why="Trap T15: the letter that could not be written pinned the files that filled the disk",
    invariants=("I1", "I8", "I10"),
    requirements=("DLQ-2.1", "DLQ-2.2", "BPR-1.2", "DEL-1.4"),
    cases=cases,
    strikes=("refuse", "create_exclusive ENOSPC", "append ENOSPC", "sync ENOSPC", "sync EIO"),
)
