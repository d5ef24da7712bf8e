"""`EventBusConnector`: publish events; they are durable at once and delivered in time.

    connector = await EventBusConnector.open("wal")     # recovers the log
    connector.connect()                                 # DAEMONEYE_BROKER_SOCKET; in the background
    sequence = await connector.publish(event)           # durable when this returns, broker or not
    report = await connector.close()

Theory of operation. This is the asyncio driver of the core (connector_core.py): it feeds
inputs, carries out commands, and decides nothing. Everything here runs on the event loop,
but for the disk, which has two threads of its own. Publishers that come while a batch is
being stored form the next one, so any number of them share one sync, and one alone waits
for no timer. An event that is durable is never answered with an error, whatever becomes of
the link. After a defect nothing more is fed to the core, everyone who waits is told, and
`close` still frees all that is held.

Not here: the rules of the link (connector_core.py), the socket (broker_socket.py,
broker_link.py), the disk (connector_disk.py) and its threads (disk_threads.py).

Spec: CON-1 to CON-3, BPR-2.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Callable, Sequence
from functools import partial
from types import TracebackType
from typing import Final, assert_never

from reference.backpressure import BackpressureChannel
from reference.broker_link import BrokerLink
from reference.broker_socket import broker_path, checked_path, try_to_connect
from reference.commit_queue import CommitQueue
from reference.connector_config import ConnectorConfig, World
from reference.connector_disk import Commit, ConnectorDisk, core_of, open_log
from reference.connector_errors import ConnectorClosed, LinkClosed, LinkProblem
from reference.connector_inputs import (
    BytesReceived,
    CloseLink,
    Command,
    Condition,
    ConnectRequested,
    EventsStored,
    Finished,
    Input,
    LinkFailed,
    LinkLost,
    LinkUp,
    Opened,
    OpenLink,
    ReadPage,
    Report,
    SendBytes,
    SetTimer,
    Settle,
    ShutdownRequested,
    SignalBackpressure,
    StartIdentity,
    StoreDeadLetter,
    TimerFired,
    WatermarkDurable,
)
from reference.connector_status import ConnectorStatus, ShutdownReport, status_of
from reference.disk_threads import DiskThreads
from reference.events import ProcessEvent
from reference.limits import NS_PER_S, WalConfig
from reference.report import RecoveryReport
from reference.wal import CloseReport, LogDirectory, WriteAheadLog

LOGGER: Final = logging.getLogger("reference.connector")

SHUTDOWN_S: Final = 5.0
GOODBYE_S: Final = 1.0
"""How long the last bytes may take to leave."""


class EventBusConnector:
    """One log and its link to the broker. Use `open`; belongs to one event loop."""

    def __init__(self, log: WriteAheadLog, config: ConnectorConfig, world: World) -> None:
        self.recovery: RecoveryReport = log.report
        """What opening the log found."""
        self._log = log
        self._world = world
        self._core = core_of(log, config, world)
        self.backpressure = BackpressureChannel(self._core.backpressure)
        """Shared: subscribe from any task or thread."""
        self._disk = ConnectorDisk(log)
        self._is_settling = False
        self._threads = DiskThreads(self._fail)
        self._commits = CommitQueue(self._commit, self._committed, log.config.batch_bytes_max)
        self._address = ""
        self._link: BrokerLink | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.revision = 0
        """Differs whenever `status` may show something else."""
        self._changed = asyncio.Event()
        self._finished: asyncio.Future[Finished] = asyncio.get_running_loop().create_future()
        self._closing: asyncio.Task[ShutdownReport] | None = None
        self._failure: BaseException | None = None

    @classmethod
    async def open(
        cls,
        wal_dir: LogDirectory,
        config: ConnectorConfig | None = None,
        *,
        wal_config: WalConfig | None = None,
        world: World | None = None,
    ) -> EventBusConnector:
        """Recover the log in `wal_dir` and return a connector that is not connected yet.

        What fits of the backlog is in memory when this returns, and the backpressure level
        is that of it. Raises an OpenRefused as WriteAheadLog.open does, and ConfigError. If it is
        cancelled, or fails, the lock is free when that is raised.
        """
        world, config = world or World(), config or ConnectorConfig()
        connector = cls(await open_log(wal_dir, wal_config, world), config, world)
        try:
            connector._handle(Opened())
            await connector._threads.idle()
            connector._raise_failure()
        except BaseException:
            await connector.close(0)
            raise
        return connector

    async def __aenter__(self) -> EventBusConnector:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    # ---- For users ----------------------------------------------------------

    def connect(self, address: str | None = None) -> None:
        """Have a link to the broker from now on, made and remade in the background.

        The address is read from DAEMONEYE_BROKER_SOCKET at each call, unless it is given.
        Called again, it takes the new address for the next attempt, which begins at once if
        there is no link. Raises BrokerAddressError, ConnectorClosed.
        """
        if self._closing is not None:
            raise ConnectorClosed
        self._raise_failure()
        self._address = broker_path(os.environ) if address is None else checked_path(address)
        self._handle(ConnectRequested())

    async def publish(self, event: ProcessEvent) -> int:
        """Make the event durable and return its sequence; it is delivered in the background.

        Raises what WriteAheadLog.append raises, and ConnectorClosed (definite). If the
        waiting is cancelled, the event may be stored nevertheless.
        """
        return (await self.publish_batch([event]))[0]

    async def publish_batch(self, events: Sequence[ProcessEvent]) -> list[int]:
        """Make the events durable, in order, and return their sequences.

        Not atomic, as WriteAheadLog.append_batch: `error.stored` says which are durable.
        """
        if self._closing is not None:
            raise ConnectorClosed
        self._raise_failure()
        encoded = [self._log.encode(event) for event in events]
        return await self._commits.store(encoded) if encoded else []

    async def drained(self, timeout_s: float | None = None) -> bool:
        """Wait until nothing is undelivered; return False if that took too long."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._until(lambda: self._commits.is_idle and not self._core.backlog)
        except TimeoutError:
            return False
        return True

    async def changed(self, since: int) -> int:
        """Wait until `revision` is not `since` any more; return it.

        A caller that looks, and then waits with the revision it looked at, misses nothing.
        """
        while self.revision == since:
            self._changed.clear()
            await self._changed.wait()
        return self.revision

    def status(self) -> ConnectorStatus:
        """Return what is going on now."""
        return status_of(self._core, self._log)

    async def close(self, timeout_s: float = SHUTDOWN_S) -> ShutdownReport:
        """Store what is being published, wait for outstanding answers, close log and link.

        Publishing is refused from here on. May be called twice; the first one counts. After a
        defect it raises that, but lock, link and threads are free and subscriptions have ended.
        """
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(timeout_s))
        return await asyncio.shield(self._closing)

    # ---- Inputs and commands ------------------------------------------------

    def _handle(self, event: Input) -> None:
        if self._failure is not None:
            return  # what a core is worth that broke off in the middle, nobody knows
        try:
            for command in self._core.handle(event, self._world.monotonic_ns()):
                self._carry_out(command)
        except BaseException as error:
            self._fail(error)
            raise
        if self._link is not None:
            self._link.flush()
        self._note_change()

    def _carry_out(self, command: Command) -> None:
        match command:
            case SendBytes(data):
                assert self._link is not None
                self._link.send(data)
            case Settle():
                self._disk.add_to_settle(command)
                self._settle_soon()
            case SignalBackpressure(state):
                self.backpressure.publish(state)
            case ReadPage():
                self._threads.keep(partial(self._disk.read_page, command), self._handle)
            case SetTimer(at_ns):
                self._set_timer(at_ns)
            case OpenLink():
                self._open_link()
            case CloseLink(flush):
                assert self._link is not None
                self._link.close(flush=flush)
                self._link = None
            case StoreDeadLetter():
                self._threads.keep(partial(self._disk.store_dead_letter, command), self._handle)
            case StartIdentity():
                self._threads.append(self._disk.start_identity, self._handle)
            case Report(condition, text):
                is_good = condition is Condition.LINK_UP
                LOGGER.log(logging.INFO if is_good else logging.WARNING, "%s", text)
            case Finished():
                self._finished.set_result(command)
            case _ as never:
                assert_never(never)

    def _set_timer(self, at_ns: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        delay_s = max(0, at_ns - self._world.monotonic_ns()) / NS_PER_S
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._handle, TimerFired())

    # ---- The disk's threads -------------------------------------------------

    def _settle_soon(self) -> None:
        """Settle what has gathered, one job at a time. Only the loop decides that one is needed."""
        if self._disk.has_to_settle and not self._is_settling:
            self._is_settling = True
            self._threads.keep(self._disk.settle, self._settled)

    def _settled(self, result: WatermarkDurable) -> None:
        self._is_settling = False
        self._handle(result)
        self._settle_soon()

    def _commit(self, encoded: list[bytes], then: Callable[[Commit], None]) -> None:
        self._threads.append(partial(self._disk.commit, encoded), then)

    def _committed(self, commit: Commit) -> None:
        if commit.sequences:
            self._handle(EventsStored(commit.entries, commit.sequences[-1]))
        self._note_change()

    # ---- The link -----------------------------------------------------------

    def _open_link(self) -> None:
        link = BrokerLink(
            on_up=lambda: self._handle(LinkUp()),
            on_bytes=lambda data: self._handle(BytesReceived(data)),
            on_lost=self._link_lost,
        )
        self._link = link
        self._threads.keep(partial(try_to_connect, self._address), partial(self._attach, link))

    def _attach(self, link: BrokerLink, result: socket.socket | LinkProblem) -> None:
        """Give the link its socket, if it is still wanted."""
        if link is not self._link:
            if isinstance(result, socket.socket):
                result.close()
        elif isinstance(result, LinkProblem):
            self._link = None
            self._handle(LinkFailed(result))
        else:
            task = asyncio.ensure_future(
                asyncio.get_running_loop().create_unix_connection(lambda: link, sock=result)
            )
            self._threads.watch(task, partial(self._attached, link))

    def _attached(self, link: BrokerLink, task: asyncio.Future[object]) -> None:
        """From here on the link speaks for itself, unless it could not be made after all."""
        error = task.exception()
        if error is not None and link is self._link:
            self._link = None
            self._handle(LinkFailed(LinkClosed(str(error))))

    def _link_lost(self, problem: LinkClosed) -> None:
        self._link = None
        self._handle(LinkLost(problem))

    # ---- The end ------------------------------------------------------------

    async def _close(self, timeout_s: float) -> ShutdownReport:
        try:
            finished = await self._end_link(timeout_s)
        finally:
            closed = await self._let_go()
        self._raise_failure()
        return ShutdownReport.of(self._core, self._log, closed, finished)

    async def _end_link(self, timeout_s: float) -> Finished:
        """Store what is being published, wait for answers, say Goodbye. Raises a defect."""
        await self._until(lambda: self._commits.is_idle)
        link = self._link
        deadline_ns = self._world.monotonic_ns() + round(timeout_s * NS_PER_S)
        self._handle(ShutdownRequested(deadline_ns))
        finished = await self._finished
        if link is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(link.ended.wait(), GOODBYE_S)
            link.abort()  # a broker that does not read must not hold us up
        return finished

    async def _let_go(self) -> CloseReport:
        """Free everything, after a defect too: a lock that is kept shuts out the next start."""
        if self._link is not None:
            self._link.abort()
            self._link = None
        await self._threads.idle()
        if self._timer is not None:
            self._timer.cancel()
        self.backpressure.close()
        return await self._threads.end_with(self._log.close)

    def _fail(self, error: BaseException) -> None:
        """A defect, not a fault that was foreseen: let everyone who waits know of the first."""
        if self._failure is None:
            self._failure = error
        self._commits.fail(error)
        if not self._finished.done():
            self._finished.set_exception(error)
            self._finished.exception()  # it is told in other ways too: asyncio need not complain
        self._note_change()

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._raise_failure()
            await self.changed(self.revision)

    def _note_change(self) -> None:
        self.revision += 1
        self._changed.set()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure


__all__ = ["EventBusConnector", "World"]
