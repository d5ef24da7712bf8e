"""What a power cut took, in words, and what the process had written by then.

The disk of a simulated machine keeps a list of micro-operations that no sync has made
durable yet. A cut keeps some of them; a person wants to read which ones are missing, with
names of files in place of inodes and neighbouring granules drawn together.

Not here: which sets of them a cut may keep (simulators/crash_states.py).

Spec: SCN-1.5.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from simulators.crash_point import CrashPoint
from simulators.crash_states import state_at
from simulators.disk_image import Image
from simulators.persistence import Kind, Operation

LISTED_MAX: Final = 8
"""So many are named; the rest are counted."""


def page_cache(point: CrashPoint) -> Image:
    """Return the directory as the process saw it at this moment: durable and pending."""
    return state_at(point, (1 << len(point.pending)) - 1, "zeros").image


def lost_words(point: CrashPoint, kept: int) -> tuple[str, ...]:
    """Return what is lost if only `kept` of the pending operations reached the medium."""
    names = {inode: name for name, inode in point.names.items()}
    names |= {each.inode: each.name for each in point.pending if each.kind is Kind.ADD}
    lost = [each for index, each in enumerate(point.pending) if not kept >> index & 1]
    words = list(_words(lost, names))
    if len(words) > LISTED_MAX:
        rest = len(words) - LISTED_MAX
        words[LISTED_MAX:] = [f"and {rest} more"]
    return tuple(words)


def _words(lost: Sequence[Operation], names: dict[int, str]) -> Iterator[str]:
    """Yield a phrase for each; writes that touch are one phrase."""
    start = end = 0
    for index, each in enumerate(lost):
        file = names.get(each.inode, "a file that has no name any more")
        match each.kind:
            case Kind.WRITE:
                if start == end:
                    start = each.offset
                end = each.end
                following = lost[index + 1] if index + 1 < len(lost) else None
                if not (
                    following is not None
                    and following.kind is Kind.WRITE
                    and following.inode == each.inode
                    and following.offset == end
                ):
                    yield f"bytes {start} to {end} of {file}"
                    start = end = 0
            case Kind.SIZE:
                yield f"the size {each.offset} of {file}"
            case Kind.ADD:
                yield f"the name {each.name}"
            case Kind.DELETE:
                yield f"the removal of the name {each.name}"
