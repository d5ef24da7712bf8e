"""The bytes that a failure is about: what had been written beside what was found.

Both directories are read as a person would read them with the format's diagrams at hand: the
pieces of each file are found by their places and by the lengths in them, no checksum is
looked at, and any bytes will do. What a piece is called comes from the file as it was written;
where that one ends, from the file as it was found.

    procmond-00001.wal  0, 4096: a header copy; from 8192: records, each with header and body
    procmond.ack        0, 4096: a slot
    anything else       bytes

Only lines that differ are given, sixteen bytes each, and not more of one piece than tell what
happened to it: the last one says how many more there are.

Spec: SCN-1.5, FMT-3, FMT-5, ACK-1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fault_injection.damage import record_places
from fault_injection.result import HexLine
from reference.acknowledgement_slots import ACK_NAME
from reference.limits import (
    CRC_BYTES,
    FRAME_HEADER_BYTES,
    HEADER_BYTES,
    SECOND_COPY_OFFSET,
)
from reference.names import NEW_SUFFIX
from reference.segment_header import segment_number

LINE_BYTES: Final = 16
LINES_MAX: Final = 64
"""Of one failure: more would not be read."""
PIECE_LINES_MAX: Final = 4

_Fields = tuple[tuple[str, int], ...]
_HEADER_FIELDS: Final[_Fields] = (
    ("magic", 8), ("version", 4), ("flags", 4), ("file number", 4), ("log ID", 16),
    ("previous log ID", 16), ("salt", 8), ("relocated from", 8), ("continues from", 8),
    ("first sequence", 8), ("reserved", 40), ("CRC", 4),
)  # fmt: skip
_SLOT_FIELDS: Final[_Fields] = (
    ("magic", 8), ("version", 4), ("flags", 4), ("generation", 8), ("log ID", 16),
    ("acknowledged through", 8), ("next sequence", 8), ("clean file", 4), ("clean length", 8),
    ("reserved", 56), ("CRC", 4),
)  # fmt: skip
_FRAME_FIELDS: Final[_Fields] = (
    ("sync word", 4), ("body length", 4), ("sequence", 8), ("header CRC", 4),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a file with a name."""

    name: str
    start: int
    end: int
    fields: _Fields = ()


