"""Threads that append at the same time share one write and one sync.

Theory of operation. Callers stand in a queue. The one at its head is the *leader*: it
commits as many of the waiting events as one batch takes, its own first, then wakes those
that are done and the next head. A lone caller is its own leader at once and waits for no
timer; while it syncs, the others gather, so the batch grows with the load by itself.

Sequence order is queue order, because numbers are given inside the commit.

    head -> [A: 1 event] [B: 64 events] [C: 1 event] ...
            '---- one batch, in this order ----'

Not here: what a batch may hold and what an error means (segment_writer.py).

Spec: WAL-2.
"""

from __future__ import annotations

import errno
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from reference.errors import AppendError, AppendIndefinite, WalClosed

Commit = Callable[[Sequence[bytes]], "Outcome"]
Result = TypeVar("Result")

OFFERED_MAX: Final = 65_536
"""Events looked at for one batch: more than the largest batch of the smallest frames."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the first `count` events that were offered.

    Without an error they got the numbers `first_sequence ..`; with one, none is known to
    be stored. The rest was not looked at.
    """

    count: int
    first_sequence: int = 0
    error: AppendError | None = None
    timestamp: bytes = b""
    """Encoded; the events of one batch share it."""


@dataclass(slots=True, eq=False)
class _Caller:
    events: list[bytes]
    turn: threading.Condition | None = None
    """What it waits on; the head of the queue needs none, because it leads until it leaves."""
    stored: list[int] = field(default_factory=list)
    timestamps: list[bytes] = field(default_factory=list)
    error: AppendError | None = None
    finished: bool = False


class GroupCommit:
    """A queue in front of `commit`, which is called by one thread at a time."""

    def __init__(self, commit: Commit) -> None:
        self._commit = commit
        self._mutex = threading.Lock()
        self._queue: deque[_Caller] = deque()
        self._closed = False

    def submit(self, events: list[bytes]) -> list[int]:
        """Return the sequence numbers of `events` (at least one), all durable.

        Raises an AppendError whose `stored` says which of them are durable nevertheless.
        """
        return self.submit_stamped(events)[0]

    def submit_stamped(self, events: list[bytes]) -> tuple[list[int], list[bytes]]:
        """Do the same, and return the encoded timestamp of each event beside its number."""
        caller = _Caller(events)
        try:
            with self._mutex:
                self._join(caller)
                while not caller.finished:
                    if self._queue[0] is caller:
                        self._lead()
                    else:
                        self._wait(caller)
        finally:
            self._leave(caller)
        if caller.error is not None:
            raise caller.error.for_caller(tuple(caller.stored))
        return caller.stored, caller.timestamps

    def exclusively(self, action: Callable[[], Result]) -> Result:
        """Run `action` while no commit runs. Raises WalClosed, and what `action` raises."""
        caller = _Caller([])
        try:
            with self._mutex:
                self._join(caller)
                self._wait_for_head(caller)
            return action()
        finally:
            self._leave(caller)

    def close(self) -> None:
        """Refuse new callers and return when all who wait have been served."""
        last = _Caller([])
        try:
            with self._mutex:
                self._stand_in_line(last)
                self._closed = True
                self._wait_for_head(last)
        finally:
            self._leave(last)

    # Called with the mutex held, all but _leave.

    def _join(self, caller: _Caller) -> None:
        if self._closed:
            raise WalClosed
        self._stand_in_line(caller)

    def _stand_in_line(self, caller: _Caller) -> None:
        if self._queue:
            caller.turn = threading.Condition(self._mutex)
        self._queue.append(caller)

    def _wait_for_head(self, caller: _Caller) -> None:
        while self._queue[0] is not caller:
            self._wait(caller)

    def _wait(self, caller: _Caller) -> None:
        assert caller.turn is not None
        caller.turn.wait()

    def _wake(self, caller: _Caller) -> None:
        if caller.turn is not None:
            caller.turn.notify()

    def _leave(self, caller: _Caller) -> None:
        """Also the way out of an interrupted wait, whose events then are not attempted."""
        with self._mutex:
            if caller in self._queue:
                self._queue.remove(caller)
            if self._queue:
                self._wake(self._queue[0])

    def _lead(self) -> None:
        """Commit one batch from the head of the queue.

        If that is interrupted, what was written is not known: everyone whose events were
        offered gets an indefinite error, and the interrupt goes on from here.
        """
        members = list(self._queue)
        offered: list[bytes] = []
        for caller in members:
            start = len(caller.stored)
            offered += caller.events[start : start + OFFERED_MAX - len(offered)]
        interrupted = AppendIndefinite("append", "procmond", InterruptedError(errno.EINTR, "stop"))
        outcome = Outcome(len(offered), error=interrupted)
        self._mutex.release()
        try:
            outcome = self._commit(offered)
        finally:
            self._mutex.acquire()
            self._share_out(members, outcome)
            while self._queue and self._queue[0].finished:
                self._wake(self._queue[0])
                self._queue.popleft()

    def _share_out(self, members: list[_Caller], outcome: Outcome) -> None:
        left = outcome.count
        sequence = outcome.first_sequence
        for caller in members:
            taken = min(left, len(caller.events) - len(caller.stored))
            if taken == 0:
                continue
            left -= taken
            if outcome.error is not None:
                caller.error, caller.finished = outcome.error, True
            else:
                caller.stored.extend(range(sequence, sequence + taken))
                caller.timestamps.extend([outcome.timestamp] * taken)
                caller.finished = len(caller.stored) == len(caller.events)
                sequence += taken
