"""Each bit of a record's header turns, wherever the record is."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.log_steps import Append, Check, Close, Damage, Drain, Kill, Open
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import LIFE_AFTER, files, log_plan
from reference.limits import FRAME_HEADER_BYTES


def cases(effort: Effort) -> Iterator[Case]:
    """First, middle and last record of the newest file and of one before, killed and closed."""
    for ending in (Kill(), Close()):
        plan = log_plan(
            "bitrot-each-bit-header", *files(2, 3), ending, seed=effort.seed,
            rotation_bytes=8192 + 300,
        )  # fmt: skip
        for file in (0, 1):
            for record in (0, 1, 2):
                for bit in range(0, 8 * FRAME_HEADER_BYTES, effort.budget(3, 1)):
                    rot = Damage("flip", file=file, record=record, place=bit, lost_max=1)
                    rotten = plan.then(rot, Open(), Check("said-once"))
                    if bit % 15 == 0:
                        yield Case(rotten.then(*LIFE_AFTER), twice=True)
                    else:
                        yield Case(rotten.then(Append(1), Drain()))


SCENARIO = Scenario(
    name="bitrot-each-bit-header",
    number=26,
    title="each bit of a record's header flipped",
    when="the log is not running, and one bit of sync word, length, number or checksum turns",
    effect="the header does not verify: what its length says cannot be trusted",
    contract="one record is lost, and reported under its number; its neighbours are replayed; "
    "nothing is allocated on the word of a bad length",
    why="bookkeeper#2220, memtrace#80 (192 GiB), bincode#239: lengths that were believed; "
    "upstream's checksum does not cover length and number (W6, W7)",
    invariants=("I2", "I3", "I6", "I7"),
    requirements=("REC-2.2", "FMT-5.4", "FMT-1.3", "REP-1.1", "REP-1.2"),
    cases=cases,
    strikes=("damage flip",),
)
