"""The process ends in every call of the disk while a backlog is read back and acknowledged."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.connector_steps import (
    BrokerListens,
    BrokerStopsListening,
    Flow,
    Kill,
    PowerCut,
    Publish,
    Quiesce,
    Start,
)
from fault_injection.connector_workloads import calls_of_disk, connector_plan
from fault_injection.plan import Step
from fault_injection.scenario import Effort, Scenario

BACKLOG = (Start(), BrokerStopsListening(), Publish(20), Kill(), BrokerListens())


def cases(effort: Effort) -> Iterator[Case]:
    """Kill, or fail the power, in each call; once more in the recovery that follows."""
    plan = connector_plan("kill-while-paging-in", *BACKLOG, buffer_bytes=400, window=3)
    work = (Start(), Flow(), Publish(2), Flow())
    for calls in range(calls_of_disk(plan, *work)):
        for end in _ends(calls, effort):
            steps = plan.then(end, *work, Kill(), Start(), Flow())
            yield Case(steps.then(Quiesce()))
        for again in range(0, 40, effort.budget(11, 1)):
            in_recovery = PowerCut("#1", after_calls=again)
            twice = plan.then(Kill(calls), *work, Kill(), in_recovery, Start(), Kill(), Start())
            yield Case(twice.then(Quiesce()))


def _ends(calls: int, effort: Effort) -> Iterator[Step]:
    yield Kill(calls)
    yield PowerCut("none", after_calls=calls)
    for number in range(effort.budget(1, 20)):
        yield PowerCut(f"#{number}", after_calls=calls)


SCENARIO = Scenario(
    name="kill-while-paging-in",
    number=83,
    title="killed, or without power, at every call while paging back in",
    when="a connector starts on a backlog larger than its buffer, and does not get far",
    effect="the process ends between a page, its answers, the watermark and the deletion of a file",
    contract="nothing is lost; what was settled durably stays so; the next process goes on",
    why="vector#25570: a reader resumed in a file that no longer existed, in a loop",
    invariants=("I1", "I3", "I6", "I10", "I12"),
    requirements=("BUF-2.1", "ACK-5.1", "DEL-1.1", "DEL-1.4"),
    cases=cases,
    strikes=("kill", "power-cut"),
)
