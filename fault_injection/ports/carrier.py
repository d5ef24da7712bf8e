"""Carries what a traced process does to its directory over to a simulated disk, call by call.

Theory of operation. Before the kernel does a call, the disk is asked to do the same: it
records micro-operations, fails where a fault is armed, or loses its power. What the disk
answers is then what happens: an error is given to the process instead of the call, a short
write is made one, and otherwise the kernel does the call, on the real directory, and has to
come to the same result. So the simulated disk and the directory never differ, and everything
that works on the disk (power cuts, exploration, plans) works for a program in any language.

What has no meaning in the model is refused loudly: shared writable mappings, subdirectories,
calls of `MUTATING_UNKNOWN`, writing to a file without a name. io_uring is answered with
ENOSYS, so that a program falls back.

Spec: PRT-2.1, PRT-2.2.
"""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fault_injection.ports import syscalls as sc
from fault_injection.ports.errors import AdapterError
from fault_injection.ports.ptrace import Registers, TracedProcess
from reference.filesystem import LockMode
from simulators.crash_filesystem import CrashFilesystem
from simulators.faulty_filesystem import FaultyFilesystem

_IOVEC: Final = struct.Struct("<QQ")
_LOCKS: Final = {sc.LOCK_SH: LockMode.SHARED, sc.LOCK_EX: LockMode.EXCLUSIVE}


class TracerRefusal(AdapterError):
    """The port does something that the model cannot express, so nothing it shows would count."""

    status = "refused"


@dataclass(frozen=True, slots=True)
class Pass:
    """The kernel does the call. `result` is what it has to come to; None: anything."""

    result: int | None = None


@dataclass(frozen=True, slots=True)
class Fail:
    """The process gets this error, and the call is not made."""

    number: int


@dataclass(frozen=True, slots=True)
class Shorten:
    """The kernel writes so many bytes only."""

    count: int


Verdict = Pass | Fail | Shorten


