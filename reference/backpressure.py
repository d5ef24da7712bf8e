"""Backpressure: a latched level with hysteresis, and the channel that any number can watch.

    level      becomes     when
    released   triggered   10 x used >= 7 x limit, or the level is held on
    triggered  released    10 x used <= 5 x limit, and it is not held on

`used` is the sum of the Publish frames in memory that are not settled. The level is *held on*
while an unsettled event is not in memory (spilled), or a dead letter cannot be stored: a
producer that speeds up then would only add to a backlog that is not moving (trap T11, T15).
Integers only: at one byte below 70 % nothing happens, on every machine.

Theory of operation. The channel carries a level, not edges. A subscriber that missed ten
changes is told the latest one, and nothing if that is the one it knows: so `released` never
comes without `triggered` before it, and nobody stays throttled over a lost message. Levels
are computed in one place and published whole, with the numbers that they follow from.

Spec: BPR-1, BPR-2.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from reference.limits import BACKPRESSURE_OFF_TENTHS, BACKPRESSURE_ON_TENTHS


class Level(Enum):
    """What producers are asked to do."""

    RELEASED = "released"
    """Nothing."""
    TRIGGERED = "triggered"
    """Slow down. Nothing is refused: events are stored all the same."""


def next_level(level: Level, used_bytes: int, limit_bytes: int, *, held_on: bool) -> Level:
    """Return the level that follows. Spec: BPR-1.1."""
    if level is Level.RELEASED:
        is_high = 10 * used_bytes >= BACKPRESSURE_ON_TENTHS * limit_bytes
        return Level.TRIGGERED if is_high or held_on else level
    is_low = 10 * used_bytes <= BACKPRESSURE_OFF_TENTHS * limit_bytes
    return Level.RELEASED if is_low and not held_on else level


@dataclass(frozen=True, slots=True)
class BackpressureState:
    """The level, and what it was computed from."""

    level: Level = Level.RELEASED
    used_bytes: int = 0
    limit_bytes: int = 1
    is_spilled: bool = False
    """Events wait in the log that are not in memory."""
    is_blocked: bool = False
    """A dead letter cannot be stored."""


_Waiter = tuple[asyncio.AbstractEventLoop, asyncio.Event]


class BackpressureChannel:
    """The latest state, shared. `subscribe` as often as you like; any thread may."""

    def __init__(self, state: BackpressureState) -> None:
        self._state = state
        self._is_closed = False
        self._changed = threading.Condition()
        self._waiters: set[_Waiter] = set()

    @property
    def state(self) -> BackpressureState:
        """The state as it is now."""
        return self._state

    @property
    def is_closed(self) -> bool:
        """No further state will come."""
        return self._is_closed

    def subscribe(self) -> Subscription:
        """Return a subscription that has seen nothing yet: a level that is on now comes first."""
        return Subscription(self)

    # ---- The connector's side -----------------------------------------------

    def publish(self, state: BackpressureState) -> None:
        """Make this the latest state; wake who waits if its level is another.

        After `close` it does nothing: who has seen the end is told nothing more, so a state
        that came later would be one that only some know.
        """
        with self._changed:
            if self._is_closed:
                return
            is_new = state.level is not self._state.level
            self._state = state
            if is_new:
                self._wake()

    def close(self) -> None:
        """End all subscriptions, after each has seen the latest level."""
        with self._changed:
            self._is_closed = True
            self._wake()

    def _wake(self) -> None:
        self._changed.notify_all()
        for waiter in list(self._waiters):
            loop, event = waiter
            try:
                loop.call_soon_threadsafe(event.set)
            except RuntimeError:
                # The loop was closed, so nobody is left to wait and to leave the set himself:
                # it would keep the loop and its task as long as the channel lives.
                self._waiters.discard(waiter)

    # ---- A subscription's side ----------------------------------------------

    def _news_for(self, seen: Level) -> BackpressureState | None:
        return self._state if self._state.level is not seen else None

    def _wait(self, seen: Level, timeout_s: float | None) -> BackpressureState | None:
        with self._changed:
            self._changed.wait_for(
                lambda: self._is_closed or self._state.level is not seen, timeout_s
            )
            return self._news_for(seen)

    async def _wait_async(self, seen: Level) -> BackpressureState | None:
        event = asyncio.Event()
        waiter = (asyncio.get_running_loop(), event)
        with self._changed:
            self._waiters.add(waiter)
        try:
            while True:
                with self._changed:
                    news = self._news_for(seen)
                    if news is not None or self._is_closed:
                        return news
                    event.clear()
                await event.wait()
        finally:
            with self._changed:
                self._waiters.discard(waiter)


class Subscription:
    """One watcher of the channel. It is told of a level only if that is not the last it saw."""

    def __init__(self, channel: BackpressureChannel) -> None:
        self._channel: Final = channel
        self._seen = Level.RELEASED

    def wait(self, timeout_s: float | None = None) -> BackpressureState | None:
        """Block the thread until the level differs; None after the timeout or the channel's end."""
        return self._saw(self._channel._wait(self._seen, timeout_s))

    async def changed(self) -> BackpressureState | None:
        """Wait in an asyncio task until the level differs; None once the channel has ended."""
        return self._saw(await self._channel._wait_async(self._seen))

    def __iter__(self) -> Iterator[BackpressureState]:
        while (state := self.wait()) is not None:
            yield state

    async def __aiter__(self) -> AsyncIterator[BackpressureState]:
        while (state := await self.changed()) is not None:
            yield state

    def _saw(self, state: BackpressureState | None) -> BackpressureState | None:
        if state is not None:
            self._seen = state.level
        return state
