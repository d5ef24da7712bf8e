"""Rescues a segment whose sectors cannot be read, so that `open` need not refuse for ever.

Explicit and offline: an unreadable sector is a failing disk, and an operator should see it.

    1  copy what can be read to `NAME.salvaged`; blocks that cannot are written as zeros
    2  sync the copy
    3  rename NAME to `NAME.unreadable`, so nothing is thrown away
    4  rename `NAME.salvaged` to NAME, sync the directory

The copy keeps offsets, file number and salt, so its frames verify, and ordinary recovery
reports the zeroed blocks as damage. A crash between 3 and 4 is completed by the next open
(recovery.py), before it reads anything.

Spec: CLI-3.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from reference.filesystem import Filesystem
from reference.names import SALVAGED_SUFFIX
from reference.quarantine import move_aside
from reference.segment_files import discard, write_fully
from reference.segment_header import segment_number

BLOCK_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class UnreadableSegment:
    """A segment with blocks that the disk does not give back."""

    name: str
    size_bytes: int
    bad_offsets: tuple[int, ...]


def find_unreadable(filesystem: Filesystem) -> list[UnreadableSegment]:
    """Return every segment with unreadable blocks. Reads everything, changes nothing."""
    found = []
    for entry in sorted(filesystem.list(), key=lambda each: each.name):
        if not entry.is_regular or segment_number(entry.name) is None:
            continue
        bad = tuple(
            offset
            for offset, block in _blocks(filesystem, entry.name, entry.size_bytes)
            if block is None
        )
        if bad:
            found.append(UnreadableSegment(entry.name, entry.size_bytes, bad))
    return found


def salvage_segment(filesystem: Filesystem, segment: UnreadableSegment) -> str:
    """Replace the segment by a readable copy; return the name that the original got.

    Raises OSError if the copy cannot be written; the segment is then as it was.
    """
    copy = segment.name + SALVAGED_SUFFIX
    discard(filesystem, copy)  # of an earlier attempt
    filesystem.create_exclusive(copy)
    try:
        for offset, block in _blocks(filesystem, segment.name, segment.size_bytes):
            size = min(BLOCK_BYTES, segment.size_bytes - offset)
            write_fully(filesystem, copy, bytes(size) if block is None else block)
        filesystem.sync(copy)
    except OSError:
        discard(filesystem, copy)
        raise
    aside = move_aside(filesystem, segment.name, "unreadable")
    filesystem.rename_new(copy, segment.name)
    filesystem.sync_directory()
    return aside


def _blocks(
    filesystem: Filesystem, name: str, size_bytes: int
) -> Iterator[tuple[int, bytes | None]]:
    for offset in range(0, size_bytes, BLOCK_BYTES):
        try:
            yield offset, filesystem.read(name, offset, min(BLOCK_BYTES, size_bytes - offset))
        except OSError:
            yield offset, None
