"""bincode legacy bytes of a `ProcessEvent` and of the timestamp text, on `struct`.

bincode 1.x default = bincode 2 `config::legacy()`:

    integers   fixed width, little-endian          bool     one byte, 0 or 1
    String     u64 length in bytes, then UTF-8     Option   one byte, 0 or 1, then the value
    Vec        u64 count, then the items           enum     u32 tag
    f64        IEEE 754, little-endian             SystemTime   u64 seconds, u32 nanoseconds

No alignment, no padding, no trailing bytes. A Rust port derives exactly this. The
varint form (bincode 2 `standard()`) is another format and is rejected.

Decoding is strict, so that decode and encode are inverse: any other tag, text that is
not UTF-8, a nanosecond count of a second or more, a number outside its field's range
are errors. Every length is compared with the bytes that remain *before* anything is
allocated: bincode's own readers have been made to ask for exabytes.

Not here: which values an event may have (events.py), the log frame (frame.py).

Spec: FMT-2.
"""

from __future__ import annotations

import math
import struct
from functools import lru_cache
from typing import Final

from reference.errors import (
    DecodeError,
    EndOfBytes,
    InvalidEvent,
    InvalidTag,
    InvalidText,
    LengthOutOfRange,
    NumberOutOfRange,
    TrailingBytes,
)
from reference.events import EventType, ProcessEvent, check_event
from reference.fast_decode import decode_event_fast
from reference.fast_encode import encode_event_fast
from reference.limits import (
    NS_PER_S,
    TIMESTAMP_TEXT_BYTES_MAX,
    TIMESTAMP_TEXT_BYTES_MIN,
)
from reference.timestamps import SECONDS_MAX, TIME_NS_MAX, format_rfc3339, parse_rfc3339

_U32: Final = struct.Struct("<I")
_U64: Final = struct.Struct("<Q")
_F64: Final = struct.Struct("<d")
_TYPE_AND_PID: Final = struct.Struct("<II")
_SYSTEM_TIME: Final = struct.Struct("<QI")  # seconds, nanoseconds
_HEAD_WITHOUT_PPID: Final = struct.Struct("<IIBQ")  # event_type, pid, tag, length of name
_HEAD_WITH_PPID: Final = struct.Struct("<IIBIQ")  # event_type, pid, tag, ppid, length of name
_SOME_U64: Final = struct.Struct("<BQ")
_SOME_F64: Final = struct.Struct("<Bd")
_SOME_SYSTEM_TIME: Final = struct.Struct("<BQI")
_NONE: Final = b"\x00"
_END: Final = struct.Struct("<??QIB")  # accessible, file_exists, timestamp, tag of metadata
_EVENT_TYPES: Final = tuple(EventType)
_pack_u64, _pack_some_u64 = _U64.pack, _SOME_U64.pack


# ---- Encoding ---------------------------------------------------------------


def encode_event(event: ProcessEvent) -> bytes:
    """Return the event's bytes. Raises InvalidEvent naming the field that does not fit."""
    data = encode_event_fast(event)
    return encode_event_plainly(event) if data is None else data


def encode_event_plainly(event: ProcessEvent) -> bytes:
    """Do the same field by field: the specification, and the one that names what is wrong.

    The fields are not checked one by one first: packing checks most of them on the way,
    and `check_event` runs only to name what is wrong.
    """
    try:
        return _encode_valid_event(event)
    except (struct.error, AttributeError, TypeError, ValueError) as e:
        check_event(event)
        raise InvalidEvent("event", f"cannot be encoded: {e}") from e


