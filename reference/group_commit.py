"""Threads that append at the same time share one write and one sync.

Theory of operation. Callers stand in a queue, and one thread at a time has the *pen*: it
commits as many of the waiting events as one batch takes, then wakes those that are done.
A lone caller finds the pen free, takes it, and waits for nobody and for no timer. While
it syncs, others gather, so the batch grows with the load by itself.

    head -> [A: 1 event] [B: 64 events] [C: 1 event] ...
            '---- one batch, in this order ----'

A caller whose events are stored lays the pen down. If others wait by then, a thread of the
log's own, the *committer*, takes it and keeps it until nobody waits: so the next write
follows a sync at once. Handing the pen from caller to caller instead would leave the disk
idle for a thread's waking each time, and for as long as a caller computes in between. The
committer comes with the first need, and goes when there was none for a second.

Those whose events are stored are woken when the next batch is written and its sync is about
to begin: they then encode their next events while the disk works. Woken earlier, they would
hold the interpreter while the committer waits for it between a write and its sync.

Sequence order is queue order, because numbers are given inside the commit.

Not here: what a batch may hold and what an error means (segment_writer.py).

Spec: WAL-2.
"""

from __future__ import annotations

import errno
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, TypeVar

from reference.errors import AppendError, AppendIndefinite, WalClosed

BeforeSync = Callable[[], None]
Commit = Callable[[Sequence[bytes], BeforeSync], "Outcome"]
Result = TypeVar("Result")

OFFERED_MAX: Final = 65_536
"""Events looked at for one batch: more than the largest batch of the smallest frames."""
LINGER_S: Final = 1.0
"""How long the committer waits for something to do."""


class Outcome(NamedTuple):
    """What became of the first `taken` events that were offered.

    Without an error they got the numbers `first_sequence ..`; with one, none is known to
    be stored. The rest was not looked at.
    """

    taken: int
    first_sequence: int = 0
    error: AppendError | None = None
    timestamp: bytes = b""
    """Encoded; the events of one batch share it."""


class Run(NamedTuple):
    """Events of one caller that were stored in one batch, in order, and are durable."""

    first_sequence: int
    length: int
    timestamp: bytes


class _Caller:
    """Somebody who waits for events to be stored, or for the pen."""

    __slots__ = ("error", "events", "is_exclusive", "is_finished", "runs", "taken", "turn")

    def __init__(self, events: list[bytes], *, is_exclusive: bool = False) -> None:
        self.events = events
        self.is_exclusive = is_exclusive
        """It needs the pen, to do something else with it."""
        self.taken = 0
        """So many of its events are stored."""
        self.runs: list[Run] = []
        self.error: AppendError | None = None
        self.is_finished = False
        self.turn: threading.Condition | None = None
        """What it waits on, if it has to wait."""

    def stored(self) -> list[int]:
        """Return the numbers of its events that are durable."""
        sequences: list[int] = []
        for first, count, _ in self.runs:
            sequences += range(first, first + count)
        return sequences


