"""Directories in which names, files and logs do not belong together."""

from __future__ import annotations

from collections.abc import Iterator

from tests.vectors.building import (
    LOG_A,
    LOG_B,
    LOG_C,
    ack_file,
    directory,
    entries_of,
    segment,
)
from tests.vectors.document import Vector
from tests.vectors.expecting import Opened, directory_vector, found

ONE, TWO, THREE = (f"procmond-0000{n}.wal" for n in (1, 2, 3))


def vectors() -> Iterator[Vector]:
    yield from _misnamed()
    yield from _foreign()
    yield from _chains()
    yield from _same_log_twice()
    yield from _other_names()


def _header_of(number: int) -> str:
    return f"the header is that of file {number}"


def _misnamed() -> Iterator[Vector]:
    one, two = segment(1, [1, 2]), segment(2, [3, 4])
    size = len(two.data)
    yield directory_vector(
        "dir-misnamed-newest", "FMT-4.4 REC-5.2", "misnamed",
        "File 2 was renamed to 3. Its frames verify only with the number in its header, and that "
        "header does not belong to this name.",
        {ONE: one.data, THREE: two.data, "procmond.ack": ack_file(0, 1)},
        Opened(
            entries=entries_of(1, 2), through=0, next_sequence=6, segments=1,
            damages=[
                found("unreadable-file", THREE, 0, size, "possibly-lost", [3, 4, 5], _header_of(2))
            ],
            aside=[f"{THREE}.unreadable"],
        ),
    )  # fmt: skip
    yield directory_vector(
        "dir-misnamed-stale-duplicate", "FMT-4.4 REC-5.2 REC-4.2", "misnamed",
        "A copy of file 1 was put back as file 3: 1 and 2 are not delivered again, and 5 to 7 "
        "are burned, for its bytes could have been anything.",
        {ONE: one.data, TWO: two.data, THREE: one.data, "procmond.ack": ack_file(0, 1)},
        Opened(
            entries=entries_of(1, 2, 3, 4), through=0, next_sequence=8, segments=2,
            damages=[
                found("unreadable-file", THREE, 0, size, "possibly-lost", [5, 6, 7], _header_of(1))
            ],
            aside=[f"{THREE}.unreadable"],
        ),
    )  # fmt: skip
    three = segment(3, [5, 6])
    yield directory_vector(
        "dir-swapped-older-files", "FMT-4.4 REC-5.2 REC-4.1", "misnamed",
        "Files 1 and 2 changed names. Neither is believed: 1 to 4 are lost before file 3. All of "
        "the lost numbers are listed with the first stretch that may have held them.",
        {ONE: two.data, TWO: one.data, THREE: three.data, "procmond.ack": ack_file(0, 7, three)},
        Opened(
            entries=entries_of(5, 6), through=4, next_sequence=7, segments=1, clean=True,
            damages=[
                found("unreadable-file", ONE, 0, size, "lost", [1, 2, 3, 4], _header_of(2)),
                found("unreadable-file", TWO, 0, size, detail=_header_of(1)),
            ],
            aside=[f"{ONE}.unreadable", f"{TWO}.unreadable"],
        ),
    )  # fmt: skip


