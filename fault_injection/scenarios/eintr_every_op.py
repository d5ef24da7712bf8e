"""A signal interrupts a call of the disk, before it did anything or after part of it."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.log_steps import Append, Drain, Fault, Kill, Open, PowerCut, Replay
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import each_call, log_plan, uses

CALLS = ("create_exclusive", "append", "overwrite", "sync", "sync_directory", "read", "list",
         "rename_new", "unlink", "lock", "truncate")  # fmt: skip


def cases(effort: Effort) -> Iterator[Case]:
    """EINTR at every call; writes also after some bytes, and again and again."""
    for steps in uses().values():
        plan = log_plan("eintr-every-op", *steps, seed=effort.seed)
        for call in CALLS:
            for at in each_call(plan, call):
                used = plan.with_steps(Fault(call, "EINTR", at), *steps, Append(1), Replay())
                yield Case(used.then(PowerCut(), Open(), Drain()))
                yield Case(used.then(Kill(), Open(), Append(1), Drain()))
        for at in each_call(plan, "append"):
            for short in (1, 20, 64):
                faults = Fault("append", at=at, short=short), Fault("append", "EINTR", at + 1, 2)
                used = plan.with_steps(*faults, *steps, Append(1), Replay())
                yield Case(used.then(PowerCut(), Open(), Drain()))


SCENARIO = Scenario(
    name="eintr-every-op",
    number=25,
    title="a signal interrupts a call",
    when="the k-th call of each kind, for every k; of a write also after part of it",
    effect="EINTR, without any other effect",
    contract="a write is taken up again, and its append succeeds; of other calls the error is told "
    "and nothing is lost",
    why="Signal handlers without SA_RESTART; a retry that begins anew writes the first bytes twice",
    invariants=("I1", "I2", "I11"),
    requirements=("WAL-4.1", "WAL-1.1", "ERR-1.2", "REC-1.1"),
    cases=cases,
    strikes=("append EINTR", "append short", "sync EINTR", "read EINTR", "power-cut"),
)
