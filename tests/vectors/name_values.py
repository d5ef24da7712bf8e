"""Vectors of segment names: which names are segments, and how a number is spelled."""

from __future__ import annotations

from collections.abc import Iterator

from tests.vectors.document import Vector


def vectors() -> Iterator[Vector]:
    for number, name in (
        (1, "procmond-00001.wal"),
        (2, "procmond-00002.wal"),
        (99_999, "procmond-99999.wal"),
        (100_000, "procmond-100000.wal"),
        (2**32 - 1, "procmond-4294967295.wal"),
    ):
        yield Vector(
            f"name-of-{number}", ["FMT-3.1"], ["names"], "At least five digits.",
            {"number": number}, {"name": name},
        )  # fmt: skip
        yield Vector(
            f"name-read-{number}", ["FMT-3.2"], ["names"], "The canonical name of its number.",
            {"name": name}, {"number": number},
        )  # fmt: skip
    for id, name, comment in (
        ("short", "procmond-1.wal", "Fewer than five digits."),
        ("leading-zero", "procmond-000001.wal", "Also number 1, in a second spelling."),
        ("zero", "procmond-00000.wal", "Numbers start at 1."),
        ("too-high", "procmond-4294967296.wal", "2^32 does not fit into the header."),
        ("very-long", "procmond-99999999999999999999.wal", "No 64-bit number either."),
        ("sign", "procmond-+0001.wal", "A sign, which some integer parsers take."),
        ("minus", "procmond--0001.wal", "A minus sign."),
        ("underscore", "procmond-1_000.wal", "An underscore, which some integer parsers take."),
        ("space", "procmond- 0001.wal", "A space, which some integer parsers take."),
        ("hexadecimal", "procmond-0000a.wal", "Hexadecimal."),
        ("other-digits", "procmond-0000\u0661.wal", "A digit of another script."),
        ("capitals", "PROCMOND-00001.WAL", "Names are case-sensitive."),
        ("suffix-in-capitals", "procmond-00001.WAL", "Also their suffix."),
        ("no-suffix", "procmond-00001", "No suffix."),
        ("longer-suffix", "procmond-00001.wal.new", "A file that is being written."),
        ("prefix", "xprocmond-00001.wal", "Something before it."),
        ("line-feed", "procmond-00001.wal\n", "A line feed at the end, which `$` may match."),
        ("no-number", "procmond-.wal", "No number."),
    ):
        yield Vector(
            f"name-{id}", ["FMT-3.2"], ["names"], comment, {"name": name}, {"number": None}
        )  # fmt: skip
