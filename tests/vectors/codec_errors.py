"""Vectors of the encoding: bytes that a decoder must reject, with the rule and the place.

Places in the smallest event, 47 bytes:

    0 event_type   4 pid       8 ppid        9 name          17 executable_path
    18 command_line count     26 start_time  27 cpu_usage    28 memory_usage
    29 executable_hash        30 hash_algorithm              31 user_id
    32 accessible  33 file_exists  34 timestamp  42 its nanoseconds  46 platform_metadata
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from reference.codec import encode_event
from tests.vectors.building import put
from tests.vectors.codec_values import FULL, SMALLEST
from tests.vectors.document import Vector

SMALL = bytes(47)
U64_MAX = b"\xff" * 8


def vectors() -> Iterator[Vector]:
    yield from _ends_early()
    yield from _tags()
    yield from _lengths()
    yield from _texts()
    yield from _numbers()
    yield from _pairs_and_ends()
    yield from _varint_vectors()


def rejected(
    id: str,
    requirements: str,
    flags: str,
    comment: str,
    data: bytes,
    error: str,
    offset: int,
    *,
    type: str = "event",
) -> Vector:
    return Vector(
        f"codec-{id}", requirements.split(), flags.split(), comment,
        {"type": type, "hex": data.hex()}, {"error": error, "offset": offset},
    )  # fmt: skip


def _ends_early() -> Iterator[Vector]:
    full = encode_event(FULL)
    for length in (0, 3, 8, 12):
        yield rejected(
            f"cut-at-{length}", "FMT-1.3", "truncated",
            "The smallest event is cut. The place named is the end of the bytes.",
            SMALL[:length], "EndOfBytes", length,
        )  # fmt: skip
    for name, length in (("in-timestamp", 40), ("before-last-byte", 46)):
        yield rejected(
            f"cut-{name}", "FMT-1.3", "truncated", "The smallest event is cut.",
            SMALL[:length], "EndOfBytes", length,
        )  # fmt: skip
    last_text = len(full) - len('{"a":1}') - 8
    yield rejected(
        "cut-in-last-text", "FMT-2.3", "truncated length",
        "The last text is one byte short: its length exceeds what remains.",
        full[:-1], "LengthOutOfRange", last_text,
    )  # fmt: skip


def _tags() -> Iterator[Vector]:
    for field, offset, tag in (
        ("event-type", 0, 3), ("ppid", 8, 2), ("executable-path", 17, 2), ("start-time", 26, 255),
        ("cpu-usage", 27, 2), ("memory-usage", 28, 128), ("hash", 29, 2),
        ("hash-algorithm", 30, 2), ("user-id", 31, 3), ("accessible", 32, 2),
        ("file-exists", 33, 255), ("metadata", 46, 2),
    ):  # fmt: skip
        yield rejected(
            f"tag-{field}", "FMT-2.2", "tag", f"The tag of {field} is {tag}.",
            put(SMALL, offset, bytes([tag])), "InvalidTag", offset,
        )  # fmt: skip
    yield rejected(
        "tag-event-type-high-byte", "FMT-2.2", "tag",
        "The enum tag has four bytes, and the last of them is 01.",
        put(SMALL, 3, b"\x01"), "InvalidTag", 0,
    )  # fmt: skip


def _lengths() -> Iterator[Vector]:
    yield rejected(
        "length-name-one-too-many", "FMT-2.3 FMT-1.3", "length",
        "name claims 31 bytes, and 30 remain.", put(SMALL, 9, b"\x1f"), "LengthOutOfRange", 9,
    )  # fmt: skip
    yield rejected(
        "length-name-highest", "FMT-2.3 FMT-1.3", "length",
        "name claims 2^64-1 bytes: added to an offset it overflows.",
        put(SMALL, 9, U64_MAX), "LengthOutOfRange", 9,
    )  # fmt: skip
    yield rejected(
        "length-count-highest", "FMT-2.3 FMT-1.3", "length",
        "2^64-1 arguments: times 8 it overflows. Nothing may be allocated for them.",
        put(SMALL, 18, U64_MAX), "LengthOutOfRange", 18,
    )  # fmt: skip
    yield rejected(
        "length-count-2-to-61", "FMT-2.3 FMT-1.3", "length",
        "2^61 arguments of at least 8 bytes: the product is 0 in 64 bits.",
        put(SMALL, 18, (2**61).to_bytes(8, "little")), "LengthOutOfRange", 18,
    )  # fmt: skip
    yield rejected(
        "length-count-too-many", "FMT-2.3 FMT-1.3", "length",
        "3 arguments need 24 bytes for their lengths, and 21 remain.",
        put(SMALL, 18, b"\x03"), "LengthOutOfRange", 18,
    )  # fmt: skip
    one = encode_event(SMALLEST._replace(command_line=("x",)))
    yield rejected(
        "length-argument", "FMT-2.3 FMT-1.3", "length", "An argument claims 2^32 bytes.",
        put(one, 26, (2**32).to_bytes(8, "little")), "LengthOutOfRange", 26,
    )  # fmt: skip


def _texts() -> Iterator[Vector]:
    for name, text, at, comment in (
        ("byte-ff", b"ab\xff", 2, "FF is never in UTF-8"),
        ("overlong", b"\xc0\x80", 0, "an overlong NUL"),
        ("surrogate", b"\xed\xa0\x80", 0, "a surrogate, as in CESU-8"),
        ("cut-character", b"ab\xe2\x82", 2, "a three-byte character of two bytes"),
        ("above-unicode", b"\xf4\x90\x80\x80", 0, "a character above U+10FFFF"),
        ("continuations", b"\x80" * 10, 0, "continuation bytes without a first one"),
    ):
        data = SMALL[:9] + len(text).to_bytes(8, "little") + text + SMALL[17:]
        yield rejected(
            f"text-{name}", "FMT-2.4", "text",
            f"name holds {comment}. The place is that of the first bad sequence.",
            data, "InvalidText", 17 + at,
        )  # fmt: skip


def _numbers() -> Iterator[Vector]:
    cpu = encode_event(SMALLEST._replace(cpu_usage=1.0))
    for name, bits in (
        ("nan", 0x7FF8_0000_0000_0000), ("signalling-nan", 0x7FF0_0000_0000_0001),
        ("infinity", 0x7FF0_0000_0000_0000), ("minus-infinity", 0xFFF0_0000_0000_0000),
    ):  # fmt: skip
        yield rejected(
            f"cpu-{name}", "FMT-2.7 EVT-1.2", "number", "cpu_usage must be finite.",
            put(cpu, 28, bits.to_bytes(8, "little")), "NumberOutOfRange", 28,
        )  # fmt: skip
    year_10000 = (253_402_300_800).to_bytes(8, "little")
    a_second = (1_000_000_000).to_bytes(4, "little")
    start = encode_event(SMALLEST._replace(start_time_ns=0))
    for name, data, offset in (
        ("system-time-year-10000", put(SMALL, 34, year_10000), 34),
        ("system-time-seconds-highest", put(SMALL, 34, U64_MAX), 34),
        ("system-time-nanoseconds", put(SMALL, 42, a_second), 42),
        ("system-time-nanoseconds-highest", put(SMALL, 42, b"\xff" * 4), 42),
        ("start-time-year-10000", put(start, 27, year_10000), 27),
        ("start-time-nanoseconds", put(start, 35, a_second), 35),
    ):
        yield rejected(
            name, "FMT-2.7", "number", "Times are 1970 to 9999, with less than 10^9 nanoseconds.",
            data, "NumberOutOfRange", offset,
        )  # fmt: skip


def _pairs_and_ends() -> Iterator[Vector]:
    text = b"\x01" + (2).to_bytes(8, "little") + b"ab"
    for name, data in (
        ("hash-without-algorithm", SMALL[:29] + text + SMALL[30:]),
        ("algorithm-without-hash", SMALL[:30] + text + SMALL[31:]),
    ):
        yield rejected(
            name, "EVT-1.3", "hash-pair",
            "Both or neither. The place is the tag of executable_hash.", data, "InvalidTag", 29,
        )  # fmt: skip
    yield rejected(
        "trailing-zero", "FMT-2.5", "trailing", "One zero byte behind the event.",
        SMALL + b"\0", "TrailingBytes", 47,
    )  # fmt: skip
    yield rejected(
        "trailing-event", "FMT-2.5", "trailing", "A second event behind the first.",
        SMALL + SMALL, "TrailingBytes", 47,
    )  # fmt: skip


# ---- bincode 2 standard(): another format -----------------------------------


def _varint(value: int) -> bytes:
    """Return an unsigned integer as bincode 2 `standard()` writes it."""
    if value <= 250:
        return bytes([value])
    if value < 2**16:
        return b"\xfb" + struct.pack("<H", value)
    if value < 2**32:
        return b"\xfc" + struct.pack("<I", value)
    return b"\xfd" + struct.pack("<Q", value)


def _varint_event(pid: int, name: bytes, seconds: int) -> bytes:
    """Return a START event with only these fields, in varint form."""
    return b"".join(
        (
            _varint(0), _varint(pid), b"\0", _varint(len(name)), name, b"\0", _varint(0),
            bytes(6), b"\x01\x01", _varint(seconds), _varint(0), b"\0",
        )
    )  # fmt: skip


def _read_varint(data: bytes, offset: int) -> tuple[int, int]:
    """Return the integer at `offset` and the offset behind it, under varint rules."""
    first = data[offset]
    if first <= 250:
        return first, offset + 1
    size = {0xFB: 2, 0xFC: 4, 0xFD: 8}[first]
    return int.from_bytes(data[offset + 1 : offset + 1 + size], "little"), offset + 1 + size


def _read_varint_event(data: bytes) -> tuple[int, bytes, int]:
    """Return pid, name and seconds of what `_varint_event` wrote: the bytes are sound there."""
    event_type, offset = _read_varint(data, 0)
    pid, offset = _read_varint(data, offset)
    assert (event_type, data[offset]) == (0, 0), "a START without ppid"
    length, offset = _read_varint(data, offset + 1)
    name = data[offset : offset + length]
    offset += length
    assert data[offset : offset + 10] == bytes(8) + b"\x01\x01", "no optional field, two bools"
    seconds, offset = _read_varint(data, offset + 10)
    nanoseconds, offset = _read_varint(data, offset)
    assert (nanoseconds, data[offset:]) == (0, b"\0"), "no metadata, and nothing behind"
    return pid, name, seconds


def _varint_vectors() -> Iterator[Vector]:
    real = _varint_event(4711, b"sshd", 1_700_000_000)
    assert _read_varint_event(real) == (4711, b"sshd", 1_700_000_000)
    yield rejected(
        "varint-event", "FMT-2.5 FMT-2.2", "varint",
        "A sound event of bincode 2 standard(): START, pid 4711, sshd. Read as fixed width, its "
        "first four bytes are no event_type.",
        real, "InvalidTag", 0,
    )  # fmt: skip
    smallest = _varint_event(0, b"", 0)
    assert _read_varint_event(smallest) == (0, b"", 0)
    yield rejected(
        "varint-smallest-event", "FMT-2.5 FMT-2.3", "varint length",
        "The smallest varint event, 17 bytes: as fixed width the tags pass and the length of name "
        "does not.",
        smallest, "LengthOutOfRange", 9,
    )  # fmt: skip
