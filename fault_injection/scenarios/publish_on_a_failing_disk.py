"""A call of the disk fails while events are published, delivered and acknowledged."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.connector_steps import (
    Fault,
    Flow,
    Heal,
    Kill,
    PowerCut,
    Publish,
    Quiesce,
    Start,
    Wait,
)
from fault_injection.connector_workloads import connector_plan
from fault_injection.scenario import Effort, Scenario

CALLS = (
    "create_exclusive", "append", "overwrite", "sync", "sync_directory", "truncate", "read",
    "unlink", "list", "rename_new",
)  # fmt: skip


def cases(effort: Effort) -> Iterator[Case]:
    """Each call, each time that it is made, once and for good; with the link up."""
    work = (Publish(2), Flow(), Publish(4), Flow(), Publish(8), Flow(2), Publish(3), Flow())
    for call, error in itertools.product(CALLS, ("EIO", "ENOSPC", "EMFILE")):
        for at in range(1, effort.budget(9, 60), effort.budget(2, 1)):
            for times in (1, 0):
                fault = Fault(call, error, at, times)
                for end in ((), (Kill(), Start()), (PowerCut(), Start())):
                    steps = (Start(), fault, *work, Heal(), *end, Publish(1), Wait(3), Quiesce())
                    yield Case(
                        connector_plan("publish-on-a-failing-disk", *steps, buffer_bytes=600)
                    )


SCENARIO = Scenario(
    name="publish-on-a-failing-disk",
    number=85,
    title="the disk fails under a working connector",
    when="a medium, a quota or the table of open files gives out while events flow",
    effect="one kind of call fails, once or until healed",
    contract="a publish that returned is kept, one that was rejected never arrives, an "
    "acknowledgement that cannot be written only delays deletion, a page is read later",
    why="kimi-code#3695: two minutes without space became twelve hours without events",
    invariants=("I1", "I2", "I6", "I10", "I11", "I12"),
    requirements=("WAL-4.1", "WAL-4.2", "CON-2.1", "ACK-5.1", "DEL-1.4"),
    cases=cases,
    strikes=tuple(f"{call} EIO" for call in ("append", "sync", "overwrite", "read", "unlink")),
)
