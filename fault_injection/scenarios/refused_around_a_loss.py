"""A record is lost, and the broker refuses every event around it, one by one."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.log_steps import (
    Acknowledge,
    Append,
    Check,
    Close,
    Damage,
    Kill,
    Open,
    Refuse,
)
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import LIFE_AFTER, files, log_plan

FILES = 3
EVENTS = 2 * FILES + 1


def cases(effort: Effort) -> Iterator[Case]:
    """Each record but the newest file's; all that are left are refused, none is acknowledged."""
    for ending in (Kill(), Close()):
        for file in range(FILES):
            for record in (0, 1):
                for settled in (0, 1):
                    harm = Damage("flip", file=file, record=record, place=240, lost_max=1)
                    plan = log_plan(
                        "refused-around-a-loss", *files(FILES), Append(1), Acknowledge(settled),
                        ending, harm, Open(), seed=effort.seed,
                    )  # fmt: skip
                    left = EVENTS - 1 - settled
                    for new in (0, 2):
                        appended = [Append(new)] if new else []
                        refused = (*appended, *[Refuse()] * (left + new), Check("refused"))
                        yield Case(plan.then(*refused, Append(1), Kill(), *LIFE_AFTER))


SCENARIO = Scenario(
    name="refused-around-a-loss",
    number=91,
    title="a lost record among events that are refused",
    when="a record of an older file has rotted, and nothing is acknowledged in order: each event "
    "is refused for itself",
    effect="a number that nobody will ever settle, below numbers that are settled one by one",
    contract="what is lost is settled by being reported; when the last event is refused one file "
    "stays",
    why="Trap T5: the watermark waits for a number that cannot come, and the log grows to its "
    "quota",
    invariants=("I7", "I10"),
    requirements=("REC-2.1", "ACK-5.1", "DLQ-1.1"),
    cases=cases,
    strikes=("damage flip",),
)
