"""What a disk may have kept when the power fails: micro-operations, and profiles as data.

A call on a filesystem becomes *micro-operations*, each of which reaches the medium whole or
not at all:

    WRITE    one granule of one file, as the page cache had it after the write
    SIZE     a file's new size, larger or smaller
    ADD      a name
    DELETE   a name's removal

Until a sync has made it durable, each is *pending*. A power cut keeps the durable state and
some of the pending operations: any set that is closed under what has to come before what.
Always: granules, sizes and names each have their own order (a later version contains the
earlier), and a rename's removal of the old name comes after the new name. A profile adds:

    metadata_ordered    names are kept in the order in which they were changed
    data_with_size      a size grows on the medium only together with the bytes that it lets in,
                        so no garbage shows; and one file's appends are kept in order
    overwrites_ordered  bytes changed in place are kept before what is done later
    safe_rename         a name points to a file only after what was in it when it got the name
    everything_ordered  all operations are kept in the order in which they were issued
    safe_file_sync      syncing a new file keeps its name too (true of many, promised by none)

What is not ordered can be missing in any combination. Bytes that a size lets in and no write
has reached are zeros, garbage, or what an earlier file left on those blocks. What a failed sync
gave up may be missing whatever came later (sync_failures.py).

Three flags make a disk worse than any that a program should meet (`ADVERSARIES`; plans may ask
for them, and for the `PROFILES`, by name):

    torn_writes          a write in flight may be cut at any byte (torn_writes.py)
    powersafe_overwrite  off: the rest of a sector in flight may be damaged, synced or not
    sync_loses_size      a sync, but for a new file's first, keeps bytes and not the size

The flags follow the observed behaviour of the filesystems that they are named for (the
table "persistence properties" of ALICE, Pillai et al., OSDI 2014). `posix-min` is what a
program may rely on everywhere; a log that is right under it is right under the others.

Spec: SIM-2.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final


class Kind(Enum):
    """What a micro-operation changes."""

    WRITE = "write"
    SIZE = "size"
    ADD = "add"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Operation:
    """One micro-operation. `number` is its place in the order of issue."""

    number: int
    kind: Kind
    inode: int
    offset: int = 0
    """WRITE: where the granule starts. SIZE: the new size."""
    data: bytes = b""
    """WRITE: the granule. SIZE: what comes with it, up to the new size."""
    name: str = ""
    is_overwrite: bool = False
    """A WRITE inside the durable size: no size has to be kept for it to show."""
    is_rename: bool = False
    """ADD: the file had another name before."""
    after: int = -1
    """DELETE of a rename: the number of its ADD, which has to be kept first."""
    touched: tuple[int, int] = (0, 0)
    """WRITE: the bytes of the granule that the call wrote, as [start, end) inside it."""
    is_given_up: bool = False
    """A sync of it failed. It may be on the medium or not, whatever came before and later."""

    @property
    def is_name(self) -> bool:
        """Whether it changes the directory, not a file."""
        return self.kind in (Kind.ADD, Kind.DELETE)

    @property
    def end(self) -> int:
        """How far the file reaches after it alone: where a WRITE ends, the size of a SIZE."""
        return self.offset + len(self.data) if self.kind is Kind.WRITE else self.offset

    @property
    def target(self) -> tuple[object, ...]:
        """Operations with the same target are kept in the order of issue."""
        if self.kind is Kind.WRITE:
            return self.inode, self.offset
        if self.kind is Kind.SIZE:
            return self.inode, "size"
        return (self.name,)


@dataclass(frozen=True, slots=True)
class Profile:
    """A filesystem, as a power cut shows it."""

    name: str
    granule_bytes: int = 512
    metadata_ordered: bool = False
    data_with_size: bool = False
    overwrites_ordered: bool = False
    safe_rename: bool = False
    everything_ordered: bool = False
    safe_file_sync: bool = False
    torn_writes: bool = False
    powersafe_overwrite: bool = True
    sync_loses_size: bool = False


PROFILES: Final = {
    profile.name: profile
    for profile in (
        Profile("posix-min"),
        Profile(
            "ext4-ordered", metadata_ordered=True, data_with_size=True, safe_rename=True,
            safe_file_sync=True,
        ),
        Profile("ext4-writeback", metadata_ordered=True, safe_file_sync=True),
        Profile("ext4-journal", 4096, everything_ordered=True, safe_file_sync=True),
        Profile(
            "xfs", metadata_ordered=True, data_with_size=True, safe_rename=True,
            safe_file_sync=True,
        ),
        Profile(
            "btrfs", 4096, data_with_size=True, overwrites_ordered=True, safe_rename=True,
            safe_file_sync=True,
        ),
        Profile("strict", 4096, everything_ordered=True),
        Profile("hostile", 8),
    )
}  # fmt: skip

ADVERSARIES: Final = {
    profile.name: profile
    for profile in (
        Profile("torn", torn_writes=True),
        Profile("torn-blocks", 4096, torn_writes=True),
        Profile("psow-off", torn_writes=True, powersafe_overwrite=False),
        Profile("psow-off-blocks", 4096, torn_writes=True, powersafe_overwrite=False),
        Profile("sync-loses-size", sync_loses_size=True),
    )
}
"""posix-min, and worse in one way each."""

DISKS: Final = PROFILES | ADVERSARIES
"""What a plan may run on, by name."""


def predecessors(operations: Sequence[Operation], profile: Profile) -> list[int]:
    """Return for each operation, as a bit mask over the others, which have to be kept first.

    Direct ones only: a set of kept operations is legal if it is closed under them.
    """
    place = {operation.number: index for index, operation in enumerate(operations)}
    last_of_target: dict[tuple[object, ...], int] = {}
    last = last_name = -1
    overwritten: list[int] = []
    written: dict[int, list[int]] = {}  # inode -> indexes of its appends, so far
    sized: dict[int, int] = {}  # inode -> index of its last SIZE
    masks: list[int] = []
    for index, operation in enumerate(operations):
        before: set[int] = set()
        if operation.target in last_of_target:
            before.add(last_of_target[operation.target])
        last_of_target[operation.target] = index
        if operation.is_given_up:  # nothing else waits for it, or it for anything
            masks.append(sum(1 << each for each in before))
            continue
        if operation.after in place:
            before.add(place[operation.after])
        if profile.everything_ordered and last >= 0:
            before.add(last)
        last = index
        if profile.overwrites_ordered:
            before.update(overwritten)
        if operation.kind is Kind.WRITE:
            if operation.is_overwrite:
                overwritten.append(index)
            else:
                written.setdefault(operation.inode, []).append(index)
        elif operation.kind is Kind.SIZE:
            sized[operation.inode] = index
        else:
            if profile.metadata_ordered and last_name >= 0:
                before.add(last_name)
            last_name = index
            if profile.safe_rename and operation.is_rename:
                before.update(written.get(operation.inode, ()))
                if operation.inode in sized:
                    before.add(sized[operation.inode])
        masks.append(sum(1 << each for each in before))
    return masks
