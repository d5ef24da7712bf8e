"""A file ends in NULs, or is all NULs."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.log_steps import Acknowledge, Append, Check, Close, Damage, Kill, Open
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import LIFE_AFTER, files, log_plan, segments_of

TAILS_BYTES = (1, 4, 107, 511, 512, 4096, 65536)


def cases(effort: Effort) -> Iterator[Case]:
    """A tail of NULs; each whole file; the acknowledgement file; files that never were more."""
    for ending in (Kill(), Close()):
        for settled in (0, 2):
            plan = log_plan("nul-filled", *files(3), Acknowledge(settled), ending, seed=effort.seed)
            after = (Open(), Append(1), Check("said-once"), *LIFE_AFTER)
            for amount in TAILS_BYTES:
                tail = Damage("zeros", file=-1, place=-1, amount=amount)
                yield Case(plan.then(tail, *after), twice=amount < 4096)
            for file, (_, content, places) in enumerate(segments_of(plan)):
                whole = Damage("zeros", file=file, amount=len(content), lost_max=len(places))
                yield Case(plan.then(whole, *after), twice=True)
            for size in (1, 8192, 8193, 65536):
                new = Damage("leftover", name="procmond-00009.wal", amount=size)
                nul = Damage("zeros", file=-1, amount=size)
                yield Case(plan.then(new, nul, *after), twice=True)
            yield Case(plan.then(Damage("zeros", file=-2, amount=8192), *after), twice=True)


SCENARIO = Scenario(
    name="nul-filled",
    number=58,
    title="tails and whole files of NUL bytes",
    when="after a reset: the size was durable, the bytes were not",
    effect="1 byte to 64 KiB of NULs behind the last record; a segment, or the acknowledgement "
    "file, of NULs",
    contract="NULs are no record and no header, cost no time and no number that was given; a whole "
    "file that was lost is reported",
    why="persist-queue#56, #142, #180, python-pqueue#12, braft#254: NULs after a reset; upstream "
    "warns once for every four of them (W23)",
    invariants=("I1", "I5", "I6", "I7"),
    requirements=("FMT-5.4", "REC-5.2", "REC-6.1", "ACK-1.2", "REC-8.1"),
    cases=cases,
    strikes=("damage zeros", "damage leftover"),
)
