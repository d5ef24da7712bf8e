"""Builds directories from the format's primitives: segments, acknowledgement files, damage.

Nothing here runs the log. Salts, ids and times are fixed, so that the bytes never change.

Unless a vector says otherwise every frame has FRAME_BYTES bytes: event `n` of the log
differs from its neighbours in digits only. So places can be computed by hand:

    frame k of a file (from 0) lies at 8192 + k * 115

Not here: what recovery must say about them (expecting.py).
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from zlib import crc32

from reference.acknowledgement_slots import ACK_MAGIC, AckSlot, encode_ack_file, encode_slot
from reference.codec import encode_event, encode_timestamp
from reference.events import EventType, LogEntry, ProcessEvent
from reference.frame import encode_frame
from reference.segment_header import (
    NO_LOG_ID,
    SEGMENT_MAGIC,
    SegmentHeader,
    encode_header_block,
    segment_name,
)

LOG_A: Final = bytes(range(0x10, 0x20))
LOG_B: Final = bytes(range(0x20, 0x30))
LOG_C: Final = bytes(range(0x30, 0x40))

FRAMES_AT: Final = 8192
FRAME_BYTES: Final = 115
"""20 header + 8 sequence + 28 timestamp + 47 event + 8 name + 4 CRC."""
START_NS: Final = 1_700_000_000_000_000_000
SECOND_NS: Final = 1_000_000_000

ACK: Final = "procmond.ack"


def event_of(sequence: int) -> ProcessEvent:
    """Return the small event that stands for this sequence."""
    return ProcessEvent(
        event_type=EventType.START, pid=1000 + sequence % 1000, ppid=None,
        name=f"proc-{sequence % 1000:03}", executable_path=None, command_line=(),
        start_time_ns=None, cpu_usage=None, memory_usage=None, executable_hash=None,
        hash_algorithm=None, user_id=None, accessible=True, file_exists=True,
        timestamp_ns=time_of(sequence), platform_metadata=None,
    )  # fmt: skip


def time_of(sequence: int) -> int:
    return START_NS + sequence % 1000 * SECOND_NS


def entry_of(sequence: int) -> LogEntry:
    return LogEntry(sequence, time_of(sequence), event_of(sequence))


def entries_of(*sequences: int) -> list[LogEntry]:
    return [entry_of(sequence) for sequence in sequences]


def payload_of(entry: LogEntry) -> bytes:
    return encode_timestamp(entry.timestamp_ns) + encode_event(entry.event)


def salt_of(number: int) -> bytes:
    return hashlib.sha256(b"salt of file %d" % number).digest()[:8]


@dataclass(slots=True)
class Built:
    """A segment as it was built, and where its frames lie."""

    header: SegmentHeader
    data: bytes
    places: dict[int, tuple[int, int]] = field(default_factory=dict)
    """sequence -> offset and length of its frame; the last one of that number."""

    @property
    def name(self) -> str:
        return segment_name(self.header.file_number)

    def at(self, sequence: int) -> int:
        return self.places[sequence][0]

    def end(self, sequence: int) -> int:
        return sum(self.places[sequence])

    def frame(self, sequence: int) -> bytes:
        return self.data[self.at(sequence) : self.end(sequence)]

    def with_data(self, data: bytes) -> Built:
        """Return the same segment, damaged; frames still lie where they were built."""
        return replace(self, data=data)


def segment(
    number: int,
    sequences: Sequence[int],
    *,
    log_id: bytes = LOG_A,
    previous: bytes = NO_LOG_ID,
    salt: bytes | None = None,
    relocated_from: int | None = None,
    continues_from: int | None = None,
    first: int | None = None,
    payloads: Mapping[int, bytes] | None = None,
) -> Built:
    """Build a sound segment. `payloads` replaces the small event of some sequences."""
    first = sequences[0] if first is None else first
    continues_from = first if continues_from is None else continues_from
    relocated_from = continues_from if relocated_from is None else relocated_from
    header = SegmentHeader(
        number, log_id, previous, salt or salt_of(number), relocated_from, continues_from, first
    )
    built = Built(header, encode_header_block(header))
    for sequence in sequences:
        add_frame(built, sequence, (payloads or {}).get(sequence))
    return built


def add_frame(built: Built, sequence: int, payload: bytes | None = None) -> None:
    """Append one sound frame to the segment."""
    payload = payload_of(entry_of(sequence)) if payload is None else payload
    offset = len(built.data)
    frame = encode_frame(built.header.frame_key, offset, sequence, payload)
    built.places[sequence] = (offset, len(frame))
    built.data += frame


def ack_file(
    through: int,
    next_sequence: int,
    clean: Built | None = None,
    *,
    log_id: bytes = LOG_A,
    generation: int = 9,
) -> bytes:
    """Return a sound acknowledgement file; `clean` is the segment that its mark names."""
    mark = (clean.header.file_number, len(clean.data)) if clean else (0, 0)
    return encode_ack_file(AckSlot(generation, log_id, through, next_sequence, *mark))


def slot(generation: int, through: int, next_sequence: int, clean: Built | None = None) -> bytes:
    """Return the 128 bytes of one slot."""
    mark = (clean.header.file_number, len(clean.data)) if clean else (0, 0)
    return encode_slot(AckSlot(generation, LOG_A, through, next_sequence, *mark))


def directory(*segments: Built, ack: bytes | None = None) -> dict[str, bytes]:
    """Return file name -> bytes."""
    files = {built.name: built.data for built in segments}
    if ack is not None:
        files[ACK] = ack
    return files


# ---- Headers that the reference would not write -----------------------------


def raw_header(
    number: int,
    *,
    magic: bytes = SEGMENT_MAGIC,
    major: int = 1,
    minor: int = 0,
    flags: int = 0,
    log_id: bytes = LOG_A,
    previous: bytes = NO_LOG_ID,
    salt: bytes | None = None,
    numbers: tuple[int, int, int] = (1, 1, 1),
    reserved: bytes = b"",
) -> bytes:
    """Return 128 bytes whose CRC holds, whatever the fields say."""
    fields = struct.pack(
        "<8sHHII16s16s8sQQQ40s", magic, major, minor, flags, number, log_id, previous,
        salt or salt_of(number), *numbers, reserved,
    )  # fmt: skip
    return fields + crc32(fields).to_bytes(4, "little")


def raw_slot(
    *,
    magic: bytes = ACK_MAGIC,
    major: int = 1,
    minor: int = 0,
    flags: int = 0,
    generation: int = 9,
    log_id: bytes = LOG_A,
    through: int = 0,
    next_sequence: int = 1,
    clean: tuple[int, int] = (0, 0),
) -> bytes:
    """Return the 128 bytes of a slot whose CRC holds, whatever the fields say."""
    fields = struct.pack(
        "<8sHHIQ16sQQIQ56s", magic, major, minor, flags, generation, log_id, through,
        next_sequence, *clean, b"",
    )  # fmt: skip
    return fields + crc32(fields).to_bytes(4, "little")


def header_block(copy: bytes, second: bytes | None = None) -> bytes:
    """Return the first 8192 bytes of a segment from its two header copies."""
    return copy.ljust(4096, b"\0") + (second or copy).ljust(4096, b"\0")


# ---- Damage -----------------------------------------------------------------


def flip(data: bytes, offset: int, bit: int = 0) -> bytes:
    """Return the bytes with one bit flipped."""
    return put(data, offset, bytes([data[offset] ^ (1 << bit)]))


def put(data: bytes, offset: int, new: bytes) -> bytes:
    """Return the bytes with some replaced; the length stays."""
    assert offset + len(new) <= len(data), "a replacement must lie inside"
    return data[:offset] + new + data[offset + len(new) :]


def bits_apart(one: bytes, other: bytes) -> int:
    """Return in how many bits two byte strings of one length differ."""
    assert len(one) == len(other)
    return sum((a ^ b).bit_count() for a, b in zip(one, other, strict=True))
