"""The descriptors of a directory's files: kept open, bounded, safe with many threads.

Theory of operation. A descriptor that is in use by some thread is never closed under it:
its number could be given to another file at once, and a write would land there. So each use
is counted, and a file that must go while it is used is *doomed*: its last user closes it.

A file that was written to stays open until a sync of it has succeeded, because the kernel
reports a lost page to the descriptors that were open then.

Not here: what is done with a descriptor (os_filesystem.py).
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from typing import Final

OPEN_FILES_MAX: Final = 8
"""Beyond this, files that are idle and synced are closed, the least recently used first."""

OPEN_FLAGS: Final = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
_READ_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(slots=True, eq=False)
class OpenFile:
    """One open file. The flags are about its bytes, not about its name.

    A `with` block that it is taken for gives it back at its end.
    """

    owner: OpenFiles
    descriptor: int
    is_writable: bool
    is_unsynced: bool = False
    was_never_synced: bool = False
    users: int = 0
    is_doomed: bool = False

    def __enter__(self) -> OpenFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.owner.give_back(self)


class OpenFiles:
    """The open files of one directory, by name, least recently used first."""

    def __init__(self, directory: int) -> None:
        self._directory = directory
        self._mutex = threading.Lock()
        self._files: dict[str, OpenFile] = {}

    def add_created(self, name: str, descriptor: int) -> None:
        """Keep the descriptor of a file that was just created."""
        with self._mutex:
            self._drop(name)
            self._files[name] = OpenFile(self, descriptor, True, was_never_synced=True)
            self._close_idle()

    def take(self, name: str, *, writable: bool) -> OpenFile:
        """Return the file, opened if need be; it is not closed until it is given back.

        Raises OSError if it cannot be opened.
        """
        with self._mutex:
            file = self._files.pop(name, None)
            if file is not None and writable and not file.is_writable:
                self._doom(file)
                file = None
            if file is None:
                # A tool may read a log that it may not write.
                flags = OPEN_FLAGS if writable else _READ_FLAGS
                file = OpenFile(self, os.open(name, flags, dir_fd=self._directory), writable)
            self._files[name] = file
            file.users += 1
            return file

    def give_back(self, file: OpenFile) -> None:
        """Say that a file that was taken is not used any more. Each `take` needs one."""
        with self._mutex:
            file.users -= 1
            if file.is_doomed and file.users == 0:
                os.close(file.descriptor)
            if len(self._files) > OPEN_FILES_MAX:
                self._close_idle()

    def rename(self, old: str, new: str) -> None:
        """Let what is known of the file follow it to its new name."""
        with self._mutex:
            if old in self._files:
                self._drop(new)
                self._files[new] = self._files.pop(old)

    def forget(self, name: str) -> None:
        """Close the file: its name is gone."""
        with self._mutex:
            self._drop(name)

    def close(self) -> None:
        """Close everything."""
        with self._mutex:
            for name in list(self._files):
                self._drop(name)

    def _drop(self, name: str) -> None:
        file = self._files.pop(name, None)
        if file is not None:
            self._doom(file)

    def _doom(self, file: OpenFile) -> None:
        file.is_doomed = True
        if file.users == 0:
            os.close(file.descriptor)

    def _close_idle(self) -> None:
        idle = [n for n, file in self._files.items() if not (file.users or file.is_unsynced)]
        for name in idle[: max(0, len(self._files) - OPEN_FILES_MAX)]:
            self._drop(name)
