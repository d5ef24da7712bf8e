"""The last durable record rots while its acknowledgement is not yet written."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.log_steps import Acknowledge, Append, Check, Close, Damage, Drain, Kill, Open
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import log_plan
from reference.limits import FRAME_HEADER_BYTES


def cases(effort: Effort) -> Iterator[Case]:
    """Every bit of the header of the last record; the broker has it, or all, or nothing."""
    for settled in (0, 1, 3):
        for rounds in (1, 2):
            plan = log_plan(
                "rotten-durable-tail", Open(), Append(3), Acknowledge(settled), Kill(),
                seed=effort.seed, acknowledge_count_max=1000, rotation_bytes=1 << 15,
            )  # fmt: skip
            for bit in range(0, 8 * FRAME_HEADER_BYTES, effort.budget(3, 1)):
                rot = Damage("flip", file=-1, record=2, place=bit, lost_max=1)
                rotten = plan.then(*[rot, Open(), Append(1), Kill()] * rounds)
                yield Case(rotten.then(Open(), Check("said-once"), Append(1), Close(), Drain()))


SCENARIO = Scenario(
    name="rotten-durable-tail",
    number=43,
    title="the last durable record rots, its acknowledgement still lazy",
    when="after a kill; the broker has the record, the slots do not say so yet",
    effect="one bit of its header turns: the bytes cannot be told from a torn tail",
    contract="the number may have been given, so it is burned, reported once, and never given to "
    "another event",
    why="Trap T1: truncate, give the number again, and the broker skips the new event as one that "
    "it has: lost in silence",
    invariants=("I2", "I6", "I7"),
    requirements=("REC-6.1", "REC-6.2", "WAL-1.2", "ACK-5.2", "REP-1.2"),
    cases=cases,
    strikes=("damage flip", "kill"),
)
