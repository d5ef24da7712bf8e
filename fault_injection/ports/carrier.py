"""Carries what a traced process does to its directory over to a simulated disk, call by call.

Theory of operation. Before the kernel does a call, the disk is asked to do the same: it
records micro-operations, fails where a fault is armed, or loses its power. What the disk
answers is then what happens: an error is given to the process instead of the call, a short
write is made one, and otherwise the kernel does the call, on the real directory, and has to
come to the same result. So the simulated disk and the directory never differ, and everything
that works on the disk (power cuts, exploration, plans) works for a program in any language.

What has no meaning in the model is refused loudly: shared writable mappings, subdirectories,
files without a name, descriptors that are sent away, the calls listed in syscalls.py.

Not here: what a descriptor leads to (descriptors.py), what changes no bytes (times, modes).

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
from fault_injection.ports.descriptors import Descriptors, signed
from fault_injection.ports.errors import TracerRefusal
from fault_injection.ports.messages import sent_descriptors
from fault_injection.ports.ptrace import Registers, read_memory
from reference.filesystem import LockMode
from simulators.crash_filesystem import CrashFilesystem
from simulators.faulty_filesystem import FaultyFilesystem

_IOVEC: Final = struct.Struct("<QQ")
_HOW: Final = struct.Struct("<QQQ")
_LOCKS: Final = {sc.LOCK_SH: LockMode.SHARED, sc.LOCK_EX: LockMode.EXCLUSIVE}
_UNLOCKED: Final = 2
HOLE_BYTES_MAX: Final = 1 << 28


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a call."""

    is_carried: bool = True
    """The disk has done it, so no other thread may come in between."""
    result: int | None = None
    """What the kernel has to come to; None: no error."""
    error: int = 0
    """The process gets this, and the call is not made."""
    shorten_to: int | None = None
    """The kernel writes so many bytes only."""


PASS: Final = Verdict(is_carried=False)
"""It is none of the disk's business."""


