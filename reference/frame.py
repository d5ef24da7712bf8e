"""One record of the log as bytes: a 20-byte header and a body, each with its CRC.

    +0   4  sync word        from the segment's salt, never zero
    +4   4  body length      bytes after this header
    +8   8  sequence
    +16  4  header CRC       over salt, file number, offset, and the 16 bytes above
    +20     body: bincode legacy of the ticket's WalEntry
            8  sequence      the same again
            8+20..30  timestamp   u64 length, RFC 3339 text
            n  event         codec.py
            4  crc32         the header CRC continued over the body before this field

Theory of operation. A checked header lets a reader trust the length, so a damaged body
costs one record and no search. Salt, file number and offset are in both CRCs and not in
the file: bytes that were moved, spliced from another file, left over on a recycled block,
or planted by a user in a command line never verify. Zeros are never a frame.

The body CRC is the header CRC *continued* (`crc32(body, header_crc)`), so it covers salt,
file number, offset and the first 16 header bytes, but not the header CRC itself. Covering
that too would cancel everything before it (crc.py): a body from another record of the same
length would then verify.

Not here: finding frames in a damaged file (scanner.py).

Spec: FMT-5.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Final, NamedTuple

from reference.codec import decode_event_at, decode_timestamp_at, timestamp_ns_of
from reference.crc import CRC_RESIDUE, crc32
from reference.errors import EndOfBytes, NumberOutOfRange, TrailingBytes
from reference.events import LogEntry
from reference.fast_decode import decode_event_fast
from reference.limits import (
    BODY_BYTES_MAX,
    BODY_BYTES_MIN,
    CRC_BYTES,
    FRAME_HEADER_BYTES,
    SEQUENCE_FIRST,
    SEQUENCE_MAX,
    TIMESTAMP_TEXT_BYTES_MAX,
)
from reference.segment_header import FrameKey

_CHECKED: Final = struct.Struct("<QIIQ")  # offset (not stored), sync word, length, sequence
_HEADER: Final = struct.Struct("<IIQI")  # sync word, length, sequence, header CRC
_START: Final = struct.Struct("<IIQIQ")  # the same, and the body's sequence
_U32: Final = struct.Struct("<I")
_U64: Final = struct.Struct("<Q")
_BODY_START: Final = struct.Struct("<QQ")  # sequence, length of the timestamp's text
_SEQUENCE_BYTES: Final = 8
assert _HEADER.size == FRAME_HEADER_BYTES
assert _START.size == FRAME_HEADER_BYTES + _SEQUENCE_BYTES
_pack_checked, _pack_start, _pack_u32 = _CHECKED.pack, _START.pack, _U32.pack
_pack_header, _pack_u64, _unpack_header = _HEADER.pack, _U64.pack, _HEADER.unpack_from
_unpack_body_start = _BODY_START.unpack_from
_new = tuple.__new__  # of a named tuple, without the call that it puts before this one


class FrameHeader(NamedTuple):
    """A frame header that verified."""

    body_bytes: int
    sequence: int
    crc: int
    """Where the body CRC continues from."""


class StoredFrame(NamedTuple):
    """A frame that verified completely. `body` includes its CRC."""

    offset: int
    sequence: int
    body: bytes


# ---- One frame --------------------------------------------------------------


def encode_frame(
    key: FrameKey, offset: int, sequence: int, payload: bytes, payload_rest: bytes = b""
) -> bytes:
    """Return the whole frame for `offset` of the segment that `key` belongs to.

    The payload is the encoded timestamp and the encoded event behind it (codec.py). It may
    come in two pieces, which saves the writer a copy of each event.
    """
    sync_word, crc_seed = key
    body_bytes = _SEQUENCE_BYTES + len(payload) + len(payload_rest) + CRC_BYTES
    header_crc = crc32(_pack_checked(offset, sync_word, body_bytes, sequence), crc_seed)
    start = _pack_start(sync_word, body_bytes, sequence, header_crc, sequence)
    crc = crc32(payload, crc32(start[FRAME_HEADER_BYTES:], header_crc))
    return b"".join((start, payload, payload_rest, _pack_u32(crc32(payload_rest, crc))))


def check_frame_header(data: bytes, index: int, offset: int, key: FrameKey) -> FrameHeader | None:
    """Return the header at `data[index:]`, which lies at `offset` of its file, if it verifies.

    Verifying means: sync word, header CRC, and a length and a sequence inside the format's
    bounds. The caller has made sure that 20 bytes are there. Spec: FMT-5.4.
    """
    stored_sync, body_bytes, sequence, stored_crc = _HEADER.unpack_from(data, index)
    if stored_sync != key.sync_word:
        return None
    crc = crc32(_CHECKED.pack(offset, stored_sync, body_bytes, sequence), key.crc_seed)
    if crc != stored_crc:
        return None
    if not BODY_BYTES_MIN <= body_bytes <= BODY_BYTES_MAX:
        return None
    if not SEQUENCE_FIRST <= sequence <= SEQUENCE_MAX:
        return None
    return FrameHeader(body_bytes, sequence, crc)


def body_verifies(body: bytes, header: FrameHeader) -> bool:
    """Whether the body's last four bytes are the header CRC continued over the rest."""
    end = len(body) - CRC_BYTES
    (stored_crc,) = _U32.unpack_from(body, end)
    return crc32(memoryview(body)[:end], header.crc) == int(stored_crc)


