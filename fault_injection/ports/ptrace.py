"""The system calls of another process, one by one, by ptrace(2): x86-64 Linux, no privilege.

    process = TracedProcess(command, stdin=..., stdout=..., stderr=...)
    process.next_event()                  # each stop, in order, of all its threads and children

Only what the tracer needs: registers, memory, going on, suppressing a call. The program is
started by a shell that stops itself before it becomes the program, and is seized there: no
Python runs between fork and exec, which threads of the kit would make unsafe. It gets a
process group of its own, so that only its own children are waited for.

All requests have to come from the thread that started it. What calls mean is syscalls.py's.

Spec: PRT-2.1.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import platform
import shutil
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

CONT, GETREGS, SETREGS, SYSCALL = 7, 12, 13, 24
SEIZE, GET_SYSCALL_INFO = 0x4206, 0x420E
OPTIONS: Final = 0x1 | 0x2 | 0x4 | 0x8 | 0x10 | 0x100000
"""Mark stops at calls; follow fork, vfork and clone; stop at exec; die with the tracer."""
EXEC_STOP: Final = signal.SIGTRAP | 4 << 8
WALL: Final = 0x40000000
SYSCALL_STOP: Final = signal.SIGTRAP | 0x80
NO_CALL: Final = 2**64 - 1
X86_64: Final = 0xC000003E
X32_BIT: Final = 0x40000000
LAUNCHER: Final = 'kill -STOP $$; exec "$@"'
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


class _SyscallInfo(ctypes.Structure):
    """The head of ptrace_syscall_info, and room for the rest."""

    _fields_ = [
        ("op", ctypes.c_uint8), ("pad", ctypes.c_uint8 * 3), ("arch", ctypes.c_uint32),
        ("rest", ctypes.c_uint64 * 12),
    ]  # fmt: skip


def unavailable() -> str:
    """Return why nothing can be traced here; empty if it can."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        return f"tracing needs x86-64 Linux, this is {platform.system()} {platform.machine()}"
    try:
        process = TracedProcess(["true"])
    except OSError as error:
        return f"ptrace is not permitted here (a container's seccomp profile?): {error}"
    try:
        while not isinstance(process.next_event(), Exited):
            pass
    except OSError as error:
        return f"ptrace cannot tell system calls apart (Linux before 5.3?): {error}"
    finally:
        process.kill()
    return ""


@dataclass(frozen=True, slots=True)
class Stop:
    """A thread stands before (`is_entry`) or behind a system call."""

    tid: int
    is_entry: bool
    is_foreign: bool
    """Not of the 64-bit table: int 0x80, a 32-bit program, x32."""


@dataclass(frozen=True, slots=True)
class Exited:
    """The process is gone: its exit code, or minus the signal."""

    code: int


