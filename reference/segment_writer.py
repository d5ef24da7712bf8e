"""Commits one batch: checks room, rotates, writes once, syncs once, says what happened.

    room     batch <= 4 MiB, inside the quota, up to and with the record that brings the
             file to the rotation threshold: a batch never crosses a file boundary
    file     the newest segment, or a new one if that is full, sealed, or not trusted
    write    one call, continued if short
    sync     one; only then the numbers exist

What errors mean (traps T8, T9; Spec: WAL-4):

    write fails, cut back and synced     definite: nothing was stored, no number consumed
    write fails, cannot be cut back      indefinite: the numbers are burned
        either way the file is sealed: within a file an offset is written at most once
    sync fails                           indefinite, never retried; the log is failed
    rotation fails                       not an error while the current file is below the
                                         hard limit, then definite and retryable

A full disk is never sticky: each append tries again. Only a failed sync is.

Called by one thread at a time (group_commit.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from reference.codec import encode_timestamp
from reference.errors import (
    AppendError,
    AppendIndefinite,
    DiskRejected,
    LogFailed,
    NoSegment,
    QuotaExceeded,
    SyncFailed,
    describe,
)
from reference.frame import encode_frames
from reference.group_commit import Outcome
from reference.limits import CRC_BYTES, FRAME_BYTES_MIN, FRAME_HEADER_BYTES
from reference.recovery import LOGGER, OpenedLog, renew, under_a_free_name
from reference.retention import Retention
from reference.segment_files import Segment, create_segment, write_fully
from reference.segment_header import ID_BYTES, segment_name
from reference.timestamps import TIME_NS_MAX


class SegmentWriter:
    """The end of the log where records are added."""

    def __init__(
        self, log: OpenedLog, retention: Retention, wall_clock_ns: Callable[[], int]
    ) -> None:
        self._log = log
        self._config = log.config
        self._filesystem = log.filesystem
        self._retention = retention
        self._wall_clock_ns = wall_clock_ns
        self._failure = ""
        """Why the log is failed until it is reopened; empty if it is not."""

    @property
    def log_id(self) -> bytes:
        return self._log.log_id

    def used_bytes(self) -> int:
        """Return the bytes of segments, dead letters and quarantined copies."""
        others = self._log.dead_letters.size_bytes + self._log.quarantine_bytes
        return self._retention.segments_bytes + others

    # ---- One batch ----------------------------------------------------------

    def commit(self, events: Sequence[bytes], before_sync: Callable[[], None]) -> Outcome:
        """Store as many of the first events as one batch takes. Errors are in the outcome.

        `before_sync` is called when the batch is written and its sync comes next.
        """
        if self._failure:
            return Outcome(len(events), error=LogFailed(self._failure))
        try:
            return self._commit(events, before_sync)
        except AppendError as error:
            # Definite: no event was written. All who wait share the reason and may retry.
            return Outcome(len(events), error=error)
        except BaseException as interrupt:
            # Ctrl-C between the write and the sync: what is on disk is not known.
            self._failure = f"interrupted by {type(interrupt).__name__}"
            raise

    def _commit(self, events: Sequence[bytes], before_sync: Callable[[], None]) -> Outcome:
        timestamp = encode_timestamp(min(max(0, self._wall_clock_ns()), TIME_NS_MAX))
        if self._log.to_renew is not None:
            self._renew()
        wanted_bytes = FRAME_HEADER_BYTES + 8 + len(timestamp) + len(events[0]) + CRC_BYTES
        self._make_room(wanted_bytes)
        segment = self._segment_with_room(wanted_bytes)
        first_sequence = self._retention.next_sequence
        start = segment.size_bytes
        room = self._config.quota_bytes - self.used_bytes()
        pieces, count, end_bytes = encode_frames(
            segment.header.frame_key, start, first_sequence, timestamp, events,
            end_max=start + min(room, self._config.batch_bytes_max),
            start_end=self._config.rotation_bytes,
        )  # fmt: skip
        data = b"".join(pieces)
        outcome = Outcome(count, first_sequence, timestamp=timestamp)
        try:
            write_fully(self._filesystem, segment.name, data)
        except OSError as error:
            failure = self._take_back(segment, len(data), error)
            return outcome._replace(error=failure)
        before_sync()
        try:
            self._filesystem.sync(segment.name)
        except OSError as error:
            self._failure = f"sync {segment.name}: {describe(error)}"
            self._log.appendable = False
            LOGGER.error("the log is failed until it is reopened: %s", self._failure)
            return outcome._replace(error=SyncFailed(segment.name, error))
        self._retention.accepted(segment, end_bytes, first_sequence + count)
        return outcome

    def _take_back(self, segment: Segment, written_bytes: int, cause: OSError) -> AppendError:
        """Cut a failed write off again. The segment is sealed whatever comes of it."""
        self._log.appendable = False
        try:
            self._filesystem.truncate(segment.name, segment.size_bytes)
            # Until this returns, a power cut could bring the cut-off records back.
            self._filesystem.sync(segment.name)
        except OSError as error:
            LOGGER.error("%s could not be cut back: %s", segment.name, describe(error))
            self._retention.burn(-(-written_bytes // FRAME_BYTES_MIN))
            return AppendIndefinite("append", segment.name, cause)
        return DiskRejected("append", segment.name, cause)

    # ---- Room ---------------------------------------------------------------

    def _make_room(self, wanted_bytes: int) -> None:
        """Raise QuotaExceeded unless a frame of this size fits, after freeing what can be.

        A newest file that is wholly settled is rotated away first, else a quota that one
        file fills would reject for ever (trap T15).
        """
        if self.used_bytes() + wanted_bytes <= self._config.quota_bytes:
            return
        if self._retention.newest_is_settled() and self._rotate() is None:
            self._retention.flush()
        used = self.used_bytes()
        if used + wanted_bytes > self._config.quota_bytes:
            raise QuotaExceeded(used, wanted_bytes, self._config.quota_bytes)

    def _segment_with_room(self, wanted_bytes: int) -> Segment:
        """Return a durable segment to append to. Raises NoSegment."""
        if not self._retention.consume_clean_mark():
            self._log.appendable = False
        newest = self._newest()
        if newest is not None and newest.size_bytes < self._config.rotation_bytes:
            return newest
        failure = self._rotate()
        if failure is None:
            started = self._retention.newest()
            assert started is not None
            return started
        limit = self._config.file_bytes_max
        if newest is not None and newest.size_bytes + wanted_bytes <= limit:
            LOGGER.warning("rotation failed, %s goes on: %s", newest.name, describe(failure))
            return newest
        raise NoSegment(describe(failure))

    def _newest(self) -> Segment | None:
        return self._retention.newest() if self._log.appendable else None

    def _renew(self) -> None:
        """Try again what recovery had no room for."""
        with self._retention.io_lock:
            renew(self._log, self._retention.settled_snapshot())
        self._retention.recount()
        if self._log.to_renew is not None:
            raise NoSegment(self._log.report.degraded)

    def _rotate(self) -> OSError | None:
        """Start a new newest segment; return why it could not be done."""
        newest = self._retention.newest()
        assert newest is not None, "a log without a file is renewed, not rotated"
        known = newest.end_sequence
        next_sequence = self._retention.next_sequence

        def create() -> Segment:
            return create_segment(self._filesystem, self._log.next_header(known, next_sequence))

        try:
            segment = under_a_free_name(create)
        except OSError as error:
            return error
        self._retention.started(segment)
        self._log.appendable = True
        return None

    # ---- Identity and end ---------------------------------------------------

    def start_new_identity(self) -> bytes:
        """Continue in a new file under a new log_id. Raises AppendError."""
        if self._failure:
            raise LogFailed(self._failure)
        if self._log.to_renew is not None:
            self._renew()
        old = self._log.log_id, self._log.previous_log_id
        self._failure = "a new identity was begun and interrupted"
        self._log.log_id, self._log.previous_log_id = self._log.random_bytes(ID_BYTES), old[0]
        failure = self._rotate()
        self._failure = ""
        if failure is not None:
            self._log.log_id, self._log.previous_log_id = old
            if self._rotation_left_a_file():
                # The next open will find the new identity: going on under the old one now
                # would make two logs of one.
                self._failure = "a new identity was begun and could not be taken back"
                raise AppendIndefinite("start_new_identity", "procmond", failure)
            raise NoSegment(describe(failure))
        with self._retention.io_lock:
            self._log.clean_mark = None
            self._log.acknowledgements.rename_log(self._log.log_id)
        self._retention.flush()
        return self._log.log_id

    def _rotation_left_a_file(self) -> bool:
        name = segment_name(self._log.highest_number)
        try:
            return any(entry.name == name for entry in self._filesystem.list())
        except OSError:
            return True

    def clean_mark(self) -> tuple[int, int] | None:
        """Return (file number, length) if the newest file may be appended to as it is."""
        newest = self._newest()
        if newest is None or self._failure:
            return None
        return newest.header.file_number, newest.size_bytes
