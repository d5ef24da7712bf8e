"""Directories without damage: closed cleanly, or killed, with files that come and go."""

from __future__ import annotations

from collections.abc import Iterator

from reference.acknowledgement_slots import AckSlot, decode_slot
from tests.vectors.building import (
    ACK,
    FRAME_BYTES,
    FRAMES_AT,
    ack_file,
    directory,
    entries_of,
    flip,
    header_block,
    put,
    raw_header,
    segment,
    slot,
)
from tests.vectors.document import Vector
from tests.vectors.expecting import Opened, directory_vector, found


def vectors() -> Iterator[Vector]:
    yield from _closed()
    yield from _killed()
    yield from _almost_clean()
    yield from _file_numbers()


def _closed() -> Iterator[Vector]:
    yield directory_vector(
        "dir-clean-nothing", "REC-1.1 REC-5.3 WAL-1.2", "clean new-log",
        "No file at all: a new log with a random log_id, and numbers from 1.",
        {},
        Opened(log_id=None, entries=[], through=0, next_sequence=1, segments=0, clean=True),
    )  # fmt: skip

    empty = segment(1, [], first=1)
    assert len(empty.data) == FRAMES_AT
    yield directory_vector(
        "dir-clean-no-entries", "REC-1.1 REC-7.2", "clean",
        "A log that was opened and closed without an event.",
        directory(empty, ack=ack_file(0, 1, empty)),
        Opened(entries=[], through=0, next_sequence=1, segments=1, clean=True),
    )  # fmt: skip

    three = segment(1, [1, 2, 3])
    assert [three.at(n) for n in (1, 2, 3)] == [FRAMES_AT + k * FRAME_BYTES for k in (0, 1, 2)]
    yield directory_vector(
        "dir-clean-three-entries", "REC-1.1 REC-7.2 REC-10.1", "clean",
        "Closed cleanly with three entries that nobody acknowledged.",
        directory(three, ack=ack_file(0, 4, three)),
        Opened(entries=entries_of(1, 2, 3), through=0, next_sequence=4, segments=1, clean=True),
    )  # fmt: skip

    older, newer = segment(1, [1, 2]), segment(2, [3, 4])
    yield directory_vector(
        "dir-clean-two-files", "REC-4.1 REC-7.2", "clean",
        "Two files. The clean mark names the newest.",
        directory(older, newer, ack=ack_file(0, 5, newer)),
        Opened(entries=entries_of(1, 2, 3, 4), through=0, next_sequence=5, segments=2, clean=True),
    )  # fmt: skip
    yield directory_vector(
        "dir-clean-partly-acknowledged", "ACK-2.1 REC-10.1", "clean",
        "Acknowledged through 3: only 4 is replayed, and file 1 may go.",
        directory(older, newer, ack=ack_file(3, 5, newer)),
        Opened(entries=entries_of(4), through=3, next_sequence=5, segments=2, clean=True),
    )  # fmt: skip
    yield directory_vector(
        "dir-clean-all-acknowledged", "ACK-2.1 REC-10.1", "clean",
        "All is acknowledged. The newest file stays, or its numbers would be forgotten.",
        directory(newer, ack=ack_file(4, 5, newer)),
        Opened(entries=[], through=4, next_sequence=5, segments=1, clean=True),
    )  # fmt: skip

    active = segment(7, [], first=101)
    yield directory_vector(
        "dir-clean-only-active-left", "WAL-1.2 ACK-5.1", "clean numbers",
        "Files 1 to 6 were deleted after their 100 entries were acknowledged. Numbering goes on "
        "at 101, and 1 to 100 are no gap.",
        directory(active, ack=ack_file(100, 101, active)),
        Opened(entries=[], through=100, next_sequence=101, segments=1, clean=True),
    )  # fmt: skip


def _killed() -> Iterator[Vector]:
    three = segment(1, [1, 2, 3])
    yield directory_vector(
        "dir-killed-three-entries", "WAL-1.1 REC-7.1", "unclean",
        "Killed between two appends: nothing is damaged, but the mark is withdrawn.",
        directory(three, ack=ack_file(0, 1)),
        Opened(entries=entries_of(1, 2, 3), through=0, next_sequence=4, segments=1),
    )  # fmt: skip
    yield directory_vector(
        "dir-killed-part-acknowledged", "REC-7.1 ACK-2.1", "unclean",
        "Killed after 2 was acknowledged: recovery copies only 3 to the next file.",
        directory(three, ack=ack_file(2, 4)),
        Opened(entries=entries_of(3), through=2, next_sequence=4, segments=1),
    )  # fmt: skip
    yield directory_vector(
        "dir-killed-all-acknowledged", "REC-7.1 WAL-1.2", "unclean numbers",
        "Killed with everything settled: nothing to copy, and yet 4 must be the next number.",
        directory(three, ack=ack_file(3, 4)),
        Opened(entries=[], through=3, next_sequence=4, segments=1),
    )  # fmt: skip

    older, fresh = segment(1, [1, 2]), segment(2, [], first=3)
    yield directory_vector(
        "dir-killed-after-rotation", "WAL-3.1 REC-7.1", "unclean",
        "Killed right after a rotation: the newest file is sound and empty.",
        directory(older, fresh, ack=ack_file(0, 1)),
        Opened(entries=entries_of(1, 2), through=0, next_sequence=3, segments=2),
    )  # fmt: skip
    yield directory_vector(
        "dir-killed-two-files", "REC-4.1 REC-7.1", "unclean",
        "Only the newest file is copied; older ones were synced before it existed.",
        directory(older, segment(2, [3, 4, 5]), ack=ack_file(1, 2)),
        Opened(entries=entries_of(2, 3, 4, 5), through=1, next_sequence=6, segments=2),
    )  # fmt: skip


