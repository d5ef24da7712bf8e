"""Reads entries back: streaming, in order, from a log that may be growing meanwhile.

Theory of operation. A snapshot of the segments is taken, each is scanned up to the length
that was durable then, and numbers that are settled, stale or repeated are stepped over.
Damage was reported when the log was opened and is not reported again. Memory is one window
of a file, whatever the backlog.

Spec: REC-10, WAL-6.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from reference.errors import DecodeError, ReadFailed
from reference.events import LogEntry
from reference.frame import StoredFrame, decode_body
from reference.limits import FRAMES_OFFSET
from reference.recovery import OpenedLog
from reference.retention import Retention
from reference.scanner import ScannedItem
from reference.segment_files import Segment, scan_stored

Entry = TypeVar("Entry")
Out = TypeVar("Out", covariant=True)


class Convert(Protocol[Out]):
    """Makes an entry of a frame's body and its sequence, or None."""

    def __call__(self, body: bytes, sequence: int, /) -> Out | None: ...


@dataclass(slots=True)
class _Place:
    """How far a segment was read. The newest one may grow, and is then read on from there."""

    read_bytes: int = FRAMES_OFFSET
    sequence: int | None = None
    is_gone: bool = False
    """Nothing more is to be had from this file, though it was not read to its end."""


class LogReader:
    """Reads the entries of one open log."""

    def __init__(self, log: OpenedLog, retention: Retention) -> None:
        self._log = log
        self._filesystem = log.filesystem
        self._retention = retention

    @property
    def hidden_from(self) -> int | None:
        """The first sequence that a degraded log does not hand out; None if it hides none."""
        return self._log.replay_before

    @property
    def end_sequence(self) -> int:
        """One above the last number that is durable now."""
        return self._retention.next_sequence

    def unsettled(self, first: int, end: int) -> list[tuple[int, int]]:
        """Return the ranges [first, end) of numbers in the given one that need delivery."""
        return self._retention.unsettled(first, end)

    def entries(self, after: int) -> Iterator[LogEntry]:
        """Yield unsettled entries above `after`. Raises ReadFailed."""
        return iter(self.walk(after, _decoded).__next__, None)

    def walk(self, after: int, convert: Convert[Entry]) -> Iterator[Entry | None]:
        """Yield unsettled entries above `after`, and None each time that the end was reached.

        It goes on from there when asked again, with what was stored since. An entry that
        `convert` has no value for is stepped over. Raises ReadFailed, which ends it.
        """
        self._retention.reveal()
        last = max(after, self._retention.watermark)
        is_settled = self._retention.is_settled
        places: dict[int, _Place] = {}
        while True:
            segment = self._next_segment(places, last)
            if segment is None:
                yield None
                continue
            place = places.setdefault(segment.header.file_number, _Place())
            # All in this one function: a generator inside a generator costs each entry twice.
            offset = place.read_bytes
            try:
                for item in self._stored(segment, place):
                    if type(item) is not StoredFrame:
                        continue  # damage, reported at open
                    offset, sequence, body = item
                    place.sequence = sequence
                    if sequence <= last or is_settled(sequence):
                        continue
                    before = self._log.replay_before
                    if before is not None and sequence >= before:
                        place.is_gone = True
                        break
                    entry = convert(body, sequence)
                    if entry is not None:
                        last = sequence
                        yield entry
                else:
                    place.read_bytes = segment.size_bytes
            except FileNotFoundError:
                # Everything in it was acknowledged, or copied to a newer file, meanwhile.
                place.is_gone = True
            except OSError as error:
                raise ReadFailed(segment.name, offset, error) from error
            if place.read_bytes >= segment.size_bytes:
                # Numbers that the file declares as a gap are delivered by no later file.
                last = max(last, segment.header.first_sequence - 1)

    def _stored(self, segment: Segment, place: _Place) -> Iterator[ScannedItem]:
        return scan_stored(
            self._filesystem, segment,
            start_offset=place.read_bytes, after_sequence=place.sequence,
        )  # fmt: skip

    def _next_segment(self, places: dict[int, _Place], last: int) -> Segment | None:
        """Return a copy of the oldest segment that holds more than was read of it."""
        with self._retention.mutex:
            for segment in self._log.segments:
                place = places.get(segment.header.file_number)
                if segment.end_sequence > last + 1 and (
                    place is None or (place.read_bytes < segment.size_bytes and not place.is_gone)
                ):
                    return replace(segment)
        return None


def _decoded(body: bytes, sequence: int) -> LogEntry | None:
    try:
        return decode_body(body, sequence)
    except DecodeError:
        return None  # reported at open; its dead letter could not be stored yet
