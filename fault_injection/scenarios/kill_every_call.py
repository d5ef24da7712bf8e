"""The process is killed at every call that it makes of the disk."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.log_steps import Kill, Open
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import calls_of, log_plan, rotate_and_delete


def cases(effort: Effort) -> Iterator[Case]:
    """Kill at each call; once more inside the recovery; then recover."""
    plan = log_plan("kill-every-call", *rotate_and_delete(), seed=effort.seed)
    for calls in range(calls_of(plan)):
        killed = plan.then(Kill(calls), Open())
        yield Case(killed, twice=True)
        for again in range(effort.budget(3, 40)):
            yield Case(plan.then(Kill(calls), Open(), Kill(again), Open()))


SCENARIO = Scenario(
    name="kill-every-call",
    number=1,
    title="SIGKILL at every call of the disk",
    when="the process is killed between any two of its calls, also during recovery",
    effect="memory is gone; what was written is in the page cache, whole",
    contract="what append returned is replayed, in order; nothing else but what was in flight",
    why="Upstream's shipped WAL returned before its write(2) had completed: an exit lost it (W1)",
    invariants=("I1", "I2", "I3", "I5", "I6"),
    requirements=("WAL-1.1", "REC-1.1", "REC-9.1", "DEL-1.1"),
    cases=cases,
    strikes=("kill",),
)