class TracedProcess:
    """A process, its threads and its children."""

    def __init__(
        self, command: Sequence[str], *, stdin: int = subprocess.DEVNULL,
        stdout: int = subprocess.DEVNULL, stderr: int = subprocess.DEVNULL,
    ) -> None:  # fmt: skip
        """Start it, stopped at its first instruction. Raises OSError."""
        if shutil.which(command[0]) is None:
            number = errno.EACCES if os.path.exists(command[0]) else errno.ENOENT
            raise OSError(number, os.strerror(number), command[0])
        self.popen = subprocess.Popen(
            ["/bin/sh", "-c", LAUNCHER, "sh", *command], stdin=stdin, stdout=stdout,
            stderr=stderr, bufsize=0, process_group=0,
        )  # fmt: skip
        self.pid = self.popen.pid
        self._to_resume: list[tuple[int, int]] = []
        self._queued: deque[tuple[int, int]] = deque()
        try:
            os.waitpid(self.pid, os.WUNTRACED)
            self._request(SEIZE, self.pid, OPTIONS)
            os.kill(self.pid, signal.SIGCONT)
            self._run_to_exec()
        except OSError:
            self.kill()
            raise

    def _run_to_exec(self) -> None:
        """Let the shell become the program."""
        while True:
            _, status = os.waitpid(self.pid, WALL)
            if not os.WIFSTOPPED(status):
                self.popen.returncode = os.waitstatus_to_exitcode(status)
                raise OSError(errno.ENOEXEC, "the command ended before it could be traced")
            if status >> 8 == EXEC_STOP:
                self._to_resume.append((self.pid, 0))
                return
            self._request(CONT, self.pid, 0)

    def next_event(
        self, only: int = 0, is_patient: Callable[[], bool] | None = None
    ) -> Stop | Exited | None:
        """Let it go on to its next system call, or end.

        `only`: of this thread. Stops of the others are told later, and they stay where they are.
        None is returned if it is gone, killed by another. `is_patient` is asked while nothing
        happens; None is returned when it says no.
        """
        while True:
            for tid, number in self._to_resume:
                # A thread that was killed meanwhile is no error: waitpid tells of it.
                with contextlib.suppress(ProcessLookupError):
                    self._request(SYSCALL, tid, number)
            self._to_resume.clear()
            tid, status = self._next_status(only, is_patient)
            if not tid:
                return None
            if os.WIFEXITED(status) or os.WIFSIGNALED(status):
                if tid == self.pid:
                    self.popen.returncode = os.waitstatus_to_exitcode(status)
                    return Exited(self.popen.returncode)
                if tid == only:
                    return None
                continue
            number = os.WSTOPSIG(status)
            is_event = status >> 16 != 0
            if not is_event and number == SYSCALL_STOP:
                self._to_resume.append((tid, 0))
                with contextlib.suppress(ProcessLookupError):  # killed meanwhile: it ends soon
                    return self._stop(tid)
                continue
            self._to_resume.append((tid, 0 if is_event else number))

    def _next_status(self, only: int, is_patient: Callable[[], bool] | None) -> tuple[int, int]:
        if not only and self._queued:
            return self._queued.popleft()
        while True:
            tid, status = os.waitpid(-self.pid, WALL | (os.WNOHANG if is_patient else 0))
            if not tid:
                if is_patient is not None and is_patient():
                    continue
                return 0, 0
            if not only or tid == only or not os.WIFSTOPPED(status):
                return tid, status
            self._queued.append((tid, status))

    def kill(self) -> None:
        """Kill it and all that it started, and wait until nothing of it is left."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        while True:
            try:
                tid, status = os.waitpid(-self.pid, WALL)
            except ChildProcessError:
                break
            is_over = os.WIFEXITED(status) or os.WIFSIGNALED(status)
            if tid == self.pid and is_over:
                self.popen.returncode = os.waitstatus_to_exitcode(status)
        if self.popen.returncode is None:
            self.popen.returncode = -signal.SIGKILL

    def registers(self, tid: int) -> Registers:
        """Return the thread's registers."""
        registers = Registers()
        self._request(GETREGS, tid, ctypes.addressof(registers))
        return registers

    def set_registers(self, tid: int, registers: Registers) -> None:
        """Set them."""
        self._request(SETREGS, tid, ctypes.addressof(registers))

    def _stop(self, tid: int) -> Stop:
        info = _SyscallInfo()
        self._request(GET_SYSCALL_INFO, tid, ctypes.addressof(info), ctypes.sizeof(info))
        is_x32 = info.op == 1 and bool(info.rest[2] & X32_BIT)
        return Stop(tid, info.op == 1, info.arch != X86_64 or is_x32)

    def _request(self, request: int, tid: int, data: int, address: int = 0) -> None:
        if _libc.ptrace(request, tid, ctypes.c_void_p(address), ctypes.c_void_p(data)) < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))


# ---- Memory -----------------------------------------------------------------


def read_memory(tid: int, address: int, count: int) -> bytes:
    """Return bytes of the thread's memory; fewer where it has none."""
    with open(f"/proc/{tid}/mem", "rb", buffering=0) as memory:
        pieces = []
        # An address with the highest bit set is none of a program's, and no offset either.
        with contextlib.suppress(OSError, OverflowError, ValueError):
            memory.seek(address)
            while count and (piece := memory.read(count)):
                pieces.append(piece)
                count -= len(piece)
        return b"".join(pieces)


def write_memory(tid: int, address: int, data: bytes) -> None:
    """Change bytes of its memory."""
    with open(f"/proc/{tid}/mem", "r+b", buffering=0) as memory:
        memory.seek(address)
        memory.write(data)


def read_text(tid: int, address: int) -> str:
    """Return a text that ends with a zero byte."""
    found = b""
    while b"\0" not in found:
        room = 4096 - (address + len(found)) % 4096  # not into a page that may not exist
        piece = read_memory(tid, address + len(found), min(room, 256))
        if not piece:
            break
        found += piece
    return os.fsdecode(found.split(b"\0")[0])
