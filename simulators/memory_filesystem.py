"""A directory in memory behind the reference's eleven calls, with faults on demand.

Fault model. None by itself: everything is durable at once, as if the machine never
crashed. A test puts faults in by hand:

- `fail(call, name, error, times)` makes matching calls raise an OSError, once or more;
- `short_writes(count)` lets the next appends write at most `count` bytes;
- `flip_bit`, `write_at`, `cut` damage files as a bad medium would;
- `journal` lists every changing call, so a test can check what was synced before what.

Not here: which writes survive a power cut. That is the crash-injecting filesystem's work.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass, field

from reference.filesystem import DirectoryEntry, LockMode


@dataclass(slots=True)
class Fault:
    """Calls that shall fail: the next `times` ones that match, after `skip` of them."""

    call: str
    name: str | None
    error: int
    times: int
    skip: int


@dataclass(slots=True)
class MemoryFilesystem:
    """Files by name. `irregular` names exist but are no regular files (a directory, a link)."""

    files: dict[str, bytearray] = field(default_factory=dict)
    irregular: set[str] = field(default_factory=set)
    journal: list[tuple[str, str]] = field(default_factory=list)
    locked: bool = False
    free_bytes: int | None = None
    """What `append` may still write before ENOSPC; None for no limit."""
    bytes_read: int = 0
    """What `read` has returned in all."""
    _faults: list[Fault] = field(default_factory=list)
    _short_write_bytes: int | None = None

    # ---- What a test does ---------------------------------------------------

    def fail(
        self,
        call: str,
        name: str | None = None,
        error: int = errno.EIO,
        times: int = 1,
        skip: int = 0,
    ) -> None:
        """Let matching calls raise OSError(error). `name` None matches any file."""
        self._faults.append(Fault(call, name, error, times, skip))

    def heal(self) -> None:
        """Remove every fault."""
        self._faults.clear()
        self._short_write_bytes = None
        self.free_bytes = None

    def short_writes(self, count: int | None) -> None:
        """Let every append write at most `count` bytes; None ends it."""
        self._short_write_bytes = count

    def flip_bit(self, name: str, bit: int) -> None:
        """Flip one bit; bit 0 is the lowest of byte 0."""
        self.files[name][bit // 8] ^= 1 << (bit % 8)

    def write_at(self, name: str, offset: int, data: bytes) -> None:
        """Replace bytes, extending the file if they go past its end."""
        content = self.files[name]
        content.extend(bytes(max(0, offset + len(data) - len(content))))
        content[offset : offset + len(data)] = data

    def cut(self, name: str, size_bytes: int) -> None:
        """Drop everything from `size_bytes` on."""
        del self.files[name][size_bytes:]

    def copy(self) -> MemoryFilesystem:
        """Return the same files without the lock, the faults and the journal."""
        files = {name: bytearray(content) for name, content in self.files.items()}
        return MemoryFilesystem(files, set(self.irregular))

    def image(self) -> dict[str, bytes]:
        """Return the files as they are now."""
        return {name: bytes(content) for name, content in sorted(self.files.items())}

    # ---- The eleven calls ---------------------------------------------------

    def create_exclusive(self, name: str) -> None:
        self._enter("create_exclusive", name)
        if name in self.files or name in self.irregular:
            raise os_error(errno.EEXIST, name)
        self.files[name] = bytearray()

    def append(self, name: str, data: bytes) -> int:
        self._enter("append", name)
        content = self._content(name)
        limits = [len(data)]
        if self._short_write_bytes is not None:
            limits.append(self._short_write_bytes)
        if self.free_bytes is not None:
            if self.free_bytes == 0 and data:
                raise os_error(errno.ENOSPC, name)
            limits.append(self.free_bytes)
        count = min(limits)
        content.extend(data[:count])
        if self.free_bytes is not None:
            self.free_bytes -= count
        return count

    def overwrite(self, name: str, offset: int, data: bytes) -> None:
        self._enter("overwrite", name)
        content = self._content(name)
        if offset + len(data) > len(content):
            raise os_error(errno.EINVAL, name)
        content[offset : offset + len(data)] = data

    def sync(self, name: str) -> None:
        self._enter("sync", name)
        self._content(name)

    def sync_directory(self) -> None:
        self._enter("sync_directory", "")

    def truncate(self, name: str, size_bytes: int) -> None:
        self._enter("truncate", name)
        content = self._content(name)
        if self.free_bytes is not None:
            self.free_bytes += len(content) - size_bytes
        del content[size_bytes:]

    def read(self, name: str, offset: int, count: int) -> bytes:
        self._raise_fault("read", name)
        data = bytes(self._content(name)[offset : offset + count])
        self.bytes_read += len(data)
        return data

    def list(self) -> Sequence[DirectoryEntry]:
        self._raise_fault("list", "")
        regular = [DirectoryEntry(n, len(content), True) for n, content in self.files.items()]
        return regular + [DirectoryEntry(name, 0, False) for name in self.irregular]

    def rename_new(self, old: str, new: str) -> None:
        self._enter("rename_new", new)
        if new in self.files or new in self.irregular:
            raise os_error(errno.EEXIST, new)
        self._content(old)
        self.files[new] = self.files.pop(old)

    def unlink(self, name: str) -> None:
        self._enter("unlink", name)
        content = self._content(name)
        if self.free_bytes is not None:
            self.free_bytes += len(content)
        del self.files[name]

    def lock(self, mode: LockMode) -> bool:
        self._raise_fault("lock", "")
        if self.locked:
            return False
        self.locked = mode is LockMode.EXCLUSIVE
        return True

    def close(self) -> None:
        self.locked = False

    # ---- Inside -------------------------------------------------------------

    def _enter(self, call: str, name: str) -> None:
        self._raise_fault(call, name)
        self.journal.append((call, name))

    def _raise_fault(self, call: str, name: str) -> None:
        for fault in self._faults:
            if fault.call != call or (fault.name is not None and fault.name != name):
                continue
            if fault.skip > 0:
                fault.skip -= 1
            elif fault.times > 0:
                fault.times -= 1
                raise os_error(fault.error, name)

    def _content(self, name: str) -> bytearray:
        if name not in self.files:
            raise os_error(errno.ENOENT, name)
        return self.files[name]


def os_error(number: int, name: str) -> OSError:
    """Return what the kernel's refusal of a call on this file is in Python."""
    return OSError(number, os.strerror(number), name)
