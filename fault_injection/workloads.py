"""What logs are used for in scenarios: a few plans that everything else is built on.

Limits are small, so that rotation, acknowledgement and deletion happen within ten calls. What
a plan does when nothing goes wrong (how many calls it makes, what it leaves, where the power
may fail) is asked of the reference, so that scenarios can count it through.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fault_injection.damage import record_places, segment_names
from fault_injection.log_run import LogRun
from fault_injection.log_steps import (
    Acknowledge,
    Append,
    Close,
    Drain,
    Fault,
    Heal,
    Kill,
    Open,
    Refuse,
)
from fault_injection.plan import Plan, Step
from fault_injection.subject import ReferenceLog
from reference.limits import FRAMES_OFFSET
from simulators.crash_filesystem import CrashFilesystem
from simulators.disk_image import Image

FEW_AND_ONE: Final[tuple[dict[str, int], ...]] = ({}, {"rotation_bytes": FRAMES_OFFSET + 1})
"""Settings with two records in a file, and with one."""
LIFE_AFTER: Final = (Open(), Append(1), Close(), Open(), Drain())
"""Use after an accident: it opens, numbers go on, a good end is one, and everything drains."""
RECORDS_PER_FILE: Final = 2
"""Of the shortest events, with the limits of `small_limits`."""


def log_plan(
    scenario: str, *steps: Step, profile: str = "posix-min", seed: int = 0, **settings: int
) -> Plan:
    """Return a plan on a log."""
    return Plan(scenario, "log", steps, profile, seed, settings)


def rotate_and_delete() -> list[Step]:
    """Five events over three files, the oldest ones acknowledged and deleted, a second life."""
    return [
        Open(), Append(1), Append(2), Append(1), Append(1), Acknowledge(3),
        Append(1), Acknowledge(1),
    ]  # fmt: skip


def two_lives() -> list[Step]:
    """A good end between two uses."""
    return [Open(), Append(2), Append(1), Acknowledge(1), Close(), Open(), Append(1)]


def killed_and_copied() -> list[Step]:
    """A kill in the middle, so that recovery copies and renames; a dead letter."""
    return [Open(), Append(2), Append(1), Acknowledge(1), Kill(), Open(), Append(1), Refuse()]


def files(count: int, records: int = RECORDS_PER_FILE) -> list[Step]:
    """So many full files: every event is unacknowledged, and the log is open."""
    return [Open(), *(Append(records) for _ in range(count))]


def uses() -> dict[str, list[Step]]:
    """The three uses of a log that most faults are tried in."""
    return {
        "rotate": rotate_and_delete(), "two lives": two_lives(), "copied": killed_and_copied(),
    }  # fmt: skip


def ended(plan: Plan) -> LogRun:
    """Return the plan's run on the reference."""
    return LogRun(plan, ReferenceLog()).run()


def failed_sync_and_on() -> list[Step]:
    """A sync fails, and the same machine opens the log again and goes on (trap T3)."""
    return [
        Open(), Append(1), Fault("sync", "EIO", suffix=".wal"), Append(1), Kill(), Open(),
        Append(1), Kill(), Open(),
    ]  # fmt: skip


def torn_write_and_on() -> list[Step]:
    """A write stops in the middle of a record, and the next process goes on (trap T1)."""
    return [
        Open(), Append(1), Fault("append", suffix=".wal", short=40),
        Fault("append", "EIO", at=2, times=0, suffix=".wal"), Append(1), Kill(), Heal(), Open(),
        Append(1), Kill(), Open(),
    ]  # fmt: skip


def calls_of(plan: Plan) -> int:
    """How many calls of the disk the plan makes in its last boot."""
    return ended(plan).disk.calls


def disk_of(plan: Plan) -> CrashFilesystem:
    """Return the disk of the last boot, with every moment at which its power may fail."""
    disk = ended(plan).disk
    disk.end()
    return disk


def image_of(plan: Plan) -> Image:
    """Return the directory that the plan leaves if nothing is lost."""
    return ended(plan).disk.process_image()


def each_call(plan: Plan, call: str) -> Iterator[int]:
    """Yield 1, 2, ... for each time that the plan makes this call."""
    yield from range(1, ended(plan).calls[call] + 1)


def segments_of(plan: Plan) -> list[tuple[str, bytes, list[tuple[int, int]]]]:
    """Return name, content, and offset and length of the records of each segment, oldest first."""
    image = image_of(plan)
    return [(name, image[name], record_places(image[name])) for name in segment_names(image)]
