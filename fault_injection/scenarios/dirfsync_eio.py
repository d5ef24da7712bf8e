"""The sync of the directory fails: once, or always."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.log_steps import Acknowledge, Append, Drain, Fault, Kill, Open, PowerCut
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import FEW_AND_ONE, each_call, files, log_plan, uses


def cases(effort: Effort) -> Iterator[Case]:
    """The k-th sync of the directory, and all from it on; then no power, in both ways."""
    for steps in (*uses().values(), [*files(2, 1), Acknowledge(1), Append(1)]):
        for settings in FEW_AND_ONE:
            plan = log_plan("dirfsync-eio", *steps, seed=effort.seed).limited(settings)
            for at in each_call(plan, "sync_directory"):
                for times in (1, 0):
                    fault = Fault("sync_directory", "EIO", at, times)
                    failed = plan.with_steps(fault, *steps, Append(1), Append(1))
                    for kept in ("none", "all"):
                        yield Case(failed.then(PowerCut(kept=kept), Open(), Drain()))
                    yield Case(failed.then(Kill(), Open(), Append(1), PowerCut(), Open(), Drain()))


SCENARIO = Scenario(
    name="dirfsync-eio",
    number=21,
    title="the directory cannot be synced",
    when="the k-th sync of the directory, once, or every one from there on",
    effect="EIO; what names there are after a power cut is open",
    contract="no append returns in a file whose name may be lost; deletion may be undone, never "
    "wrongly done",
    why="Rotation that ignores the error of the directory's sync loses the whole file (W2)",
    invariants=("I1", "I6", "I10", "I11"),
    requirements=("WAL-3.1", "WAL-3.3", "WAL-1.1", "ACK-5.1", "REC-7.1"),
    cases=cases,
    strikes=("sync_directory EIO", "power-cut"),
)