class Carrier:
    """One process, one directory, one disk."""

    def __init__(self, process: TracedProcess, directory: Path, disk: FaultyFilesystem) -> None:
        assert isinstance(disk.inner, CrashFilesystem)
        self._process = process
        self._directory = str(directory)
        self._disk = disk
        self._shadow: CrashFilesystem = disk.inner

    def verdict(self, registers: Registers) -> Verdict:
        """Do the call on the disk; say what the kernel is to do. Raises TracerRefusal."""
        try:
            return self._carry(registers)
        except OSError as error:
            assert error.errno is not None
            return Fail(error.errno)

    def _carry(self, r: Registers) -> Verdict:
        match r.orig_rax:
            case sc.WRITE:
                return self._write(r.rdi, lambda: self._process.read(r.rsi, r.rdx), None)
            case sc.PWRITE64:
                return self._write(r.rdi, lambda: self._process.read(r.rsi, r.rdx), r.r10)
            case sc.WRITEV:
                return self._write(r.rdi, lambda: self._gather(r.rsi, r.rdx), None)
            case sc.PWRITEV:
                return self._write(r.rdi, lambda: self._gather(r.rsi, r.rdx), r.r10)
            case sc.FSYNC | sc.FDATASYNC:
                return self._sync(r.rdi)
            case sc.SYNC | sc.SYNCFS:
                for entry in self._shadow.list():
                    self._disk.sync(entry.name)
                self._disk.sync_directory()
                return Pass()
            case sc.OPEN:
                return self._open(self._path(sc.AT_FDCWD, r.rdi), r.rsi)
            case sc.CREAT:
                return self._open(self._path(sc.AT_FDCWD, r.rdi), sc.O_CREAT | sc.O_TRUNC)
            case sc.OPENAT:
                return self._open(self._path(r.rdi, r.rsi), r.rdx)
            case sc.UNLINK:
                return self._unlink(self._path(sc.AT_FDCWD, r.rdi))
            case sc.UNLINKAT:
                return self._unlink(self._path(r.rdi, r.rsi))
            case sc.RENAME:
                at = sc.AT_FDCWD
                return self._rename(self._path(at, r.rdi), self._path(at, r.rsi), 0)
            case sc.RENAMEAT:
                return self._rename(self._path(r.rdi, r.rsi), self._path(r.rdx, r.r10), 0)
            case sc.RENAMEAT2:
                return self._rename(self._path(r.rdi, r.rsi), self._path(r.rdx, r.r10), r.r8)
            case sc.LINK:
                at = sc.AT_FDCWD
                return self._link(self._path(at, r.rdi), self._path(at, r.rsi))
            case sc.LINKAT:
                return self._link(self._path(r.rdi, r.rsi), self._path(r.rdx, r.r10))
            case sc.FTRUNCATE:
                return self._truncate(r.rdi, r.rsi)
            case sc.FLOCK:
                return self._lock(r.rdi, r.rsi)
            case sc.READ | sc.READV | sc.PREAD64 | sc.PREADV | sc.PREADV2 | sc.GETDENTS64:
                return self._read(r.rdi)
            case sc.MMAP:
                return self._map(r)
            case sc.IO_URING_SETUP:
                return Fail(errno.ENOSYS)
            case number if number in sc.MUTATING_UNKNOWN:
                return self._unknown(r)
        return Pass()

    # ---- Files --------------------------------------------------------------

    def _write(self, fd: int, data_of: Callable[[], bytes], offset: int | None) -> Verdict:
        name = self._name_of(fd)
        if not name:
            return Pass()
        data = data_of()
        place, flags = self._position(fd)
        size = self._size(name)
        start = size if flags & sc.O_APPEND else place if offset is None else offset
        if start > size:
            self._disk.append(name, bytes(start - size))  # a hole reads as zeros
            size = start
        inside = data[: size - start]
        if inside:
            self._disk.overwrite(name, start, inside)
        outside = data[len(inside) :]
        count = len(inside) + (self._disk.append(name, outside) if outside else 0)
        if flags & (sc.O_SYNC | sc.O_DSYNC):
            self._disk.sync(name)
        return Pass(count) if count == len(data) else Shorten(count)

    def _sync(self, fd: int) -> Verdict:
        target = self._target(fd)
        if target == self._directory:
            self._disk.sync_directory()
            return Pass(0)
        if name := self._name_of(fd):
            self._disk.sync(name)
            return Pass(0)
        return Pass()

    def _open(self, path: str, flags: int) -> Verdict:
        name = self._inside(path)
        if not name:
            return Pass()
        if flags & sc.O_TMPFILE == sc.O_TMPFILE:
            raise TracerRefusal("O_TMPFILE: a file without a name is not in the model")
        exists = self._exists(name)
        if flags & sc.O_CREAT and (not exists or flags & sc.O_EXCL):
            self._disk.create_exclusive(name)
        elif flags & sc.O_TRUNC and exists:
            self._disk.truncate(name, 0)
        return Pass()

    def _unlink(self, path: str) -> Verdict:
        if not (name := self._inside(path)):
            return Pass()
        self._disk.unlink(name)
        return Pass(0)

    def _rename(self, old: str, new: str, flags: int) -> Verdict:
        here, there = self._inside(old), self._inside(new)
        if not here and not there:
            return Pass()
        if not here or not there or flags & sc.RENAME_EXCHANGE:
            raise TracerRefusal(f"rename {old} {new}: into, out of, or an exchange")
        if self._exists(there) and not flags & sc.RENAME_NOREPLACE:
            self._disk.rename_over(here, there)
        else:
            self._disk.rename_new(here, there)
        return Pass(0)

    def _link(self, old: str, new: str) -> Verdict:
        here, there = self._inside(old), self._inside(new)
        if not here and not there:
            return Pass()
        if not here or not there:
            raise TracerRefusal(f"link {old} {new}: into or out of the directory")
        self._disk.link(here, there)
        return Pass(0)

    def _truncate(self, fd: int, size: int) -> Verdict:
        if not (name := self._name_of(fd)):
            return Pass()
        self._disk.truncate(name, size)
        return Pass(0)

    def _lock(self, fd: int, operation: int) -> Verdict:
        target = self._target(fd)
        if not target.startswith(self._directory):
            return Pass()
        if operation & sc.LOCK_UN:
            self._disk.close()
            return Pass()
        if not self._disk.lock(_LOCKS[operation & (sc.LOCK_SH | sc.LOCK_EX)]):
            return Fail(errno.EWOULDBLOCK)
        return Pass(0)

    def _read(self, fd: int) -> Verdict:
        """Nothing changes, but reading may fail."""
        if self._target(fd) == self._directory:
            self._disk.list()
        elif name := self._name_of(fd, is_written=False):
            self._disk.read(name, 0, 0)
        return Pass()

    # ---- What is refused ----------------------------------------------------

    def _map(self, r: Registers) -> Verdict:
        fd = _signed(r.r8)
        if fd >= 0 and r.rdx & sc.PROT_WRITE and r.r10 & sc.MAP_SHARED and self._name_of(fd):
            raise TracerRefusal(
                f"{self._target(fd)} is mapped shared and writable: what is written through memory "
                "cannot be seen; use write(2) for files of the log"
            )
        return Pass()

    def _unknown(self, r: Registers) -> Verdict:
        name = sc.MUTATING_UNKNOWN[r.orig_rax]
        by_path = name in ("mkdir", "rmdir", "symlink", "mknod", "truncate")
        if by_path:
            path = self._path(sc.AT_FDCWD, r.rsi if name == "symlink" else r.rdi)
            concerned = bool(self._inside(path))
        elif name in ("mkdirat", "mknodat", "openat2"):
            concerned = bool(self._inside(self._path(r.rdi, r.rsi)))
        elif name == "symlinkat":
            concerned = bool(self._inside(self._path(r.rsi, r.rdx)))
        elif name.startswith("io_"):
            return Fail(errno.ENOSYS)
        else:
            fd = r.rdx if name in ("splice", "copy_file_range") else r.rdi
            concerned = bool(self._name_of(fd))
        if concerned:
            raise TracerRefusal(f"{name} on a file of the log is not in the model")
        return Pass()

    # ---- Small things -------------------------------------------------------

    def _gather(self, address: int, count: int) -> bytes:
        pieces = struct.iter_unpack("<QQ", self._process.read(address, count * _IOVEC.size))
        return b"".join(self._process.read(base, length) for base, length in pieces)

    def _exists(self, name: str) -> bool:
        return any(entry.name == name for entry in self._shadow.names())

    def _size(self, name: str) -> int:
        return next(e.size_bytes for e in self._shadow.names() if e.name == name)

    def _target(self, fd: int) -> str:
        """Where the descriptor leads; empty if it is none."""
        try:
            return os.readlink(f"/proc/{self._process.pid}/fd/{_signed(fd)}")
        except OSError:
            return ""

    def _name_of(self, fd: int, *, is_written: bool = True) -> str:
        """The name in the directory that the descriptor leads to; empty if it leads elsewhere."""
        target = self._target(fd)
        if target.endswith(" (deleted)") and target.startswith(self._directory + "/"):
            if other := self._other_name(fd):
                return other
            if is_written:
                raise TracerRefusal(f"{target} is written: a file without a name is not modelled")
            return ""
        return self._inside(target)

    def _other_name(self, fd: int) -> str:
        """The name that the file still has, if the one that it was opened by is gone."""
        number = os.stat(f"/proc/{self._process.pid}/fd/{_signed(fd)}").st_ino
        with os.scandir(self._directory) as entries:
            return next((each.name for each in entries if each.inode() == number), "")

    def _inside(self, path: str) -> str:
        head, slash, name = path.rpartition("/")
        if slash and head == self._directory:
            return name
        if path.startswith(self._directory + "/"):
            raise TracerRefusal(f"{path}: a log has no subdirectories")
        return ""

    def _path(self, dirfd: int, address: int) -> str:
        path = self._process.read_text(address)
        if not path.startswith("/"):
            fd = _signed(dirfd)
            where = "cwd" if fd == sc.AT_FDCWD else f"fd/{fd}"
            path = os.readlink(f"/proc/{self._process.pid}/{where}") + "/" + path
        return os.path.normpath(path)

    def _position(self, fd: int) -> tuple[int, int]:
        """Return offset and flags of the descriptor."""
        text = Path(f"/proc/{self._process.pid}/fdinfo/{_signed(fd)}").read_text()
        fields = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
        return int(fields["pos"]), int(fields["flags"], 8)


def _signed(value: int) -> int:
    """A 32-bit argument as a signed number."""
    value &= 0xFFFFFFFF
    return value - (1 << 32) if value >> 31 else value
