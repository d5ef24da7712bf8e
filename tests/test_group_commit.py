"""Threads that append at once: one write and one sync for many, order kept, nobody forgotten.

No test here waits for a clock. A disk whose sync waits for a signal holds the leader in
place while others gather, so that what is in which batch is known.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

from reference.errors import (
    AppendError,
    AppendIndefinite,
    DiskRejected,
    LogFailed,
    SyncFailed,
    WalClosed,
)
from reference.group_commit import OFFERED_MAX, GroupCommit, Outcome
from reference.wal import WriteAheadLog
from simulators.memory_filesystem import MemoryFilesystem
from tests.wal_helpers import FIRST, frames_of, make_log, small_config, small_event

DEADLINE_S = 30.0


class GatedDisk(MemoryFilesystem):
    """A disk whose syncs of the first segment wait until they are let through."""

    is_held = False
    gate = threading.Semaphore(0)
    entered = threading.Semaphore(0)

    def hold(self) -> None:
        self.gate, self.entered, self.is_held = threading.Semaphore(0), threading.Semaphore(0), True

    def wait_for_sync(self) -> None:
        assert self.entered.acquire(timeout=DEADLINE_S), "nobody syncs"

    def let_through(self, count: int = 1) -> None:
        self.gate.release(count)

    def sync(self, name: str) -> None:
        if self.is_held and name == FIRST:
            self.entered.release()
            assert self.gate.acquire(timeout=DEADLINE_S)
        super().sync(name)


class Threads:
    """Threads whose results are collected and which are all joined."""

    def __init__(self) -> None:
        self._threads: list[threading.Thread] = []
        self.results: dict[int, object] = {}

    def start(self, key: int, action: Callable[[], object]) -> None:
        def run() -> None:
            try:
                self.results[key] = action()
            except AppendError as error:
                self.results[key] = error

        thread = threading.Thread(target=run)
        self._threads.append(thread)
        thread.start()

    def join_one(self, key: int) -> None:
        """Wait for the one that was started as the key-th."""
        self._join(self._threads[key - 1 : key])

    def join(self) -> None:
        self._join(self._threads)

    def _join(self, threads: list[threading.Thread]) -> None:
        for thread in threads:
            thread.join(DEADLINE_S)
            assert not thread.is_alive(), "deadlock"


def hold_an_append(disk: GatedDisk, threads: Threads, log: WriteAheadLog) -> None:
    """Start caller 1 and return when it stands in its sync."""
    disk.hold()
    threads.start(1, lambda: log.append(small_event(1)))
    disk.wait_for_sync()


def wait_for_queue(log: object, length: int) -> None:
    """Return when so many callers stand in the log's queue."""
    commits = getattr(log, "_commits")  # noqa: B009 - the queue is nobody's business but a test's
    deadline = threading.Event()
    for _ in range(int(DEADLINE_S * 1000)):
        if len(commits._queue) >= length:
            return
        deadline.wait(0.001)
    raise AssertionError("the callers did not arrive")


def committers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "wal-commit"]


@pytest.fixture
def held() -> Iterator[tuple[GatedDisk, Threads]]:
    disk, threads = GatedDisk(), Threads()
    yield disk, threads
    disk.let_through(100)
    threads.join()


@pytest.mark.req("WAL-2.1", "WAL-2.2")
def test_callers_that_wait_while_one_syncs_share_the_next_sync(
    held: tuple[GatedDisk, Threads],
) -> None:
    disk, threads = held
    log = make_log(disk)
    hold_an_append(disk, threads, log)
    for number in range(2, 12):
        threads.start(number, lambda number=number: log.append(small_event(number)))  # type: ignore[misc]
        wait_for_queue(log, number)
    disk.journal.clear()
    disk.let_through()
    disk.wait_for_sync()
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
    threads.start(2, lambda: log.append(small_event(2)))
    wait_for_queue(log, 2)
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
    threads.start(2, log.close)
    wait_for_queue(log, 2)
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
        threads.start(key, log.close)
        wait_for_queue(log, key)
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
    threads.start(2, lambda: log.append(small_event(2)))
    wait_for_queue(log, 2)
    threads.start(3, log.start_new_identity)
    wait_for_queue(log, 3)
    threads.start(4, lambda: log.append(small_event(3)))
    wait_for_queue(log, 4)
    disk.let_through(3)
    threads.join()
    assert (threads.results[1], threads.results[2], threads.results[4]) == (1, 2, 3)
    assert threads.results[3] == log.log_id
    assert [len(frames_of(disk, name)) for name in log.segment_names] == [2, 1]


class InterruptedDisk(GatedDisk):
    """A disk of whose syncs of the first segment one ends in a Ctrl-C."""

    interrupt = False

    def sync(self, name: str) -> None:
        super().sync(name)
        if name == FIRST and self.interrupt:
            self.interrupt = False
            raise SystemExit


