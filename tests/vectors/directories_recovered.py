"""Directories that an earlier recovery left, whole or half done, and entries without a meaning.

Recovery copies what is unsettled in the newest file to a new one, then removes the old. A
header declares what is a copy and which numbers were burned, so nothing is delivered or
reported twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reference.codec import encode_event
from tests.vectors.building import (
    ack_file,
    directory,
    entries_of,
    entry_of,
    flip,
    payload_of,
    put,
    segment,
)
from tests.vectors.document import Vector
from tests.vectors.expecting import Opened, copies, directory_vector, found

ONE, TWO = "procmond-00001.wal", "procmond-00002.wal"


def vectors() -> Iterator[Vector]:
    yield from _declared_gaps()
    yield from _copies()
    yield from _undecodable()


def _declared_gaps() -> Iterator[Vector]:
    one = segment(1, [1, 2])
    burned = segment(2, [6, 7], continues_from=3, first=6)
    yield directory_vector(
        "dir-gap-declared", "FMT-4.5 REC-4.1", "declared-gap",
        "An earlier recovery burned 3 to 5 and reported them. They are not reported again, or "
        "every open would warn until file 1 is gone.",
        directory(one, burned, ack=ack_file(0, 8, burned)),
        Opened(
            entries=entries_of(1, 2, 6, 7), through=0, next_sequence=8, segments=2, clean=True
        ),
    )  # fmt: skip
    empty = segment(2, [], continues_from=3, first=6)
    yield directory_vector(
        "dir-gap-declared-empty-file", "FMT-4.5 REC-6.2", "declared-gap numbers",
        "The same before anything was appended: 6 is the next number.",
        directory(one, empty, ack=ack_file(0, 1)),
        Opened(entries=entries_of(1, 2), through=0, next_sequence=6, segments=2),
    )  # fmt: skip
    rotten = burned.with_data(flip(burned.data, burned.at(6) + 9))
    files = directory(one, rotten, ack=ack_file(0, 8, rotten))
    region = found("damaged-region", TWO, burned.at(6), 115, "lost", [6])
    yield directory_vector(
        "dir-gap-declared-then-damage", "FMT-4.5 REC-2.2", "declared-gap bit-rot",
        "The first frame behind a declared gap rotted: 6 is lost, 3 to 5 still are no news.",
        files,
        Opened(
            entries=entries_of(1, 2, 7), through=0, next_sequence=8, segments=2, clean=True,
            damages=[region], aside=copies(files, region),
        ),
    )  # fmt: skip
    above = segment(2, [6, 7], continues_from=5, first=6)
    gap = found("gap-between-files", TWO, 0, 0, "lost", [3, 4], f"{TWO} continues from 5")
    yield directory_vector(
        "dir-gap-partly-declared", "FMT-4.5 REC-4.1 REP-1.2", "declared-gap numbers",
        "Only 5 is declared. 3 and 4 are a gap that nobody reported yet.",
        directory(one, above, ack=ack_file(0, 8, above)),
        Opened(
            entries=entries_of(1, 2, 6, 7), through=0, next_sequence=8, segments=2, clean=True,
            damages=[gap],
        ),
    )  # fmt: skip


def _copies() -> Iterator[Vector]:
    old = segment(1, [1, 2, 3, 4])
    copy = segment(2, [1, 2, 3, 4], relocated_from=1, continues_from=5, first=5)
    yield directory_vector(
        "dir-copies-beside-the-old-file", "REC-7.1 REC-9.2 FMT-4.6 REC-4.2", "recovery",
        "Killed between the rename of the copy and the removal of the old file: each entry is "
        "delivered once, and declared copies are not stale.",
        directory(old, copy, ack=ack_file(0, 5)),
        Opened(entries=entries_of(1, 2, 3, 4), through=0, next_sequence=5, segments=2),
    )  # fmt: skip
    yield directory_vector(
        "dir-copies-alone", "REC-7.1 FMT-4.6", "recovery",
        "After recovery: only the copies, which the acknowledgement file marks as durable.",
        directory(copy, ack=ack_file(0, 5, copy)),
        Opened(entries=entries_of(1, 2, 3, 4), through=0, next_sequence=5, segments=1, clean=True),
    )  # fmt: skip
    went_on = segment(2, [3, 4, 5, 6], relocated_from=1, continues_from=5, first=5)
    yield directory_vector(
        "dir-copies-with-holes", "FMT-4.6 REC-4.1", "recovery",
        "1 and 2 were settled and not copied; 5 and 6 came later. The holes are no loss, also "
        "without an acknowledgement file.",
        directory(went_on),
        Opened(entries=entries_of(3, 4, 5, 6), through=2, next_sequence=7, segments=1),
    )  # fmt: skip
    inner = segment(2, [1, 4, 5], relocated_from=1, continues_from=5, first=5)
    yield directory_vector(
        "dir-copies-with-inner-hole", "FMT-4.6 REP-1.2", "recovery",
        "2 and 3 were damaged, reported and not copied: not reported again.",
        directory(inner, ack=ack_file(0, 6, inner)),
        Opened(entries=entries_of(1, 4, 5), through=0, next_sequence=6, segments=1, clean=True),
    )  # fmt: skip
    burned = segment(2, [1, 2, 6], relocated_from=1, continues_from=3, first=6)
    yield directory_vector(
        "dir-copies-and-burned-numbers", "FMT-4.5 FMT-4.6 REC-6.2", "recovery declared-gap",
        "One header says both: 1 and 2 are copies, 3 to 5 are burned.",
        directory(burned, ack=ack_file(0, 7, burned)),
        Opened(entries=entries_of(1, 2, 6), through=0, next_sequence=7, segments=1, clean=True),
    )  # fmt: skip

    rotten = copy.with_data(flip(copy.data, copy.at(2) + 100))
    files = directory(old, rotten, ack=ack_file(0, 5))
    unharmed = found("damaged-body", TWO, copy.at(2), 115)
    yield directory_vector(
        "dir-copies-rotten-beside-the-old-file", "REC-2.1 REC-4.2 REC-9.2", "recovery bit-rot",
        "A copy rotted while the old file is still there: damage, but no number is lost.",
        files,
        Opened(
            entries=entries_of(1, 2, 3, 4), through=0, next_sequence=5, segments=2,
            damages=[unharmed], aside=copies(files, unharmed),
        ),
    )  # fmt: skip
    files = directory(rotten, ack=ack_file(0, 5, rotten))
    lost = found("damaged-body", TWO, copy.at(2), 115, "lost", [2])
    yield directory_vector(
        "dir-copies-rotten-alone", "REC-2.1 REP-1.2", "recovery bit-rot",
        "The same after the old file is gone: 2 is lost.",
        files,
        Opened(
            entries=entries_of(1, 3, 4), through=0, next_sequence=5, segments=1, clean=True,
            damages=[lost], aside=copies(files, lost),
        ),
    )  # fmt: skip


# ---- Entries that verify and cannot be decoded ------------------------------


def _undecodable() -> Iterator[Vector]:
    bad_tag = _with_event_bytes(put(encode_event(entry_of(1).event), 0, b"\x03"))
    reason = "at byte 36: event_type 3 is not 0, 1 or 2"  # 8 sequence, 28 timestamp
    for where, number, through, in_the_way in (
        ("first", 1, 1, [2, 3]), ("middle", 2, 0, [1, 3]), ("last", 3, 0, [1, 2]),
    ):  # fmt: skip
        yield _three(
            f"dir-undecodable-{where}", "REC-11.1 DLQ-1.1 FMT-2.2",
            "The CRCs hold, so these bytes were accepted, and nobody can read them: to the "
            "dead-letter file. Left in the log they would block the watermark for ever.",
            {number: bad_tag}, number, reason, in_the_way, through,
        )  # fmt: skip

    yield _three(
        "dir-undecodable-trailing-byte", "REC-11.1 FMT-2.5",
        "One byte stands between the event and the CRC.",
        {2: payload_of(entry_of(2)) + b"\0"}, 2,
        "at byte 91: 1 bytes between the event and the CRC", [1, 3], 0,
    )  # fmt: skip
    text = payload_of(entry_of(2)).replace(b"22Z", b"22z", 1)
    assert text != payload_of(entry_of(2))
    yield _three(
        "dir-undecodable-timestamp", "REC-11.1 FMT-2.6",
        "The timestamp ends in a small z.", {2: text}, 2,
        "at byte 16: timestamp: '2023-11-14T22:13:22z' is not of the form "
        "2026-11-23T14:25:01.250Z", [1, 3], 0,
    )  # fmt: skip

    acknowledged = segment(1, [1, 2, 3], payloads={2: bad_tag})
    yield directory_vector(
        "dir-undecodable-acknowledged", "REC-11.1 ACK-2.1", "undecodable acknowledgements",
        "The undecodable entry was settled before: nothing to do or to report.",
        directory(acknowledged, ack=ack_file(2, 4)),
        Opened(entries=entries_of(3), through=2, next_sequence=4, segments=1),
    )  # fmt: skip


def _with_event_bytes(event: bytes) -> bytes:
    return payload_of(entry_of(1))[:28] + event


def _three(
    id: str,
    requirements: str,
    comment: str,
    payloads: Mapping[int, bytes],
    number: int,
    reason: str,
    survivors: list[int],
    through: int,
) -> Vector:
    built = segment(1, [1, 2, 3], payloads=payloads)
    offset, length = built.places[number]
    damage = found(
        "undecodable-entry", ONE, offset, length, "dead-lettered", [number], reason
    )  # fmt: skip
    return directory_vector(
        id, requirements, "undecodable", comment, directory(built, ack=ack_file(0, 1)),
        Opened(
            entries=entries_of(*survivors), through=through, next_sequence=4, segments=1,
            damages=[damage], dead_letters=[(number, payloads[number])],
        ),
    )  # fmt: skip
