"""Other people's stores, each with the durability of the log: one synced transaction a batch.

Every peer gets the same payload bytes as the value and the sequence as the key (a queue numbers by
itself), and is set as durable as it can be (`how`); sync_counts.py counts what it does. What a peer
cannot do is left out: a queue without a way to read without taking has no replay.

A peer is imported when it is opened, so the suite runs without any of them.
"""

from __future__ import annotations

import importlib.util
import sqlite3
import threading
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

from reference.events import LogEntry, ProcessEvent
from tests.benchmarks.events import entry_of, json_of
from tests.benchmarks.stores import Store

GIB: Final = 2**30


class Peer(Store):
    """A store by key and value, or a queue."""

    module: ClassVar[str]
    """What is imported: whether it is there says whether the peer takes part."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._next = 1
        self._numbering = threading.Lock()

    def append_payloads(self, payloads: Sequence[bytes]) -> None:
        with self._numbering:
            first, self._next = self._next, self._next + len(payloads)
        self.put(first, payloads)

    def append_as_json(self, events: Sequence[ProcessEvent]) -> None:
        """Make a batch durable as JSON texts."""
        self.append_payloads(json_of(events))

    @abstractmethod
    def put(self, first: int, payloads: Sequence[bytes]) -> None:
        """Make payloads durable under `first`, `first + 1`, ..."""

    def entries(self) -> Iterator[LogEntry]:
        for sequence, payload in self.payloads():
            yield entry_of(sequence, payload)

    @classmethod
    def is_installed(cls) -> bool:
        """Whether its package is there."""
        return importlib.util.find_spec(cls.module) is not None


def _key(sequence: int) -> bytes:
    return sequence.to_bytes(8, "big")  # so that order of bytes is order of numbers


class SqlitePeer(Peer):
    """SQLite's own log, from the standard library."""

    name = "sqlite3"
    module = "sqlite3"
    how = "WAL, synchronous=FULL, executemany and COMMIT"

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._db = sqlite3.connect(
            directory / "events.db", isolation_level=None, check_same_thread=False
        )
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS events(sequence INTEGER PRIMARY KEY, payload BLOB)"
        )

    def put(self, first: int, payloads: Sequence[bytes]) -> None:
        self._db.execute("BEGIN")
        self._db.executemany("INSERT INTO events VALUES(?,?)", enumerate(payloads, first))
        self._db.execute("COMMIT")

    def payloads(self) -> Iterator[tuple[int, bytes]]:
        return self._db.execute("SELECT sequence, payload FROM events ORDER BY sequence")

    def acknowledge(self, first: int, last: int) -> None:
        self._db.execute("DELETE FROM events WHERE sequence BETWEEN ? AND ?", (first, last))

    def close(self) -> None:
        self._db.close()


class RocksPeer(Peer):
    """RocksDB."""

    name = "rocksdict"
    module = "rocksdict"
    how = "WriteBatch, WriteOptions.sync"
    is_thread_safe = True

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        import rocksdict

        self._rocksdict: Any = rocksdict
        self._db: Any = rocksdict.Rdict(str(directory), rocksdict.Options(raw_mode=True))
        self._synced: Any = rocksdict.WriteOptions()
        self._synced.sync = True

    def put(self, first: int, payloads: Sequence[bytes]) -> None:
        batch = self._rocksdict.WriteBatch(raw_mode=True)
        for sequence, payload in enumerate(payloads, first):
            batch.put(_key(sequence), payload)
        self._db.write(batch, self._synced)

    def payloads(self) -> Iterator[tuple[int, bytes]]:
        for key, payload in self._db.items():
            yield int.from_bytes(key, "big"), payload

    def acknowledge(self, first: int, last: int) -> None:
        batch = self._rocksdict.WriteBatch(raw_mode=True)
        for sequence in range(first, last + 1):
            batch.delete(_key(sequence))
        self._db.write(batch, self._synced)

    def close(self) -> None:
        self._db.close()