@pytest.mark.req("ERR-1.2", "WAL-2.1")
def test_an_interrupted_commit_is_told_to_its_caller_and_ends_the_log() -> None:
    disk, threads = InterruptedDisk(), Threads()
    log = make_log(disk)

    def interrupted() -> object:
        try:
            return log.append(small_event(1))
        except SystemExit:
            return "interrupted"

    disk.hold()
    threads.start(1, interrupted)
    disk.wait_for_sync()
    threads.start(2, lambda: log.append(small_event(2)))
    wait_for_queue(log, 2)
    disk.interrupt = True
    disk.let_through(9)
    threads.join()
    assert threads.results[1] == "interrupted"
    assert isinstance(threads.results[2], LogFailed)
    assert [entry.sequence for entry in make_log(disk.copy()).replay()] == [1]


@pytest.mark.req("ERR-1.2", "WAL-2.1")
def test_a_commit_for_many_that_breaks_off_is_indefinite_for_all_whose_events_it_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", told.append)
    others = set(committers())
    disk, threads = InterruptedDisk(), Threads()
    log = make_log(disk)
    hold_an_append(disk, threads, log)
    for number in (2, 3):
        threads.start(number, lambda number=number: log.append(small_event(number)))  # type: ignore[misc]
        wait_for_queue(log, number)
    disk.let_through()
    disk.wait_for_sync()
    disk.interrupt = True
    disk.let_through(9)
    threads.join()
    assert threads.results[1] == 1
    assert isinstance(threads.results[2], AppendIndefinite)
    assert isinstance(threads.results[3], AppendIndefinite)
    for committer in set(committers()) - others:
        committer.join(DEADLINE_S)
    assert [each.exc_type for each in told] == [SystemExit], "nobody else is told what broke it"
    with pytest.raises(LogFailed):
        log.append(small_event(4))
    log.close()
    assert [entry.sequence for entry in make_log(disk.copy()).replay()] == [1, 2, 3]


class Interruptible(threading.Condition):
    """What callers wait on; once `stop` is set, waiting ends in a Ctrl-C.

    Not the committer's: signals come to the main thread only.
    """

    stop = threading.Event()

    def wait(self, timeout: float | None = None) -> bool:
        if threading.current_thread().name == "wal-commit":
            return super().wait(timeout)
        while not self.stop.is_set():
            if super().wait(0.001):
                return True
        raise KeyboardInterrupt


@pytest.fixture
def interrupt(monkeypatch: pytest.MonkeyPatch) -> Callable[[Threads, int], None]:
    """Interrupt the waiting of a caller, and return when it has gone."""
    Interruptible.stop = threading.Event()
    names = {**vars(threading), "Condition": Interruptible}  # for the callers only
    monkeypatch.setattr("reference.group_commit.threading", SimpleNamespace(**names))

    def end(threads: Threads, key: int) -> None:
        Interruptible.stop.set()
        threads.join_one(key)
        Interruptible.stop.clear()

    return end


def unless_interrupted(action: Callable[[], object]) -> Callable[[], object]:
    def run() -> object:
        try:
            return action()
        except KeyboardInterrupt:
            return "interrupted"

    return run


@pytest.mark.req("WAL-2.1", "WAL-1.2")
def test_a_caller_interrupted_before_its_turn_stores_nothing(
    held: tuple[GatedDisk, Threads], interrupt: Callable[[Threads, int], None]
) -> None:
    disk, threads = held
    log = make_log(disk)
    hold_an_append(disk, threads, log)
    threads.start(2, unless_interrupted(lambda: log.append(small_event(9))))
    wait_for_queue(log, 2)
    interrupt(threads, 2)
    disk.let_through(2)
    threads.join()
    assert threads.results == {1: 1, 2: "interrupted"}
    assert log.append(small_event(2)) == 2
    assert [entry.event.pid for entry in log.replay()] == [1, 2]


@pytest.mark.req("WAL-2.1", "WAL-1.2")
def test_a_caller_interrupted_during_its_sync_leaves_the_log_in_order(
    held: tuple[GatedDisk, Threads], interrupt: Callable[[Threads, int], None]
) -> None:
    disk, threads = held
    log = make_log(disk)
    hold_an_append(disk, threads, log)
    threads.start(2, unless_interrupted(lambda: log.append(small_event(2))))
    wait_for_queue(log, 2)
    disk.let_through()
    disk.wait_for_sync()  # of 2, by the committer
    interrupt(threads, 2)
    disk.let_through(2)
    threads.join()
    assert threads.results == {1: 1, 2: "interrupted"}
    assert log.append(small_event(3)) == 3
    assert [entry.event.pid for entry in log.replay()] == [1, 2, 3]


@pytest.mark.req("WAL-2.1", "WAL-7.1")
def test_an_exclusive_action_interrupted_before_its_turn_is_not_run(
    held: tuple[GatedDisk, Threads], interrupt: Callable[[Threads, int], None]
) -> None:
    disk, threads = held
    log = make_log(disk)
    before = log.log_id
    hold_an_append(disk, threads, log)
    threads.start(2, unless_interrupted(log.start_new_identity))
    wait_for_queue(log, 2)
    interrupt(threads, 2)
    disk.let_through(2)
    threads.join()
    assert threads.results == {1: 1, 2: "interrupted"}
    assert log.log_id == before
    assert log.append(small_event(2)) == 2


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


