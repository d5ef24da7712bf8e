"""Everything is acknowledged, the log rotates, and the process is killed at each call."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.cuts import cuts
from fault_injection.log_steps import Acknowledge, Append, Check, Drain, Kill, Open
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import LIFE_AFTER, calls_of, disk_of, files, log_plan


def cases(effort: Effort) -> Iterator[Case]:
    """Nothing is left to deliver; killed at each call, or without power, the numbers stand."""
    for count in (1, 2):
        plan = log_plan(
            "all-acknowledged-kill", *files(count), Acknowledge(2 * count), Append(1),
            Acknowledge(1), Append(2), Acknowledge(2), seed=effort.seed,
        )  # fmt: skip
        for calls in range(calls_of(plan) + 1):
            killed = plan.then(Kill(calls), Open())
            yield Case(killed.then(Check("deletes"), Append(1), Drain()), twice=True)
        for cut in cuts(disk_of(plan), effort.budget(12, 1000), effort.seed):
            yield Case(plan.then(cut, *LIFE_AFTER))


SCENARIO = Scenario(
    name="all-acknowledged-kill",
    number=53,
    title="everything is acknowledged, then a kill at each call",
    when="the last event is settled, files are rotated and deleted, the process is killed or the "
    "power fails",
    effect="the newest file is empty, or not there yet; nothing is left but the memory of the "
    "numbers",
    contract="the next number is above every number that was given, and nothing settled is called "
    "lost",
    why="nats#6600: the last block was deleted before its replacement existed, and numbers began "
    "anew; upstream restarts at 1 (W11)",
    invariants=("I4", "I6", "I10", "I12"),
    requirements=("WAL-1.2", "ACK-5.1", "REC-6.2", "REC-9.2"),
    cases=cases,
    strikes=("kill", "power-cut"),
)
