"""Copies damaged bytes aside, once, within bounds: evidence for a person, never storage.

A copy is named after its file, place and content, so recovery that runs a hundred times
over the same damage makes one copy. The oldest are kept and what does not fit is counted,
because the first damage tells more than the thousandth. Stretches of zeros are not copied.

No promise depends on these files: a failure to copy is counted and never stops recovery.

Spec: REC-8.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator

from reference.crc import crc32
from reference.directory import DirectoryView
from reference.filesystem import Filesystem
from reference.limits import READ_CHUNK_BYTES, WalConfig
from reference.names import is_evidence, quarantine_name
from reference.segment_files import discard, write_fully


class Quarantine:
    """The set-aside copies of one directory."""

    def __init__(self, filesystem: Filesystem, config: WalConfig, view: DirectoryView) -> None:
        self._filesystem = filesystem
        self._config = config
        self._sizes = {
            name: entry.size_bytes for name, entry in view.entries.items() if is_evidence(name)
        }
        self.kept: list[str] = []
        self.not_kept = 0

    @property
    def copied_bytes(self) -> int:
        """The bytes of all copies. Whole files that were moved aside do not count."""
        return sum(size for name, size in self._sizes.items() if name.endswith(".quarantine"))

    def keep(self, file: str, offset: int, length_bytes: int) -> None:
        """Copy the stretch aside unless it is there already, all zeros, or does not fit."""
        try:
            self._keep(file, offset, length_bytes)
        except OSError:
            self.not_kept += 1

    def _keep(self, file: str, offset: int, length_bytes: int) -> None:
        crc = 0
        has_content = False
        for chunk in self._chunks(file, offset, length_bytes):
            crc = crc32(chunk, crc)
            has_content = has_content or chunk.count(0) != len(chunk)
        if not has_content:
            return
        name = quarantine_name(file, offset, length_bytes, crc)
        if self._sizes.get(name) == length_bytes:
            if name not in self.kept:  # a tail among copies is reported twice
                self.kept.append(name)
            return
        if name in self._sizes:  # a crash left part of it
            self._filesystem.unlink(name)
            del self._sizes[name]
        copies = [each for each in self._sizes if each.endswith(".quarantine")]
        if (
            len(copies) >= self._config.quarantine_files_max
            or self.copied_bytes + length_bytes > self._config.quarantine_bytes_max
        ):
            self.not_kept += 1
            return
        self._filesystem.create_exclusive(name)
        try:
            for chunk in self._chunks(file, offset, length_bytes):
                write_fully(self._filesystem, name, chunk)
            self._filesystem.sync(name)
        except OSError:
            discard(self._filesystem, name)
            raise
        self._sizes[name] = length_bytes
        self.kept.append(name)

    def _chunks(self, file: str, offset: int, length_bytes: int) -> Iterator[bytes]:
        end = offset + length_bytes
        while offset < end:
            chunk = self._filesystem.read(file, offset, min(READ_CHUNK_BYTES, end - offset))
            if not chunk:
                return
            yield chunk
            offset += len(chunk)


def move_aside(filesystem: Filesystem, file: str, suffix: str) -> str:
    """Rename a whole file to `file.suffix`, numbered if taken, and return that name.

    Raises OSError.
    """
    for attempt in range(1, 1000):
        name = f"{file}.{suffix}" + (f".{attempt}" if attempt > 1 else "")
        try:
            filesystem.rename_new(file, name)
        except FileExistsError:
            continue
        return name
    raise FileExistsError(errno.EEXIST, f"a thousand files are named {file}.{suffix}")
