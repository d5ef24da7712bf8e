"""The disk is full for a while, and then it is not."""

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
from fault_injection.workloads import each_call, log_plan, uses

GROWING = ("create_exclusive", "append")


def cases(effort: Effort) -> Iterator[Case]:
    """From the k-th call that needs room on, nothing has any; space returns; no reopening."""
    for steps in uses().values():
        plan = log_plan("enospc-heal", *steps, seed=effort.seed)
        for call in GROWING:
            for at in each_call(plan, call):
                faults = [Fault(call, "ENOSPC", at, times=0)]
                if call == "append":
                    faults.insert(0, Fault("append", at=at, short=30))
                full = plan.with_steps(*faults, *steps, Append(2), Acknowledge(1), Append(1))
                healed = full.then(Check("goes-on"), Replay())
                yield Case(healed.then(Drain()))
                for kept in ("none", "all"):
                    yield Case(healed.then(PowerCut(kept=kept), Open(), Drain()))
                yield Case(full.then(Kill(), Open(), Append(1), Check("goes-on"), Drain()))


SCENARIO = Scenario(
    name="enospc-heal",
    number=23,
    title="a full disk gets room again",
    when="from the k-th create or append on there is no room, until some is made",
    effect="everything that grows fails with ENOSPC; overwriting and deleting work",
    contract="appends are refused, definitely; what is stored is replayed, acknowledged and "
    "deleted meanwhile; with room the next append works without opening the log again",
    why="kimi-code#3695: two minutes of ENOSPC became 12.5 hours of loss; prometheus#13027",
    invariants=("I1", "I2", "I6", "I10", "I11"),
    requirements=("WAL-4.4", "WAL-4.2", "REC-9.3", "WAL-3.3"),
    cases=cases,
    strikes=("append ENOSPC", "create_exclusive ENOSPC", "power-cut"),
)
