"""An adapter that is watched: its process runs under ptrace, each call is asked about.

The process is started stopped, and goes on only while somebody waits for its reply, so what
it does happens between a request and a reply, in one order, and the place of a reply among
its system calls is known. A call that is carried over is finished before another thread's
call is looked at: what the disk saw is the order in which the kernel did it. A process that
is killed by a plan is killed before the call at which the simulated power fails.

Spec: PRT-2.1, PRT-2.2.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import signal
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fault_injection.ports.adapter import ENDING_SECONDS, TIMEOUT_SECONDS, Adapter
from fault_injection.ports.errors import AdapterTimeout, TracerRefusal
from fault_injection.ports.protocol import Reply
from fault_injection.ports.ptrace import (
    NO_CALL,
    Exited,
    Registers,
    Stop,
    TracedProcess,
    read_memory,
    write_memory,
)
from fault_injection.ports.syscalls import NAMES, PWRITEV, PWRITEV2, WRITE, WRITEV
from fault_injection.ports.verdicts import PASS, Verdict, Watcher

_VECTORED: Final = (WRITEV, PWRITEV, PWRITEV2)
_IOVEC_BYTES: Final = 16
PIPE_BYTES: Final = 4096
"""What an empty pipe takes at least, everywhere."""
POLL_SECONDS: Final = 0.001


@dataclass(slots=True)
class _Call:
    """A call that a thread is in the middle of."""

    verdict: Verdict
    number: int
    length: int
    """Its third argument, which a short write changes for the while."""
    restore: tuple[int, bytes] | None = None
    """Memory that was changed."""


class Tracer:
    """Moves a traced process on, one stop at a time."""

    def __init__(self, process: TracedProcess, watcher: Watcher) -> None:
        self.process = process
        self.watcher = watcher
        self._calls: dict[int, _Call] = {}

    def step(self, is_patient: Callable[[], bool] | None = None) -> bool:
        """Let it go on to its next stop and handle it; return whether the process is gone.

        `is_patient` is asked while it runs; when it says no, nothing is handled.
        """
        event = self.process.next_event(0, is_patient)
        if event is None or isinstance(event, Exited):
            return event is not None
        try:
            return self._handle(event)
        except ProcessLookupError:  # meanwhile another thread has ended the process
            self._calls.pop(event.tid, None)
            return False

    def _handle(self, event: Stop) -> bool:
        if not event.is_entry:
            self._leave(event.tid)
            return False
        call = self._enter(event)
        if not call.verdict.is_carried:
            return False
        behind = self.process.next_event(only=event.tid)
        if isinstance(behind, Exited):
            return True
        if behind is None:
            raise ProcessLookupError
        assert not behind.is_entry, behind
        self._leave(event.tid)
        return False

    @property
    def may_block(self) -> bool:
        """Whether a write is under way that needs more room than an empty pipe has."""
        return any(
            (call.number == WRITE and call.length > PIPE_BYTES) or call.number == WRITEV
            for call in self._calls.values()
            if not call.verdict.is_carried
        )

    def _enter(self, stop: Stop) -> _Call:
        if stop.is_foreign:
            raise TracerRefusal("a system call of another table (32 bits or x32) cannot be read")
        registers = self.process.registers(stop.tid)
        verdict = self.watcher.verdict(stop.tid, registers)
        call = _Call(verdict, registers.orig_rax, registers.rdx)
        self._calls[stop.tid] = call
        if verdict.error:
            registers.orig_rax = NO_CALL
            self.process.set_registers(stop.tid, registers)
        elif verdict.shorten_to is not None:
            self._shorten(stop.tid, registers, call, verdict.shorten_to)
        return call

    def _shorten(self, tid: int, registers: Registers, call: _Call, count: int) -> None:
        """Make the write a short one."""
        if call.number in _VECTORED:
            index, left = 0, count
            while left > (length := _vector_length(tid, registers.rsi, index)):
                left, index = left - length, index + 1
            place = registers.rsi + index * _IOVEC_BYTES + 8
            call.restore = place, read_memory(tid, place, 8)
            write_memory(tid, place, struct.pack("<Q", left))
            registers.rdx = index + 1
        else:
            registers.rdx = count
        self.process.set_registers(tid, registers)

    def _leave(self, tid: int) -> None:
        """Behind the call: give the error, or see that the kernel came to the same."""
        call = self._calls.pop(tid, None)
        if call is None or call.verdict is PASS:
            return
        registers = self.process.registers(tid)
        if call.restore is not None:
            write_memory(tid, *call.restore)
        if call.verdict.error:
            registers.rax = (1 << 64) - call.verdict.error
        registers.rdx = call.length  # a kernel keeps the arguments, and compilers count on it
        self.process.set_registers(tid, registers)
        result = registers.rax - (1 << 64) if registers.rax >> 63 else registers.rax
        wanted = call.verdict.result
        if call.verdict.error or (result >= 0 if wanted is None else result == wanted):
            return
        came = errno.errorcode.get(-result, str(result))
        raise TracerRefusal(
            f"{NAMES[call.number]} came to {came} in the kernel, and on the simulated disk to "
            f"{'no error' if wanted is None else wanted}"
        )


def _vector_length(tid: int, address: int, index: int) -> int:
    data = read_memory(tid, address + index * _IOVEC_BYTES + 8, 8)
    return int.from_bytes(data, "little")


def _is_readable(descriptor: int) -> bool:
    return bool(select.select([descriptor], [], [], 0)[0])


class TracedAdapter(Adapter):
    """An adapter whose process goes on only while its reply is waited for."""

    def __init__(
        self,
        command: Sequence[str],
        watcher: Watcher,
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        """Start it and say hello. Raises AdapterError."""
        self._tracer: Tracer | None = None
        self._watcher = watcher
        super().__init__(command, timeout_seconds=timeout_seconds)

    def kill(self) -> None:
        """Kill it with all its children, and wait for them."""
        if self._tracer is not None:
            self._tracer.process.kill()
        self._close_streams()

    def _answer(self, op: str, reply: Reply) -> dict[str, Any]:
        """The reply is good only if the watcher finds no difference now. Raises TracerRefusal.

        Whatever the tracer does not know of and changes bytes is found here.
        """
        if wrong := self._watcher.difference():
            raise TracerRefusal(wrong)
        return super()._answer(op, reply)

    def _spawn(self) -> subprocess.Popen[bytes]:
        pipe = subprocess.PIPE
        process = TracedProcess(self.command, stdin=pipe, stdout=pipe, stderr=pipe)
        self._tracer = Tracer(process, self._watcher)
        return process.popen

    def _exit_code(self) -> int | None:
        is_late = threading.Event()
        with self._watched(ENDING_SECONDS, is_late):
            while self.process.returncode is None:
                self._step()
        return None if is_late.is_set() else self.process.returncode

    def _wait_for_output(self, descriptor: int, op: str) -> None:
        """Let the process go on until there is something to read, or it is gone."""
        is_late = threading.Event()
        with self._watched(self._timeout_seconds, is_late):
            while not _is_readable(descriptor) and self.process.returncode is None:
                self._send_pending()
                self._step()
        if is_late.is_set():
            raise AdapterTimeout(op, self._timeout_seconds, self.stderr)

    def _step(self) -> None:
        assert self._tracer is not None
        is_patient = self._feed if self._outgoing or self._tracer.may_block else None
        if self._tracer.step(is_patient):
            self._tracer.process.kill()  # its children, which may hold the output open

    def _feed(self) -> bool:
        """Move bytes on while the process waits for room or for input; return whether to wait."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        unsent = [self.process.stdin] if self._outgoing else []
        readable, writable, _ = select.select([self.process.stdout], unsent, [], POLL_SECONDS)
        if writable:
            self._send_pending()
        return not readable

    @contextlib.contextmanager
    def _watched(self, seconds: float, is_late: threading.Event) -> Iterator[None]:
        """End the process after so long, or with any exception."""

        def stop() -> None:
            is_late.set()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

        watchdog = threading.Timer(seconds, stop)
        watchdog.daemon = True
        watchdog.start()
        try:
            yield
        except BaseException:
            self.kill()  # the power has failed, or the port is refused
            raise
        finally:
            watchdog.cancel()
