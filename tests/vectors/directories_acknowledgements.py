"""Directories whose acknowledgement file and segments disagree, or where one of them is gone."""

from __future__ import annotations

from collections.abc import Iterator

from reference.acknowledgement_slots import decode_slot
from tests.vectors.building import (
    ACK,
    LOG_B,
    ack_file,
    directory,
    entries_of,
    flip,
    put,
    raw_slot,
    segment,
    slot,
)
from tests.vectors.document import Vector
from tests.vectors.expecting import Opened, directory_vector, found

ONE, TWO, THREE = (f"procmond-0000{n}.wal" for n in (1, 2, 3))
KNOWS_MORE = "the acknowledgement file knows higher numbers"


def vectors() -> Iterator[Vector]:
    yield from _missing()
    yield from _one_slot()
    yield from _ahead()
    yield from _deleted_by_hand()


def _missing() -> Iterator[Vector]:
    one, two = segment(1, [1, 2]), segment(2, [3, 4])
    yield directory_vector(
        "dir-ack-missing", "ACK-1.2", "acknowledgements",
        "No acknowledgement file: everything is replayed, nothing is lost or refused.",
        directory(one, two),
        Opened(entries=entries_of(1, 2, 3, 4), through=0, next_sequence=5, segments=2),
    )  # fmt: skip
    seven = segment(7, [5, 6])
    yield directory_vector(
        "dir-ack-missing-oldest-starts-at-5", "ACK-1.2 REC-4.1", "acknowledgements numbers",
        "The oldest file starts with 5. Files are deleted only when settled, so 1 to 4 are no gap.",
        directory(seven),
        Opened(entries=entries_of(5, 6), through=4, next_sequence=7, segments=1),
    )  # fmt: skip
    rotten = ack_file(2, 5)
    rotten = flip(flip(rotten, 50), 4096 + 50)
    for name, data, comment in (
        ("zeros", bytes(8192), "8192 zeros, as after a reset"),
        ("empty", b"", "0 bytes"),
        ("both-slots-rotten", rotten, "one bit rotten in each slot"),
        ("cut", ack_file(2, 5)[:100], "100 bytes of the first slot"),
        ("text", b"not an acknowledgement file\n", "some text"),
    ):
        yield directory_vector(
            f"dir-ack-{name}", "ACK-1.2 REC-1.1", "acknowledgements bit-rot",
            f"The acknowledgement file is {comment}: as if it were missing, and reported.",
            directory(one, two, ack=data),
            Opened(
                entries=entries_of(1, 2, 3, 4), through=0, next_sequence=5, segments=2,
                damages=[
                    found("acknowledgement-file", ACK, 0, len(data),
                          detail="neither slot verifies"),
                ],
            ),
        )  # fmt: skip
    both = raw_slot(major=2, generation=8, through=2, next_sequence=5)
    other = raw_slot(major=2, generation=9, through=2, next_sequence=5)
    assert decode_slot(both) is None
    yield directory_vector(
        "dir-ack-unsupported-version", "ACK-1.2 REC-1.1", "acknowledgements version",
        "Slots of version 2 whose CRC holds: unlike a segment this costs repeats, not a refusal.",
        directory(one, two, ack=both.ljust(4096, b"\0") + other.ljust(4096, b"\0")),
        Opened(
            entries=entries_of(1, 2, 3, 4), through=0, next_sequence=5, segments=2,
            damages=[
                found("acknowledgement-file", ACK, 0, 8192, detail="neither slot verifies")
            ],
        ),
    )  # fmt: skip
    yield directory_vector(
        "dir-ack-of-other-log", "ACK-1.2", "acknowledgements foreign",
        "A sound acknowledgement file of another log. Believed, it would settle 1 to 3.",
        directory(one, two, ack=ack_file(3, 5, two, log_id=LOG_B)),
        Opened(
            entries=entries_of(1, 2, 3, 4), through=0, next_sequence=5, segments=2,
            damages=[
                found("acknowledgement-file", ACK, 0, 8192, detail="it belongs to another log")
            ],
        ),
    )  # fmt: skip
    yield directory_vector(
        "dir-ack-irregular", "ACK-1.2 ACK-4.1 FMT-3.2", "acknowledgements irregular",
        "A directory stands at the name of the acknowledgement file: no watermark can be kept, "
        "but the log opens and replays.",
        directory(one, two),
        Opened(
            entries=entries_of(1, 2, 3, 4), through=0, next_sequence=5, segments=2,
            ignored=[ACK],
        ),
        irregular=[ACK],
    )  # fmt: skip


