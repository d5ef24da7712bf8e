"""Threads on a log whose disk lets each sync through when it is told to.

So it is known who waits, who leads, and what is in which batch, and no test waits for a clock.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from reference.errors import AppendError
from reference.wal import WriteAheadLog
from simulators.memory_filesystem import MemoryFilesystem
from tests.wal_helpers import FIRST, small_event

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

    def next_sync(self) -> None:
        """Let the sync that stands here through, and return when the next one does."""
        self.let_through()
        self.wait_for_sync()

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

    def append(self, log: WriteAheadLog, number: int) -> None:
        """Start one that appends the event of its own number."""
        self.start(number, lambda: log.append(small_event(number)))

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
    threads.append(log, 1)
    disk.wait_for_sync()


def wait_until_in_line(commits: object, length: int) -> None:
    """Return when so many callers stand in the queue."""
    line = getattr(commits, "_queue")  # noqa: B009 - it is nobody's business but a test's
    deadline = threading.Event()
    for _ in range(int(DEADLINE_S * 1000)):
        if len(line) >= length:
            return
        deadline.wait(0.001)
    raise AssertionError("the callers did not arrive")


def line_up(
    threads: Threads, log: WriteAheadLog, number: int, length: int,
    action: Callable[[], object] | None = None,
) -> None:  # fmt: skip
    """Start a caller, who appends unless it has something else to do, as the length-th in line."""
    if action is None:
        threads.append(log, number)
    else:
        threads.start(number, action)
    commits = getattr(log, "_commits")  # noqa: B009 - as above
    wait_until_in_line(commits, length)


def committers() -> list[threading.Thread]:
    """The committers of all logs that are open."""
    return [thread for thread in threading.enumerate() if thread.name == "wal-commit"]


@pytest.fixture(name="held")
def held_disk() -> Iterator[tuple[GatedDisk, Threads]]:
    """A disk and threads, all of which have ended when the test has."""
    disk, threads = GatedDisk(), Threads()
    yield disk, threads
    disk.let_through(100)
    threads.join()
