"""Directories whose segments have damaged, wrong, missing or unsupported headers."""

from __future__ import annotations

from collections.abc import Iterator
from zlib import crc32

from reference.segment_header import HeaderFault, UnsupportedHeader, decode_segment_header
from tests.vectors.building import (
    FRAMES_AT,
    LOG_A,
    Built,
    ack_file,
    bits_apart,
    entries_of,
    flip,
    header_block,
    put,
    raw_header,
    segment,
)
from tests.vectors.document import Vector
from tests.vectors.expecting import Opened, directory_vector, found, refused

ONE, TWO, THREE = (f"procmond-0000{n}.wal" for n in (1, 2, 3))
BAD_CRC = "header copies: CRC mismatch; CRC mismatch"
BAD_FIELDS = "header copies: {0}; {0}".format("fields contradict each other or the format's limits")


def vectors() -> Iterator[Vector]:
    yield from _one_copy()
    yield from _both_copies()
    yield from _several_unreadable()
    yield from _crafted_fields()
    yield from _versions()


def _pair() -> tuple[Built, Built]:
    return segment(1, [1, 2]), segment(2, [3, 4])


def _without_header(built: Built) -> bytes:
    """Both copies have one bit rotten: the salt, and with it every frame, is unusable."""
    return flip(flip(built.data, 55), 4096 + 55)


def _one_copy() -> Iterator[Vector]:
    one, two = _pair()
    for name, offset in (("1", 0), ("2", 4096)):
        rotten = flip(two.data, offset + 55)
        assert bits_apart(rotten, two.data) == 1
        yield directory_vector(
            f"dir-header-copy-{name}-rotten", "FMT-4.2", "bit-rot header",
            f"One bit of the salt rotted in copy {name} of the newest header. With one copy only, "
            "up to 80 MiB of good records would be unreadable.",
            {ONE: one.data, TWO: rotten, "procmond.ack": ack_file(0, 5, two)},
            Opened(
                entries=entries_of(1, 2, 3, 4), through=0, next_sequence=5, segments=2, clean=True,
                damages=[found("header-copy", TWO, offset, 128, detail="the other copy is used")],
            ),
        )  # fmt: skip
    yield directory_vector(
        "dir-header-copies-rotten-in-two-files", "FMT-4.2", "bit-rot header",
        "Copy 2 of the older file and copy 1 of the newer one.",
        {ONE: flip(one.data, 4096 + 20), TWO: flip(two.data, 0),
         "procmond.ack": ack_file(0, 5, two)},
        Opened(
            entries=entries_of(1, 2, 3, 4), through=0, next_sequence=5, segments=2, clean=True,
            damages=[
                found("header-copy", ONE, 4096, 128, detail="the other copy is used"),
                found("header-copy", TWO, 0, 128, detail="the other copy is used"),
            ],
        ),
    )  # fmt: skip


def _both_copies() -> Iterator[Vector]:
    one, two = _pair()
    size = len(two.data)
    assert size == 8192 + 230
    yield directory_vector(
        "dir-header-lost-newest", "REC-5.2 REC-6.1", "bit-rot header",
        "Both copies of the newest header rotted. 230 bytes may have held 3 records: burned. The "
        "file is moved aside and its number not used again.",
        {ONE: one.data, TWO: _without_header(two), "procmond.ack": ack_file(0, 1)},
        Opened(
            entries=entries_of(1, 2), through=0, next_sequence=6, segments=1,
            damages=[
                found("unreadable-file", TWO, 0, size, "possibly-lost", [3, 4, 5], BAD_CRC)
            ],
            aside=[f"{TWO}.unreadable"],
        ),
    )  # fmt: skip
    yield directory_vector(
        "dir-header-lost-oldest", "REC-5.2 REC-4.1", "bit-rot header",
        "Both copies of the oldest header rotted. File 2 starts with 3: exactly 1 and 2 are lost.",
        {ONE: _without_header(one), TWO: two.data, "procmond.ack": ack_file(0, 5, two)},
        Opened(
            entries=entries_of(3, 4), through=2, next_sequence=5, segments=1, clean=True,
            damages=[found("unreadable-file", ONE, 0, size, "lost", [1, 2], BAD_CRC)],
            aside=[f"{ONE}.unreadable"],
        ),
    )  # fmt: skip
    three = segment(3, [5])
    yield directory_vector(
        "dir-header-lost-middle", "REC-5.2 REC-4.1", "bit-rot header",
        "A file in the middle without a usable header.",
        {ONE: one.data, TWO: _without_header(two), THREE: three.data,
         "procmond.ack": ack_file(0, 6, three)},
        Opened(
            entries=entries_of(1, 2, 5), through=0, next_sequence=6, segments=2, clean=True,
            damages=[found("unreadable-file", TWO, 0, size, "lost", [3, 4], BAD_CRC)],
            aside=[f"{TWO}.unreadable"],
        ),
    )  # fmt: skip
    yield directory_vector(
        "dir-header-lost-only-file", "REC-5.2 REC-5.3", "bit-rot header new-log",
        "The only file has no usable header. No header carries the log_id any more: a new log, "
        "numbers from 1, and the acknowledgement file belongs to another log.",
        {ONE: _without_header(one), "procmond.ack": ack_file(1, 3)},
        Opened(
            log_id=None, entries=[], through=0, next_sequence=1, segments=0, clean=True,
            damages=[
                found("acknowledgement-file", "procmond.ack", 0, 8192,
                      detail="it belongs to another log"),
                found("unreadable-file", ONE, 0, size, "possibly-lost", [1, 2, 3], BAD_CRC),
            ],
            aside=[f"{ONE}.unreadable"],
        ),
    )  # fmt: skip
    yield directory_vector(
        "dir-zero-file-newest", "REC-5.2 FMT-5.4", "zeros header",
        "The newest file is 16384 zeros: longer than a header block, so it may have held records, "
        "77 of 107 bytes.",
        {ONE: one.data, TWO: bytes(16384), "procmond.ack": ack_file(0, 1)},
        Opened(
            entries=entries_of(1, 2), through=0, next_sequence=3 + 77, segments=1,
            damages=[
                found("unreadable-file", TWO, 0, 16384, "possibly-lost", range(3, 80), BAD_CRC)
            ],
            aside=[f"{TWO}.unreadable"],
        ),
    )  # fmt: skip


