"""The power fails at every moment; the medium has nothing, or everything, that was pending."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.log_steps import Close, Drain, Open, PowerCut
from fault_injection.plan import Step
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import disk_of, log_plan, uses

CLEAN_END: tuple[Step, ...] = (Close(),)


def cases(effort: Effort) -> Iterator[Case]:
    """Three uses of a log, each with a good end and without; every moment of it; none and all."""
    for steps in uses().values():
        plan = log_plan("power-cut-every-op", *steps, *CLEAN_END, seed=effort.seed)
        for moment in range(len(disk_of(plan).points)):
            for kept in ("none", "all"):
                cut = PowerCut(moment, kept, nearest=True)
                yield Case(plan.then(cut, Open(), Drain()), twice=True)


SCENARIO = Scenario(
    name="power-cut-every-op",
    number=2,
    title="power cut at every moment: nothing, or all, of what was pending",
    when="before every sync, and before and after every promise, recovery and closing included",
    effect="the medium has what was synced and nothing else; or also all that was pending",
    contract="what append returned is replayed in order; recovering twice is recovering once; "
    "afterwards the log drains",
    why="Upstream's shipped WAL syncs nothing (W1, W2); otel-contrib#31200: NoSync was the default",
    invariants=("I1", "I2", "I3", "I4", "I5", "I6", "I10"),
    requirements=("WAL-1.1", "WAL-1.2", "REC-9.1", "REC-9.2", "REC-10.1", "ACK-5.1"),
    cases=cases,
    strikes=("power-cut",),
)
