"""Events on their way to the dead-letter file.

Theory of operation. A refused event is settled only when its letter is durable (trap T4).
Until then it stays in memory and unsettled, and an acknowledgement that passes its number
does not touch it. A disk that refuses is asked again; meanwhile backpressure is held on and
the log keeps the event's file (trap T15).

An event whose letter is under way when the link is lost is sent again on the next one: the
broker refuses it again, which changes nothing, or takes it, which settles it.

Spec: DLQ-2.
"""

from __future__ import annotations

from reference.connector_config import ConnectorConfig
from reference.connector_inputs import Command, Condition, Report, StoreDeadLetter
from reference.connector_states import Timer
from reference.deadlines import Deadlines
from reference.event_buffer import EventBuffer
from reference.events import StoredEntry
from reference.interval_set import WatermarkSet
from reference.limits import REFUSAL_TEXT_MAX


class DeadLetterQueue:
    """The letters of one connector that are not durable yet."""

    def __init__(
        self,
        config: ConnectorConfig,
        buffer: EventBuffer,
        deadlines: Deadlines,
        commands: list[Command],
    ) -> None:
        self._config = config
        self._buffer = buffer
        self._deadlines = deadlines
        self._commands = commands
        self._letters: dict[int, StoreDeadLetter] = {}
        self._failed: set[int] = set()
        """Refused by the disk, and wanted still."""
        self._to_retry: set[int] = set()
        """Of those, the ones that the disk has not been asked for again."""

    @property
    def count(self) -> int:
        """How many letters are not durable."""
        return len(self._letters)

    @property
    def is_blocked(self) -> bool:
        """Whether the disk refused a letter that is still wanted."""
        return bool(self._failed)

    def add(self, entry: StoredEntry, reason: str) -> bool:
        """Ask for the letter; return False if it is under way already."""
        if entry.sequence in self._letters:
            return False
        letter = StoreDeadLetter(entry, reason[:REFUSAL_TEXT_MAX])
        self._letters[entry.sequence] = letter
        self._commands.append(letter)
        return True

    def forget(self, sequence: int) -> None:
        """The broker has the event after all; a letter that is written nevertheless is legal."""
        self._letters.pop(sequence, None)
        self._failed.discard(sequence)
        self._to_retry.discard(sequence)

    def stored(self, sequence: int) -> None:
        """The letter is durable: the number is settled."""
        self.forget(sequence)
        self._buffer.settle(sequence, sequence)

    def failed(self, sequence: int, reason: str, now_ns: int) -> None:
        """The disk refused: try again later, if it is still wanted."""
        if sequence not in self._letters:
            return
        if not self._failed:
            self._commands.append(Report(Condition.DEAD_LETTER_BLOCKED, reason))
        self._failed.add(sequence)
        self._to_retry.add(sequence)
        # One timer for all: a refusal that moved it would, while others keep coming, put the
        # attempts off for ever. So the last ones to be refused may wait for less than a second.
        if not self._deadlines.is_set(Timer.LETTERS):
            self._deadlines.set(Timer.LETTERS, now_ns + self._config.retry_ns)

    def retry(self) -> None:
        """Ask again for what was refused. It counts as refused until it is stored.

        What a slow disk was asked for and has not answered is left out, or it would be
        written twice.
        """
        self._commands.extend(self._letters[sequence] for sequence in sorted(self._to_retry))
        self._to_retry.clear()

    def ranges_without(self, first: int, last: int) -> list[tuple[int, int]]:
        """Return `first` to `last` as ranges (first, last) that leave out letters under way."""
        held = WatermarkSet(0)
        for sequence in self._letters:
            held.add(sequence, sequence + 1)
        return [(low, end - 1) for low, end in held.missing(first, last + 1)]
