"""The messages between connector and broker as bytes: one enum, in bincode legacy.

Each message is the body of one frame (link_frames.py). A body is the u32 tag and the fields:

    connector to broker                              broker to connector
    0  Hello        protocol_version    u32          4  Welcome      protocol_version      u32
                    client_id           String                       window                u32
                    log_id              16 bytes                     acknowledged_through  u64
                    settled_through     u64          5  Acknowledge  through               u64
    1  Publish      sequence            u64          6  Refuse       sequence              u64
                    topic               String                       reason                String
                    timestamp, event    as in a log  7  Pong         nonce                 u64
    2  Ping         nonce               u64          8  Error        reason                String
    3  Goodbye

Theory of operation. One enum for both directions, so that a message that was sent back, or
by the wrong side, is never mistaken for another one. Behind the topic a Publish has exactly
the bytes of a log body (frame.py): an event is encoded once, for the log, and those bytes
are sent, now or after a restart. Tag and version of Hello and Welcome keep their places in
all versions. A broker can read a newer Hello, whose further fields it ignores; what stands
behind the version of a Welcome is read only if the version is known.

Not here: who may say what when (connector_states.py, broker_session.py).

Spec: LNK-1.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final, assert_never

from reference.codec import (
    decode_event_at,
    decode_text_at,
    decode_timestamp_at,
    encode_event,
    encode_timestamp,
)
from reference.errors import (
    EndOfBytes,
    InvalidTag,
    LengthOutOfRange,
    NumberOutOfRange,
    TrailingBytes,
)
from reference.events import EventType, LogEntry
from reference.limits import (
    CLIENT_ID_BYTES_MAX,
    LINK_LENGTH_BYTES,
    LINK_VERSION,
    SEQUENCE_FIRST,
    SEQUENCE_MAX,
)
from reference.segment_header import ID_BYTES, NO_LOG_ID

_U32: Final = struct.Struct("<I")
_U64: Final = struct.Struct("<Q")
_TAG_U32: Final = struct.Struct("<II")
_TAG_U64: Final = struct.Struct("<IQ")
_WELCOME: Final = struct.Struct("<IIIQ")  # tag, protocol_version, window, acknowledged_through
_PUBLISH: Final = struct.Struct("<IIQ")  # frame length, tag, sequence
_TAG_BYTES: Final = 4

TOPICS: Final = {
    EventType.START: "events.process.start",
    EventType.STOP: "events.process.stop",
    EventType.MODIFY: "events.process.modify",
}
"""Ticket: "Publish to topic hierarchy: `events.process.*`"."""


@dataclass(frozen=True, slots=True)
class Hello:
    """Opens the link: who publishes, under which identity, settled durably up to where."""

    protocol_version: int
    client_id: str
    """Not empty if a connector sends it (connector_config.py); read all the same if it is."""
    log_id: bytes
    settled_through: int


@dataclass(frozen=True, slots=True)
class Publish:
    """One event under its topic."""

    topic: str
    entry: LogEntry


@dataclass(frozen=True, slots=True)
class Ping:
    """Asks for a Pong with the same nonce."""

    nonce: int


@dataclass(frozen=True, slots=True)
class Goodbye:
    """The connector has every answer and leaves."""


@dataclass(frozen=True, slots=True)
class Welcome:
    """Answers Hello. Of another version than ours only `protocol_version` was read."""

    protocol_version: int
    window: int
    acknowledged_through: int


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """The broker has every number that it was sent up to `through`."""

    through: int


@dataclass(frozen=True, slots=True)
class Refuse:
    """The broker will never take this event."""

    sequence: int
    reason: str


@dataclass(frozen=True, slots=True)
class Pong:
    """Answers a Ping."""

    nonce: int


@dataclass(frozen=True, slots=True)
class Error:
    """The broker gives up on this connection and says why."""

    reason: str


LinkMessage = Hello | Publish | Ping | Goodbye | Welcome | Acknowledge | Refuse | Pong | Error

TAGS: Final[dict[type[LinkMessage], int]] = {
    Hello: 0, Publish: 1, Ping: 2, Goodbye: 3,
    Welcome: 4, Acknowledge: 5, Refuse: 6, Pong: 7, Error: 8,
}  # fmt: skip


# ---- Encoding ---------------------------------------------------------------


def encode_message(message: LinkMessage) -> bytes:
    """Return the body of the message's frame."""
    tag = _U32.pack(TAGS[type(message)])
    match message:
        case Hello():
            version = _U32.pack(message.protocol_version)
            numbers = message.log_id + _U64.pack(message.settled_through)
            return tag + version + _encode_text(message.client_id) + numbers
        case Publish():
            entry = message.entry
            payload = encode_timestamp(entry.timestamp_ns) + encode_event(entry.event)
            return tag + _U64.pack(entry.sequence) + _encode_text(message.topic) + payload
        case Ping() | Pong():
            return tag + _U64.pack(message.nonce)
        case Goodbye():
            return tag
        case Welcome():
            return _WELCOME.pack(TAGS[Welcome], message.protocol_version, message.window,
                                 message.acknowledged_through)  # fmt: skip
        case Acknowledge():
            return tag + _U64.pack(message.through)
        case Refuse():
            return tag + _U64.pack(message.sequence) + _encode_text(message.reason)
        case Error():
            return tag + _encode_text(message.reason)
        case _ as never:
            assert_never(never)


