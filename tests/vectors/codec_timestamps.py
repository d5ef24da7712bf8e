"""Vectors of the encoding: `DateTime<Utc>`, which is text with exactly one spelling."""

from __future__ import annotations

from collections.abc import Iterator

from reference.codec import encode_timestamp
from reference.timestamps import TIME_NS_MAX, format_rfc3339
from tests.vectors.building import put
from tests.vectors.codec_errors import U64_MAX, rejected
from tests.vectors.codec_values import NOW_NS, SECOND_NS
from tests.vectors.document import Vector


def vectors() -> Iterator[Vector]:
    yield from _sound()
    yield from _rejected()


def _sound() -> Iterator[Vector]:
    for name, time_ns, text in (
        ("epoch", 0, "1970-01-01T00:00:00Z"),
        ("no-fraction", NOW_NS, "2023-11-14T22:13:20Z"),
        ("milliseconds", NOW_NS + 250_000_000, "2023-11-14T22:13:20.250Z"),
        ("microseconds", NOW_NS + 250_001_000, "2023-11-14T22:13:20.250001Z"),
        ("nanoseconds", NOW_NS + 1, "2023-11-14T22:13:20.000000001Z"),
        ("one-millisecond", NOW_NS + 1_000_000, "2023-11-14T22:13:20.001Z"),
        ("leap-day", 1_709_164_800 * SECOND_NS, "2024-02-29T00:00:00Z"),
        ("highest", TIME_NS_MAX, "9999-12-31T23:59:59.999999999Z"),
    ):
        data = len(text).to_bytes(8, "little") + text.encode()
        assert encode_timestamp(time_ns) == data
        assert format_rfc3339(time_ns) == text
        yield Vector(
            f"codec-timestamp-{name}", ["FMT-2.6"], ["codec", "spelling"],
            "DateTime<Utc> is text with the fewest of 0, 3, 6 or 9 digits.",
            {"type": "timestamp", "hex": data.hex()},
            {"value": text, "nanoseconds": str(time_ns), "encoded": data.hex()},
        )  # fmt: skip


def _rejected() -> Iterator[Vector]:
    for name, text, why in (
        ("offset", "2023-11-14T22:13:20+00:00", "an offset instead of Z"),
        ("small-z", "2023-11-14T22:13:20z", "a small z"),
        ("small-t", "2023-11-14t22:13:20Z", "a small t"),
        ("space", "2023-11-14 22:13:20Z", "a space instead of T"),
        ("one-digit", "2023-11-14T22:13:20.5Z", "one fraction digit"),
        ("trailing-zeros", "2023-11-14T22:13:20.250000Z", "more digits than needed"),
        ("zero-fraction", "2023-11-14T22:13:20.000Z", "a fraction of zero"),
        ("comma", "2023-11-14T22:13:20,250Z", "a comma"),
        ("no-zone", "2023-11-14T22:13:20.250", "no Z"),
        ("leap-second", "2016-12-31T23:59:60Z", "a leap second"),
        ("hour-24", "2023-11-14T24:00:00Z", "hour 24"),
        ("month-13", "2023-13-14T22:13:20Z", "month 13"),
        ("february-30", "2024-02-30T22:13:20Z", "30 February"),
        ("no-leap-year", "2023-02-29T22:13:20Z", "29 February in a common year"),
        ("before-1970", "1969-12-31T23:59:59Z", "a time before 1970"),
        ("year-10000", "+10000-01-01T00:00:00Z", "a year of five digits"),
        ("line-feed", "2023-11-14T22:13:20Z\n", "a line feed at the end"),
    ):
        data = len(text).to_bytes(8, "little") + text.encode()
        yield rejected(
            f"timestamp-{name}", "FMT-2.6", "spelling", f"{text!r}: {why}.",
            data, "InvalidText", 8, type="timestamp",
        )  # fmt: skip
    for name, text in (
        ("short", "2023-11-14T22:13:20"), ("long", "2023-11-14T22:13:20.0000000001Z"), ("none", ""),
    ):  # fmt: skip
        data = len(text).to_bytes(8, "little") + text.encode()
        yield rejected(
            f"timestamp-{name}", "FMT-2.6 FMT-2.3", "spelling length",
            f"{len(text)} bytes; a timestamp has 20 to 30.",
            data, "LengthOutOfRange", 0, type="timestamp",
        )  # fmt: skip
    good = (20).to_bytes(8, "little") + b"2023-11-14T22:13:20Z"
    digits = good.replace(b"2023-", b"\xd9\xa2023"[:5])
    assert len(digits) == len(good)
    assert digits[8:].decode()[0].isdigit(), "an Arabic-Indic digit, which is a digit in Unicode"
    yield rejected(
        "timestamp-other-digits", "FMT-2.6", "spelling text",
        "The first character is a digit of another script. Only 0 to 9 count.",
        digits, "InvalidText", 8, type="timestamp",
    )  # fmt: skip
    yield rejected(
        "timestamp-not-utf-8", "FMT-2.4", "text", "A byte FF in the text.",
        put(good, 12, b"\xff"), "InvalidText", 12, type="timestamp",
    )  # fmt: skip
    yield rejected(
        "timestamp-length-highest", "FMT-2.3 FMT-1.3", "length", "A length of 2^64-1.",
        put(good, 0, U64_MAX), "LengthOutOfRange", 0, type="timestamp",
    )  # fmt: skip
    yield rejected(
        "timestamp-cut", "FMT-2.3", "truncated length", "20 bytes claimed, 19 there.",
        good[:-1], "LengthOutOfRange", 0, type="timestamp",
    )  # fmt: skip
    yield rejected(
        "timestamp-cut-in-length", "FMT-1.3", "truncated", "7 of the 8 bytes of its length.",
        good[:7], "EndOfBytes", 7, type="timestamp",
    )  # fmt: skip
    yield rejected(
        "timestamp-trailing", "FMT-2.5", "trailing", "One byte behind the text.",
        good + b"\0", "TrailingBytes", 28, type="timestamp",
    )  # fmt: skip