def _encode_valid_event(event: ProcessEvent) -> bytes:
    (
        event_type, pid, ppid, name, executable_path, command_line, start_time_ns, cpu_usage,
        memory_usage, executable_hash, hash_algorithm, user_id, accessible, file_exists,
        timestamp_ns, platform_metadata,
    ) = event  # fmt: skip
    if (
        type(event_type) is not EventType
        or type(accessible) is not bool
        or type(file_exists) is not bool
        or type(command_line) is not tuple  # a text would be stored as its letters
        or (executable_hash is None) != (hash_algorithm is None)
        or timestamp_ns > TIME_NS_MAX
    ):
        raise ValueError("a field is of the wrong type or out of range")
    text = name.encode()
    if ppid is None:
        parts = [_HEAD_WITHOUT_PPID.pack(event_type, pid, 0, len(text)), text]
    else:
        parts = [_HEAD_WITH_PPID.pack(event_type, pid, 1, ppid, len(text)), text]
    if executable_path is None:
        parts.append(_NONE)
    else:
        text = executable_path.encode()
        parts += (_pack_some_u64(1, len(text)), text)
    parts.append(_pack_u64(len(command_line)))
    for argument in command_line:
        text = argument.encode()
        parts.append(_pack_u64(len(text)))
        parts.append(text)
    if start_time_ns is None:
        parts.append(_NONE)
    elif start_time_ns > TIME_NS_MAX:
        raise ValueError("start_time_ns is out of range")
    else:
        parts.append(_SOME_SYSTEM_TIME.pack(1, *divmod(start_time_ns, NS_PER_S)))
    if cpu_usage is None:
        parts.append(_NONE)
    elif type(cpu_usage) is not float or not math.isfinite(cpu_usage):
        raise ValueError("cpu_usage is not a finite float")
    else:
        parts.append(_SOME_F64.pack(1, cpu_usage))
    parts.append(_NONE if memory_usage is None else _pack_some_u64(1, memory_usage))
    for optional in (executable_hash, hash_algorithm, user_id):
        if optional is None:
            parts.append(_NONE)
        else:
            text = optional.encode()
            parts += (_pack_some_u64(1, len(text)), text)
    seconds, nanoseconds = divmod(timestamp_ns, NS_PER_S)
    if platform_metadata is None:
        parts.append(_END.pack(accessible, file_exists, seconds, nanoseconds, 0))
    else:
        text = platform_metadata.encode()
        parts.append(_END.pack(accessible, file_exists, seconds, nanoseconds, 1))
        parts += (_pack_u64(len(text)), text)
    return b"".join(parts)


def encode_timestamp(time_ns: int) -> bytes:
    """Return a `DateTime<Utc>` as bincode writes it: the length, then the RFC 3339 text."""
    text = format_rfc3339(time_ns).encode()
    return _U64.pack(len(text)) + text


# ---- Decoding ---------------------------------------------------------------


def decode_event(data: bytes) -> ProcessEvent:
    """Return the event that `data` is, wholly. Raises a DecodeError subclass. Spec: FMT-2."""
    event, offset = decode_event_at(data, 0)
    if offset != len(data):
        raise TrailingBytes(offset, f"{len(data) - offset} bytes after the event")
    return event


def decode_event_at(data: bytes, offset: int) -> tuple[ProcessEvent, int]:
    """Return the event that starts at `offset` and the offset behind it."""
    return decode_event_fast(data, offset) or decode_event_plainly_at(data, offset)


def decode_event_plainly_at(data: bytes, offset: int) -> tuple[ProcessEvent, int]:
    """Do the same field by field: the specification, and the one that names what is wrong."""
    try:
        return _decode_event_at(data, offset)
    except struct.error as error:
        # unpack_from found fewer bytes than a fixed-width field has.
        raise EndOfBytes(len(data), f"the event is cut short: {error}") from error


def _decode_event_at(data: bytes, offset: int) -> tuple[ProcessEvent, int]:
    type_tag, pid = _TYPE_AND_PID.unpack_from(data, offset)
    if type_tag >= len(_EVENT_TYPES):
        raise InvalidTag(offset, f"event_type {type_tag} is not 0, 1 or 2")
    offset += 8

    ppid: int | None = None
    if _is_some(data, offset, "ppid"):
        (ppid,) = _U32.unpack_from(data, offset + 1)
        offset += 4
    name, offset = decode_text_at(data, offset + 1, "name")
    executable_path, offset = _decode_optional_text(data, offset, "executable_path")

    (count,) = _U64.unpack_from(data, offset)
    offset += 8
    if count * 8 > len(data) - offset:  # each argument needs at least its length
        raise LengthOutOfRange(
            offset - 8, f"command_line has {count} items in {len(data) - offset} bytes"
        )
    command_line = []
    for _ in range(count):
        argument, offset = decode_text_at(data, offset, "command_line")
        command_line.append(argument)

    start_time_ns: int | None = None
    if _is_some(data, offset, "start_time"):
        start_time_ns = _decode_system_time(data, offset + 1, "start_time")
        offset += 12
    offset += 1
    cpu_usage: float | None = None
    if _is_some(data, offset, "cpu_usage"):
        (cpu_usage,) = _F64.unpack_from(data, offset + 1)
        if not math.isfinite(cpu_usage):
            raise NumberOutOfRange(offset + 1, f"cpu_usage {cpu_usage} is not finite")
        offset += 8
    offset += 1
    memory_usage: int | None = None
    if _is_some(data, offset, "memory_usage"):
        (memory_usage,) = _U64.unpack_from(data, offset + 1)
        offset += 8
    hash_offset = offset + 1
    executable_hash, offset = _decode_optional_text(data, hash_offset, "executable_hash")
    hash_algorithm, offset = _decode_optional_text(data, offset, "hash_algorithm")
    if (executable_hash is None) != (hash_algorithm is None):
        raise InvalidTag(hash_offset, "executable_hash without hash_algorithm or the reverse")
    user_id, offset = _decode_optional_text(data, offset, "user_id")

    accessible = _is_some(data, offset, "accessible")
    file_exists = _is_some(data, offset + 1, "file_exists")
    timestamp_ns = _decode_system_time(data, offset + 2, "timestamp")
    platform_metadata, offset = _decode_optional_text(data, offset + 14, "platform_metadata")
    event = ProcessEvent(
        _EVENT_TYPES[type_tag], pid, ppid, name, executable_path, tuple(command_line),
        start_time_ns, cpu_usage, memory_usage, executable_hash, hash_algorithm, user_id,
        accessible, file_exists, timestamp_ns, platform_metadata,
    )  # fmt: skip
    return event, offset


