"""The text of an event holds a whole record, and the header in front of it rots."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.log_steps import Append, Check, Close, Damage, Kill, Open
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import LIFE_AFTER, log_plan


def cases(effort: Effort) -> Iterator[Case]:
    """A record before or behind, or one of another file's, inside a long record."""
    for ending in (Kill(), Close()):
        plan = log_plan(
            "planted-frame", Open(), Append(2), Append(1, 400), Append(3), Append(1, 400),
            Append(1), ending, seed=effort.seed, rotation_bytes=1 << 15,
        )  # fmt: skip
        for record in (2, 6):
            for place in (0, 1, 3, 4, 5, 7):
                plant = Damage("plant", record=record, place=place, lost_max=1)
                yield Case(plan.then(plant, Open(), Check("said-once"), *LIFE_AFTER), twice=True)


SCENARIO = Scenario(
    name="planted-frame",
    number=60,
    title="a record inside an event's text",
    when="somebody starts a process whose command line is a record of the log, and the header "
    "before it rots",
    effect="the search for the next record comes across one that is sound, at the wrong place",
    contract="it is not taken: nothing is replayed twice, nothing is invented, the numbers "
    "between are not lost",
    why="Trap T12; a log of what others do carries what they want it to carry",
    invariants=("I2", "I3", "I7"),
    requirements=("REC-3.3", "REC-3.1", "FMT-5.4"),
    cases=cases,
    strikes=("damage plant",),
)
