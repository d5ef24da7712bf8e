"""Reads one segment front to back and says what is there: frames, damage, a tail.

Theory of operation. The scanner holds one window of the file, at most two chunks, and
moves forward only. At each offset:

    header verifies, body verifies          a frame
    header verifies, body does not          a damaged body; go on behind the whole frame
    header does not verify, or the frame    search for the next *boundary*; what lies
    would end behind the file               between is a damaged region

A boundary is a verified header of a frame that lies wholly inside the file and whose
sequence is in the window `expected .. expected + distance / FRAME_BYTES_MIN`: no more
records fit in between. Its body is then judged by the rows above. Headers are salted, so
this is sufficient evidence; and since the reader moves past the *whole* frame, every byte
is checked once per role and the scan is linear, also for a file built to make it
quadratic (trap T12).

Damage counts only when a later frame verifies completely. If none does, everything
behind the last complete frame is the *tail*: bytes cannot tell whether a crash tore it
or it rotted (trap T1), so the caller decides with what other files say.

All expectations here are local to the file. What the log as a whole makes of them is
survey.py's work. Nothing here writes.

Spec: REC-2, REC-3.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from reference.frame import (
    FrameHeader,
    StoredFrame,
    body_verifies,
    check_frame_header,
    read_frames,
)
from reference.limits import (
    FRAME_BYTES_MIN,
    FRAME_HEADER_BYTES,
    FRAMES_OFFSET,
    READ_CHUNK_BYTES,
    SEQUENCE_MAX,
)
from reference.segment_header import FrameKey, SegmentHeader

PENDING_MAX: Final = 1000
"""Damage that waits for a later frame; beyond this it is merged into one region."""

RUN_FRAMES_MAX: Final = 256
"""Read in one go where nothing is wrong: enough to save calls, and little memory."""

ReadAt = Callable[[int, int], bytes]
"""read(offset, count): fewer bytes only at the end of the file. Raises OSError."""


class FileShrank(OSError):
    """A file ends before the length that was listed or known to be durable."""

    def __init__(self, found_bytes: int, wanted_bytes: int) -> None:
        super().__init__(errno.EIO, f"the file ends at {found_bytes}, not {wanted_bytes}")


class DamageShape(Enum):
    """What a damaged stretch looks like from inside its file."""

    BODY = "body"
    REGION = "region"
    JUMP = "jump"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class ScannedDamage:
    """A stretch of the file that is no frame, with frames that verify behind it.

    The numbers [first_sequence, end_sequence) were expected there and are not.
    """

    shape: DamageShape
    offset: int
    length_bytes: int
    first_sequence: int
    end_sequence: int


@dataclass(frozen=True, slots=True)
class ScannedTail:
    """Bytes behind the last complete frame, to the end of the file. Always the last item."""

    offset: int
    length_bytes: int
    end_sequence: int
    """One above the highest number that these bytes may have held."""


ScannedItem = StoredFrame | ScannedDamage | ScannedTail


def scan_segment(
    read: ReadAt,
    size_bytes: int,
    header: SegmentHeader,
    *,
    start_offset: int = FRAMES_OFFSET,
    after_sequence: int | None = None,
) -> Iterator[ScannedItem]:
    """Yield what the file holds, up to `size_bytes`.

    To resume, pass the offset behind a frame that was yielded, and that frame's sequence.
    Raises OSError if a read fails: FileShrank if the file is shorter than `size_bytes`.
    """
    window = _Window(read, size_bytes)
    key = header.frame_key
    numbering = _Numbering(header)
    expected = numbering.start if after_sequence is None else numbering.after(after_sequence)
    offset = verified_end = start_offset
    expected_at_verified_end = expected
    pending: list[ScannedDamage] = []

    while offset < size_bytes:
        if not pending:
            frames = window.frames(offset, expected, numbering.end_of_run(expected), key)
            if frames:
                yield from frames
                last = frames[-1]
                offset = verified_end = last.offset + FRAME_HEADER_BYTES + len(last.body)
                expected = expected_at_verified_end = numbering.after(last.sequence)
                continue
        frame_header = window.frame_header_at(offset, key)
        if frame_header is None:
            boundary = _find_boundary(window, offset, expected, numbering, key)
            if boundary is None:
                break
            region_start, (offset, frame_header) = offset, boundary
            for damage in numbering.region(region_start, offset, expected, frame_header.sequence):
                _add_pending(pending, damage)
            expected = frame_header.sequence
        sequence = frame_header.sequence
        frame_bytes = FRAME_HEADER_BYTES + frame_header.body_bytes
        body = window.take(offset + FRAME_HEADER_BYTES, frame_header.body_bytes)
        if not body_verifies(body, frame_header):
            first, end = numbering.missing(expected, sequence)
            if sequence >= expected:
                first, end = min(first, sequence), sequence + 1
            _add_pending(pending, ScannedDamage(DamageShape.BODY, offset, frame_bytes, first, end))
        else:
            if pending:
                yield from pending
                pending.clear()
            if sequence < expected:
                yield ScannedDamage(DamageShape.STALE, offset, frame_bytes, expected, expected)
            else:
                if sequence > expected:
                    first, end = numbering.missing(expected, sequence)
                    if first < end:
                        yield ScannedDamage(DamageShape.JUMP, offset, 0, first, end)
                yield StoredFrame(offset, sequence, body)
        offset += frame_bytes
        if sequence >= expected:
            expected = numbering.after(sequence)
        if not pending:
            verified_end, expected_at_verified_end = offset, expected

    if verified_end < size_bytes:
        length = size_bytes - verified_end
        most_records = -(-length // FRAME_BYTES_MIN)
        end = max(expected, max(expected_at_verified_end, header.first_sequence) + most_records)
        yield ScannedTail(verified_end, length, end)


class _Numbering:
    """Which number follows which, given the relocated frames and the declared gap.

    relocated_from ..   | continues_from ..   | first_sequence ..
    rises, with holes   | the declared gap    | rises by one
    """

    def __init__(self, header: SegmentHeader) -> None:
        self._gap_start = header.continues_from
        self._gap_end = header.first_sequence
        self.start = header.relocated_from if header.has_relocated else header.first_sequence

    def after(self, sequence: int) -> int:
        """Return the number expected behind `sequence`."""
        if self._gap_start <= sequence + 1 < self._gap_end:
            return self._gap_end
        return sequence + 1

    def end_of_run(self, expected: int) -> int:
        """Return a number up to which each follows the one before it."""
        end = min(expected + RUN_FRAMES_MAX, SEQUENCE_MAX + 1)
        return min(end, self._gap_start) if expected < self._gap_start else end

    def missing(self, expected: int, sequence: int) -> tuple[int, int]:
        """Return the numbers [first, end) that a step from `expected` to `sequence` leaves out.

        Among relocated frames holes are normal: only entries that were still unsettled were
        copied, and what was lost before them was reported then.
        """
        if expected < self._gap_start:
            expected = min(sequence, self._gap_end)
        return expected, max(expected, sequence)

    def region(self, start: int, end: int, expected: int, sequence: int) -> Iterator[ScannedDamage]:
        """Yield the damage of a destroyed stretch: its numbers, less the declared gap."""
        if expected < self._gap_start < self._gap_end < sequence:
            yield ScannedDamage(DamageShape.REGION, start, end - start, expected, self._gap_start)
            yield ScannedDamage(DamageShape.JUMP, end, 0, self._gap_end, sequence)
            return
        end_sequence = sequence
        if expected < self._gap_start <= sequence <= self._gap_end:
            end_sequence = self._gap_start
        yield ScannedDamage(DamageShape.REGION, start, end - start, expected, end_sequence)

    def most_at(self, expected: int, records: int) -> int:
        """Return the highest number that the next frame may have behind `records` lost ones.

        Relocated frames have holes of any size, so among them only the file's own numbers
        bound it.
        """
        return max(expected, self._gap_end) + records


def _find_boundary(
    window: _Window, region_start: int, expected: int, numbering: _Numbering, key: FrameKey
) -> tuple[int, FrameHeader] | None:
    """Return the first boundary behind `region_start`, with its header. Spec: REC-3.2."""
    sync = key.sync_word.to_bytes(4, "little")
    offset = window.find(sync, region_start + 1)
    while offset is not None:
        found = window.frame_header_at(offset, key)
        if found is not None:
            records_between = (offset - region_start) // FRAME_BYTES_MIN
            if expected <= found.sequence <= numbering.most_at(expected, records_between):
                return offset, found
        offset = window.find(sync, offset + 1)
    return None


def _add_pending(pending: list[ScannedDamage], damage: ScannedDamage) -> None:
    if len(pending) < PENDING_MAX:
        pending.append(damage)
        return
    last = pending[-1]
    pending[-1] = replace(
        last,
        shape=DamageShape.REGION,
        length_bytes=damage.offset + damage.length_bytes - last.offset,
        end_sequence=max(last.end_sequence, damage.end_sequence),
    )


class _Window:
    """A stretch of the file in memory that moves forward as it is asked for bytes."""

    def __init__(self, read: ReadAt, size_bytes: int) -> None:
        self._read = read
        self._size_bytes = size_bytes
        self._data = b""
        self._start = 0

    def frames(
        self, offset: int, sequence: int, end_sequence: int, key: FrameKey
    ) -> list[StoredFrame]:
        """Return the frames from `offset` on that are as expected and in the window."""
        index = offset - self._start
        return read_frames(self._data, index, offset, sequence, end_sequence, key)

    def frame_header_at(self, offset: int, key: FrameKey) -> FrameHeader | None:
        """Return the verified header at `offset` if its whole frame lies inside the file."""
        if offset + FRAME_HEADER_BYTES > self._size_bytes:
            return None
        index = self._load(offset, FRAME_HEADER_BYTES)
        header = check_frame_header(self._data, index, offset, key)
        if header is None:
            return None
        if offset + FRAME_HEADER_BYTES + header.body_bytes > self._size_bytes:
            return None
        return header

    def take(self, offset: int, count: int) -> bytes:
        """Return `count` bytes, which the caller knows to be inside the file."""
        index = self._load(offset, count)
        return self._data[index : index + count]

    def find(self, pattern: bytes, offset: int) -> int | None:
        """Return where `pattern` next stands at or behind `offset`, or None."""
        while offset + len(pattern) <= self._size_bytes:
            index = self._load(offset, len(pattern))
            found = self._data.find(pattern, index)
            if found >= 0:
                return self._start + found
            # The pattern may straddle the end of the window.
            offset = self._start + len(self._data) - len(pattern) + 1
        return None

    def _load(self, offset: int, count: int) -> int:
        """Make [offset, offset + count) present and return its index in the window."""
        index = offset - self._start
        if index >= 0 and index + count <= len(self._data):
            return index
        kept = self._data[index:] if index >= 0 else b""
        position = offset + len(kept)
        wanted = min(max(count, READ_CHUNK_BYTES), self._size_bytes - offset) - len(kept)
        more = self._read(position, wanted)
        if len(more) < wanted:
            raise FileShrank(position + len(more), self._size_bytes)
        self._data = kept + more
        self._start = offset
        return 0
