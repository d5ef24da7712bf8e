"""The different contents of one file after a cut: seen to be equal granule by granule.

Once it is decided where a file ends, each loose part (distinct_states.py) changes its own
granules and no others: granules are aligned, and writes to one granule are one part. So a
content is the base with a patch for each part, and two legal sets of a part that leave the
same patch are the same for the file.

Contents are numbered chunk by chunk: where granules are whole chunks, a content's number follows
from those of the base's chunks and of the patches', and no content is built. What is at some
place of a content follows from the parts that reach it, and is built once for each of their sets.

Spec: SIM-2.4.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Mapping, Sequence
from hashlib import sha256
from typing import Final, NamedTuple

from simulators.disk_image import Holes, Image, content_after
from simulators.legal_sets import Part, bits
from simulators.persistence import Operation

Key = tuple[int, ...]
"""A directory: the number of its names, and of the content of each, in alphabetical order."""
Patch = tuple[tuple[int, bytes], ...]
"""Offsets, and the bytes there."""
Row = bytes
"""The numbers of a content's chunks, WORD bytes each."""
Changes = Sequence[tuple[int, bytes]]
"""Places in a row, and the numbers there."""

CHUNK_BYTES: Final = 512
WORD: Final = 4
PIECES_MAX: Final = 256
"""So many different bytes of one place are kept; where there are more, few are asked for twice."""


class Numbers:
    """Small numbers for names and contents: the same one if and only if they are equal."""

    def __init__(self) -> None:
        self._names: dict[Hashable, int] = {}
        self._chunks: dict[bytes, bytes] = {}
        self._rows: dict[bytes, int] = {}

    def of_content(self, content: bytes | bytearray) -> int:
        return self.of_row(self.row(content))

    def of_names(self, names: Sequence[str]) -> int:
        return self._names.setdefault(tuple(names), len(self._names))

    def of_image(self, image: Image) -> Key:
        """Return the key of a directory that was built."""
        names = sorted(image)
        return self.of_names(names), *(self.of_content(image[name]) for name in names)

    def row(self, content: bytes | bytearray) -> Row:
        """Return the numbers of a content's chunks, the last of which may be short."""
        known, row = self._chunks, []
        for start in range(0, len(content), CHUNK_BYTES):
            # The bytes themselves would not fit into memory; nor would rows.
            digest = sha256(content[start : start + CHUNK_BYTES]).digest()
            number = known.get(digest)
            if number is None:
                number = known[digest] = len(known).to_bytes(WORD, "little")
            row.append(number)
        return b"".join(row)

    def of_row(self, row: Row) -> int:
        """Return the number of the content that has these chunks."""
        return self._rows.setdefault(sha256(row).digest(), len(self._rows))


class FileChoice(NamedTuple):
    """One content of a file."""

    number: int
    kept: int
    """Of the sets of loose operations that leave it, one that keeps the most."""
    sets: int
    """How many there are."""