class LevelPeer(Peer):
    """LevelDB."""

    name = "plyvel"
    module = "plyvel"
    how = "write_batch(sync=True)"
    is_thread_safe = True

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        import plyvel

        self._db = plyvel.DB(str(directory), create_if_missing=True)

    def put(self, first: int, payloads: Sequence[bytes]) -> None:
        with self._db.write_batch(sync=True) as batch:
            for sequence, payload in enumerate(payloads, first):
                batch.put(_key(sequence), payload)

    def payloads(self) -> Iterator[tuple[int, bytes]]:
        for key, payload in self._db.iterator():
            yield int.from_bytes(key, "big"), payload

    def acknowledge(self, first: int, last: int) -> None:
        with self._db.write_batch(sync=True) as batch:
            for sequence in range(first, last + 1):
                batch.delete(_key(sequence))

    def close(self) -> None:
        self._db.close()


class LmdbPeer(Peer):
    """LMDB."""

    name = "lmdb"
    module = "lmdb"
    how = "one transaction, sync=True (its default), keys appended"

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        import lmdb

        self._db = lmdb.open(str(directory), map_size=8 * GIB)

    def put(self, first: int, payloads: Sequence[bytes]) -> None:
        with self._db.begin(write=True) as transaction:
            for sequence, payload in enumerate(payloads, first):
                transaction.put(_key(sequence), payload, append=True)

    def payloads(self) -> Iterator[tuple[int, bytes]]:
        with self._db.begin() as transaction:
            for key, payload in transaction.cursor():
                yield int.from_bytes(key, "big"), payload

    def acknowledge(self, first: int, last: int) -> None:
        with self._db.begin(write=True) as transaction:
            for sequence in range(first, last + 1):
                transaction.delete(_key(sequence))

    def close(self) -> None:
        self._db.close()


class PersistQueuePeer(Peer):
    """persist-queue's queue on SQLite. Its put is one transaction, so a batch is one item."""

    name = "persist-queue"
    module = "persistqueue"
    how = "SQLiteQueue, one put of a list a batch"

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        import persistqueue

        self._queue: Any = persistqueue.SQLiteQueue(str(directory), auto_commit=True)

    def put(self, first: int, payloads: Sequence[bytes]) -> None:
        self._queue.put(list(payloads))

    def close(self) -> None:
        self._queue.close()
        self._queue._getter = self._queue._putter = None  # its __del__ closes them again


class LiteQueuePeer(Peer):
    """litequeue, a queue on SQLite; set to synchronous=FULL, which is not its default."""

    name = "litequeue"
    module = "litequeue"
    how = "put in one transaction, synchronous=FULL"

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        import litequeue

        self._queue = litequeue.LiteQueue(directory / "queue.db")
        self._queue.conn.execute("PRAGMA synchronous=FULL")

    def put(self, first: int, payloads: Sequence[bytes]) -> None:
        with self._queue.transaction():
            for payload in payloads:
                self._queue.put(payload)

    def close(self) -> None:
        self._queue.conn.close()


class DiskCachePeer(Peer):
    """diskcache on SQLite; set to synchronous=FULL and to evict nothing."""

    name = "diskcache"
    module = "diskcache"
    how = "set in one transact, synchronous=FULL, no eviction"

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        import diskcache

        self._cache = diskcache.Cache(
            str(directory), sqlite_synchronous=2, eviction_policy="none", cull_limit=0,
            size_limit=GIB * 64, disk_min_file_size=GIB,
        )  # fmt: skip

    def put(self, first: int, payloads: Sequence[bytes]) -> None:
        with self._cache.transact():
            for sequence, payload in enumerate(payloads, first):
                self._cache.set(sequence, payload)

    def payloads(self) -> Iterator[tuple[int, bytes]]:
        for sequence in self._cache.iterkeys():
            yield sequence, self._cache[sequence]

    def acknowledge(self, first: int, last: int) -> None:
        with self._cache.transact():
            for sequence in range(first, last + 1):
                del self._cache[sequence]

    def close(self) -> None:
        self._cache.close()


PEERS: Final[tuple[type[Peer], ...]] = (
    SqlitePeer, RocksPeer, LevelPeer, LmdbPeer, PersistQueuePeer, LiteQueuePeer, DiskCachePeer,
)  # fmt: skip
