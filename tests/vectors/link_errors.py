"""Vectors of the broker link: what must be rejected, with the rule and the place in the body.

Places in the Publish of the smallest START, a body of 115 bytes:

    0 tag   4 sequence   12 topic, 20 bytes at 20   40 timestamp, 20 bytes at 48
    68 the event, 47 bytes: see codec_errors.py

The first of each kind are in link_values.py.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from tests.vectors.building import put
from tests.vectors.document import Vector, content_json
from tests.vectors.link_building import (
    LOG_ID,
    U64_HIGHEST,
    Message,
    error,
    framed,
    hello,
    number,
    publish,
    refuse,
    u64,
)
from tests.vectors.link_streams import ONE_OF_EACH, PING, SMALL

PUBLISH = publish(SMALL)[4:]
HELLO = hello()[4:]


def vectors() -> Iterator[Vector]:
    yield from _lengths()
    yield from _tags()
    yield from _hello()
    yield from _publish()
    yield from _event()
    yield from _texts()
    yield from _other_encodings()


def _stream(
    id: str,
    requirements: str,
    flags: str,
    comment: str,
    data: bytes,
    error: str,
    offset: int | None = None,
    *before: Message,
) -> Vector:
    then = {"messages": [dict(each) for each in before], "error": error}
    return Vector(
        f"link-{id}", requirements.split(), flags.split(), comment,
        {"parts": content_json(data)}, then if offset is None else {**then, "offset": offset},
    )  # fmt: skip


def _body(
    id: str, requirements: str, flags: str, comment: str, body: bytes, error: str, offset: int
) -> Vector:
    return _stream(id, requirements, flags, comment, framed(body), error, offset)


def _lengths() -> Iterator[Vector]:
    yield _stream(
        "length-3-with-body", "LNK-1.1", "length truncated",
        "A Goodbye without its last byte: the three bytes are there, and are no tag.",
        framed(b"\3\0\0"), "FrameLengthOutOfRange",
    )  # fmt: skip
    yield _stream(
        "length-bad-between", "LNK-1.1 LNK-1.2", "length stream",
        "What is before it counts. There is no way to find the frame behind it.",
        number(2, 3) + struct.pack("<I", 2**20 + 1) + number(2, 4), "FrameLengthOutOfRange", None,
        PING,
    )  # fmt: skip
    own = struct.pack("<I", 16) + number(2, 3)[4:]
    yield _stream(
        "length-counts-itself", "LNK-1.1", "length stream",
        "Two Pings whose lengths count their own four bytes: the second's length ends the first.",
        own + own, "TrailingBytes", 12,
    )  # fmt: skip


def _tags() -> Iterator[Vector]:
    yield _body(
        "tag-big-endian", "LNK-1.3", "link tag codec", "Goodbye with the tag's bytes reversed.",
        b"\0\0\0\3", "InvalidTag", 0,
    )  # fmt: skip
    yield _stream(
        "tag-9-between", "LNK-1.3 LNK-4.1", "link tag stream",
        "An unknown message is not skipped: what is before it counts, and it ends the link.",
        number(2, 3) + number(9, 1) + number(2, 4), "InvalidTag", 0, PING,
    )  # fmt: skip
    for name, frame, _ in ONE_OF_EACH:
        if name != "goodbye":
            yield _body(
                f"{name}-tag-only", "LNK-1.3", "link truncated", "The tag, and none of its fields.",
                frame[4:8], "EndOfBytes", 4,
            )  # fmt: skip
    yield _body(
        "ping-and-ping", "LNK-1.3", "link trailing", "Two in one frame: a body is one message.",
        number(2, 3)[4:] + number(2, 4)[4:], "TrailingBytes", 12,
    )  # fmt: skip


def _hello() -> Iterator[Vector]:
    for id, body, error_name, offset, comment in (
        ("version-2-without-log-id", hello(2)[4:].replace(LOG_ID, bytes(16)), "NumberOutOfRange",
         24, "Zeros are no log_id in version 2 either: the layout of Hello stays."),
        ("client-128-letters", hello(client="ż" * 128)[4:], "LengthOutOfRange", 8,
         "128 characters in 256 bytes: bytes count."),
        ("version-2-client-256", hello(2, "c" * 256, rest=b"new")[4:], "LengthOutOfRange", 8,
         "256 bytes of client_id are too many in version 2, too."),
        ("client-length-highest", put(HELLO, 8, u64(U64_HIGHEST)), "LengthOutOfRange", 8,
         "client_id claims 2^64-1 bytes: added to an offset it overflows."),
        ("cut-in-log-id", HELLO[:30], "EndOfBytes", 30, "Six of the sixteen bytes of log_id."),
        ("version-2-less-a-byte", hello(2)[4:-1], "EndOfBytes", 47,
         "Version 2 has at least the fields of version 1."),
        ("version-only", HELLO[:8], "EndOfBytes", 8, "Nothing behind the version."),
    ):  # fmt: skip
        flags = "link link-version" if "version" in id else "link"
        yield _body(f"hello-{id}", "LNK-1.3 LNK-2.1", flags, comment, body, error_name, offset)


def _publish() -> Iterator[Vector]:
    assert len(PUBLISH) == 115
    yield _body(
        "publish-sequence-highest", "LNK-1.3", "link extreme", "2^64-1 has no successor.",
        put(PUBLISH, 4, u64(U64_HIGHEST)), "NumberOutOfRange", 4,
    )  # fmt: skip
    for id, offset, length, comment in (
        ("topic-highest", 12, U64_HIGHEST, "The topic claims 2^64-1 bytes."),
        ("topic-one-too-many", 12, 96, "The topic claims 96 bytes, and 95 remain."),
        ("timestamp-19", 40, 19, "No timestamp is that short."),
        ("timestamp-31", 40, 31, "No timestamp is that long, though the bytes are there."),
        ("name-one-too-many", 68 + 9, 31, "name claims 31 bytes, and 30 remain."),
        ("count-highest", 68 + 18, U64_HIGHEST, "2^64-1 arguments: times 8 it overflows."),
    ):
        yield _body(
            f"publish-length-{id}", "LNK-1.3 FMT-2.3", "link length", comment,
            put(PUBLISH, offset, u64(length)), "LengthOutOfRange", offset,
        )  # fmt: skip
    yield _body(
        "publish-timestamp-spelling", "LNK-1.4 FMT-2.6", "link spelling",
        "The timestamp ends in z: as in the log, one instant has one spelling.",
        put(PUBLISH, 67, b"z"), "InvalidText", 48,
    )  # fmt: skip
    yield _body(
        "publish-without-topic", "LNK-1.3 LNK-1.4", "link",
        "Sequence and payload as a log body has them: the timestamp is taken for the topic.",
        PUBLISH[:12] + PUBLISH[40:], "LengthOutOfRange", 40,
    )  # fmt: skip


def _event() -> Iterator[Vector]:
    for field, at, tag in (
        ("event-type", 0, 3), ("executable-path", 17, 2), ("start-time", 26, 255),
        ("cpu-usage", 27, 2), ("memory-usage", 28, 128), ("hash", 29, 2),
        ("hash-algorithm", 30, 2), ("user-id", 31, 3), ("accessible", 32, 2),
        ("file-exists", 33, 255), ("metadata", 46, 2),
    ):  # fmt: skip
        yield _body(
            f"publish-tag-{field}", "LNK-1.3 FMT-2.2", "link tag",
            f"The tag of {field} is {tag}. Places count from the start of the body.",
            put(PUBLISH, 68 + at, bytes([tag])), "InvalidTag", 68 + at,
        )  # fmt: skip


def _texts() -> Iterator[Vector]:
    bad = struct.pack("<Q", 3) + b"ab\xff"
    log_id = LOG_ID + bytes(8)
    error_head = struct.pack("<I", 8)
    for id, body, offset in (
        ("hello-client", HELLO[:8] + bad + log_id, 16 + 2),
        ("publish-topic", PUBLISH[:12] + bad + PUBLISH[40:], 20 + 2),
        ("error-reason", error_head + bad, 12 + 2),
        ("error-reason-surrogate", error_head + struct.pack("<Q", 3) + b"\xed\xa0\x80", 12),
        ("error-reason-cut", error_head + struct.pack("<Q", 4) + "no ż".encode()[:-1], 12 + 3),
    ):
        yield _body(
            f"{id}-not-utf8", "LNK-1.3 FMT-2.4", "link text",
            "Nothing is replaced. The place is that of the first bad sequence.",
            body, "InvalidText", offset,
        )  # fmt: skip
    for name, frame in (("refuse", refuse(1, "")), ("error", error(""))):
        at = len(frame) - 4 - 8
        for length, word in ((1, "one-too-many"), (U64_HIGHEST, "highest")):
            yield _body(
                f"{name}-length-{word}", "LNK-1.3 FMT-2.3", "link length",
                f"The reason claims {length} bytes, and none remains.",
                put(frame[4:], at, u64(length)), "LengthOutOfRange", at,
            )  # fmt: skip


def _other_encodings() -> Iterator[Vector]:
    """bincode 2 `standard()`: numbers up to 250 are one byte, in tags and lengths, too."""
    varint = b"\x00\x01\x08procmond" + LOG_ID + b"\x07"
    yield _body(
        "varint-hello", "LNK-1.3", "link varint",
        "A Hello of bincode 2 standard(): its first four bytes are no tag.", varint,
        "InvalidTag", 0,
    )  # fmt: skip
    for name, body in (("ping", b"\x02\x03"), ("goodbye", b"\x03")):
        yield _stream(
            f"varint-{name}", "LNK-1.1 LNK-1.3", "link varint",
            f"A {name} of bincode 2 standard(): shorter than a tag.", framed(body),
            "FrameLengthOutOfRange",
        )  # fmt: skip
    yield _body(
        "text-length-of-four-bytes", "LNK-1.3", "link codec",
        "The reason's length has four bytes, not eight: its letters are taken for length.",
        struct.pack("<II", 8, 4) + b"gone", "LengthOutOfRange", 4,
    )  # fmt: skip
