"""One session with the broker: what was sent on it, what is unanswered, what may be sent next.

    settled    answered            outstanding             unsent
    ... baseline | ... acknowledged | ... highest_sent      ...

Theory of operation. A session begins with Welcome and ends with the link. Numbers are sent
in rising order, at most `window` without an answer. An Acknowledge answers every number that
was sent up to its own; it may not go back, nor beyond what was sent *on this session*: a
broker cannot have what it was not given. A Refuse answers one outstanding number and must
come before an Acknowledge that covers it.

Not here: the events themselves (event_buffer.py).

Spec: LNK-2.2, LNK-3.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from reference.connector_errors import AcknowledgeOutOfRange, RefuseOutOfRange


class LinkSession:
    """Numbers in flight. `baseline` is the higher of what both sides had settled."""

    def __init__(self, window: int, baseline: int, unsent: Iterable[int]) -> None:
        self.window = window
        self.acknowledged = baseline
        self.highest_sent = baseline
        self._unsent = deque(unsent)
        self._outstanding: deque[int] = deque()

    @property
    def outstanding_count(self) -> int:
        """How many numbers wait for an answer."""
        return len(self._outstanding)

    def add_unsent(self, sequence: int) -> None:
        """Queue a number, which is above all that were queued before."""
        self._unsent.append(sequence)

    def take_next(self) -> int | None:
        """Return the next number to look at for sending; None if none, or the window is full."""
        if not self._unsent or len(self._outstanding) >= self.window:
            return None
        return self._unsent.popleft()

    def sent(self, sequence: int) -> None:
        """Record that the number was sent."""
        assert sequence > self.highest_sent, (sequence, self.highest_sent)
        self.highest_sent = sequence
        self._outstanding.append(sequence)

    def acknowledge(self, through: int) -> list[int]:
        """Return the numbers that are answered by it. Raises AcknowledgeOutOfRange."""
        if not self.acknowledged <= through <= self.highest_sent:
            raise AcknowledgeOutOfRange(
                "Acknowledge", through, self.acknowledged, self.highest_sent
            )
        self.acknowledged = through
        answered = []
        while self._outstanding and self._outstanding[0] <= through:
            answered.append(self._outstanding.popleft())
        return answered

    def refuse(self, sequence: int) -> None:
        """Take the number as answered by a refusal. Raises RefuseOutOfRange."""
        if sequence not in self._outstanding:
            raise RefuseOutOfRange(sequence, self.acknowledged, self.highest_sent)
        self._outstanding.remove(sequence)
