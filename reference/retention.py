"""What the log may forget: the watermark, its durability, and the deletion of files.

The order is the promise (trap T13, Spec: ACK-5):

    numbers settled in memory  ->  watermark durable  ->  unlink  ->  directory sync

A file goes only if everything in it is settled, oldest first, and never the newest: the log
must not forget its numbers. The watermark is written lazily (a second, a thousand records),
at once if it lets a file go, and at close. No file is read.

A disk that refuses any of this delays deletion and is logged; it never fails an append.

Locks: `mutex` guards numbers and the list of segments and is held for moments only;
`io_lock` is held across the writes here, so that acknowledging never waits for an append's
sync. Whoever needs both takes `io_lock` first.

Spec: ACK-2, ACK-5, WAL-5.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from reference.errors import AcknowledgedBeyondLog, describe
from reference.interval_set import WatermarkSet
from reference.recovery import LOGGER, OpenedLog
from reference.segment_files import Segment
from reference.segment_header import encode_header_block


class Retention:
    """The settled numbers and the segments of one open log."""

    def __init__(self, log: OpenedLog, monotonic_ns: Callable[[], int]) -> None:
        self.mutex = threading.Lock()
        self.io_lock = threading.Lock()
        self._log = log
        self._config = log.config
        self._filesystem = log.filesystem
        self._settled = log.survey.settled
        self._segments = log.segments
        self._monotonic_ns = monotonic_ns
        self._written_at_ns = monotonic_ns()
        self._written_watermark = self._settled.watermark
        self._next_sequence = log.survey.next_sequence
        self._segments_bytes = sum(segment.size_bytes for segment in log.segments)
        self._close_reason: str | None = None

    # ---- Numbers ------------------------------------------------------------

    @property
    def watermark(self) -> int:
        with self.mutex:
            return self._settled.watermark

    @property
    def next_sequence(self) -> int:
        with self.mutex:
            return self._next_sequence

    def is_settled(self, sequence: int) -> bool:
        """Whether the number needs no delivery any more.

        Called once an entry. Without ranges above the watermark it takes no lock: an
        acknowledgement that arrives at the same moment may be seen or not either way.
        """
        if not self._settled.has_ranges:
            return sequence <= self._settled.watermark
        with self.mutex:
            return sequence in self._settled

    def unsettled(self, first: int, end: int) -> list[tuple[int, int]]:
        """Return the ranges [first, end) of numbers in the given one that need delivery."""
        with self.mutex:
            return self._settled.missing(first, end)

    def settled_snapshot(self) -> WatermarkSet:
        """Return the settled numbers as they are now."""
        with self.mutex:
            return self._settled.copy()

    def accepted(self, segment: Segment, size_bytes: int, end_sequence: int) -> None:
        """Record that the segment is durable up to here. The writer calls this."""
        with self.mutex:
            segment.frames += end_sequence - self._next_sequence
            self._segments_bytes += size_bytes - segment.size_bytes
            segment.size_bytes = size_bytes
            segment.end_sequence = end_sequence
            self._next_sequence = end_sequence

    def burn(self, count: int) -> None:
        """Give up the next `count` numbers: events with them may or may not be on disk."""
        with self.mutex:
            first = self._next_sequence
            self._next_sequence += count
            self._settled.add(first, self._next_sequence)

    def started(self, segment: Segment) -> None:
        """Record a new newest segment."""
        with self.mutex:
            self._segments.append(segment)
            self._segments_bytes += segment.size_bytes

    def recount(self) -> None:
        """Sum the segments anew, after recovery has exchanged some of them."""
        with self.mutex:
            self._segments_bytes = sum(segment.size_bytes for segment in self._segments)

    @property
    def segments_bytes(self) -> int:
        """The bytes of all segments."""
        return self._segments_bytes

    def newest(self) -> Segment | None:
        """Return the newest segment, None if there is none yet."""
        with self.mutex:
            return self._segments[-1] if self._segments else None

    def segment_names(self) -> list[str]:
        with self.mutex:
            return [segment.name for segment in self._segments]

    def durable_watermark(self) -> int:
        """Return the watermark that this process knows to be on the medium; 0 if none is."""
        with self.io_lock:
            return self._log.acknowledgements.durable_through or 0

    def affirm(self) -> int:
        """Make the watermark that was found durable, without changing a byte; return it.

        A disk that refuses costs a warning, and the answer is lower.
        """
        with self.io_lock:
            file = self._log.acknowledgements
            if file.would_change(*self._numbers(), self._log.clean_mark):
                self._write(*self._numbers())
            else:
                self._try_to_write(file.affirm)
        return self.durable_watermark()

    # ---- Settling -----------------------------------------------------------

    def settle(self, first: int, end: int) -> None:
        """Settle [first, end). Raises AcknowledgedBeyondLog."""
        with self.mutex:
            if end > self._next_sequence:
                raise AcknowledgedBeyondLog(end - 1, self._next_sequence - 1)
            self._settled.add(first, end)
            watermark = self._settled.watermark
            due = (
                watermark - self._written_watermark >= self._config.acknowledge_count_max
                or self._oldest_is_forgettable()
                or (
                    watermark != self._written_watermark
                    and self._monotonic_ns() - self._written_at_ns
                    >= self._config.acknowledge_interval_ns
                )
            )
        if due:
            self.flush()

    def flush(self) -> bool:
        """Make the watermark durable, delete what it covers; return whether it is durable."""
        with self.io_lock:
            return self._flush()

    def _flush(self) -> bool:
        watermark, next_sequence = self._numbers()
        file = self._log.acknowledgements
        if file.durable_through != watermark and not self._write(watermark, next_sequence):
            return False
        while True:
            with self.mutex:
                if not self._oldest_is_forgettable():
                    break
                oldest = self._segments[0]
                if oldest.end_sequence - 1 > watermark:
                    break  # settled while the watermark was being written
            if not self._newest_is_durable():
                break
            try:
                self._filesystem.unlink(oldest.name)
            except FileNotFoundError:
                LOGGER.warning("%s was already gone", oldest.name)
            except OSError as error:
                LOGGER.warning("cannot delete %s: %s", oldest.name, describe(error))
                break
            with self.mutex:
                del self._segments[0]
                self._segments_bytes -= oldest.size_bytes
            self._sync_directory()
        return True

    def _newest_is_durable(self) -> bool:
        """Whether what stays behind a deletion is on disk: identity and numbers depend on it.

        True but for a degraded log, whose newest file recovery may have seen in the page
        cache only. Writing its header again allocates nothing.
        """
        if self._log.to_renew is None:
            return True
        with self.mutex:
            newest = self._segments[-1]
        try:
            self._filesystem.overwrite(newest.name, 0, encode_header_block(newest.header))
            self._filesystem.sync(newest.name)
        except OSError as error:
            LOGGER.warning("cannot make %s durable: %s", newest.name, describe(error))
            return False
        return True

    def _oldest_is_forgettable(self) -> bool:
        """Whether the oldest segment is not the newest and wholly settled. Mutex held."""
        return (
            len(self._segments) > 1
            and self._segments[0].end_sequence - 1 <= self._settled.watermark
        )

    def newest_is_settled(self) -> bool:
        """Whether the newest segment holds records, all of them settled."""
        with self.mutex:
            newest = self._segments[-1] if self._segments else None
            return (
                newest is not None
                and newest.frames > 0
                and newest.end_sequence - 1 <= self._settled.watermark
            )

    # ---- The acknowledgement file -------------------------------------------

    def consume_clean_mark(self) -> bool:
        """Durably withdraw the mark that the newest file is complete, before it grows.

        Else a crash after a failed append could leave the file at just the marked length,
        and an offset would be written twice (trap T8). Returns False if the disk refuses.
        """
        if self._log.clean_mark is None:
            return True
        with self.io_lock:
            watermark, next_sequence = self._numbers()
            self._log.clean_mark = None
            return self._write(watermark, next_sequence)

    def reveal(self) -> None:
        """Try again to make the floor durable, if entries are hidden until it is.

        A full disk drains only by what is read back: that must not wait for an append.
        """
        if self._log.replay_before is not None:
            with self.io_lock:
                self._write(*self._numbers())

    def close(self, clean_mark: tuple[int, int] | None) -> str:
        """Write the last slot; return why the log is not clean, or an empty text."""
        with self.io_lock:
            if self._close_reason is not None:
                return self._close_reason
            self._log.clean_mark = clean_mark
            watermark, next_sequence = self._numbers()
            file = self._log.acknowledgements
            if file.would_change(watermark, next_sequence, clean_mark):
                is_written = self._write(watermark, next_sequence)
            else:
                # What was only read may be in the page cache only.
                is_written = self._try_to_write(self._log.acknowledgements.affirm)
            if not is_written:
                self._close_reason = "the acknowledgement file could not be written"
            else:
                self._close_reason = "" if clean_mark else "the newest file cannot be appended to"
            return self._close_reason

    def _numbers(self) -> tuple[int, int]:
        """Return the watermark and the next sequence, as they are at one moment."""
        with self.mutex:
            return self._settled.watermark, self._next_sequence

    def _write(self, watermark: int, next_sequence: int) -> bool:
        self._written_at_ns = self._monotonic_ns()
        file, mark = self._log.acknowledgements, self._log.clean_mark
        if not self._try_to_write(lambda: file.write(watermark, next_sequence, mark)):
            return False
        self._written_watermark = watermark
        self._log.floor_is_durable, self._log.replay_before = True, None
        return True

    def _try_to_write(self, write: Callable[[], None]) -> bool:
        try:
            write()
        except OSError as error:
            LOGGER.warning("cannot write the acknowledgement file: %s", describe(error))
            return False
        return True

    def _sync_directory(self) -> None:
        try:
            self._filesystem.sync_directory()
        except OSError as error:
            # The file may come back after a power cut: its numbers stay settled.
            LOGGER.warning("cannot sync the directory after a deletion: %s", describe(error))
