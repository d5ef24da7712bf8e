"""Bits of a record's body turn."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.log_steps import Append, Check, Close, Damage, Drain, Kill, Open
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import files, log_plan, segments_of
from reference.limits import FRAME_HEADER_BYTES


def cases(effort: Effort) -> Iterator[Case]:
    """Every seventh bit (every one, deep) of the middle and the last record of two files."""
    for ending in (Kill(), Close()):
        plan = log_plan(
            "bitrot-body", *files(2, 3), ending, seed=effort.seed, rotation_bytes=8192 + 300
        )
        for file, (_, _, places) in enumerate(segments_of(plan)):
            for record in (1, 2):
                bits = range(8 * FRAME_HEADER_BYTES, 8 * places[record][1], effort.budget(13, 1))
                for bit in bits:
                    rot = Damage("flip", file=file, record=record, place=bit, lost_max=1)
                    yield Case(plan.then(rot, Open(), Check("said-once"), Append(1), Drain()))


SCENARIO = Scenario(
    name="bitrot-body",
    number=27,
    title="bits of a record's body flipped",
    when="the log is not running, and one bit of number, time, event or checksum turns",
    effect="the header verifies, the body does not",
    contract="exactly this record is lost, and reported; the records behind it are replayed",
    why="The ticket: corrupted entries are detected and skipped with a warning",
    invariants=("I2", "I3", "I6", "I7"),
    requirements=("REC-2.1", "FMT-5.4", "REP-1.1", "REP-1.2"),
    cases=cases,
    strikes=("damage flip",),
)
