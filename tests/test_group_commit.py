"""Threads that append at once: one write and one sync for many, order kept, nobody forgotten.

Not here: the thread that commits for those who wait, and interrupts (test_committer.py).
"""

from __future__ import annotations

import pytest

from reference.errors import LogFailed, SyncFailed, WalClosed
from reference.group_commit import OFFERED_MAX, GroupCommit, Outcome
from simulators.memory_filesystem import MemoryFilesystem
from tests.gated_log import (
    GatedDisk,
    Threads,
    held_disk,  # noqa: F401 - the fixture
    hold_an_append,
    line_up,
)
from tests.wal_helpers import FIRST, frames_of, make_log, small_config, small_event


@pytest.mark.req("WAL-2.1", "WAL-2.2")
def test_callers_that_wait_while_one_syncs_share_the_next_sync(
    held: tuple[GatedDisk, Threads],
) -> None:
    disk, threads = held
    log = make_log(disk)
    hold_an_append(disk, threads, log)
    for number in range(2, 12):
        line_up(threads, log, number, number)
    disk.journal.clear()
    disk.next_sync()
    disk.let_through()
    threads.join()
    assert threads.results == {number: number for number in range(1, 12)}
    assert disk.journal == [("sync", FIRST), ("append", FIRST), ("sync", FIRST)]


@pytest.mark.req("WAL-2.1")
def test_one_caller_alone_is_committed_at_once() -> None:
    batches: list[list[bytes]] = []

    def commit(events: object, _: object) -> Outcome:
        assert isinstance(events, list)
        batches.append(list(events))
        return Outcome(len(events), 1)

    assert GroupCommit(commit).submit([b"a", b"b"]) == [1, 2]
    assert batches == [[b"a", b"b"]]


@pytest.mark.req("WAL-4.3", "WAL-2.1", "ERR-1.1")
def test_a_failed_sync_is_indefinite_for_its_batch_and_definite_for_those_behind(
    held: tuple[GatedDisk, Threads],
) -> None:
    disk, threads = held
    log = make_log(disk)
    disk.fail("sync", FIRST)
    hold_an_append(disk, threads, log)
    line_up(threads, log, 2, 2)
    disk.let_through()
    threads.join()
    first, second = threads.results[1], threads.results[2]
    assert isinstance(first, SyncFailed)
    assert isinstance(second, LogFailed)
    assert (first.definite, second.definite) == (False, True)


@pytest.mark.req("WAL-1.4")
def test_each_caller_of_a_failed_batch_gets_an_error_with_its_own_numbers() -> None:
    outcomes = iter([Outcome(2, 5), Outcome(1, error=LogFailed("test"))])
    commits = GroupCommit(lambda _events, _before_sync: next(outcomes))
    with pytest.raises(LogFailed) as caught:
        commits.submit([b"a", b"b", b"c"])
    assert caught.value.stored == (5, 6)
    assert str(caught.value) == str(LogFailed("test"))


@pytest.mark.req("WAL-2.1", "ERR-1.1")
def test_closing_waits_for_those_who_wait_and_refuses_later_ones(
    held: tuple[GatedDisk, Threads],
) -> None:
    disk, threads = held
    log = make_log(disk)
    hold_an_append(disk, threads, log)
    line_up(threads, log, 2, 2, log.close)
    with pytest.raises(WalClosed):
        log.append(small_event(3))
    disk.let_through()
    threads.join()
    assert threads.results[1] == 1
    assert getattr(threads.results[2], "clean") is True  # noqa: B009


@pytest.mark.req("WAL-2.1", "DSK-1.3")
def test_a_second_close_does_not_overtake_an_append_that_is_under_way(
    held: tuple[GatedDisk, Threads],
) -> None:
    disk, threads = held
    log = make_log(disk)
    hold_an_append(disk, threads, log)
    for key in (2, 3):
        line_up(threads, log, key, key, log.close)
    assert disk.locked, "the lock is held as long as an append runs"
    disk.let_through()
    threads.join()
    assert threads.results[2] == threads.results[3]
    assert not disk.locked


@pytest.mark.req("WAL-7.1", "WAL-2.1")
def test_an_exclusive_action_waits_for_its_turn(held: tuple[GatedDisk, Threads]) -> None:
    disk, threads = held
    log = make_log(disk)
    hold_an_append(disk, threads, log)
    line_up(threads, log, 2, 2)
    line_up(threads, log, 3, 3, log.start_new_identity)
    line_up(threads, log, 4, 4, lambda: log.append(small_event(3)))
    disk.let_through(3)
    threads.join()
    assert (threads.results[1], threads.results[2], threads.results[4]) == (1, 2, 3)
    assert threads.results[3] == log.log_id
    assert [len(frames_of(disk, name)) for name in log.segment_names] == [2, 1]


@pytest.mark.req("WAL-2.1", "WAL-2.2")
def test_more_events_than_are_looked_at_for_one_batch_follow_in_the_next() -> None:
    batches: list[int] = []

    def commit(events: object, _: object) -> Outcome:
        assert isinstance(events, list)
        batches.append(len(events))
        return Outcome(len(events), 1 + sum(batches[:-1]))

    count = OFFERED_MAX + 5
    assert GroupCommit(commit).submit([b"e"] * count) == list(range(1, count + 1))
    assert batches == [OFFERED_MAX, 5]


@pytest.mark.req("WAL-2.2", "WAL-1.2", "WAL-2.1")
def test_many_threads_with_rotation_and_acknowledgements_keep_order_and_lose_nothing() -> None:
    config = small_config(20)
    disk = MemoryFilesystem()
    log = make_log(disk, config)
    threads = Threads()
    taken: dict[int, list[int]] = {}

    def work(worker: int) -> None:
        numbers = taken[worker] = []
        for index in range(60):
            if index % 7 == 0:
                numbers += log.append_batch([small_event(worker)] * 3)
            else:
                numbers.append(log.append(small_event(worker)))
            if worker == 0 and index == 30:
                log.acknowledge(log.acknowledged_through + 1)
                assert next(iter(log.replay())).sequence > 1

    for worker in range(8):
        threads.start(worker, lambda worker=worker: work(worker))  # type: ignore[misc]
    threads.join()
    everything = sorted(number for numbers in taken.values() for number in numbers)
    assert everything == list(range(1, len(everything) + 1))
    assert all(numbers == sorted(numbers) for numbers in taken.values())
    entries = {entry.sequence: entry.event.pid for entry in log.replay()}
    assert sorted(entries) == everything[1:]
    for worker, numbers in taken.items():
        assert all(entries.get(number, worker) == worker for number in numbers)
    on_disk = [frame.sequence for name in log.segment_names for frame in frames_of(disk, name)]
    assert on_disk == sorted(on_disk)
