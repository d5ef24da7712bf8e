"""A torn tail, a reopen, and a crash right before or after the next append."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.log_steps import Append, Check, Close, Damage, Drain, Kill, Open, PowerCut
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import calls_of, files, log_plan


def cases(effort: Effort) -> Iterator[Case]:
    """Two, three, four crashes in a row, each at another call of opening and appending."""
    for amount in (1, 60):
        for count in (1, 2):
            torn = log_plan(
                "crash-twice-torn-tail", *files(count), Kill(),
                Damage("cut", file=-1, amount=amount, lost_max=1), seed=effort.seed,
            )  # fmt: skip
            for calls in range(calls_of(torn.then(Open(), Append(1))) + 1):
                once = torn.then(Open(), Append(1), Kill(calls))
                yield Case(once.then(Open(), Append(1), Close(), Open(), Drain()), twice=True)
                again = [Open(), Append(1), Kill(max(0, calls - 2))]
                yield Case(
                    once.then(*again, *again, Open(), Append(2), Check("said-once"), Drain())
                )
                yield Case(once.then(PowerCut(), Open(), Append(1), PowerCut(), Open(), Drain()))


SCENARIO = Scenario(
    name="crash-twice-torn-tail",
    number=56,
    title="crashes one after the other, beginning with a torn tail",
    when="the log is opened after a crash, and crashes again before or after its first append",
    effect="the torn file is no longer the newest",
    contract="every restart is as good as the first: nothing sound is called damaged, numbers rise",
    why="cockroach#68319, pebble#1212: the first restart was fine, the second one found corruption",
    invariants=("I1", "I5", "I6", "I7", "I10"),
    requirements=("REC-6.1", "REC-7.1", "REC-9.1", "REC-9.2"),
    cases=cases,
    strikes=("damage cut", "kill", "power-cut"),
)
