"""The backpressure channel under attack: lost wake-ups, cancelled waiters, closed loops.

`close` wakes everybody, so a test that closes first would not see a wake-up that was lost.
Here everybody must have the latest level *before* the channel is closed. What each watcher
is told stands in `Told`, on which the test waits with a deadline.

Spec: BPR-2.1.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import sys
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.backpressure import BackpressureChannel, BackpressureState, Level, Subscription

DEADLINE_S = 20
ON, OFF = BackpressureState(Level.TRIGGERED, 80, 100), BackpressureState(Level.RELEASED, 20, 100)


class Told:
    """What each watcher was told, in order."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._levels: dict[str, list[Level]] = {}
        self._ended: set[str] = set()

    def begins(self, watcher: str) -> None:
        with self._changed:
            self._levels.setdefault(watcher, [])
            self._changed.notify_all()

    def add(self, watcher: str, state: BackpressureState) -> None:
        with self._changed:
            self._levels[watcher].append(state.level)
            self._changed.notify_all()

    def ends(self, watcher: str) -> None:
        with self._changed:
            self._ended.add(watcher)
            self._changed.notify_all()

    def wait_until_all_know(self, level: Level, count: int) -> None:
        """Return when `count` watchers know this level; whoever was told nothing knows released."""
        with self._changed:
            everybody = self._changed.wait_for(
                lambda: len(self._levels) == count and set(self._last().values()) == {level},
                DEADLINE_S,
            )
            assert everybody, f"not everybody knows {level}: {self._last()}"

    def wait_until_all_ended(self, count: int) -> None:
        with self._changed:
            ended = self._changed.wait_for(lambda: len(self._ended) == count, DEADLINE_S)
            assert ended, f"only {sorted(self._ended)} ended"

    def assert_in_turns(self) -> None:
        for watcher, levels in self._levels.items():
            turns = itertools.cycle((Level.TRIGGERED, Level.RELEASED))
            assert levels == list(itertools.islice(turns, len(levels))), watcher

    def _last(self) -> dict[str, Level]:
        return {
            watcher: levels[-1] if levels else Level.RELEASED
            for watcher, levels in self._levels.items()
        }


def start(target: object, *arguments: object) -> threading.Thread:
    """Start a thread that does not keep a failed run from ending."""
    thread = threading.Thread(target=target, args=arguments, daemon=True)  # type: ignore[arg-type]
    thread.start()
    return thread


def join(*threads: threading.Thread) -> None:
    for thread in threads:
        thread.join(DEADLINE_S)
        assert not thread.is_alive(), "it waits still"


