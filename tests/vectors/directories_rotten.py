"""Directories in which bits rotted inside the frames: each damage costs exactly its record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reference.codec import encode_event, encode_timestamp
from reference.frame import body_verifies, check_frame_header
from tests.vectors.building import (
    FRAME_BYTES,
    FRAMES_AT,
    Built,
    ack_file,
    add_frame,
    bits_apart,
    directory,
    entries_of,
    flip,
    put,
    segment,
)
from tests.vectors.codec_values import SMALLEST
from tests.vectors.document import Json, Vector
from tests.vectors.expecting import Opened, copies, directory_vector, found

FILE = "procmond-00001.wal"
HEADER_BYTE = 9
"""Inside the sequence of a frame header; any of the 20 bytes serves."""
BODY_BYTE = 100


def vectors() -> Iterator[Vector]:
    yield from _one_record()
    yield from _each_header_field()
    yield from _several_records()
    yield from _older_file()
    yield from _wrong_numbers()


def _five() -> Built:
    return segment(1, [1, 2, 3, 4, 5])


def _killed(
    id: str,
    requirements: str,
    comment: str,
    data: bytes,
    survivors: Sequence[int],
    damages: Sequence[dict[str, Json]],
    *,
    through: int = 0,
    next_sequence: int = 6,
    flags: str = "bit-rot",
) -> Vector:
    """One file of five frames, changed to `data`; unclean, nothing acknowledged."""
    files = {FILE: data, "procmond.ack": ack_file(0, 1)}
    return directory_vector(
        id, requirements, flags, comment, files,
        Opened(
            entries=entries_of(*survivors), through=through, next_sequence=next_sequence,
            segments=1, damages=damages,
            aside=copies(files, *(d for d in damages if d["length_bytes"])),
        ),
    )  # fmt: skip


def _one_record() -> Iterator[Vector]:
    five = _five()
    for where, lost, survivors, through in (
        ("first", 1, [2, 3, 4, 5], 1),
        ("middle", 3, [1, 2, 4, 5], 0),
    ):
        offset = FRAMES_AT + (lost - 1) * FRAME_BYTES
        in_header = flip(five.data, offset + HEADER_BYTE)
        in_body = flip(five.data, offset + BODY_BYTE)
        assert bits_apart(in_header, five.data) == bits_apart(in_body, five.data) == 1
        key = five.header.frame_key
        assert check_frame_header(in_header, offset, offset, key) is None
        header = check_frame_header(in_body, offset, offset, key)
        assert header is not None
        assert not body_verifies(in_body[offset + 20 : offset + 115], header)
        yield _killed(
            f"dir-rot-header-{where}", "REC-2.2 REC-3.1",
            f"One bit of a header rotted. The search finds the next frame: only {lost} is lost.",
            in_header, survivors,
            [found("damaged-region", FILE, offset, 115, "lost", [lost])], through=through,
        )  # fmt: skip
        yield _killed(
            f"dir-rot-body-{where}", "REC-2.1",
            f"One bit of a body rotted. Its header verifies, so the length is sure: {lost} is lost "
            "and no search is needed.",
            in_body, survivors,
            [found("damaged-body", FILE, offset, 115, "lost", [lost])], through=through,
        )  # fmt: skip


def _each_header_field() -> Iterator[Vector]:
    five = _five()
    offset = five.at(2)
    damage = [found("damaged-region", FILE, offset, 115, "lost", [2])]
    for field, byte, bit in (
        ("sync-word", 0, 7), ("length", 4, 3), ("length-high", 7, 7), ("sequence-high", 15, 7),
        ("crc", 16, 0),
    ):  # fmt: skip
        yield _killed(
            f"dir-rot-header-{field}", "REC-2.2 FMT-5.4 FMT-1.3",
            f"One bit of the {field.partition('-')[0]} of frame 2, at byte {byte} of its header.",
            flip(five.data, offset + byte, bit), [1, 3, 4, 5], damage,
        )  # fmt: skip
    body = [found("damaged-body", FILE, offset, 115, "lost", [2])]
    for field, byte in (("sequence", 20), ("timestamp", 30), ("crc", 114)):
        yield _killed(
            f"dir-rot-body-{field}", "REC-2.1 FMT-5.3",
            f"One bit of the {field} in the body of frame 2, at byte {byte} of the frame.",
            flip(five.data, offset + byte), [1, 3, 4, 5], body,
        )  # fmt: skip


def _several_records() -> Iterator[Vector]:
    five = _five()
    data, two, three = five.data, five.at(2), five.at(3)

    def body(number: int) -> dict[str, Json]:
        return found("damaged-body", FILE, five.at(number), 115, "lost", [number])

    def region(*numbers: int) -> dict[str, Json]:
        length = FRAME_BYTES * len(numbers)
        return found("damaged-region", FILE, five.at(numbers[0]), length, "lost", numbers)

    yield _killed(
        "dir-rot-two-bodies-apart", "REC-2.1", "2 and 4 are lost; 3 between them is not.",
        flip(flip(data, two + BODY_BYTE), five.at(4) + BODY_BYTE), [1, 3, 5], [body(2), body(4)],
    )  # fmt: skip
    yield _killed(
        "dir-rot-two-bodies-adjacent", "REC-2.1", "Each header vouches for its own length.",
        flip(flip(data, two + BODY_BYTE), three + BODY_BYTE), [1, 4, 5], [body(2), body(3)],
    )  # fmt: skip
    yield _killed(
        "dir-rot-two-headers-adjacent", "REC-2.2 REC-3.1", "One region of two records.",
        flip(flip(data, two + HEADER_BYTE), three + HEADER_BYTE), [1, 4, 5], [region(2, 3)],
    )  # fmt: skip
    yield _killed(
        "dir-rot-header-then-body", "REC-3.1",
        "The header of 3 ends the region, although its body is bad: a boundary need not be whole.",
        flip(flip(data, two + HEADER_BYTE), three + BODY_BYTE), [1, 4, 5], [region(2), body(3)],
    )  # fmt: skip
    yield _killed(
        "dir-rot-body-then-header", "REC-2.1 REC-2.2",
        "Body of 2, then header of 3: two damages side by side.",
        flip(flip(data, two + BODY_BYTE), three + HEADER_BYTE), [1, 4, 5], [body(2), region(3)],
    )  # fmt: skip
    yield _killed(
        "dir-rot-region-of-three", "REC-3.1", "Frames 2 to 4 are overwritten with FF.",
        put(data, two, b"\xff" * 345), [1, 5], [region(2, 3, 4)],
    )  # fmt: skip
    zeroed = put(data, two, bytes(345))
    damage = region(2, 3, 4)
    yield directory_vector(
        "dir-rot-region-of-zeros", "REC-3.1 FMT-5.4", "bit-rot zeros",
        "Frames 2 to 4 read as zeros, a lost block. A region of zeros is damage in the middle.",
        {FILE: zeroed, "procmond.ack": ack_file(0, 1)},
        Opened(
            entries=entries_of(1, 5), through=0, next_sequence=6, segments=1, damages=[damage]
        ),
    )  # fmt: skip
    yield _killed(
        "dir-rot-across-two-frames", "REC-3.1",
        "80 bytes from the middle of 2 into 3: the body of 2 and the header of 3 are gone.",
        put(data, two + 60, b"\xa5" * 80), [1, 4, 5], [body(2), region(3)],
    )  # fmt: skip
    everything = found("tail", FILE, 8192, 575, "possibly-lost", range(1, 7))
    yield _killed(
        "dir-rot-everything", "REC-6.1",
        "No frame of the file is left: 575 bytes of tail could have held 6 records.",
        put(data, 8192, b"\xa5" * 575), [], [everything], through=6, next_sequence=7,
    )  # fmt: skip


def _older_file() -> Iterator[Vector]:
    older, newer = segment(1, [1, 2, 3]), segment(2, [4, 5])

    def closed(
        id: str,
        comment: str,
        data: bytes,
        survivors: list[int],
        damage: dict[str, Json],
    ) -> Vector:
        files = {FILE: data, newer.name: newer.data, "procmond.ack": ack_file(0, 6, newer)}
        return directory_vector(
            id, "REC-2.1 REC-2.2 REC-4.1", "bit-rot", comment, files,
            Opened(
                entries=entries_of(*survivors), through=0, next_sequence=6, segments=2, clean=True,
                damages=[damage], aside=copies(files, damage),
            ),
        )  # fmt: skip

    gap = found(
        "gap-between-files", FILE, older.at(3), 115, "lost", [3],
        detail="procmond-00002.wal continues from 4",
    )  # fmt: skip
    yield closed(
        "dir-rot-older-file-last-header",
        "The last record of an older file rotted. File 2 starts with 4, so exactly 3 is lost: "
        "no number is burned on suspicion.",
        flip(older.data, older.at(3) + HEADER_BYTE), [1, 2, 4, 5], gap,
    )  # fmt: skip
    yield closed(
        "dir-rot-older-file-last-body", "The same with the body of the last record.",
        flip(older.data, older.at(3) + BODY_BYTE), [1, 2, 4, 5], gap,
    )  # fmt: skip
    yield closed(
        "dir-rot-older-file-middle", "Damage in an older file of a log that was closed cleanly.",
        flip(older.data, older.at(2) + BODY_BYTE), [1, 3, 4, 5],
        found("damaged-body", FILE, older.at(2), 115, "lost", [2]),
    )  # fmt: skip


def _wrong_numbers() -> Iterator[Vector]:
    jump = segment(1, [1, 2, 5, 6])
    damage = found("missing-numbers", FILE, jump.at(5), 0, "lost", [3, 4])
    yield _killed(
        "dir-jump-inside-file", "REP-1.2 REC-2.1",
        "2 is followed by 5 without any damage between. It does not occur by design: accept 5, "
        "report 3 and 4.",
        jump.data, [1, 2, 5, 6], [damage], next_sequence=7, flags="numbers",
    )  # fmt: skip

    repeat = segment(1, [1, 2, 2, 3])
    stale = found("stale-frame", FILE, repeat.at(2), 115)
    yield directory_vector(
        "dir-stale-inside-file", "REC-4.2", "numbers",
        "2 stands in the file twice, both times sound: delivered once, the second one reported.",
        directory(repeat, ack=ack_file(0, 1)),
        Opened(
            entries=entries_of(1, 2, 3), through=0, next_sequence=4, segments=1, damages=[stale]
        ),
    )  # fmt: skip

    yield from _search_window()


def _search_window() -> Iterator[Vector]:
    for name, beyond in (("far-above", 9), ("one-above", 4)):
        built = segment(1, [1, 2, beyond])
        data = flip(built.data, built.at(2) + HEADER_BYTE)
        tail = found("tail", FILE, built.at(2), 230, "possibly-lost", [2, 3, 4])
        yield _killed(
            f"dir-search-window-{name}", "REC-3.1",
            f"Behind 115 damaged bytes, which held one record, stands a header for {beyond}. At "
            "most 3 can stand there: it is no boundary. Without this bound, ports would disagree.",
            data, [1], [tail], next_sequence=5, flags="bit-rot numbers",
        )  # fmt: skip

    smallest = encode_timestamp(0) + encode_event(SMALLEST)
    built = segment(1, [1, 2, 3], payloads={2: smallest})
    assert len(built.frame(2)) == 107
    region = found("damaged-region", FILE, built.at(2), 107, "lost", [2])
    yield _killed(
        "dir-search-window-of-107-bytes", "REC-3.1",
        "107 damaged bytes may have been one record: 3 behind them is a boundary.",
        flip(built.data, built.at(2) + HEADER_BYTE), [1, 3], [region], next_sequence=4,
        flags="bit-rot numbers",
    )  # fmt: skip

    built = segment(1, [1])
    built.data += b"\xa5" * 106
    add_frame(built, 3)
    tail = found("tail", FILE, built.end(1), 221, "possibly-lost", [2, 3, 4])
    yield _killed(
        "dir-search-window-of-106-bytes", "REC-3.1",
        "106 bytes are less than the smallest record, so 2 must come next: 3 is no boundary.",
        built.data, [1], [tail], next_sequence=5, flags="bit-rot numbers",
    )  # fmt: skip
