"""Tier T4: a port on real filesystems whose power is cut, by a handful of plans on each.

The plans are the uses of a log that most faults are tried in (workloads.py): cut after each of
their steps, with the filesystem's log unwritten and written, and, where ptrace is permitted,
before a number of their changing calls, drawn by the seed. Behind each cut the port recovers,
goes on, loses its power once more, and has to drain.

How a kernel schedules its own writing is not the kit's to choose: what is found is real, and
what is not found is not shown to be absent. Spec: PRT-2.3.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from fault_injection.errors import PlanError
from fault_injection.invariants import Broken
from fault_injection.log_steps import Acknowledge, Append, Close, Drain, Kill, Open, PowerCut
from fault_injection.plan import Plan, Step
from fault_injection.ports.errors import AdapterError, Skipped, Unsupported
from fault_injection.ports.kernel_run import KernelLog, KernelRun
from fault_injection.ports.ptrace import unavailable
from fault_injection.ports.real_disk import KINDS, Kind, NotHere, RealDisk, real_disk
from fault_injection.result import TierResult
from fault_injection.scenario import Effort
from fault_injection.workloads import uses

TITLE: Final = "a real filesystem is shut down"
NAME: Final = "port-kernel"
INSIDE_CUTS: Final = 12
"""For each use and filesystem, so many cuts before a call."""
DEEP_INSIDE_CUTS: Final = 200
AFTER: Final = (Open(), Append(1), PowerCut(), Open(), Drain())
PROBE: Final = (Open(), Append(1), PowerCut(), Open())


@dataclass(slots=True)
class KernelResult:
    """What the plans on one filesystem came to."""

    filesystem: str
    plans: int = 0
    cuts: int = 0
    broken: Broken | None = None
    failing: Plan | None = None
    told: tuple[str, ...] = ()
    """Of the failing plan, each step and what came of it."""
    error: str = ""
    """The port did not answer as it has to, or the kit went wrong; nothing is shown."""
    reason: str = ""
    """Why it was not run; empty if it was."""


def workloads() -> list[list[Step]]:
    """Return what is done before the power fails."""
    large: list[Step] = [
        Open(), Append(2, 3000), Append(1, 9000), Acknowledge(2), Append(1, 600), Close(), Open(),
        Append(3, 500), Kill(), Open(), Append(1),
    ]  # fmt: skip
    return [*uses().values(), large]


def step_plans(disk: RealDisk, seed: int) -> Iterator[Plan]:
    """Yield the plans that are cut after a step, short ones first."""
    lengths = max(map(len, workloads()))
    for length in range(1, lengths + 1):
        for steps in workloads():
            for kept in _kept_by(disk):
                if length <= len(steps):
                    cut = PowerCut(kept=kept)
                    yield Plan(NAME, "log", (*steps[:length], cut, *AFTER), seed=seed)


def inside_plans(log: KernelLog, effort: Effort) -> Iterator[Plan]:
    """Yield plans that are cut before a call; how many calls there are is tried on the port."""
    for number, steps in enumerate(workloads()):
        plan = Plan(NAME, "log", (*steps, Close()), seed=effort.seed)
        calls = KernelRun(plan, log).run().calls_made[0]
        every = [(moment, kept) for moment in range(calls) for kept in _kept_by(log.cut.disk)]
        wanted = min(effort.budget(INSIDE_CUTS, DEEP_INSIDE_CUTS), len(every))
        for moment, kept in sorted(random.Random(f"{effort.seed} {number}").sample(every, wanted)):
            yield plan.then(PowerCut(moment, kept), *AFTER)


def _kept_by(disk: RealDisk) -> tuple[str, ...]:
    """What a power cut on this filesystem can be told to keep."""
    return ("none", "all") if disk.can_flush else ("none",)


def try_filesystem(command: Sequence[str], name: str, effort: Effort) -> KernelResult:
    """Put the port through all plans on one filesystem, up to the first failure."""

    def plans(log: KernelLog) -> Iterator[Plan]:
        yield from step_plans(log.cut.disk, effort.seed)
        if log.is_traced:
            yield from inside_plans(log, effort)

    return _tried(command, name, plans, is_traced=not unavailable())


def try_plan(command: Sequence[str], name: str, plan: Plan) -> KernelResult:
    """Put the port through one plan on one filesystem. Raises PlanError."""
    is_inside = any(isinstance(each, PowerCut) and each.moment >= 0 for each in plan.steps)
    if is_inside and (why := unavailable()):
        return KernelResult(name, reason=f"not run: {why}")
    return _tried(command, name, lambda _: [plan], is_traced=is_inside)


def probe_kernel(command: Sequence[str]) -> TierResult:
    """Try the tier with one small plan on ext4."""
    try:
        found = try_plan(command, "ext4", Plan(NAME, "log", PROBE))
    except PlanError as error:
        return TierResult("T4", TITLE, 0, f"not run: {error}")
    reason = found.reason or (f"not run: {found.error}" if found.error else "")
    if found.broken is not None:
        reason = f"run, and broken: {found.broken}"
    return TierResult("T4", TITLE, 0 if reason else found.cuts, reason)


@contextmanager
def opened(command: Sequence[str], kind: Kind, *, is_traced: bool) -> Iterator[KernelLog]:
    """Give the port on a filesystem. In the end its processes are gone before it is unmounted."""
    with real_disk(kind) as disk:
        log = KernelLog(command, disk, is_traced=is_traced)
        try:
            yield log
        finally:
            log.end_process()


def _tried(
    command: Sequence[str], name: str, plans: Callable[[KernelLog], Iterable[Plan]], *,
    is_traced: bool,
) -> KernelResult:  # fmt: skip
    result = KernelResult(name)
    try:
        with opened(command, KINDS[name], is_traced=is_traced) as log:
            for plan in plans(log):
                run = KernelRun(plan, log).run()
                result.plans += 1
                result.cuts += run.cuts
                if run.broken is not None:
                    result.broken, result.failing = run.broken, plan
                    result.told = tuple(f"{each.step}: {each.outcome}" for each in run.done)
                    break
    except (NotHere, Unsupported, Skipped) as reason:
        result.reason = f"not run: {reason}"
    except (AdapterError, OSError) as error:
        result.error = f"{getattr(error, 'status', 'error')}: {error}"
    return result
