"""Directories whose newest file ends in something that is no complete frame: the tail.

A crash tore it, or the last durable record rotted: bytes cannot tell (a number that is
reused would make the next event look acknowledged). So a tail of B bytes burns
ceil(B / 107) numbers, however it looks, and how many is stated here by hand.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.vectors.building import (
    FRAME_BYTES,
    ack_file,
    bits_apart,
    directory,
    entries_of,
    flip,
    segment,
)
from tests.vectors.document import Vector
from tests.vectors.expecting import Opened, copies, directory_vector, found

FILE = "procmond-00001.wal"


def vectors() -> Iterator[Vector]:
    yield from _cut_points()
    yield from _junk()
    yield from _rotten_last_record()
    yield from _in_an_older_file()
    yield from _beside_an_empty_newest()


def _tail(
    id: str,
    comment: str,
    tail: bytes,
    burned: range,
    *,
    requirements: str = "REC-6.1 REC-6.2",
    flags: str = "torn",
) -> Vector:
    """Entries 1 and 2, then `tail`; nothing is acknowledged, and no mark is left."""
    two = segment(1, [1, 2])
    start = len(two.data)
    two.data += tail
    files = directory(two, ack=ack_file(0, 1))
    damage = found("tail", FILE, start, len(tail), "possibly-lost", burned)
    return directory_vector(
        id, requirements, flags, comment, files,
        Opened(
            entries=entries_of(1, 2), through=0, next_sequence=burned[-1] + 1, segments=1,
            damages=[damage], aside=copies(files, damage) if any(tail) else [],
        ),
    )  # fmt: skip


def _cut_points() -> Iterator[Vector]:
    third = segment(1, [1, 2, 3]).frame(3)
    assert len(third) == FRAME_BYTES == 115
    for name, length, burned, comment in (
        ("torn-first-byte", 1, range(3, 4), "One byte of a frame was written."),
        ("torn-in-header", 19, range(3, 4), "One byte of the 20-byte header is missing."),
        ("torn-behind-header", 20, range(3, 4), "The header verifies; its body is missing."),
        ("torn-in-body", 60, range(3, 4), "The header verifies; half of the body is there."),
        ("torn-107-bytes", 107, range(3, 4), "107 bytes are at most one record."),
        ("torn-108-bytes", 108, range(3, 5), "108 bytes could be two records of 107 and 1."),
        ("torn-last-byte", 114, range(3, 5), "One byte is missing. By the bytes, two records."),
    ):  # fmt: skip
        yield _tail(f"dir-{name}", comment, third[:length], burned)

    two = segment(1, [1, 2])
    yield directory_vector(
        "dir-torn-at-boundary", "REC-7.1 REC-10.1", "torn",
        "Cut exactly between frames: it looks like a shorter file, and nothing can tell.",
        directory(two, ack=ack_file(0, 1)),
        Opened(entries=entries_of(1, 2), through=0, next_sequence=3, segments=1),
    )  # fmt: skip
    damage = found(
        "missing-end", FILE, len(two.data), 0, "possibly-lost", [3],
        detail="the acknowledgement file knows higher numbers",
    )  # fmt: skip
    yield directory_vector(
        "dir-torn-at-boundary-floor-knows", "ACK-3.1 REP-1.2", "torn numbers acknowledgements",
        "The same cut, but the acknowledgement file has 4 as its floor: 3 was handed out.",
        directory(two, ack=ack_file(0, 4)),
        Opened(
            entries=entries_of(1, 2), through=0, next_sequence=4, segments=1, damages=[damage]
        ),
    )  # fmt: skip

    only = segment(1, [1])
    only.data = only.data[: 8192 + 50]
    files = directory(only, ack=ack_file(0, 1))
    tail = found("tail", FILE, 8192, 50, "possibly-lost", [1])
    yield directory_vector(
        "dir-torn-first-frame", "REC-6.1", "torn",
        "The first frame of the first file is torn: nothing survives, number 1 is burned.",
        files,
        Opened(
            entries=[], through=1, next_sequence=2, segments=1, damages=[tail],
            aside=copies(files, tail),
        ),
    )  # fmt: skip


def _junk() -> Iterator[Vector]:
    third = segment(1, [1, 2, 3]).frame(3)
    yield _tail(
        "dir-torn-garbage", "A tail of garbage.",
        bytes(range(0x80, 0xB2)), range(3, 4), requirements="REC-6.1 FMT-5.4",
    )  # fmt: skip
    zeros = "REC-6.1 FMT-5.4"
    yield _tail(
        "dir-tail-one-zero", "One zero byte behind the last frame. Zeros count as tail bytes.",
        bytes(1), range(3, 4), requirements=zeros, flags="torn zeros",
    )  # fmt: skip
    yield _tail(
        "dir-tail-4096-zeros",
        "A file whose size was durable and whose data was not (delayed allocation). "
        "39 records of 107 bytes could have been there.",
        bytes(4096), range(3, 3 + 39), requirements=zeros, flags="torn zeros",
    )  # fmt: skip
    yield _tail(
        "dir-tail-65536-zeros", "The same with 64 KiB: 613 numbers. No warning per zero.",
        bytes(65536), range(3, 3 + 613), requirements=zeros, flags="torn zeros",
    )  # fmt: skip
    yield _tail(
        "dir-torn-body-zeros",
        "All of the frame's length is there, but its second half is zeros.",
        third[:60] + bytes(55), range(3, 5), requirements=zeros, flags="torn zeros",
    )  # fmt: skip

    long = segment(1, [1, 2, 3])
    overrun = third[:4] + (2**31).to_bytes(4, "little") + third[8:]
    assert len(overrun) == len(long.frame(3))
    yield _tail(
        "dir-torn-length-huge", "The length field rotted to 2^31: nothing may be allocated.",
        overrun, range(3, 5), requirements="REC-6.1 FMT-1.3", flags="torn bit-rot",
    )  # fmt: skip


def _rotten_last_record() -> Iterator[Vector]:
    ten = segment(1, list(range(1, 11)))
    last = ten.at(10)
    rotten = ten.with_data(flip(ten.data, last + 9))
    assert bits_apart(rotten.data, ten.data) == 1
    files = directory(rotten, ack=ack_file(5, 8))
    tail = found("tail", FILE, last, 115, "possibly-lost", [10, 11])
    yield directory_vector(
        "dir-rotten-last-header", "REC-6.1 WAL-1.2 REP-1.2", "bit-rot numbers",
        "10 was durable and published, the watermark says 5, then one bit of the last header "
        "rotted. Whoever takes it for a torn write hands out 10 again, and the broker drops the "
        "new event as a repeat.",
        files,
        Opened(
            entries=entries_of(6, 7, 8, 9), through=5, next_sequence=12, segments=1,
            damages=[tail], aside=copies(files, tail),
        ),
    )  # fmt: skip

    rotten = ten.with_data(flip(ten.data, last + 100))
    files = directory(rotten, ack=ack_file(5, 8))
    yield directory_vector(
        "dir-rotten-last-body", "REC-6.1 REC-2.1", "bit-rot numbers",
        "The same in the body. Without a later frame that verifies it is part of the tail.",
        files,
        Opened(
            entries=entries_of(6, 7, 8, 9), through=5, next_sequence=12, segments=1,
            damages=[tail], aside=copies(files, tail),
        ),
    )  # fmt: skip

    damaged = flip(flip(ten.data, ten.at(9) + 100), last + 100)
    files = directory(ten.with_data(damaged), ack=ack_file(5, 8))
    both = found("tail", FILE, ten.at(9), 230, "possibly-lost", [9, 10, 11])
    yield directory_vector(
        "dir-rotten-last-two-bodies", "REC-6.1", "bit-rot numbers",
        "Two bad bodies at the end are one tail of 230 bytes, though both headers verify.",
        files,
        Opened(
            entries=entries_of(6, 7, 8), through=5, next_sequence=12, segments=1,
            damages=[both], aside=copies(files, both),
        ),
    )  # fmt: skip

    three = segment(1, [1, 2, 3])
    rotten = three.with_data(flip(three.data, three.at(3) + 9))
    files = directory(rotten, ack=ack_file(3, 4))
    settled = found("tail", FILE, three.at(3), 115, "possibly-lost", [4])
    yield directory_vector(
        "dir-rotten-last-acknowledged", "REC-6.1 REP-1.2", "bit-rot numbers acknowledgements",
        "3 rotted after it was acknowledged: no loss. But 115 bytes could have held 4 as well.",
        files,
        Opened(
            entries=[], through=4, next_sequence=5, segments=1,
            damages=[settled], aside=copies(files, settled),
        ),
    )  # fmt: skip


def _in_an_older_file() -> Iterator[Vector]:
    older = segment(1, [1, 2])
    start = len(older.data)
    third = segment(1, [1, 2, 3]).frame(3)
    older.data += third[:60]

    newer = segment(2, [3, 4])
    yield directory_vector(
        "dir-tail-older-file-continues", "REC-6.1 WAL-4.2", "torn",
        "A failed write left bytes that could not be cut back; the next file goes on with 3. "
        "So the writer knew that no record was there: nothing is lost.",
        directory(older, newer, ack=ack_file(0, 5, newer)),
        Opened(entries=entries_of(1, 2, 3, 4), through=0, next_sequence=5, segments=2, clean=True),
    )  # fmt: skip

    newer = segment(2, [4, 5])
    files = directory(older, newer, ack=ack_file(0, 6, newer))
    gap = found(
        "gap-between-files", FILE, start, 60, "lost", [3],
        detail="procmond-00002.wal continues from 4",
    )  # fmt: skip
    yield directory_vector(
        "dir-tail-older-file-lost", "REC-6.1 REC-4.1", "torn bit-rot",
        "The next file starts with 4: the bytes behind 2 were record 3.",
        files,
        Opened(
            entries=entries_of(1, 2, 4, 5), through=0, next_sequence=6, segments=2, clean=True,
            damages=[gap], aside=copies(files, gap),
        ),
    )  # fmt: skip

    newer = segment(2, [4, 5], continues_from=3, first=4)
    yield directory_vector(
        "dir-tail-older-file-declared", "REC-6.1 FMT-4.5", "torn declared-gap",
        "The next file declares 3 as burned: an earlier recovery has reported this tail.",
        directory(older, newer, ack=ack_file(0, 6, newer)),
        Opened(entries=entries_of(1, 2, 4, 5), through=0, next_sequence=6, segments=2, clean=True),
    )  # fmt: skip


def _beside_an_empty_newest() -> Iterator[Vector]:
    older = segment(1, [1, 2])
    start = len(older.data)
    third = segment(1, [1, 2, 3]).frame(3)
    older.data += third[:60]
    files = directory(older, ack=ack_file(0, 1))
    tail = found("tail", FILE, start, 60, "possibly-lost", [3])
    opened = Opened(
        entries=entries_of(1, 2), through=0, next_sequence=4, segments=1, damages=[tail],
        aside=copies(files, tail), removed=["procmond-00002.wal"],
    )  # fmt: skip
    files["procmond-00002.wal"] = b""
    yield directory_vector(
        "dir-tail-and-interrupted-rotation", "REC-5.2 REC-6.1", "torn rotation",
        "An empty file 2 is an interrupted rotation: file 1 is the newest, and its tail burns 3.",
        files, opened,
    )  # fmt: skip

    abandoned = segment(2, [], first=3)
    files = directory(older, abandoned, ack=ack_file(0, 1))
    yield directory_vector(
        "dir-tail-and-abandoned-rotation", "REC-6.1 WAL-3.3", "torn rotation",
        "A rotation failed although its file became durable, and file 1 was written on with 3, "
        "which is torn or rotten. The empty file 2 was made before that and explains nothing.",
        files,
        Opened(
            entries=entries_of(1, 2), through=0, next_sequence=4, segments=2, damages=[tail],
            aside=copies(files, tail),
        ),
    )  # fmt: skip

    went_on = segment(1, [1, 2, 3, 4])
    yield directory_vector(
        "dir-abandoned-rotation", "WAL-3.3 REC-4.1", "rotation",
        "File 2 was made when 3 was the next number, then file 1 went on to 4. No gap, no repeat.",
        directory(went_on, abandoned, ack=ack_file(0, 1)),
        Opened(entries=entries_of(1, 2, 3, 4), through=0, next_sequence=5, segments=2),
    )  # fmt: skip

    torn_on = segment(1, [1, 2, 3, 4])
    torn_on.data += third[:30] + bytes(10)
    files = directory(torn_on, abandoned, ack=ack_file(0, 1))
    tail = found("tail", FILE, torn_on.end(4), 40, "possibly-lost", [5])
    yield directory_vector(
        "dir-abandoned-rotation-torn", "WAL-3.3 REC-6.1", "rotation torn",
        "The same, and 5 was torn in file 1: it is burned, though file 2 is 'newer'.",
        files,
        Opened(
            entries=entries_of(1, 2, 3, 4), through=0, next_sequence=6, segments=2,
            damages=[tail], aside=copies(files, tail),
        ),
    )  # fmt: skip
