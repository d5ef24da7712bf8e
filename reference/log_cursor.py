"""A place in the log from which unsettled entries are read on in pages of bounded size.

Theory of operation. The connector keeps what it can in memory; the rest of the backlog stays
in the log and is paged in, in order. A cursor lives as long as the connector and goes
forward only, so that over its life it reads each byte of the log once, however often memory
fills and empties. An entry that did not fit into a page begins the next one.

A page answers for every number that it covers: it is in the page, or the log has it settled,
or it is *lost*: damage that came after the log was opened, confirmed by a second read. An
entry that cannot be decoded is not stepped over but handed out with its fault: whoever pages
has to see to its dead letter.

Spec: BUF-2, WAL-6, REP-2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from reference.errors import DecodeError, EntriesNotDurable, EntriesUnsteady
from reference.events import StoredEntry
from reference.frame import decode_body, payload_of
from reference.log_reader import LogReader

Ranges = list[tuple[int, int]]

LOOKS_MAX: Final = 8
"""A medium that gives other bytes at each look must not hold the reader up for ever. What it
hides by turns was never missing twice running, so it is not lost: it is asked for again later."""


@dataclass(frozen=True, slots=True)
class Page:
    """All that the log has unsettled between the place asked for and `through`."""

    entries: tuple[StoredEntry, ...]
    """Rising."""
    through: int
    """The page answers for every number up to here."""
    lost: tuple[tuple[int, int], ...] = ()
    """Ranges [first, end) whose records were good at open and cannot be read any more."""


class LogCursor:
    """Reads on from a place. One thread at a time may use it."""

    def __init__(
        self, reader: LogReader, after: int, size_of: Callable[[StoredEntry], int]
    ) -> None:
        self._reader = reader
        self._through = after
        self._size_of = size_of
        self._walk: Iterator[StoredEntry | None] = iter(())
        self._is_walking = False
        self._held: StoredEntry | None = None

    def read(self, after: int, bytes_max: int, *, at_least_one: bool) -> Page:
        """Return the entries above `after` that take at most `bytes_max` bytes in memory.

        `after` may not go back. With `at_least_one` the first is taken whatever its size.
        Raises ReadFailed, EntriesNotDurable and EntriesUnsteady; the next call tries again.
        """
        assert after >= self._through, f"a cursor at {self._through} cannot go back to {after}"
        self._through = after
        # If this raises, what it had read of the page is read again: the walk has ended.
        page = self._read(after, bytes_max, at_least_one)
        self._through = page.through
        return page

    def _read(self, through: int, bytes_max: int, at_least_one: bool) -> Page:
        page: list[StoredEntry] = []
        lost: Ranges = []
        suspected: Ranges = []
        looks_left = LOOKS_MAX
        while True:
            end = self._reader.end_sequence  # before reading: what comes meanwhile is no gap
            entry = self._next(through)
            if entry is not None and entry.sequence <= through:
                continue
            stop = end if entry is None else entry.sequence
            missing = self._reader.unsettled(through + 1, stop)
            if missing and self._reader.hidden_from is not None:
                self._restart()
                if page or lost:
                    break
                raise EntriesNotDurable(missing[0][0])
            if missing and missing != suspected:
                # Only what is missing twice running is lost: a misread is not damage.
                suspected, looks_left = missing, looks_left - 1
                self._restart()
                if looks_left:
                    continue
                if page:  # and so if anything was lost: an entry followed it
                    break
                raise EntriesUnsteady(through + 1)
            looks_left = LOOKS_MAX  # for the next stretch
            lost += missing
            through = max(through, stop - 1)
            if entry is None:
                break
            size = self._size_of(entry)
            if size > bytes_max and (page or not at_least_one):
                self._held = entry
                break
            page.append(entry)
            bytes_max -= size
            through = entry.sequence
        return Page(tuple(page), through, tuple(lost))

    def _next(self, through: int) -> StoredEntry | None:
        held, self._held = self._held, None
        if held is not None:
            return held
        if not self._is_walking:
            self._walk = self._reader.walk(through, _stored)
        self._is_walking = False  # a walk that raises has ended
        entry = next(self._walk)
        self._is_walking = True
        return entry

    def _restart(self) -> None:
        """Read again, with nothing remembered of the files."""
        self._held, self._is_walking = None, False


def _stored(body: bytes, sequence: int) -> StoredEntry:
    try:
        decode_body(body, sequence)
    except DecodeError as error:
        return StoredEntry(sequence, payload_of(body), f"undecodable: {error}")
    return StoredEntry(sequence, payload_of(body))
