"""The system calls of another process, one by one, by ptrace(2): x86-64 Linux, no privilege.

    child = subprocess.Popen(command, preexec_fn=trace_me)     # stops at its first instruction
    process = TracedProcess(child.pid)
    process.events(...)                                        # each stop, in order

Only what the tracer needs: registers, memory, going on, suppressing a call. All requests have
to come from the thread that started the child. What calls mean is syscalls.py's.

Spec: PRT-2.1.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import signal
from dataclasses import dataclass
from typing import Final

TRACEME, GETREGS, SETREGS, SYSCALL, SETOPTIONS = 0, 12, 13, 24, 0x4200
OPTIONS: Final = 0x1 | 0x2 | 0x4 | 0x8 | 0x10 | 0x100000
"""Mark stops at calls; follow fork, vfork and clone; stop at exec; die with the tracer."""
WALL: Final = 0x40000000
SYSCALL_STOP: Final = signal.SIGTRAP | 0x80
NO_CALL: Final = 2**64 - 1
_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.restype = ctypes.c_long
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
REGISTERS: Final = (
    "r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax", "rcx", "rdx",
    "rsi", "rdi", "orig_rax", "rip", "cs", "eflags", "rsp", "ss", "fs_base", "gs_base", "ds",
    "es", "fs", "gs",
)  # fmt: skip


class Registers(ctypes.Structure):
    """user_regs_struct."""

    _fields_ = [(name, ctypes.c_ulonglong) for name in REGISTERS]


def trace_me() -> None:
    """Be traced by the parent: for subprocess' preexec_fn."""
    if _libc.ptrace(TRACEME, 0, None, None) < 0:
        os._exit(127)


def unavailable() -> str:
    """Return why nothing can be traced here; empty if it can."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        return f"tracing needs x86-64 Linux, this is {platform.system()} {platform.machine()}"
    pid = os.fork()
    if pid == 0:
        trace_me()
        os.kill(os.getpid(), signal.SIGSTOP)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    is_stopped = os.WIFSTOPPED(status)
    if is_stopped:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return "" if is_stopped else "ptrace is not permitted here (a container's seccomp profile?)"


@dataclass(frozen=True, slots=True)
class Stop:
    """A thread stands before (`is_entry`) or behind a system call."""

    tid: int
    is_entry: bool


@dataclass(frozen=True, slots=True)
class Exited:
    """The process is gone: its exit code, or minus the signal."""

    code: int


class TracedProcess:
    """A process that was started with `trace_me`, and its threads."""

    def __init__(self, pid: int) -> None:
        """Take over at the stop behind exec. Raises OSError."""
        self.pid = pid
        self._is_inside: dict[int, bool] = {}
        self._to_resume: list[tuple[int, int]] = []
        _, status = os.waitpid(pid, WALL)
        if not os.WIFSTOPPED(status):
            raise OSError(errno.ECHILD, "the process ended before it could be traced")
        self._request(SETOPTIONS, pid, OPTIONS)
        self._to_resume.append((pid, 0))

    def next_event(self) -> Stop | Exited:
        """Let it go on to its next system call, or end."""
        while True:
            for tid, number in self._to_resume:
                self._resume(tid, number)
            self._to_resume.clear()
            tid, status = os.waitpid(-1 if len(self._is_inside) > 1 else self.pid, WALL)
            if os.WIFEXITED(status) or os.WIFSIGNALED(status):
                self._is_inside.pop(tid, None)
                if tid == self.pid:
                    return Exited(os.waitstatus_to_exitcode(status))
                continue
            number = os.WSTOPSIG(status)
            if number == SYSCALL_STOP:
                is_entry = not self._is_inside.get(tid, False)
                self._is_inside[tid] = is_entry
                self._to_resume.append((tid, 0))
                return Stop(tid, is_entry)
            is_event = status >> 16 != 0 or number in (signal.SIGTRAP, signal.SIGSTOP)
            self._is_inside.setdefault(tid, False)
            self._to_resume.append((tid, 0 if is_event else number))

    def registers(self, tid: int) -> Registers:
        """Return the thread's registers."""
        registers = Registers()
        self._request(GETREGS, tid, ctypes.addressof(registers))
        return registers

    def set_registers(self, tid: int, registers: Registers) -> None:
        """Set them."""
        self._request(SETREGS, tid, ctypes.addressof(registers))

    def read(self, address: int, count: int) -> bytes:
        """Return bytes of the process' memory."""
        with open(f"/proc/{self.pid}/mem", "rb", buffering=0) as memory:
            memory.seek(address)
            pieces = []
            while count and (piece := memory.read(count)):
                pieces.append(piece)
                count -= len(piece)
            return b"".join(pieces)

    def write(self, address: int, data: bytes) -> None:
        """Change bytes of its memory."""
        with open(f"/proc/{self.pid}/mem", "r+b", buffering=0) as memory:
            memory.seek(address)
            memory.write(data)

    def read_text(self, address: int) -> str:
        """Return a text that ends with a zero byte."""
        found = b""
        while b"\0" not in found:
            room = 4096 - (address + len(found)) % 4096  # not into a page that may not exist
            piece = self.read(address + len(found), min(room, 256))
            if not piece:
                break
            found += piece
        return os.fsdecode(found.split(b"\0")[0])

    def _resume(self, tid: int, number: int) -> None:
        try:
            self._request(SYSCALL, tid, number)
        except ProcessLookupError:
            self._is_inside.pop(tid, None)  # killed meanwhile; waitpid tells

    def _request(self, request: int, tid: int, data: int) -> None:
        if _libc.ptrace(request, tid, None, ctypes.c_void_p(data)) < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
