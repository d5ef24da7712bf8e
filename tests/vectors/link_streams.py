"""Vectors of the broker link: the largest of each, parts of frames, and other versions.

The plain messages and the first of each kind of stream are in link_values.py.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from zlib import crc32

from reference.events import LogEntry
from reference.timestamps import TIME_NS_MAX
from tests.vectors.codec_values import FULL, SMALLEST
from tests.vectors.document import Json, Vector, content_json
from tests.vectors.link_building import (
    BODY_BYTES_HIGHEST,
    GOODBYE,
    LOG_ID,
    U32_HIGHEST,
    U64_HIGHEST,
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
from tests.vectors.two_records import ENTRIES

PING: Message = {"type": "Ping", "nonce": "3"}
SMALL = LogEntry(1, 0, SMALLEST)


ONE_OF_EACH: Sequence[tuple[str, bytes, Message]] = (
    ("hello", hello(), hello_json(1, "procmond", LOG_ID, 7)),
    ("publish", publish(SMALL), publish_json(SMALL)),
    ("ping", number(2, 3), PING),
    ("goodbye", GOODBYE, {"type": "Goodbye"}),
    ("welcome", welcome(), welcome_json(1, 256, 7)),
    ("acknowledge", number(5, 1), {"type": "Acknowledge", "through": "1"}),
    ("refuse", refuse(2, "no"), {"type": "Refuse", "sequence": "2", "reason": "no"}),
    ("pong", number(7, 3), {"type": "Pong", "nonce": "3"}),
    ("error", error("no"), {"type": "Error", "reason": "no"}),
)
"""Name, frame and meaning, in the order of the tags."""


def vectors() -> Iterator[Vector]:
    yield from _ends_of_ranges()
    yield from _publishes()
    yield from _reasons()
    yield from _several()
    yield from _incomplete()
    yield from _other_versions()


def _vector(
    id: str,
    requirements: str,
    flags: str,
    comment: str,
    data: bytes,
    *messages: Message,
    rest_bytes: int = 0,
    canonical: bool = True,
    parts: list[Json] | None = None,
) -> Vector:
    then = {"messages": [dict(each) for each in messages], "rest_bytes": rest_bytes}
    return Vector(
        f"link-{id}", requirements.split(), flags.split(), comment,
        {"parts": parts or content_json(data)}, {**then, "canonical": canonical},
    )  # fmt: skip


def _ends_of_ranges() -> Iterator[Vector]:
    client = "ż" * 126 + "abc"
    assert (len(client), len(client.encode())) == (129, 255)
    body = struct.pack("<II", 0, 1) + text(client) + b"\xff" * 16 + struct.pack("<Q", U64_HIGHEST)
    yield _vector(
        "hello-highest", "LNK-1.3 LNK-2.1", "link extreme",
        "129 characters of client_id in 255 bytes, which are what counts; the highest numbers.",
        framed(body), hello_json(1, client, b"\xff" * 16, U64_HIGHEST),
    )  # fmt: skip
    for id, window, through, comment in (
        ("lowest", 0, 0, "A window of 0 decodes: that it is a violation is for the session."),
        ("highest", U32_HIGHEST, U64_HIGHEST, "The highest numbers, none of which turns negative."),
    ):
        yield _vector(
            f"welcome-{id}", "LNK-1.3 LNK-2.2", "link extreme", comment,
            welcome(1, window, through), welcome_json(1, window, through),
        )  # fmt: skip
    nonce = 0x0102030405060708
    data = b"\x0c\0\0\0\x02\0\0\0\x08\x07\x06\x05\x04\x03\x02\x01"
    assert data == number(2, nonce)
    yield _vector(
        "ping-byte-order", "LNK-1.1 LNK-1.3", "link codec",
        "Length, tag and nonce with their lowest byte first.", data,
        {"type": "Ping", "nonce": str(nonce)},
    )  # fmt: skip


def _publishes() -> Iterator[Vector]:
    full = LogEntry(2**32 + 1, TIME_NS_MAX, FULL)
    assert len(publish(SMALL)) == 119, "no Publish is smaller"
    for id, flags, entry, comment in (
        ("smallest", "link", SMALL, "No Publish is smaller: 119 bytes, which count in the buffer."),
        ("all-fields", "link", full, "Every field of the event, and the longest timestamp."),
        ("two-byte-letters", "link text", LogEntry(1, 0, SMALLEST._replace(name="żółw 雪 🐍")),
         "A name of 8 characters in 16 bytes: the buffer counts bytes."),
    ):  # fmt: skip
        yield _vector(
            f"publish-{id}", "LNK-1.3 LNK-1.4 BUF-1.1", flags, comment, publish(entry),
            publish_json(entry),
        )  # fmt: skip


def _reasons() -> Iterator[Vector]:
    reason = "żółw 雪 🐍\n\0\x7f"
    refusal: Message = {"type": "Refuse", "sequence": str(U64_HIGHEST), "reason": reason}
    comment = "Four bytes a character, controls and NUL: the codec keeps them all."
    yield _vector("refuse-any-text", "LNK-1.3", "link text", comment,
                  refuse(U64_HIGHEST, reason), refusal)  # fmt: skip
    yield _vector("error-any-text", "LNK-1.3", "link text", comment, error(reason),
                  {"type": "Error", "reason": reason})  # fmt: skip
    size = BODY_BYTES_HIGHEST - 4 - 8 - 8
    start = struct.pack("<IIQQ", BODY_BYTES_HIGHEST, 6, 7, size)
    body = start[4:] + b"x" * size
    assert len(body) == 2**20
    yield _vector(
        "refuse-largest", "LNK-1.1 LNK-1.3", "link length", "A reason that fills 2^20 bytes.",
        b"", {"type": "Refuse", "body_bytes": len(body), "crc": f"{crc32(body):08x}"},
        parts=content_json(start) + content_json(b"x" * size),
    )  # fmt: skip


def _several() -> Iterator[Vector]:
    assert [frame[4] for _, frame, _ in ONE_OF_EACH] == list(range(9))
    yield _vector(
        "one-of-each", "LNK-1.1 LNK-1.3", "link stream",
        "All nine in the order of their tags: one enum for both directions.",
        b"".join(frame for _, frame, _ in ONE_OF_EACH),
        *(message for _, _, message in ONE_OF_EACH),
    )  # fmt: skip
    yield _vector(
        "two-publishes", "LNK-1.1 LNK-1.4", "link stream",
        "Both entries of the log of SPEC.md, section 13, in one read.",
        b"".join(publish(entry) for entry in ENTRIES), *(publish_json(e) for e in ENTRIES),
    )  # fmt: skip


def _incomplete() -> Iterator[Vector]:
    whole = number(2, 3)
    highest = struct.pack("<I", BODY_BYTES_HIGHEST)
    yield _vector(
        "rest-part-of-a-length", "LNK-1.1", "stream truncated",
        "The first three bytes of a length, all zeros: no length yet, so no bad one.",
        bytes(3), rest_bytes=3,
    )  # fmt: skip
    yield _vector(
        "rest-highest-length", "LNK-1.1 LNK-1.2", "stream length",
        "A message, then a length of 2^20, which is legal: the rest waits for its body.",
        whole + highest, PING, rest_bytes=4,
    )  # fmt: skip
    unknown = struct.pack("<II", 8, 9)
    yield _vector(
        "rest-unknown-tag", "LNK-1.1 LNK-1.3", "stream truncated",
        "The tag of a frame that is not whole is none. A body is judged when it is whole.",
        unknown, rest_bytes=len(unknown),
    )  # fmt: skip


def _other_versions() -> Iterator[Vector]:
    highest = hello_json(U32_HIGHEST, "procmond", LOG_ID, 7)
    yield _vector(
        "hello-version-highest", "LNK-2.1", "link-version",
        "The highest version; what stands behind its fields is ignored, whatever it is.",
        hello(U32_HIGHEST, rest=b"\xff" * 9), highest, canonical=False,
    )  # fmt: skip
    start = hello(2)[4:]
    rest = BODY_BYTES_HIGHEST - len(start)
    yield _vector(
        "hello-version-2-largest", "LNK-1.1 LNK-2.1", "link-version length",
        "A body of 2^20 bytes, nearly all of it fields of version 2.",
        struct.pack("<I", BODY_BYTES_HIGHEST) + start + bytes(rest),
        hello_json(2, "procmond", LOG_ID, 7), canonical=False,
    )  # fmt: skip
    for id, version, data, comment in (
        ("2-like-1", 2, welcome(2, 8, 7), "It looks like version 1, and is not read all the same."),
        ("2-like-1-longer", 2, framed(welcome(2, 8, 7)[4:] + b"\0"),
         "Nor is a byte more too much: it is no version of which the end is known."),
        ("3-alone", 3, framed(struct.pack("<II", 4, 3)), "Version 3 may have no other field."),
    ):  # fmt: skip
        yield _vector(
            f"welcome-version-{id}", "LNK-2.1", "link-version", comment, data,
            welcome_json(version, 0, 0), canonical=False,
        )  # fmt: skip
