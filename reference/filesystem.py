"""The disk as the log sees it: eleven calls on one flat directory, and no others.

The log never touches `os`. This keeps the crash-injecting filesystem small (simulators/)
and shows a port's author exactly which calls matter and what each must promise.

Theory of operation. Names are plain file names inside the log's directory; there are no
subdirectories, so one `sync_directory` covers every name. Nothing is durable until it is
synced, and a file's `sync` says nothing about its name:

    bytes of a file               durable after  sync(name)
    a name created, moved, gone   durable after  sync_directory()

Every call raises OSError with an errno. A failed `sync` must not be tried again on that
file: kernels mark the pages clean, and the second call succeeds without writing.

Spec: DSK-1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class DirectoryEntry:
    """One name in the directory."""

    name: str
    size_bytes: int
    is_regular: bool
    """False for a directory, a symbolic link, a socket ...: never opened, never followed."""


class LockMode(Enum):
    """How `lock` holds the directory."""

    EXCLUSIVE = "exclusive"
    """For a log: creates the lock file if missing."""
    SHARED = "shared"
    """For a tool that only reads: creates nothing."""


class Filesystem(Protocol):
    """What the log asks of a disk. All data is `bytes`, all offsets and sizes are bytes."""

    def create_exclusive(self, name: str) -> None:
        """Create an empty file with mode 0600. FileExistsError if the name is taken by anything."""

    def append(self, name: str, data: bytes) -> int:
        """Write at the end of the file; return how many bytes were written, perhaps fewer."""

    def overwrite(self, name: str, offset: int, data: bytes) -> None:
        """Replace bytes inside the current size. Never extends the file."""

    def sync(self, name: str) -> None:
        """Return when the file's bytes and size are on the medium."""

    def sync_directory(self) -> None:
        """Return when all names created, moved or removed before are so on the medium."""

    def truncate(self, name: str, size_bytes: int) -> None:
        """Cut the file to `size_bytes`, which is not above its size."""

    def read(self, name: str, offset: int, count: int) -> bytes:
        """Return `count` bytes from `offset`, fewer only where the file ends."""

    def list(self) -> Sequence[DirectoryEntry]:
        """Return every name in the directory, in no particular order."""

    def rename_new(self, old: str, new: str) -> None:
        """Give the file a new name. FileExistsError rather than replacing anything.

        A power cut before `sync_directory` may leave the old name, the new one, or both; never
        none, or the acknowledgement file's only copy could vanish.
        """

    def unlink(self, name: str) -> None:
        """Remove the name."""

    def lock(self, mode: LockMode) -> bool:
        """Hold the directory until the process ends; return False if another holds it.

        EXCLUSIVE also checks that the directory is ours alone: raises
        errors.UnsafeDirectory if it belongs to another user or others can write to it.
        """

    def close(self) -> None:
        """Release the lock and every descriptor. Not a disk call: it makes nothing durable."""
