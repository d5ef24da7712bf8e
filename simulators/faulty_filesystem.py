"""Makes calls of any disk fail: which, how often, with what error; as data.

Fault model. A fault names a call and says when it strikes: from the `at`-th matching call
on, `times` in a row (0: for ever, until `heal`). What it does:

    an error    the call raises it and has no other effect. ENOSPC and EDQUOT: no room. EIO:
                the medium. EINTR: a signal. EMFILE: no descriptors. EROFS: the filesystem has
                gone read-only
    `short`     an append writes only so many bytes, and says so

A sync that fails with EIO on a disk that models it (crash_filesystem.py) has that disk's
effect: the pages are clean afterwards and perhaps not written. Everything else goes through.

Not here: what a power cut keeps (crash_filesystem.py), changed bytes (memory_filesystem.py).

Spec: SIM-2.7.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import dataclass

from reference.filesystem import DirectoryEntry, Filesystem, LockMode
from simulators.crash_filesystem import CrashFilesystem
from simulators.memory_filesystem import os_error


@dataclass(frozen=True, slots=True)
class CallFault:
    """One thing that goes wrong."""

    call: str
    error: int = errno.EIO
    at: int = 1
    """The how-manieth matching call from now is the first that fails."""
    times: int = 1
    """So many fail; 0: all."""
    suffix: str = ""
    """Only for names that end so."""
    short: int = -1
    """`append`: write at most so many bytes instead of failing."""


@dataclass(slots=True)
class _Armed:
    fault: CallFault
    seen: int = 0

    def strikes(self, call: str, name: str) -> bool:
        fault = self.fault
        if call != fault.call or not name.endswith(fault.suffix):
            return False
        self.seen += 1
        return fault.at <= self.seen and (not fault.times or self.seen < fault.at + fault.times)


class FaultyFilesystem:
    """A filesystem in front of another. `fired` lists what struck, in order."""

    def __init__(self, inner: Filesystem) -> None:
        self.inner = inner
        self.fired: list[str] = []
        self.is_held_off = False
        """While set nothing goes wrong and nothing is counted: for an oracle that looks."""
        self._armed: list[_Armed] = []

    def arm(self, fault: CallFault) -> None:
        """Let this go wrong, counted from now."""
        self._armed.append(_Armed(fault))

    def heal(self) -> None:
        """Nothing goes wrong any more."""
        self._armed.clear()

    # ---- The eleven calls ---------------------------------------------------

    def create_exclusive(self, name: str) -> None:
        self._enter("create_exclusive", name)
        self.inner.create_exclusive(name)

    def append(self, name: str, data: bytes) -> int:
        fault = self._enter("append", name)
        return self.inner.append(name, data if fault is None else data[: fault.short])

    def overwrite(self, name: str, offset: int, data: bytes) -> None:
        self._enter("overwrite", name)
        self.inner.overwrite(name, offset, data)

    def sync(self, name: str) -> None:
        try:
            self._enter("sync", name)
        except OSError as error:
            if error.errno == errno.EIO and isinstance(self.inner, CrashFilesystem):
                self.inner.fail_sync(name)
                self.inner.sync(name)
            raise
        self.inner.sync(name)

    def sync_directory(self) -> None:
        self._enter("sync_directory", "")
        self.inner.sync_directory()

    def truncate(self, name: str, size_bytes: int) -> None:
        self._enter("truncate", name)
        self.inner.truncate(name, size_bytes)

    def read(self, name: str, offset: int, count: int) -> bytes:
        self._enter("read", name)
        return self.inner.read(name, offset, count)

    def list(self) -> Sequence[DirectoryEntry]:
        self._enter("list", "")
        return self.inner.list()

    def rename_new(self, old: str, new: str) -> None:
        self._enter("rename_new", new)
        self.inner.rename_new(old, new)

    def rename_over(self, old: str, new: str) -> None:
        """For programs that replace files: counted with `rename_new`."""
        self._enter("rename_new", new)
        self._crashing.rename_over(old, new)

    def link(self, old: str, new: str) -> None:
        """For programs that link files: counted with `rename_new`."""
        self._enter("rename_new", new)
        self._crashing.link(old, new)

    def unlink(self, name: str) -> None:
        self._enter("unlink", name)
        self.inner.unlink(name)

    def lock(self, mode: LockMode) -> bool:
        self._enter("lock", "")
        return self.inner.lock(mode)

    def close(self) -> None:
        self.inner.close()

    @property
    def _crashing(self) -> CrashFilesystem:
        assert isinstance(self.inner, CrashFilesystem), "only a disk that crashes has these"
        return self.inner

    def _enter(self, call: str, name: str) -> CallFault | None:
        """Raise what strikes this call; return a fault that only shortens it."""
        if self.is_held_off:
            return None
        struck = [each.fault for each in self._armed if each.strikes(call, name)]
        for fault in struck:
            word = "short" if fault.short >= 0 else errno.errorcode[fault.error]
            self.fired.append(f"{call} {name}: {word}")
            if fault.short < 0:
                raise os_error(fault.error, name)
        return struck[0] if struck else None


CALLS = (
    "create_exclusive", "append", "overwrite", "sync", "sync_directory", "truncate", "read",
    "list", "rename_new", "unlink", "lock",
)  # fmt: skip
ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EINTR, errno.EMFILE, errno.EROFS)
