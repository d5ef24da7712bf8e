"""The log under test, as the kit sees it: a port plays the same part as the reference.

A *subject* opens a log on a disk. What it gives back is used through six calls. The reference
is one, `ReferenceLog`; every difference between it and another lives behind this interface.

Random bytes are drawn from what is on the disk, the number of the process and the plan's seed
(`settings["life"]`, `["seed"]`), so that the same plan writes the same bytes, and a log that
starts anew on an empty directory does not draw the salt of the one before.

Spec: SCN-1.1.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol
from zlib import crc32

from fault_injection.errors import PlanError
from fault_injection.promises import Answer
from reference.dead_letters import DeadLetterFile
from reference.errors import AppendError, DeadLetterFailed, OpenRefused, ReadFailed, WalError
from reference.events import EventType, ProcessEvent
from reference.filesystem import Filesystem
from reference.limits import FRAMES_OFFSET, ConfigError, WalConfig
from reference.names import DEAD_LETTERS_NAME
from reference.report import DamageKind, Fate
from reference.wal import WriteAheadLog

CLOCK_NS = 1_700_000_000_250_000_000
DRAWN_FROM: Final = ("life", "seed")
"""What a subject's settings have besides limits, and no plan's."""
NUMBERS_LISTED_MAX: Final = 10_000
"""Of one damage: a log that believes a rotten number would fill the memory with lost ones."""


class Refused(Exception):
    """The subject could not open the log. Definite: it is as it was."""


class Unreadable(Exception):
    """Replay ended with an error of the disk."""


class Died(Exception):
    """The subject's process is gone, or does not answer: a finding."""


@dataclass(frozen=True, slots=True)
class Appended:
    """What an append came to."""

    sequences: tuple[int, ...]
    """Durable: of the first events of the batch."""
    failure: str = ""
    """What became of the others: empty (there are none), "definite" or "indefinite"."""
    text: str = ""


DEFECTS: Final = (
    Died,
    ArithmeticError, AssertionError, AttributeError, BufferError, EOFError, LookupError,
    MemoryError, NameError, OSError, RuntimeError, StopIteration, struct.error, TypeError,
    ValueError, WalError,
)  # fmt: skip
"""What Python code that is wrong raises. From a log under test it is a finding, not a crash."""


class OpenLog(Protocol):
    """One open log."""

    def append(self, events: Sequence[ProcessEvent]) -> Appended:
        """Make events durable, in order."""

    def acknowledge(self, through: int) -> None:
        """Settle everything up to `through`."""

    def refuse(self, sequence: int) -> bool:
        """Move an event to the dead letters; return whether that was done."""

    def answer(self, offered: Mapping[int, ProcessEvent]) -> Answer:
        """Return what opening found and what replay gives. Raises Unreadable."""

    def segments(self) -> list[str]:
        """Names of the log's files, oldest first."""

    def close(self) -> bool:
        """Close; return whether the end was clean."""


class LogSubject(Protocol):
    """Something that opens logs."""

    def open(self, disk: Filesystem, settings: Mapping[str, int]) -> OpenLog:
        """Open the log on the disk. Raises Refused."""


def make_event(pid: int, padding_bytes: int = 0) -> ProcessEvent:
    """Return the event with this pid, so much longer than the shortest."""
    return ProcessEvent(
        event_type=EventType(pid % 3), pid=pid, ppid=None, name=f"p{pid}{'x' * padding_bytes}",
        executable_path=None, command_line=(), start_time_ns=None, cpu_usage=None,
        memory_usage=None, executable_hash=None, hash_algorithm=None, user_id=None,
        accessible=True, file_exists=True, timestamp_ns=CLOCK_NS, platform_metadata=None,
    )  # fmt: skip


def make_events(first: int, count: int, padding_bytes: int) -> dict[int, ProcessEvent]:
    """Return so many events by their pids, from `first` on."""
    return {pid: make_event(pid, padding_bytes) for pid in range(first, first + count)}


def small_limits(settings: Mapping[str, int]) -> WalConfig:
    """Return limits at which files rotate after two small events, but for `settings`.

    Raises PlanError for a name or a value that cannot be.
    """
    chosen = {"rotation_bytes": FRAMES_OFFSET + 200, "acknowledge_count_max": 1, **settings}
    limits = {name: value for name, value in chosen.items() if name not in DRAWN_FROM}
    if unknown := sorted(set(limits) - set(WalConfig.__dataclass_fields__)):
        raise PlanError(f"setting {unknown[0]!r} is none of the log's")
    try:
        return WalConfig(**limits)
    except ConfigError as error:
        raise PlanError(f"settings: {error}") from error


