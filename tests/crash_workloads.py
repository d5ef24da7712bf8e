"""What crash tests run and demand: a log in use, its recovery, and the oracle.

The oracle is a list: what was returned and not given up has to come back, in order, as it
was; nothing else may but what was being appended; numbers go on above all that was returned.
Detection is an oracle of its own: nothing that is there, or was given up, is called lost.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from zlib import crc32

from reference.errors import AppendError, OpenRefused
from reference.filesystem import Filesystem
from reference.report import Fate
from reference.wal import WriteAheadLog
from simulators.crash_filesystem import CrashFilesystem
from simulators.sync_failures import WEAKEST, SyncFailure
from tests.wal_helpers import CLOCK_NS, FIRST, small_config, small_event

CONFIG = small_config(2, acknowledge_count_max=1)

Wrap = Callable[[CrashFilesystem], Filesystem]


@dataclass(frozen=True, slots=True)
class Stored:
    """Append returned these numbers, the events' pids being the same."""

    sequences: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Forgettable:
    """The broker has everything up to here."""

    through: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What recovery gave: hashable, so that equal ones can be counted."""

    replayed: tuple[tuple[int, int], ...] = ()
    """Sequence and pid."""
    next_sequence: int = 0
    lost: tuple[int, ...] = ()
    """Numbers that the report calls lost."""
    refused: str = ""
    dead_lettered: int = 0
    """Entries that verify and cannot be decoded: nobody wrote such."""


def open_log(disk: Filesystem, seed: int) -> WriteAheadLog:
    source = random.Random(seed)
    return WriteAheadLog.open(
        disk, CONFIG, wall_clock_ns=lambda: CLOCK_NS, monotonic_ns=lambda: 0,
        random_bytes=source.randbytes,
    )  # fmt: skip


def use_log(disk: CrashFilesystem, wrap: Wrap = lambda disk: disk, *, close: bool = False) -> None:
    """Rotation, a batch, acknowledgement, deletion, and a second life."""
    log = open_log(wrap(disk), 1)
    for sequences in ((1,), (2, 3), (4,), (5,)):
        append(disk, log, sequences)
    disk.mark(Forgettable(3))
    log.acknowledge(3)
    if close:
        log.close()
    else:
        disk.close()
    log = open_log(wrap(disk), 2)
    append(disk, log, (log.next_sequence,))
    disk.mark(Forgettable(4))
    log.acknowledge(4)


def use_log_through_a_failed_sync(
    disk: CrashFilesystem, wrap: Wrap = lambda disk: disk, *, how: SyncFailure = WEAKEST
) -> None:
    """A sync fails, the log is reopened by the same boot, and goes on (trap T3)."""
    log = open_log(wrap(disk), 1)
    append(disk, log, (1,))
    disk.fail_sync(FIRST, how=how)
    append(disk, log, (2, 3))
    disk.close()
    log = open_log(wrap(disk), 2)
    # What a reopened log replays may be published, and acknowledged, and so must be durable.
    disk.mark(Stored(tuple(entry.sequence for entry in log.replay())))
    append(disk, log, (log.next_sequence,))


def append(disk: CrashFilesystem, log: WriteAheadLog, sequences: Sequence[int]) -> None:
    """Append events whose pids are the numbers that they should get; promise what returned."""
    try:
        stored = log.append_batch([small_event(number) for number in sequences])
    except AppendError as error:
        stored = list(error.stored)
    if stored:
        assert stored == list(sequences)[: len(stored)]
        disk.mark(Stored(tuple(stored)))


def recover_log(disk: CrashFilesystem) -> Answer:
    """Open what the crash has left, and replay it."""
    # Not the bytes: what recovery does not look at must not matter (recovery_memory.py). The
    # names tell one recovery from the next, which is enough for different salts.
    seed = crc32(repr(sorted((entry.name, entry.size_bytes) for entry in disk.list())).encode())
    try:
        log = open_log(disk, seed)
    except OpenRefused as refusal:
        return Answer(refused=str(refusal))
    replayed = tuple((entry.sequence, entry.event.pid) for entry in log.replay())
    lost = tuple(
        number
        for damage in log.report.damages
        if damage.fate is Fate.LOST
        for number in range(damage.first_sequence, damage.first_sequence + damage.sequence_count)
    )
    dead_lettered = log.report.dead_lettered
    return Answer(replayed, log.next_sequence, lost, dead_lettered=dead_lettered)


def check_log(promises: list[object], answer: Answer) -> str:
    """Say what is wrong with the answer, given what was promised by then."""
    returned = [n for p in promises if isinstance(p, Stored) for n in p.sequences]
    settled = max((p.through for p in promises if isinstance(p, Forgettable)), default=0)
    if answer.refused:
        return f"refused: {answer.refused}"
    numbers = [sequence for sequence, _ in answer.replayed]
    if missing := [n for n in returned if n > settled and n not in numbers]:
        return f"lost: {missing} of {returned}, replayed {numbers}"
    if numbers != sorted(set(numbers)):
        return f"order: {numbers}"
    if wrong := [(s, pid) for s, pid in answer.replayed if s != pid]:
        return f"phantom: {wrong}"
    if answer.dead_lettered:
        return f"phantom: {answer.dead_lettered} dead letters of nothing that was written"
    if false := [n for n in answer.lost if n in returned]:
        return f"false alarm: {false} are called lost, and were replayed or acknowledged"
    if returned and answer.next_sequence <= max(returned):
        return f"reuse: {answer.next_sequence} is next, {max(returned)} was returned"
    return ""
