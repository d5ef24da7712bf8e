"""The acknowledgement file is gone, zeros, garbage, cut, or rotten in one bit."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.log_steps import Acknowledge, Append, Check, Close, Damage, Drain, Kill, Open
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import files, log_plan
from reference.limits import HEADER_BYTES, SECOND_COPY_OFFSET


def cases(effort: Effort) -> Iterator[Case]:
    """After a kill and a good end, with nothing, some, or everything settled."""
    harms = [
        Damage("remove", file=-2), Damage("zeros", file=-2, amount=8192),
        Damage("garbage", file=-2, amount=8192), Damage("zeros", file=-2, amount=128),
        Damage("garbage", file=-2, place=SECOND_COPY_OFFSET, amount=128),
        *[Damage("cut", file=-2, amount=amount) for amount in (1, 4000, 4096, 8000, 8192)],
    ]  # fmt: skip
    for slot in (0, SECOND_COPY_OFFSET):
        for bit in range(0, 8 * HEADER_BYTES, effort.budget(41, 1)):
            harms.append(Damage("flip", file=-2, place=8 * slot + bit))
    for settled in (0, 3, 6):
        for ending in (Kill(), Close()):
            plan = log_plan(
                "acknowledgement-file-lost", *files(3), Acknowledge(settled), ending,
                seed=effort.seed,
            )  # fmt: skip
            for harm in harms:
                after = plan.then(harm, Open(), Check("said-once"), Append(1), Close(), Open())
                yield Case(after.then(Append(1), Drain()), twice=True)


SCENARIO = Scenario(
    name="acknowledgement-file-lost",
    number=52,
    title="the acknowledgement file is missing or damaged",
    when="the log is not running",
    effect="no file, zeros, garbage, a cut one, or one bit of one slot",
    contract="it costs repeats: no event, no number, no refusal; what was settled and deleted is "
    "not called lost",
    why="rsyslog#5771: without the index it began at file 1 and overwrote data; "
    "persist-queue#180: an info file of NULs",
    invariants=("I1", "I4", "I5", "I6", "I10"),
    requirements=("ACK-1.2", "WAL-1.2", "REC-4.1", "REC-1.1"),
    cases=cases,
    strikes=("damage remove", "damage zeros", "damage garbage", "damage cut", "damage flip"),
)
