"""`WriteAheadLog`: events in, sequence numbers out; durable, ordered, until acknowledged.

    with WriteAheadLog.open("wal") as log:
        sequence = log.append(event)         # durable when this returns
        for entry in log.replay():           # everything not yet acknowledged, in order
            ...
        log.acknowledge(sequence)            # everything up to it may be deleted

Theory of operation. This file is the front: it encodes, checks sizes, and keeps the
watermark. The work is done elsewhere:

    recovery.py          what happens at open
    group_commit.py      how threads share one write and one sync
    segment_writer.py    one batch: quota, rotation, write, sync, and what errors mean
    retention.py         acknowledgements made durable, files deleted
    log_reader.py        reading entries back

Time and random bytes are passed in. All methods may be called from any thread.

Spec: WAL-1 to WAL-7, ACK-2 to ACK-5.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TypeAlias

from reference.codec import encode_event, encode_timestamp
from reference.dead_letters import DeadLetter
from reference.errors import DeadLetterFailed, DiskUnreadable, EventTooLarge
from reference.events import LogEntry, ProcessEvent, StoredEntry
from reference.filesystem import Filesystem
from reference.group_commit import GroupCommit
from reference.limits import WalConfig
from reference.log_cursor import LogCursor
from reference.log_reader import LogReader
from reference.os_filesystem import OsFilesystem
from reference.recovery import RandomBytes, open_directory
from reference.report import RecoveryReport
from reference.retention import Retention
from reference.segment_writer import SegmentWriter


@dataclass(frozen=True, slots=True)
class CloseReport:
    """How the log was left."""

    clean: bool
    """The next open appends to the same file and has nothing to recover."""
    reason: str
    """Why not; empty if clean."""
    acknowledged_through: int
    next_sequence: int


LogDirectory: TypeAlias = str | os.PathLike[str] | Filesystem
"""Where a log is: a path, or a filesystem whose calls reach one directory."""


class WriteAheadLog:
    """One open log. Use `open`; close it, or leave a `with` block, to release the lock."""

    def __init__(
        self,
        filesystem: Filesystem,
        config: WalConfig,
        wall_clock_ns: Callable[[], int],
        monotonic_ns: Callable[[], int],
        random_bytes: RandomBytes,
    ) -> None:
        opened = open_directory(filesystem, config, random_bytes)
        self.report: RecoveryReport = opened.report
        self.config = config
        self._filesystem = filesystem
        self._retention = Retention(opened, monotonic_ns)
        self._writer = SegmentWriter(opened, self._retention, wall_clock_ns)
        self._commits = GroupCommit(self._writer.commit)
        self._reader = LogReader(opened, self._retention)
        self._dead_letters = opened.dead_letters

    @classmethod
    def open(
        cls,
        directory: LogDirectory,
        config: WalConfig | None = None,
        *,
        wall_clock_ns: Callable[[], int] = time.time_ns,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
        random_bytes: RandomBytes = os.urandom,
    ) -> WriteAheadLog:
        """Recover the directory and return the log; `report` says what was found.

        A path is created with mode 0700 if it is missing. Damage never prevents opening.
        Raises an OpenRefused: Locked, UnsafeDirectory, UnsupportedVersion, DiskUnreadable.
        Spec: REC-1.
        """
        if isinstance(directory, (str, os.PathLike)):
            try:
                directory = OsFilesystem(directory)
            except OSError as error:
                raise DiskUnreadable("open", str(directory), 0, error) from error
        return cls(directory, config or WalConfig(), wall_clock_ns, monotonic_ns, random_bytes)

    def __enter__(self) -> WriteAheadLog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # ---- Appending ----------------------------------------------------------

    def append(self, event: ProcessEvent) -> int:
        """Make `event` durable and return its sequence number.

        When this returns, a crash or power cut at any later instant keeps the event until
        it is acknowledged. Threads that append at the same time share one sync.

        Raises InvalidEvent, EventTooLarge, QuotaExceeded, DiskRejected, NoSegment,
        WalClosed, LogFailed (all definite: nothing was stored), AppendIndefinite,
        SyncFailed (indefinite). Spec: WAL-1.
        """
        return self._commits.submit([self.encode(event)])[0]

    def append_batch(self, events: Sequence[ProcessEvent]) -> list[int]:
        """Make the events durable, in order, and return their sequence numbers.

        Not atomic: on an error, `error.stored` has the numbers of the events that are
        durable, the first ones of the batch; `definite` speaks of the others. If an event
        cannot be encoded, none is stored. Raises as `append` does. Spec: WAL-1.4.
        """
        encoded = [self.encode(event) for event in events]
        return self._commits.submit(encoded) if encoded else []

    def encode(self, event: ProcessEvent) -> bytes:
        """Return the event as `store` takes it. Raises InvalidEvent, EventTooLarge (definite).

        The first half of an append, for a caller that gathers events from many before it
        stores them: one bad event is then its sender's error and nobody else's.
        """
        data = encode_event(event)
        if len(data) > self.config.event_bytes_max:
            raise EventTooLarge(len(data), self.config.event_bytes_max)
        return data

    def store(self, encoded: Sequence[bytes]) -> list[StoredEntry]:
        """Make encoded events (at least one) durable, in order, and return what was stored.

        The second half of an append; raises as `append_batch` does.
        """
        entries: list[StoredEntry] = []
        for first_sequence, count, timestamp in self._commits.submit_stamped(list(encoded)):
            events = encoded[len(entries) : len(entries) + count]
            entries += [
                StoredEntry(sequence, timestamp + event)
                for sequence, event in enumerate(events, first_sequence)
            ]
        return entries

    # ---- Reading and settling -----------------------------------------------

    def replay(self, after: int = 0) -> Iterator[LogEntry]:
        """Yield the unsettled entries above `after` in sequence order, streaming.

        Ends at the last entry that was durable when it got there. Entries acknowledged
        meanwhile are left out. Raises ReadFailed. Spec: REC-10.
        """
        return self._reader.entries(after)

    def cursor(self, after: int, size_of: Callable[[StoredEntry], int]) -> LogCursor:
        """Return a place in the log, from which unsettled entries are read on in pages.

        `size_of` says how much of a page an entry takes. One thread at a time may use it.
        Spec: REC-10, BUF-2.
        """
        return LogCursor(self._reader, after, size_of)

    def acknowledge(self, through: int) -> None:
        """Settle every sequence up to `through`. Reads no file.

        The watermark is made durable at once if a file can be deleted, else within the
        configured count or time. A disk that refuses only delays deletion: a warning.
        Raises AcknowledgedBeyondLog. Spec: ACK-2, ACK-5.
        """
        self._retention.settle(1, through + 1)

    def settle(self, first: int, last: int | None = None) -> None:
        """Settle the sequences `first` to `last` (only `first` if that is left out), in any order.

        The watermark waits for those before them. Raises AcknowledgedBeyondLog.
        """
        self._retention.settle(first, (first if last is None else last) + 1)

    def refuse(self, entry: LogEntry, reason: str) -> None:
        """Move an entry that can never be delivered to the dead-letter file, and settle it.

        Raises DeadLetterFailed (retryable); the entry then stays unsettled. Spec: DLQ-1.
        """
        payload = encode_timestamp(entry.timestamp_ns) + encode_event(entry.event)
        self.refuse_stored(StoredEntry(entry.sequence, payload), reason)

    def refuse_stored(self, entry: StoredEntry, reason: str) -> None:
        """Do the same with an entry as stored, which need not be decodable."""
        letter = DeadLetter(self._writer.log_id, entry.sequence, reason, entry.payload)
        try:
            with self._retention.io_lock:
                self._dead_letters.append([letter])
        except OSError as error:
            raise DeadLetterFailed(entry.sequence, error) from error
        self.settle(entry.sequence)

    # ---- State --------------------------------------------------------------

    @property
    def log_id(self) -> bytes:
        """16 bytes that, with a sequence, name an event for ever."""
        return self._writer.log_id

    @property
    def next_sequence(self) -> int:
        """The number that the next accepted event gets."""
        return self._retention.next_sequence

    @property
    def acknowledged_through(self) -> int:
        """The watermark: everything up to here is settled."""
        return self._retention.watermark

    @property
    def hidden_from(self) -> int | None:
        """The first sequence that a degraded log does not hand out yet; None if it hides none."""
        return self._reader.hidden_from

    @property
    def durable_watermark(self) -> int:
        """The watermark that is known to be on the medium: not above `acknowledged_through`."""
        return self._retention.durable_watermark()

    @property
    def used_bytes(self) -> int:
        """What counts against the quota."""
        return self._writer.used_bytes()

    @property
    def segment_names(self) -> list[str]:
        """The log's files, oldest first; the last one is the newest."""
        return self._retention.segment_names()

    # ---- Closing ------------------------------------------------------------

    def affirm_watermark(self) -> int:
        """Make the watermark that opening found durable; return `durable_watermark`."""
        return self._retention.affirm()

    def flush(self) -> bool:
        """Make the watermark durable now; return whether it is. Spec: ACK-5."""
        return self._retention.flush()

    def start_new_identity(self) -> bytes:
        """Seal the log's files and continue under a new random log_id; return it.

        For a directory restored from a copy, whose numbers a broker may know already.
        Entries keep their sequences; none is copied. Raises AppendError. Spec: WAL-7.
        """
        return self._commits.exclusively(self._writer.start_new_identity)

    def close(self) -> CloseReport:
        """Finish the appends that are under way and release the lock. May be called twice."""
        self._commits.close()
        try:
            reason = self._retention.close(self._writer.clean_mark())
            return CloseReport(not reason, reason, self.acknowledged_through, self.next_sequence)
        finally:
            self._filesystem.close()  # a lock that is kept shuts out the next start


__all__ = ["CloseReport", "WriteAheadLog"]
