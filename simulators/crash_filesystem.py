"""A disk that can lose power: the reference's eleven calls, with everything pending recorded.

Fault model. Three views of the disk are kept apart:

    page cache   what the process reads: every call has happened
    durable      what is on the medium for sure: what was synced
    pending      micro-operations between the two (persistence.py)

A killed process leaves the page cache. A power cut leaves the durable state and any legal
set of what is pending; which sets are legal, the profile says (crash_states.py lists them).
`points` holds every moment at which the choice is largest: before each sync, before a truncation
that frees blocks, at each `mark` and at the end. What a cut in between could leave is among what
these can leave: between two syncs what is pending only grows, a later operation is never needed
by an earlier one, and nothing is promised but at a mark. (`every_operation` records those moments
too; a test compares.)

A sync that fails (`fail_sync`) has the effect that kernels show: the error is told once, the
pages count as clean, the process goes on reading the new data, and a later sync succeeds
without writing them. They may or may not have reached the medium, for ever. Filesystems differ
in the rest (sync_failures.py): `fail_sync` takes one of their rows.

A new file takes over the blocks of an earlier one, and may show what they hold
(previous_content.py).

Not here: errors of other calls (faulty_filesystem.py), bit rot (medium_faults.py).

Spec: SIM-2.2, SIM-2.3, SIM-2.10, SIM-2.11.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from reference.filesystem import DirectoryEntry, LockMode
from simulators.crash_point import CrashPoint
from simulators.disk_image import Holes, content_after, holes_after, names_after
from simulators.memory_filesystem import os_error
from simulators.persistence import Kind, Operation, Profile
from simulators.previous_content import BLOCK_BYTES, FreedBlocks, after_truncation
from simulators.sync_failures import WEAKEST, FailingSyncs, SyncFailure, writes_of

CALLS_MAX: Final = 1_000_000
"""A program that makes more calls than this does not end."""


class PowerFailure(Exception):
    """The power fails inside a call: whoever made it is gone. `points[-1]` is the moment."""


@dataclass(slots=True)
class _Inode:
    cached: bytearray = field(default_factory=bytearray)
    durable: bytes = b""
    holes: Holes = ()
    previous: bytes = b""
    was_synced: bool = False
    fails_late: bool = False
    """A sync has failed and returned success: the next one is told."""


class CrashFilesystem:
    """One directory. Everything that happens is recorded in `points` and `marks`."""

    def __init__(
        self, profile: Profile, image: Mapping[str, bytes] | None = None, *,
        every_operation: bool = False, earlier: Mapping[str, bytes] | None = None,
    ) -> None:  # fmt: skip
        """`image` is what is on the medium at the start, durably; `earlier` files are gone."""
        self.profile = profile
        self.every_operation = every_operation
        """Record a moment after everything that changes what a cut may leave."""
        self.points: list[CrashPoint] = []
        self.marks: list[object] = []
        self._inodes: dict[int, _Inode] = {}
        self._cached_names: dict[str, int] = {}
        self._durable_names: dict[str, int] = {}
        self._pending: list[Operation] = []
        self._freed = FreedBlocks(earlier)
        self._failing_syncs = FailingSyncs()
        self._numbers = 0
        self._calls = 0
        self._calls_left: int | None = None
        self.locked = False
        for name, content in (image or {}).items():
            inode = self._new_inode()
            self._inodes[inode] = _Inode(
                bytearray(content), bytes(content), previous=self._freed.reused_for(name),
                was_synced=True,
            )  # fmt: skip
            self._cached_names[name] = self._durable_names[name] = inode

    # ---- What a test does ---------------------------------------------------

    def mark(self, what: object) -> None:
        """Note a promise: from here on a crash has to keep it. The oracle looks it up."""
        self._point("mark")
        self.marks.append(what)
        self._point("after mark")

    def fail_sync(self, name: str, *, skip: int = 0, how: SyncFailure = WEAKEST) -> None:
        """Let one sync of the file fail with EIO, after `skip` that succeed."""
        self._failing_syncs.arm(name, skip, how)

    def fail_power(self, after_calls: int | None) -> None:
        """Let the call after so many others raise PowerFailure, before it does anything.

        None: the power stays.
        """
        self._calls_left = after_calls

    def end(self) -> None:
        """Note the last moment."""
        self._point("end")

    @property
    def calls(self) -> int:
        """How many calls were made."""
        return self._calls

    def names(self) -> list[DirectoryEntry]:
        """What `list` returns, without its being a call."""
        return [
            DirectoryEntry(name, len(self._inodes[inode].cached), True)
            for name, inode in self._cached_names.items()
        ]

    def inodes(self) -> dict[str, int]:
        """Return which file each name leads to: two may lead to one."""
        return dict(self._cached_names)

    def process_image(self) -> dict[str, bytes]:
        """Return what a killed process leaves: the page cache."""
        return {name: bytes(self._inodes[i].cached) for name, i in self._cached_names.items()}

    # ---- The eleven calls ---------------------------------------------------

    def create_exclusive(self, name: str) -> None:
        self._count()
        if name in self._cached_names:
            raise os_error(errno.EEXIST, name)
        inode = self._new_inode()
        self._inodes[inode] = _Inode(previous=self._freed.reused_for(name))
        self._cached_names[name] = inode
        self._issue(Kind.ADD, inode, name=name)

    def append(self, name: str, data: bytes) -> int:
        appended = len(data)
        inode = self._find(name)
        cached = self._inodes[inode].cached
        while data:
            start = len(cached)
            room = BLOCK_BYTES - start % BLOCK_BYTES
            piece, data = data[:room], data[room:]
            cached += piece
            if self.profile.data_with_size:
                self._issue(Kind.SIZE, inode, offset=len(cached), data=piece)
            else:
                self._write_granules(inode, start, len(piece))
                self._issue(Kind.SIZE, inode, offset=len(cached))
        return appended

    def overwrite(self, name: str, offset: int, data: bytes) -> None:
        inode = self._find(name)
        cached = self._inodes[inode].cached
        if offset + len(data) > len(cached):
            raise os_error(errno.EINVAL, name)
        cached[offset : offset + len(data)] = data
        self._write_granules(inode, offset, len(data))

    def sync(self, name: str) -> None:
        inode = self._find(name)
        file = self._inodes[inode]
        self._point(f"sync {name}")
        how = self._failing_syncs.due(name)
        if file.fails_late or how is not None:
            self._give_up(inode, how or WEAKEST)
            is_told = file.fails_late or how is None or not how.told_late
            file.fails_late = not is_told
            if self.every_operation:
                self._point("after failed sync")
            if is_told:
                raise os_error(errno.EIO, name)
            return
        kept = [o for o in self._pending if o.inode == inode and not o.is_name]
        if self.profile.sync_loses_size and file.was_synced:
            kept = [o for o in kept if o.kind is Kind.WRITE or o.offset <= len(file.durable)]
        if self.profile.safe_file_sync:
            kept += [o for o in self._pending if o.inode == inode and o.kind is Kind.ADD]
        file.was_synced = True
        self._keep([o for o in kept if not o.is_given_up])
        if self.profile.sync_loses_size:
            # Written, but not inside the size: it shows if that gets there yet.
            beyond = [o for o in kept if o.kind is Kind.WRITE and o.end > len(file.durable)]
            self._pending = sorted((*beyond, *self._pending), key=lambda o: o.number)

    def sync_directory(self) -> None:
        self._count()
        self._point("sync_directory")
        self._keep([operation for operation in self._pending if operation.is_name])

    def truncate(self, name: str, size_bytes: int) -> None:
        inode = self._find(name)
        file = self._inodes[inode]
        previous = after_truncation(file.previous, bytes(file.cached), size_bytes)
        if previous != file.previous:
            self._point(f"truncate {name}")  # what was on the blocks before does not show later
            file.previous = previous
        del file.cached[size_bytes:]
        # The log never grows a file so; others may.
        file.cached += bytes(size_bytes - len(file.cached))
        self._issue(Kind.SIZE, inode, offset=size_bytes)

    def read(self, name: str, offset: int, count: int) -> bytes:
        return bytes(self._inodes[self._find(name)].cached[offset : offset + count])

    def list(self) -> Sequence[DirectoryEntry]:
        self._count()
        return self.names()

    def rename_new(self, old: str, new: str) -> None:
        inode = self._find(old)
        if new in self._cached_names:
            raise os_error(errno.EEXIST, new)
        self._rename(old, new, inode)

    def rename_over(self, old: str, new: str) -> None:
        """Rename, and replace what had the new name: other programs do. Not one of the eleven.

        Two names of one file both stay, as POSIX has it.
        """
        inode = self._find(old)
        replaced = self._cached_names.get(new)
        if replaced == inode:
            return
        self._rename(old, new, inode)
        if replaced is not None:
            self._free_unless_linked(new, replaced)

    def link(self, old: str, new: str) -> None:
        """Give the file a second name. Not one of the eleven."""
        inode = self._find(old)
        if new in self._cached_names:
            raise os_error(errno.EEXIST, new)
        self._cached_names[new] = inode
        self._issue(Kind.ADD, inode, name=new)

    def unlink(self, name: str) -> None:
        inode = self._find(name)
        del self._cached_names[name]
        self._free_unless_linked(name, inode)
        self._issue(Kind.DELETE, inode, name=name)

    def lock(self, mode: LockMode) -> bool:
        if self.locked:
            return False
        self.locked = mode is LockMode.EXCLUSIVE
        return True

    def close(self) -> None:
        self.locked = False

    # ---- Inside -------------------------------------------------------------

    def _find(self, name: str) -> int:
        self._count()
        if name not in self._cached_names:
            raise os_error(errno.ENOENT, name)
        return self._cached_names[name]

    def _count(self) -> None:
        self._calls += 1
        if self._calls_left is not None:
            if self._calls_left == 0:
                self._point("power failure")
                raise PowerFailure
            self._calls_left -= 1
        assert self._calls <= CALLS_MAX, "it does not end"

    def _new_inode(self) -> int:
        return len(self._inodes) + 1

    def _rename(self, old: str, new: str, inode: int) -> None:
        self._cached_names[new] = inode
        added = self._issue(Kind.ADD, inode, name=new, is_rename=True)
        del self._cached_names[old]
        self._issue(Kind.DELETE, inode, name=old, after=added)

    def _free_unless_linked(self, name: str, inode: int) -> None:
        """A name is gone: a file without another one gives its blocks back."""
        if inode not in self._cached_names.values():
            self._freed.free(name, bytes(self._inodes[inode].cached))

    def _write_granules(self, inode: int, start: int, count: int) -> None:
        """Issue a WRITE for each granule, with its whole content in the page cache."""
        size = self.profile.granule_bytes
        file = self._inodes[inode]
        for offset in range(start - start % size, start + count, size):
            data = bytes(file.cached[offset : offset + size])
            is_overwrite = offset + len(data) <= len(file.durable)
            touched = max(start - offset, 0), min(start + count - offset, size)
            self._issue(
                Kind.WRITE, inode, offset=offset, data=data, is_overwrite=is_overwrite,
                touched=touched,
            )  # fmt: skip

    def _issue(
        self,
        kind: Kind,
        inode: int,
        *,
        offset: int = 0,
        data: bytes = b"",
        name: str = "",
        is_overwrite: bool = False,
        is_rename: bool = False,
        after: int = -1,
        touched: tuple[int, int] = (0, 0),
    ) -> int:
        self._numbers += 1
        self._pending.append(
            Operation(
                self._numbers, kind, inode, offset, data, name, is_overwrite, is_rename, after,
                touched,
            )
        )  # fmt: skip
        if self.every_operation:
            self._point(f"after {kind.value} {name}".rstrip())
        return self._numbers

    def _point(self, step: str) -> None:
        contents: Mapping[int, bytes] = {i: inode.durable for i, inode in self._inodes.items()}
        previous: Mapping[int, bytes] = {i: inode.previous for i, inode in self._inodes.items()}
        holes = {i: inode.holes for i, inode in self._inodes.items() if inode.holes}
        if self.points and contents == self.points[-1].contents:
            contents = self.points[-1].contents  # a program that runs long has many points
        if self.points and previous == self.points[-1].previous:
            previous = self.points[-1].previous
        self.points.append(
            CrashPoint(
                step, dict(self._durable_names), contents, tuple(self._pending), len(self.marks),
                previous, holes,
            )
        )  # fmt: skip

    def _keep(self, operations: Sequence[Operation]) -> None:
        """Make operations durable, in the order of issue."""
        kept = {operation.number for operation in operations}
        newest = {operation.target: operation.number for operation in operations}
        mine = [operation for operation in self._pending if operation.number in kept]
        self._durable_names = names_after(self._durable_names, mine)
        for number in {operation.inode for operation in mine if not operation.is_name}:
            inode = self._inodes[number]
            own = [operation for operation in mine if operation.inode == number]
            inode.holes = holes_after(len(inode.durable), own, inode.holes)
            inode.durable = content_after(inode.durable, own, "zeros")
        # What a failed sync gave up has no say any more where something newer was kept.
        self._pending = [
            each
            for each in self._pending
            if each.number not in kept and each.number > newest.get(each.target, -1)
        ]
        if self.every_operation:
            self._point("after sync")

    def _give_up(self, inode: int, how: SyncFailure) -> None:
        """A sync failed: what it was to write is clean now, written or not."""
        file = self._inodes[inode]
        mine = [o for o in self._pending if o.inode == inode and not o.is_name]
        others = [o for o in self._pending if o.inode != inode or o.is_name]
        if how.reads_old:
            self._pending = others
            file.cached[:] = file.durable
            return
        sizes = [replace(o, data=b"") for o in mine if o.kind is Kind.SIZE]
        if how.keeps_size:
            file.holes = holes_after(len(file.durable), sizes, file.holes)
            file.durable = content_after(file.durable, sizes, "zeros")
            sizes = []
        granule = self.profile.granule_bytes
        writes = [write for each in mine for write in writes_of(each, file.cached, granule)]
        given_up = [replace(each, is_given_up=True) for each in (*writes, *sizes)]
        self._pending = sorted((*others, *given_up), key=lambda o: (o.number, o.kind is Kind.SIZE))
