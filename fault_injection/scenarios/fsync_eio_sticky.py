"""Every sync fails from some moment on, until the disk is repaired."""

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
    Replay,
)
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import each_call, log_plan, uses


def cases(effort: Effort) -> Iterator[Case]:
    """From the k-th sync on; the log is closed, killed, opened again and again; then repaired."""
    for policy in ("", "btrfs"):
        for steps in uses().values():
            plan = log_plan("fsync-eio-sticky", *steps, seed=effort.seed)
            for at in each_call(plan, "sync"):
                failed = plan.with_steps(
                    Fault("sync", "EIO", at, times=0, policy=policy), *steps, Append(1)
                )
                yield Case(failed.then(Replay(), Acknowledge(1), Close(), Open(), Drain()))
                opened = failed.then(Kill(), Open(), Append(1), Acknowledge(1), Kill(), Open())
                yield Case(opened.then(Drain()))
                for kept in ("none", "all"):
                    yield Case(opened.then(PowerCut(kept=kept), Open(), Drain()))


SCENARIO = Scenario(
    name="fsync-eio-sticky",
    number=20,
    title="every sync fails, until the disk is repaired",
    when="from the k-th sync on, for every k, through closing, killing and opening again",
    effect="nothing more becomes durable for certain",
    contract="nothing is acknowledged that may be lost, nothing is deleted on the word of a slot "
    "that may be lost; repaired, the log opens and drains",
    why="A medium that dies slowly; kimi-code#3695: one failure, sticky for 12.5 hours",
    invariants=("I1", "I6", "I10", "I11", "I12"),
    requirements=("WAL-4.3", "ACK-4.1", "ACK-5.1", "REC-9.3"),
    cases=cases,
    strikes=("sync EIO", "power-cut"),
)