class Carrier:
    """One process, one directory, one disk."""

    def __init__(self, directory: Path, disk: FaultyFilesystem) -> None:
        assert isinstance(disk.inner, CrashFilesystem)
        self._directory = os.path.realpath(directory)
        self._disk = disk
        self._shadow: CrashFilesystem = disk.inner
        self._has_shared_mapping = False
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
        there = self._shadow.process_image()
        files = (each for each in sorted(Path(self._directory).iterdir()) if each.is_file())
        here = {each.name: each.read_bytes() for each in files}
        wrong = sorted(n for n in here.keys() | there.keys() if here.get(n) != there.get(n))
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
            case sc.SYNC | sc.SYNCFS:
                return self._sync_all()
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
        return self._guard(r)

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
        if position.flags & sc.O_APPEND or how & sc.RWF_APPEND:
            start = size  # pwrite(2) as well: so Linux does it
        if start > size + HOLE_BYTES_MAX:
            raise TracerRefusal(f"{name}: a hole up to {start}; the simulated disk keeps it whole")
        count = self._put(name, start, size, data)
        if position.flags & sc.O_DSYNC or how & (sc.RWF_DSYNC | sc.RWF_SYNC):
            try:
                self._disk.sync(name)
            except OSError:
                self._mend(name)
                raise
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
        if not (name := self._at.name_of(fd)):
            return PASS
        try:
            self._disk.sync(name)
        except OSError:
            self._mend(name)
            raise
        return Verdict(result=0)

    def _sync_all(self) -> Verdict:
        for entry in self._shadow.names():
            self._disk.sync(entry.name)
        self._disk.sync_directory()
        return Verdict()

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
        if flags & sc.O_CREAT and (not exists or flags & sc.O_EXCL):
            self._disk.create_exclusive(name)
            return Verdict()
        if flags & sc.O_TRUNC and exists and self._size(name):
            self._disk.truncate(name, 0)
            return Verdict()
        return PASS

    def _unlink(self, path: str) -> Verdict:
        if not (name := self._at.inside(path)):
            return PASS
        self._disk.unlink(name)
        return Verdict(result=0)

    def _rename(self, old: str, new: str, flags: int) -> Verdict:
        here, there = self._at.inside(old), self._at.inside(new)
        if not here and not there and self._directory not in (old, new):
            return PASS
        if not here or not there or flags & ~sc.RENAME_NOREPLACE:
            raise TracerRefusal(f"rename {old} {new}: into, out of, or an exchange")
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
        elif name := self._at.name_of(fd):
            self._disk.read(name, 0, 0)
        return PASS

    # ---- What is refused ----------------------------------------------------

    def _guard(self, r: Registers) -> Verdict:
        """See that a call which is not carried over changes nothing."""
        number = r.orig_rax
        arguments = (r.rdi, r.rsi, r.rdx, r.r10)
        if number in sc.NOT_HERE or number > sc.NUMBER_MAX:
            return Verdict(error=errno.ENOSYS)
        if number in sc.NOT_ALLOWED:
            return Verdict(error=errno.EPERM)
        if number in sc.REFUSED_ALWAYS:
            raise TracerRefusal(f"{sc.REFUSED_ALWAYS[number]}: a path means something else then")
        concerned = False
        if number in sc.REFUSED_ON_DESCRIPTOR:
            name, index = sc.REFUSED_ON_DESCRIPTOR[number]
            concerned = bool(self._at.written_name_of(arguments[index]))
        elif number in sc.REFUSED_ON_PATH:
            name, index = sc.REFUSED_ON_PATH[number]
            concerned = self._is_ours(self._at.path(sc.AT_FDCWD, arguments[index]))
        elif number in sc.REFUSED_AT:
            name, index = sc.REFUSED_AT[number]
            concerned = self._is_ours(self._at.path(arguments[index], arguments[index + 1]))
        elif number == sc.UNLINKAT:
            name, concerned = "rmdir", self._is_ours(self._at.path(r.rdi, r.rsi))
        elif number == sc.IOCTL and (r.rsi & 0xFFFFFFFF) not in sc.HARMLESS_IOCTLS:
            name, concerned = f"ioctl {r.rsi:#x}", bool(self._at.name_of(r.rdi))
        elif number == sc.MMAP:
            name, concerned = "mmap, shared and writable,", self._is_mapped(r)
        elif number in (sc.MPROTECT, sc.PKEY_MPROTECT):
            name, concerned = "mprotect of a shared mapping", self._is_unprotected(r)
        elif number in (sc.SENDMSG, sc.SENDMMSG):
            name = "sending a descriptor"
            sent = sent_descriptors(self._tid, number, r.rsi, r.rdx)
            concerned = any(map(self._at.name_of, sent))
        if concerned:
            raise TracerRefusal(f"{name} on a file of the log is not in the model; use write(2)")
        return PASS

    def _is_ours(self, path: str) -> bool:
        """Whether the path is in the directory, at any depth."""
        return path.startswith(self._directory + "/")

    def _is_mapped(self, r: Registers) -> bool:
        if r.r10 & sc.MAP_ANONYMOUS or not r.r10 & sc.MAP_SHARED or not self._at.name_of(r.r8):
            return False
        if self._at.position(r.r8).flags & sc.O_ACCMODE == sc.O_RDONLY:
            return False
        self._has_shared_mapping = True
        return bool(r.rdx & sc.PROT_WRITE)

    def _is_unprotected(self, r: Registers) -> bool:
        if not self._has_shared_mapping or not r.rdx & sc.PROT_WRITE:
            return False
        mappings = self._at.shared_mappings()
        return any(start < r.rdi + r.rsi and r.rdi < end for start, end, _ in mappings)

    # ---- Small things -------------------------------------------------------

    def _read_memory(self, address: int, count: int) -> bytes:
        data = read_memory(self._tid, address, count)
        if len(data) < count:
            raise TracerRefusal(f"{count} bytes at {address:#x} cannot be read: a wrong pointer?")
        return data

    def _gather(self, address: int, count: int) -> bytes:
        pieces = _IOVEC.iter_unpack(self._read_memory(address, count * _IOVEC.size))
        return b"".join(self._read_memory(base, length) for base, length in pieces)

    def _exists(self, name: str) -> bool:
        return any(entry.name == name for entry in self._shadow.names())

    def _size(self, name: str) -> int:
        return next(e.size_bytes for e in self._shadow.names() if e.name == name)

    def _is_writable(self, fd: int) -> bool:
        if not self._at.target(fd):
            return False
        flags = self._at.position(signed(fd)).flags
        return flags & sc.O_ACCMODE != sc.O_RDONLY and not flags & sc.O_PATH