def _almost_clean() -> Iterator[Vector]:
    three = segment(1, [1, 2, 3])
    shorter = segment(1, [1, 2])
    assert three.data[: len(shorter.data)] == shorter.data
    yield directory_vector(
        "dir-unclean-mark-of-other-length", "REC-7.2", "unclean",
        "The mark says 'durable at this length', and the file has grown since.",
        directory(three, ack=ack_file(0, 4, shorter)),
        Opened(entries=entries_of(1, 2, 3), through=0, next_sequence=4, segments=1),
    )  # fmt: skip

    newer = segment(2, [4])
    yield directory_vector(
        "dir-unclean-mark-of-older-file", "REC-7.2", "unclean",
        "The mark names file 1, which is no longer the newest.",
        directory(three, newer, ack=ack_file(0, 5, three)),
        Opened(entries=entries_of(1, 2, 3, 4), through=0, next_sequence=5, segments=2),
    )  # fmt: skip

    # Generation 9 (at 4096) is rotten; generation 8 says that all was clean, which is old news.
    stale = put(ack_file(0, 4, three), 4096, flip(slot(9, 0, 4), 60))
    assert decode_slot(stale[4096:4224]) is None
    assert decode_slot(stale[:128]) == AckSlot(8, three.header.log_id, 0, 4, 1, len(three.data))
    yield directory_vector(
        "dir-unclean-one-slot-rotten", "REC-7.2 ACK-1.1", "unclean bit-rot acknowledgements",
        "The older slot says 'clean'. With the newer one rotten that proves nothing.",
        directory(three, ack=stale),
        Opened(
            entries=entries_of(1, 2, 3), through=0, next_sequence=4, segments=1,
            damages=[
                found("acknowledgement-slot", ACK, 4096, 128, detail="the other is used"),
            ],
        ),
    )  # fmt: skip


def _file_numbers() -> Iterator[Vector]:
    five, six = segment(99_999, [1, 2]), segment(100_000, [3, 4])
    assert six.name < five.name, "as text the newer name sorts first"
    yield directory_vector(
        "dir-file-numbers-sort-as-numbers", "FMT-3.1 REC-4.1", "numbers",
        "99999 is followed by 100000. As text the second name sorts first.",
        directory(five, six, ack=ack_file(0, 5, six)),
        Opened(entries=entries_of(1, 2, 3, 4), through=0, next_sequence=5, segments=2, clean=True),
    )  # fmt: skip

    first, fifth = segment(1, [1, 2]), segment(5, [3, 4])
    yield directory_vector(
        "dir-file-numbers-with-holes", "FMT-3.1 REC-4.1", "numbers",
        "Files 2 to 4 never came to be. Only sequences must be consecutive, not file numbers.",
        directory(first, fifth, ack=ack_file(0, 5, fifth)),
        Opened(entries=entries_of(1, 2, 3, 4), through=0, next_sequence=5, segments=2, clean=True),
    )  # fmt: skip

    last_number = 2**32 - 1 - 2**16
    highest = segment(last_number, [1])
    yield directory_vector(
        "dir-file-number-highest", "FMT-4.4", "numbers extreme",
        "The highest file number that counts, closed cleanly: it can still be appended to.",
        directory(highest, ack=ack_file(0, 2, highest)),
        Opened(entries=entries_of(1), through=0, next_sequence=2, segments=1, clean=True),
    )  # fmt: skip

    high = 2**63
    far = segment(3, [high, high + 1])
    yield directory_vector(
        "dir-sequences-above-2-to-63", "FMT-5.1 WAL-1.2", "numbers extreme",
        "Sequences are unsigned: 2^63 is no negative number, and no float.",
        directory(far, ack=ack_file(high - 1, high + 2, far)),
        Opened(
            entries=entries_of(high, high + 1), through=high - 1, next_sequence=high + 2,
            segments=1, clean=True,
        ),
    )  # fmt: skip

    last = 2**64 - 1 - 2**16
    end = segment(3, [last])
    yield directory_vector(
        "dir-sequence-highest", "FMT-5.1 FMT-4.4", "numbers extreme",
        "The last sequence there is. It is replayed; no further one can be handed out.",
        directory(end, ack=ack_file(last - 1, last + 1, end)),
        Opened(
            entries=entries_of(last), through=last - 1, next_sequence=last + 1, segments=1,
            clean=True,
        ),
    )  # fmt: skip

    minor = segment(1, [1, 2])
    copy = raw_header(1, minor=7, salt=minor.header.salt, reserved=b"\x01" * 40)
    newer_minor = {minor.name: header_block(copy) + minor.data[FRAMES_AT:]}
    newer_minor[ACK] = ack_file(0, 3, minor)
    yield directory_vector(
        "dir-minor-version-higher", "FMT-4.3", "clean version",
        "Version 1.7 with reserved bytes in use: a higher minor is read as this one.",
        newer_minor,
        Opened(entries=entries_of(1, 2), through=0, next_sequence=3, segments=1, clean=True),
    )  # fmt: skip
