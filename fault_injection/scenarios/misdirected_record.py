"""A sound record lies where it does not belong."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.log_steps import Check, Close, Damage, Kill, Open
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import LIFE_AFTER, files, log_plan, segments_of


def cases(effort: Effort) -> Iterator[Case]:
    """Each record over each other one of its file, and of the other files."""
    for ending in (Kill(), Close()):
        plan = log_plan(
            "misdirected-record", *files(3, 3), ending, seed=effort.seed,
            rotation_bytes=8192 + 300,
        )  # fmt: skip
        counts = [len(places) for _, _, places in segments_of(plan)]
        for file, count in enumerate(counts):
            for record in range(count):
                for other, targets in enumerate(counts):
                    for place in range(targets):
                        if (file, record) == (other, place):
                            continue
                        kind = "copy" if file == other else "cross"
                        moved = Damage(
                            kind, file=file, record=record, place=place, other=other, lost_max=1
                        )
                        again = plan.then(moved, Open(), Check("said-once"), *LIFE_AFTER)
                        yield Case(again, twice=effort.is_deep)


SCENARIO = Scenario(
    name="misdirected-record",
    number=28,
    title="a sound record at the wrong place",
    when="the log is not running: the disk has written a block to the wrong address",
    effect="a record stands where another one was, of the same file or of another",
    contract="it is not replayed from there; the record that it hides is lost and reported; the "
    "one that it is a copy of is replayed once",
    why="Prabhakaran et al. (SOSP 2005), misdirected writes; kura#47; trap T8",
    invariants=("I2", "I3", "I6", "I7"),
    requirements=("FMT-5.4", "REC-3.3", "REC-4.2", "REP-1.2"),
    cases=cases,
    strikes=("damage copy", "damage cross"),
)