def hex_difference(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> tuple[HexLine, ...]:
    """Return the lines in which the files found differ from the files written."""
    lines: list[HexLine] = []
    for name in sorted(before.keys() | after.keys()):
        written, found = before.get(name), after.get(name)
        if written == found:
            continue
        room = LINES_MAX - len(lines)
        of_file = list(_file_lines(name, written, found))
        if len(of_file) > room:
            hidden = len(of_file) - room
            of_file = of_file[:room]
            if of_file:
                of_file[-1] = _noted(of_file[-1], f"{hidden} more lines of this file are left out")
        lines += of_file
    return tuple(lines)


def pieces(name: str, content: bytes) -> list[Piece]:
    """Return what the file consists of, from its start to its end."""
    if name == ACK_NAME:
        copies, fields, word = ("slot of even generations", "slot of odd generations"), \
            _SLOT_FIELDS, "acknowledgements"  # fmt: skip
    elif segment_number(name.removesuffix(NEW_SUFFIX)) is not None:
        copies, fields, word = ("header copy 1", "header copy 2"), _HEADER_FIELDS, "header"
    else:
        return [Piece("", 0, len(content))]
    found = []
    for copy, start in zip(copies, (0, SECOND_COPY_OFFSET), strict=True):
        found.append(Piece(copy, start, start + HEADER_BYTES, fields))
        found.append(
            Piece(f"padding of the {word}", start + HEADER_BYTES, start + SECOND_COPY_OFFSET)
        )
    if name != ACK_NAME:
        found += _records(content)
    end = max(found[-1].end, len(content))
    if found[-1].end < end:
        found.append(Piece("no whole record", found[-1].end, end))
    return found


def _records(content: bytes) -> Iterator[Piece]:
    for number, (offset, length) in enumerate(record_places(content), 1):
        sequence = int.from_bytes(content[offset + 8 : offset + 16], "little")
        name = f"record {number} (event {sequence})"
        body = offset + FRAME_HEADER_BYTES
        yield Piece(f"{name}, header", offset, body, _FRAME_FIELDS)
        if length > FRAME_HEADER_BYTES:
            fields = _body_fields(content[body : offset + length])
            yield Piece(f"{name}, body", body, offset + length, fields)


def _body_fields(body: bytes) -> _Fields:
    """Return the parts of a body; one that does not add up is only bytes."""
    text = int.from_bytes(body[8:16], "little")
    event = len(body) - 16 - text - CRC_BYTES
    if event < 0:
        return ()
    return (("sequence", 8), ("timestamp", 8 + text), ("event", event), ("CRC", CRC_BYTES))


def _file_lines(name: str, written: bytes | None, found: bytes | None) -> Iterator[HexLine]:
    expected, actual = written or b"", found or b""
    parts = pieces(name, expected if written is not None else actual)
    if len(actual) > parts[-1].end:
        word = "beyond what was written" if written is not None else ""
        parts.append(Piece(word, parts[-1].end, len(actual)))
    whole = _whole_file_note(written, found)
    for piece in parts:
        offsets = list(_differing(expected, actual, piece))
        lines_max = _lines_max(piece, actual)
        for index, offset in enumerate(offsets[:lines_max]):
            line = HexLine(
                name, offset, expected[offset : offset + LINE_BYTES],
                actual[offset : offset + LINE_BYTES],
            )  # fmt: skip
            notes = [whole, _piece_note(line, parts), _found_note(line, len(expected), len(actual))]
            whole = ""
            if index == lines_max - 1 and len(offsets) > lines_max:
                rest = len(offsets) - lines_max
                notes.append(f"and {rest:,} more {'line' if rest == 1 else 'lines'}")
            yield _noted(line, *notes)


def _lines_max(piece: Piece, actual: bytes) -> int:
    """Return how many lines tell what became of the piece: few, if nothing is there."""
    is_padding = piece.name.startswith("padding")
    if len(actual) <= piece.start:
        return 0 if is_padding else 1
    return 1 if is_padding else PIECE_LINES_MAX


def _differing(expected: bytes, actual: bytes, piece: Piece) -> Iterator[int]:
    """Yield the lines whose first difference lies in this piece, and each line once."""
    first = piece.start - piece.start % LINE_BYTES
    for offset in range(first, piece.end, LINE_BYTES):
        mine = range(max(offset, piece.start), min(offset + LINE_BYTES, piece.end))
        before = range(offset, mine.start)
        if _differs(expected, actual, mine) and not _differs(expected, actual, before):
            yield offset


def _differs(expected: bytes, actual: bytes, places: range) -> bool:
    return expected[places.start : places.stop] != actual[places.start : places.stop]


# ---- Notes ------------------------------------------------------------------


def _whole_file_note(written: bytes | None, found: bytes | None) -> str:
    if found is None:
        return "the file is not there"
    if written is None:
        return "nobody had written this file"
    return "" if found or not written else "the file is empty"


def _piece_note(line: HexLine, parts: Sequence[Piece]) -> str:
    """Name the pieces that differ in this line, and the fields of them that do."""
    hit = {line.offset + place for place, (one, two) in enumerate(line.places) if one != two}
    notes = []
    for piece in parts:
        if not any(piece.start <= place < piece.end for place in hit):
            continue
        names = []
        start = piece.start
        for field, size in piece.fields:
            if any(start <= place < start + size for place in hit):
                names.append(field)
            start += size
        notes.append(f"{piece.name}: {', '.join(names)}" if names else piece.name)
    return ", then ".join(notes)


def _found_note(line: HexLine, expected_bytes: int, found_bytes: int) -> str:
    if not line.found:
        return f"the file ends at {found_bytes}" if 0 < found_bytes == line.offset else ""
    if line.offset < found_bytes < min(line.offset + LINE_BYTES, expected_bytes):
        return f"the file ends at {found_bytes}"
    if any(line.expected) and not any(line.found):
        return "zeros were found"
    return ""


def _noted(line: HexLine, *notes: str) -> HexLine:
    known: Sequence[str] = [note for note in (line.note, *notes) if note]
    return HexLine(line.file, line.offset, line.expected, line.found, "; ".join(known))
