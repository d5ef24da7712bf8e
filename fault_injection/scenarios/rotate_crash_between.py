"""A crash inside a rotation: killed at each of its calls, or without power, in every legal way."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.cuts import cuts
from fault_injection.log_steps import Acknowledge, Append, Kill, Open
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import LIFE_AFTER, calls_of, disk_of, files, log_plan


def cases(effort: Effort) -> Iterator[Case]:
    """The second file is begun, with records before it unsettled or settled.

    The last of each explores: cuts that are listed are at moments of the reference's rotation.
    """
    for settled in (0, 1, 2):
        before = log_plan("rotate-crash-between", *files(1), Acknowledge(settled), seed=effort.seed)
        plan = before.then(Append(1))
        for calls in range(calls_of(before), calls_of(plan) + 1):
            killed = plan.then(Kill(calls))
            yield Case(killed.then(*LIFE_AFTER), twice=True)
            yield Case(killed.then(Open(), Append(2), Kill(), *LIFE_AFTER))
        first = len(disk_of(before).points) - 1
        for cut in cuts(disk_of(plan), effort.budget(40, 1 << 12), effort.seed, first=first):
            yield Case(plan.then(cut, *LIFE_AFTER), twice=True)
        yield Case(plan, budget=effort.budget(40, 1 << 12), twice=True)


SCENARIO = Scenario(
    name="rotate-crash-between",
    number=11,
    title="a crash between closing a file and starting the next",
    when="the process is killed, or the power fails, at any point of a rotation",
    effect="the next file is absent, empty, half a header, or whole; the full one is there",
    contract="records of the full file are replayed; numbers go on; a leftover is in no one's way",
    why="yugabyte-db#3490: a gap between segments; prometheus#13027; trap T9",
    invariants=("I1", "I3", "I5", "I6", "I10"),
    requirements=("WAL-3.1", "REC-5.2", "REC-4.1", "REC-9.1"),
    cases=cases,
    strikes=("kill", "power-cut"),
)
