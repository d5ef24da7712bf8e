"""A write over several sectors reaches the medium in any part, the rest zeros or garbage."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.log_steps import Append, Open
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import log_plan


def cases(effort: Effort) -> Iterator[Case]:
    """A long record behind short ones, explored: whole sectors, then pieces of eight bytes."""
    for profile, padding in (("posix-min", 1500), ("hostile", 0)):
        plan = log_plan(
            "torn-tail-sectors", Open(), Append(1), Append(1, padding), profile=profile,
            seed=effort.seed, rotation_bytes=1 << 15,
        )  # fmt: skip
        yield Case(plan, budget=effort.budget(110, 1 << 11), twice=True)


SCENARIO = Scenario(
    name="torn-tail-sectors",
    number=5,
    title="any part of a write over several sectors",
    when="the power fails while a record that spans sectors is written and not yet synced",
    effect="each sector is kept or not; where the size was kept, zeros or garbage show",
    contract="the record may be there or not, never half; the records before it are whole",
    why="ALICE (OSDI 2014): appends of several blocks are atomic on no filesystem",
    invariants=("I1", "I2", "I5"),
    requirements=("REC-6.1", "FMT-5.4", "WAL-1.1", "REC-9.1"),
    cases=cases,
    strikes=("power-cut",),
)