def _foreign() -> Iterator[Vector]:
    ours, foreign = segment(2, [1, 2]), segment(1, [1, 2, 3], log_id=LOG_B)
    yield directory_vector(
        "dir-foreign-older", "REC-5.1", "foreign",
        "File 1 is another host's. The highest-numbered header says which log this is.",
        directory(foreign, ours, ack=ack_file(0, 3, ours)),
        Opened(
            entries=entries_of(1, 2), through=0, next_sequence=3, segments=1, clean=True,
            damages=[
                found("foreign-file", ONE, 0, len(foreign.data),
                      detail=f"belongs to log {LOG_B.hex()}"),
            ],
            aside=[f"{ONE}.foreign"],
        ),
    )  # fmt: skip
    ours, newest = segment(1, [1, 2]), segment(2, [7], log_id=LOG_B)
    yield directory_vector(
        "dir-foreign-newest-wins", "REC-5.1 REC-5.3", "foreign acknowledgements",
        "The highest-numbered file is of log B: this is log B now. The file of log A and its "
        "acknowledgements are foreign; nothing is replayed under a wrong identity.",
        directory(ours, newest, ack=ack_file(1, 3)),
        Opened(
            log_id=LOG_B, entries=entries_of(7), through=6, next_sequence=8, segments=1,
            damages=[
                found("acknowledgement-file", "procmond.ack", 0, 8192,
                      detail="it belongs to another log"),
                found("foreign-file", ONE, 0, len(ours.data),
                      detail=f"belongs to log {LOG_A.hex()}"),
            ],
            aside=[f"{ONE}.foreign"],
        ),
    )  # fmt: skip
    one, two, three = segment(1, [1, 2]), segment(2, [1], log_id=LOG_C), segment(3, [3])
    yield directory_vector(
        "dir-foreign-middle", "REC-5.1", "foreign",
        "Another log's file between ours: no gap, no repeat.",
        directory(one, two, three, ack=ack_file(0, 4, three)),
        Opened(
            entries=entries_of(1, 2, 3), through=0, next_sequence=4, segments=2, clean=True,
            damages=[
                found("foreign-file", TWO, 0, len(two.data),
                      detail=f"belongs to log {LOG_C.hex()}"),
            ],
            aside=[f"{TWO}.foreign"],
        ),
    )  # fmt: skip


def _chains() -> Iterator[Vector]:
    a, b = segment(1, [1, 2]), segment(2, [3, 4], log_id=LOG_B, previous=LOG_A)
    yield directory_vector(
        "dir-chain-of-two", "WAL-7.1 REC-5.1", "identity",
        "The log continued under a new log_id that names the old one: all entries are its own.",
        directory(a, b, ack=ack_file(0, 5, b, log_id=LOG_B)),
        Opened(
            log_id=LOG_B, previous=LOG_A, entries=entries_of(1, 2, 3, 4), through=0,
            next_sequence=5, segments=2, clean=True,
        ),
    )  # fmt: skip
    c = segment(3, [5], log_id=LOG_C, previous=LOG_B)
    yield directory_vector(
        "dir-chain-of-three", "WAL-7.1 REC-5.1", "identity",
        "Two changes of identity: the chain is followed from header to header.",
        directory(a, b, c, ack=ack_file(0, 6, c, log_id=LOG_C)),
        Opened(
            log_id=LOG_C, previous=LOG_B, entries=entries_of(1, 2, 3, 4, 5), through=0,
            next_sequence=6, segments=3, clean=True,
        ),
    )  # fmt: skip
    yield directory_vector(
        "dir-chain-broken", "REC-5.1", "identity foreign",
        "The file that named log A is gone, so nothing ties file 1 to this log.",
        directory(a, c),
        Opened(
            log_id=LOG_C, previous=LOG_B, entries=entries_of(5), through=4, next_sequence=6,
            segments=1,
            damages=[
                found("foreign-file", ONE, 0, len(a.data), detail=f"belongs to log {LOG_A.hex()}"),
            ],
            aside=[f"{ONE}.foreign"],
        ),
    )  # fmt: skip
    yield directory_vector(
        "dir-chain-acknowledged-before", "WAL-7.1 ACK-1.2", "identity acknowledgements",
        "Killed between the new identity and the next acknowledgement: the slots still name the "
        "old log_id, which is in the chain. They count.",
        directory(a, b, ack=ack_file(3, 5, log_id=LOG_A)),
        Opened(
            log_id=LOG_B, previous=LOG_A, entries=entries_of(4), through=3, next_sequence=5,
            segments=2,
        ),
    )  # fmt: skip


