"""The eleven calls of filesystem.py on a real directory, for POSIX systems.

- The directory is opened once and every name is resolved against that descriptor, so a
  directory that is swapped under a running log is not followed. It is created with mode
  0700 if it does not exist, and synced into its parent.
- Files are opened with O_NOFOLLOW and O_CLOEXEC and created with O_EXCL, mode 0600. Never
  O_TRUNC: a leftover file must not be overwritten (rsyslog lost a queue that way).
- The first sync of a file that this object created is fsync, later ones fdatasync, which
  also makes a new size durable. On macOS both are F_FULLFSYNC, because fsync there does not
  reach the medium.
- Descriptors are kept open and bounded (open_files.py); all calls may come from any thread.
- `rename_new` is link, directory sync, unlink: POSIX rename would replace, and Linux's
  renameat2 is not in the standard library. A crash between leaves both names, which recovery
  expects.

Spec: DSK-1.
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
from reference.open_files import OPEN_FLAGS, OpenFiles

DIRECTORY_MODE: Final = 0o700
FILE_MODE: Final = 0o600
LOCK_RETRY_S: Final = 0.05


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
        self._lock_descriptor: int | None = None
        if create:
            _make_directory(self.path)
        self._directory = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._files = OpenFiles(self._directory)

    def __enter__(self) -> OsFilesystem:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every descriptor, which also releases the lock. May be called twice."""
        self._files.close()
        if self._lock_descriptor is not None:
            os.close(self._lock_descriptor)
            self._lock_descriptor = None
        if self._directory >= 0:
            os.close(self._directory)
            self._directory = -1

    # ---- The eleven calls ---------------------------------------------------

    def create_exclusive(self, name: str) -> None:
        flags = OPEN_FLAGS | os.O_CREAT | os.O_EXCL
        self._files.add_created(name, os.open(name, flags, FILE_MODE, dir_fd=self._directory))

    def append(self, name: str, data: bytes) -> int:
        with self._files.take(name, writable=True) as file:
            file.is_unsynced = True
            # Not O_APPEND: this descriptor also overwrites. Nobody else writes to these files.
            return os.pwrite(file.descriptor, data, os.lseek(file.descriptor, 0, os.SEEK_END))

    def overwrite(self, name: str, offset: int, data: bytes) -> None:
        with self._files.take(name, writable=True) as file:
            if offset + len(data) > os.fstat(file.descriptor).st_size:
                raise OSError(errno.EINVAL, "overwrite beyond the end of the file", name)
            file.is_unsynced = True
            while data:
                written = os.pwrite(file.descriptor, data, offset)
                data, offset = data[written:], offset + written

    def sync(self, name: str) -> None:
        with self._files.take(name, writable=True) as file:
            sync_descriptor(file.descriptor, data_only=not file.was_never_synced)
            file.is_unsynced = file.was_never_synced = False

    def sync_directory(self) -> None:
        sync_descriptor(self._directory, data_only=False)

    def truncate(self, name: str, size_bytes: int) -> None:
        with self._files.take(name, writable=True) as file:
            file.is_unsynced = True
            os.ftruncate(file.descriptor, size_bytes)

    def read(self, name: str, offset: int, count: int) -> bytes:
        parts = []
        with self._files.take(name, writable=False) as file:
            while count > 0 and (data := os.pread(file.descriptor, count, offset)):
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
        # Else a power cut could keep the removal of the old name and not the new one.
        self.sync_directory()
        os.unlink(old, dir_fd=self._directory)
        self._files.rename(old, new)

    def unlink(self, name: str) -> None:
        os.unlink(name, dir_fd=self._directory)
        self._files.forget(name)

    def lock(self, mode: LockMode) -> bool:
        if mode is LockMode.EXCLUSIVE:
            self._check_directory()
            flags, operation = OPEN_FLAGS | os.O_CREAT, fcntl.LOCK_EX
        else:
            # O_NONBLOCK: somebody's FIFO of this name must not hold a tool for ever.
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
            operation = fcntl.LOCK_SH
        try:
            descriptor = os.open(LOCK_NAME, flags, FILE_MODE, dir_fd=self._directory)
        except FileNotFoundError:
            return True  # SHARED only: no log was ever open here
        # A tool that holds the shared lock for a moment must not keep procmond from starting.
        attempts_left = 1 + int(self._lock_wait_s / LOCK_RETRY_S)
        while True:
            try:
                fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
            except BlockingIOError:
                attempts_left -= 1
                if mode is LockMode.SHARED or attempts_left == 0:
                    os.close(descriptor)
                    return False
                self._sleep(LOCK_RETRY_S)
            except OSError:
                os.close(descriptor)
                raise
            else:
                self._lock_descriptor = descriptor
                return True

    def _check_directory(self) -> None:
        status = os.fstat(self._directory)
        if status.st_uid != os.geteuid():
            raise UnsafeDirectory(
                str(self.path), f"it belongs to user {status.st_uid}, not {os.geteuid()}"
            )
        if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            mode = stat.S_IMODE(status.st_mode)
            raise UnsafeDirectory(str(self.path), f"mode {mode:04o} lets others write to it")


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
        is_new = False
    else:
        is_new = True
    # Without this the log's directory itself may be gone after a power cut. It is done for
    # an existing one too: whoever made it may have been killed before.
    try:
        parent = os.open(path.absolute().parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except PermissionError:
        if is_new:
            raise
        return
    try:
        os.fsync(parent)
    finally:
        os.close(parent)