@pytest.fixture
def many_switches() -> Iterator[None]:
    """Threads take turns as often as the interpreter lets them."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


# ---- Watchers ---------------------------------------------------------------


def watch_in_thread(name: str, subscription: Subscription, told: Told) -> None:
    told.begins(name)
    for state in subscription:
        told.add(name, state)
    told.ends(name)


def watch_with_timeouts(name: str, channel: BackpressureChannel, told: Told) -> None:
    """A thread that looks in between its other work, so it is often not there."""
    subscription = channel.subscribe()
    told.begins(name)
    while True:
        was_closed = channel.is_closed
        state = subscription.wait(0.0005)
        if state is not None:
            told.add(name, state)
        elif was_closed:
            break
    told.ends(name)


async def watch_in_task(name: str, subscription: Subscription, told: Told) -> None:
    told.begins(name)
    async for state in subscription:
        told.add(name, state)
    told.ends(name)


async def watch_and_be_cancelled(name: str, channel: BackpressureChannel, told: Told) -> None:
    """A task whose wait is cancelled again and again, also when the news are on their way."""
    subscription = channel.subscribe()
    told.begins(name)
    while True:
        waiting = asyncio.ensure_future(subscription.changed())
        for _ in range(3):
            await asyncio.sleep(0)
        waiting.cancel()  # nothing happens if it is done
        try:
            state = await waiting
        except asyncio.CancelledError:
            continue
        if state is None:
            break
        told.add(name, state)
    told.ends(name)


def run_loop(names: list[str], channel: BackpressureChannel, told: Told) -> None:
    async def all_of_them() -> None:
        tasks = [watch_in_task(name, channel.subscribe(), told) for name in names[:-1]]
        await asyncio.gather(*tasks, watch_and_be_cancelled(names[-1], channel, told))

    asyncio.run(all_of_them())


# ---- Nobody is forgotten ----------------------------------------------------


@pytest.mark.req("BPR-2.1")
@pytest.mark.usefixtures("many_switches")
def test_no_wake_up_is_lost_whoever_publishes_and_whoever_waits() -> None:
    """Bursts from three threads; after each of them everybody must know where it ended."""
    channel, told = BackpressureChannel(OFF), Told()
    source = random.Random(7)
    threads = [start(watch_in_thread, f"thread {n}", channel.subscribe(), told) for n in range(3)]
    threads += [start(watch_with_timeouts, f"timeouts {n}", channel, told) for n in range(2)]
    threads += [
        start(run_loop, [f"loop {n} task {k}" for k in range(4)], channel, told) for n in range(2)
    ]
    count = 3 + 2 + 8
    for _ in range(60):
        bursts = [source.choices((ON, OFF), k=source.randrange(12)) for _ in range(3)]

        def publish(states: list[BackpressureState]) -> None:
            for state in states:
                channel.publish(state)

        join(*[start(publish, states) for states in bursts])
        told.wait_until_all_know(channel.state.level, count)
    channel.close()
    told.wait_until_all_ended(count)
    join(*threads)
    told.assert_in_turns()
    assert channel._waiters == set()


@pytest.mark.req("BPR-2.1")
@pytest.mark.parametrize("first", [ON, OFF])
@pytest.mark.usefixtures("many_switches")
def test_who_comes_while_it_changes_ends_up_with_the_latest(first: BackpressureState) -> None:
    channel, told = BackpressureChannel(first), Told()
    threads = []
    for n in range(12):
        threads.append(start(watch_in_thread, f"thread {n}", channel.subscribe(), told))
        channel.publish(OFF if channel.state is ON else ON)
        threads.append(start(run_loop, [f"loop {n} a", f"loop {n} b"], channel, told))
        channel.publish(OFF if channel.state is ON else ON)
    told.wait_until_all_know(first.level, 36)
    channel.close()
    told.wait_until_all_ended(36)
    join(*threads)
    told.assert_in_turns()


@pytest.mark.req("BPR-2.1")
@pytest.mark.parametrize("moment", ["before clearing", "after clearing", "before waiting"])
def test_level_that_changes_between_looking_and_waiting_wakes_the_task(
    moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Published in another thread where it can be; where the lock is held, in the same one."""
    channel = BackpressureChannel(OFF)

    class Event(asyncio.Event):
        def clear(self) -> None:
            if moment == "before clearing":
                channel.publish(ON)
            super().clear()
            if moment == "after clearing":
                channel.publish(ON)

        async def wait(self) -> bool:  # type: ignore[override]
            if moment == "before waiting":
                join(start(channel.publish, ON))
            return await super().wait()

    monkeypatch.setattr(asyncio, "Event", Event)

    async def scenario() -> BackpressureState | None:
        async with asyncio.timeout(DEADLINE_S):
            return await channel.subscribe().changed()

    assert asyncio.run(scenario()) == ON
    assert channel._waiters == set()


@pytest.mark.req("BPR-2.1")
def test_task_is_woken_by_a_thread_while_its_loop_has_nothing_else_to_do() -> None:
    """The loop sleeps in its selector: only a thread-safe call wakes it."""
    channel, told = BackpressureChannel(OFF), Told()
    loop = start(asyncio.run, watch_in_task("task", channel.subscribe(), told))
    for state in (ON, OFF, ON):
        told.wait_until_all_know(channel.state.level, 1)
        channel.publish(state)
        told.wait_until_all_know(state.level, 1)
    channel.close()
    join(loop)
    told.assert_in_turns()


# ---- What one subscription is told ------------------------------------------


@pytest.mark.req("BPR-2.1")
@given(st.lists(st.lists(st.sampled_from(Level), max_size=4), max_size=12))
def test_subscription_is_told_the_latest_if_it_is_another_one(bursts: list[list[Level]]) -> None:
    """Against a model: between two looks any number of levels may pass."""
    channel = BackpressureChannel(OFF)
    subscription = channel.subscribe()
    seen = latest = Level.RELEASED
    for burst in bursts:
        for level in burst:
            latest = level
            channel.publish(BackpressureState(level, 10, 100))
        found = subscription.wait(0)
        assert (found.level if found else seen) is latest
        assert (found is None) == (latest is seen)
        seen = latest


