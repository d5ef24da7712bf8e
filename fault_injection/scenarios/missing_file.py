"""A segment is gone, or has another file's number in its name."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.log_steps import Acknowledge, Append, Check, Close, Damage, Drain, Kill, Open
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import LIFE_AFTER, files, log_plan, segments_of


def cases(effort: Effort) -> Iterator[Case]:
    """Each file of four, removed or renamed; what was settled is not missed; high numbers."""
    for ending in (Kill(), Close()):
        for settled in (0, 1, 2, 5):
            plan = log_plan(
                "missing-file", *files(4), Acknowledge(settled), ending, seed=effort.seed
            )
            there = segments_of(plan)
            after = (Open(), Check("said-once"), *LIFE_AFTER)
            for file, (_, _, places) in enumerate(there):
                is_last = file == len(there) - 1
                if is_last and isinstance(ending, Kill):
                    continue  # stated: nothing tells that there was one more file
                gone = Damage("remove", file=file, lost_max=len(places))
                yield Case(plan.then(gone, *after), twice=True)
                yield Case(plan.then(gone, Open(), Append(2), Kill(), *LIFE_AFTER))
                for number in (77, 99_999):
                    moved = Damage("misnamed", file=file, amount=number, lost_max=len(places))
                    yield Case(plan.then(moved, *after), twice=True)
                    yield Case(plan.then(moved, Open(), Append(2), Append(2), Append(1), Drain()))
            for number in (9_998, 99_998, 99_999):
                high = plan.then(Damage("renumbered", file=-1, amount=number), Open())
                used = high.then(Append(2), Append(2), Append(2), Acknowledge(1))
                yield Case(used.then(Kill(), *LIFE_AFTER), twice=True)
                yield Case(used.then(Close(), Open(), Append(2), Kill(), *LIFE_AFTER))


SCENARIO = Scenario(
    name="missing-file",
    number=61,
    title="a segment is missing or misnamed",
    when="the log is not running: somebody removes or renames a file",
    effect="a gap in the numbers of files, or a header that says another number than the name",
    contract="what the file held is reported lost, once, unless it was settled; the others are "
    "replayed in numeric order, also beyond 99999",
    why="vector#25570: a reader resumed in a file that was gone, for ever; vector#19759: numbers "
    "beyond what tests had used",
    invariants=("I3", "I5", "I6", "I7", "I10"),
    requirements=("REC-4.1", "FMT-3.1", "FMT-4.4", "REC-5.2", "REP-1.2"),
    cases=cases,
    strikes=("damage remove", "damage misnamed", "damage renumbered"),
)
