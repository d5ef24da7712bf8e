"""The last write of a good end fails."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.log_steps import Acknowledge, Append, Close, Drain, Fault, Open, PowerCut
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import files, log_plan


def cases(effort: Effort) -> Iterator[Case]:
    """Each call of closing fails, in four ways; then the power fails, or nothing does."""
    faults = [("overwrite", "EIO"), ("overwrite", "ENOSPC"), ("sync", "ENOSPC"), ("sync", "EIO"),
              ("append", "ENOSPC"), ("create_exclusive", "EROFS"), ("unlink", "EIO")]  # fmt: skip
    for call, error in faults:
        for times in (1, 0):
            for settled in (0, 1, 3):
                for lazy in (1, 1000):
                    closed = log_plan(
                        "close-fails", *files(2), Acknowledge(settled), Append(1),
                        Fault(call, error, times=times), Close(), seed=effort.seed,
                        acknowledge_count_max=lazy,
                    )  # fmt: skip
                    yield Case(closed.then(Open(), Append(1), Drain()))
                    for kept in ("none", "all"):
                        yield Case(closed.then(PowerCut(kept=kept), Open(), Append(1), Drain()))


SCENARIO = Scenario(
    name="close-fails",
    number=63,
    title="closing cannot be recorded",
    when="the log is closed, and the write or the sync of the last slot fails",
    effect="EIO, ENOSPC or EROFS, once or always",
    contract="close says that the end was not clean, so repeats are expected; nothing is lost, "
    "and no file is taken for complete that is not",
    why="daemoneye's shutdown reports success when it has not flushed (C19); trap T8",
    invariants=("I1", "I4", "I6", "I10", "I11"),
    requirements=("REC-7.2", "ACK-4.1", "ACK-5.2"),
    cases=cases,
    strikes=("overwrite EIO", "sync EIO", "sync ENOSPC", "power-cut"),
)
