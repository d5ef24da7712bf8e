"""What four filesystems do when a sync fails: one row each, and what is common to all.

Fault model. In all of them the error is told once, and a sync that is tried again succeeds and
writes nothing: the pages count as clean. They differ in

    told       with the sync that failed; or with the *next* one, after that one returned
               success. That next one writes nothing either
    reads      what the process finds in the file then: the new bytes, which may not be on the
               medium, or the old ones
    size       whether the medium has the new size although bytes are missing: an append then
               leaves a hole, which shows zeros or what was there before

What failed may be on the medium all the same, block by block, for ever; but not where the old
bytes are read: there, nothing of it is.

The rows are those of CuttleFS (Rebello et al., "Can Applications Recover from fsync
Failures?", USENIX ATC 2020). `weakest` is for a program that does not know where it runs:
told at once, the new bytes are read, and on the medium may be any of it.

Not here: who else is told. The kernel tells every descriptor that was open; the log has one.

Spec: SIM-2.3, SIM-2.11.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from simulators.persistence import Kind, Operation


@dataclass(frozen=True, slots=True)
class SyncFailure:
    """How a filesystem fails a sync."""

    name: str
    told_late: bool = False
    """This sync returns success, the next one of that file fails."""
    reads_old: bool = False
    """What the sync was to write is discarded, and the size goes back."""
    keeps_size: bool = False
    """The size is durable, whatever became of the bytes."""


WEAKEST: Final = SyncFailure("weakest")
SYNC_FAILURES: Final = {
    failure.name: failure
    for failure in (
        SyncFailure("ext4-ordered", keeps_size=True),
        SyncFailure("ext4-journal", keeps_size=True, told_late=True),
        SyncFailure("xfs", keeps_size=True),
        SyncFailure("btrfs", reads_old=True),
        WEAKEST,
    )
}
"""By name: those of profiles, where they are known of one."""


class FailingSyncs:
    """Which syncs are to fail, by the name of the file: one of each, after some that succeed."""

    def __init__(self) -> None:
        self._armed: dict[str, tuple[int, SyncFailure]] = {}

    def arm(self, name: str, skip: int, how: SyncFailure) -> None:
        self._armed[name] = skip, how

    def due(self, name: str) -> SyncFailure | None:
        """Return how the sync that begins now fails, if it does. Counts it."""
        if name not in self._armed:
            return None
        skip, how = self._armed.pop(name)
        if skip:
            self._armed[name] = skip - 1, how
            return None
        return how


def writes_of(
    operation: Operation, cached: bytes | bytearray, granule_bytes: int
) -> Iterator[Operation]:
    """Yield the operation if it is a WRITE; of a SIZE the bytes that come with it as such.

    A failed sync parts the two: the size may be kept and the bytes not.
    """
    if operation.kind is Kind.WRITE:
        yield operation
        return
    start = operation.offset - len(operation.data)
    for offset in range(start - start % granule_bytes, operation.offset, granule_bytes):
        if operation.data:
            data = bytes(cached[offset : offset + granule_bytes])
            yield replace(operation, kind=Kind.WRITE, offset=offset, data=data)
