"""The log as the connector's shell uses it: blocking work, each piece as one function.

Theory of operation. The event loop must never wait for a disk, so everything that may is
here. Opening has a thread to itself; the rest runs on one of two: one appends, one does all
else, so that reading a backlog back never delays a new event. Each function returns the input
that the core is to be told: an error that the log foresees is one of them. Any other is a
defect, and propagates.

Not here: which thread runs what (event_bus_connector.py).

Spec: CON-2.
"""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from reference.connector_config import ConnectorConfig, World
from reference.connector_core import ConnectorCore
from reference.connector_inputs import (
    DeadLetterPostponed,
    DeadLetterStored,
    IdentityFailed,
    IdentityStarted,
    PageFailed,
    PageRead,
    ReadPage,
    Settle,
    StoreDeadLetter,
    WatermarkDurable,
)
from reference.errors import (
    AppendError,
    DeadLetterFailed,
    EntriesNotDurable,
    EntriesUnsteady,
    ReadFailed,
)
from reference.event_buffer import held_bytes
from reference.events import StoredEntry
from reference.limits import WalConfig
from reference.wal import LogDirectory, WriteAheadLog


@dataclass(frozen=True, slots=True)
class Commit:
    """What became of a batch: the first `len(sequences)` events are durable."""

    sequences: list[int]
    entries: tuple[StoredEntry, ...]
    """As stored; empty after an error, when the log has to be asked."""
    error: AppendError | None = None
    """What became of the others."""


def open_affirmed(wal_dir: LogDirectory, config: WalConfig | None, world: World) -> WriteAheadLog:
    """Open a log for a connector: what it has settled is durable, if the disk takes it.

    Raises an OpenRefused.
    """
    log = WriteAheadLog.open(
        wal_dir, config, wall_clock_ns=world.wall_clock_ns,
        monotonic_ns=world.monotonic_ns, random_bytes=world.random_bytes,
    )  # fmt: skip
    log.affirm_watermark()
    return log


def core_of(log: WriteAheadLog, config: ConnectorConfig, world: World) -> ConnectorCore:
    """Return the core of a connector on a log that was just opened."""
    return ConnectorCore(
        config,
        log_id=log.log_id,
        identity_is_fresh=log.report.segments == 0,
        settled_through=log.acknowledged_through,
        durable_watermark=log.durable_watermark,
        durable_through=log.next_sequence - 1,
        random=world.random,
    )


async def open_log(wal_dir: LogDirectory, config: WalConfig | None, world: World) -> WriteAheadLog:
    """Open a log as `open_affirmed` does, off the event loop.

    Raises an OpenRefused. If the waiting is cancelled, it ends when the log is closed again: a
    thread cannot be stopped, and a log that nobody holds would keep its lock.
    """
    thread = ThreadPoolExecutor(1, "connector-open")
    opening = thread.submit(open_affirmed, wal_dir, config, world)
    try:
        return await asyncio.shield(asyncio.wrap_future(opening))
    except asyncio.CancelledError:
        closing = thread.submit(_close_unwanted, opening)
        await asyncio.wait([asyncio.wrap_future(closing)])
        raise
    finally:
        thread.shutdown(wait=False)


def _close_unwanted(opening: Future[WriteAheadLog]) -> None:
    if opening.exception() is None:
        opening.result().close()


class ConnectorDisk:
    """Blocking calls on one log."""

    def __init__(self, log: WriteAheadLog) -> None:
        self._log = log
        self._cursor = log.cursor(log.acknowledged_through, held_bytes)
        self._to_settle: deque[Settle] = deque()

    # ---- The thread that appends --------------------------------------------

    def commit(self, encoded: list[bytes]) -> Commit:
        """Make the events durable, as far as the log can."""
        try:
            entries = self._log.store(encoded)
        except AppendError as error:
            return Commit(list(error.stored), (), error)
        return Commit([entry.sequence for entry in entries], tuple(entries))

    def start_identity(self) -> IdentityStarted | IdentityFailed:
        """Continue under a new log_id."""
        try:
            return IdentityStarted(self._log.start_new_identity())
        except AppendError as error:
            return IdentityFailed(str(error))

    # ---- The thread for the rest --------------------------------------------

    def read_page(self, request: ReadPage) -> PageRead | PageFailed:
        """Read unsettled entries back."""
        try:
            page = self._cursor.read(
                request.after, request.bytes_max, at_least_one=request.at_least_one
            )
        except (ReadFailed, EntriesNotDurable, EntriesUnsteady) as error:
            return PageFailed(str(error))
        return PageRead(page)

    def store_dead_letter(self, letter: StoreDeadLetter) -> DeadLetterStored | DeadLetterPostponed:
        """Move an event to the dead-letter file."""
        try:
            self._log.refuse_stored(letter.entry, letter.reason)
        except DeadLetterFailed as error:
            return DeadLetterPostponed(letter.entry.sequence, str(error))
        return DeadLetterStored(letter.entry.sequence)

    def add_to_settle(self, numbers: Settle) -> None:
        """Queue numbers, from any thread.

        Acknowledgements come faster than threads change places, so what has gathered is
        settled in one go.
        """
        self._to_settle.append(numbers)

    @property
    def has_to_settle(self) -> bool:
        """Whether `settle` has something to do, but for what one under way may still take."""
        return bool(self._to_settle)

    def settle(self) -> WatermarkDurable:
        """Settle what has gathered."""
        while self._to_settle:
            numbers = self._to_settle.popleft()
            self._log.settle(numbers.first, numbers.last)
        return WatermarkDurable(self._log.durable_watermark)
