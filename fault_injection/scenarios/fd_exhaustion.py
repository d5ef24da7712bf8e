"""The process has no descriptor left, for one call or for a while."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.log_steps import Append, Check, Drain, Fault, Kill, Open, PowerCut, Replay
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import each_call, log_plan, uses

CALLS = ("create_exclusive", "append", "overwrite", "sync", "sync_directory", "read", "list",
         "unlink", "lock")  # fmt: skip


def cases(effort: Effort) -> Iterator[Case]:
    """EMFILE at the k-th call that may have to open a file, once and from there on."""
    for steps in uses().values():
        plan = log_plan("fd-exhaustion", *steps, seed=effort.seed)
        for call in CALLS:
            for at in each_call(plan, call):
                for times in (1, 0):
                    used = plan.with_steps(Fault(call, "EMFILE", at, times), *steps, Append(1))
                    yield Case(used.then(PowerCut(), Open(), Append(1), Drain()))
                    if call in ("create_exclusive", "append"):
                        yield Case(used.then(Check("goes-on"), Replay(), Drain()))
                    else:
                        yield Case(used.then(Kill(), Open(), Drain()))


SCENARIO = Scenario(
    name="fd-exhaustion",
    number=32,
    title="no descriptors left",
    when="the k-th call that opens a file, once or from there on",
    effect="EMFILE, without any other effect",
    contract="opening refuses or works; a file that cannot be read is not a file without records; "
    "with descriptors again everything goes on",
    why="Upstream's shipped WAL skips a file that cannot be read, and deletes it later (W19); "
    "after a failed rotation it unlinks the file that it writes (W27)",
    invariants=("I1", "I6", "I10", "I11", "I12"),
    requirements=("REC-1.1", "REC-1.2", "WAL-3.3", "WAL-4.2", "ACK-4.1"),
    cases=cases,
    strikes=("create_exclusive EMFILE", "read EMFILE", "list EMFILE", "sync EMFILE", "power-cut"),
)