def _several_unreadable() -> Iterator[Vector]:
    one, two = _pair()
    three = segment(3, [5, 6])
    size = len(two.data)
    yield directory_vector(
        "dir-header-lost-newest-two", "REC-5.2 REP-1.2", "bit-rot header numbers",
        "The two newest files have no usable header. Each may have held 3 records, and they "
        "followed each other: 3 to 8 are burned, not 3 to 5 twice.",
        {ONE: one.data, TWO: _without_header(two), THREE: _without_header(three),
         "procmond.ack": ack_file(0, 1)},
        Opened(
            entries=entries_of(1, 2), through=0, next_sequence=9, segments=1,
            damages=[
                found("unreadable-file", TWO, 0, size, "possibly-lost", [3, 4, 5], BAD_CRC),
                found("unreadable-file", THREE, 0, size, "possibly-lost", [6, 7, 8], BAD_CRC),
            ],
            aside=[f"{TWO}.unreadable", f"{THREE}.unreadable"],
        ),
    )  # fmt: skip
    torn = one.with_data(one.data + segment(1, [1, 2, 3]).frame(3)[:60])
    files = {ONE: torn.data, TWO: _without_header(segment(2, [4, 5])),
             "procmond.ack": ack_file(0, 1)}  # fmt: skip
    yield directory_vector(
        "dir-header-lost-behind-tail", "REC-5.2 REC-6.1 REP-1.2", "bit-rot header numbers torn",
        "File 1 has a tail that may have been 3, and file 2, unreadable, may have held 3 records "
        "behind it: 3 to 6 are burned.",
        files,
        Opened(
            entries=entries_of(1, 2), through=0, next_sequence=7, segments=1,
            damages=[
                found("tail", ONE, len(one.data), 60, "possibly-lost", [3]),
                found("unreadable-file", TWO, 0, size, "possibly-lost", [4, 5, 6], BAD_CRC),
            ],
            aside=[*_copy_of_tail(torn, one), f"{TWO}.unreadable"],
        ),
    )  # fmt: skip


def _copy_of_tail(torn: Built, whole: Built) -> list[str]:
    tail = torn.data[len(whole.data) :]
    return [f"{torn.name}@{len(whole.data)}+{len(tail)}-{crc32(tail):08x}.quarantine"]