def _encode_text(text: str) -> bytes:
    data = text.encode()
    return _U64.pack(len(data)) + data


# ---- Publish from the log's bytes -------------------------------------------

_TOPIC_FIELDS: Final = tuple(_encode_text(TOPICS[kind]) for kind in EventType)


def encode_publish_frame(sequence: int, payload: bytes) -> bytes:
    """Return a whole Publish frame, length included.

    `payload` is the encoded timestamp and event as a log body holds them, and decodes.
    """
    topic = _TOPIC_FIELDS[_event_type_tag(payload)]
    body_bytes = _PUBLISH.size - LINK_LENGTH_BYTES + len(topic) + len(payload)
    return b"".join((_PUBLISH.pack(body_bytes, TAGS[Publish], sequence), topic, payload))


def publish_frame_bytes(payload: bytes) -> int:
    """Return how long the frame of `encode_publish_frame` is."""
    return _PUBLISH.size + len(_TOPIC_FIELDS[_event_type_tag(payload)]) + len(payload)


def payload_offset(payload: bytes) -> int:
    """Return where the payload starts in its Publish frame."""
    return publish_frame_bytes(payload) - len(payload)


def _event_type_tag(payload: bytes) -> int:
    """The event starts behind the timestamp, whose length (20 to 30) is in the first byte."""
    return payload[8 + payload[0]]


# ---- Decoding ---------------------------------------------------------------


def decode_message(body: bytes) -> LinkMessage:
    """Return the message that `body` is, wholly. Raises a DecodeError subclass."""
    try:
        message, end = _decode(body)
    except struct.error as error:
        raise EndOfBytes(len(body), f"the message is cut short: {error}") from error
    if end != len(body):
        raise TrailingBytes(end, f"{len(body) - end} bytes after {type(message).__name__}")
    return message


def _decode(body: bytes) -> tuple[LinkMessage, int]:
    (tag,) = _U32.unpack_from(body, 0)
    match tag:
        case 0:
            return _decode_hello(body)
        case 1:
            return _decode_publish(body)
        case 2:
            return Ping(*_U64.unpack_from(body, _TAG_BYTES)), _TAG_U64.size
        case 3:
            return Goodbye(), _TAG_BYTES
        case 4:
            return _decode_welcome(body)
        case 5:
            return Acknowledge(*_U64.unpack_from(body, _TAG_BYTES)), _TAG_U64.size
        case 6:
            _, sequence = _TAG_U64.unpack_from(body, 0)
            reason, end = decode_text_at(body, _TAG_U64.size, "reason")
            return Refuse(sequence, reason), end
        case 7:
            return Pong(*_U64.unpack_from(body, _TAG_BYTES)), _TAG_U64.size
        case 8:
            reason, end = decode_text_at(body, _TAG_BYTES, "reason")
            return Error(reason), end
    raise InvalidTag(0, f"message tag {tag} is not 0 to {len(TAGS) - 1}")


def _decode_hello(body: bytes) -> tuple[Hello, int]:
    _, version = _TAG_U32.unpack_from(body, 0)
    if version == 0:
        raise NumberOutOfRange(_TAG_BYTES, "protocol versions start at 1")
    client_id, offset = decode_text_at(body, _TAG_U32.size, "client_id")
    if len(client_id.encode()) > CLIENT_ID_BYTES_MAX:
        raise LengthOutOfRange(_TAG_U32.size, f"client_id exceeds {CLIENT_ID_BYTES_MAX} bytes")
    log_id = body[offset : offset + ID_BYTES]
    (settled_through,) = _U64.unpack_from(body, offset + ID_BYTES)
    if log_id == NO_LOG_ID:
        raise NumberOutOfRange(offset, "log_id is zero")
    end = offset + ID_BYTES + _U64.size
    hello = Hello(version, client_id, log_id, settled_through)
    return hello, end if version == LINK_VERSION else len(body)


def _decode_publish(body: bytes) -> tuple[Publish, int]:
    _, sequence = _TAG_U64.unpack_from(body, 0)
    if not SEQUENCE_FIRST <= sequence <= SEQUENCE_MAX:
        raise NumberOutOfRange(_TAG_BYTES, f"{sequence} is not the number of an event")
    topic, offset = decode_text_at(body, _TAG_U64.size, "topic")
    timestamp_ns, offset = decode_timestamp_at(body, offset)
    event, offset = decode_event_at(body, offset)
    return Publish(topic, LogEntry(sequence, timestamp_ns, event)), offset


def _decode_welcome(body: bytes) -> tuple[Welcome, int]:
    _, version = _TAG_U32.unpack_from(body, 0)
    if version != LINK_VERSION:
        return Welcome(version, 0, 0), len(body)
    _, _, window, acknowledged_through = _WELCOME.unpack_from(body, 0)
    return Welcome(version, window, acknowledged_through), _WELCOME.size
