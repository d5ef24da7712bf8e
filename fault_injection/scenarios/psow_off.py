"""A disk without powersafe overwrite: synced bytes in the sector that is written rot."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.damage import records_touched
from fault_injection.log_steps import Append, Check, Close, Damage, Kill, Open
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import LIFE_AFTER, log_plan, segments_of
from reference.limits import FRAMES_OFFSET

SECTOR_BYTES = 512


def cases(effort: Effort) -> Iterator[Case]:
    """Each sector that holds records, after a kill and after a good end."""
    for ending in (Kill(), Close()):
        plan = log_plan(
            "psow-off", Open(), Append(5), Append(4, 100), Append(3), ending, seed=effort.seed,
            rotation_bytes=1 << 15,
        )  # fmt: skip
        _, content, _ = segments_of(plan)[0]
        for start in range(FRAMES_OFFSET, len(content), SECTOR_BYTES):
            amount = min(SECTOR_BYTES, len(content) - start)
            hit = records_touched(content, start, start + amount)
            for kind in ("zeros", "garbage"):
                rot = Damage(kind, place=start, amount=amount, lost_max=hit)
                yield Case(plan.then(rot, Open(), Check("said-once"), *LIFE_AFTER), twice=True)


SCENARIO = Scenario(
    name="psow-off",
    number=9,
    title="synced bytes that share a sector with a torn write are damaged",
    when="the power fails while a sector that holds durable records is written again",
    effect="the whole sector is zeros or garbage",
    contract="outside of what the log relies on (SPEC 16): the records of that sector are lost; "
    "each is reported, and no other is touched",
    why="raft-wal states the same assumption; SQLite's documentation of powersafe overwrite",
    invariants=("I2", "I3", "I6", "I7"),
    requirements=("REC-2.2", "REC-6.1", "REP-1.2", "REC-8.1"),
    cases=cases,
    strikes=("damage zeros", "damage garbage"),
)
