"""Sees that a system call which is not carried over changes nothing of the log.

It is harmless, or answered as by a kernel or a filesystem that does not have it, or refused
loudly: shared writable mappings, directories, descriptors that are sent away, and whatever
else syscalls.py lists. Spec: PRT-2.1.
"""

from __future__ import annotations

import errno

from fault_injection.ports import syscalls as sc
from fault_injection.ports.descriptors import Descriptors
from fault_injection.ports.errors import TracerRefusal
from fault_injection.ports.messages import sent_descriptors
from fault_injection.ports.ptrace import Registers
from fault_injection.ports.verdicts import PASS, Verdict


class Guard:
    """Of one directory."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._has_shared_mapping = False
        self._at = Descriptors(0, directory)

    def verdict(self, tid: int, at: Descriptors, r: Registers) -> Verdict:
        """Return what becomes of the call. Raises TracerRefusal."""
        self._at = at
        number = r.orig_rax
        arguments = (r.rdi, r.rsi, r.rdx, r.r10)
        if number in sc.NOT_HERE or number > sc.NUMBER_MAX:
            return Verdict(error=errno.ENOSYS)
        if number in sc.NOT_ALLOWED:
            return Verdict(error=errno.EPERM)
        if number in sc.REFUSED_ALWAYS:
            raise TracerRefusal(f"{sc.REFUSED_ALWAYS[number]}: a path means something else then")
        concerned = False
        if number in sc.LACKING:
            index, error = sc.LACKING[number]
            is_ours = bool(self._at.written_name_of(arguments[index]))
            return Verdict(error=error) if is_ours else PASS
        if number in sc.REFUSED_ON_PATH:
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
            sent = sent_descriptors(tid, number, r.rsi, r.rdx)
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
