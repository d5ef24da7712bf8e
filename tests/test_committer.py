"""The thread that commits for those who wait: when it comes and goes, and what interrupts do.

Not here: what is in which batch (test_group_commit.py).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from queue import Queue
from types import SimpleNamespace

import pytest

from reference.errors import AppendIndefinite, DiskRejected, LogFailed
from reference.group_commit import BeforeSync, GroupCommit, Outcome
from tests.gated_log import (
    DEADLINE_S,
    GatedDisk,
    Threads,
    committers,
    held_disk,  # noqa: F401 - the fixture
    hold_an_append,
    line_up,
    wait_until_in_line,
)
from tests.wal_helpers import FIRST, make_log, small_event


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
    line_up(threads, log, 2, 2)
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
        line_up(threads, log, number, number)
    disk.next_sync()
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
    line_up(threads, log, 2, 2, unless_interrupted(lambda: log.append(small_event(9))))
    interrupt(threads, 2)
    disk.let_through(2)
    threads.join()
    assert threads.results == {1: 1, 2: "interrupted"}
    assert log.append(small_event(2)) == 2
    assert [entry.event.pid for entry in log.replay()] == [1, 2]


@pytest.mark.req("WAL-2.1", "WAL-1.2")
def test_a_caller_interrupted_during_its_sync_leaves_the_log_in_order(
    held: tuple[GatedDisk, Threads],
    interrupt: Callable[[Threads, int], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", told.append)
    others = set(committers())
    disk, threads = held
    log = make_log(disk)
    hold_an_append(disk, threads, log)
    line_up(threads, log, 2, 2, unless_interrupted(lambda: log.append(small_event(2))))
    disk.next_sync()  # of 2, by the committer
    running = set(committers()) - others
    interrupt(threads, 2)
    disk.let_through(2)
    threads.join()
    assert threads.results == {1: 1, 2: "interrupted"}
    assert log.append(small_event(3)) == 3
    assert [entry.event.pid for entry in log.replay()] == [1, 2, 3]
    log.close()
    for committer in running:
        committer.join(DEADLINE_S)
    assert told == [], "the committer took no harm"


@pytest.mark.req("WAL-2.1", "WAL-7.1")
def test_an_exclusive_action_interrupted_before_its_turn_is_not_run(
    held: tuple[GatedDisk, Threads], interrupt: Callable[[Threads, int], None]
) -> None:
    disk, threads = held
    log = make_log(disk)
    before = log.log_id
    hold_an_append(disk, threads, log)
    line_up(threads, log, 2, 2, unless_interrupted(log.start_new_identity))
    interrupt(threads, 2)
    disk.let_through(2)
    threads.join()
    assert threads.results == {1: 1, 2: "interrupted"}
    assert log.log_id == before
    assert log.append(small_event(2)) == 2


@pytest.mark.req("WAL-2.1")
def test_waiting_callers_commit_for_each_other_if_no_thread_can_be_started(
    held: tuple[GatedDisk, Threads], monkeypatch: pytest.MonkeyPatch
) -> None:
    disk, threads = held
    log = make_log(disk)
    hold_an_append(disk, threads, log)
    for number in (2, 3):
        line_up(threads, log, number, number)

    def no_more(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", no_more)
        disk.journal.clear()
        disk.next_sync()
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
    threads.append(log, 2)
    disk.wait_for_sync()
    line_up(threads, log, 3, 2)
    disk.next_sync()
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
    line_up(threads, log, 2, 2)
    disk.next_sync()  # of 2, by the committer
    line_up(threads, log, 3, 2)
    disk.next_sync()  # of 3, which is not let through
    threads.join_one(2)
    assert threads.results == {1: 1, 2: 2}


@pytest.mark.req("WAL-2.1", "WAL-4.2")
def test_those_whose_events_are_stored_are_woken_also_if_the_next_batch_comes_to_no_sync(
    held: tuple[GatedDisk, Threads],
) -> None:
    disk, threads = held
    log = make_log(disk)
    hold_an_append(disk, threads, log)
    line_up(threads, log, 2, 2)
    disk.next_sync()
    line_up(threads, log, 3, 2)
    disk.fail("append", FIRST)
    disk.is_held = False  # the sync of the cut
    disk.let_through()
    threads.join()
    assert threads.results[2] == 2
    assert isinstance(threads.results[3], DiskRejected)


class StubCommits:
    """A queue whose commits wait until they are told what came of them, and sync nothing."""

    def __init__(self) -> None:
        self.queue = GroupCommit(self.commit)
        self.offered: Queue[list[bytes]] = Queue()
        self.outcomes: Queue[Outcome] = Queue()

    def commit(self, events: Sequence[bytes], before_sync: BeforeSync) -> Outcome:
        self.offered.put(list(events))
        outcome = self.outcomes.get(timeout=DEADLINE_S)
        if outcome.error is None:
            before_sync()
        return outcome

    def line_up(self, threads: Threads, number: int, length: int) -> None:
        """Start a caller with one event, as the length-th in line."""
        threads.start(number, lambda: self.queue.submit([b"%d" % number]))
        wait_until_in_line(self.queue, length)

    def expect(self, *numbers: int) -> None:
        """Return when just these events are offered to a commit."""
        assert self.offered.get(timeout=DEADLINE_S) == [b"%d" % number for number in numbers]


@pytest.mark.req("WAL-2.1", "WAL-4.2")
def test_stored_callers_are_woken_after_a_batch_without_a_sync_though_others_wait() -> None:
    stub, threads = StubCommits(), Threads()
    stub.line_up(threads, 1, 1)
    stub.expect(1)
    stub.line_up(threads, 2, 2)
    stub.outcomes.put(Outcome(1, 1))
    stub.expect(2)
    stub.line_up(threads, 3, 2)
    stub.outcomes.put(Outcome(1, 2))
    stub.expect(3)
    stub.line_up(threads, 4, 2)
    stub.outcomes.put(Outcome(1, error=LogFailed("no sync")))
    stub.expect(4)
    threads.join_one(2)
    assert threads.results == {1: [1], 2: [2]}
    stub.outcomes.put(Outcome(1, 3))
    threads.join()
    assert isinstance(threads.results[3], LogFailed)
    assert threads.results[4] == [3]


@pytest.mark.req("WAL-2.1", "WAL-1.4")
def test_an_error_is_told_to_nobody_whose_events_were_not_looked_at() -> None:
    stub, threads = StubCommits(), Threads()
    stub.line_up(threads, 1, 1)
    stub.expect(1)
    stub.line_up(threads, 2, 2)
    stub.line_up(threads, 3, 3)
    stub.outcomes.put(Outcome(1, 1))
    stub.expect(2, 3)
    stub.outcomes.put(Outcome(1, error=LogFailed("the first of two")))
    stub.expect(3)
    stub.outcomes.put(Outcome(1, 2))
    threads.join()
    assert isinstance(threads.results[2], LogFailed)
    assert threads.results[3] == [2]


@pytest.mark.req("WAL-2.1", "WAL-7.1", "ERR-1.2")
def test_a_committer_that_breaks_off_tells_its_callers_before_an_exclusive_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", told.append)
    disk, threads = InterruptedDisk(), Threads()
    log = make_log(disk)
    hold_an_append(disk, threads, log)
    line_up(threads, log, 2, 2)
    line_up(threads, log, 3, 3, log.start_new_identity)
    disk.next_sync()
    disk.interrupt = True
    disk.let_through(9)
    threads.join()
    assert isinstance(threads.results[2], AppendIndefinite)
    assert isinstance(threads.results[3], LogFailed)
    log.close()


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
        threads.append(log, number)
        disk.wait_for_sync()
        line_up(threads, log, number + 1, 2)
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