def _crafted_fields() -> Iterator[Vector]:
    one, two = _pair()
    size = len(two.data)
    beyond = 2**64 - 2**16
    for name, copy, comment in (
        ("no-log-id", raw_header(2, log_id=bytes(16), numbers=(3, 3, 3)), "a log_id of zeros"),
        ("numbers-fall", raw_header(2, numbers=(3, 4, 3)), "continues_from above first_sequence"),
        ("number-zero", raw_header(2, numbers=(0, 3, 3)), "relocated_from 0"),
        ("sequence-extreme", raw_header(2, numbers=(3, 3, beyond)), "first_sequence 2^64-2^16"),
    ):  # fmt: skip
        assert decode_segment_header(copy) is HeaderFault.FIELDS
        yield directory_vector(
            f"dir-header-{name}", "FMT-4.4 REC-5.2", "header extreme",
            f"A header whose CRC holds, with {comment}: unusable, like one that does not verify.",
            {ONE: one.data, TWO: header_block(copy) + two.data[FRAMES_AT:],
             "procmond.ack": ack_file(0, 1)},
            Opened(
                entries=entries_of(1, 2), through=0, next_sequence=6, segments=1,
                damages=[
                    found("unreadable-file", TWO, 0, size, "possibly-lost", [3, 4, 5], BAD_FIELDS)
                ],
                aside=[f"{TWO}.unreadable"],
            ),
        )  # fmt: skip
    name = "procmond-4294967295.wal"
    last = header_block(raw_header(2**32 - 1, numbers=(3, 3, 3))) + two.data[FRAMES_AT:]
    yield directory_vector(
        "dir-file-number-extreme", "FMT-4.4 REC-5.2", "header extreme numbers",
        "File number 2^32-1 with a CRC that holds. A log that believed it could never rotate.",
        {ONE: one.data, name: last, "procmond.ack": ack_file(0, 1)},
        Opened(
            entries=entries_of(1, 2), through=0, next_sequence=6, segments=1,
            damages=[
                found("unreadable-file", name, 0, size, "possibly-lost", [3, 4, 5], BAD_FIELDS)
            ],
            aside=[f"{name}.unreadable"],
        ),
    )  # fmt: skip


def _versions() -> Iterator[Vector]:
    one, two = _pair()

    def with_newest(copy: bytes, second: bytes | None = None) -> dict[str, bytes]:
        block = header_block(copy, second)
        return {ONE: one.data, TWO: block + two.data[FRAMES_AT:], "procmond.ack": ack_file(0, 5)}

    version_2 = raw_header(2, major=2, numbers=(3, 3, 3))
    flagged = raw_header(2, flags=1, numbers=(3, 3, 3))
    assert decode_segment_header(version_2) == UnsupportedHeader(2, 0)
    assert decode_segment_header(flagged) == UnsupportedHeader(1, 1)
    yield directory_vector(
        "dir-version-2-newest", "FMT-4.3 REC-1.1 REC-1.2", "version",
        "The newest file is of version 2: refused, and nothing is changed.",
        with_newest(version_2), refused("UnsupportedVersion"),
    )  # fmt: skip
    yield directory_vector(
        "dir-version-2-oldest", "FMT-4.3 REC-1.1", "version",
        "The oldest file is of version 2.",
        {ONE: header_block(raw_header(1, major=2)), TWO: two.data},
        refused("UnsupportedVersion"),
    )  # fmt: skip
    yield directory_vector(
        "dir-version-incompatible-flag", "FMT-4.3 REC-1.1", "version",
        "Version 1 with an incompatible feature flag.",
        with_newest(flagged), refused("UnsupportedVersion"),
    )  # fmt: skip
    yield directory_vector(
        "dir-version-2-one-copy-rotten", "FMT-4.3 FMT-4.2", "version bit-rot",
        "Version 2, and its first copy rotted: the second one verifies and says so.",
        with_newest(flip(version_2, 60), version_2), refused("UnsupportedVersion"),
    )  # fmt: skip

    rotten = put(two.data, 8, b"\x02")
    assert decode_segment_header(rotten[:128]) is HeaderFault.CRC
    yield directory_vector(
        "dir-version-bytes-rotten", "FMT-4.3 FMT-4.2", "version bit-rot",
        "The version bytes of copy 1 read 2, but its CRC does not hold: a bad copy, not a version.",
        {ONE: one.data, TWO: rotten, "procmond.ack": ack_file(0, 5, two)},
        Opened(
            entries=entries_of(1, 2, 3, 4), through=0, next_sequence=5, segments=2, clean=True,
            damages=[found("header-copy", TWO, 0, 128, detail="the other copy is used")],
        ),
    )  # fmt: skip
    both = put(rotten, 4096 + 8, b"\x02")
    yield directory_vector(
        "dir-version-bytes-rotten-in-both", "FMT-4.3 REC-5.2", "version bit-rot header",
        "The same in both copies: unreadable, and never a refusal.",
        {ONE: one.data, TWO: both, "procmond.ack": ack_file(0, 1)},
        Opened(
            entries=entries_of(1, 2), through=0, next_sequence=6, segments=1, log_id=LOG_A,
            damages=[
                found("unreadable-file", TWO, 0, len(both), "possibly-lost", [3, 4, 5], BAD_CRC)
            ],
            aside=[f"{TWO}.unreadable"],
        ),
    )  # fmt: skip
