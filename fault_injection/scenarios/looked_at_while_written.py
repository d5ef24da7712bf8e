"""A reader looks at the directory of a running log, also in the middle of each write."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.log_steps import Append, Close, Fault, Heal, Inspect, Open, Refuse
from fault_injection.plan import Step
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import FEW_AND_ONE, log_plan, uses

NAME = "looked-at-while-written"


def cases(effort: Effort) -> Iterator[Case]:
    """Every use of a log, long records, a dead letter, and writes that stop half-way."""
    for settings in FEW_AND_ONE:
        for use in uses().values():
            looked_at = [each for step in use for each in _with_reader(step)]
            plan = log_plan(NAME, *looked_at, Close(), seed=effort.seed)
            yield Case(plan.limited(settings))
        long = [Append(1, 3000), Append(2, 500), Refuse(), Append(1)]
        plan = log_plan(NAME, Open(), Inspect(), *long, seed=effort.seed)
        yield Case(plan.limited(settings))
        for short in range(1, 240, effort.budget(37, 1)):
            for cut in ([], [Fault("truncate", suffix=".wal")]):
                stops = [
                    Fault("append", suffix=".wal", short=short),
                    Fault("append", "ENOSPC", at=2, suffix=".wal"), *cut,
                ]  # fmt: skip
                plan = log_plan(
                    NAME, Open(), Append(1), Inspect(), *stops, Append(2), Heal(), Append(1),
                    Close(), seed=effort.seed,
                )  # fmt: skip
                yield Case(plan.limited(settings))


def _with_reader(step: Step) -> list[Step]:
    return [step, Inspect()] if isinstance(step, Open) else [step]


SCENARIO = Scenario(
    name=NAME,
    number=95,
    title="a reader looks at the log while it is written",
    when="a log is open, and another process looks at its directory: after each call of the disk, "
    "and in the middle of each write",
    effect="the last record is there in part, and so is the header block of a new file, or a "
    "slot; files that are acknowledged are gone",
    contract="none of that is damage, and no number is taken for given by it; every record that "
    "the reader shows was appended",
    why="Trap T19: the end of a file that is being written looks like a torn tail, and whoever "
    "watches a log is called at night for nothing",
    invariants=("I2", "I7"),
    requirements=("CLI-2.2", "FMT-5.4"),
    cases=cases,
    strikes=("look", "append short", "append ENOSPC", "truncate EIO"),
)
