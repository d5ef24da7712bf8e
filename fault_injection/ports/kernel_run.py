"""A plan on a port on a real filesystem: its calls are real, and so is the power cut.

The same steps, promises and oracle as on the simulated disk (log_run.py), with three differences:

    power-cut   happens where it stands, or before the `moment`-th changing call of its boot;
                `kept` "none" leaves the filesystem's log unwritten, "all" writes it first
    kill        is of the process, after the steps before it
    what the kernel keeps is not drawn from what is allowed: it is what it did this time

Cuts inside a call need ptrace, to stop the port there; all else works wherever `real_disk` does.
Failing calls and damage are no steps of these plans: other tiers do them better.

Spec: PRT-2.3.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from fault_injection.errors import PlanError
from fault_injection.log_run import LogRun
from fault_injection.log_steps import Damage, Fault, Heal, Kill, PowerCut, Snapshot, processes
from fault_injection.plan import Step
from fault_injection.ports import syscalls as sc
from fault_injection.ports.adapter import Adapter, PortError
from fault_injection.ports.port_log import PortOpenLog, sent_settings
from fault_injection.ports.ptrace import Registers
from fault_injection.ports.real_disk import RealDisk
from fault_injection.ports.tracing import TracedAdapter
from fault_injection.ports.verdicts import PASS, Verdict
from fault_injection.subject import OpenLog, Refused
from reference.filesystem import Filesystem
from simulators.crash_filesystem import PowerFailure

_CHANGING: Final = frozenset({
    sc.WRITE, sc.PWRITE64, sc.WRITEV, sc.PWRITEV, sc.PWRITEV2, sc.FSYNC, sc.FDATASYNC, sc.SYNC,
    sc.SYNCFS, sc.CREAT, sc.UNLINK, sc.UNLINKAT, sc.RENAME, sc.RENAMEAT, sc.RENAMEAT2, sc.LINK,
    sc.LINKAT, sc.TRUNCATE, sc.FTRUNCATE, *sc.LACKING, *sc.REFUSED_ON_PATH, *sc.REFUSED_AT,
})  # fmt: skip
"""Calls that are counted, the replies' own among them; and openings that make a file. What no
simulated disk has is among them: here fallocate(2) and mkdir(2) are the kernel's to do."""
NOT_HERE: Final = (Fault, Heal, Damage, Snapshot)


@dataclass(slots=True)
class Cut:
    """When the power fails inside a call, and how many calls there were."""

    disk: RealDisk
    at: int = -1
    """Before this call, from 0; -1: not inside a call."""
    flush_log: bool = False
    calls: int = 0
    is_armed: bool = False
    has_failed: bool = False

    def count(self) -> None:
        """One more call is about to be made. Raises PowerFailure if it never is."""
        if not self.is_armed:
            return
        if self.calls == self.at:
            self.disk.cut_power(flush_log=self.flush_log)
            self.has_failed = True
            raise PowerFailure
        self.calls += 1


class _CallCounter:
    """Counts the calls, so that the power can be cut before one, and lets them all pass."""

    def __init__(self, cut: Cut) -> None:
        self._cut = cut

    def verdict(self, tid: int, registers: Registers) -> Verdict:
        number = registers.orig_rax
        flags = {sc.OPEN: registers.rsi, sc.OPENAT: registers.rdx}.get(number, 0)
        if number in _CHANGING or number == sc.OPENAT2 or flags & sc.O_CREAT:
            self._cut.count()
        return PASS

    def difference(self) -> str:
        return ""


