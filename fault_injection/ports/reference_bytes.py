"""What lies below an event, as the reference reads it: the operations of the capability `bytes`.

Each takes the fields of its request and returns the `then` of a vector, in the vectors'
spelling (tests/vectors/README.md). Spec: PRT-1.1, FMT-1 to FMT-5.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zlib import crc32

from reference.acknowledgement_slots import decode_slot, slot_offset
from reference.codec import decode_timestamp_at, encode_event, encode_timestamp
from reference.errors import DecodeError, TrailingBytes
from reference.events import ProcessEvent
from reference.frame import body_verifies, check_frame_header, decode_body
from reference.json_lines import decode_json_line, encode_json_line, event_as_json
from reference.limits import FRAME_HEADER_BYTES
from reference.segment_header import (
    NO_LOG_ID,
    SegmentHeader,
    UnsupportedHeader,
    decode_segment_header,
    segment_name,
    segment_number,
)
from reference.timestamps import format_rfc3339

Then = dict[str, Any]


def event_in_vectors(event: ProcessEvent) -> Then:
    """Return the event as vectors spell it: memory_usage is a decimal string."""
    memory = event.memory_usage
    return {**event_as_json(event), "memory_usage": None if memory is None else str(memory)}


def crc(bytes: str, continues: str) -> Then:
    return {"crc": f"{crc32(_data(bytes), int(continues, 16)):08x}"}


def name_of(number: int) -> Then:
    return {"name": segment_name(number)}


def number_of(name: str) -> Then:
    return {"number": segment_number(name)}


def header(bytes: str) -> Then:
    found = decode_segment_header(_data(bytes))
    if isinstance(found, SegmentHeader):
        fields = {
            "file_number": found.file_number,
            "log_id": found.log_id.hex(),
            "previous_log_id": found.previous_log_id.hex(),
            "salt": found.salt.hex(),
            "relocated_from": str(found.relocated_from),
            "continues_from": str(found.continues_from),
            "first_sequence": str(found.first_sequence),
        }
        return {
            "header": fields,
            "sync_word": found.frame_key.sync_word.to_bytes(4, "little").hex(),
        }
    if isinstance(found, UnsupportedHeader):
        return {"unsupported": {"major": found.major, "flags": found.flags}}
    return {"fault": found.name.lower()}


def slot(bytes: str) -> Then:
    found = decode_slot(_data(bytes))
    if found is None:
        return {"fault": "unusable"}
    fields = {
        "generation": str(found.generation),
        "log_id": found.log_id.hex(),
        "acknowledged_through": str(found.acknowledged_through),
        "next_sequence": str(found.next_sequence),
        "clean_file": found.clean_file,
        "clean_length": str(found.clean_length),
    }
    return {"slot": fields, "stands_at": slot_offset(found.generation)}


def frame(bytes: str, file_number: int, salt: str, offset: str) -> Then:
    data = _data(bytes)
    key = SegmentHeader(file_number, NO_LOG_ID, NO_LOG_ID, _data(salt), 1, 1, 1).frame_key
    if len(data) < FRAME_HEADER_BYTES:
        return {"verdict": "incomplete"}
    head = check_frame_header(data, 0, int(offset), key)
    if head is None:
        return {"verdict": "bad-header"}
    fields = {"sequence": str(head.sequence), "body_bytes": head.body_bytes}
    body = data[FRAME_HEADER_BYTES : FRAME_HEADER_BYTES + head.body_bytes]
    if len(body) < head.body_bytes:
        return {"verdict": "incomplete", **fields}
    if not body_verifies(body, head):
        return {"verdict": "bad-body", **fields}
    try:
        entry = decode_body(body, head.sequence)
    except DecodeError as error:
        wrong = {"error": type(error).__name__, "offset": error.offset}
        return {"verdict": "undecodable", **fields, **wrong}
    event = event_in_vectors(entry.event)
    return {"verdict": "good", **fields, "timestamp": format_rfc3339(entry.timestamp_ns),
            "event": event}  # fmt: skip


def timestamp(bytes: str) -> Then:
    """Raises DecodeError."""
    data = _data(bytes)
    time_ns, end = decode_timestamp_at(data, 0)
    if end != len(data):
        raise TrailingBytes(end, "bytes after the timestamp")
    return {
        "value": format_rfc3339(time_ns),
        "nanoseconds": str(time_ns),
        "encoded": encode_timestamp(time_ns).hex(),
    }


def json_line(bytes: str, line_number: int) -> Then:
    """Raises InvalidJsonLine."""
    event = decode_json_line(_data(bytes), line_number)
    return {
        "event": event_in_vectors(event),
        "encoded": encode_event(event).hex(),
        "line": encode_json_line(event),
    }


def _data(hexadecimal: str) -> bytes:
    return bytes.fromhex(hexadecimal)


OPERATIONS: dict[str, Callable[..., Then]] = {
    "crc": crc, "segment_name": name_of, "segment_number": number_of, "header": header,
    "slot": slot, "frame": frame, "timestamp": timestamp, "json_line": json_line,
}  # fmt: skip
