"""The log has used what it may use."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.log_steps import (
    Acknowledge,
    Append,
    Check,
    Drain,
    Kill,
    Open,
    PowerCut,
    Replay,
)
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import log_plan


def cases(effort: Effort) -> Iterator[Case]:
    """Quotas of a little more than two files, filled, drained in steps, filled again."""
    for quota in (2 * 8192 + 400, 3 * 8192 + 100, 3 * 8192 + 700):
        for limit in (8192 + 200, 1 << 15):
            for settled in (0, 1, 3, 20):
                full = log_plan(
                    "quota-reached", Open(), *[Append(2, 700)] * 12, Replay(), Acknowledge(settled),
                    *[Append(1)] * 3, Check("bounded"), Replay(), seed=effort.seed,
                    quota_bytes=quota, quarantine_bytes_max=1000, rotation_bytes=limit,
                )  # fmt: skip
                yield Case(full.then(Acknowledge(99), Check("goes-on"), Replay(), Drain()))
                for kept in ("none", "all"):
                    yield Case(full.then(PowerCut(kept=kept), Open(), Replay(), Drain()))
                yield Case(full.then(Kill(), Open(), Append(1), Acknowledge(99), Drain()))
    # One file fills the quota to the last small event: only a rotation makes room again.
    one = log_plan(
        "quota-reached", Open(), *[Append(1, padding_bytes=1500)] * 8, *[Append(1)] * 20,
        Acknowledge(99), Check("goes-on"), Drain(), seed=effort.seed,
        quota_bytes=2 * 8192 + 400, quarantine_bytes_max=1000, rotation_bytes=1 << 15,
    )  # fmt: skip
    yield Case(one)


SCENARIO = Scenario(
    name="quota-reached",
    number=65,
    title="the quota is reached, and drained",
    when="nothing is acknowledged for long, then all of it",
    effect="appends are refused: not by the disk, by the log",
    contract="refused for certain, and nothing of it comes back; acknowledging makes room, also "
    "if all is in the newest file",
    why="Trap T15: a quota that one settled file fills would refuse for ever; vector#25767: full "
    "for ever after a restart",
    invariants=("I1", "I6", "I9", "I10", "I11"),
    requirements=("WAL-5.1", "ERR-1.2", "WAL-1.3"),
    cases=cases,
    strikes=("quota",),
)
