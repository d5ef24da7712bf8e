"""Who keeps events: the log, the log as two callers use it, and raw writes as a yardstick.

A `Store` makes each batch durable before the next one begins, gives the entries back in order,
and forgets them again. Numbers begin at 1.

Not here: other people's stores (peers.py).
"""

from __future__ import annotations

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar, Final

from reference.events import LogEntry, ProcessEvent
from reference.os_filesystem import OsFilesystem
from reference.wal import WriteAheadLog
from tests.benchmarks.events import frames_of, payloads_of

Batch = Sequence[ProcessEvent]
CALLERS: Final = 2
"""One encodes while the other's batch is synced: more would make larger batches of them."""


class Store(ABC):
    """One contestant with files of its own in an empty directory."""

    name: ClassVar[str]
    how: ClassVar[str]
    """By which calls a batch becomes durable."""
    is_thread_safe: ClassVar[bool] = False
    """Whether many threads may append at the same time."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(mode=0o700, exist_ok=True)

    @abstractmethod
    def append_payloads(self, payloads: Sequence[bytes]) -> None:
        """Make a batch durable whose bytes are ready."""

    def append(self, events: Batch) -> None:
        """Make a batch durable."""
        self.append_payloads(payloads_of(events))

    def append_all(self, batches: Sequence[Batch]) -> None:
        """Make batches durable, each by itself."""
        for batch in batches:
            self.append(batch)

    def entries(self) -> Iterator[LogEntry]:
        """Yield all entries in order, none of which is taken away."""
        raise NotImplementedError

    def payloads(self) -> Iterator[tuple[int, bytes]]:
        """Yield the same, not decoded."""
        raise NotImplementedError

    def acknowledge(self, first: int, last: int) -> None:
        """Forget entries; that is durable when this returns, or soon."""
        raise NotImplementedError

    @abstractmethod
    def close(self) -> None:
        """Release everything."""


class LogStore(Store):
    """The write-ahead log, one caller."""

    name = "log"
    how = "append_batch"
    is_thread_safe = True

    def __init__(self, directory: Path, filesystem: OsFilesystem | None = None) -> None:
        super().__init__(directory)
        self.log = WriteAheadLog.open(filesystem or directory)

    def append(self, events: Batch) -> None:
        self.log.append_batch(events)

    def append_payloads(self, payloads: Sequence[bytes]) -> None:
        self.log.store(payloads)  # it puts its own time before each: these come without one

    def entries(self) -> Iterator[LogEntry]:
        return self.log.replay()

    def payloads(self) -> Iterator[tuple[int, bytes]]:
        cursor = self.log.cursor(0, lambda entry: len(entry.payload))
        last = 0
        while page := cursor.read(last, 2**18, at_least_one=True).entries:
            for entry in page:
                yield entry.sequence, entry.payload
            last = page[-1].sequence

    def acknowledge(self, first: int, last: int) -> None:
        for sequence in range(first, last + 1):
            self.log.acknowledge(sequence)

    def close(self) -> None:
        self.log.close()


class OverlappedLogStore(LogStore):
    """The same log with two callers, so that one encodes while the other's batch is synced."""

    name = "log, 2 callers"
    how = "append_batch from 2 threads"

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._threads = ThreadPoolExecutor(CALLERS)

    def append_all(self, batches: Sequence[Batch]) -> None:
        waiting = iter(batches)  # next() on a list's iterator is one step of the interpreter

        def caller() -> None:
            for batch in waiting:
                self.log.append_batch(batch)

        for job in [self._threads.submit(caller) for _ in range(CALLERS)]:
            job.result()

    def close(self) -> None:
        self._threads.shutdown()
        super().close()


class RawStore(Store):
    """write and fdatasync of the bytes that the log would write, which are ready beforehand."""

    name = "raw write+fdatasync"
    how = "os.write, os.fdatasync"

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._file = os.open(directory / "raw", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._ready: dict[int, bytes] = {}
        self.syncs_s: list[float] = []
        """How long each sync took, since it was last cleared."""

    def prepare(self, batches: Sequence[Batch]) -> None:
        """Have the bytes of these batches ready, by the identity of the batch."""
        self._ready.update((id(batch), b"".join(frames_of(batch))) for batch in batches)

    def append(self, events: Batch) -> None:
        self._write(self._ready[id(events)])

    def append_payloads(self, payloads: Sequence[bytes]) -> None:
        self._write(b"".join(payloads))

    def _write(self, data: bytes) -> None:
        written = os.write(self._file, data)
        began = time.perf_counter()
        os.fdatasync(self._file)
        self.syncs_s.append(time.perf_counter() - began)
        assert written == len(data)

    def close(self) -> None:
        os.close(self._file)


OURS: Final[tuple[type[Store], ...]] = (LogStore, OverlappedLogStore, RawStore)
