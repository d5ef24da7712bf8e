"""A record verifies and cannot be decoded."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.log_steps import (
    Acknowledge,
    Check,
    Close,
    Damage,
    Drain,
    Fault,
    Kill,
    Open,
    PowerCut,
)
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import LIFE_AFTER, files, log_plan


def cases(effort: Effort) -> Iterator[Case]:
    """The first, a middle, the last one; settled before, and not; no room for the letter."""
    for ending in (Kill(), Close()):
        for settled in (0, 1, 4):
            plan = log_plan(
                "undecodable-record", *files(3), Acknowledge(settled), ending, seed=effort.seed
            )
            for file in range(3 - settled // 2):
                for record in (0, 1):
                    bad = Damage("undecodable", file=file, record=record)
                    opened = plan.then(bad, Open(), Check("said-once"))
                    yield Case(opened.then(*LIFE_AFTER))
                    yield Case(opened.then(PowerCut(), *LIFE_AFTER))
                    for call in ("append", "sync"):
                        full = plan.then(bad, Fault(call, "ENOSPC", suffix="dead"), Open())
                        yield Case(full.then(PowerCut(), *LIFE_AFTER))
                        yield Case(full.then(Acknowledge(1), Kill(), Open(), Drain()))
            every = [Damage("undecodable", file=-1, record=record) for record in (0, 1)]
            yield Case(plan.then(*every, *LIFE_AFTER))


SCENARIO = Scenario(
    name="undecodable-record",
    number=54,
    title="a record that verifies and cannot be decoded",
    when="a newer or mistaken writer has stored it; at any place, before the watermark too",
    effect="its checksums hold, its event is of a type that does not exist",
    contract="it does not stop replay; its bytes are a dead letter, durable before it counts as "
    "settled; one that was acknowledged is not looked at",
    why="vector#26231, #18130, #19759: every start failed at the same record; upstream cannot "
    "read what it writes (W3) and deletes the file then (W4)",
    invariants=("I1", "I3", "I6", "I10", "I12"),
    requirements=("REC-11.1", "DLQ-1.1", "REC-1.1"),
    cases=cases,
    strikes=("damage undecodable", "append ENOSPC", "sync ENOSPC", "power-cut"),
)