def decode_body(body: bytes, sequence: int) -> LogEntry:
    """Return the entry of a body whose CRC verified. Raises a DecodeError subclass.

    An error here does not mean damage: these bytes are what a writer wrote. The entry goes
    to the dead-letter file (trap T5).
    """
    return _decode_body_fast(body, sequence) or decode_body_plainly(body, sequence)


def _decode_body_fast(body: bytes, sequence: int) -> LogEntry | None:
    """Return what `decode_body_plainly` would, or None if that has to be asked."""
    if len(body) < BODY_BYTES_MIN:
        return None
    stored_sequence, length = _unpack_body_start(body, 0)
    if stored_sequence != sequence or length > TIMESTAMP_TEXT_BYTES_MAX:
        return None
    end = 16 + length  # inside the shortest body
    try:
        timestamp_ns = timestamp_ns_of(body[16:end])
    except ValueError:
        return None
    decoded = decode_event_fast(body, end)
    if decoded is None or decoded[1] != len(body) - CRC_BYTES:
        return None
    return _new(LogEntry, (sequence, timestamp_ns, decoded[0]))


def decode_body_plainly(body: bytes, sequence: int) -> LogEntry:
    """Do the same step by step: the specification, and the one that names what is wrong."""
    (stored_sequence,) = _U64.unpack_from(body, 0)
    if stored_sequence != sequence:
        raise NumberOutOfRange(0, f"body says sequence {stored_sequence}, header {sequence}")
    timestamp_ns, offset = decode_timestamp_at(body, 8)
    event, offset = decode_event_at(body, offset)
    end = len(body) - CRC_BYTES
    if offset > end:
        raise EndOfBytes(end, "the event runs into the CRC")
    if offset < end:
        raise TrailingBytes(offset, f"{end - offset} bytes between the event and the CRC")
    return LogEntry(sequence, timestamp_ns, event)


def payload_of(body: bytes) -> bytes:
    """Return the body's timestamp and event, still encoded, for a copy in another file."""
    return body[8:-CRC_BYTES]


# ---- Many frames, in one loop -----------------------------------------------


def encode_frames(
    key: FrameKey, offset: int, sequence: int, timestamp: bytes, events: Iterable[bytes],
    *, end_max: int, start_end: int,
) -> tuple[list[bytes], int, int]:  # fmt: skip
    """Return the frames of encoded events as pieces to be joined, their number, and their end.

    The first frame is always taken; a later one only if it ends at `end_max` or before, and
    starts before `start_end`. The bytes are those of `encode_frame`, one after the other,
    without a call and a copy for each: a quarter less of an append's cost.
    """
    sync_word, crc_seed = key
    fixed_bytes = _SEQUENCE_BYTES + len(timestamp) + CRC_BYTES
    pieces: list[bytes] = []
    count = 0
    for event in events:
        body_bytes = fixed_bytes + len(event)
        end = offset + FRAME_HEADER_BYTES + body_bytes
        if count and (end > end_max or offset >= start_end):
            break
        crc = crc32(_pack_checked(offset, sync_word, body_bytes, sequence), crc_seed)
        head = _pack_u64(sequence) + timestamp
        pieces += (
            _pack_header(sync_word, body_bytes, sequence, crc),
            head,
            event,
            _pack_u32(crc32(event, crc32(head, crc))),
        )
        offset, sequence, count = end, sequence + 1, count + 1
    return pieces, count, offset


def read_frames(
    data: bytes, index: int, offset: int, sequence: int, end_sequence: int, key: FrameKey
) -> list[StoredFrame]:
    """Return the frames at `data[index:]`, which lies at `offset`, as long as all is as expected.

    That is: whole, verified, numbered `sequence`, `sequence + 1` and so on below
    `end_sequence`. The fast path of a scan. Where it stops, something is not so, or `data`
    ends: `check_frame_header` and `body_verifies` say what.
    """
    sync_word, crc_seed = key
    size = len(data)
    frames: list[StoredFrame] = []
    while sequence < end_sequence:
        start = index + FRAME_HEADER_BYTES
        if start > size:
            break
        found_sync, body_bytes, found, stored_crc = _unpack_header(data, index)
        if found != sequence or not BODY_BYTES_MIN <= body_bytes <= BODY_BYTES_MAX:
            break
        crc = crc32(_pack_checked(offset, sync_word, body_bytes, sequence), crc_seed)
        if crc != stored_crc or found_sync != sync_word:
            break
        end = start + body_bytes
        if end > size:
            break
        body = data[start:end]
        if crc32(body, crc) != CRC_RESIDUE:  # the body and its CRC, in one go
            break
        frames.append(_new(StoredFrame, (offset, sequence, body)))
        offset += FRAME_HEADER_BYTES + body_bytes
        index, sequence = end, sequence + 1
    return frames
