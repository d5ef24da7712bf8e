"""Virtual time: a monotonic clock, a wall clock that can jump, and timers that fire in order.

Theory of operation. Nothing passes by itself. `advance` moves both clocks, and stops on the
way at every timer, the earliest first; timers that are due at the same moment fire in the
order in which they were set, and one that a timer sets fires too if it is still inside.
`jump_wall` moves the wall clock alone, as an operator or NTP does: the monotonic clock, and
so every timer, does not notice.

Spec: SIM-2.1.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(order=True, slots=True)
class VirtualTimer:
    """One appointment; `cancel` calls it off."""

    at_ns: int
    number: int
    action: Callable[[], object] = field(compare=False)
    is_cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        """Do not fire."""
        self.is_cancelled = True


class VirtualClock:
    """Time as a number. Pass `monotonic_ns` and `wall_ns` where a clock is wanted."""

    def __init__(self, wall_ns: int = 1_700_000_000_000_000_000) -> None:
        self._now_ns = 0
        self._wall_offset_ns = wall_ns
        self._timers: list[VirtualTimer] = []
        self._numbers = itertools.count()

    def monotonic_ns(self) -> int:
        """Never goes back."""
        return self._now_ns

    def wall_ns(self) -> int:
        """What people call the time; may go anywhere."""
        return self._now_ns + self._wall_offset_ns

    def call_at(self, at_ns: int, action: Callable[[], object]) -> VirtualTimer:
        """Call `action` when the monotonic clock gets there; at the next advance if it has."""
        timer = VirtualTimer(at_ns, next(self._numbers), action)
        heapq.heappush(self._timers, timer)
        return timer

    def jump_wall(self, by_ns: int) -> None:
        """Move the wall clock, forwards or back."""
        self._wall_offset_ns += by_ns

    def advance(self, by_ns: int) -> None:
        """Let time pass, with every timer that falls due on the way."""
        assert by_ns >= 0, by_ns
        end_ns = self._now_ns + by_ns
        while self._timers and self._timers[0].at_ns <= end_ns:
            timer = heapq.heappop(self._timers)
            if not timer.is_cancelled:
                self._now_ns = max(self._now_ns, timer.at_ns)
                timer.action()
        self._now_ns = end_ns
