"""The different contents of one file after a cut: seen to be equal granule by granule.

Once it is decided where a file ends, each loose part (distinct_states.py) changes its own
granules and no others: granules are aligned, and writes to one granule are one part. So a
content is the base with a patch for each part, and two legal sets of a part that leave the
same patch are the same for the file.

Spec: SIM-2.4.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Hashable, Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

from simulators.disk_image import Holes, Image, content_after
from simulators.legal_sets import Part, bits
from simulators.persistence import Operation

Key = tuple[int, ...]
"""A directory: the number of its names, and of the content of each, in alphabetical order."""
Patch = tuple[tuple[int, bytes], ...]
"""Offsets, and the bytes there."""


class Numbers:
    """Small numbers for names and contents: the same one if and only if they are equal."""

    def __init__(self) -> None:
        self._known: dict[Hashable, int] = {}

    def of_content(self, content: bytes | bytearray) -> int:
        # The bytes themselves would not fit into memory.
        return self._known.setdefault(sha256(content).digest(), len(self._known))

    def of_names(self, names: Sequence[str]) -> int:
        return self._known.setdefault(tuple(names), len(self._known))

    def of_image(self, image: Image) -> Key:
        """Return the key of a directory that was built."""
        names = sorted(image)
        return self.of_names(names), *(self.of_content(image[name]) for name in names)


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

        def content(kept: int) -> bytes:
            return content_after(durable, [own[i] for i in bits(kept)], filling, previous, holes)

        self._base = content(decided)
        granules = [
            sorted({(own[i].offset, own[i].end) for i in bits(part.mask)}) for part in loose
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

    def number(self, kept: int) -> int:
        """Return the number of the content that a legal set of the moment gives."""
        shown = kept & self._shown
        found = self._by_shown.get(shown)
        if found is None:
            content = bytearray(self._base)
            for mask, patches in self._differing:
                for offset, piece in patches[kept & mask]:
                    content[offset : offset + len(piece)] = piece
            found = self._by_shown[shown] = self._numbers.of_content(content)
        return found

    def choices(self) -> list[FileChoice]:
        """Return the different contents: the product of what the loose parts leave."""
        found: list[FileChoice] = []
        for choice in itertools.product(*map(_different, self._patches)):
            kept = sum(each for each, _ in choice)
            sets = math.prod(count for _, count in choice)
            found.append(FileChoice(self.number(kept), kept, sets))
        return found


def _different(patches: Mapping[int, Patch]) -> list[tuple[int, int]]:
    """Return, for each different patch, a set that leaves it and keeps most, and their count."""
    different: dict[Patch, tuple[int, int]] = {}
    for kept, patch in patches.items():
        most, count = different.get(patch, (kept, 0))
        different[patch] = max(most, kept, key=int.bit_count), count + 1
    return list(different.values())
