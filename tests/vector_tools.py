"""Runs the vectors against the reference.

`answer(kind, given)` is what a port writes for itself: it takes the `given` of a vector and
returns what must equal its `then`. Times and random bytes are fixed, so answers are too.

Not here: what lies below an event, which the reference's adapter says as well
(fault_injection/ports/reference_bytes.py); how vectors are made (tests/vectors/), or the test
cases (test_vectors.py).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from zlib import crc32

from fault_injection.ports import reference_bytes
from fault_injection.ports.vectors import below_an_event, content_of
from reference.backpressure import Level, next_level
from reference.codec import decode_event, encode_event
from reference.connector_errors import FrameLengthOutOfRange
from reference.dead_letters import decode_dead_letter
from reference.errors import DecodeError, InvalidJsonLine, OpenRefused
from reference.filesystem import Filesystem
from reference.link_frames import FrameReader, encode_message_frame
from reference.link_messages import LinkMessage, Publish, decode_message, encode_message
from reference.names import DEAD_LETTERS_NAME
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


def answer(kind: str, given: Object) -> Object:
    """Return what the reference says to one vector of this kind, except directories."""
    asked = below_an_event(kind, given)
    return _ANSWERS[kind](given) if asked is None else _below_an_event(*asked)


# ---- One value --------------------------------------------------------------


def _below_an_event(op: str, fields: Object) -> Object:
    try:
        return reference_bytes.OPERATIONS[op](**fields)
    except DecodeError as error:
        return {"error": type(error).__name__, "offset": error.offset}
    except InvalidJsonLine as error:
        return {"error": "InvalidJsonLine", "line_number": error.line_number, "field": error.field}


def _codec(given: Object) -> Object:
    try:
        event = decode_event(bytes.fromhex(given["hex"]))
    except DecodeError as error:
        return {"error": type(error).__name__, "offset": error.offset}
    return {"value": event_json(event), "encoded": encode_event(event).hex()}


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
