"""Several deadlines on one timer.

Theory of operation. A deadline that moves back with every message would mean a new timer
with every message. So the driver's timer is only ever set to something earlier than it is;
when it fires early, nothing is due, and it is set anew.

Spec: CON-3.3.
"""

from __future__ import annotations

from reference.connector_states import TIMERS_OF_LOG, Timer


class Deadlines:
    """Times by name, in nanoseconds of a clock that does not go back."""

    def __init__(self) -> None:
        self._at_ns: dict[Timer, int] = {}
        self._set_at_ns: int | None = None

    def set(self, timer: Timer, at_ns: int) -> None:
        """Set the deadline, or move it."""
        self._at_ns[timer] = at_ns

    def cancel(self, timer: Timer) -> None:
        """Drop the deadline if it is set."""
        self._at_ns.pop(timer, None)

    def is_set(self, timer: Timer) -> bool:
        return timer in self._at_ns

    def clear(self) -> None:
        """Drop all."""
        self._at_ns.clear()

    def keep(self, timers: frozenset[Timer]) -> None:
        """Drop all but these and those of the log."""
        for timer in set(self._at_ns) - timers - TIMERS_OF_LOG:
            del self._at_ns[timer]

    def take_due(self, now_ns: int) -> list[Timer]:
        """Remove and return what is due, the earliest first. The driver's timer has fired."""
        self._set_at_ns = None
        due = sorted(
            (at_ns, timer.value, timer) for timer, at_ns in self._at_ns.items() if at_ns <= now_ns
        )
        for _, _, timer in due:
            del self._at_ns[timer]
        return [timer for _, _, timer in due]

    def to_set(self) -> int | None:
        """Return the time to which the driver's timer has to be set now, None if it may stay."""
        earliest = min(self._at_ns.values(), default=None)
        if earliest is None or (self._set_at_ns is not None and self._set_at_ns <= earliest):
            return None
        self._set_at_ns = earliest
        return earliest
