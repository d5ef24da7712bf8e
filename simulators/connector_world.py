"""A connector and a fake broker with a pipe between them: bytes move when they are moved.

    world.publish([event, ...])      world.link_attempt()       world.cut()
    world.to_broker(count)           world.to_connector(count)
    world.advance(seconds_ns)        world.quiesce()

Theory of operation. Single-threaded and deterministic: one clock for both sides, and nothing
happens by itself. Bytes that were sent stand in one of two queues until somebody moves some
of them, in pieces of any size; what is in the queues when the link is cut is lost, as bytes
in the kernel's buffers are. The disk's work is done when it is let happen (ConnectorDriver).

Fault model of the link: delay, pieces of any size, loss of everything behind a point, both
ways. Bytes are never changed or reordered; the broker's own misbehaviour is its plan's.

Not here: a disk that crashes (the filesystem is passed in).

Spec: CON-4.1, DEL-1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from reference.events import ProcessEvent
from reference.limits import NS_PER_S
from simulators.connector_driver import ConnectorDriver
from simulators.fake_broker import BrokerConnection, FakeBroker

QUIESCE_STEPS_MAX: Final = 10_000


class ConnectorWorld:
    """One connector's life after another, one broker."""

    def __init__(
        self, broker: FakeBroker, open_connector: Callable[[int], ConnectorDriver]
    ) -> None:
        """`open_connector` is given the time and opens the log on the world's disk."""
        self.broker = broker
        self._open_connector = open_connector
        self.connector = open_connector(0)
        self.connection: BrokerConnection | None = None
        self._for_connector = bytearray()

    @property
    def now_ns(self) -> int:
        """The one clock."""
        return self.connector.now_ns

    @property
    def bytes_for_connector(self) -> int:
        """How many bytes are in the pipe from the broker."""
        return len(self._for_connector)

    # ---- Steps --------------------------------------------------------------

    def publish(self, events: Sequence[ProcessEvent]) -> list[int]:
        """Store events; return their sequences."""
        return self.connector.publish(events)

    def link_attempt(self) -> None:
        """Let the connection that the connector wants be made, or refused."""
        if not self.connector.wants_link:
            return
        self._forget_connection()
        try:
            self.connection = self.broker.connect(self.now_ns)
        except ConnectionRefusedError as error:
            self.connector.link_fails(str(error))
        else:
            self.connector.link_up()
        self._hang_up_together()

    def to_broker(self, count: int | None = None) -> int:
        """Move bytes, all if no count is given; return how many were there to be moved."""
        connection = self.connection
        if connection is None or not connection.is_reading:
            return 0
        data = self.connector.take_outbox(count)
        if data:
            self._for_connector += connection.receive(data, self.now_ns)
        self._hang_up_together()
        return len(data)

    def to_connector(self, count: int | None = None) -> int:
        """Move bytes the other way."""
        if not self.connector.is_linked:
            return 0
        data = bytes(self._for_connector[:count])
        del self._for_connector[: len(data)]
        if data:
            self.connector.receive(data)
        self._hang_up_together()
        return len(data)

    def cut(self) -> None:
        """Break the link; what is in the pipe is lost."""
        self._forget_connection()
        if self.connector.is_linked:
            self.connector.link_drops("cut")

    def advance(self, by_ns: int) -> None:
        """Let time pass for both sides, stopping wherever one of them has something to do."""
        end_ns = self.now_ns + by_ns
        while self.now_ns < end_ns:
            wake_ns = self.connection.next_wake_ns if self.connection is not None else None
            step_ns = end_ns if wake_ns is None else min(max(wake_ns, self.now_ns + 1), end_ns)
            self.connector.advance(step_ns - self.now_ns)
            if self.connection is not None:
                self._for_connector += self.connection.poll(self.now_ns)
            self._hang_up_together()

    def flow(self) -> int:
        """Do once whatever can be done without time passing; return whether there was any."""
        jobs = len(self.connector.jobs)
        self.connector.settle_down()
        wanted = self.connector.wants_link
        self.link_attempt()
        return jobs + wanted + self.to_broker() + self.to_connector()

    def crash_connector(self) -> None:
        """The connector's process dies without a word; another one is started."""
        self._forget_connection()
        self.connector = self._open_connector(self.now_ns)

    def shut_down_connector(self, timeout_ns: int) -> bool:
        """End the connector in good order, start another; return whether the end was clean."""
        self.connector.shut_down(timeout_ns)
        end_ns = self.now_ns + timeout_ns
        while self.connector.said.finished is None:
            if not self.flow() and self.now_ns < end_ns:
                self.advance(end_ns - self.now_ns)
        self.to_broker()
        report = self.connector.close()
        self.crash_connector()
        return report.is_clean

    def quiesce(self) -> None:
        """Let everything flow until nothing is undelivered. Fails if that does not come."""
        if self.connector.core.link.state.value == "idle":
            self.connector.connect()
        for _ in range(QUIESCE_STEPS_MAX):
            moved = self.flow()
            if not (self.connector.core.backlog or self.connector.jobs):
                return
            if not moved:
                self.advance(NS_PER_S)
        raise AssertionError(
            f"{self.connector.core.backlog} events are undelivered: "
            f"{self.connector.core.link.state}, {self.connector.core.link.problem!r}"
        )

    # ---- Inside -------------------------------------------------------------

    def _hang_up_together(self) -> None:
        """Carry an end of the link on one side over to the other."""
        if not self.connector.is_linked:
            if self.connection is not None:
                # A Goodbye may be on its way still.
                if data := self.connector.take_outbox():
                    self.connection.receive(data, self.now_ns)
                self._forget_connection()
        elif self.connection is None or (self.connection.is_closed and not self._for_connector):
            self._forget_connection()
            self.connector.link_drops("the broker closed the connection")

    def _forget_connection(self) -> None:
        if self.connection is not None:
            self.connection.lost()
        self.connection = None
        self._for_connector.clear()
