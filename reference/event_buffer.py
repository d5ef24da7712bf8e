"""The unsettled events in memory: a cache of the log, exact in bytes, filled in order.

    settled        in memory                           in the log alone
    ...... watermark | ......... buffered_through | ......... durable_through
                       used_bytes <= limit_bytes     spilled, if there are any

Theory of operation. An event is here only after it is durable. What is in memory is the
oldest unsettled part of the log without a hole; if the next event does not fit, it and all
behind it stay in the log alone, and once there is room they are paged back in order. So
memory is bounded, the order is that of the log, and the log is the one source of truth: a
number that a page steps over is one that the log has settled.

`used_bytes` is the sum of the whole Publish frames held, in flight or not. An empty buffer
reads back one event of any legal size, or one larger than the buffer would never be delivered.
An event that cannot be sent at all (undecodable, or too large for a frame) is held as its
payload until its dead letter is stored.

Not here: what is in flight (link_session.py), the level (backpressure.py).

Spec: BUF-1, BUF-2.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reference.events import StoredEntry
from reference.interval_set import WatermarkSet
from reference.limits import LINK_BODY_BYTES_MAX, LINK_LENGTH_BYTES
from reference.link_messages import encode_publish_frame, payload_offset, publish_frame_bytes
from reference.log_cursor import Page


@dataclass(frozen=True, slots=True)
class HeldEvent:
    """One event in memory."""

    sequence: int
    data: bytes
    """Its Publish frame, or its payload if it cannot be sent."""
    fault: str = ""
    """Why it can never be sent; empty if it can."""

    def as_stored(self) -> StoredEntry:
        """Return the event as the log has it."""
        if self.fault:
            return StoredEntry(self.sequence, self.data, self.fault)
        frame_start = LINK_LENGTH_BYTES + 4 + 8 + 8  # length, tag, sequence, length of topic
        topic_bytes = int.from_bytes(self.data[frame_start - 8 : frame_start], "little")
        return StoredEntry(self.sequence, self.data[frame_start + topic_bytes :])


def held_event(entry: StoredEntry) -> HeldEvent:
    """Return the entry as it is held in memory."""
    if entry.fault:
        return HeldEvent(entry.sequence, entry.payload, entry.fault)
    body_bytes = publish_frame_bytes(entry.payload) - LINK_LENGTH_BYTES
    if body_bytes > LINK_BODY_BYTES_MAX:
        reason = f"oversize: {body_bytes} bytes in a frame, the limit is {LINK_BODY_BYTES_MAX}"
        return HeldEvent(entry.sequence, entry.payload, reason)
    return HeldEvent(entry.sequence, encode_publish_frame(entry.sequence, entry.payload))


def held_bytes(entry: StoredEntry) -> int:
    """Return what the entry takes in memory: the length of what `held_event` holds."""
    if entry.fault or payload_offset(entry.payload) + len(entry.payload) - LINK_LENGTH_BYTES > (
        LINK_BODY_BYTES_MAX
    ):
        return len(entry.payload)
    return publish_frame_bytes(entry.payload)


@dataclass(frozen=True, slots=True)
class PageRequest:
    """What to read from the log next."""

    after: int
    bytes_max: int
    at_least_one: bool
    """Memory is empty: take one event even if it is larger than the whole buffer."""


class EventBuffer:
    """What is in memory, what is settled, and how far the log goes."""

    def __init__(self, limit_bytes: int, settled_through: int, durable_through: int) -> None:
        self.limit_bytes = limit_bytes
        self.used_bytes = 0
        self.settled = WatermarkSet(settled_through)
        self.durable_through = durable_through
        self.buffered_through = settled_through
        self._events: dict[int, HeldEvent] = {}  # in sequence order
        self._page_under_way: PageRequest | None = None
        self._is_waiting_for_room = False

    # ---- What is known ------------------------------------------------------

    @property
    def watermark(self) -> int:
        """Everything up to here is settled."""
        return self.settled.watermark

    @property
    def is_spilled(self) -> bool:
        """Whether an unsettled durable event is not in memory."""
        return self._covered_through < self.durable_through

    def get(self, sequence: int) -> HeldEvent | None:
        """Return the event, None if it is settled or not in memory."""
        return self._events.get(sequence)

    def sequences(self) -> list[int]:
        """Return the numbers in memory, rising."""
        return list(self._events)

    @property
    def unsettled_count(self) -> int:
        """How many durable events are not settled, in memory or not."""
        ranges = self.settled.missing(1, self.durable_through + 1)
        return sum(end - first for first, end in ranges)

    # ---- Events come --------------------------------------------------------

    def store(self, entries: Iterable[StoredEntry], durable_through: int) -> list[HeldEvent]:
        """Take in events that the log has just stored; return those that are in memory now.

        `durable_through` may be above the last of them: the rest is then paged in.
        """
        admitted = []
        for entry in entries:
            # A number that is skipped may be burned, or an event that nobody told of here:
            # the log knows, so everything behind it is paged in. While a page is under way
            # its room is not given away.
            follows = entry.sequence == self.durable_through + 1
            if follows and not self.is_spilled and self._page_under_way is None:
                event = held_event(entry)
                if self.used_bytes + len(event.data) <= self.limit_bytes:
                    self._hold(event)
                    admitted.append(event)
            self.durable_through = max(self.durable_through, entry.sequence)
        self.durable_through = max(self.durable_through, durable_through)
        return admitted

    def wanted_page(self) -> PageRequest | None:
        """Return what to read from the log, if there is need and room and no page under way.

        Half empty is soon enough, and keeps pages large.
        """
        has_room = 2 * self.used_bytes <= self.limit_bytes
        is_busy = self._page_under_way is not None or self._is_waiting_for_room
        if not self.is_spilled or not has_room or is_busy:
            return None
        self._page_under_way = self._next_page()
        return self._page_under_way

    def page_read(self, page: Page) -> list[HeldEvent]:
        """Take in a page; return those of its events that are in memory now."""
        asked, self._page_under_way = self._page_under_way, None
        assert asked is not None, "a page that nobody asked for"
        admitted = []
        for entry in page.entries:
            self._step_over(entry.sequence)
            if entry.sequence in self.settled:
                continue
            event = held_event(entry)
            self._hold(event)
            admitted.append(event)
        self._step_over(page.through + 1)
        self.durable_through = max(self.durable_through, page.through)
        # Nothing fitted, and asking again would give the same: until something is settled. What
        # was settled while the page was read counts, or nobody might ever ask again.
        self._is_waiting_for_room = self._next_page() == asked and not asked.at_least_one
        return admitted

    def page_failed(self) -> None:
        """Forget the page under way: it could not be read."""
        self._page_under_way = None

    # ---- Events go ----------------------------------------------------------

    def settle(self, first: int, last: int) -> None:
        """Drop the events `first` to `last` from memory; they need no delivery any more."""
        self.settled.add(first, last + 1)
        numbers: Sequence[int] = range(first, last + 1)
        if len(numbers) > len(self._events):
            numbers = [each for each in self._events if first <= each <= last]
        for sequence in numbers:
            event = self._events.pop(sequence, None)
            if event is not None:
                self.used_bytes -= len(event.data)
        self._is_waiting_for_room = False

    # ---- Inside -------------------------------------------------------------

    @property
    def _covered_through(self) -> int:
        """Everything up to here is in memory or settled."""
        return max(self.buffered_through, self.watermark)

    def _next_page(self) -> PageRequest:
        return PageRequest(
            self._covered_through, self.limit_bytes - self.used_bytes, self.used_bytes == 0
        )

    def _hold(self, event: HeldEvent) -> None:
        self._events[event.sequence] = event
        self.used_bytes += len(event.data)
        self.buffered_through = event.sequence

    def _step_over(self, sequence: int) -> None:
        """Take the numbers below `sequence` as settled: the log handed out none of them."""
        first = self._covered_through + 1
        if first < sequence:
            self.settled.add(first, sequence)
            self.buffered_through = sequence - 1
