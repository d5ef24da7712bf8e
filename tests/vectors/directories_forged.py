"""Directories in which somebody made bytes to mislead or to slow down the search.

procmond records command lines, so anyone can put bytes into the log. None of them may be
taken for a record.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace
from zlib import crc32

from reference.frame import body_verifies, check_frame_header, encode_frame
from reference.segment_header import FrameKey
from tests.vectors.building import (
    SECOND_NS,
    Built,
    ack_file,
    add_frame,
    entries_of,
    entry_of,
    event_of,
    flip,
    payload_of,
    segment,
)
from tests.vectors.document import Json, Vector
from tests.vectors.expecting import Opened, copies, directory_vector, found

FILE = "procmond-00001.wal"
ASCII_TIME_NS = 0x65535302 * SECOND_NS
"""In November 2023, and each of its bytes is ASCII."""


def vectors() -> Iterator[Vector]:
    yield from _planted()
    yield from _many_headers()


def unclean_file(
    id: str,
    requirements: str,
    flags: str,
    comment: str,
    data: bytes,
    opened: Opened,
) -> Vector:
    """One file without a clean mark; what is damaged with a length is copied aside."""
    files = {FILE: data, "procmond.ack": ack_file(0, 1)}
    aside = copies(files, *(d for d in opened.damages if d["length_bytes"]))
    return directory_vector(
        id, requirements, flags, comment, files, replace(opened, aside=aside)
    )  # fmt: skip


# ---- A frame in a command line ----------------------------------------------


def _is_text(data: bytes) -> bool:
    return all(byte < 0x80 for byte in data)


def _forge(key: FrameKey, offset: int, sequence: int) -> str:
    """Return a whole frame for `offset` as text that argv can carry, if `key` is the guess.

    Lengths and pids are tried until both CRCs happen to be ASCII.
    """
    for spare in range(4000):
        event = event_of(sequence)._replace(
            pid=spare % 100, name="evil" + "!" * (spare // 100), timestamp_ns=ASCII_TIME_NS
        )
        payload = payload_of(entry_of(sequence)._replace(event=event))
        frame = encode_frame(key, offset, sequence, payload)
        if _is_text(frame):
            return frame.decode()
    raise AssertionError("no forgery found")


def _with_argument(text: str, salt: bytes) -> Built:
    """Entries 1 to 3, where process 2 was started with `text` as its argument."""
    event = event_of(2)._replace(command_line=("sh", text))
    payload = payload_of(entry_of(2)._replace(event=event))
    return segment(1, [1, 2, 3], salt=salt, payloads={2: payload})


def _place_of(text: str, built: Built) -> int:
    return built.data.index(text.encode(), built.at(2) + 20)


def _planted() -> Iterator[Vector]:
    salt = b"SYNC" + bytes.fromhex("8f3a91c4")
    sync_word = int.from_bytes(b"SYNC", "little")
    place = _place_of("SYNC", _with_argument("SYNC", salt))
    # The user knows the sync word and the offset, but not the other half of the salt.
    guess = FrameKey(sync_word, crc32(b"SYNC\0\0\0\0" + b"\1\0\0\0"))
    yield from _attack(
        "unsalted", salt, _forge(guess, place, 2),
        "a forged frame with the right sync word, number, offset and CRCs, but without the "
        "secret half of the salt",
    )  # fmt: skip

    true_key = segment(1, [1], salt=salt).header.frame_key
    copied = _forge(true_key, 8192, 2)
    header = check_frame_header(copied.encode(), 0, 8192, true_key)
    assert header is not None, "it is sound where it was made for"
    assert body_verifies(copied.encode()[20:], header)
    yield from _attack(
        "copied", salt, copied,
        "a frame that is sound in this very file, at offset 8192: it was read from the file and "
        "planted elsewhere",
    )  # fmt: skip


def _attack(name: str, salt: bytes, text: str, what: str) -> Iterator[Vector]:
    built = _with_argument(text, salt)
    two, end = built.at(2), built.end(2)
    place = _place_of(text, built)
    assert two < place < end
    assert check_frame_header(built.data, place, place, built.header.frame_key) is None

    requirements, flags = "REC-3.3 REC-3.1 FMT-5.4", "forged bit-rot"
    region = found("damaged-region", FILE, two, end - two, "lost", [2])
    yield unclean_file(
        f"dir-planted-{name}", requirements, flags,
        f"Argument of process 2: {what}. The header of frame 2 rotted, so the search runs "
        "through the argument. It must find frame 3 and nothing before it.",
        flip(built.data, two + 9),
        Opened(
            entries=entries_of(1, 3), through=0, next_sequence=4, segments=1, damages=[region]
        ),
    )  # fmt: skip

    cut = flip(built.data[: built.at(3)], two + 9)
    most = -(-(len(cut) - two) // 107)
    tail = found("tail", FILE, two, len(cut) - two, "possibly-lost", range(2, 2 + most))
    yield unclean_file(
        f"dir-planted-{name}-last", requirements, flags,
        f"The same with nothing behind it: {what}. All of it is tail.",
        cut,
        Opened(
            entries=entries_of(1), through=0, next_sequence=2 + most, segments=1, damages=[tail]
        ),
    )  # fmt: skip


# ---- A file made to be slow, or to mislead the search -----------------------


def _many_headers() -> Iterator[Vector]:
    hundred = 100 * 20
    built = segment(1, [], first=1)
    key = built.header.frame_key
    for k in range(100):
        offset = 8192 + 20 * k
        built.data += _bare_header(key, offset, 1, hundred - 20 * k - 20)
    assert len(built.data) == 8192 + hundred
    add_frame(built, 2)
    for k in range(100):
        header = check_frame_header(built.data, 8192 + 20 * k, 8192 + 20 * k, key)
        assert header is not None or hundred - 20 * k - 20 < 87
    body = found("damaged-body", FILE, 8192, hundred, "lost", [1])
    yield unclean_file(
        "dir-many-headers", "REC-3.2 REC-2.1", "slow",
        "A hundred headers, 20 bytes apart, each verifying and claiming everything up to the next "
        "frame. The reader believes the first and goes on behind its whole frame; one that tries "
        "each is quadratic.",
        built.data,
        Opened(entries=entries_of(2), through=1, next_sequence=3, segments=1, damages=[body]),
    )  # fmt: skip

    damages: list[dict[str, Json]] = [
        found("damaged-region", FILE, 8192, 20),
        found("damaged-body", FILE, 8212, hundred - 20, "lost", [1]),
    ]
    yield unclean_file(
        "dir-many-headers-first-rotten", "REC-3.1 REC-3.2", "slow bit-rot",
        "The first of them rotted. The second is a boundary, though its body is bad: 20 bytes "
        "without a number, then one damaged body.",
        flip(built.data, 8192 + 9),
        Opened(entries=entries_of(2), through=1, next_sequence=3, segments=1, damages=damages),
    )  # fmt: skip

    ten = segment(1, list(range(1, 11)))
    data = ten.data
    for sequence in range(1, 10):
        data = flip(data, ten.at(sequence) + 100)
    yield unclean_file(
        "dir-many-bad-bodies", "REC-2.1 REC-3.2", "slow bit-rot",
        "Nine bad bodies in a row, then a sound frame: nine damages, each with its number.",
        data,
        Opened(
            entries=entries_of(10), through=9, next_sequence=11, segments=1,
            damages=[
                found("damaged-body", FILE, ten.at(n), 115, "lost", [n]) for n in range(1, 10)
            ],
        ),
    )  # fmt: skip


def _bare_header(key: FrameKey, offset: int, sequence: int, body_bytes: int) -> bytes:
    fields = struct.pack("<IIQ", key.sync_word, body_bytes, sequence)
    crc = crc32(offset.to_bytes(8, "little") + fields, key.crc_seed)
    return fields + crc.to_bytes(4, "little")