@pytest.mark.req("BPR-2.1")
def test_news_come_with_the_numbers_of_now_not_those_of_the_change() -> None:
    channel = BackpressureChannel(OFF)
    subscription = channel.subscribe()
    channel.publish(ON)
    fuller = BackpressureState(Level.TRIGGERED, 99, 100, is_spilled=True, is_blocked=True)
    channel.publish(fuller)
    assert subscription.wait(0) == fuller


@pytest.mark.req("BPR-2.1")
def test_timeout_is_not_the_end() -> None:
    channel = BackpressureChannel(OFF)
    subscription = channel.subscribe()
    assert subscription.wait(0.001) is None
    assert not channel.is_closed
    channel.publish(ON)
    assert subscription.wait(DEADLINE_S) == ON


@pytest.mark.req("BPR-2.1")
def test_news_that_met_a_cancellation_are_told_next_time() -> None:
    async def scenario() -> None:
        channel = BackpressureChannel(OFF)
        subscription = channel.subscribe()
        waiting = asyncio.create_task(subscription.changed())
        await asyncio.sleep(0)
        assert len(channel._waiters) == 1
        channel.publish(ON)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert channel._waiters == set()
        async with asyncio.timeout(DEADLINE_S):
            assert await subscription.changed() == ON

    asyncio.run(scenario())


# ---- The end ----------------------------------------------------------------


@pytest.mark.req("BPR-2.1")
@pytest.mark.parametrize("last", [ON, OFF])
def test_end_wakes_threads_and_tasks_after_the_latest_level(last: BackpressureState) -> None:
    channel, told = BackpressureChannel(OFF), Told()
    threads = [start(watch_in_thread, f"thread {n}", channel.subscribe(), told) for n in range(3)]
    threads += [start(run_loop, [f"loop {n} a", f"loop {n} b"], channel, told) for n in range(2)]
    told.wait_until_all_know(Level.RELEASED, 7)
    channel.publish(last)
    channel.close()
    channel.close()
    told.wait_until_all_ended(7)
    join(*threads)
    told.wait_until_all_know(last.level, 7)


@pytest.mark.req("BPR-2.1")
def test_loops_that_end_without_waiting_for_their_tasks_disturb_nobody() -> None:
    """asyncio.run cancels what is left; a loop that is only closed leaves it as it is."""
    channel, told = BackpressureChannel(OFF), Told()

    async def leave() -> None:
        left = asyncio.ensure_future(channel.subscribe().changed())
        await asyncio.sleep(0)
        assert len(channel._waiters) == 1
        assert not left.done()

    asyncio.run(leave())
    assert channel._waiters == set()

    with abandoned_waiter(channel):
        watcher = start(watch_in_thread, "thread", channel.subscribe(), told)
        told.wait_until_all_know(Level.RELEASED, 1)
        channel.publish(ON)
        told.wait_until_all_know(Level.TRIGGERED, 1)
        channel.close()
        join(watcher)


@contextlib.contextmanager
def abandoned_waiter(channel: BackpressureChannel) -> Iterator[None]:
    """A task that waits in a loop that was closed."""
    loop = asyncio.new_event_loop()
    task = loop.create_task(channel.subscribe().changed())
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    try:
        yield
    finally:
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        task.get_coro().close()


@pytest.mark.req("BPR-2.1")
def test_loop_that_was_closed_is_forgotten_at_the_next_change() -> None:
    channel = BackpressureChannel(OFF)
    with abandoned_waiter(channel):
        assert len(channel._waiters) == 1
        channel.publish(ON)
        assert channel._waiters == set()


@pytest.mark.req("BPR-2.1")
def test_closed_loops_are_forgotten_and_live_ones_woken_in_one_go() -> None:
    channel, told = BackpressureChannel(OFF), Told()
    with abandoned_waiter(channel), abandoned_waiter(channel):
        loop = start(run_loop, ["task 1", "task 2", "cancelled"], channel, told)
        told.wait_until_all_know(Level.RELEASED, 3)
        channel.publish(ON)
        told.wait_until_all_know(Level.TRIGGERED, 3)
        channel.close()
        told.wait_until_all_ended(3)
        join(loop)
        assert channel._waiters == set()


@pytest.mark.req("BPR-2.1")
@pytest.mark.parametrize("last", [ON, OFF])
def test_nothing_is_published_after_the_end(last: BackpressureState) -> None:
    channel = BackpressureChannel(OFF)
    subscription = channel.subscribe()
    channel.publish(last)
    channel.close()
    channel.publish(OFF if last is ON else ON)
    assert channel.state is last
    assert (subscription.wait(0) or OFF) is last
    assert subscription.wait(0) is None
