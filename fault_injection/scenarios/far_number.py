"""Behind a damaged record stands a sound one whose number cannot be at its place."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.log_steps import Acknowledge, Append, Check, Close, Damage, Kill, Open
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import LIFE_AFTER, log_plan

FAR = (40, 10**6, 2**40)


def cases(effort: Effort) -> Iterator[Case]:
    """The last but one of some records is damaged; in a file that was closed, and one that ran."""
    for ending in (Kill(), Close()):
        for records in (2, 3, 6):
            for settled in (0, 1, records):
                plan = log_plan(
                    "far-number", Open(), Append(records), Acknowledge(settled), ending,
                    seed=effort.seed, rotation_bytes=1 << 15,
                )  # fmt: skip
                for beyond in FAR:
                    harm = Damage(
                        "far", record=records - 2, place=records - 1, amount=beyond, lost_max=2
                    )
                    hit = plan.then(harm, Open(), Check("said-once"))
                    yield Case(hit.then(*LIFE_AFTER), twice=True)


SCENARIO = Scenario(
    name="far-number",
    number=88,
    title="a sound record under a number far above",
    when="a record's header rots, and a block of an older log, or another writer, has left a sound "
    "record behind it",
    effect="the search for the next record meets one whose number so few bytes cannot explain",
    contract="it is no boundary: it is not replayed, and the numbers up to it are not called lost",
    why="Trap T12: one record that is believed too easily invents events, and a trillion losses",
    invariants=("I1", "I2", "I7"),
    requirements=("REC-3.1", "REC-3.3"),
    cases=cases,
    strikes=("damage far",),
)
