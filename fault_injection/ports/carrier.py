"""Carries what a traced process does to its directory over to a simulated disk, call by call.

Theory of operation. Before the kernel does a call, the disk is asked to do the same: it
records micro-operations, fails where a fault is armed, or loses its power. What the disk
answers is then what happens: an error is given to the process instead of the call, a short
write is made one, and otherwise the kernel does the call, on the real directory, and has to
come to the same result. So the simulated disk and the directory never differ, and everything
that works on the disk (power cuts, exploration, plans) works for a program in any language.

What has no meaning in the model is refused loudly: subdirectories that the port makes, files
without a name, names that leave the directory. Calls that are not carried over are guard.py's.

Not here: what a descriptor leads to (descriptors.py), what changes no bytes (times, modes).

Spec: PRT-2.1, PRT-2.2.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Final

from fault_injection.disk_faults import irregular_names
from fault_injection.ports import syscalls as sc
from fault_injection.ports.descriptors import Descriptors, signed
from fault_injection.ports.errors import TracerRefusal
from fault_injection.ports.guard import Guard
from fault_injection.ports.ptrace import Registers, read_memory
from fault_injection.ports.verdicts import PASS, Verdict
from reference.filesystem import LockMode
from simulators.crash_filesystem import CrashFilesystem
from simulators.disk_image import changed_names
from simulators.faulty_filesystem import FaultyFilesystem

_IOVEC: Final = struct.Struct("<QQ")
_HOW: Final = struct.Struct("<QQQ")
_LOCKS: Final = {sc.LOCK_SH: LockMode.SHARED, sc.LOCK_EX: LockMode.EXCLUSIVE}
_UNLOCKED: Final = 2
HOLE_BYTES_MAX: Final = 1 << 28


class Carrier:
    """One process, one directory, one disk."""

    def __init__(self, directory: Path, disk: FaultyFilesystem) -> None:
        assert isinstance(disk.inner, CrashFilesystem)
        self._directory = os.path.realpath(directory)
        self._disk = disk
        self._shadow: CrashFilesystem = disk.inner
        self._guard = Guard(self._directory)
        self._tid = 0
        self._at = Descriptors(0, self._directory)

    def verdict(self, tid: int, registers: Registers) -> Verdict:
        """Do the call on the disk; say what becomes of it. Raises TracerRefusal."""
        self._tid = tid
        self._at = Descriptors(tid, self._directory)
        try:
            return self._carry(registers)
        except OSError as error:
            assert error.errno is not None
            return Verdict(error=error.errno)

    def difference(self) -> str:
        """Say which file of the directory is not as on the disk; empty if all are."""
        there: dict[str, bytes | None] = {**self._shadow.process_image()}
        there |= dict.fromkeys(irregular_names(self._disk))
        here = {
            each.name: each.read_bytes() if each.is_file() else None
            for each in Path(self._directory).iterdir()
        }
        wrong = changed_names(here, there)
        return f"{', '.join(wrong)}: not as on the simulated disk" if wrong else ""

    def _carry(self, r: Registers) -> Verdict:
        here = sc.AT_FDCWD
        match r.orig_rax:
            case sc.WRITE:
                return self._write(r.rdi, lambda: self._read_memory(r.rsi, r.rdx), None)
            case sc.PWRITE64:
                return self._write(r.rdi, lambda: self._read_memory(r.rsi, r.rdx), r.r10)
            case sc.WRITEV:
                return self._write(r.rdi, lambda: self._gather(r.rsi, r.rdx), None)
            case sc.PWRITEV:
                return self._write(r.rdi, lambda: self._gather(r.rsi, r.rdx), r.r10)
            case sc.PWRITEV2:
                offset = None if r.r10 == sc.NO_OFFSET else r.r10
                return self._write(r.rdi, lambda: self._gather(r.rsi, r.rdx), offset, r.r9)
            case sc.FSYNC | sc.FDATASYNC:
                return self._sync(r.rdi)
            case sc.SYNC:
                self._sync_all()  # sync(2) has no way to say that it failed
                return Verdict()
            case sc.SYNCFS:
                return self._sync_filesystem(r.rdi)
            case sc.OPEN:
                return self._open(here, r.rdi, r.rsi)
            case sc.CREAT:
                return self._open(here, r.rdi, sc.O_CREAT | sc.O_TRUNC)
            case sc.OPENAT:
                return self._open(r.rdi, r.rsi, r.rdx)
            case sc.OPENAT2:
                flags, _, _ = _HOW.unpack(self._read_memory(r.rdx, _HOW.size))
                return self._open(r.rdi, r.rsi, flags)
            case sc.UNLINK:
                return self._unlink(self._at.path(here, r.rdi))
            case sc.UNLINKAT if not r.rdx & sc.AT_REMOVEDIR:
                return self._unlink(self._at.path(r.rdi, r.rsi))
            case sc.RENAME:
                return self._rename(self._at.path(here, r.rdi), self._at.path(here, r.rsi), 0)
            case sc.RENAMEAT:
                return self._rename(self._at.path(r.rdi, r.rsi), self._at.path(r.rdx, r.r10), 0)
            case sc.RENAMEAT2:
                return self._rename(self._at.path(r.rdi, r.rsi), self._at.path(r.rdx, r.r10), r.r8)
            case sc.LINK:
                return self._link(self._at.path(here, r.rdi), self._at.path(here, r.rsi))
            case sc.LINKAT:
                follows = bool(r.r8 & sc.AT_SYMLINK_FOLLOW)
                old = self._at.path(r.rdi, r.rsi, follows=follows)
                return self._link(old, self._at.path(r.rdx, r.r10))
            case sc.TRUNCATE:
                path = self._at.path(here, r.rdi, follows=True)
                return self._truncate(self._at.inside(path), r.rsi)
            case sc.FTRUNCATE:
                if not self._is_writable(r.rdi):
                    return PASS
                return self._truncate(self._at.written_name_of(r.rdi), r.rsi)
            case sc.FLOCK:
                return self._lock(r.rdi, _LOCKS.get(r.rsi & (sc.LOCK_SH | sc.LOCK_EX)))
            case sc.FCNTL:
                return self._control(r.rdi, r.rsi, r.rdx)
            case sc.READ | sc.READV | sc.PREAD64 | sc.PREADV | sc.PREADV2 | sc.GETDENTS64:
                return self._read(r.rdi)
        return self._guard.verdict(self._tid, self._at, r)

    # ---- Files --------------------------------------------------------------

    def _write(
        self, fd: int, data_of: Callable[[], bytes], offset: int | None, how: int = 0
    ) -> Verdict:
        target = self._at.target(fd)
        if not target.startswith(self._directory + "/") or not self._is_writable(fd):
            return PASS
        name = self._at.written_name_of(fd)
        position = self._at.position(fd)
        data = data_of()
        size = self._size(name)
        start = position.offset if offset is None else offset
        if start >> 63:
            return PASS  # the kernel says that it is wrong
        appends = position.flags & sc.O_APPEND and not how & sc.RWF_NOAPPEND
        if appends or how & sc.RWF_APPEND:
            start = size  # pwrite(2) as well: so Linux does it
        if start > size + HOLE_BYTES_MAX:
            raise TracerRefusal(f"{name}: a hole up to {start}; the simulated disk keeps it whole")
        count = self._put(name, start, size, data)
        if position.flags & sc.O_DSYNC or how & (sc.RWF_DSYNC | sc.RWF_SYNC):
            self._sync_file(name)
        return Verdict(result=count, shorten_to=None if count == len(data) else count)

    def _put(self, name: str, start: int, size: int, data: bytes) -> int:
        """Write on the disk; return how many bytes that came to."""
        if start > size and data:  # a hole, which reads as zeros
            count = self._disk.append(name, bytes(start - size) + data) - (start - size)
            if count <= 0:
                self._shadow.truncate(name, size)
            return max(count, 0)
        inside, outside = data[: size - start], data[size - start :]
        if inside:
            self._disk.overwrite(name, start, inside)
        if not outside:
            return len(inside)
        try:
            return len(inside) + self._disk.append(name, outside)
        except OSError:
            if not inside:
                raise
            return len(inside)  # what was written counts, and the next call tells

    def _sync(self, fd: int) -> Verdict:
        if self._at.is_directory(fd):
            self._disk.sync_directory()
            return Verdict(result=0)
        name = self._at.name_of(fd)
        if not name or self._is_irregular(name):
            return PASS
        self._sync_file(name)
        return Verdict(result=0)

    def _sync_filesystem(self, fd: int) -> Verdict:
        if not self._at.is_on_same_filesystem(fd):
            return PASS
        if (error := self._sync_all()) is not None:
            raise error
        return Verdict(result=0)

    def _sync_all(self) -> OSError | None:
        """Sync every file and the directory, whatever fails; return the first error."""
        first: OSError | None = None
        for name in sorted(
            {number: each for each, number in self._shadow.inodes().items()}.values()
        ):
            try:
                self._sync_file(name)
            except OSError as error:
                first = first or error
        try:
            self._disk.sync_directory()
        except OSError as error:
            first = first or error
        return first

    def _sync_file(self, name: str) -> None:
        try:
            self._disk.sync(name)
        except OSError:
            self._mend(name)
            raise

    def _mend(self, name: str) -> None:
        """Give the real file what the disk says, after a failure that leaves something."""
        content = self._shadow.process_image()[name]
        with open(f"{self._directory}/{name}", "r+b", buffering=0) as file:
            file.truncate(0)
            file.write(content)

    def _open(self, dirfd: int, address: int, flags: int) -> Verdict:
        # O_EXCL does not follow either: a link that is there is a name that is taken.
        follows = not flags & (sc.O_NOFOLLOW | sc.O_EXCL)
        path = self._at.path(dirfd, address, follows=follows)
        name = self._at.inside(path)
        if flags & sc.O_TMPFILE == sc.O_TMPFILE and (name or path == self._directory):
            raise TracerRefusal("O_TMPFILE: a file without a name is not in the model")
        if not name or flags & sc.O_PATH:
            return PASS
        exists = self._exists(name)
        if self._is_irregular(name) and not flags & sc.O_EXCL:
            return PASS  # a directory: the kernel says so
        if flags & sc.O_CREAT and (not exists or flags & sc.O_EXCL):
            self._disk.create_exclusive(name)
            return Verdict()
        if flags & sc.O_TRUNC and exists and self._size(name):
            self._disk.truncate(name, 0)
            return Verdict()
        return PASS

    def _unlink(self, path: str) -> Verdict:
        name = self._at.inside(path)
        if not name or self._is_irregular(name):
            return PASS
        self._disk.unlink(name)
        return Verdict(result=0)

    def _rename(self, old: str, new: str, flags: int) -> Verdict:
        here, there = self._at.inside(old), self._at.inside(new)
        if not here and not there and self._directory not in (old, new):
            return PASS
        if not here or not there or flags & ~sc.RENAME_NOREPLACE:
            raise TracerRefusal(f"rename {old} {new}: into, out of, or an exchange")
        if self._is_irregular(here):
            raise TracerRefusal(f"rename {old}: a directory's name does not change in the model")
        if self._is_irregular(there) and not flags & sc.RENAME_NOREPLACE:
            return PASS  # the kernel puts no file in the place of a directory
        if not self._exists(there) or flags & sc.RENAME_NOREPLACE:
            self._disk.rename_new(here, there)
        elif self._exists(here) and os.path.samefile(old, new):
            return PASS  # two names of one file: POSIX has it that nothing happens
        else:
            self._disk.rename_over(here, there)
        return Verdict(result=0)

    def _link(self, old: str, new: str) -> Verdict:
        here, there = self._at.inside(old), self._at.inside(new)
        if not here and not there:
            return PASS
        if not here or not there:
            raise TracerRefusal(f"link {old} {new}: into or out of the directory")
        if self._is_irregular(here) or self._is_irregular(there):
            return PASS  # a directory has one name, and that is taken: the kernel says so
        self._disk.link(here, there)
        return Verdict(result=0)

    def _truncate(self, name: str, size: int) -> Verdict:
        if not name or size >> 63:
            return PASS
        if size > self._size(name) + HOLE_BYTES_MAX:
            raise TracerRefusal(f"{name}: grown to {size}; the simulated disk keeps it whole")
        self._disk.truncate(name, size)
        return Verdict(result=0)

    def _control(self, fd: int, command: int, address: int) -> Verdict:
        if command not in (sc.F_SETLK, sc.F_SETLKW, sc.F_OFD_SETLK, sc.F_OFD_SETLKW):
            return PASS
        kind = int.from_bytes(self._read_memory(address, 2), "little")
        return self._lock(fd, None if kind == _UNLOCKED else LockMode.EXCLUSIVE)

    def _lock(self, fd: int, mode: LockMode | None) -> Verdict:
        """Let locking fail where a fault is armed. Who holds what, the kernel knows."""
        if mode is not None and (self._at.is_directory(fd) or self._at.name_of(fd)):
            self._disk.close()
            self._disk.lock(mode)
        return PASS

    def _read(self, fd: int) -> Verdict:
        """Nothing changes, but reading may fail."""
        if self._at.is_directory(fd):
            self._disk.list()
        elif (name := self._at.name_of(fd)) and not self._is_irregular(name):
            self._disk.read(name, 0, 0)
        return PASS

    # ---- Small things -------------------------------------------------------

    def _read_memory(self, address: int, count: int) -> bytes:
        data = read_memory(self._tid, address, count)
        if len(data) < count:
            raise TracerRefusal(f"{count} bytes at {address:#x} cannot be read: a wrong pointer?")
        return data

    def _gather(self, address: int, count: int) -> bytes:
        pieces = _IOVEC.iter_unpack(self._read_memory(address, count * _IOVEC.size))
        return b"".join(self._read_memory(base, length) for base, length in pieces)

    def _is_irregular(self, name: str) -> bool:
        return name in irregular_names(self._disk)

    def _exists(self, name: str) -> bool:
        return any(entry.name == name for entry in self._shadow.names())

    def _size(self, name: str) -> int:
        return next(e.size_bytes for e in self._shadow.names() if e.name == name)

    def _is_writable(self, fd: int) -> bool:
        if not self._at.target(fd):
            return False
        flags = self._at.position(signed(fd)).flags
        return flags & sc.O_ACCMODE != sc.O_RDONLY and not flags & sc.O_PATH
