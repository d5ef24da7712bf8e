"""What the descriptors and paths of a traced thread lead to, seen from outside through /proc.

Everything is looked up when the call is made, never remembered: descriptors are copied, passed
on by fork and closed by ranges, and directories are reached by relative paths, by descriptors
and through symbolic links. The answer is a name in the log's directory, or that it is none.

Spec: PRT-2.1.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from fault_injection.ports.errors import TracerRefusal
from fault_injection.ports.ptrace import read_text
from fault_injection.ports.syscalls import AT_FDCWD

_SELF = re.compile(r"^/(?:proc/(?:self|thread-self)|dev)/fd/")


@dataclass(frozen=True, slots=True)
class Position:
    """Where the next write(2) of a descriptor goes, and how it was opened."""

    offset: int
    flags: int


class Descriptors:
    """The descriptors of one thread, and the log's directory."""

    def __init__(self, tid: int, directory: str) -> None:
        """`directory` has no symbolic links in it."""
        self._tid = tid
        self._directory = directory

    def target(self, fd: int) -> str:
        """Where the descriptor leads; empty if it is none."""
        try:
            return os.readlink(f"/proc/{self._tid}/fd/{signed(fd)}")
        except OSError:
            return ""

    def is_directory(self, fd: int) -> bool:
        """Whether it is the log's directory."""
        return self.target(fd) == self._directory

    def is_on_same_filesystem(self, fd: int) -> bool:
        """Whether what it leads to is on the filesystem of the log's directory."""
        try:
            device = os.stat(f"/proc/{self._tid}/fd/{signed(fd)}").st_dev
        except OSError:
            return False
        return device == os.stat(self._directory).st_dev

    def name_of(self, fd: int) -> str:
        """The name in the directory that the descriptor leads to; empty if it leads elsewhere."""
        target = self.target(fd)
        if target.endswith(" (deleted)") and target.startswith(self._directory + "/"):
            return self._other_name(fd)
        return self.inside(target)

    def written_name_of(self, fd: int) -> str:
        """The same. Raises TracerRefusal if the file has no name any more."""
        name = self.name_of(fd)
        if not name and self.target(fd).startswith(self._directory + "/"):
            raise TracerRefusal(
                f"{self.target(fd)} is written: a file without a name is not in the model"
            )
        return name

    def inside(self, path: str) -> str:
        """The name in the directory; empty if the path leads elsewhere. Raises TracerRefusal."""
        head, slash, name = path.rpartition("/")
        if slash and head == self._directory:
            return name
        if path.startswith(self._directory + "/"):
            raise TracerRefusal(f"{path}: a log has no subdirectories")
        return ""

    def path(self, dirfd: int, address: int, *, follows: bool = False) -> str:
        """Return the path of a call, without links. `follows`: in its last part either."""
        path = _SELF.sub(f"/proc/{self._tid}/fd/", read_text(self._tid, address))
        if not path.startswith("/"):
            fd = signed(dirfd)
            where = "cwd" if fd == AT_FDCWD else f"fd/{fd}"
            try:
                path = os.readlink(f"/proc/{self._tid}/{where}") + "/" + path
            except OSError:
                return ""  # no such descriptor: the kernel says so
        path = os.path.normpath(path) if path.endswith("/") else path
        if follows:
            return os.path.realpath(path)
        head, _, name = path.rpartition("/")
        return os.path.normpath(os.path.realpath(head or "/") + "/" + name)

    def position(self, fd: int) -> Position:
        """Return offset and flags of the descriptor."""
        text = Path(f"/proc/{self._tid}/fdinfo/{signed(fd)}").read_text()
        fields = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
        return Position(int(fields["pos"]), int(fields["flags"], 8))

    def shared_mappings(self) -> list[tuple[int, int, str]]:
        """Return start, end and path of the shared mappings of files in the directory."""
        found = []
        for line in Path(f"/proc/{self._tid}/maps").read_text().splitlines():
            addresses, permissions, _, _, _, *path = line.split(maxsplit=5)
            if permissions[3] == "s" and path and path[0].startswith(self._directory + "/"):
                start, _, end = addresses.partition("-")
                found.append((int(start, 16), int(end, 16), path[0]))
        return found

    def _other_name(self, fd: int) -> str:
        """The name that the file still has, if the one that it was opened by is gone."""
        number = os.stat(f"/proc/{self._tid}/fd/{signed(fd)}").st_ino
        with os.scandir(self._directory) as entries:
            return next((each.name for each in entries if each.inode() == number), "")


def signed(value: int) -> int:
    """A 32-bit argument as a signed number."""
    value &= 0xFFFFFFFF
    return value - (1 << 32) if value >> 31 else value