def _one_slot() -> Iterator[Vector]:
    three = segment(1, [1, 2, 3])
    ack = ack_file(0, 1)  # generation 8 at 0, generation 9 at 4096
    ack = put(put(ack, 0, slot(8, 1, 4)), 4096, slot(9, 2, 4))
    for name, data, offset, through in (
        ("newer", flip(ack, 4096 + 50), 4096, 1),
        ("older", flip(ack, 50), 0, 2),
    ):
        yield directory_vector(
            f"dir-ack-{name}-slot-rotten", "ACK-1.1 ACK-1.2", "acknowledgements bit-rot",
            f"The {name} of the two slots is rotten; the other one counts, and says {through}.",
            directory(three, ack=data),
            Opened(
                entries=entries_of(*range(through + 1, 4)), through=through, next_sequence=4,
                segments=1,
                damages=[
                    found("acknowledgement-slot", ACK, offset, 128, detail="the other is used")
                ],
            ),
        )  # fmt: skip
    swapped = put(put(ack, 0, slot(10, 3, 4)), 4096, slot(9, 2, 4))
    yield directory_vector(
        "dir-ack-newest-at-0", "ACK-1.1", "acknowledgements",
        "Generation 10 stands at 0, before generation 9: the generation decides, not the place.",
        directory(three, ack=swapped),
        Opened(entries=[], through=3, next_sequence=4, segments=1),
    )  # fmt: skip

    seven = segment(7, [5, 6])
    stale = put(put(ack, 0, slot(8, 2, 5)), 4096, flip(slot(9, 4, 7), 50))
    yield directory_vector(
        "dir-ack-stale-slot-and-deleted-files", "ACK-1.2 REC-4.1", "acknowledgements numbers",
        "The newer slot said 4 and let files 1 to 6 go; now it is rotten and the older one says "
        "2. Numbers 3 and 4 were acknowledged: no gap is reported.",
        directory(seven, ack=stale),
        Opened(
            entries=entries_of(5, 6), through=4, next_sequence=7, segments=1,
            damages=[
                found("acknowledgement-slot", ACK, 4096, 128, detail="the other is used")
            ],
        ),
    )  # fmt: skip


def _ahead() -> Iterator[Vector]:
    three = segment(1, [1, 2, 3])
    size = len(three.data)
    yield directory_vector(
        "dir-ack-ahead", "ACK-3.1 WAL-1.2", "acknowledgements numbers",
        "Acknowledged through 10, and the log ends with 3: believed. Nothing is lost, and "
        "numbering goes on above.",
        directory(three, ack=ack_file(10, 11)),
        Opened(entries=[], through=10, next_sequence=11, segments=1),
    )  # fmt: skip
    yield directory_vector(
        "dir-ack-floor-ahead", "ACK-3.1 REP-1.2", "acknowledgements numbers",
        "Acknowledged through 5, floor 11: 6 to 10 were handed out and never acknowledged.",
        directory(three, ack=ack_file(5, 11)),
        Opened(
            entries=[], through=10, next_sequence=11, segments=1,
            damages=[
                found("missing-end", ONE, size, 0, "possibly-lost", range(6, 11), KNOWS_MORE)
            ],
        ),
    )  # fmt: skip
    yield directory_vector(
        "dir-ack-floor-ahead-clean-mark", "ACK-3.1 REC-7.2", "acknowledgements numbers",
        "The clean mark fits the file, but its floor does not fit the log: not clean.",
        directory(three, ack=ack_file(0, 6, three)),
        Opened(
            entries=entries_of(1, 2, 3), through=0, next_sequence=6, segments=1,
            damages=[found("missing-end", ONE, size, 0, "possibly-lost", [4, 5], KNOWS_MORE)],
        ),
    )  # fmt: skip
    torn = segment(1, [1, 2])
    end = len(torn.data)
    torn.data += bytes(50)
    yield directory_vector(
        "dir-ack-floor-above-tail", "ACK-3.1 REC-6.1", "acknowledgements numbers torn zeros",
        "A tail that may have been 3, and a floor of 6: the tail burns 3, the floor 4 and 5.",
        directory(torn, ack=ack_file(0, 6)),
        Opened(
            entries=entries_of(1, 2), through=0, next_sequence=6, segments=1,
            damages=[
                found("tail", ONE, end, 50, "possibly-lost", [3]),
                found("missing-end", ONE, end + 50, 0, "possibly-lost", [4, 5], KNOWS_MORE),
            ],
        ),
    )  # fmt: skip


