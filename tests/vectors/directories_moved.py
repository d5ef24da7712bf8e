"""Directories in which sound bytes stand in the wrong place: a bad disk, a tool, a splice."""

from __future__ import annotations

from collections.abc import Iterator
from zlib import crc32

from tests.vectors.building import FRAME_BYTES, Built, entries_of, put, segment
from tests.vectors.directories_forged import FILE, unclean_file
from tests.vectors.document import Vector
from tests.vectors.expecting import Opened, found


def vectors() -> Iterator[Vector]:
    yield from _moved()
    yield from _swapped_bodies()


def _moved() -> Iterator[Vector]:
    four = segment(1, [1, 2, 3, 4])
    two, three = four.at(2), four.at(3)

    copied = put(four.data, three, four.frame(2))
    region = found("damaged-region", FILE, three, 115, "lost", [3])
    yield unclean_file(
        "dir-moved-frame-repeated", "FMT-5.4 REC-3.3", "moved",
        "The block of frame 2 was written over frame 3 also (a misdirected write).",
        copied,
        Opened(
            entries=entries_of(1, 2, 4), through=0, next_sequence=5, segments=1, damages=[region]
        ),
    )  # fmt: skip

    exchanged = put(put(four.data, two, four.frame(3)), three, four.frame(2))
    region = found("damaged-region", FILE, two, 230, "lost", [2, 3])
    yield unclean_file(
        "dir-moved-frames-exchanged", "FMT-5.4 REC-3.3", "moved",
        "Frames 2 and 3 changed places. Each is sound, but not there.",
        exchanged,
        Opened(
            entries=entries_of(1, 4), through=0, next_sequence=5, segments=1, damages=[region]
        ),
    )  # fmt: skip

    shifted = four.data[:three] + b"\n" + four.data[three:]
    tail = found("tail", FILE, three, 231, "possibly-lost", [3, 4, 5])
    yield unclean_file(
        "dir-moved-by-one-byte", "FMT-5.4 REC-6.1", "moved",
        "A tool inserted one byte before frame 3. Nothing behind it is where it was written.",
        shifted,
        Opened(
            entries=entries_of(1, 2), through=0, next_sequence=6, segments=1, damages=[tail]
        ),
    )  # fmt: skip

    other = segment(1, [1, 2, 3, 4], salt=b"othersal")
    assert other.header.log_id == four.header.log_id
    assert other.at(3) == three
    spliced = four.data[:three] + other.data[three:]
    tail = found("tail", FILE, three, 230, "possibly-lost", [3, 4, 5])
    yield unclean_file(
        "dir-spliced-other-salt", "FMT-5.4 REC-3.3", "moved",
        "From frame 3 on the bytes are those of a copy of this log that went its own way: same "
        "log_id, file number, offsets and sequences; only the salt differs.",
        spliced,
        Opened(
            entries=entries_of(1, 2), through=0, next_sequence=6, segments=1, damages=[tail]
        ),
    )  # fmt: skip

    headers_only = put(four.data, 8192 + FRAME_BYTES, other.frame(2))
    region = found("damaged-region", FILE, two, 115, "lost", [2])
    yield unclean_file(
        "dir-spliced-one-frame", "FMT-5.4 REC-3.3", "moved",
        "Only frame 2 is from the other copy.",
        headers_only,
        Opened(
            entries=entries_of(1, 3, 4), through=0, next_sequence=5, segments=1, damages=[region]
        ),
    )  # fmt: skip


# ---- Why the body CRC leaves the header CRC out -----------------------------


def _swapped_bodies() -> Iterator[Vector]:
    four = segment(1, [1, 2, 3, 4])
    two, three = four.at(2), four.at(3)
    bodies = four.data[two + 20 : two + 115], four.data[three + 20 : three + 115]
    data = put(put(four.data, two + 20, bodies[1]), three + 20, bodies[0])
    _assert_a_crc_over_the_header_crc_would_not_notice(four, 2, 3)
    damages = [
        found("damaged-body", FILE, two, 115, "lost", [2]),
        found("damaged-body", FILE, three, 115, "lost", [3]),
    ]
    yield unclean_file(
        "dir-swapped-bodies", "FMT-5.3 REC-2.1", "moved crc",
        "The bodies of 2 and 3, of one length, changed places. If the body CRC covered the header "
        "CRC, it would forget the header (a CRC over itself is constant) and both would verify.",
        data,
        Opened(
            entries=entries_of(1, 4), through=0, next_sequence=5, segments=1, damages=damages
        ),
    )  # fmt: skip


def _assert_a_crc_over_the_header_crc_would_not_notice(built: Built, one: int, other: int) -> None:
    """Show the trap: with that rule the CRC of a body is the same under any header."""

    def naive(header_of: int, body_of: int) -> int:
        header_crc = built.frame(header_of)[16:20]
        crc = int.from_bytes(header_crc, "little")
        return crc32(built.frame(body_of)[20:-4], crc32(header_crc, crc))

    assert naive(one, one) == naive(other, one)
    assert naive(one, other) == naive(other, other)
