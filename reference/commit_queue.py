"""Group commit on an event loop: publishers that come while a batch is stored form the next.

    publishers -> [A: 1 event] [B: 64 events] [C: 1 event] ...
                  '---- one batch, one sync, on a thread ----'

Theory of operation. As in group_commit.py, but nobody blocks: one commit is under way at a
time, and what has gathered meanwhile is the next one. One publisher alone is served at once
and waits for no timer. Sequence order is the order of arrival. If a part of somebody's events
fails, the rest of them is not stored: what comes after a failed event must not be stored
before it.

Not here: the thread (event_bus_connector.py), what a commit is (connector_disk.py).

Spec: CON-2.2.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice

from reference.connector_disk import Commit

Committed = Callable[[Commit], None]


@dataclass(slots=True, eq=False)
class _Publisher:
    """Somebody who waits for events to be stored."""

    encoded: list[bytes]
    stored: asyncio.Future[list[int]]
    taken: int = 0
    sequences: list[int] = field(default_factory=list)


class CommitQueue:
    """A queue in front of `commit`, which starts a commit and calls back on the loop."""

    def __init__(
        self,
        commit: Callable[[list[bytes], Committed], None],
        on_commit: Committed,
        batch_bytes_max: int,
    ) -> None:
        """`on_commit` is told of each commit before the publishers are."""
        self._commit = commit
        self._on_commit = on_commit
        self._batch_bytes_max = batch_bytes_max
        self._waiting: deque[_Publisher] = deque()
        self._unanswered: set[asyncio.Future[list[int]]] = set()
        self.is_committing = False
        self._is_starting = False

    @property
    def is_idle(self) -> bool:
        """Whether nobody waits for anything to be stored."""
        return not (self.is_committing or self._waiting)

    async def store(self, encoded: list[bytes]) -> list[int]:
        """Return the sequences of the events (at least one), all durable.

        Raises an AppendError whose `stored` says which are durable nevertheless.
        """
        publisher = _Publisher(encoded, asyncio.get_running_loop().create_future())
        self._waiting.append(publisher)
        self._unanswered.add(publisher.stored)
        publisher.stored.add_done_callback(self._unanswered.discard)
        self._start_soon()
        return await publisher.stored

    def fail(self, error: BaseException) -> None:
        """Answer everybody with a defect's error; nothing is stored any more."""
        self._waiting.clear()
        for stored in list(self._unanswered):
            if not stored.done():
                stored.set_exception(error)

    def _start_soon(self) -> None:
        """Begin a commit once everybody who is about to run has run.

        Those who were just answered publish again in this very turn of the loop; starting
        before them would make batches of one and of all others, in turns: twice the syncs.
        """
        if not self.is_committing and not self._is_starting:
            self._is_starting = True
            asyncio.get_running_loop().call_soon(self._start)

    def _start(self) -> None:
        """Begin a commit of what waits, as much as one batch takes."""
        self._is_starting = False
        batch: list[bytes] = []
        shares: list[tuple[_Publisher, int]] = []
        room = self._batch_bytes_max
        while self._waiting and room > 0:
            publisher = self._waiting[0]
            start = publisher.taken
            while publisher.taken < len(publisher.encoded) and room > 0:
                batch.append(publisher.encoded[publisher.taken])
                room -= len(batch[-1])
                publisher.taken += 1
            shares.append((publisher, publisher.taken - start))
            if publisher.taken == len(publisher.encoded):
                self._waiting.popleft()
        if batch:
            self.is_committing = True
            self._commit(batch, lambda commit: self._committed(shares, commit))

    def _committed(self, shares: list[tuple[_Publisher, int]], commit: Commit) -> None:
        """Tell each publisher what became of its share, and go on."""
        self.is_committing = False
        self._on_commit(commit)
        sequences = iter(commit.sequences)
        for publisher, count in shares:
            publisher.sequences += islice(sequences, count)
            if len(publisher.sequences) < publisher.taken:
                assert commit.error is not None
                if self._waiting and self._waiting[0] is publisher:
                    self._waiting.popleft()
                if not publisher.stored.done():  # its waiting may have been cancelled
                    error = commit.error.for_caller(tuple(publisher.sequences))
                    publisher.stored.set_exception(error)
            elif publisher.taken == len(publisher.encoded) and not publisher.stored.done():
                publisher.stored.set_result(publisher.sequences)
        self._start_soon()
