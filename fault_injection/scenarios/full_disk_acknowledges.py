"""The disk is full, and acknowledging has to make room."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.log_steps import (
    Acknowledge,
    Append,
    Check,
    Drain,
    Fault,
    Kill,
    Open,
    PowerCut,
    Replay,
)
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import files, log_plan


def cases(effort: Effort) -> Iterator[Case]:
    """Nothing can grow or be created; the log is running, or is opened on the full disk."""
    for count in (1, 3, 5):
        for opened_full in (False, True):
            full = [Fault(call, "ENOSPC", times=0) for call in ("create_exclusive", "append")]
            begin = [Kill(), *full, Open(), Check("degraded")] if opened_full else full
            plan = log_plan("full-disk-acknowledges", *files(count), *begin, seed=effort.seed)
            for settled in range(2 * count + 1):
                used = plan.then(Append(1), Acknowledge(settled), Replay(), Append(1))
                yield Case(used.then(Check("deletes"), Check("goes-on"), Replay(), Drain()))
                for kept in ("none", "all"):
                    yield Case(used.then(PowerCut(kept=kept), Open(), Append(1), Drain()))


SCENARIO = Scenario(
    name="full-disk-acknowledges",
    number=55,
    title="acknowledging deletes files on a full disk",
    when="the disk is full, before the log is opened or while it runs",
    effect="no file grows and none can be made; overwriting in place and unlinking work",
    contract="acknowledging allocates nothing: it works and deletes, and appends resume; an open "
    "on a full disk is degraded and says so, and what it cannot make durable it does not hand out",
    why="otel-collector#7198: deleting needed a transaction that needed room; trap T14",
    invariants=("I1", "I6", "I10", "I11", "I12"),
    requirements=("REC-9.3", "ACK-5.1", "ACK-4.1", "WAL-4.4"),
    cases=cases,
    strikes=("append ENOSPC", "create_exclusive ENOSPC", "power-cut"),
)