@pytest.mark.req("WAL-2.1")
def test_waiting_callers_commit_for_each_other_if_no_thread_can_be_started(
    held: tuple[GatedDisk, Threads], monkeypatch: pytest.MonkeyPatch
) -> None:
    disk, threads = held
    log = make_log(disk)
    hold_an_append(disk, threads, log)
    for number in (2, 3):
        threads.start(number, lambda number=number: log.append(small_event(number)))  # type: ignore[misc]
        wait_for_queue(log, number)

    def no_more(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", no_more)
        disk.journal.clear()
        disk.let_through()
        disk.wait_for_sync()
        disk.let_through()
        threads.join()
    assert threads.results == {1: 1, 2: 2, 3: 3}
    assert disk.journal == [("sync", FIRST), ("append", FIRST), ("sync", FIRST)]


@pytest.mark.req("WAL-2.1")
def test_the_committer_comes_when_callers_wait_and_is_gone_when_the_log_is_closed(
    held: tuple[GatedDisk, Threads],
) -> None:
    disk, threads = held
    log = make_log(disk)
    others = set(committers())  # of logs that other tests left open
    log.append(small_event(1))
    assert set(committers()) <= others, "one alone needs none"
    disk.hold()
    threads.start(2, lambda: log.append(small_event(2)))
    disk.wait_for_sync()
    threads.start(3, lambda: log.append(small_event(3)))
    wait_for_queue(log, 2)
    disk.let_through()
    disk.wait_for_sync()
    assert len(set(committers()) - others) == 1
    disk.let_through()
    threads.join()
    log.close()
    assert set(committers()) <= others


@pytest.mark.req("WAL-2.1")
def test_those_whose_events_are_stored_are_woken_when_the_next_sync_begins(
    held: tuple[GatedDisk, Threads],
) -> None:
    disk, threads = held
    log = make_log(disk)
    hold_an_append(disk, threads, log)
    threads.start(2, lambda: log.append(small_event(2)))
    wait_for_queue(log, 2)
    disk.let_through()
    disk.wait_for_sync()  # of 2, by the committer
    threads.start(3, lambda: log.append(small_event(3)))
    wait_for_queue(log, 2)
    disk.let_through()
    disk.wait_for_sync()  # of 3, which is not let through
    threads.join_one(2)
    assert threads.results == {1: 1, 2: 2}


@pytest.mark.req("WAL-2.1", "WAL-4.2")
def test_those_whose_events_are_stored_are_woken_also_if_the_next_batch_comes_to_no_sync(
    held: tuple[GatedDisk, Threads],
) -> None:
    disk, threads = held
    log = make_log(disk)
    hold_an_append(disk, threads, log)
    threads.start(2, lambda: log.append(small_event(2)))
    wait_for_queue(log, 2)
    disk.let_through()
    disk.wait_for_sync()
    threads.start(3, lambda: log.append(small_event(3)))
    wait_for_queue(log, 2)
    disk.fail("append", FIRST)
    disk.is_held = False  # the sync of the cut
    disk.let_through()
    threads.join()
    assert threads.results[2] == 2
    assert isinstance(threads.results[3], DiskRejected)


@pytest.mark.req("WAL-2.1")
@pytest.mark.parametrize("linger_s", [0.0, 60.0])
def test_a_committer_that_lingered_in_vain_is_followed_by_another(
    held: tuple[GatedDisk, Threads], monkeypatch: pytest.MonkeyPatch, linger_s: float
) -> None:
    monkeypatch.setattr("reference.group_commit.LINGER_S", linger_s)
    others = set(committers())
    disk, threads = held
    log = make_log(disk)
    for number in (1, 3, 5):
        disk.hold()
        threads.start(number, lambda number=number: log.append(small_event(number)))  # type: ignore[misc]
        disk.wait_for_sync()
        threads.start(number + 1, lambda number=number: log.append(small_event(number + 1)))  # type: ignore[misc]
        wait_for_queue(log, 2)
        disk.let_through(2)
        threads.join()
    assert threads.results == {number: number for number in range(1, 7)}
    if linger_s:
        assert len(set(committers()) - others) == 1, "the same one each time"
    log.close()
    assert set(committers()) <= others


@pytest.mark.req("WAL-2.1")
def test_an_interrupted_leader_leaves_the_queue_to_the_others() -> None:
    calls = 0

    def commit(events: object, _: object) -> Outcome:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise KeyboardInterrupt
        assert isinstance(events, list)
        return Outcome(len(events), 1)

    commits = GroupCommit(commit)
    with pytest.raises(KeyboardInterrupt):
        commits.submit([b"a"])
    assert commits.submit([b"b"]) == [1]


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