def _deleted_by_hand() -> Iterator[Vector]:
    one, two, three = segment(1, [1, 2]), segment(2, [3, 4]), segment(3, [5, 6])
    yield directory_vector(
        "dir-deleted-newest", "ACK-3.1 WAL-1.2 REP-1.2", "deleted numbers",
        "The newest file was deleted by hand. Only the floor knows that 3 and 4 existed.",
        directory(one, ack=ack_file(0, 5, two)),
        Opened(
            entries=entries_of(1, 2), through=0, next_sequence=5, segments=1,
            damages=[
                found("missing-end", ONE, len(one.data), 0, "possibly-lost", [3, 4], KNOWS_MORE)
            ],
        ),
    )  # fmt: skip
    gap = found(
        "gap-between-files", THREE, 0, 0, "lost", [3, 4], f"{THREE} continues from 5"
    )  # fmt: skip
    yield directory_vector(
        "dir-deleted-middle", "REC-4.1 REP-1.2", "deleted numbers",
        "A file in the middle was deleted by hand.",
        directory(one, three, ack=ack_file(0, 7, three)),
        Opened(
            entries=entries_of(1, 2, 5, 6), through=0, next_sequence=7, segments=2, clean=True,
            damages=[gap],
        ),
    )  # fmt: skip
    yield directory_vector(
        "dir-deleted-middle-acknowledged", "REC-4.1", "deleted numbers acknowledgements",
        "The same after everything up to 4 was acknowledged: no loss, no report.",
        directory(one, three, ack=ack_file(4, 7, three)),
        Opened(entries=entries_of(5, 6), through=4, next_sequence=7, segments=2, clean=True),
    )  # fmt: skip
    half = found("gap-between-files", THREE, 0, 0, "lost", [4], f"{THREE} continues from 5")
    yield directory_vector(
        "dir-deleted-middle-half-acknowledged", "REC-4.1 REP-1.2",
        "deleted numbers acknowledgements",
        "Acknowledged through 3: of the deleted file only 4 is a loss.",
        directory(one, three, ack=ack_file(3, 7, three)),
        Opened(
            entries=entries_of(5, 6), through=4, next_sequence=7, segments=2, clean=True,
            damages=[half],
        ),
    )  # fmt: skip
    oldest = found("gap-between-files", TWO, 0, 0, "lost", [1, 2], f"{TWO} continues from 3")
    yield directory_vector(
        "dir-deleted-oldest", "REC-4.1 REP-1.2", "deleted numbers",
        "The oldest file was deleted by hand, and the watermark says that nobody had settled it.",
        directory(two, three, ack=ack_file(0, 7, three)),
        Opened(
            entries=entries_of(3, 4, 5, 6), through=2, next_sequence=7, segments=2, clean=True,
            damages=[oldest],
        ),
    )  # fmt: skip
    yield directory_vector(
        "dir-deleted-all-segments", "REC-5.3 ACK-1.2 WAL-1.2", "deleted new-log",
        "All segments were deleted, the acknowledgement file stayed. Its floor may be stale, so "
        "numbers would be reused: a new log_id is drawn, and numbers start at 1.",
        {ACK: ack_file(100, 151)},
        Opened(
            log_id=None, entries=[], through=0, next_sequence=1, segments=0, clean=True,
            damages=[
                found("acknowledgement-file", ACK, 0, 8192, detail="it belongs to another log")
            ],
        ),
    )  # fmt: skip
