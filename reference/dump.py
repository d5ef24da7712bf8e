"""Bytes of a segment with the name and value of every field beside them.

    00002000  9a 3c 00 11              sync word      11003c9a
    00002004  8b 00 00 00              body length    139
    ...

Text and long values run over several lines of eight bytes. The dump of section 13 of
SPEC.md is made by this file, so documentation cannot drift.

Spec: CLI-2.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from reference.codec import decode_timestamp_at
from reference.errors import DecodeError
from reference.frame import FrameHeader, body_verifies, check_frame_header, decode_body
from reference.limits import CRC_BYTES, FRAME_HEADER_BYTES, HEADER_BYTES
from reference.segment_header import SegmentHeader

_BYTES_A_LINE: Final = 8

_HEADER_FIELDS: Final = (
    ("magic", 8), ("version_major", 2), ("version_minor", 2), ("incompatible_flags", 4),
    ("file_number", 4), ("log_id", 16), ("previous_log_id", 16), ("salt", 8),
    ("relocated_from", 8), ("continues_from", 8), ("first_sequence", 8), ("reserved", 40),
    ("CRC", 4),
)  # fmt: skip
_HEX_FIELDS: Final = frozenset(("magic", "log_id", "previous_log_id", "salt", "CRC"))


@dataclass(frozen=True, slots=True)
class Field:
    """Some bytes, what they are, and what they say."""

    data: bytes
    name: str
    value: str = ""


def format_fields(fields: Iterator[Field], offset: int) -> Iterator[str]:
    """Yield the lines of a dump that starts at `offset` of the file."""
    for field in fields:
        if not any(field.data) and len(field.data) > _BYTES_A_LINE:
            yield f"{offset:08x}  {'00 x ' + str(len(field.data)):<23}  {field.name}"
            offset += len(field.data)
            continue
        name, value = field.name, field.value
        for start in range(0, len(field.data), _BYTES_A_LINE):
            chunk = field.data[start : start + _BYTES_A_LINE]
            yield f"{offset + start:08x}  {chunk.hex(' '):<23}  {name:<18} {value}".rstrip()
            name = value = ""
        offset += len(field.data)


def header_fields(data: bytes) -> Iterator[Field]:
    """Yield the fields of one header copy, 128 bytes."""
    position = 0
    for name, size in _HEADER_FIELDS:
        piece = data[position : position + size]
        number = int.from_bytes(piece, "little")
        value = "" if name in _HEX_FIELDS or name == "reserved" else str(number)
        if name == "CRC":
            value = f"{number:08x}"
        yield Field(piece, name, value)
        position += size


def frame_fields(data: bytes, offset: int, header: SegmentHeader) -> Iterator[Field]:
    """Yield the fields of the frame in `data`, which lies at `offset` of its segment.

    A frame that does not verify is shown as far as its parts hold.
    """
    frame_header = None
    if len(data) >= FRAME_HEADER_BYTES:
        frame_header = check_frame_header(data, 0, offset, header.frame_key)
    if frame_header is None:
        yield Field(data, "not a frame", "its header does not verify")
        return
    yield Field(data[0:4], "sync word", f"{int.from_bytes(data[0:4], 'little'):08x}")
    yield Field(data[4:8], "body length", str(frame_header.body_bytes))
    yield Field(data[8:16], "sequence", str(frame_header.sequence))
    yield Field(data[16:20], "header CRC", f"{frame_header.crc:08x}")
    body = data[FRAME_HEADER_BYTES : FRAME_HEADER_BYTES + frame_header.body_bytes]
    yield from _body_fields(body, frame_header)


def _body_fields(body: bytes, header: FrameHeader) -> Iterator[Field]:
    if len(body) < header.body_bytes or not body_verifies(body, header):
        yield Field(body, "damaged body", "its CRC does not hold")
        return
    try:
        entry = decode_body(body, header.sequence)
    except DecodeError as error:
        yield Field(body, "undecodable", str(error))
        return
    _, event_offset = decode_timestamp_at(body, 8)
    yield Field(body[0:8], "body: sequence", str(entry.sequence))
    yield Field(body[8:16], "timestamp length", str(event_offset - 16))
    yield Field(body[16:event_offset], "timestamp", body[16:event_offset].decode())
    yield from event_fields(body, event_offset)
    crc = body[-CRC_BYTES:]
    yield Field(crc, "crc32", f"{int.from_bytes(crc, 'little'):08x}")


# Each field of an event in wire order: its name and how its value is laid out.
_EVENT_LAYOUT: Final = (
    ("event_type", "u32"), ("pid", "u32"), ("ppid", "?u32"), ("name", "text"),
    ("executable_path", "?text"), ("command_line", "list"), ("start_time", "?time"),
    ("cpu_usage", "?f64"), ("memory_usage", "?u64"), ("executable_hash", "?text"),
    ("hash_algorithm", "?text"), ("user_id", "?text"), ("accessible", "u8"),
    ("file_exists", "u8"), ("timestamp", "time"), ("platform_metadata", "?text"),
)  # fmt: skip
_FIXED: Final = {"u8": "<B", "u32": "<I", "u64": "<Q", "f64": "<d", "time": "<QI"}


def event_fields(body: bytes, offset: int) -> Iterator[Field]:
    """Yield an event's fields. The body is known to decode."""
    for name, layout in _EVENT_LAYOUT:
        if layout.startswith("?"):
            is_some = body[offset] == 1
            yield Field(body[offset : offset + 1], name, "some" if is_some else "none")
            offset += 1
            if not is_some:
                continue
        kind = layout.removeprefix("?")
        count = 1
        if kind == "list":
            count = int.from_bytes(body[offset : offset + 8], "little")
            yield Field(body[offset : offset + 8], name, f"{count} items")
            offset += 8
        for _ in range(count):
            if kind in _FIXED:
                size = struct.calcsize(_FIXED[kind])
                piece = body[offset : offset + size]
                values = struct.unpack(_FIXED[kind], piece)
                text = "s + ".join(str(each) for each in values) + ("ns" if kind == "time" else "")
                yield Field(piece, "" if layout.startswith("?") else name, text)
                offset += size
                continue
            length = int.from_bytes(body[offset : offset + 8], "little")
            label = name if kind == "text" and layout == "text" else ""
            yield Field(body[offset : offset + 8], label, f"{length} bytes")
            offset += 8
            piece = body[offset : offset + length]
            yield Field(piece, "", repr(piece.decode()))
            offset += length


def dump_header_copy(data: bytes, offset: int) -> Iterator[str]:
    """Yield the dump of one header copy."""
    return format_fields(header_fields(data[:HEADER_BYTES]), offset)


def dump_frame(data: bytes, offset: int, header: SegmentHeader) -> Iterator[str]:
    """Yield the dump of one frame."""
    return format_fields(frame_fields(data, offset, header), offset)
