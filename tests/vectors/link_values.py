"""Vectors of the broker link: a stream of bytes, and the messages that it carries.

The largest of each, and what else is rejected: link_streams.py, link_errors.py.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from zlib import crc32

from reference.codec import encode_event
from reference.events import EventType, LogEntry
from reference.limits import EVENT_BYTES_MAX
from tests.vectors.codec_values import SMALLEST
from tests.vectors.document import Json, Vector, content_json
from tests.vectors.link_building import (
    GOODBYE,
    LOG_ID,
    TOPICS,
    Message,
    error,
    framed,
    hello,
    hello_json,
    number,
    publish,
    publish_json,
    refuse,
    text,
    welcome,
    welcome_json,
)
from tests.vectors.two_records import ENTRIES, frames

SEQUENCE_HIGHEST = 2**64 - 1 - 2**16


def vectors() -> Iterator[Vector]:
    yield from _each_message()
    yield from _publishes()
    yield from _streams()
    yield from _lengths()
    yield from _undecodable()
    yield from _versions()


def _vector(
    id: str,
    requirements: str,
    comment: str,
    data: bytes,
    messages: Sequence[Message],
    *,
    rest_bytes: int = 0,
    canonical: bool = True,
    error: str | None = None,
    offset: int | None = None,
) -> Vector:
    then: dict[str, Json] = {"messages": [dict(each) for each in messages]}
    if error is None:
        then |= {"rest_bytes": rest_bytes, "canonical": canonical}
    else:
        then |= {"error": error} if offset is None else {"error": error, "offset": offset}
    return Vector(
        f"link-{id}", requirements.split(), ["link"], comment,
        {"parts": _parts(data)}, then,
    )  # fmt: skip


def _parts(data: bytes) -> list[Json]:
    """Bytes as parts, the one long run of a letter that a large message has counted."""
    run = re.search(rb"([a-z])\1{1000,}", data)
    if run is None:
        return content_json(data)
    middle: Json = {"repeat_hex": run[1].hex(), "times": len(run[0])}
    return [*content_json(data[: run.start()]), middle, *content_json(data[run.end() :])]


def _large(kind: str, body: bytes) -> dict[str, Json]:
    """A message too large to be spelled out."""
    return {"type": kind, "body_bytes": len(body), "crc": f"{crc32(body):08x}"}


HELLO = hello_json(1, "procmond", LOG_ID, 7)
WELCOME = welcome_json(1, 256, 7)


def _each_message() -> Iterator[Vector]:
    good = "LNK-1.1 LNK-1.3"
    yield _vector("hello", f"{good} LNK-2.1", "The first message of a link.", hello(), [HELLO])
    for length, comment in (
        (0, "No connector sends an empty client_id, but it decodes: nothing depends on the name."),
        (255, "The longest client_id."),
    ):
        yield _vector(
            f"hello-client-{length}", f"{good} LNK-2.1", comment,
            hello(client="c" * length), [{**HELLO, "client_id": "c" * length}],
        )  # fmt: skip
    yield _vector("welcome", f"{good} LNK-2.1", "The answer to Hello.", welcome(), [WELCOME])
    highest = 2**64 - 1
    for id, tag, name, field in (
        ("ping", 2, "Ping", "nonce"),
        ("acknowledge", 5, "Acknowledge", "through"),
        ("pong", 7, "Pong", "nonce"),
    ):
        for value, suffix in ((0, "lowest"), (2**32, "beyond-32-bits"), (highest, "highest")):
            yield _vector(
                f"{id}-{suffix}", good, "A message of one 64-bit number.",
                number(tag, value), [{"type": name, field: str(value)}],
            )  # fmt: skip
    yield _vector("goodbye", good, "Nothing but a tag.", GOODBYE, [{"type": "Goodbye"}])
    for reason, suffix in (("", "empty"), ("größer", "two-byte-letters")):
        yield _vector(
            f"refuse-{suffix}", good, "A refusal and its reason.", refuse(9, reason),
            [{"type": "Refuse", "sequence": "9", "reason": reason}],
        )  # fmt: skip
        yield _vector(
            f"error-{suffix}", good, "The broker gives up, and says why.",
            error(reason), [{"type": "Error", "reason": reason}],
        )  # fmt: skip


def _publishes() -> Iterator[Vector]:
    good = "LNK-1.1 LNK-1.3 LNK-1.4 BUF-1.1"
    for entry, frame, which in zip(ENTRIES, frames(), ("first", "second"), strict=True):
        data = publish(entry)
        payload = frame[20 + 8 : -4]
        assert data.endswith(payload), "byte for byte what the log's body has"
        yield _vector(
            f"publish-{which}-of-two", good,
            "The record of SPEC.md, section 13: from the timestamp on the same bytes as there.",
            data, [publish_json(entry)],
        )  # fmt: skip
    for kind in EventType:
        entry = LogEntry(SEQUENCE_HIGHEST, 0, SMALLEST._replace(event_type=kind))
        assert len(publish(entry)) == 4 + 12 + 8 + len(TOPICS[kind]) + 28 + 47
        yield _vector(
            f"publish-{kind.name.lower()}", good,
            "The smallest event of this type, with the highest number. The topic follows the type.",
            publish(entry), [publish_json(entry)],
        )  # fmt: skip
    padding = EVENT_BYTES_MAX - len(encode_event(SMALLEST))
    largest = LogEntry(1, 999, SMALLEST._replace(name="x" * padding))
    assert len(encode_event(largest.event)) == EVENT_BYTES_MAX
    assert len(publish(largest)) - 4 < 2**20, "what the log takes fits the link"
    yield _vector(
        "publish-largest", f"{good} FMT-1.1", "The largest event that a log takes.",
        publish(largest), [_large("Publish", publish(largest)[4:])],
    )  # fmt: skip
    yield _vector(
        "publish-other-topic", "LNK-1.3", "The codec takes any topic; that it fits is a rule.",
        publish(ENTRIES[0], "events.process.stop"),
        [publish_json(ENTRIES[0], "events.process.stop")],
    )  # fmt: skip


def _streams() -> Iterator[Vector]:
    good = "LNK-1.1 LNK-1.3"
    pair = hello() + number(5, 3)
    acknowledge = {"type": "Acknowledge", "through": "3"}
    yield _vector("two", good, "Two frames back to back.", pair, [HELLO, acknowledge])
    yield _vector("empty", good, "No byte, no message.", b"", [])
    for missing in (1, 11, 12, 15):
        data = pair[:-missing]
        yield _vector(
            f"cut-by-{missing}", good, "The second frame is not whole yet: it is waited for.",
            data, [HELLO], rest_bytes=16 - missing,
        )  # fmt: skip
    yield _vector(
        "good-then-bad", "LNK-1.2 LNK-4.1", "What stands before an error counts.",
        number(5, 3) + b"\xff\xff\xff\xff", [acknowledge], error="FrameLengthOutOfRange",
    )  # fmt: skip


def _lengths() -> Iterator[Vector]:
    rule = "LNK-1.1 LNK-1.2"
    for length, id in (
        (0, "zero"), (1, "one"), (3, "below-a-tag"), (2**20 + 1, "one-too-many"),
        (2**31, "negative-if-signed"), (2**32 - 1, "highest"),
    ):  # fmt: skip
        yield _vector(
            f"length-{id}", rule, "Refused when its four bytes are there and nothing else is.",
            struct.pack("<I", length), [], error="FrameLengthOutOfRange",
        )  # fmt: skip
    yield _vector(
        "length-largest", rule, "2^20 is allowed: the frame is waited for.",
        struct.pack("<I", 2**20), [], rest_bytes=4,
    )  # fmt: skip
    reason = "r" * (2**20 - 4 - 8)
    body = struct.pack("<I", 8) + text(reason)
    assert len(body) == 2**20
    yield _vector(
        "length-largest-filled", rule, "And the largest frame is read.", framed(body),
        [_large("Error", body)],
    )  # fmt: skip
    big_endian = struct.pack(">I", 4) + b"\3\0\0\0"
    yield _vector(
        "length-big-endian", "LNK-1.1", "The other byte order makes 67108864 of 4.",
        big_endian, [], error="FrameLengthOutOfRange",
    )  # fmt: skip


def _undecodable() -> Iterator[Vector]:
    rule = "LNK-1.3 LNK-4.1"
    for tag in (9, 256, 2**32 - 1):
        yield _vector(
            f"tag-{tag}", rule, "No such message.", framed(struct.pack("<I", tag)), [],
            error="InvalidTag", offset=0,
        )  # fmt: skip
    whole = {
        "hello": hello(), "publish": publish(ENTRIES[0]), "ping": number(2, 1),
        "goodbye": GOODBYE, "welcome": welcome(), "acknowledge": number(5, 1),
        "refuse": refuse(1, "no"), "pong": number(7, 1),
        "error": error("no"),
    }  # fmt: skip
    for name, data in whole.items():
        body = data[4:]
        yield _vector(
            f"{name}-and-a-byte", rule, "A byte behind the message.", framed(body + b"\0"), [],
            error="TrailingBytes", offset=len(body),
        )  # fmt: skip
        if name == "goodbye":
            continue
        shorter = body[:-1]
        rule_broken, offset = "EndOfBytes", len(shorter)
        if name in ("refuse", "error"):  # the text is what is cut
            rule_broken, offset = "LengthOutOfRange", len(body) - 2 - 8
        yield _vector(
            f"{name}-less-a-byte", rule, "The last byte is missing.", framed(shorter), [],
            error=rule_broken, offset=offset,
        )  # fmt: skip
    yield _vector(
        "hello-without-log-id", rule, "A log_id of zeros is none.",
        hello().replace(LOG_ID, bytes(16)), [], error="NumberOutOfRange", offset=24,
    )  # fmt: skip
    yield _vector(
        "hello-client-256", rule, "A client_id that is too long.", hello(client="c" * 256), [],
        error="LengthOutOfRange", offset=8,
    )  # fmt: skip
    for sequence, id in ((0, "zero"), (SEQUENCE_HIGHEST + 1, "too-high")):
        yield _vector(
            f"publish-sequence-{id}", rule, "No event has this number.",
            publish(ENTRIES[0]._replace(sequence=sequence)), [],
            error="NumberOutOfRange", offset=4,
        )  # fmt: skip
    yield _vector(
        "reason-not-utf8", rule, "Text that is not UTF-8.",
        framed(struct.pack("<IQQ", 6, 1, 2) + b"a\xff"), [], error="InvalidText", offset=21,
    )  # fmt: skip
    event = encode_event(SMALLEST)
    bad = publish(LogEntry(1, 0, SMALLEST)).replace(event, event[:8] + b"\2" + event[9:])
    yield _vector(
        "publish-bad-tag", rule, "The tag of `ppid` is 2.", bad, [],
        error="InvalidTag", offset=12 + 28 + 28 + 8,
    )  # fmt: skip
    yield _vector(
        "varint", rule, "Acknowledge of 3 as bincode 2 `standard()` writes it, in an envelope.",
        framed(b"\5\3\0\0"), [], error="InvalidTag", offset=0,
    )  # fmt: skip


def _versions() -> Iterator[Vector]:
    rule = "LNK-2.1 LNK-1.3"
    yield _vector(
        "hello-version-0", rule, "Versions start at 1.", hello(version=0), [],
        error="NumberOutOfRange", offset=4,
    )  # fmt: skip
    yield _vector(
        "hello-version-2", rule, "A newer connector, with the same fields.", hello(version=2),
        [{**HELLO, "protocol_version": 2}],
    )  # fmt: skip
    yield _vector(
        "hello-version-2-longer", rule, "A newer connector with a further field, which is ignored.",
        hello(version=2, rest=b"further"), [{**HELLO, "protocol_version": 2}], canonical=False,
    )  # fmt: skip
    for version, rest in ((0, b""), (2, b"whatever"), (2**32 - 1, b"\0" * 12)):
        yield _vector(
            f"welcome-version-{version}", rule, "Of another version only the version is read.",
            framed(struct.pack("<II", 4, version) + rest),
            [welcome_json(version, 0, 0)], canonical=len(rest) == 12,
        )  # fmt: skip