def decode_timestamp_at(data: bytes, offset: int) -> tuple[int, int]:
    """Return nanoseconds since 1970 and the offset behind the text. Spec: FMT-2.6."""
    if len(data) - offset < 8:
        raise EndOfBytes(len(data), "no room for the length of timestamp")
    (length,) = _U64.unpack_from(data, offset)
    if not TIMESTAMP_TEXT_BYTES_MIN <= length <= TIMESTAMP_TEXT_BYTES_MAX:
        raise LengthOutOfRange(offset, f"timestamp has {length} bytes, not 20 to 30")
    end = offset + 8 + length
    text = data[offset + 8 : end]
    if len(text) < length:
        raise LengthOutOfRange(offset, f"timestamp has {length} bytes where {len(text)} remain")
    try:
        return timestamp_ns_of(text), end
    except UnicodeDecodeError as error:
        raise InvalidText(offset + 8 + error.start, "timestamp is not UTF-8") from error
    except ValueError as error:
        raise InvalidText(offset + 8, f"timestamp: {error}") from error


@lru_cache(maxsize=256)
def timestamp_ns_of(text: bytes) -> int:
    """Return the nanoseconds of a timestamp's text. Raises ValueError, also if it is not UTF-8.

    The last ones are remembered: the records of one batch share theirs.
    """
    return parse_rfc3339(text.decode())


def _is_some(data: bytes, offset: int, field: str) -> bool:
    if offset >= len(data):
        raise EndOfBytes(offset, f"no room for the tag of {field}")
    tag = data[offset]
    if tag > 1:
        raise InvalidTag(offset, f"{field}: tag {tag} is not 0 or 1")
    return tag == 1


def decode_text_at(data: bytes, offset: int, field: str) -> tuple[str, int]:
    """Return the String that starts at `offset` and the offset behind it."""
    (length,) = _U64.unpack_from(data, offset)
    start = offset + 8
    end = start + length
    if end > len(data):
        raise LengthOutOfRange(
            offset, f"{field} has {length} bytes where {len(data) - start} remain"
        )
    try:
        return data[start:end].decode(), end
    except UnicodeDecodeError as error:
        raise InvalidText(start + error.start, f"{field} is not UTF-8: {error.reason}") from error


def _decode_optional_text(data: bytes, offset: int, field: str) -> tuple[str | None, int]:
    if _is_some(data, offset, field):
        return decode_text_at(data, offset + 1, field)
    return None, offset + 1


def _decode_system_time(data: bytes, offset: int, field: str) -> int:
    seconds: int
    seconds, nanoseconds = _SYSTEM_TIME.unpack_from(data, offset)
    if seconds > SECONDS_MAX:
        raise NumberOutOfRange(offset, f"{field}: {seconds} s is after the year 9999")
    if nanoseconds >= NS_PER_S:
        raise NumberOutOfRange(offset + 8, f"{field}: {nanoseconds} ns is a second or more")
    return seconds * NS_PER_S + int(nanoseconds)


__all__ = [
    "DecodeError",
    "decode_event",
    "decode_event_at",
    "decode_event_plainly_at",
    "decode_text_at",
    "decode_timestamp_at",
    "encode_event",
    "encode_event_plainly",
    "encode_timestamp",
    "timestamp_ns_of",
]
