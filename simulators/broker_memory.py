"""What the fake broker remembers of each log, from one connection to the next.

For each log_id: the highest number that it took, which numbers it has seen at all, and the
numbers that it refused. All of it survives a lost connection; `forget` loses all of it, as a
broker does that was restored from a backup or has no disk.

Theory of operation. A number at or below the highest taken is a *repeat*: the connector did
not hear the answer. It is dropped, counted, and acknowledged again. A refused number is
remembered until a Hello says that everything up to it is settled durably: until then the
connector may have crashed before its dead letter was on disk, so what the broker says it has
must stop below that number (`acknowledged_through`), or the event would be skipped for ever
(trap T4).

A number that is no repeat and yet not above the highest, since it was never seen, breaks the
rising order: a broker of one number per log drops it, and the event is lost. `take` calls it
SKIPPED, so that a test can see that loss.

Not here: the rules of one connection (broker_session.py), the file (broker_record.py).

Spec: SIM-1.1, LNK-3.3.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from reference.events import LogEntry
from reference.interval_set import WatermarkSet


class ReceivedEvent(NamedTuple):
    """One event that the broker took: from whom, under which topic, what."""

    log_id: bytes
    client_id: str
    topic: str
    entry: LogEntry


class RefusedEvent(NamedTuple):
    """One event that the broker refused for good."""

    log_id: bytes
    sequence: int
    reason: str


class Taken(Enum):
    """What became of a published number."""

    NEW = "new"
    """Above all that were taken: recorded."""
    REPEAT = "repeat"
    """Taken before: dropped."""
    SKIPPED = "skipped"
    """Never seen, but a higher one was: dropped as a repeat would be, and so lost."""


class LogMemory:
    """What is remembered of one log."""

    def __init__(self) -> None:
        self.accepted_through = 0
        self.refused: dict[int, str] = {}
        """Number to reason, in the order of refusal."""
        self._seen = WatermarkSet(0)

    def take(self, sequence: int) -> Taken:
        """Remember that the number was published and not refused; say what it was."""
        if sequence > self.accepted_through:
            self.accepted_through = sequence
            self._seen.add(sequence, sequence + 1)
            return Taken.NEW
        if sequence in self._seen:
            return Taken.REPEAT
        # Reported once; the second time it is a number that was published before.
        self._seen.add(sequence, sequence + 1)
        return Taken.SKIPPED

    def has_taken(self, sequence: int) -> bool:
        """Return whether the number was taken."""
        return sequence in self._seen

    def refuse(self, sequence: int, reason: str) -> None:
        """Remember that the number was refused, until it is settled."""
        self.refused[sequence] = reason

    def settle(self, settled_through: int) -> list[int]:
        """Forget the refusals that the connector has settled; return the rest, rising."""
        for sequence in [each for each in self.refused if each <= settled_through]:
            del self.refused[sequence]
        return sorted(self.refused)

    def acknowledged_through(self, settled_through: int) -> int:
        """Return what Welcome may say: below every refusal that may not be settled."""
        unsettled = [each for each in self.refused if each > settled_through]
        return min([self.accepted_through, *(each - 1 for each in unsettled)])


class BrokerMemory:
    """What is remembered of all logs."""

    def __init__(self) -> None:
        self.repeats_dropped = 0
        """Counted over the broker's life, forgetting included."""
        self._logs: dict[bytes, LogMemory] = {}

    def log(self, log_id: bytes) -> LogMemory:
        """Return what is remembered of the log, which is remembered from now on."""
        log = self._logs.get(log_id)
        if log is None:
            log = self._logs[log_id] = LogMemory()
        return log

    def look(self, log_id: bytes) -> LogMemory:
        """Return the same, but a stranger who only says Hello costs no memory."""
        return self._logs.get(log_id) or LogMemory()

    def forget(self) -> None:
        """Lose everything."""
        self._logs.clear()

    @property
    def log_ids(self) -> list[bytes]:
        """The logs that something was taken or refused of, in the order of their first number."""
        return list(self._logs)
