"""The disk has no room for one call, whichever it is; part of an append may have gone in."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.log_steps import Append, Drain, Fault, Kill, Open, PowerCut, Replay
from fault_injection.plan import Plan
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import each_call, log_plan, uses

CALLS = ("create_exclusive", "append", "overwrite", "sync", "sync_directory", "rename_new",
         "unlink", "lock")  # fmt: skip
SHORT_BYTES = (1, 19, 20, 21, 60, 200)
"""Into the frame's header, exactly it, into the body, into the next record."""


def cases(effort: Effort) -> Iterator[Case]:
    """Every call and every k, with ENOSPC and EDQUOT; appends also after some bytes."""
    for steps in uses().values():
        plan = log_plan("enospc-every-op", *steps, seed=effort.seed)
        for call in CALLS:
            for at in each_call(plan, call):
                yield from _after(plan.with_steps(Fault(call, "ENOSPC", at), *steps))
        for at in each_call(plan, "append"):
            for short in SHORT_BYTES[:: effort.budget(2, 1)]:
                faults = Fault("append", at=at, short=short), Fault("append", "EDQUOT", at + 1)
                yield from _after(plan.with_steps(*faults, *steps))


def _after(plan: Plan) -> Iterator[Case]:
    """The next append, in this process; then a power cut, or a kill."""
    used = plan.then(Append(1), Replay())
    for kept in ("none", "all"):
        yield Case(used.then(PowerCut(kept=kept), Open(), Drain()), twice=True)
    yield Case(used.then(Kill(), Open(), Append(1), Drain()))


SCENARIO = Scenario(
    name="enospc-every-op",
    number=22,
    title="the disk is full for one call",
    when="the k-th create, append, overwrite, sync, rename, unlink or lock, for every k",
    effect="ENOSPC or EDQUOT; of an append some bytes may have been written before",
    contract="the append says whether its event is stored, and so it is; what it had written is "
    "gone or skipped; the next append works",
    why="prometheus#13027: a fragment of a failed append stayed, and repair deleted what was "
    "acknowledged after it; rocksdb-js#748, queuelib#14",
    invariants=("I1", "I2", "I5", "I6", "I10", "I11"),
    requirements=("WAL-4.2", "WAL-3.3", "ERR-1.2", "ACK-4.1", "FMT-5.5"),
    cases=cases,
    strikes=("append ENOSPC", "append short", "append EDQUOT", "create_exclusive ENOSPC",
             "overwrite ENOSPC", "rename_new ENOSPC", "unlink ENOSPC", "power-cut"),
)  # fmt: skip
