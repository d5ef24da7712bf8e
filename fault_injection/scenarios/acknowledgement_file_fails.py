"""The acknowledgement file cannot be written while the log is being recovered."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.log_steps import (
    Acknowledge,
    Append,
    Check,
    Damage,
    Drain,
    Fault,
    Heal,
    Kill,
    Open,
    PowerCut,
)
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import files, log_plan

NO_ROOM = tuple(
    Fault("create_exclusive", "ENOSPC", times=0, suffix=suffix) for suffix in (".wal", ".wal.new")
)
NO_SLOT = Fault("overwrite", "EIO", suffix=".ack")
HARMS = (
    Damage("garbage", file=-1, place=-1, amount=1),
    Damage("garbage", file=-1, place=-1, amount=300),
    Damage("zeros", file=-1, place=-1, amount=300),
)


def cases(effort: Effort) -> Iterator[Case]:
    """Slots that are only in the page cache, and cannot be written again; a swap cut short."""
    for settled in (1, 2, 4):
        begin = (Open(), Append(3), Kill(), Open(), Append(1), Fault("sync", suffix=".ack"))
        plan = log_plan("acknowledgement-file-fails", *begin, Acknowledge(settled), Kill(),
                        seed=effort.seed)  # fmt: skip
        opened = plan.then(NO_SLOT, Open())
        for kept in ("none", "all"):
            cut = (PowerCut(kept=kept), Open(), Append(1), Drain())
            yield Case(opened.then(*cut))
            yield Case(opened.then(Kill(), Open(), *cut))
    # Numbers burned on a full disk are in the new acknowledgement file only.
    for harm in HARMS:
        for count in (1, 2):
            for times in (1, 2, 9):
                plan = log_plan(
                    "acknowledgement-file-fails", *files(count), Append(1),
                    Acknowledge(2 * count + 1), Kill(), harm, *NO_ROOM, NO_SLOT,
                    Fault("rename_new", times=times, suffix=".ack"), Open(), Append(1), Kill(),
                    seed=effort.seed,
                )  # fmt: skip
                after = (Heal(), Open(), Check("said-once"), Append(1), Kill(), Open(), Drain())
                yield Case(plan.then(*after), twice=True)


SCENARIO = Scenario(
    name="acknowledgement-file-fails",
    number=87,
    title="the acknowledgement file cannot be written at open",
    when="the log is opened after a kill, and a slot cannot be written, or the new file that takes "
    "the old one's place does not get its name",
    effect="a failed sync, overwrite or rename of procmond.ack, and a power cut after it",
    contract="what was copied stays until the slots that it refers to are durable; the next open "
    "gives the new file its name, and no number that it holds is burned or reported twice",
    why="A copy begins above what the slots settle: lose those, and deleted events are called "
    "lost; forget the swap, and the only memory of burned numbers is gone",
    invariants=("I1", "I5", "I6", "I7", "I12"),
    requirements=("ACK-4.1", "REC-7.1", "REC-6.2", "REC-9.3"),
    cases=cases,
    strikes=(
        "sync EIO",
        "overwrite EIO",
        "create_exclusive ENOSPC",
        "rename_new EIO",
        "power-cut",
    ),
)