def draw_seed(files: Iterable[tuple[str, int]], settings: Mapping[str, int]) -> int:
    """Return what a log on these files, of this size, draws its random bytes from."""
    drawn = (sorted(files), *(settings.get(name, 0) for name in DRAWN_FROM))
    return crc32(repr(drawn).encode())


def reported(report: Mapping[str, Any]) -> Answer:
    """Return what a report in its published form (REP-1.3) says, as a part of an answer."""

    def numbers(*fates: Fate) -> tuple[int, ...]:
        words = {each.value for each in fates}
        return tuple(
            number
            for damage in report["damages"]
            if damage["fate"] in words and damage["first_sequence"] is not None
            for number in range(
                int(damage["first_sequence"]),
                int(damage["first_sequence"])
                + min(int(damage["sequence_count"]), NUMBERS_LISTED_MAX),
            )
        )

    return Answer(
        lost=numbers(Fate.LOST, Fate.POSSIBLY_LOST), certainly_lost=numbers(Fate.LOST),
        kept=tuple(
            int(damage["first_sequence"])
            for damage in report["damages"]
            if damage["kind"] == DamageKind.UNDECODABLE.value
            and damage["fate"] == Fate.NONE.value
            and damage["first_sequence"] is not None
        ),
        is_degraded=bool(report["degraded"]),
    )  # fmt: skip


class ReferenceLog:
    """The reference as a subject."""

    name = "reference"

    def open(self, disk: Filesystem, settings: Mapping[str, int]) -> OpenLog:
        try:
            files = [(entry.name, entry.size_bytes) for entry in disk.list()]
            source = random.Random(draw_seed(files, settings))
            log = WriteAheadLog.open(
                disk, small_limits(settings), wall_clock_ns=lambda: CLOCK_NS,
                monotonic_ns=lambda: 0, random_bytes=source.randbytes,
            )  # fmt: skip
        except OSError as error:
            raise Refused(str(error)) from error
        except OpenRefused as refusal:
            raise Refused(f"{type(refusal).__name__}: {refusal}") from refusal
        return _ReferenceOpenLog(log, disk)


class _ReferenceOpenLog:
    def __init__(self, log: WriteAheadLog, disk: Filesystem) -> None:
        self._log = log
        self._disk = disk

    def append(self, events: Sequence[ProcessEvent]) -> Appended:
        try:
            return Appended(tuple(self._log.append_batch(events)))
        except AppendError as error:
            failure = "definite" if error.definite else "indefinite"
            return Appended(tuple(error.stored), failure, f"{type(error).__name__}: {error}")

    def acknowledge(self, through: int) -> None:
        self._log.acknowledge(through)

    def refuse(self, sequence: int) -> bool:
        try:
            entry = next((each for each in self._log.replay() if each.sequence == sequence), None)
            if entry is None:  # hidden by a full disk, or a dead letter already
                return False
            self._log.refuse(entry, "refused by the plan")
        except (DeadLetterFailed, ReadFailed):
            return False
        return True

    def answer(self, offered: Mapping[int, ProcessEvent]) -> Answer:
        log = self._log
        try:
            replayed = tuple(
                (entry.sequence, entry.event.pid if entry.event == offered.get(entry.event.pid)
                 else -1)
                for entry in log.replay()
            )  # fmt: skip
            sizes = {entry.name: entry.size_bytes for entry in self._disk.list()}
            letters = DeadLetterFile(self._disk, sizes.get(DEAD_LETTERS_NAME)).letters()
            dead = tuple(letter.sequence for letter in letters)
        except (ReadFailed, OSError) as error:
            raise Unreadable(str(error)) from error
        return replace(
            reported(log.report.as_json()), replayed=replayed, next_sequence=log.next_sequence,
            dead_letters=dead, hidden_from=log.hidden_from or 0,
        )  # fmt: skip

    def segments(self) -> list[str]:
        return self._log.segment_names

    def close(self) -> bool:
        return self._log.close().clean
