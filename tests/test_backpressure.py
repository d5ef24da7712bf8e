"""The backpressure level, and the channel that any number of tasks and threads can watch."""

from __future__ import annotations

import asyncio
import random
import threading
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.backpressure import BackpressureChannel, BackpressureState, Level, next_level

DEADLINE_S = 20
ON, OFF = BackpressureState(Level.TRIGGERED, 80, 100), BackpressureState(Level.RELEASED, 20, 100)


@pytest.mark.req("BPR-1.1", "BPR-1.2")
@given(
    st.integers(1, 2**40),
    st.lists(
        st.tuples(st.integers(0, 12), st.integers(-1, 1), st.booleans()), min_size=3, max_size=30
    ),
)
def test_the_level_is_that_of_exact_fractions(
    limit: int, steps: list[tuple[int, int, bool]]
) -> None:
    level, model = Level.RELEASED, Level.RELEASED
    for tenths, more, held_on in steps:
        used = max(0, limit * tenths // 10 + more)
        level = next_level(level, used, limit, held_on=held_on)
        if held_on or Fraction(used, limit) >= Fraction(7, 10):
            model = Level.TRIGGERED
        elif Fraction(used, limit) <= Fraction(1, 2):
            model = Level.RELEASED
        assert level is model


@pytest.mark.req("BPR-1.1")
@pytest.mark.parametrize(
    ("used", "from_released", "from_triggered"),
    [
        (7340031, Level.RELEASED, Level.TRIGGERED),
        (7340032, Level.TRIGGERED, Level.TRIGGERED),
        (5242881, Level.RELEASED, Level.TRIGGERED),
        (5242880, Level.RELEASED, Level.RELEASED),
    ],
)
def test_the_tickets_thresholds_to_the_byte(
    used: int, from_released: Level, from_triggered: Level
) -> None:
    """The table of SPEC.md, section 21."""
    assert next_level(Level.RELEASED, used, 10485760, held_on=False) is from_released
    assert next_level(Level.TRIGGERED, used, 10485760, held_on=False) is from_triggered


def in_thread(work: threading.Thread) -> None:
    work.join(DEADLINE_S)
    assert not work.is_alive(), "it waits still"


@pytest.mark.req("BPR-2.1")
def test_a_subscriber_is_told_what_it_has_not_seen_and_nothing_else() -> None:
    channel = BackpressureChannel(OFF)
    early = channel.subscribe()
    assert early.wait(0) is None, "released is what everybody starts from"
    channel.publish(ON)
    assert early.wait(0) == ON
    assert early.wait(0) is None
    late = channel.subscribe()
    assert late.wait(0) == ON, "one that comes while it is on is told at once"
    for state in (OFF, ON, OFF):
        channel.publish(state)
    assert early.wait(0) == OFF
    channel.publish(ON)
    channel.publish(OFF)
    assert early.wait(0) is None, "missed both, knows the latest"
    assert channel.state == OFF


@pytest.mark.req("BPR-2.1")
def test_numbers_are_current_though_only_the_level_wakes() -> None:
    channel = BackpressureChannel(OFF)
    fuller = BackpressureState(Level.RELEASED, 60, 100, is_spilled=False)
    channel.publish(fuller)
    assert channel.state == fuller
    assert channel.subscribe().wait(0) is None


@pytest.mark.req("BPR-2.1")
def test_a_thread_that_waits_is_woken_and_the_end_ends_it() -> None:
    channel = BackpressureChannel(OFF)
    seen: list[Level] = []
    told = threading.Semaphore(0)

    def watch() -> None:
        for state in channel.subscribe():
            seen.append(state.level)
            told.release()

    thread = threading.Thread(target=watch)
    thread.start()
    for state in (ON, OFF, ON):
        channel.publish(state)
        assert told.acquire(timeout=DEADLINE_S)
    channel.close()
    in_thread(thread)
    assert seen == [Level.TRIGGERED, Level.RELEASED, Level.TRIGGERED]
    assert channel.is_closed


@pytest.mark.req("BPR-2.1")
def test_the_latest_level_is_told_even_after_the_end() -> None:
    channel = BackpressureChannel(OFF)
    subscription = channel.subscribe()
    channel.publish(ON)
    channel.close()
    assert subscription.wait() == ON
    assert subscription.wait() is None

    async def watch() -> list[Level]:
        return [state.level async for state in channel.subscribe()]

    assert asyncio.run(watch()) == [Level.TRIGGERED]


@pytest.mark.req("BPR-2.1")
def test_tasks_of_several_loops_and_threads_all_end_with_the_latest_level() -> None:
    """Many publishes at random from a thread; whoever watches, in whatever way, keeps up."""
    for seed in range(10):
        channel = BackpressureChannel(OFF)
        seen: list[list[Level]] = []
        ready = threading.Barrier(5)

        def watch_in_thread(
            channel: BackpressureChannel = channel, seen: list[list[Level]] = seen,
            ready: threading.Barrier = ready,
        ) -> None:  # fmt: skip
            levels: list[Level] = []
            seen.append(levels)
            ready.wait(DEADLINE_S)
            levels.extend(state.level for state in channel.subscribe())

        def watch_in_loop(
            channel: BackpressureChannel = channel, seen: list[list[Level]] = seen,
            ready: threading.Barrier = ready,
        ) -> None:  # fmt: skip
            async def watch(levels: list[Level]) -> None:
                async for state in channel.subscribe():
                    levels.append(state.level)

            async def all_of_them() -> None:
                mine: list[list[Level]] = [[] for _ in range(5)]
                seen.extend(mine)
                await asyncio.gather(*(watch(levels) for levels in mine))

            ready.wait(DEADLINE_S)
            asyncio.run(all_of_them())

        threads = [threading.Thread(target=watch_in_thread) for _ in range(2)]
        threads += [threading.Thread(target=watch_in_loop) for _ in range(2)]
        for thread in threads:
            thread.start()
        ready.wait(DEADLINE_S)
        source = random.Random(seed)
        for _ in range(300):
            channel.publish(source.choice((ON, OFF)))
        channel.publish(ON)
        channel.close()
        for thread in threads:
            in_thread(thread)
        assert len(seen) == 12
        for levels in seen:
            assert levels[-1] is Level.TRIGGERED
            wanted = [Level.TRIGGERED, Level.RELEASED] * len(levels)
            assert levels == wanted[: len(levels)], "in turns, triggered first"


@pytest.mark.req("BPR-2.1")
def test_a_task_that_is_cancelled_leaves_nothing_behind() -> None:
    async def scenario() -> None:
        channel = BackpressureChannel(OFF)
        waiting = asyncio.create_task(channel.subscribe().changed())
        other = asyncio.create_task(channel.subscribe().changed())
        await asyncio.sleep(0)
        assert len(channel._waiters) == 2
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert len(channel._waiters) == 1
        channel.publish(ON)
        assert await other == ON
        assert channel._waiters == set()

    asyncio.run(scenario())


@pytest.mark.req("BPR-2.1")
def test_a_change_that_is_over_when_a_task_runs_is_slept_over() -> None:
    async def scenario() -> None:
        channel = BackpressureChannel(OFF)
        waiting = asyncio.create_task(channel.subscribe().changed())
        await asyncio.sleep(0)
        channel.publish(ON)
        channel.publish(OFF)
        for _ in range(5):
            await asyncio.sleep(0)
        assert not waiting.done()
        channel.publish(ON)
        assert await waiting == ON

    asyncio.run(scenario())


@pytest.mark.req("BPR-2.1")
def test_a_loop_that_was_closed_disturbs_nobody() -> None:
    channel = BackpressureChannel(OFF)
    dead = asyncio.new_event_loop()
    stuck = dead.create_task(channel.subscribe().changed())
    dead.run_until_complete(asyncio.sleep(0, result=None))
    dead.close()
    living = channel.subscribe()
    channel.publish(ON)
    assert living.wait(0) == ON
    assert not stuck.done()
    stuck._log_destroy_pending = False  # type: ignore[attr-defined]
    stuck.get_coro().close()
