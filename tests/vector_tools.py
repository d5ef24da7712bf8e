"""Runs the vectors against the reference.

`answer(kind, given)` is what a port writes for itself: it takes the `given` of a vector and
returns what must equal its `then`. Times and random bytes are fixed, so answers are too.

Not here: how vectors are made (tests/vectors/), or the test cases (test_vectors.py).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from zlib import crc32

from reference.acknowledgement_slots import decode_slot, slot_offset
from reference.backpressure import Level, next_level
from reference.codec import decode_event, decode_timestamp_at, encode_event, encode_timestamp
from reference.connector_errors import FrameLengthOutOfRange
from reference.dead_letters import decode_dead_letter
from reference.errors import DecodeError, InvalidJsonLine, OpenRefused, TrailingBytes
from reference.filesystem import Filesystem
from reference.frame import body_verifies, check_frame_header, decode_body
from reference.json_lines import decode_json_line, encode_json_line
from reference.link_frames import FrameReader, encode_message_frame
from reference.link_messages import LinkMessage, Publish, decode_message, encode_message
from reference.names import DEAD_LETTERS_NAME
from reference.segment_header import (
    NO_LOG_ID,
    FrameKey,
    SegmentHeader,
    UnsupportedHeader,
    decode_segment_header,
    segment_name,
    segment_number,
)
from reference.timestamps import format_rfc3339
from reference.wal import WriteAheadLog
from tests.vectors.document import event_json

VECTORS: Final = Path(__file__).parent / "vectors"
NEW_LOG_ID: Final = bytes([0xEE]) * 16
CLOCK_NS: Final = 1_800_000_000_000_000_000

SPELLED_OUT_BYTES_MAX: Final = 4096
"""A message of the link that is larger is told by the CRC of its encoding."""

Object = dict[str, Any]


def load(name: str) -> Any:
    """Return the JSON of one file in tests/vectors."""
    return json.loads((VECTORS / name).read_text())


def vector_files() -> list[str]:
    """Return the names of the files that hold vectors."""
    return sorted(p.name for p in VECTORS.glob("*.json") if p.name != "schema.json")


def content_of(parts: list[Object]) -> bytes:
    """Return the bytes that a list of parts stands for."""
    data = b""
    for part in parts:
        if "hex" in part:
            data += bytes.fromhex(part["hex"])
        elif "zero_bytes" in part:
            data += bytes(part["zero_bytes"])
        else:
            data += bytes.fromhex(part["repeat_hex"]) * part["times"]
    return data


def answer(kind: str, given: Object) -> Object:
    """Return what the reference says to one vector of this kind, except directories."""
    return _ANSWERS[kind](given)


# ---- One value --------------------------------------------------------------


def _codec(given: Object) -> Object:
    data = bytes.fromhex(given["hex"])
    try:
        if given["type"] == "timestamp":
            time_ns, end = decode_timestamp_at(data, 0)
            if end != len(data):
                raise TrailingBytes(end, "bytes after the timestamp")
            return {
                "value": format_rfc3339(time_ns),
                "nanoseconds": str(time_ns),
                "encoded": encode_timestamp(time_ns).hex(),
            }
        event = decode_event(data)
    except DecodeError as error:
        return {"error": type(error).__name__, "offset": error.offset}
    return {"value": event_json(event), "encoded": encode_event(event).hex()}


def _json_lines(given: Object) -> Object:
    line = bytes.fromhex(given["hex"]) if "hex" in given else given["line"].encode()
    try:
        event = decode_json_line(line, given["line_number"])
    except InvalidJsonLine as error:
        return {"error": "InvalidJsonLine", "line_number": error.line_number, "field": error.field}
    return {
        "event": event_json(event),
        "encoded": encode_event(event).hex(),
        "line": encode_json_line(event),
    }


def _crc(given: Object) -> Object:
    start = int(given["continues"], 16)
    return {"crc": f"{crc32(content_of(given['parts']), start):08x}"}


def _headers(given: Object) -> Object:
    data = content_of(given["parts"])
    if given["type"] == "acknowledgement-slot":
        slot = decode_slot(data)
        if slot is None:
            return {"fault": "unusable"}
        return {
            "slot": {
                "generation": str(slot.generation),
                "log_id": slot.log_id.hex(),
                "acknowledged_through": str(slot.acknowledged_through),
                "next_sequence": str(slot.next_sequence),
                "clean_file": slot.clean_file,
                "clean_length": str(slot.clean_length),
            },
            "stands_at": slot_offset(slot.generation),
        }
    header = decode_segment_header(data)
    if isinstance(header, SegmentHeader):
        return {"header": _header_json(header), "sync_word": _sync_bytes(header.frame_key)}
    if isinstance(header, UnsupportedHeader):
        return {"unsupported": {"major": header.major, "flags": header.flags}}
    return {"fault": header.name.lower()}


def _header_json(header: SegmentHeader) -> Object:
    return {
        "file_number": header.file_number,
        "log_id": header.log_id.hex(),
        "previous_log_id": header.previous_log_id.hex(),
        "salt": header.salt.hex(),
        "relocated_from": str(header.relocated_from),
        "continues_from": str(header.continues_from),
        "first_sequence": str(header.first_sequence),
    }


def _sync_bytes(key: FrameKey) -> str:
    return key.sync_word.to_bytes(4, "little").hex()


def _frames(given: Object) -> Object:
    data = content_of(given["parts"])
    salt = bytes.fromhex(given["salt"])
    key = SegmentHeader(given["file_number"], NO_LOG_ID, NO_LOG_ID, salt, 1, 1, 1).frame_key
    if len(data) < 20:
        return {"verdict": "incomplete"}
    header = check_frame_header(data, 0, int(given["offset"]), key)
    if header is None:
        return {"verdict": "bad-header"}
    fields = {"sequence": str(header.sequence), "body_bytes": header.body_bytes}
    if len(data) < 20 + header.body_bytes:
        return {"verdict": "incomplete", **fields}
    body = data[20 : 20 + header.body_bytes]
    if not body_verifies(body, header):
        return {"verdict": "bad-body", **fields}
    try:
        entry = decode_body(body, header.sequence)
    except DecodeError as error:
        undecodable = {"error": type(error).__name__, "offset": error.offset}
        return {"verdict": "undecodable", **fields, **undecodable}
    return {
        "verdict": "good",
        **fields,
        "timestamp": format_rfc3339(entry.timestamp_ns),
        "event": event_json(entry.event),
    }


def _names(given: Object) -> Object:
    if "number" in given:
        return {"name": segment_name(given["number"])}
    return {"number": segment_number(given["name"])}


def _link(given: Object) -> Object:
    """Return the messages of a stream, or those before its first error."""
    data = content_of(given["parts"])
    reader = FrameReader()
    messages: list[LinkMessage] = []
    answer: Object = {"messages": []}
    try:
        for body in reader.feed(data):
            messages.append(decode_message(body))
            answer["messages"].append(_message_json(messages[-1]))
    except FrameLengthOutOfRange:
        return {**answer, "error": "FrameLengthOutOfRange"}
    except DecodeError as error:
        return {**answer, "error": type(error).__name__, "offset": error.offset}
    again = b"".join(encode_message_frame(message) for message in messages)
    read_bytes = len(data) - reader.held_bytes
    return {**answer, "rest_bytes": reader.held_bytes, "canonical": again == data[:read_bytes]}


def _message_json(message: LinkMessage) -> Object:
    kind = {"type": type(message).__name__}
    body = encode_message(message)
    if len(body) > SPELLED_OUT_BYTES_MAX:
        return {**kind, "body_bytes": len(body), "crc": f"{crc32(body):08x}"}
    if isinstance(message, Publish):
        entry = message.entry
        return {
            **kind,
            "sequence": str(entry.sequence),
            "topic": message.topic,
            "timestamp": format_rfc3339(entry.timestamp_ns),
            "event": event_json(entry.event),
        }
    fields: Object = {name: getattr(message, name) for name in message.__slots__}
    for name, value in fields.items():
        if isinstance(value, bytes):
            fields[name] = value.hex()
        elif isinstance(value, int) and name not in ("protocol_version", "window"):
            fields[name] = str(value)
    return {**kind, **fields}


def _backpressure(given: Object) -> Object:
    level = Level.RELEASED
    levels = []
    for step in given["steps"]:
        level = next_level(
            level, int(step["used_bytes"]), int(given["limit_bytes"]),
            held_on=step["spilled"] or step["blocked"],
        )  # fmt: skip
        levels.append(level.value)
    return {"levels": levels}


_ANSWERS: Final[dict[str, Callable[[Object], Object]]] = {
    "codec": _codec,
    "json_lines": _json_lines,
    "crc": _crc,
    "headers": _headers,
    "frames": _frames,
    "names": _names,
    "link": _link,
    "backpressure": _backpressure,
}


# ---- One directory ----------------------------------------------------------


def answer_directory(filesystem: Filesystem) -> Object:
    """Return what the reference says to a directory, as in `then`."""
    result = open_directory(filesystem)
    letters = dead_letters_in(filesystem)
    return {**result, "dead_letters": letters} if letters else result


def open_directory(filesystem: Filesystem) -> Object:
    """Return what opening, replaying and closing the directory gives, as in `then`."""
    try:
        log = WriteAheadLog.open(
            filesystem,
            wall_clock_ns=lambda: CLOCK_NS,
            monotonic_ns=lambda: 0,
            random_bytes=lambda count: NEW_LOG_ID[:count],
        )
    except OpenRefused as refusal:
        return {"outcome": "refused", "error": type(refusal).__name__}
    with log:
        report = log.report.as_json()
        entries = [
            {
                "sequence": str(entry.sequence),
                "timestamp": format_rfc3339(entry.timestamp_ns),
                "event": event_json(entry.event),
            }
            for entry in log.replay()
        ]
        numbers = str(log.acknowledged_through), str(log.next_sequence)
    assert numbers == (report["acknowledged_through"], report["next_sequence"])
    if report["log_id"] == NEW_LOG_ID.hex():
        report["log_id"] = None  # a port's is random
    return {"outcome": "opened", "report": report, "entries": entries}


def dead_letters_in(filesystem: Filesystem) -> list[Object]:
    """Return the dead letters of the directory, as in `then`."""
    sizes = {entry.name: entry.size_bytes for entry in filesystem.list()}
    if DEAD_LETTERS_NAME not in sizes:
        return []
    text = filesystem.read(DEAD_LETTERS_NAME, 0, sizes[DEAD_LETTERS_NAME])
    letters = [decode_dead_letter(line) for line in text.splitlines()]
    return [
        {
            "log_id": letter.log_id.hex(),
            "sequence": str(letter.sequence),
            "payload": letter.payload.hex(),
        }
        for letter in letters
        if letter is not None
    ]
