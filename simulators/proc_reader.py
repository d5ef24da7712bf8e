"""One look at the live processes in Linux's /proc.

Theory of operation. `ProcReader.read` lists the pid directories and reads `stat`,
`status`, `cmdline` and the link `exe` in each. Every file is opened relative to the opened
pid directory: that handle stays with its process, so the facts of one reading never come
from two processes that had the same pid.

/proc changes while it is read, and other users may hide theirs. Three outcomes:

- the process vanished half-way: it is left out;
- a file is denied: the facts in it are None, and `accessible` is False;
- anything else (too many open files, say) raises ProcUnavailable. A reader that took it
  for "no such process" would report every process on the machine as stopped.

What the facts mean:

- A zombie has ended and is left out, unless other threads of it live on.
- `start_time_ns` is btime plus the start in ticks. btime has whole seconds and is read
  once, so one process has one start time in all its events, up to 1 s too early.
- `cpu_usage` is percent of one core over the whole life of the process, all threads
  together, so it may exceed 100. It is None in the first tick.
- `file_exists` says what the kernel says of the link: True unless the file was unlinked.
  Without a link (kernel threads, denied) no file was seen, and it is False.
- A command line that would make the event too large is cut, and `command_line_is_cut`
  says so.

Not here: start, stop and modify (process_events.py). Hashes of executables: reading every
binary on each scan is out of proportion, so events from here have none.

Spec: EVT-3.1.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, NamedTuple

from reference.events import U32_MAX, U64_MAX
from reference.limits import EVENT_BYTES_MAX, KIB, MIB, NS_PER_S
from reference.timestamps import TIME_NS_MAX

OTHER_FIELDS_BYTES_MAX: Final = 16 * KIB
"""A path from the kernel has at most 4095 bytes; each may decode to U+FFFD, 3 bytes."""
COMMAND_LINE_BYTES_MAX: Final = EVENT_BYTES_MAX - OTHER_FIELDS_BYTES_MAX
"""Encoded, with the length of each argument. A fixed share of the event, so that two
readings of the same process are cut at the same place."""
ARGUMENT_LENGTH_BYTES: Final = 8  # bincode legacy: u64 before each string

FILE_BYTES_MAX: Final = MIB
"""`status` grows with the number of groups, at most 65536, and stays below this."""
KERNEL_THREAD_FLAG: Final = 0x0020_0000  # PF_KTHREAD in the kernel's sched.h
DELETED_SUFFIX: Final = b" (deleted)"


class ProcUnavailable(Exception):
    """/proc is not there or cannot be read as a whole."""


class ProcessFacts(NamedTuple):
    """What one reading says of one process. None: it could not be read."""

    pid: int
    start_ticks: int | None  # since boot; with the pid, the identity of the process
    is_kernel_thread: bool
    ppid: int | None
    name: str | None
    executable_path: str | None
    command_line: tuple[str, ...] | None
    command_line_is_cut: bool
    start_time_ns: int | None
    cpu_usage: float | None
    memory_usage: int | None
    user_id: str | None
    accessible: bool
    file_exists: bool


class ProcReader:
    """Reads `proc_root`. Raises ProcUnavailable when there is no /proc to read.

    `ticks_per_s` is the unit of the times in `stat`; the default asks the kernel.
    """

    def __init__(self, proc_root: Path = Path("/proc"), *, ticks_per_s: int | None = None) -> None:
        self._root = proc_root
        try:
            # An empty mount point of /proc, as in a bare chroot, fails here.
            boot = _read_file(proc_root / "stat", None, FILE_BYTES_MAX)
            self._ticks_per_s = ticks_per_s or os.sysconf("SC_CLK_TCK")
        except PermissionError:
            boot = b""  # Android denies it to everyone; start times are None then
            self._ticks_per_s = ticks_per_s or os.sysconf("SC_CLK_TCK")
        except (OSError, AttributeError) as error:  # no os.sysconf outside POSIX
            raise ProcUnavailable(f"{proc_root} cannot be read: {error}") from error
        self._boot_time_s = _number_after(boot, b"btime")

    def read(self) -> list[ProcessFacts]:
        """Return the facts of every live process, by start time and pid."""
        try:
            uptime_ticks = self._uptime_ticks()
            found = []
            for name in os.listdir(self._root):
                if name.isascii() and name.isdigit() and int(name) <= U32_MAX:
                    facts = self._read_process(name, uptime_ticks)
                    if facts is not None:
                        found.append(facts)
        except OSError as error:
            raise ProcUnavailable(f"{self._root} cannot be read: {error}") from error
        found.sort(key=start_order)
        return found

    def _uptime_ticks(self) -> int | None:
        try:
            text = _read_file(self._root / "uptime", None, FILE_BYTES_MAX)
            return int(float(text.split()[0]) * self._ticks_per_s)
        except (FileNotFoundError, PermissionError, ValueError, IndexError):
            return None

    def _read_process(self, name: str, uptime_ticks: int | None) -> ProcessFacts | None:
        """Return the facts, or None if the process ended before they were all read."""
        directory: int | None = None
        try:
            directory = os.open(self._root / name, os.O_RDONLY | os.O_DIRECTORY)
            stat = _Stat(_read_fact("stat", directory, FILE_BYTES_MAX))
            if stat.has_ended:
                return None
            status = _read_fact("status", directory, FILE_BYTES_MAX)
            # Each byte takes at least one when encoded, so this is certainly too much.
            arguments = _read_fact("cmdline", directory, COMMAND_LINE_BYTES_MAX + 1)
            executable = _read_executable(directory)
        except (FileNotFoundError, NotADirectoryError, ProcessLookupError):
            return None
        except PermissionError:  # the directory itself: mount option hidepid=1
            stat, status, arguments, executable = _Stat(None), None, None, _DENIED
        finally:
            if directory is not None:
                os.close(directory)

        command_line, is_cut = None, False
        # Neither link nor arguments: a kernel thread, or a process that gave its memory
        # back on the way out. The second must not look like a new command line.
        if arguments is not None and (arguments or executable.path is not None):
            command_line, is_cut = split_command_line(arguments)
        resident_kib = None if status is None else _number_after(status, b"VmRSS:")
        user_id = None if status is None else _number_after(status, b"Uid:")
        return ProcessFacts(
            pid=int(name),
            start_ticks=stat.start_ticks,
            is_kernel_thread=stat.is_kernel_thread,
            ppid=stat.ppid,
            name=stat.name,
            executable_path=executable.path,
            command_line=command_line,
            command_line_is_cut=is_cut,
            start_time_ns=self._start_time_ns(stat.start_ticks),
            cpu_usage=_cpu_percent(stat, uptime_ticks),
            memory_usage=None if resident_kib is None else min(resident_kib * KIB, U64_MAX),
            user_id=None if user_id is None else str(user_id),
            accessible=stat.was_read
            and None not in (status, arguments)
            and not executable.is_denied,
            file_exists=executable.file_exists,
        )

    def _start_time_ns(self, start_ticks: int | None) -> int | None:
        if start_ticks is None or self._boot_time_s is None:
            return None
        time_ns = self._boot_time_s * NS_PER_S + start_ticks * NS_PER_S // self._ticks_per_s
        return time_ns if time_ns <= TIME_NS_MAX else None


def start_order(facts: ProcessFacts) -> tuple[int, int]:
    """Return the sort key of a scan: start time, then pid."""
    return facts.start_ticks or 0, facts.pid


# ---- Single facts -----------------------------------------------------------


class _Stat:
    """`pid (name) state ppid ...`, fields numbered from 1 as in proc(5)."""

    def __init__(self, data: bytes | None) -> None:
        self.was_read = data is not None
        self.name: str | None = None
        self.ppid: int | None = None
        self.start_ticks: int | None = None
        self.cpu_ticks = 0
        self.is_kernel_thread = self.has_ended = False
        # The name may hold anything, `) R 1 (` and newlines too. No later field has a
        # parenthesis, so the last one closes the name.
        head, _, tail = (data or b"").rpartition(b")")
        fields = tail.split()
        try:
            state, ppid, flags = fields[3 - 3], int(fields[4 - 3]), int(fields[9 - 3])
            cpu_ticks = int(fields[14 - 3]) + int(fields[15 - 3])
            thread_count, start_ticks = int(fields[20 - 3]), int(fields[22 - 3])
        except (ValueError, IndexError):
            return  # unknown, which is not the same as gone
        self.name = head.partition(b"(")[2].decode(errors="replace")
        # 0: no parent, or one outside this pid namespace.
        self.ppid = ppid if 0 < ppid <= U32_MAX else None
        self.is_kernel_thread = bool(flags & KERNEL_THREAD_FLAG)
        self.cpu_ticks = cpu_ticks
        self.start_ticks = start_ticks if start_ticks >= 0 else None
        # When only its first thread has ended, a process is Z too, but not alone.
        self.has_ended = state in (b"Z", b"X", b"x") and thread_count <= 1


def _cpu_percent(stat: _Stat, uptime_ticks: int | None) -> float | None:
    if uptime_ticks is None or stat.start_ticks is None or uptime_ticks <= stat.start_ticks:
        return None
    return round(100 * stat.cpu_ticks / (uptime_ticks - stat.start_ticks), 2)


class _Executable(NamedTuple):
    path: str | None
    file_exists: bool
    is_denied: bool = False


_DENIED: Final = _Executable(None, False, is_denied=True)


def _read_executable(directory: int) -> _Executable:
    try:
        path = os.readlink(b"exe", dir_fd=directory)
    except FileNotFoundError:
        return _Executable(None, False)
    except ProcessLookupError:
        raise
    except OSError:
        # EACCES; also ENAMETOOLONG, which any user can cause with a deep directory.
        return _DENIED
    file_exists = True
    if path.endswith(DELETED_SUFFIX) and not _is_the_executable(path, directory):
        path, file_exists = path.removesuffix(DELETED_SUFFIX), False
    return _Executable(path.decode(errors="replace"), file_exists)


def _is_the_executable(path: bytes, directory: int) -> bool:
    """Return whether ` (deleted)` is in the file's own name and not the kernel's remark."""
    try:
        return os.path.samestat(os.stat(b"exe", dir_fd=directory), os.stat(path))
    except OSError:
        return False


def split_command_line(data: bytes) -> tuple[tuple[str, ...], bool]:
    """Return the arguments, and whether they were cut to COMMAND_LINE_BYTES_MAX."""
    if not data:
        return (), False
    # Each argument ends with NUL; the last one may not, if the process wrote over it.
    arguments = [item.decode(errors="replace") for item in data.removesuffix(b"\0").split(b"\0")]
    room = COMMAND_LINE_BYTES_MAX
    for position, argument in enumerate(arguments):
        encoded = argument.encode()
        room -= ARGUMENT_LENGTH_BYTES
        if len(encoded) > room:
            kept = arguments[:position]
            if room > 0:  # "ignore" drops the character that the cut went through
                kept.append(encoded[:room].decode(errors="ignore"))
            return tuple(kept), True
        room -= len(encoded)
    return tuple(arguments), False


def _number_after(data: bytes, label: bytes) -> int | None:
    """Return the first number of the line that starts with `label`."""
    for line in data.split(b"\n"):
        if line.startswith(label):
            words = line.removeprefix(label).split()
            return int(words[0]) if words and words[0].isdigit() else None
    return None


def _read_fact(name: str, directory: int, bytes_max: int) -> bytes | None:
    try:
        return _read_file(name, directory, bytes_max)
    except PermissionError:
        return None


def _read_file(path: str | Path, directory: int | None, bytes_max: int) -> bytes:
    handle = os.open(path, os.O_RDONLY, dir_fd=directory)
    try:
        parts = []
        room = bytes_max
        # A file of /proc has no size, and a read may return a part: read on to the end.
        while room > 0 and (part := os.read(handle, min(room, 64 * KIB))):
            parts.append(part)
            room -= len(part)
        return b"".join(parts)
    finally:
        os.close(handle)