def _same_log_twice() -> Iterator[Vector]:
    one = segment(1, [1, 2, 3])
    clone = segment(2, [3, 4], salt=b"clone no")
    yield directory_vector(
        "dir-clone-overlaps", "REC-4.2", "identity numbers",
        "File 2 is from a copy of this directory that was running elsewhere: same log_id, own "
        "salt, and its 3 is not our 3. The lower-numbered file wins; 4 continues.",
        directory(one, clone, ack=ack_file(0, 5, clone)),
        Opened(
            entries=entries_of(1, 2, 3, 4), through=0, next_sequence=5, segments=2, clean=True,
            damages=[found("stale-frame", TWO, clone.at(3), 115)],
        ),
    )  # fmt: skip
    behind = segment(2, [1, 2])
    yield directory_vector(
        "dir-clone-wholly-behind", "REC-4.2 WAL-1.2", "identity numbers",
        "The newest file repeats 1 and 2 and does not declare them as copies: stale, both, and "
        "the next number is 4, not 3.",
        directory(one, behind, ack=ack_file(0, 1)),
        Opened(
            entries=entries_of(1, 2, 3), through=0, next_sequence=4, segments=2,
            damages=[
                found("stale-frame", TWO, behind.at(1), 115),
                found("stale-frame", TWO, behind.at(2), 115),
            ],
        ),
    )  # fmt: skip


def _other_names() -> Iterator[Vector]:
    one = segment(1, [1, 2])
    two = segment(2, [3, 4])
    yield directory_vector(
        "dir-names-not-canonical", "FMT-3.2 REC-1.1", "names",
        "Names that look like segments and are not: left alone and listed.",
        {
            **directory(one, ack=ack_file(0, 3, one)), "procmond-1.wal": two.data,
            "procmond-000001.wal": two.data, "procmond-00002.WAL": two.data,
            "procmond-00002.wal~": two.data, "procmond-00000.wal": two.data,
            "procmond-4294967296.wal": two.data,
            "procmond-99999999999999999999.wal": two.data, "notes.txt": b"keep me\n",
        },
        Opened(
            entries=entries_of(1, 2), through=0, next_sequence=3, segments=1, clean=True,
            ignored=[
                "notes.txt", "procmond-00000.wal", "procmond-000001.wal", "procmond-00002.WAL",
                "procmond-00002.wal~", "procmond-1.wal", "procmond-4294967296.wal",
                "procmond-99999999999999999999.wal",
            ],
        ),
    )  # fmt: skip
    yield directory_vector(
        "dir-names-irregular", "FMT-3.2 REC-1.1 DSK-1.2", "names irregular",
        "procmond-00002.wal is a directory or a link: not followed, never a refusal. Recovery "
        "must take another number for its copy.",
        directory(one, ack=ack_file(0, 1)),
        Opened(
            entries=entries_of(1, 2), through=0, next_sequence=3, segments=1,
            ignored=["procmond-00002.wal"],
        ),
        irregular=["procmond-00002.wal"],
    )  # fmt: skip
    yield directory_vector(
        "dir-names-only-irregular", "FMT-3.2 REC-1.1 REC-5.3", "names irregular new-log",
        "No segment, only a directory of that name: a new log.",
        {},
        Opened(
            log_id=None, entries=[], through=0, next_sequence=1, segments=0, clean=True,
            ignored=["procmond-00001.wal"],
        ),
        irregular=["procmond-00001.wal"],
    )  # fmt: skip
    yield directory_vector(
        "dir-names-evidence", "REC-8.1 REC-9.1", "names",
        "What recovery set aside earlier is neither a segment nor listed again.",
        {
            **directory(one, ack=ack_file(0, 3, one)), f"{TWO}.unreadable": two.data,
            f"{TWO}.foreign.2": two.data, f"{ONE}@8192+5-0badcafe.quarantine": b"bytes",
        },
        Opened(entries=entries_of(1, 2), through=0, next_sequence=3, segments=1, clean=True),
    )  # fmt: skip
