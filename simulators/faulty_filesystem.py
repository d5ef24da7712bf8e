"""Makes calls of any disk fail: which, how often, with what error; as data.

Fault model. A fault names a call and says when it strikes: from the `at`-th matching call
on, `times` in a row (0: for ever, until `heal`). What it does:

    an error    the call raises it and has no other effect. ENOSPC and EDQUOT: no room. EIO:
                the medium. EINTR: a signal. EMFILE: no descriptors. EROFS: the filesystem has
                gone read-only
    `short`     an append writes only so many bytes, and says so. An error behind it, as a signal
                in the middle of a write has it, is a second fault, of the next call

A sync that fails with EIO on a disk that models it (crash_filesystem.py) has that disk's
effect: the pages are clean afterwards and perhaps not written; `sync_failure` names one of the
ways of sync_failures.py, of which one lets this sync return and the next one fail. A ReadFault
(medium_faults.py) lets reads show other bytes. Everything else goes through.

Not here: what a power cut keeps (crash_filesystem.py), changed bytes that stay
(medium_faults.py).

Spec: SIM-2.7, SIM-2.11, SIM-2.13.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from reference.filesystem import DirectoryEntry, Filesystem, LockMode
from simulators.crash_filesystem import CrashFilesystem
from simulators.medium_faults import NamesSwapped, ReadFault
from simulators.memory_filesystem import os_error
from simulators.sync_failures import SYNC_FAILURES


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
    sync_failure: str = "weakest"
    """`sync` with EIO: which row of sync_failures.py, where the disk models it."""


SHOWN: Final = "shown by read"


@dataclass(slots=True)
class _Armed:
    fault: CallFault | ReadFault
    seen: int = 0

    def strikes(self, call: str, name: str) -> bool:
        fault = self.fault
        if isinstance(fault, ReadFault):
            # A call by the name of its own: what `read` shows is asked after what it raises.
            matches = call == SHOWN and name in _files_of(fault)
        else:
            matches = call == fault.call and name.endswith(fault.suffix)
        if not matches:
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
        self._last = CallFault("")

    def arm(self, fault: CallFault | ReadFault) -> None:
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
            if error.errno != errno.EIO or not isinstance(self.inner, CrashFilesystem):
                raise
            self.inner.fail_sync(name, how=SYNC_FAILURES[self._last.sync_failure])
        self.inner.sync(name)

    def sync_directory(self) -> None:
        self._enter("sync_directory", "")
        self.inner.sync_directory()

    def truncate(self, name: str, size_bytes: int) -> None:
        self._enter("truncate", name)
        self.inner.truncate(name, size_bytes)

    def read(self, name: str, offset: int, count: int) -> bytes:
        self._enter("read", name)
        changes = [
            each.fault for each in self._armed if not self.is_held_off and each.strikes(SHOWN, name)
        ]
        if not changes:
            return self.inner.read(name, offset, count)
        image = {e.name: self.inner.read(e.name, 0, e.size_bytes) for e in self.inner.list()}
        if name not in image:
            return self.inner.read(name, offset, count)  # gone: the disk's own error
        for fault in changes:
            assert isinstance(fault, ReadFault)
            self.fired.append(f"read {name}: {type(fault.change).__name__}")
            image = fault.change.apply(image)
        return image[name][offset : offset + count]

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
        calls = [fault for fault in struck if isinstance(fault, CallFault)]
        for fault in calls:
            word = "short" if fault.short >= 0 else errno.errorcode[fault.error]
            self.fired.append(f"{call} {name}: {word}")
            if fault.short < 0:
                self._last = fault
                raise os_error(fault.error, name)
        return calls[0] if calls else None


def _files_of(fault: ReadFault) -> set[str]:
    change = fault.change
    return {change.file, change.other} if isinstance(change, NamesSwapped) else {change.file}


CALLS = (
    "create_exclusive", "append", "overwrite", "sync", "sync_directory", "truncate", "read",
    "list", "rename_new", "unlink", "lock",
)  # fmt: skip
ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EINTR, errno.EMFILE, errno.EROFS)
