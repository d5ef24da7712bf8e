"""Bytes of no meaning stand behind the last record."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.log_steps import Append, Check, Close, Damage, Drain, Kill, Open
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import files, log_plan


def cases(effort: Effort) -> Iterator[Case]:
    """One byte and more; open, append, close, open."""
    for amount in (*range(1, 24), 106, 107, 108, 4096):
        for kind in ("garbage", "zeros"):
            for ending in (Kill(), Close()):
                for count in (1, 2):
                    plan = log_plan(
                        "garbage-appended", *files(count, 1), ending,
                        Damage(kind, file=-1, place=-1, amount=amount), Open(), Append(1), Close(),
                        Open(), Check("said-once"), Append(1), Kill(), Open(), Drain(),
                        seed=effort.seed,
                    )  # fmt: skip
                    yield Case(plan, twice=amount in (1, 107))


SCENARIO = Scenario(
    name="garbage-appended",
    number=57,
    title="open, append, close, open: with garbage behind the end",
    when="the log is not running; a crash has extended the file, or somebody has appended to it",
    effect="1 to 4096 bytes behind the last record of the newest file",
    contract="nothing is lost, and what is appended afterwards is there at the next open",
    why="amelie#17: append a byte of garbage, open, append, close, open: the record is invisible",
    invariants=("I1", "I2", "I5", "I6", "I7"),
    requirements=("REC-6.1", "REC-7.1", "FMT-5.5", "WAL-1.1"),
    cases=cases,
    strikes=("damage garbage", "damage zeros"),
)
