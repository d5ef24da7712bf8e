"""What earlier files of a directory left on the medium: blocks that were freed and reused.

Fault model. A size that grows on the medium before the bytes that it lets in shows what was on
those blocks. That may be anything; the worst is what looks most like the file that is there now:
a file of the same program, at the same offset, whole frames with good checksums included. So a
new file takes over the blocks of the freed file whose name is most like its own, the most
recent of these, offset by offset; beyond its end is garbage.

A file is freed when its last name goes, unlinked or replaced by a rename: before the power
fails, or in an earlier life of the directory (`earlier`). A truncation frees whole blocks,
which the same file may get again.

Spec: SIM-2.10.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Final

BLOCK_BYTES: Final = 4096
"""Filesystems clear the rest of a block that a file keeps, and reuse only whole ones."""


class FreedBlocks:
    """The files that are gone, in the order in which they went."""

    def __init__(self, earlier: Mapping[str, bytes] | None = None) -> None:
        self._files = list((earlier or {}).items())

    def free(self, name: str, content: bytes) -> None:
        """Note a file whose last name is gone."""
        self._files.append((name, content))

    def reused_for(self, name: str) -> bytes:
        """Return what a new file of this name finds on its blocks; nothing if none was freed."""
        found, most = b"", -1
        for old, content in self._files:
            alike = _alike(old, name)
            if alike >= most:
                found, most = content, alike
        return found


def _alike(one: str, other: str) -> int:
    """Return how many characters both begin with."""
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))


def after_truncation(previous: bytes, content: bytes, size_bytes: int) -> bytes:
    """Return what a file finds on its blocks when it grows again after it was cut."""
    kept = -(-size_bytes // BLOCK_BYTES) * BLOCK_BYTES
    if kept >= len(content):
        return previous
    return previous[:kept].ljust(kept, b"\0") + content[kept:] + previous[len(content) :]
