"""Drives the connector's core and a real log by hand: single-threaded, no socket, no waiting.

Theory of operation. The core's commands become *jobs* that stand in a queue until the test
lets one happen, in any order that a thread could have; `settle_down` does all of them. Jobs
on one log run the same functions as the asyncio shell's threads (connector_disk.py). Bytes
for the broker gather in `outbox`; bytes from it are given to `receive`. Time is a number.

The disk is whatever filesystem is passed in: a crash is to forget this object and to make
another one on what the disk then holds.

Not here: a broker (broker.py), faults of the link, anything random.

Spec: CON-4.1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from reference.backpressure import BackpressureChannel
from reference.connector_config import ConnectorConfig, World
from reference.connector_disk import ConnectorDisk, core_of, open_affirmed
from reference.connector_errors import BrokerUnreachable, LinkClosed
from reference.connector_inputs import (
    BytesReceived,
    CloseLink,
    Command,
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
)
from reference.connector_status import ShutdownReport
from reference.errors import AppendError
from reference.events import ProcessEvent
from reference.filesystem import Filesystem
from reference.limits import WalConfig
from reference.recovery import RandomBytes
from reference.wal import CloseReport

JOBS_MAX: Final = 10_000

Job = ReadPage | Settle | StoreDeadLetter | StartIdentity


@dataclass(slots=True)
class DriverLog:
    """What the core said, for a test to look at."""

    reports: list[Report] = field(default_factory=list)
    signals: list[SignalBackpressure] = field(default_factory=list)
    sent: list[bytes] = field(default_factory=list)
    finished: Finished | None = None


class ConnectorDriver:
    """One life of a connector: from opening its log to a shutdown or a crash."""

    def __init__(
        self,
        filesystem: Filesystem,
        config: ConnectorConfig,
        wal_config: WalConfig,
        *,
        now_ns: int = 0,
        wall_clock_ns: Callable[[], int],
        random_bytes: RandomBytes,
        random: Callable[[], float] = lambda: 0.5,
    ) -> None:
        """Open the log, and read in what fits of its backlog as the shell does. Raises as open."""
        self.now_ns = now_ns
        world = World(lambda: self.now_ns, wall_clock_ns, random, random_bytes)
        self.log = open_affirmed(filesystem, wal_config, world)
        self.core = core_of(self.log, config, world)
        self.channel = BackpressureChannel(self.core.backpressure)
        self.said = DriverLog()
        self.jobs: list[Job] = []
        self.outbox = bytearray()
        self.wants_link = False
        """OpenLink was asked for and has had no answer."""
        self.is_linked = False
        self.timer_ns: int | None = None
        self._disk = ConnectorDisk(self.log)
        self.handle(Opened())
        self.settle_down()

    # ---- What publishers do -------------------------------------------------

    def publish(self, events: Sequence[ProcessEvent]) -> list[int]:
        """Store the events; return their sequences. Raises AppendError with what is stored."""
        if not events:
            return []  # as EventBusConnector.publish_batch: the log's `store` takes at least one
        commit = self._disk.commit([self.log.encode(event) for event in events])
        if commit.sequences:
            self.handle(EventsStored(commit.entries, commit.sequences[-1]))
        if commit.error is not None:
            error: AppendError = commit.error.for_caller(tuple(commit.sequences))
            raise error
        return commit.sequences

    # ---- What the world does ------------------------------------------------

    def connect(self) -> None:
        """Ask for a link."""
        self.handle(ConnectRequested())

    def link_up(self) -> None:
        """The connection that was wanted stands."""
        assert self.wants_link
        self.wants_link, self.is_linked = False, True
        self.handle(LinkUp())

    def link_fails(self, reason: str = "nobody listens") -> None:
        """It cannot be made."""
        assert self.wants_link
        self.wants_link = False
        self.handle(LinkFailed(BrokerUnreachable("broker", reason)))

    def link_drops(self, reason: str = "reset") -> None:
        """The connection breaks; what was not taken from the outbox is gone."""
        assert self.is_linked
        self.is_linked = False
        self.outbox.clear()
        self.handle(LinkLost(LinkClosed(reason)))

    def receive(self, data: bytes) -> None:
        """Bytes come from the broker."""
        assert self.is_linked
        self.handle(BytesReceived(data))

    def take_outbox(self, count: int | None = None) -> bytes:
        """Take bytes on their way to the broker."""
        count = len(self.outbox) if count is None else count
        taken = bytes(self.outbox[:count])
        del self.outbox[:count]
        return taken

    def advance(self, by_ns: int) -> None:
        """Let time pass, with every timer that falls due on the way."""
        end_ns = self.now_ns + by_ns
        while self.timer_ns is not None and self.timer_ns <= end_ns:
            self.now_ns, self.timer_ns = max(self.now_ns, self.timer_ns), None
            self.handle(TimerFired())
        self.now_ns = end_ns

    def run_job(self, index: int = 0) -> None:
        """Let one of the jobs happen. Jobs of one kind keep their order, as on one thread."""
        kind = type(self.jobs[index])
        first = next(i for i, job in enumerate(self.jobs) if isinstance(job, kind))
        job = self.jobs.pop(first)
        self.handle(self._do(job))

    def settle_down(self) -> None:
        """Do all that the disk has to do. Fails if every piece of it makes another one."""
        for _ in range(JOBS_MAX):
            if not self.jobs:
                return
            self.run_job()
        raise AssertionError(f"after {JOBS_MAX} jobs there is always another: {self.jobs[0]}")

    def shut_down(self, timeout_ns: int) -> None:
        """Begin the shutdown; `said.finished` tells its end."""
        self.handle(ShutdownRequested(self.now_ns + timeout_ns))

    def close_log(self) -> CloseReport:
        """Finish what the disk has to do and close the log."""
        self.settle_down()
        return self.log.close()

    def close(self) -> ShutdownReport:
        """Do that after a shutdown has ended, and return what it came to."""
        closed, finished = self.close_log(), self.said.finished
        assert finished is not None, "the shutdown has not ended"
        return ShutdownReport.of(self.core, self.log, closed, finished)

    def handle(self, event: Input) -> None:
        """Give the core an input, and carry out what it says."""
        for command in self.core.handle(event, self.now_ns):
            self._carry_out(command)

    # ---- Inside -------------------------------------------------------------

    def _do(self, job: Job) -> Input:
        match job:
            case ReadPage():
                return self._disk.read_page(job)
            case Settle():
                self._disk.add_to_settle(job)
                return self._disk.settle()
            case StoreDeadLetter():
                return self._disk.store_dead_letter(job)
            case StartIdentity():
                return self._disk.start_identity()

    def _carry_out(self, command: Command) -> None:
        match command:
            case SendBytes(data):
                self.outbox += data
                self.said.sent.append(data)
            case ReadPage() | Settle() | StoreDeadLetter() | StartIdentity():
                self.jobs.append(command)
            case OpenLink():
                assert not self.is_linked, "two links at a time"
                assert not self.wants_link, "two attempts at a time"
                self.wants_link = True
            case CloseLink(flush):
                assert self.is_linked or self.wants_link, "no link to close"
                self.is_linked = self.wants_link = False
                if not flush:
                    self.outbox.clear()
            case SetTimer(at_ns):
                self.timer_ns = at_ns
            case SignalBackpressure(state):
                self.channel.publish(state)
                self.said.signals.append(command)
            case Report():
                self.said.reports.append(command)
            case Finished():
                assert self.said.finished is None, "finished twice"
                self.said.finished = command
