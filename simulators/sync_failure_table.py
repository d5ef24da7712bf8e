"""What each way to fail a sync shows, found out by asking it: the table of SPEC.md, SIM-2.11.

A file holds four durable bytes, three are appended, and the sync of them fails. Then it is
asked what the process is told and reads, and what a power cut may leave.

Spec: SIM-2.11.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from simulators.crash_filesystem import CrashFilesystem
from simulators.crash_states import crash_states
from simulators.persistence import PROFILES, Profile
from simulators.sync_failures import SYNC_FAILURES, SyncFailure

OLD, NEW = b"old.", b"new"
FILE: Final = "f"


def failed(
    how: SyncFailure, profile: Profile = PROFILES["posix-min"]
) -> tuple[CrashFilesystem, int]:
    """Return a disk on which the process was told, and how many syncs that took."""
    disk = CrashFilesystem(profile, {FILE: OLD})
    disk.append(FILE, NEW)
    disk.fail_sync(FILE, how=how)
    for count in (1, 2):
        try:
            disk.sync(FILE)
        except OSError:
            return disk, count
    raise AssertionError("nobody is told")


def may_hold(disk: CrashFilesystem) -> set[bytes]:
    """Return what the file may hold after a power cut now."""
    disk.end()
    return {state.image[FILE] for state in crash_states(disk.points[-1], disk.profile)}


def told_by(how: SyncFailure) -> str:
    return ("this sync", "the next sync")[failed(how)[1] - 1]


def reads(how: SyncFailure) -> str:
    found = failed(how)[0].read(FILE, 0, 99)
    return {OLD + NEW: "new bytes", OLD: "old bytes"}[found]


def keeps_size(how: SyncFailure) -> str:
    return _word({len(content) > len(OLD) for content in may_hold(failed(how)[0])})


def keeps_bytes(how: SyncFailure) -> str:
    return _word({NEW in content for content in may_hold(failed(how)[0])})


def tried_again(how: SyncFailure) -> str:
    disk, _ = failed(how)
    before = may_hold(disk)
    disk.sync(FILE)
    return "succeeds, writes nothing" if may_hold(disk) == before else "succeeds, and writes"


QUESTIONS: Final[dict[str, Callable[[SyncFailure], str]]] = {
    "told by": told_by,
    "the process reads": reads,
    "new size on the medium": keeps_size,
    "new bytes on the medium": keeps_bytes,
    "the sync tried again": tried_again,
}


def table() -> Iterator[str]:
    """Yield the lines of the table, in Markdown."""
    yield "| | " + " | ".join(SYNC_FAILURES) + " |"
    yield "|---|" + "---|" * len(SYNC_FAILURES)
    for question, ask in QUESTIONS.items():
        yield f"| {question} | " + " | ".join(map(ask, SYNC_FAILURES.values())) + " |"


def _word(found: set[bool]) -> str:
    return "perhaps" if len(found) == 2 else "yes" if found == {True} else "no"