class KernelLog:
    """A port on one directory of a real filesystem: a subject that no simulated disk is under."""

    def __init__(self, command: Sequence[str], disk: RealDisk, *, is_traced: bool) -> None:
        """`is_traced`: power cuts inside calls are asked for."""
        self.command = list(command)
        self.cut = Cut(disk)
        self.is_traced = is_traced
        self._running: Adapter | None = None
        self._place = Path()
        self._directories = 0

    def new_directory(self) -> None:
        """Begin anew, in an empty directory whose name is durable."""
        self._directories += 1
        self._place = self.cut.disk.mounted() / f"log-{self._directories}"
        self._place.mkdir(mode=0o700)
        descriptor = os.open(self._place.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def open(self, disk: Filesystem, settings: Mapping[str, int]) -> OpenLog:
        """Open in a process of its own, whatever the disk is. Raises Refused, AdapterError."""
        self.end_process()
        adapter = self._running = (
            TracedAdapter(self.command, _CallCounter(self.cut)) if self.is_traced
            else Adapter(self.command)
        )  # fmt: skip
        self.cut.is_armed = True  # saying hello is not counted
        try:
            found = adapter.ask("open", dir=str(self._place), settings=sent_settings(settings))
        except PortError as error:
            self.end_process()
            raise Refused(str(error)) from error
        return PortOpenLog(adapter, self._place, found["report"])

    def end_process(self) -> None:
        """Kill the process, if one lives; no call is counted."""
        self.cut.is_armed = False
        if self._running is not None:
            self._running.kill()
            self._running = None


@dataclass(slots=True)
class KernelRun(LogRun):
    """One run of a plan on a port on a real filesystem."""

    cuts: int = 0
    """How often the power was cut."""
    calls_made: list[int] = field(default_factory=list)
    """Changing calls of each boot, where they are counted."""

    @property
    def _kernel(self) -> KernelLog:
        assert isinstance(self.subject, KernelLog)
        return self.subject

    def run(self) -> KernelRun:
        """Do all steps, up to the first broken invariant. Raises NotHere, AdapterError."""
        self._kernel.new_directory()
        try:
            for boot in boots(self.plan.steps):
                self._arm_boot(boot)
                for step in boot:
                    if self.broken is None:
                        self._do(step)
                self.calls_made.append(self._kernel.cut.calls)
        finally:
            self._kernel.end_process()
        return self

    def _arm_boot(self, boot: Sequence[Step]) -> None:
        cut = self._kernel.cut
        cut.calls, cut.at, cut.has_failed = 0, -1, False
        match boot[-1] if boot else None:
            case PowerCut(moment=moment, kept=kept) if moment >= 0:
                if not self._kernel.is_traced:
                    raise PlanError("a cut inside a call needs ptrace; here `moment` must be -1")
                cut.at, cut.flush_log = moment, kept == "all"
        if any(isinstance(each, Kill) and each.after_calls >= 0 for each in boot):
            raise PlanError("on a real filesystem a process is killed between steps only")

    def _carry_out(self, step: Step) -> str:
        if isinstance(step, NOT_HERE):
            raise PlanError(f"{step}: not a step on a real filesystem")
        if self._kernel.cut.has_failed and not isinstance(step, PowerCut):
            return "the power is off"
        return LogRun._carry_out(self, step)

    def _kill(self) -> str:
        self._end_process()
        return "killed"

    def _power_cut(self, step: PowerCut) -> str:
        if step.kept not in ("none", "all"):
            raise PlanError(f"{step}: what a real filesystem keeps cannot be chosen")
        cut = self._kernel.cut
        was_inside = cut.has_failed
        if not was_inside:
            cut.disk.cut_power(flush_log=step.kept == "all")
        self.cuts += 1
        self.fired["power-cut"] += 1
        self._end_process()
        cut.has_failed = False
        cut.disk.mount()
        where = f"in call {cut.at}" if was_inside else "after the steps before"
        return f"{where}; the filesystem's log is {'' if step.kept == 'all' else 'not '}written"

    def _end_process(self) -> None:
        self._kernel.end_process()
        self.log = None


def boots(steps: Sequence[Step]) -> Iterator[list[Step]]:
    """Yield the steps up to each power cut, and those behind the last."""
    return processes(steps, (PowerCut,))
