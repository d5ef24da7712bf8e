"""The disk of a plan: faults of its calls, what a failed sync leaves, and a count of the calls.

A failed sync is told once, and what becomes of the pages is the filesystem's *policy*: a row of
simulators/sync_failures.py by its name, or

    (empty)    told at once, the new bytes are read, any of it may be on the medium
    reverts    as btrfs: the file is what is durable again
    late       as ext4-journal: this sync says that all is well, the next one fails

Not here: what a power cut keeps (simulators/crash_filesystem.py). Spec: SCN-1.2, SIM-2.3.
"""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Sequence, Set
from typing import Final

from fault_injection.connector_steps import Misread
from fault_injection.damage import record_at, segment_at, segment_names
from fault_injection.errors import PlanError
from fault_injection.invariants import Broken
from fault_injection.log_steps import Fault
from fault_injection.looking import Reader
from reference.filesystem import DirectoryEntry, Filesystem
from reference.segment_files import INTERRUPTS_MAX
from simulators.crash_filesystem import CrashFilesystem
from simulators.disk_image import Image
from simulators.faulty_filesystem import CALLS, CallFault, FaultyFilesystem
from simulators.medium_faults import FlipBit, ReadFault
from simulators.memory_filesystem import os_error
from simulators.sync_failures import SYNC_FAILURES, WEAKEST

POLICIES: Final = {
    "": WEAKEST.name,
    "reverts": "btrfs",
    "late": "ext4-journal",
    **{name: name for name in SYNC_FAILURES},
}
"""Policy to row of simulators/sync_failures.py."""
INTERRUPTS: Final = 10 * INTERRUPTS_MAX
"""So many stand for "all": no kernel interrupts for ever, and a log may retry until it is through
(WAL-4.1), as the standard libraries of some languages do."""
HARMLESS: Final = frozenset({"append short", "append EINTR"})
"""The log goes on writing after these: they excuse no failure."""


def irregular_names(disk: Filesystem) -> Set[str]:
    """Return the names on the disk that are taken, and are no regular files."""
    return disk.irregular if isinstance(disk, DiskFaults) else frozenset()


class DiskFaults(FaultyFilesystem):
    """A disk whose calls fail as a plan says. `calls` counts what was called."""

    def __init__(self, inner: CrashFilesystem, irregular: Set[str] = frozenset()) -> None:
        """Names in `irregular` are taken, and are no regular files: directories, say."""
        super().__init__(inner)
        self.irregular = irregular
        self.calls: Counter[str] = Counter()
        self.reader: Reader | None = None
        """Looks at what each call has changed, before the next one."""
        self._struck: set[str] = set()
        self._harmless = set(HARMLESS)

    def arm_step(self, step: Fault) -> None:
        """Let this go wrong. Raises PlanError."""
        if step.times == 0 or step.times > INTERRUPTS_MAX:
            self._harmless.discard(f"{step.call} {step.error}")  # nobody tries for ever
        self.arm(call_fault(step))

    def words(self) -> list[str]:
        """Return what struck, as it is counted: "sync EIO", "append short"."""
        return [f"{each.split()[0]} {each.rsplit(': ', 1)[1]}" for each in self.fired]

    def take_fired(self) -> list[str]:
        """Return what struck since the last time, as it is counted."""
        looks = self.reader.take_looks() if self.reader is not None else 0
        words = self.words()
        self._struck.update(words)
        self.fired.clear()
        return words + ["look"] * looks

    def dismiss_reader(self) -> Broken | None:
        """The process ends: let the reader look a last time, and go. Return what was wrong."""
        reader, self.reader = self.reader, None
        if reader is None:
            return None
        reader.look(self._crashing.process_image())
        return reader.broken

    @property
    def excuses_failure(self) -> bool:
        """Whether something has struck in this boot that may fail an append."""
        return bool(self._struck.union(self.words()) - self._harmless)

    # ---- Names that are no regular files ------------------------------------

    def create_exclusive(self, name: str) -> None:
        self._enter("create_exclusive", name)
        self._refuse_name(name)
        self.inner.create_exclusive(name)

    def rename_new(self, old: str, new: str) -> None:
        self._enter("rename_new", new)
        self._refuse_name(new)
        self.inner.rename_new(old, new)

    def link(self, old: str, new: str) -> None:
        """For programs that rename by link and unlink: a name that is taken refuses this, too."""
        self._enter("rename_new", new)
        self._refuse_name(new)
        self._crashing.link(old, new)

    def read(self, name: str, offset: int, count: int) -> bytes:
        if name in self.irregular:
            raise os_error(errno.EISDIR, name)
        return super().read(name, offset, count)

    def list(self) -> Sequence[DirectoryEntry]:
        others = [DirectoryEntry(name, 0, False) for name in sorted(self.irregular)]
        return [*super().list(), *others]

    def _refuse_name(self, name: str) -> None:
        if name in self.irregular:
            raise os_error(errno.EEXIST, name)

    # ---- What goes wrong ----------------------------------------------------

    def _enter(self, call: str, name: str) -> CallFault | None:
        if self.is_held_off:
            return None
        if self.reader is not None:
            self.reader.look(self._crashing.process_image())
        self.calls[call] += 1
        fault = super()._enter(call, name)
        if fault is not None and fault.short == 0:
            self.fired[-1] = f"{call} {name}: nothing"  # no progress: the log may give up
        return fault


def call_fault(step: Fault) -> CallFault:
    """Return the fault as a disk takes it.

    Raises PlanError for a call, an error or a policy that does not exist.
    """
    if step.call not in CALLS:
        raise PlanError(f"{step}: the calls are {', '.join(CALLS)}")
    number = getattr(errno, step.error, None)
    if not isinstance(number, int):
        raise PlanError(f"{step}: there is no error of this name")
    if step.policy not in POLICIES:
        raise PlanError(f"{step}: the policies are {', '.join(filter(None, POLICIES))}, or none")
    if step.short >= 0 and step.call != "append":
        raise PlanError(f"{step}: only an append can be short")
    times = step.times
    if step.error == "EINTR" and step.short < 0 and not times:
        times = INTERRUPTS
    return CallFault(
        step.call, number, step.at, times, step.suffix, step.short, POLICIES[step.policy]
    )


def misread(image: Image, step: Misread) -> ReadFault:
    """Return what reads of the segment show. Raises PlanError if there is no such record."""
    name = segment_at(step, segment_names(image), step.file)
    bit = record_at(step, name, image[name], step.record)[0] * 8 + step.bit
    return ReadFault(FlipBit(name, bit), step.at, step.times)
