"""A record in the middle is not there, and the ones behind it are."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.log_steps import Append, Check, Close, Damage, Kill, Open
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import LIFE_AFTER, log_plan, segments_of

PADDING = 700
"""Each record has a sector of its own."""


def cases(effort: Effort) -> Iterator[Case]:
    """Of a batch that was not synced, explored; and of records that were durable."""
    plan = log_plan(
        "hole-then-valid", Open(), Append(1), Append(3, PADDING), seed=effort.seed,
        rotation_bytes=1 << 15,
    )  # fmt: skip
    yield Case(plan, budget=effort.budget(300, 1 << 12))
    for ending in (Kill(), Close()):
        durable = plan.then(ending)
        _, _, places = segments_of(durable)[0]
        for record, (_, length) in enumerate(places):
            for kind in ("zeros", "garbage"):
                hole = Damage(kind, record=record, amount=length, lost_max=1)
                yield Case(durable.then(hole, Open(), Check("said-once"), *LIFE_AFTER), twice=True)


SCENARIO = Scenario(
    name="hole-then-valid",
    number=6,
    title="a record is missing, and valid ones follow",
    when="sectors of one write reach the medium out of order, or a durable one is overwritten",
    effect="a stretch of zeros or garbage where a record was, and sound records behind it",
    contract="a hole costs the record that was there, reported; the ones behind it are replayed",
    why="Upstream's shipped WAL loses the rest of the file to one bad length (W6); nats#7549: one "
    "flipped bit, and up to half of the records were gone",
    invariants=("I1", "I2", "I3", "I7"),
    requirements=("REC-2.2", "REC-3.1", "REP-1.2", "FMT-5.4"),
    cases=cases,
    strikes=("damage zeros", "damage garbage"),
)
