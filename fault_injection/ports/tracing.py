"""A stage on which a port is watched: its process runs under ptrace, its disk is simulated.

The process is started stopped, and goes on only while somebody waits for its reply, so what
it does happens between a request and a reply, in one order, and the place of a reply among
its system calls is known. A process that is killed by a plan is killed before the call at
which the simulated power fails.

Spec: PRT-2.1, PRT-2.2.
"""

from __future__ import annotations

import os
import struct
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path

from fault_injection.ports.adapter import Adapter
from fault_injection.ports.carrier import Carrier, Fail, Pass, Shorten, TracerRefusal, Verdict
from fault_injection.ports.ptrace import NO_CALL, Exited, Registers, TracedProcess, trace_me
from fault_injection.ports.syscalls import NAMES, PWRITEV, WRITEV
from reference.filesystem import Filesystem
from simulators.faulty_filesystem import FaultyFilesystem


class TracedAdapter(Adapter):
    """An adapter whose process goes on only while its reply is waited for."""

    def __init__(self, command: Sequence[str], directory: Path, disk: FaultyFilesystem) -> None:
        self._verdicts: dict[int, Verdict] = {}
        self._restore: dict[int, tuple[int, bytes]] = {}
        self._traced: TracedProcess | None = None
        self._carrier: Carrier | None = None
        self._directory = directory
        self._disk = disk
        super().__init__(command)

    def _spawn(self) -> subprocess.Popen[bytes]:
        # The function that runs between fork and exec makes one system call and takes no lock.
        process = subprocess.Popen(
            self.command, preexec_fn=trace_me, stdin=subprocess.PIPE, stdout=subprocess.PIPE,  # noqa: PLW1509
            stderr=subprocess.PIPE, bufsize=0,
        )  # fmt: skip
        self._traced = TracedProcess(process.pid)
        self._carrier = Carrier(self._traced, self._directory, self._disk)
        return process

    def _wait_for_output(self, descriptor: int, op: str) -> None:
        """Let the process go on until there is something to read, or it is gone."""
        os.set_blocking(descriptor, False)
        watchdog = threading.Timer(self._timeout_seconds, self.process.kill)
        watchdog.daemon = True
        watchdog.start()
        try:
            while not self._has_output(descriptor):
                if self._step():
                    return
        except BaseException:
            self.process.kill()  # the power has failed, or the port is refused
            raise
        finally:
            watchdog.cancel()

    def _step(self) -> bool:
        """Handle one stop; return whether the process is gone."""
        assert self._traced is not None
        assert self._carrier is not None
        event = self._traced.next_event()
        if isinstance(event, Exited):
            self.process.returncode = event.code
            return True
        registers = self._traced.registers(event.tid)
        if event.is_entry:
            verdict = self._carrier.verdict(registers)
            self._verdicts[event.tid] = verdict
            if isinstance(verdict, Fail):
                registers.orig_rax = NO_CALL
                self._traced.set_registers(event.tid, registers)
            elif isinstance(verdict, Shorten):
                self._shorten(event.tid, registers, verdict.count)
        else:
            self._finish(event.tid, registers)
        return False

    def _shorten(self, tid: int, registers: Registers, count: int) -> None:
        """Make the write a short one."""
        assert self._traced is not None
        if registers.orig_rax in (WRITEV, PWRITEV):
            index, left = 0, count
            while left > (length := self._vector_length(registers, index)):
                left, index = left - length, index + 1
            place = registers.rsi + index * 16 + 8
            self._restore[tid] = place, self._traced.read(place, 8)
            self._traced.write(place, struct.pack("<Q", left))
            registers.rdx = index + 1
        else:
            registers.rdx = count
        self._traced.set_registers(tid, registers)

    def _vector_length(self, registers: Registers, index: int) -> int:
        assert self._traced is not None
        (length,) = struct.unpack("<Q", self._traced.read(registers.rsi + index * 16 + 8, 8))
        return int(length)

    def _finish(self, tid: int, registers: Registers) -> None:
        """Behind the call: give the error, or see that the kernel came to the same."""
        assert self._traced is not None
        verdict = self._verdicts.pop(tid, Pass())
        if tid in self._restore:
            self._traced.write(*self._restore.pop(tid))
        result = registers.rax - (1 << 64) if registers.rax >> 63 else registers.rax
        match verdict:
            case Fail(number):
                registers.rax = (1 << 64) - number
                self._traced.set_registers(tid, registers)
            case Pass(int(wanted)) | Shorten(wanted) if result != wanted:
                name = NAMES.get(registers.orig_rax, str(registers.orig_rax))
                raise TracerRefusal(
                    f"{name} came to {result} in the kernel, and to {wanted} on the simulated disk"
                )
            case _:
                return


class TracedStage:
    """One traced process on its directory."""

    def __init__(self, command: Sequence[str], disk: Filesystem, directory: Path) -> None:
        assert isinstance(disk, FaultyFilesystem)
        self.directory = directory
        self.adapter: Adapter = TracedAdapter(command, directory, disk)

    def reflect(self) -> None:
        """Everything has been carried over as it happened."""

    def leave(self) -> None:
        """Kill it: a log that was closed has nothing left to do."""
        self.adapter.kill()


class TracingTheatre:
    """Makes traced stages."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = list(command)
        self._stage: TracedStage | None = None

    def enter(self, disk: Filesystem, directory: Path) -> TracedStage:
        """Start a process. The one before is killed, if it lives."""
        self.leave()
        self._stage = TracedStage(self._command, disk, directory)
        return self._stage

    def leave(self) -> None:
        """No process is left."""
        if self._stage is not None:
            self._stage.leave()
            self._stage = None
