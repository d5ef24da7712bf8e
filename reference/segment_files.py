"""Creates segments, and writes to them so that an error leaves a known state.

Two ways to a new segment:

    rotation   create under its name, header block, sync, sync directory
    copy       write under a temporary name, sync, rename, sync directory: recovery copies
               entries, and a half-written copy must not be mistaken for the log

Both undo what they did when a step fails, as far as the disk allows. What they cannot undo
is harmless: a leftover that holds no record, or a copy of records that stand elsewhere.

Spec: WAL-3, REC-7.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from reference.filesystem import Filesystem
from reference.frame import encode_frame
from reference.limits import FRAMES_OFFSET, MIB
from reference.names import NEW_SUFFIX
from reference.scanner import ScannedItem, scan_segment
from reference.segment_header import SegmentHeader, encode_header_block, segment_name

INTERRUPTS_MAX: Final = 100
COPY_WRITE_BYTES: Final = MIB


@dataclass(slots=True)
class Segment:
    """A segment of the log, and how far it goes."""

    header: SegmentHeader
    name: str
    size_bytes: int
    """Up to here it is known to be good; readers go no further."""
    end_sequence: int
    """One above the highest number that it holds or declares."""
    frames: int = 0


def write_fully(filesystem: Filesystem, name: str, data: bytes) -> None:
    """Append all of `data`. Short writes are continued, interruptions retried.

    Raises OSError; how much was written by then is unknown to the caller.
    """
    interrupts = 0
    while data:
        try:
            written = filesystem.append(name, data)
        except InterruptedError:
            interrupts += 1
            if interrupts > INTERRUPTS_MAX:
                raise
            continue
        if written <= 0:
            raise OSError(errno.EIO, "the disk accepted no byte", name)
        data = data[written:]


def create_segment(filesystem: Filesystem, header: SegmentHeader) -> Segment:
    """Create an empty, durable segment. Raises OSError; the name must not be used again."""
    name = segment_name(header.file_number)
    filesystem.create_exclusive(name)
    try:
        write_fully(filesystem, name, encode_header_block(header))
        filesystem.sync(name)
        filesystem.sync_directory()
    except OSError:
        discard(filesystem, name)
        raise
    return Segment(header, name, FRAMES_OFFSET, header.first_sequence)


def create_copy(
    filesystem: Filesystem, header: SegmentHeader, entries: Iterable[tuple[int, bytes]]
) -> Segment:
    """Create a durable segment that begins with relocated entries: (sequence, payload) pairs.

    Raises OSError, also when `entries` does while it reads.
    """
    name = segment_name(header.file_number)
    temporary = name + NEW_SUFFIX
    key = header.frame_key
    size_bytes = FRAMES_OFFSET
    frames = 0
    waiting = [encode_header_block(header)]
    waiting_bytes = 0
    filesystem.create_exclusive(temporary)
    try:
        for sequence, payload in entries:
            frame = encode_frame(key, size_bytes, sequence, payload)
            size_bytes += len(frame)
            frames += 1
            waiting.append(frame)
            waiting_bytes += len(frame)
            if waiting_bytes >= COPY_WRITE_BYTES:
                write_fully(filesystem, temporary, b"".join(waiting))
                waiting, waiting_bytes = [], 0
        write_fully(filesystem, temporary, b"".join(waiting))
        filesystem.sync(temporary)
        filesystem.rename_new(temporary, name)
    except OSError:
        discard(filesystem, temporary)
        raise
    try:
        filesystem.sync_directory()
    except OSError:
        # The name may or may not survive. A later copy gets another name; this one, if it
        # stays, holds only entries that stand elsewhere too.
        discard(filesystem, name)
        raise
    return Segment(header, name, size_bytes, header.first_sequence, frames)


def scan_stored(
    filesystem: Filesystem,
    segment: Segment,
    *,
    start_offset: int = FRAMES_OFFSET,
    after_sequence: int | None = None,
) -> Iterator[ScannedItem]:
    """Yield what the segment holds up to its known length (scanner.scan_segment)."""

    def read(offset: int, count: int) -> bytes:
        return filesystem.read(segment.name, offset, count)

    return scan_segment(
        read, segment.size_bytes, segment.header,
        start_offset=start_offset, after_sequence=after_sequence,
    )  # fmt: skip


def discard(filesystem: Filesystem, name: str) -> bool:
    """Unlink if possible; return whether the name is gone."""
    try:
        filesystem.unlink(name)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def no_space(name: str, reason: str) -> OSError:
    """Return the error for a limit of the format that counts as 'no room for a new file'."""
    return OSError(errno.EOVERFLOW, f"{os.strerror(errno.EOVERFLOW)}: {reason}", name)
