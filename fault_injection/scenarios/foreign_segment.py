"""A segment of another log is in the directory."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.log_steps import Acknowledge, Append, Check, Close, Damage, Drain, Kill, Open
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import LIFE_AFTER, files, log_plan, segments_of


def cases(effort: Effort) -> Iterator[Case]:
    """Any file but the newest, whose header says whose log this is."""
    for ending in (Kill(), Close()):
        for settled in (0, 1, 4):
            plan = log_plan(
                "foreign-segment", *files(4), Acknowledge(settled), ending, seed=effort.seed
            )
            for file, (_, _, places) in enumerate(segments_of(plan)[:-1]):
                other = Damage("foreign", file=file, lost_max=len(places))
                opened = plan.then(other, Open(), Check("said-once"))
                yield Case(opened.then(*LIFE_AFTER), twice=True)
                yield Case(
                    opened.then(Kill(), Open(), Append(2), Append(1), Kill(), Open(), Drain())
                )


SCENARIO = Scenario(
    name="foreign-segment",
    number=67,
    title="another log's segment",
    when="the log is not running: files of two hosts are put into one directory",
    effect="a segment that verifies and carries another identity",
    contract="it is moved aside, not replayed and not deleted; what stood under its name is "
    "reported lost; the others are whole",
    why="Trap T16: two logs mixed under one identity, and the broker drops new events as repeats",
    invariants=("I2", "I5", "I6", "I7", "I10"),
    requirements=("REC-5.1", "REC-4.1", "REP-1.2"),
    cases=cases,
    strikes=("damage foreign",),
)
