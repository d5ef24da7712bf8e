"""Reads entries back: streaming, in order, from a log that may be growing meanwhile.

Theory of operation. A snapshot of the segments is taken, each is scanned up to the length
that was durable then, and numbers that are settled, stale or repeated are stepped over.
Damage was reported when the log was opened and is not reported again. Memory is one window
of a file, whatever the backlog.

Spec: REC-10, WAL-6.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from reference.errors import DecodeError, ReadFailed
from reference.events import LogEntry
from reference.frame import decode_body
from reference.recovery import OpenedLog
from reference.retention import Retention
from reference.scanner import entry_frames, scan_segment
from reference.segment_files import Segment


class LogReader:
    """Reads the entries of one open log."""

    def __init__(self, log: OpenedLog, retention: Retention) -> None:
        self._log = log
        self._filesystem = log.filesystem
        self._retention = retention

    def entries(self, after: int) -> Iterator[LogEntry]:
        """Yield unsettled entries above `after`. Raises ReadFailed."""
        last = max(after, self._retention.watermark)
        read_numbers: set[int] = set()
        while True:
            segment = self._next_segment(read_numbers, last)
            if segment is None:
                return
            read_numbers.add(segment.header.file_number)
            for entry in self._segment_entries(segment, last):
                last = entry.sequence
                yield entry

    def _next_segment(self, read_numbers: set[int], last: int) -> Segment | None:
        """Return a copy of the oldest segment that is not read and may hold more."""
        with self._retention.mutex:
            for segment in self._log.segments:
                if (
                    segment.header.file_number not in read_numbers
                    and segment.end_sequence > last + 1
                ):
                    return replace(segment)
        return None

    def _segment_entries(self, segment: Segment, last: int) -> Iterator[LogEntry]:
        def read(offset: int, count: int) -> bytes:
            return self._filesystem.read(segment.name, offset, count)

        offset = 0
        try:
            for frame in entry_frames(scan_segment(read, segment.size_bytes, segment.header)):
                offset = frame.offset
                if frame.sequence <= last or self._retention.is_settled(frame.sequence):
                    continue
                if (
                    self._log.replay_before is not None
                    and frame.sequence >= self._log.replay_before
                ):
                    return
                try:
                    entry = decode_body(frame.body, frame.sequence)
                except DecodeError:
                    continue  # reported at open; its dead letter could not be stored yet
                last = frame.sequence
                yield entry
        except FileNotFoundError:
            return  # everything in it was acknowledged and the file deleted meanwhile
        except OSError as error:
            raise ReadFailed(segment.name, offset, error) from error
