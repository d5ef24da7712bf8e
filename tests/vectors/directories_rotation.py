"""Directories in which a new file was being made when the process died."""

from __future__ import annotations

from collections.abc import Iterator

from reference.segment_header import decode_segment_header
from tests.vectors.building import LOG_B, ack_file, entries_of, segment
from tests.vectors.document import Vector
from tests.vectors.expecting import Opened, directory_vector, found

ONE, TWO, THREE = (f"procmond-0000{n}.wal" for n in (1, 2, 3))
TOO_SHORT = "header copies: fewer than 128 bytes; fewer than 128 bytes"


def vectors() -> Iterator[Vector]:
    one, two = segment(1, [1, 2]), segment(2, [3, 4])
    for name, data, comment in (
        ("empty", b"", "The newest file was created and is empty."),
        ("partial-header", two.data[:100], "100 bytes of its first header copy were written."),
        ("zeros", bytes(8192), "Its size is that of a header block, and it is all zeros."),
    ):
        yield directory_vector(
            f"dir-rotation-{name}", "REC-5.2 WAL-3.1", "rotation",
            f"{comment} An interrupted rotation held no record: removed, no damage, and the file "
            "before it is the newest, here a clean one.",
            {ONE: one.data, TWO: data, "procmond.ack": ack_file(0, 3, one)},
            Opened(
                entries=entries_of(1, 2), through=0, next_sequence=3, segments=1, clean=True,
                removed=[TWO],
            ),
        )  # fmt: skip
    stale = segment(2, [7], log_id=LOG_B).data[:8192]
    yield directory_vector(
        "dir-rotation-header-of-earlier-log", "REC-5.2 REC-5.1", "rotation foreign",
        "The newest file's blocks still show what log B, once in this directory, had in its file "
        "of that number. Nothing ties it to file 1 and the acknowledgements do not know it: an "
        "interrupted rotation, removed.",
        {ONE: one.data, TWO: stale, "procmond.ack": ack_file(0, 3, one)},
        Opened(
            entries=entries_of(1, 2), through=0, next_sequence=3, segments=1, clean=True,
            removed=[TWO],
        ),
    )  # fmt: skip
    yield directory_vector(
        "dir-rotation-twice", "REC-5.2", "rotation",
        "Two attempts in a row were interrupted.",
        {ONE: one.data, TWO: b"", THREE: two.data[:100], "procmond.ack": ack_file(0, 1)},
        Opened(
            entries=entries_of(1, 2), through=0, next_sequence=3, segments=1,
            removed=[TWO, THREE],
        ),
    )  # fmt: skip
    yield directory_vector(
        "dir-rotation-first-file-ever", "REC-5.2 REC-5.3", "rotation new-log",
        "Killed while the first file of a new log was made.",
        {ONE: b""},
        Opened(
            log_id=None, entries=[], through=0, next_sequence=1, segments=0, clean=True,
            removed=[ONE],
        ),
    )  # fmt: skip
    assert decode_segment_header(two.data[:128]) == two.header
    yield directory_vector(
        "dir-rotation-first-copy-only", "FMT-4.2 REC-5.2", "rotation",
        "128 bytes: the first copy is whole, the rest was not written. One copy is enough: a "
        "sound, empty, newest file.",
        {ONE: one.data, TWO: two.data[:128], "procmond.ack": ack_file(0, 1)},
        Opened(
            entries=entries_of(1, 2), through=0, next_sequence=3, segments=2,
            damages=[found("header-copy", TWO, 4096, 128, detail="the other copy is used")],
        ),
    )  # fmt: skip
    three = segment(3, [3, 4])
    yield directory_vector(
        "dir-rotation-empty-not-newest", "REC-5.2", "rotation header",
        "An empty file in the middle is no interrupted rotation of now. It can have held nothing.",
        {ONE: one.data, TWO: b"", THREE: three.data, "procmond.ack": ack_file(0, 5, three)},
        Opened(
            entries=entries_of(1, 2, 3, 4), through=0, next_sequence=5, segments=2, clean=True,
            damages=[found("unreadable-file", TWO, 0, 0, detail=TOO_SHORT)],
            aside=[f"{TWO}.unreadable"],
        ),
    )  # fmt: skip
    yield directory_vector(
        "dir-rotation-unfinished-copy", "REC-7.1 REC-9.2", "rotation recovery",
        "Killed inside recovery: the copy still has its temporary name, and so has a new "
        "acknowledgement file. Both are removed; the old file has everything.",
        {ONE: one.data, f"{TWO}.new": two.data[:8000], "procmond.ack": ack_file(0, 1),
         "procmond.ack.new": bytes(100)},
        Opened(
            entries=entries_of(1, 2), through=0, next_sequence=3, segments=1,
            removed=[f"{TWO}.new", "procmond.ack.new"],
        ),
    )  # fmt: skip
