"""What backpressure has to be, from nothing but the sizes of the events that are unsettled.

The model knows no buffer, page or window. `unsettled_bytes` is what the frames of all unsettled
events would take; the connector keeps them all in memory, or says that it does not and holds
the level on. So at rest:

    10 x unsettled >= 7 x limit     triggered: in memory, or held on
    10 x unsettled <= 5 x limit     released: half a buffer is room for all of them
    else                            as before

Sizes are computed here from SPEC.md's layout of a Publish frame, not asked of the code under
test. Spec: SCN-1.3, BPR-1.1, BUF-1.1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from reference.backpressure import BackpressureState
from reference.codec import encode_event, encode_timestamp
from reference.events import EventType, LogEntry

RELEASED: Final = "released"
TRIGGERED: Final = "triggered"
_TOPIC_BYTES: Final = {
    EventType.START: len("events.process.start"), EventType.STOP: len("events.process.stop"),
    EventType.MODIFY: len("events.process.modify"),
}  # fmt: skip


def frame_bytes(entry: LogEntry) -> int:
    """Return the length of the entry's Publish frame: length, tag, sequence, topic, payload."""
    event = entry.event
    topic = 8 + _TOPIC_BYTES[event.event_type]
    return 4 + 4 + 8 + topic + len(encode_timestamp(entry.timestamp_ns)) + len(encode_event(event))


def next_word(word: str, used_bytes: int, limit_bytes: int, *, held_on: bool = False) -> str:
    """Return the level that follows: at 70 % on, at 50 % off, else as before."""
    if held_on or 10 * used_bytes >= 7 * limit_bytes:
        return TRIGGERED
    return RELEASED if 10 * used_bytes <= 5 * limit_bytes else word


@dataclass(slots=True)
class LevelModel:
    """The level of one process's life."""

    limit_bytes: int
    word: str = RELEASED
    heard: str = RELEASED
    """What a subscriber was told last."""
    signalled: str = RELEASED
    """The level of the last signal."""

    def open(self, unsettled_bytes: int) -> None:
        """A backlog was found: it is spilled until it has been read, and read before all else."""
        self.word = next_word(TRIGGERED, unsettled_bytes, self.limit_bytes)

    def signals(self, states: Iterable[BackpressureState]) -> str:
        """Return what is wrong with the signals since the last time; empty if nothing."""
        for state in states:
            held_on, used_bytes = state.is_spilled or state.is_blocked, state.used_bytes
            expected = next_word(self.signalled, used_bytes, self.limit_bytes, held_on=held_on)
            self.signalled = state.level.value
            if self.signalled != expected:
                held = ", held on" if held_on else ""
                return (
                    f"{self.signalled} was signalled at {used_bytes} of {self.limit_bytes} "
                    f"bytes{held}: it should be {expected}"
                )
        return ""

    def at_rest(self, state: BackpressureState, unsettled_bytes: int, *, is_sure: bool) -> str:
        """Return what is wrong with the state when the disk has nothing left to do.

        `is_sure` False: something may hold the level on that these sizes do not show.
        """
        found = state.level.value
        expected = next_word(self.word, unsettled_bytes, self.limit_bytes, held_on=state.is_blocked)
        if not is_sure and found == TRIGGERED:
            expected = TRIGGERED
        self.word = found
        numbers = f"{unsettled_bytes} bytes are unsettled, the limit is {self.limit_bytes}"
        if found != expected:
            return f"{found}, and should be {expected}: {numbers}"
        if not state.is_spilled and state.used_bytes != unsettled_bytes:
            return f"{state.used_bytes} bytes are counted and nothing is spilled: {numbers}"
        return ""

    def told(self, word: str | None, is_last: str) -> str:
        """Return what is wrong with what a subscriber was told; `is_last` is the level now."""
        if word is not None:
            if word == self.heard:
                return f"a subscriber was told {word} twice"
            self.heard = word
        return "" if self.heard == is_last else f"a subscriber knows {self.heard}; it is {is_last}"
