"""Frames of the broker link and what they mean, for vectors.

Frames are spelled out here with `struct`, not by the encoder that is being tested.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

from reference.codec import encode_event, encode_timestamp
from reference.events import LogEntry
from reference.timestamps import format_rfc3339
from tests.vectors.document import Json, event_json
from tests.vectors.two_records import HEADER

LOG_ID = HEADER.log_id
TOPICS = ("events.process.start", "events.process.stop", "events.process.modify")
BODY_BYTES_HIGHEST = 2**20
U32_HIGHEST = 2**32 - 1
U64_HIGHEST = 2**64 - 1

Message = Mapping[str, Json]
"""A message as the vectors write it."""


# ---- Frames -----------------------------------------------------------------


def framed(body: bytes) -> bytes:
    return struct.pack("<I", len(body)) + body


def text(value: str) -> bytes:
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def hello(version: int = 1, client: str = "procmond", settled: int = 7, rest: bytes = b"") -> bytes:
    body = struct.pack("<II", 0, version) + text(client) + LOG_ID + struct.pack("<Q", settled)
    return framed(body + rest)


def publish(entry: LogEntry, topic: str | None = None) -> bytes:
    payload = encode_timestamp(entry.timestamp_ns) + encode_event(entry.event)
    topic = TOPICS[entry.event.event_type] if topic is None else topic
    return framed(struct.pack("<IQ", 1, entry.sequence) + text(topic) + payload)


def number(tag: int, value: int) -> bytes:
    return framed(struct.pack("<IQ", tag, value))


def welcome(version: int = 1, window: int = 256, acknowledged: int = 7) -> bytes:
    return framed(struct.pack("<IIIQ", 4, version, window, acknowledged))


def refuse(sequence: int, reason: str) -> bytes:
    return framed(struct.pack("<IQ", 6, sequence) + text(reason))


def error(reason: str) -> bytes:
    return framed(struct.pack("<I", 8) + text(reason))


def u64(value: int) -> bytes:
    return struct.pack("<Q", value)


GOODBYE = framed(b"\3\0\0\0")


# ---- What they mean ---------------------------------------------------------


def hello_json(version: int, client: str, log_id: bytes, settled: int) -> Message:
    return {
        "type": "Hello",
        "protocol_version": version,
        "client_id": client,
        "log_id": log_id.hex(),
        "settled_through": str(settled),
    }


def publish_json(entry: LogEntry, topic: str | None = None) -> Message:
    return {
        "type": "Publish",
        "sequence": str(entry.sequence),
        "topic": TOPICS[entry.event.event_type] if topic is None else topic,
        "timestamp": format_rfc3339(entry.timestamp_ns),
        "event": event_json(entry.event),
    }


def welcome_json(version: int, window: int, through: int) -> Message:
    return {
        "type": "Welcome",
        "protocol_version": version,
        "window": window,
        "acknowledged_through": str(through),
    }
