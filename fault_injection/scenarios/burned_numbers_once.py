"""Numbers were burned; every later open knows that they were reported."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.log_steps import Acknowledge, Append, Check, Close, Damage, Drain, Kill, Open
from fault_injection.plan import Step
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import files, log_plan


def cases(effort: Effort) -> Iterator[Case]:
    """A torn tail, garbage behind the end, a file without end; then three more lives."""
    harms = (
        Damage("cut", file=-1, amount=40, lost_max=1),
        Damage("garbage", file=-1, place=-1, amount=1),
        Damage("garbage", file=-1, place=-1, amount=700),
        Damage("zeros", file=-1, place=-1, amount=300),
    )
    for harm in harms:
        for ending in (Kill(), Close()):
            for settled in (0, 1, 9):
                for last in (Kill(), Close()):
                    life: list[Step] = [Open(), Check("said-once"), Append(1), last]
                    plan = log_plan(
                        "burned-numbers-once", *files(2, 1), Acknowledge(settled), ending, harm,
                        Open(), *life[2:], *life * 3, Open(), Check("said-once"), Drain(),
                        seed=effort.seed,
                    )  # fmt: skip
                    yield Case(plan, twice=True)


SCENARIO = Scenario(
    name="burned-numbers-once",
    number=50,
    title="burned numbers are reported once",
    when="a tail was found and its possible numbers were burned; the log goes on and is opened "
    "again and again",
    effect="a gap in the numbers, for as long as the files are there",
    contract="the first open reports it, the new file declares it, and no later open reports it "
    "again; numbers rise",
    why="Trap T10: the gap looks like a new loss at every start, and an alarm that always rings "
    "is not heard",
    invariants=("I5", "I6", "I7"),
    requirements=("FMT-4.5", "REC-6.1", "REC-6.2", "REC-9.1"),
    cases=cases,
    strikes=("damage cut", "damage garbage", "damage zeros"),
)
