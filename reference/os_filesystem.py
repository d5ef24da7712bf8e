"""The eleven calls of filesystem.py on a real directory, for POSIX systems.

- The directory is opened once and every name is resolved against that descriptor, so a
  directory that is swapped under a running log is not followed. It is created with mode
  0700 and synced into its parent if it does not exist.
- Files are opened with O_NOFOLLOW and O_CLOEXEC and created with O_EXCL, mode 0600. Never
  O_TRUNC: a leftover file must not be overwritten (rsyslog lost a queue that way).
- The first sync of a file that this object created is fsync, later ones fdatasync, which
  also makes a new size durable. On macOS both are F_FULLFSYNC, because fsync there does not
  reach the medium.
- A descriptor that was written to stays open until the next sync of its file succeeded:
  the kernel reports a lost page to the descriptors that were open then.
- `rename_new` is link and unlink: POSIX rename would replace, and Linux's renameat2 is not
  in the standard library. A crash between the two leaves both names, which recovery expects.

Spec: DSK-1, DSK-2.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from reference.errors import UnsafeDirectory
from reference.filesystem import DirectoryEntry, LockMode
from reference.names import LOCK_NAME

DIRECTORY_MODE: Final = 0o700
FILE_MODE: Final = 0o600
OPEN_FILES_MAX: Final = 8
LOCK_RETRY_S: Final = 0.05

_OPEN_FLAGS: Final = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC


class OsFilesystem:
    """A directory on a real disk. Use as a context manager, or call `close`.

    Raises OSError if the directory cannot be opened; with `create=False` a missing one is
    FileNotFoundError.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        *,
        create: bool = True,
        lock_wait_s: float = 1.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.path = Path(directory)
        self._lock_wait_s = lock_wait_s
        self._sleep = sleep
        self._descriptors: dict[str, int] = {}  # least recently used first
        self._unsynced: set[str] = set()
        self._never_synced: set[str] = set()
        self._lock_descriptor: int | None = None
        if create:
            _make_directory(self.path)
        self._directory = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def __enter__(self) -> OsFilesystem:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every descriptor, which also releases the lock. May be called twice."""
        for descriptor in self._descriptors.values():
            os.close(descriptor)
        self._descriptors.clear()
        if self._lock_descriptor is not None:
            os.close(self._lock_descriptor)
            self._lock_descriptor = None
        if self._directory >= 0:
            os.close(self._directory)
            self._directory = -1

    # ---- The eleven calls ---------------------------------------------------

    def create_exclusive(self, name: str) -> None:
        flags = _OPEN_FLAGS | os.O_CREAT | os.O_EXCL
        self._keep(name, os.open(name, flags, FILE_MODE, dir_fd=self._directory))
        self._never_synced.add(name)

    def append(self, name: str, data: bytes) -> int:
        descriptor = self._descriptor(name)
        self._unsynced.add(name)
        return os.pwrite(descriptor, data, os.fstat(descriptor).st_size)

    def overwrite(self, name: str, offset: int, data: bytes) -> None:
        descriptor = self._descriptor(name)
        if offset + len(data) > os.fstat(descriptor).st_size:
            raise OSError(errno.EINVAL, "overwrite beyond the end of the file", name)
        self._unsynced.add(name)
        while data:
            written = os.pwrite(descriptor, data, offset)
            data, offset = data[written:], offset + written

    def sync(self, name: str) -> None:
        sync_descriptor(self._descriptor(name), data_only=name not in self._never_synced)
        self._unsynced.discard(name)
        self._never_synced.discard(name)

    def sync_directory(self) -> None:
        sync_descriptor(self._directory, data_only=False)

    def truncate(self, name: str, size_bytes: int) -> None:
        descriptor = self._descriptor(name)
        self._unsynced.add(name)
        os.ftruncate(descriptor, size_bytes)

    def read(self, name: str, offset: int, count: int) -> bytes:
        descriptor = self._descriptor(name, writable=False)
        parts = []
        while count > 0 and (data := os.pread(descriptor, count, offset)):
            parts.append(data)
            offset, count = offset + len(data), count - len(data)
        return b"".join(parts)

    def list(self) -> list[DirectoryEntry]:
        entries = []
        with os.scandir(self._directory) as names:
            for name in names:
                try:
                    status = name.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue  # unlinked by a live log between the listing and here
                entries.append(
                    DirectoryEntry(name.name, status.st_size, stat.S_ISREG(status.st_mode))
                )
        return entries

    def rename_new(self, old: str, new: str) -> None:
        os.link(
            old, new, src_dir_fd=self._directory, dst_dir_fd=self._directory, follow_symlinks=False
        )
        os.unlink(old, dir_fd=self._directory)
        # The open descriptor and what is known of it follow the file to its new name.
        if old in self._descriptors:
            self._descriptors[new] = self._descriptors.pop(old)
        for names in (self._unsynced, self._never_synced):
            if old in names:
                names.remove(old)
                names.add(new)

    def unlink(self, name: str) -> None:
        os.unlink(name, dir_fd=self._directory)
        self._forget(name)

    def lock(self, mode: LockMode) -> bool:
        if mode is LockMode.EXCLUSIVE:
            self._check_directory()
            flags, operation = _OPEN_FLAGS | os.O_CREAT, fcntl.LOCK_EX
        else:
            flags, operation = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, fcntl.LOCK_SH
        try:
            descriptor = os.open(LOCK_NAME, flags, FILE_MODE, dir_fd=self._directory)
        except FileNotFoundError:
            return True  # SHARED only: no log was ever open here
        # A tool that holds the shared lock for a moment must not keep procmond from starting.
        attempts = 1 + int(self._lock_wait_s / LOCK_RETRY_S)
        for attempt in range(attempts):
            try:
                fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
            except BlockingIOError:
                if mode is LockMode.SHARED or attempt == attempts - 1:
                    break
                self._sleep(LOCK_RETRY_S)
            else:
                self._lock_descriptor = descriptor
                return True
        os.close(descriptor)
        return False

    # ---- Descriptors --------------------------------------------------------

    def _descriptor(self, name: str, *, writable: bool = True) -> int:
        descriptor = self._descriptors.pop(name, None)
        if descriptor is None:
            # A tool may read a log that it may not write; a later write then fails with EBADF.
            flags = _OPEN_FLAGS if writable else os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(name, flags, dir_fd=self._directory)
        elif writable and not _is_writable(descriptor):
            os.close(descriptor)
            descriptor = os.open(name, _OPEN_FLAGS, dir_fd=self._directory)
        self._keep(name, descriptor)
        return descriptor

    def _keep(self, name: str, descriptor: int) -> None:
        self._descriptors[name] = descriptor
        idle = [n for n in self._descriptors if n not in self._unsynced and n != name]
        for oldest in idle[: max(0, len(self._descriptors) - OPEN_FILES_MAX)]:
            os.close(self._descriptors.pop(oldest))

    def _forget(self, name: str) -> None:
        descriptor = self._descriptors.pop(name, None)
        if descriptor is not None:
            os.close(descriptor)
        self._unsynced.discard(name)
        self._never_synced.discard(name)

    def _check_directory(self) -> None:
        status = os.fstat(self._directory)
        if status.st_uid != os.geteuid():
            raise UnsafeDirectory(
                str(self.path), f"it belongs to user {status.st_uid}, not {os.geteuid()}"
            )
        if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            mode = stat.S_IMODE(status.st_mode)
            raise UnsafeDirectory(str(self.path), f"mode {mode:04o} lets others write to it")


def _is_writable(descriptor: int) -> bool:
    return fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDWR


def sync_descriptor(descriptor: int, *, data_only: bool, platform: str = sys.platform) -> None:
    """Sync as strongly as the platform can."""
    if platform == "darwin":
        fcntl.fcntl(descriptor, getattr(fcntl, "F_FULLFSYNC", 51))
    elif data_only:
        os.fdatasync(descriptor)
    else:
        os.fsync(descriptor)


def _make_directory(path: Path) -> None:
    try:
        path.mkdir(mode=DIRECTORY_MODE)
    except FileExistsError:
        return
    # Without this the log's directory itself may be gone after a power cut.
    parent = os.open(path.absolute().parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)
