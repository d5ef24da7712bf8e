"""Vectors of one frame: bytes, and the salt, file number and offset that they stand at."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from zlib import crc32

from reference.codec import encode_event, encode_timestamp
from reference.events import LogEntry
from reference.frame import encode_frame
from reference.segment_header import NO_LOG_ID, FrameKey, SegmentHeader
from reference.timestamps import format_rfc3339
from tests.vectors.building import bits_apart, flip, put
from tests.vectors.codec_values import SMALLEST
from tests.vectors.document import Json, Vector, content_json, event_json
from tests.vectors.two_records import ENTRIES, HEADER, frames

BODY_BYTES_HIGHEST = 2**20
SEQUENCE_HIGHEST = 2**64 - 1 - 2**16


def vectors() -> Iterator[Vector]:
    yield from _two_records()
    yield from _good()
    yield from _incomplete()
    yield from _rotten()
    yield from _bounds()
    yield from _elsewhere()
    yield from _undecodable()


def _key(salt: bytes = HEADER.salt, number: int = 1) -> FrameKey:
    return SegmentHeader(number, NO_LOG_ID, NO_LOG_ID, salt, 1, 1, 1).frame_key


def _vector(
    id: str,
    requirements: str,
    flags: str,
    comment: str,
    data: bytes,
    then: Mapping[str, Json],
    *,
    offset: int = 8192,
    number: int = 1,
    salt: bytes = HEADER.salt,
) -> Vector:
    given: dict[str, Json] = {
        "file_number": number,
        "salt": salt.hex(),
        "offset": str(offset),
        "parts": content_json(data),
    }
    return Vector(
        f"frame-{id}", requirements.split(), flags.split(), comment, given, dict(then)
    )  # fmt: skip


def _holds(entry: LogEntry, data: bytes) -> dict[str, Json]:
    return {
        "verdict": "good",
        "sequence": str(entry.sequence),
        "body_bytes": len(data) - 20,
        "timestamp": format_rfc3339(entry.timestamp_ns),
        "event": event_json(entry.event),
    }


def _payload(entry: LogEntry) -> bytes:
    return encode_timestamp(entry.timestamp_ns) + encode_event(entry.event)


def _two_records() -> Iterator[Vector]:
    first, second = frames()
    good = "FMT-5.1 FMT-5.3 FMT-5.4"
    yield _vector(
        "first-of-two", good, "codec",
        "The first frame of the log that SPEC.md, section 13, takes apart.",
        first, _holds(ENTRIES[0], first),
    )  # fmt: skip
    yield _vector(
        "second-of-two", good, "codec",
        "The second frame, with more fields. It stands right behind the first.",
        second, _holds(ENTRIES[1], second), offset=8192 + len(first),
    )  # fmt: skip


def _good() -> Iterator[Vector]:
    smallest = LogEntry(1, 0, SMALLEST)
    frame = encode_frame(_key(), 8192, 1, _payload(smallest))
    assert len(frame) == 107
    yield _vector(
        "smallest", "FMT-5.1", "codec", "107 bytes: no frame is smaller.", frame,
        _holds(smallest, frame),
    )  # fmt: skip
    late = LogEntry(SEQUENCE_HIGHEST, 1, SMALLEST)
    offset = 2**32 + 8192
    frame = encode_frame(_key(number=2**32 - 1 - 2**16), offset, late.sequence, _payload(late))
    yield _vector(
        "highest-numbers", "FMT-5.1 FMT-5.3", "extreme",
        "The highest sequence and file number, at an offset above 4 GiB: the CRC takes 8 bytes "
        "of offset and 4 of file number.",
        frame, _holds(late, frame), offset=offset, number=2**32 - 1 - 2**16,
    )  # fmt: skip
    salt = bytes(4) + b"salt"
    frame = encode_frame(_key(salt), 8192, 1, _payload(smallest))
    assert frame[:4] == b"\xff" * 4
    yield _vector(
        "sync-word-replaced", "FMT-5.2 FMT-5.3", "header",
        "A salt whose first half is zeros: the sync word is FF FF FF FF, the CRC takes the salt.",
        frame, _holds(smallest, frame), salt=salt,
    )  # fmt: skip
    first = frames()[0]
    yield _vector(
        "followed-by-anything", "FMT-5.4", "trailing",
        "Bytes behind the frame are none of its business.", first + b"\xa5" * 30,
        _holds(ENTRIES[0], first),
    )  # fmt: skip


def _incomplete() -> Iterator[Vector]:
    first = frames()[0]
    for length in (0, 19):
        yield _vector(
            f"of-{length}-bytes", "FMT-5.4", "truncated", "Not even a header.", first[:length],
            {"verdict": "incomplete"},
        )  # fmt: skip
    for name, length in (("header-only", 20), ("one-byte-short", len(first) - 1)):
        yield _vector(
            name, "FMT-5.4", "truncated", "The header verifies, the frame ends behind the file.",
            first[:length],
            {"verdict": "incomplete", "sequence": "1", "body_bytes": len(first) - 20},
        )  # fmt: skip


def _rotten() -> Iterator[Vector]:
    first = frames()[0]
    for field, at in (
        ("sync-word", 0), ("length", 4), ("length-high", 7), ("sequence", 8), ("sequence-high", 15),
        ("header-crc", 16),
    ):  # fmt: skip
        rotten = flip(first, at)
        assert bits_apart(first, rotten) == 1
        yield _vector(
            f"rotten-{field}", "FMT-5.4 FMT-5.3", "bit-rot", f"One bit of byte {at} rotted.",
            rotten, {"verdict": "bad-header"},
        )  # fmt: skip
    fields = {"sequence": "1", "body_bytes": len(first) - 20}
    for field, at in (
        ("body-sequence", 20), ("timestamp", 40), ("event", 80), ("body-crc", len(first) - 1),
    ):  # fmt: skip
        yield _vector(
            f"rotten-{field}", "FMT-5.4 FMT-5.3", "bit-rot", f"One bit of byte {at} rotted.",
            flip(first, at), {"verdict": "bad-body", **fields},
        )  # fmt: skip
    yield _vector(
        "zeros", "FMT-5.4", "zeros", "Zeros are never a frame.", bytes(200),
        {"verdict": "bad-header"},
    )  # fmt: skip
    yield _vector(
        "zeros-with-salt-of-zeros", "FMT-5.4 FMT-5.2", "zeros",
        "Not even where the salt is all zeros, because a sync word never is.", bytes(200),
        {"verdict": "bad-header"}, salt=bytes(8),
    )  # fmt: skip


def _bare(body_bytes: int, sequence: int = 1) -> bytes:
    """Return a header whose CRC holds, with these fields."""
    key = _key()
    fields = struct.pack("<IIQ", key.sync_word, body_bytes, sequence)
    crc = crc32((8192).to_bytes(8, "little") + fields, key.crc_seed)
    return fields + crc.to_bytes(4, "little")


def _bounds() -> Iterator[Vector]:
    for body_bytes, is_good in (
        (0, False), (86, False), (87, True), (BODY_BYTES_HIGHEST, True),
        (BODY_BYTES_HIGHEST + 1, False), (2**32 - 1, False),
    ):  # fmt: skip
        then: dict[str, Json] = {"verdict": "bad-header"}
        if is_good:
            then = {"verdict": "incomplete", "sequence": "1", "body_bytes": body_bytes}
        yield _vector(
            f"length-{body_bytes}", "FMT-5.1 FMT-5.4 FMT-1.4", "length",
            f"Only a header, whose CRC holds; it claims {body_bytes} bytes. 87 to 2^20 are legal, "
            "whatever limit is configured.",
            _bare(body_bytes), then,
        )  # fmt: skip
    for sequence, is_good in (
        (0, False), (SEQUENCE_HIGHEST, True), (SEQUENCE_HIGHEST + 1, False), (2**64 - 1, False),
    ):  # fmt: skip
        then = {"verdict": "bad-header"}
        if is_good:
            then = {"verdict": "incomplete", "sequence": str(sequence), "body_bytes": 100}
        yield _vector(
            f"sequence-{sequence}", "FMT-5.1 FMT-5.4", "extreme",
            "Only a header, whose CRC holds. 1 to 2^64-1-2^16 are legal.",
            _bare(100, sequence), then,
        )  # fmt: skip


def _elsewhere() -> Iterator[Vector]:
    first, second = frames()
    moved = {"verdict": "bad-header"}
    yield _vector(
        "at-other-offset", "FMT-5.4 REC-3.3", "moved", "A sound frame, 1 byte further.",
        first, moved, offset=8193,
    )  # fmt: skip
    yield _vector(
        "at-4-gib-further", "FMT-5.4 FMT-5.3", "moved",
        "The offset differs above bit 32 only: all 8 bytes count.", first, moved,
        offset=8192 + 2**32,
    )  # fmt: skip
    yield _vector(
        "in-other-file", "FMT-5.4 REC-3.3", "moved", "The same salt, another file number.",
        first, moved, number=2,
    )  # fmt: skip
    other_half = HEADER.salt[:4] + bytes(4)
    assert _key(other_half).sync_word == _key().sync_word
    yield _vector(
        "under-other-salt", "FMT-5.4 REC-3.3", "moved",
        "A salt with the same first half: the sync word fits, the CRC does not.",
        first, moved, salt=other_half,
    )  # fmt: skip

    payloads = [_payload(LogEntry(n, 0, SMALLEST._replace(pid=n))) for n in (1, 2)]
    one, two = (encode_frame(_key(), 8192, 1, payload) for payload in payloads)
    assert one[:20] == two[:20], "headers of one length, place and sequence are the same"
    three = encode_frame(_key(), 8192, 3, payloads[1])
    assert len(one) == len(three)
    _assert_a_crc_over_the_header_crc_would_hold(one, three)
    yield _vector(
        "with-other-body", "FMT-5.3 FMT-5.4", "moved crc",
        "The header of sequence 1 with the sound body of sequence 3 of the same place and length. "
        "A body CRC that covered the header CRC would hold under any header.",
        one[:20] + three[20:], {"verdict": "bad-body", "sequence": "1", "body_bytes": 87},
    )  # fmt: skip
    assert len(second) > len(first)


def _assert_a_crc_over_the_header_crc_would_hold(one: bytes, other: bytes) -> None:
    """Show that under that rule the body of `other` has one CRC behind both headers."""

    def naive(header: bytes) -> int:
        covered = crc32(header[16:20], int.from_bytes(header[16:20], "little"))
        return crc32(other[20:-4], covered)

    assert one[:20] != other[:20]
    assert naive(one) == naive(other)


def _undecodable() -> Iterator[Vector]:
    entry = LogEntry(1, 0, SMALLEST)
    payload = _payload(entry)
    for id, bad, error, offset, comment in (
        ("event-type", put(payload, 28, b"\x07"), "InvalidTag", 36, "event_type is 7."),
        ("trailing", payload + b"\0", "TrailingBytes", 83, "A byte between event and CRC."),
        ("timestamp", put(payload, 27, b"z"), "InvalidText", 16, "The timestamp ends in z."),
        ("cut", payload[:-1] + b"\x01", "EndOfBytes", 87, "A last Option says that text follows."),
    ):
        frame = encode_frame(_key(), 8192, 1, bad)
        fields = {"sequence": "1", "body_bytes": len(frame) - 20}
        yield _vector(
            f"undecodable-{id}", "FMT-5.4 REC-11.1", "undecodable",
            f"{comment} Both CRCs hold; the place is counted from the start of the body.",
            frame, {"verdict": "undecodable", **fields, "error": error, "offset": offset},
        )  # fmt: skip

    sound = encode_frame(_key(), 8192, 1, payload)
    header_crc = int.from_bytes(sound[16:20], "little")
    body = (7).to_bytes(8, "little") + payload
    frame = sound[:20] + body + crc32(body, header_crc).to_bytes(4, "little")
    yield _vector(
        "undecodable-other-sequence", "FMT-5.1 REC-11.1", "undecodable numbers",
        "The body says sequence 7, the header 1. Both CRCs hold.", frame,
        {"verdict": "undecodable", "sequence": "1", "body_bytes": 87,
         "error": "NumberOutOfRange", "offset": 0},
    )  # fmt: skip
