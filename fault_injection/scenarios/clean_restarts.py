"""The log is closed in good order and opened again, five times."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.log_steps import Acknowledge, Append, Close, Drain, Open, PowerCut
from fault_injection.plan import Step
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import files, log_plan


def cases(effort: Effort) -> Iterator[Case]:
    """One to three files, nothing to all settled, with and without appends in between."""
    for count in (1, 2, 3):
        for settled in range(2 * count + 1):
            for appended in (0, 1, 2):
                for acknowledged in (0, 1):
                    life: list[Step] = [
                        Open(),
                        Append(appended),
                        Acknowledge(acknowledged),
                        Close(),
                    ]
                    if not appended:
                        del life[1]
                    plan = log_plan(
                        "clean-restarts", *files(count), Acknowledge(settled), Close(), *life * 5,
                        Open(), seed=effort.seed, acknowledge_count_max=1000,
                    )  # fmt: skip
                    yield Case(plan.then(Close(), PowerCut(), Open(), Drain()), twice=True)


SCENARIO = Scenario(
    name="clean-restarts",
    number=59,
    title="five restarts in good order repeat nothing",
    when="the log is closed and opened again and again, with one, two and three files; then the "
    "power fails",
    effect="none: everything works",
    contract="what was settled before a good end does not come back, ever; recovery has nothing "
    "to do and changes nothing",
    why="beats#32560: the last event was sent again at every restart once there were two "
    "segments; upstream repeats the active file (W16)",
    invariants=("I1", "I4", "I5", "I6"),
    requirements=("ACK-5.2", "REC-7.2", "REC-9.1", "REC-10.1"),
    cases=cases,
    strikes=("power-cut",),
)
