"""An event is refused for good, and its dead letter cannot be written."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.log_steps import (
    Acknowledge,
    Append,
    Close,
    Drain,
    Fault,
    Kill,
    Open,
    PowerCut,
    Refuse,
    Replay,
)
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import files, log_plan


def cases(effort: Effort) -> Iterator[Case]:
    """The file cannot be made, grow, or be synced, nor its name; a first and a second letter."""
    faults = [
        ("create_exclusive", "ENOSPC", "dead"), ("append", "ENOSPC", "dead"),
        ("sync", "ENOSPC", "dead"), ("sync", "EIO", "dead"), ("sync_directory", "EIO", ""),
    ]  # fmt: skip
    for call, error, suffix in faults:
        for letters in (0, 1):
            for times in (1, 0):
                refused = log_plan(
                    "dead-letter-fails", *files(2), *[Refuse(), Acknowledge(1)] * letters,
                    Fault(call, error, times=times, suffix=suffix), Refuse(), Replay(), Refuse(),
                    Append(1), seed=effort.seed,
                )  # fmt: skip
                yield Case(refused, budget=effort.budget(10, 1000))
                for ending in (Kill(), Close()):
                    yield Case(refused.then(ending, Open(), Refuse(), Drain()))
                for kept in ("none", "all"):
                    yield Case(refused.then(PowerCut(kept=kept), Open(), Refuse(), Drain()))
    torn = log_plan(
        "dead-letter-fails", *files(1), Fault("append", short=30, suffix="dead"),
        Fault("append", "ENOSPC", at=2, suffix="dead"), Refuse(), Refuse(), Refuse(),
        seed=effort.seed,
    )  # fmt: skip
    yield Case(torn.then(Kill(), Open(), Drain()))
    yield Case(torn, budget=effort.budget(30, 1000))


SCENARIO = Scenario(
    name="dead-letter-fails",
    number=64,
    title="a dead letter cannot be stored",
    when="the broker refuses an event, and the dead-letter file cannot be written, in each of its "
    "calls",
    effect="ENOSPC or EIO, once or always; part of a line may be written",
    contract="the event is settled only once its letter is durable, else it stays in the log; a "
    "torn line costs only itself",
    why="Traps T4 and T15: refused, skipped, and in neither the broker, the log nor the dead "
    "letters",
    invariants=("I1", "I6", "I10", "I12"),
    requirements=("DLQ-1.1", "DLQ-1.2", "ACK-5.1"),
    cases=cases,
    strikes=(
        "create_exclusive ENOSPC",
        "append ENOSPC",
        "sync EIO",
        "sync_directory EIO",
        "append short",
        "power-cut",
    ),
)
