"""Recovery finds a full disk, or one that fails, at each of its calls."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.log_steps import (
    Acknowledge,
    Append,
    Check,
    Close,
    Damage,
    Drain,
    Fault,
    Kill,
    Open,
    PowerCut,
    Replay,
)
from fault_injection.plan import Step
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import each_call, files, log_plan

CALLS = (
    "create_exclusive",
    "append",
    "sync",
    "rename_new",
    "sync_directory",
    "unlink",
    "overwrite",
)


def cases(effort: Effort) -> Iterator[Case]:
    """After a kill or damage, the k-th call of recovery fails, once and for good."""
    for harm in (None, Damage("cut", file=-1, amount=20, lost_max=1)):
        for settled in (0, 3):
            before: list[Step] = [*files(2), Acknowledge(settled), Kill()]
            before += [harm] if harm else []
            plan = log_plan("full-disk-at-open", *before, seed=effort.seed)
            fresh = log_plan("full-disk-at-open", *before, Open(), seed=effort.seed)
            for call in CALLS:
                begun = len(list(each_call(plan, call)))
                for at in range(1, len(list(each_call(fresh, call))) - begun + 2):
                    for times in (1, 0):
                        error = "EIO" if call == "sync" else "ENOSPC"
                        opened = plan.then(
                            Fault(call, error, at, times), Open(), Check("degraded"), Replay(),
                            Append(1),
                            Acknowledge(1), Append(1),
                        )  # fmt: skip
                        yield Case(opened.then(Check("goes-on"), Replay(), Drain()))
                        yield Case(opened.then(Kill(), Open(), Append(1), Drain()))
                        yield Case(opened.then(PowerCut(), Open(), Append(1), Drain()))
                        yield Case(opened.then(Close(), PowerCut(), Open(), Append(1), Drain()))


SCENARIO = Scenario(
    name="full-disk-at-open",
    number=68,
    title="recovery on a disk that is full or fails",
    when="the log is opened after a crash; the k-th call of its recovery fails, once or from there "
    "on",
    effect="ENOSPC, or EIO of a sync",
    contract="the log opens degraded, or refuses; it hands out nothing that may be lost, works on "
    "what it has, and recovers fully when the disk does",
    why="Trap T14: refuse, and nothing can be drained, so there never is room; or throw away what "
    "cannot be copied",
    invariants=("I1", "I6", "I10", "I11", "I12"),
    requirements=("REC-9.3", "REC-9.2", "REC-7.1", "REC-8.1", "WAL-4.4"),
    cases=cases,
    strikes=(
        "create_exclusive ENOSPC",
        "append ENOSPC",
        "sync EIO",
        "rename_new ENOSPC",
        "power-cut",
    ),
)
