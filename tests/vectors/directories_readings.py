"""Directories that tell two readings of one sentence apart: a port once had to guess.

Each comment names the reading that SPEC.md has. The names are those of building.py.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.vectors.building import (
    ACK,
    LOG_A,
    LOG_B,
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
from tests.vectors.expecting import Opened, copies, directory_vector, found, refused

ONE, TWO, THREE = (f"procmond-0000{n}.wal" for n in (1, 2, 3))
TORN = b"\xa5" * 60
"""At most one record."""


def vectors() -> Iterator[Vector]:
    yield from _nothing_left()
    yield from _jumps_of_bad_bodies()
    yield from _settled_tails()
    yield from _tails_before_a_gap()
    yield from _among_copies()
    yield from _failed_rotations()
    yield from _without_an_acknowledgement_file()
    yield from _slots_and_marks()
    yield from _half_done()


# ---- Damage whose numbers are no loss ---------------------------------------


def _nothing_left() -> Iterator[Vector]:
    jump = segment(1, [1, 2, 5, 6])
    yield directory_vector(
        "dir-jump-acknowledged", "REP-1.3 REC-2.1", "numbers acknowledgements",
        "2 is followed by 5, and 4 was acknowledged: nothing is lost, but a jump inside a file is "
        "damage all the same. Only gaps between files and missing ends are then left out.",
        directory(jump, ack=ack_file(4, 7)),
        Opened(
            entries=entries_of(5, 6), through=4, next_sequence=7, segments=1,
            damages=[found("missing-numbers", ONE, jump.at(5), 0)],
        ),
    )  # fmt: skip

    # What this file expects, not what the log expects, bounds the search for a boundary.
    older, clone = segment(1, [1, 2, 3, 4, 5]), segment(2, [3, 4, 5, 6], salt=b"clone no")
    rotten = clone.with_data(flip(clone.data, clone.at(4) + 9))
    files = directory(older, rotten, ack=ack_file(0, 1))
    region = found("damaged-region", TWO, clone.at(4), 115)
    yield directory_vector(
        "dir-search-window-of-the-file", "REC-3.1 REC-4.2", "numbers bit-rot",
        "File 2 repeats 3 to 5 (a clone), and its 4 rotted. The search expects what the file "
        "does: 5 is a boundary, though the log is at 6 already. 4 is not lost: file 1 has it.",
        files,
        Opened(
            entries=entries_of(1, 2, 3, 4, 5, 6), through=0, next_sequence=7, segments=2,
            damages=[
                found("stale-frame", TWO, clone.at(3), 115), region,
                found("stale-frame", TWO, clone.at(5), 115),
            ],
            aside=copies(files, region),
        ),
    )  # fmt: skip


def _jumps_of_bad_bodies() -> Iterator[Vector]:
    behind = segment(1, [1, 2, 1, 3])
    rotten = behind.with_data(flip(behind.data, behind.at(1) + 100))
    files = directory(rotten, ack=ack_file(0, 1))
    body = found("damaged-body", ONE, behind.at(1), 115)
    yield directory_vector(
        "dir-bad-body-behind", "REC-2.1 REC-4.2", "numbers bit-rot",
        "Behind 2 stands a header for 1 whose body is bad: 1 was delivered, nothing is lost.",
        files,
        Opened(
            entries=entries_of(1, 2, 3), through=0, next_sequence=4, segments=1, damages=[body],
            aside=copies(files, body),
        ),
    )  # fmt: skip
    ahead = segment(1, [1, 2, 5, 6])
    rotten = ahead.with_data(flip(ahead.data, ahead.at(5) + 100))
    files = directory(rotten, ack=ack_file(0, 1))
    body = found("damaged-body", ONE, ahead.at(5), 115, "lost", [3, 4, 5])
    yield directory_vector(
        "dir-bad-body-ahead", "REC-2.1", "numbers bit-rot",
        "Behind 2 stands a header for 5 whose body is bad: one damage, which answers for 3 and 4 "
        "as well.",
        files,
        Opened(
            entries=entries_of(1, 2, 6), through=0, next_sequence=7, segments=1, damages=[body],
            aside=copies(files, body),
        ),
    )  # fmt: skip


# ---- What settles a tail ----------------------------------------------------


def _settled_tails() -> Iterator[Vector]:
    older = segment(1, [1, 2])
    start = len(older.data)
    older.data += TORN
    newer = segment(2, [3, 4, 5])
    rotten = newer.with_data(flip(newer.data, newer.at(3) + 100))
    files = directory(older, rotten, ack=ack_file(0, 6, rotten))
    body = found("damaged-body", TWO, newer.at(3), 115, "lost", [3])
    yield directory_vector(
        "dir-tail-older-file-first-frame-rotten", "REC-6.1 REC-2.1", "torn bit-rot",
        "File 2 goes on with 3, whose body rotted; 4 verifies. Any frame of its own shows that "
        "file 2 handed out its numbers from 3 on: the tail of file 1 held none.",
        files,
        Opened(
            entries=entries_of(1, 2, 4, 5), through=0, next_sequence=6, segments=2, clean=True,
            damages=[body], aside=copies(files, body),
        ),
    )  # fmt: skip

    yield directory_vector(
        "dir-tail-before-empty-copy", "REC-6.1 FMT-4.6", "torn recovery",
        "The header of file 2 says that it was made to hold copies; there was none to hold. Its "
        "fields tell that a recovery had read all before it: the tail is settled.",
        directory(
            older, segment(2, [], relocated_from=1, continues_from=3, first=3), ack=ack_file(0, 3)
        ),
        Opened(entries=entries_of(1, 2), through=0, next_sequence=3, segments=2),
    )  # fmt: skip

    three = segment(1, [1, 2])
    three.data += b"\xa5" * 230
    files = directory(three, segment(2, [], continues_from=3, first=4), ack=ack_file(0, 1))
    tail = found("tail", ONE, start, 230, "possibly-lost", [4, 5])
    yield directory_vector(
        "dir-tail-older-file-half-declared", "REC-6.1 FMT-4.5", "torn declared-gap",
        "The tail may have held 3 to 5, and file 2 declares only 3: that does not settle it. 3 "
        "is no news.",
        files,
        Opened(
            entries=entries_of(1, 2), through=0, next_sequence=6, segments=2, damages=[tail],
            aside=copies(files, tail),
        ),
    )  # fmt: skip


def _tails_before_a_gap() -> Iterator[Vector]:
    older = segment(1, [1, 2])
    start = len(older.data)
    older.data += TORN
    newer = segment(2, [4, 5])
    yield directory_vector(
        "dir-tail-older-file-acknowledged", "REC-4.1 REC-8.1", "torn acknowledgements",
        "The bytes behind 2 were record 3, which was acknowledged: neither reported nor copied.",
        directory(older, newer, ack=ack_file(3, 6, newer)),
        Opened(entries=entries_of(4, 5), through=3, next_sequence=6, segments=2, clean=True),
    )  # fmt: skip

    middle = segment(2, [], first=3)
    middle.data += TORN
    last = segment(3, [5, 6])
    files = directory(older, middle, last, ack=ack_file(0, 7, last))
    gap = found(
        "gap-between-files", ONE, start, 60, "lost", [3, 4], f"{THREE} continues from 5"
    )  # fmt: skip
    yield directory_vector(
        "dir-two-tails-before-a-gap", "REC-6.1 REC-4.1", "torn numbers",
        "Two tails precede the file that starts with 5. The first carries the lost numbers; the "
        "second is neither reported nor copied aside.",
        files,
        Opened(
            entries=entries_of(1, 2, 5, 6), through=0, next_sequence=7, segments=3, clean=True,
            damages=[gap], aside=copies(files, gap),
        ),
    )  # fmt: skip

    files = directory(older, middle, ack=ack_file(0, 1))
    tails = [
        found("tail", ONE, start, 60, "possibly-lost", [3]),
        found("tail", TWO, 8192, 60),
    ]
    yield directory_vector(
        "dir-two-tails-at-the-end", "REC-6.1 REC-5.2", "torn numbers",
        "A tail of file 1, then file 2 that starts with 3 and holds only a tail. Each may have "
        "held 3, and there is one 3: it is burned once.",
        files,
        Opened(
            entries=entries_of(1, 2), through=0, next_sequence=4, segments=2, damages=tails,
            aside=copies(files, *tails),
        ),
    )  # fmt: skip


# ---- Damage among copies ----------------------------------------------------


def _among_copies() -> Iterator[Vector]:
    copied = segment(2, [1, 2, 3, 4], relocated_from=1, continues_from=5, first=5)
    cut = copied.with_data(copied.data[: copied.at(3) + 60])
    files = directory(cut, ack=ack_file(0, 5))
    tail = found("tail", TWO, copied.at(3), 60, "possibly-lost", [3, 4, 5])
    yield directory_vector(
        "dir-copies-torn", "REC-6.3 FMT-4.6", "recovery torn",
        "Only 1 and 2 of the copies are left. The tail may have held the other copies, 3 and 4, "
        "and one record of the file's own, 5.",
        files,
        Opened(
            entries=entries_of(1, 2), through=0, next_sequence=6, segments=1, damages=[tail],
            aside=copies(files, tail),
        ),
    )  # fmt: skip

    burned = segment(2, [1, 2, 3, 4], relocated_from=1, continues_from=5, first=8)
    cut = burned.with_data(burned.data[: burned.at(3) + 60])
    files = directory(cut, ack=ack_file(0, 8))
    tails = [
        found("tail", TWO, burned.at(3), 60, "possibly-lost", [3, 4], "copies made by recovery"),
        found("tail", TWO, burned.at(3), 60, "possibly-lost", [8]),
    ]
    yield directory_vector(
        "dir-copies-torn-before-declared-gap", "REC-6.3 FMT-4.5", "recovery torn declared-gap",
        "The same with 5 to 7 declared as burned: copies 3 and 4, and 8 of the file's own. The "
        "numbers are not consecutive, so there are two reports of one tail.",
        files,
        Opened(
            entries=entries_of(1, 2), through=0, next_sequence=9, segments=1, damages=tails,
            aside=sorted(set(copies(files, *tails))),
        ),
    )  # fmt: skip

    went_on = segment(2, [1, 2, 8, 9], relocated_from=1, continues_from=3, first=7)
    wiped = went_on.with_data(put(went_on.data, went_on.at(2), b"\xa5" * 115))
    files = directory(wiped, ack=ack_file(0, 10, wiped))
    region = found("damaged-region", TWO, went_on.at(2), 115, "lost", [2])
    jump = found("missing-numbers", TWO, went_on.at(8), 0, "lost", [7])
    yield directory_vector(
        "dir-copies-region-across-declared-gap", "REC-3.1 FMT-4.5", "recovery bit-rot declared-gap",
        "A region from the last copy on; the next frame is 8, and 3 to 6 are declared. The region "
        "answers for the copy, a jump behind it for 7.",
        files,
        Opened(
            entries=entries_of(1, 8, 9), through=0, next_sequence=10, segments=1, clean=True,
            damages=[region, jump], aside=copies(files, region),
        ),
    )  # fmt: skip

    short = copied.with_data(copied.data[: copied.at(3)])
    end = found(
        "missing-end", TWO, copied.at(3), 0, "possibly-lost", [3, 4],
        "the file was longer when it was closed",
    )  # fmt: skip
    yield directory_vector(
        "dir-copies-cut-between-frames", "ACK-3.1 REP-1.2", "recovery truncated",
        "Cut between two copies. Holes among copies are normal, but the clean mark knows that the "
        "file was longer.",
        directory(short, ack=ack_file(0, 5, copied)),
        Opened(
            entries=entries_of(1, 2), through=0, next_sequence=5, segments=1, damages=[end]
        ),
    )  # fmt: skip
    yield directory_vector(
        "dir-copies-cut-acknowledged", "ACK-3.1 REP-1.3", "recovery truncated acknowledgements",
        "The same after 4 was acknowledged: no number is missing, so there is no missing end.",
        directory(short, ack=ack_file(4, 5, copied)),
        Opened(entries=[], through=4, next_sequence=5, segments=1),
    )  # fmt: skip


# ---- The acknowledgement file -----------------------------------------------


def _failed_rotations() -> Iterator[Vector]:
    went_on = segment(1, [1, 2, 3, 4, 5])
    yield directory_vector(
        "dir-rotation-failed-twice", "REC-7.3 WAL-3.3", "rotation",
        "Two rotations failed and left their files, and file 1 was written on: it is the file that "
        "was open, so its entries are copied, though files 2 and 3 are newer.",
        directory(went_on, segment(2, [], first=3), segment(3, [], first=4), ack=ack_file(1, 2)),
        Opened(entries=entries_of(2, 3, 4, 5), through=1, next_sequence=6, segments=3),
    )  # fmt: skip


def _without_an_acknowledgement_file() -> Iterator[Vector]:
    yield directory_vector(
        "dir-ack-missing-oldest-is-empty", "ACK-1.2", "acknowledgements rotation",
        "File 1 is empty, a rotation that failed long ago; file 2 is the oldest with records, and "
        "starts with 5. So 1 to 4 count as acknowledged.",
        directory(segment(1, [], first=3), segment(2, [5, 6])),
        Opened(entries=entries_of(5, 6), through=4, next_sequence=7, segments=2),
    )  # fmt: skip
    yield directory_vector(
        "dir-ack-missing-only-empty-file", "ACK-1.2 WAL-1.2", "acknowledgements numbers",
        "All that is left is an empty file that starts with 101. No file has records, so the "
        "newest one says it: 1 to 100 were settled, or it would not be alone.",
        directory(segment(7, [], first=101)),
        Opened(entries=[], through=100, next_sequence=101, segments=1),
    )  # fmt: skip


def _slots_and_marks() -> Iterator[Vector]:
    three = segment(1, [1, 2, 3])
    twins = put(put(ack_file(0, 1), 0, slot(9, 1, 4)), 4096, slot(9, 2, 4))
    yield directory_vector(
        "dir-ack-slots-of-one-generation", "ACK-1.1", "acknowledgements extreme",
        "Both slots verify and have generation 9; no writer does this. The one at 0 counts.",
        directory(three, ack=twins),
        Opened(entries=entries_of(2, 3), through=1, next_sequence=4, segments=1),
    )  # fmt: skip
    a, b = segment(1, [1, 2]), segment(2, [3, 4], log_id=LOG_B, previous=LOG_A)
    yield directory_vector(
        "dir-clean-mark-of-older-identity", "REC-7.2 ACK-1.2", "identity clean",
        "The slots name the old log_id, which is in the chain, and the newest file at its length. "
        "They count in full, the mark included.",
        directory(a, b, ack=ack_file(0, 5, b, log_id=LOG_A)),
        Opened(
            log_id=LOG_B, previous=LOG_A, entries=entries_of(1, 2, 3, 4), through=0,
            next_sequence=5, segments=2, clean=True,
        ),
    )  # fmt: skip
    yield directory_vector(
        "dir-ack-both-old-and-new", "ACK-4.1", "acknowledgements",
        "A new acknowledgement file stands beside the old one: the old one counts, the new one is "
        "a leftover.",
        {**directory(three, ack=ack_file(1, 4)), f"{ACK}.new": ack_file(3, 4)},
        Opened(
            entries=entries_of(2, 3), through=1, next_sequence=4, segments=1,
            removed=[f"{ACK}.new"],
        ),
    )  # fmt: skip
    yield directory_vector(
        "dir-ack-only-new", "ACK-4.1", "acknowledgements",
        "Killed between the two names: only the new file is there, with two good slots. It counts.",
        {**directory(three), f"{ACK}.new": ack_file(2, 4)},
        Opened(entries=entries_of(3), through=2, next_sequence=4, segments=1),
    )  # fmt: skip
    half = put(ack_file(2, 4), 4096, bytes(128))
    yield directory_vector(
        "dir-ack-only-new-and-torn", "ACK-4.1 ACK-1.2", "acknowledgements torn",
        "The same with one slot missing: it was never finished, and is removed.",
        {**directory(three), f"{ACK}.new": half},
        Opened(
            entries=entries_of(1, 2, 3), through=0, next_sequence=4, segments=1,
            removed=[f"{ACK}.new"],
        ),
    )  # fmt: skip


# ---- A salvage, and headers -------------------------------------------------


def _half_done() -> Iterator[Vector]:
    one, two = segment(1, [1, 2]), segment(2, [3, 4])
    files = directory(one, ack=ack_file(0, 5, two))
    yield directory_vector(
        "dir-salvage-half-done", "CLI-3.1 REC-1.2", "recovery names",
        "Killed inside a salvage: the original was moved aside, its copy has not got the name "
        "yet. Opening renames it before anything is read.",
        {**files, f"{TWO}.salvaged": two.data, f"{TWO}.unreadable": two.data[:9000]},
        Opened(entries=entries_of(1, 2, 3, 4), through=0, next_sequence=5, segments=2, clean=True),
    )  # fmt: skip
    yield directory_vector(
        "dir-salvage-begun", "CLI-3.1 FMT-3.2", "recovery names",
        "The original still has its name: the copy is evidence and nothing else.",
        {**directory(one, two, ack=ack_file(0, 5, two)), f"{TWO}.salvaged": two.data[:9000]},
        Opened(entries=entries_of(1, 2, 3, 4), through=0, next_sequence=5, segments=2, clean=True),
    )  # fmt: skip
    yield directory_vector(
        "dir-salvage-name-taken", "CLI-3.1 REC-1.1", "names irregular",
        "A directory stands where the copy of a salvage would go: left alone, never a refusal.",
        {**directory(one, ack=ack_file(0, 3, one)), f"{TWO}.salvaged": two.data},
        Opened(
            entries=entries_of(1, 2), through=0, next_sequence=3, segments=1, clean=True,
            ignored=[TWO],
        ),
        irregular=[TWO],
    )  # fmt: skip

    wrong, later = raw_header(9), raw_header(1, major=2)
    for name, block, then in (
        ("first", header_block(later, wrong), refused("UnsupportedVersion")),
        (
            "second", header_block(wrong, later),
            Opened(
                log_id=None, entries=[], through=0, next_sequence=1, segments=0, clean=True,
                damages=[
                    found("unreadable-file", ONE, 0, 8292, "possibly-lost", [1],
                          "the header is that of file 9"),
                ],
                aside=[f"{ONE}.unreadable"],
            ),
        ),
    ):  # fmt: skip
        yield directory_vector(
            f"dir-unsupported-{name}-of-two-copies", "FMT-4.3 FMT-4.4", "header version",
            "One copy verifies and is of another major, the other is that of file 9. No copy is "
            f"usable, so the first that verifies decides; here the {name} is unsupported.",
            {ONE: block + b"\xa5" * 100}, then,
        )  # fmt: skip
