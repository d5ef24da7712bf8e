"""A rotation fails and its file cannot be removed: the older file is still the one written to."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.log_steps import Acknowledge, Append, Drain, Fault, Kill, Open, PowerCut
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import files, log_plan

STAYS = (Fault("sync_directory", "EIO"), Fault("unlink", "EIO"))
ROOM_BYTES = 8192 + 900
"""The hard limit of a file: appends go on in the full one for a while."""


def cases(effort: Effort) -> Iterator[Case]:
    """One to three empty files behind it; every cut of the recovery; a last append that may not
    be on the medium."""
    for settled in (0, 1):
        full = log_plan(
            "failed-rotation-stays", *files(1), Acknowledge(settled), seed=effort.seed,
            file_bytes_max=ROOM_BYTES,
        )  # fmt: skip
        for again in (1, 2, 3):
            plan = full.then(*(*STAYS, Append(1)) * again)
            yield Case(plan.then(Kill(), Open()), budget=effort.budget(32, 4096), twice=True)
        for again in (0, 1, 2):
            plan = full.then(*(*STAYS, Append(1)) * again)
            for at in (1, 2, 3):  # of the new file's header, or of the record
                failed = Fault("sync", "EIO", at=at, suffix=".wal")
                lost = plan.then(*STAYS, failed, Append(1), Kill(), Open())
                for kept in ("none", "all"):
                    cut = (PowerCut(kept=kept), Open(), Append(1), Drain())
                    yield Case(lost.then(*cut))
                    yield Case(lost.then(Append(1), *cut))


SCENARIO = Scenario(
    name="failed-rotation-stays",
    number=86,
    title="a failed rotation that leaves its file",
    when="the newest file is full, the new one's name cannot be synced, and it cannot be removed "
    "either; then a crash",
    effect="one to three files of a header and no record stand behind the one that is written to",
    contract="recovery takes that one for open, copies it, and removes the copied files newest "
    "first: a crash between two of them leaves no file that begins above a hole",
    why="Trap T9: the newest file is empty, so nothing of the tail before it was looked at; an "
    "empty file that was left alone hid the records below its first number",
    invariants=("I1", "I5", "I6", "I7", "I10"),
    requirements=("REC-6.1", "REC-7.1", "WAL-3.3", "REC-9.1"),
    cases=cases,
    strikes=("sync_directory EIO", "unlink EIO", "sync EIO", "power-cut"),
)