class FileContents:
    """The contents of one file after one decision, with one filling."""

    def __init__(
        self, durable: bytes, own: Mapping[int, Operation], decided: int, loose: Sequence[Part],
        filling: str, numbers: Numbers, previous: bytes = b"", holes: Holes = (),
    ) -> None:  # fmt: skip
        self._numbers = numbers
        self._by_shown: dict[int, int] = {}
        self._pieces: dict[tuple[int, int], tuple[int, dict[int, bytes]]] = {}

        def content(kept: int) -> bytes:
            return content_after(durable, [own[i] for i in bits(kept)], filling, previous, holes)

        self._base = content(decided)
        self.size = len(self._base)
        self._is_in_chunks = all(
            own[i].offset % CHUNK_BYTES == 0 for part in loose for i in bits(part.mask)
        )
        whole = CHUNK_BYTES if self._is_in_chunks else 1  # a granule may be written to its middle
        granules = [
            sorted({(own[i].offset, -(-own[i].end // whole) * whole) for i in bits(part.mask)})
            for part in loose
        ]
        self._patches: list[dict[int, Patch]] = [{} for _ in loose]
        """For each loose part and each of its legal sets: what is in its granules."""
        # One set of each part at a time: they do not touch each other's granules.
        for sets in itertools.zip_longest(*(part.sets for part in loose)):
            after = content(decided | sum(kept for kept in sets if kept is not None))
            for kept, places, patches in zip(sets, granules, self._patches, strict=True):
                if kept is not None:
                    patches[kept] = tuple([(start, after[start:end]) for start, end in places])
        self._differing = [
            (part.mask, patches)
            for part, patches in zip(loose, self._patches, strict=True)
            if len(set(patches.values())) > 1
        ]
        self._shown = sum(mask for mask, _ in self._differing)
        """The loose operations that make a difference to the content."""
        self._row = numbers.row(self._base)
        self._changing: list[tuple[int, Mapping[int, Changes]]] | None = None

    def number(self, kept: int) -> int:
        """Return the number of the content that a legal set of the moment gives."""
        shown = kept & self._shown
        found = self._by_shown.get(shown)
        if found is None:
            if self._is_in_chunks:
                row = self._row
                for mask, changes in self._changes():
                    row = _changed(row, changes[kept & mask])
                found = self._numbers.of_row(row)
            else:
                found = self._numbers.of_content(self.piece(kept, 0, self.size))
            self._by_shown[shown] = found
        return found

    def piece(self, kept: int, offset: int, count: int) -> bytes:
        """Return the bytes at this place of the content that a legal set gives."""
        place = offset, count
        if place not in self._pieces:
            reaching = sum(mask for mask, _ in self._reaching(offset, offset + count))
            self._pieces[place] = reaching, {}
        reaching, known = self._pieces[place]
        shown = kept & reaching
        piece = known.get(shown)
        if piece is None:
            piece = self._build(kept, offset, min(offset + count, self.size))
            if len(known) < PIECES_MAX:
                known[shown] = piece
        return piece

    def choices(self) -> list[FileChoice]:
        """Return the different contents: the product of what the loose parts leave."""
        found: list[tuple[Row, int, int]] = [(self._row, 0, 1)]
        for patches in self._patches:
            options = [
                (self._changes_of(patch) if self._is_in_chunks else [], kept, sets)
                for patch, (kept, sets) in _different(patches).items()
            ]
            found = [
                (_changed(row, changes), kept | more, sets * times)
                for row, kept, sets in found
                for changes, more, times in options
            ]
        if self._is_in_chunks:
            return [FileChoice(self._numbers.of_row(row), kept, sets) for row, kept, sets in found]
        return [FileChoice(self.number(kept), kept, sets) for _, kept, sets in found]

    def _changes(self) -> list[tuple[int, Mapping[int, Changes]]]:
        """Return for each part that makes a difference what each of its sets does to the row."""
        if self._changing is None:
            self._changing = [
                (mask, {kept: self._changes_of(patch) for kept, patch in patches.items()})
                for mask, patches in self._differing
            ]
        return self._changing

    def _changes_of(self, patch: Patch) -> Changes:
        """Return where in the base's row the patch has other chunks, and their numbers."""
        changes = []
        for start, data in patch:
            row = self._numbers.row(data)
            first = start // CHUNK_BYTES * WORD
            for place in range(0, len(row), WORD):
                word = row[place : place + WORD]
                if word != self._row[first + place : first + place + WORD]:
                    changes.append((first + place, word))
        return changes

    def _reaching(self, start: int, end: int) -> list[tuple[int, Mapping[int, Patch]]]:
        """Return the parts that make a difference between two offsets."""
        return [
            (mask, patches)
            for mask, patches in self._differing
            if any(
                place < end and start < place + len(data)
                for patch in patches.values()
                for place, data in patch
            )
        ]

    def _build(self, kept: int, start: int, end: int) -> bytes:
        content = bytearray(self._base[start:end])
        for mask, patches in self._reaching(start, end):
            for place, data in patches[kept & mask]:
                low, high = max(place, start), min(place + len(data), end)
                if low < high:
                    content[low - start : high - start] = data[low - place : high - place]
        return bytes(content)


def _different(patches: Mapping[int, Patch]) -> dict[Patch, tuple[int, int]]:
    """Return, for each different patch, a set that leaves it and keeps most, and their count."""
    different: dict[Patch, tuple[int, int]] = {}
    for kept, patch in patches.items():
        most, count = different.get(patch, (kept, 0))
        different[patch] = max(most, kept, key=int.bit_count), count + 1
    return different


def _changed(row: Row, changes: Changes) -> Row:
    for place, word in changes:
        row = row[:place] + word + row[place + WORD :]
    return row
