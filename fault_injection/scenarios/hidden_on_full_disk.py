"""A connector opens on a disk so full that its log cannot hand out what it holds yet."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.connector_steps import (
    ExpectDelivered,
    Fault,
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


def cases(effort: Effort) -> Iterator[Case]:
    """No new file and no slot: for ever, or a few times; then there is room, or another crash."""
    for events in (1, 3, 6):
        for end in (Kill(), PowerCut("all")):
            for times in (0, 3):
                full = [
                    Fault(call, "ENOSPC", times=times)
                    for call in ("create_exclusive", "overwrite", "append")
                ]
                begin = (Start(), Publish(events), end, *full, Start(), Wait(5))
                plan = connector_plan("hidden-on-full-disk", *begin, seed=effort.seed)
                room = (Heal(), Publish(1), Wait(60), ExpectDelivered(), Quiesce())
                yield Case(plan.then(*room))
                yield Case(plan.then(Publish(2), Wait(5), *room))
                yield Case(plan.then(Kill(), Heal(), Start(), Wait(60), ExpectDelivered()))
                yield Case(plan.then(PowerCut(), Heal(), Start(), Wait(60), Quiesce()))


SCENARIO = Scenario(
    name="hidden-on-full-disk",
    number=89,
    title="entries that a log on a full disk does not hand out yet",
    when="the process is killed, and the disk is full when the next one opens the log",
    effect="neither a new file can be made nor a slot be written: what was read may be in the page "
    "cache only",
    contract="the connector opens, sends none of it and settles none of it; when there is room "
    "everything is delivered, without a restart",
    why="Trap T14: what is not handed out looks like what is settled to whoever counts numbers",
    invariants=("I1", "I10", "I11"),
    requirements=("REC-9.3", "BUF-2.1", "DEL-1.1", "DEL-1.4"),
    cases=cases,
    strikes=("create_exclusive ENOSPC", "overwrite ENOSPC", "kill", "power-cut"),
)