class GroupCommit:
    """A queue in front of `commit`, which is called by one thread at a time."""

    def __init__(self, commit: Commit) -> None:
        self._commit = commit
        self._mutex = threading.Lock()
        self._queue: deque[_Caller] = deque()
        self._closed = False
        self._pen: _Caller | threading.Thread | None = None
        """Who has it."""
        self._committer: threading.Thread | None = None
        self._committer_is_wanted = threading.Condition(self._mutex)
        self._to_wake: list[threading.Condition] = []
        """Of callers whose events are stored."""

    def submit(self, events: list[bytes]) -> list[int]:
        """Return the sequence numbers of `events` (at least one), all durable.

        Raises an AppendError whose `stored` says which of them are durable nevertheless.
        """
        return self._submit(events).stored()

    def submit_stamped(self, events: list[bytes]) -> list[Run]:
        """Do the same, and return numbers and encoded timestamps as the batches they were in."""
        return self._submit(events).runs

    def exclusively(self, action: Callable[[], Result]) -> Result:
        """Run `action` while no commit runs. Raises WalClosed, and what `action` raises."""
        caller = _Caller([], is_exclusive=True)
        with self._mutex:
            if self._closed:
                raise WalClosed
            try:
                self._stand_in_line(caller)
            except BaseException:
                self._leave(caller)
                raise
        try:
            return action()
        finally:
            with self._mutex:
                self._leave(caller)

    def close(self) -> None:
        """Refuse new callers and return when all who wait have been served."""
        last = _Caller([], is_exclusive=True)
        with self._mutex:
            closed, self._closed = self._closed, True
            try:
                self._stand_in_line(last)
            finally:
                self._leave(last)
                committer = None if closed else self._committer
                self._committer_is_wanted.notify()
        if committer is not None:
            committer.join()

    # Called with the mutex held, all but _submit and _run_committer.

    def _submit(self, events: list[bytes]) -> _Caller:
        caller = _Caller(events)
        with self._mutex:
            if self._closed:
                raise WalClosed
            try:
                self._stand_in_line(caller)
                while not caller.is_finished:
                    self._lead()
            finally:
                self._leave(caller)
        if caller.error is not None:
            raise caller.error.for_caller(tuple(caller.stored()))
        return caller

    def _stand_in_line(self, caller: _Caller) -> None:
        """Return when the caller is finished, or has the pen and is the head."""
        self._queue.append(caller)
        if self._pen is None:
            self._pen = caller
            return
        caller.turn = threading.Condition(self._mutex)
        while not (caller.is_finished or self._pen is caller):
            caller.turn.wait()

    def _leave(self, caller: _Caller) -> None:
        """Also the way out of an interrupted wait: what was not offered yet is not attempted."""
        if not caller.is_finished and caller in self._queue:
            self._queue.remove(caller)
        if self._pen is caller:
            self._lay_the_pen_down()

    def _lay_the_pen_down(self) -> None:
        """Give the pen to whoever is next, or leave it free."""
        if not self._queue:
            self._pen = None
        elif self._queue[0].is_exclusive or not self._wake_committer():
            self._pen = head = self._queue[0]
            assert head.turn is not None, "whoever finds the pen taken waits on something"
            head.turn.notify()

    def _lead(self) -> None:
        """Commit one batch from the head of the queue.

        If that is interrupted, what was written is not known: everyone whose events were
        offered gets an indefinite error, and the interrupt goes on from here.
        """
        members: list[_Caller] = []
        offered: list[bytes] = []
        for caller in self._queue:
            if caller.is_exclusive or len(offered) >= OFFERED_MAX:
                break
            members.append(caller)
            offered += caller.events[caller.taken : caller.taken + OFFERED_MAX - len(offered)]
        self._mutex.release()
        try:
            outcome = self._commit(offered, self._wake)
        except BaseException:
            stop = InterruptedError(errno.EINTR, "stop")
            outcome = Outcome(len(offered), error=AppendIndefinite("append", "procmond", stop))
            raise
        finally:
            self._mutex.acquire()
            self._wake_stored()  # if it did not come to a sync
            self._share_out(members, outcome)
            if not (self._pen is self._committer and self._queue):
                self._wake_stored()

    def _wake(self) -> None:
        """Wake those whose events are stored. Called without the mutex, by a commit."""
        if self._to_wake:
            with self._mutex:
                self._wake_stored()

    def _wake_stored(self) -> None:
        for turn in self._to_wake:
            turn.notify()
        self._to_wake.clear()

    def _share_out(self, members: list[_Caller], outcome: Outcome) -> None:
        left, sequence, error, timestamp = outcome
        for caller in members:
            count = min(left, len(caller.events) - caller.taken)
            if count == 0:
                break
            left -= count
            if error is not None:
                caller.error, caller.is_finished = error, True
            else:
                caller.runs.append(Run(sequence, count, timestamp))
                caller.taken += count
                caller.is_finished = caller.taken == len(caller.events)
                sequence += count
            if caller.is_finished:
                if self._queue and self._queue[0] is caller:  # else it was interrupted, and left
                    self._queue.popleft()
                if caller.turn is not None:
                    self._to_wake.append(caller.turn)

    # ---- The committer ------------------------------------------------------

    def _wake_committer(self) -> bool:
        """Give the pen to the committer; return False if there can be none."""
        if self._committer is None:
            thread = threading.Thread(target=self._run_committer, name="wal-commit", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # no more threads can be started: the callers do it themselves
                return False
            self._committer = thread
        self._pen = self._committer
        self._committer_is_wanted.notify()
        return True

    def _run_committer(self) -> None:
        """Commit for others as long as any wait, and linger a little."""
        with self._mutex:
            try:
                while self._committer_is_needed():
                    if self._queue and not self._queue[0].is_exclusive:
                        self._lead()
                    else:
                        self._wake_stored()
                        self._lay_the_pen_down()
            finally:
                committer, self._committer = self._committer, None
                self._wake_stored()
                if self._pen is committer:  # a defect ended it
                    self._lay_the_pen_down()

    def _committer_is_needed(self) -> bool:
        """Return True with the pen, False when nobody has needed the committer for a while."""
        if self._pen is not self._committer and not self._closed:
            self._committer_is_wanted.wait(LINGER_S)
        return self._pen is self._committer
