"""The fake broker in memory: connections as calls, time as a number, faults by plan.

    broker = FakeBroker(parse_fault_plan(["refuse@5", "reset-before-acknowledgement%2"], seed=7))
    connection = broker.connect(now_ns)                 # ConnectionRefusedError if it is down
    answer = connection.receive(data, now_ns)           # bytes for the connector, maybe none
    answer = connection.poll(now_ns)                    # at connection.next_wake_ns
    connection.is_closed, connection.was_reset          # after delivering the answer

Theory of operation. This is the broker whole: memory, dice, connections, subscribers, and
what a test asks afterwards: `received`, `violations`, `dice.fired`. Nothing happens by itself:
whoever drives it decides when bytes arrive, and moves the clock. The program
(broker_server.py) drives this same class from a real socket.

A step is carried out here in its order: events are recorded, delivered to the subscribers,
and only then are the bytes given out that acknowledge them.

Fault model. The plan's (broker_faults.py), and three by hand: `stop`, `start`, `restart`. The
network is perfect here: what a world does to the bytes between both sides is its own affair.

Spec: SIM-1.1, SIM-1.2.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from typing import Final

from reference.link_messages import Hello
from simulators.broker_answers import BrokerOptions
from simulators.broker_dice import Dice
from simulators.broker_faults import FaultPlan
from simulators.broker_memory import BrokerMemory, ReceivedEvent, RefusedEvent
from simulators.broker_session import OPTIONS_DEFAULT, BrokerSession, Violation
from simulators.broker_step import NOTHING, Closing, Collapse, Step
from simulators.topics import check_pattern, matches

NO_FAULTS: Final = FaultPlan()
VIOLATIONS_LISTED_MAX: Final = 1000

Deliver = Callable[[ReceivedEvent], object]


class FakeBroker:
    """A broker. `record` and `record_refused` take the place of the lists if it keeps files."""

    def __init__(
        self,
        plan: FaultPlan = NO_FAULTS,
        *,
        options: BrokerOptions = OPTIONS_DEFAULT,
        record: Callable[[Sequence[ReceivedEvent]], object] | None = None,
        record_refused: Callable[[Sequence[RefusedEvent]], object] | None = None,
    ) -> None:
        self.memory = BrokerMemory()
        self.dice = Dice(plan)
        self.received: list[ReceivedEvent] = []
        """Every event that was recorded, in that order, over the broker's whole life."""
        self.received_count = 0
        self.refused: list[RefusedEvent] = []
        """Every event that was refused, once."""
        self.violations: list[Violation] = []
        """What connectors did wrong; stops growing at a limit."""
        self.violation_count = 0
        self.connection_count = 0
        self.goodbye_count = 0
        self.connections: dict[int, BrokerConnection] = {}
        """The open ones, by number."""
        self._options = options
        self._record = self.received.extend if record is None else record
        self._record_refused = self.refused.extend if record_refused is None else record_refused
        self._subscribers: list[tuple[str, Deliver]] = []
        self._subscribers_of: dict[str, list[Deliver]] = {}
        self._is_stopped = False
        self._deaf_until_ns = 0

    # ---- For whoever drives it ------------------------------------------------

    def connect(self, now_ns: int) -> BrokerConnection:
        """Return a new connection. Raises ConnectionRefusedError while nobody listens."""
        if not self.is_listening(now_ns):
            raise ConnectionRefusedError(errno.ECONNREFUSED, "the fake broker does not listen now")
        self.connection_count += 1
        connection = BrokerConnection(self, self.connection_count, self._options)
        self.connections[connection.number] = connection
        return connection

    def is_listening(self, now_ns: int) -> bool:
        """Return whether `connect` works."""
        return not self._is_stopped and now_ns >= self._deaf_until_ns

    @property
    def deaf_until_ns(self) -> int:
        """When a `not-listening` ends."""
        return self._deaf_until_ns

    @property
    def next_wake_ns(self) -> int | None:
        """The earliest `next_wake_ns` of the connections; None if all wait for bytes."""
        wakes = [each.next_wake_ns for each in self.connections.values()]
        return min((wake for wake in wakes if wake is not None), default=None)

    def subscribe(self, pattern: str, deliver: Deliver) -> None:
        """Call `deliver` with each event from now on whose topic matches. Raises InvalidPattern."""
        check_pattern(pattern)
        self._subscribers.append((pattern, deliver))
        self._subscribers_of.clear()

    def stop(self) -> None:
        """Drop all connections, and refuse new ones."""
        self._is_stopped = True
        self._drop_connections()

    def start(self) -> None:
        """Listen again, after `stop` or `not-listening`."""
        self._is_stopped = False
        self._deaf_until_ns = 0

    def restart(self, *, keep_memory: bool) -> None:
        """Drop all connections; forget every log unless told to keep it. Counts go on."""
        self.stop()
        if not keep_memory:
            self.memory.forget()
        self.start()

    # ---- For the connections --------------------------------------------------

    def _carry_out(self, step: Step, now_ns: int) -> bytes:
        if step.record:
            self._record(step.record)
            self.received_count += len(step.record)
            if self._subscribers:
                self._deliver(step.record)
        if step.record_refused:
            self._record_refused(step.record_refused)
        if step.collapse is not None:
            self._collapse(step.collapse, now_ns)
        return step.send

    def _deliver(self, events: Sequence[ReceivedEvent]) -> None:
        for event in events:
            subscribers = self._subscribers_of.get(event.topic)
            if subscribers is None:
                subscribers = self._subscribers_of[event.topic] = [
                    deliver
                    for pattern, deliver in self._subscribers
                    if matches(pattern, event.topic)
                ]
            for deliver in subscribers:
                deliver(event)

    def _collapse(self, collapse: Collapse, now_ns: int) -> None:
        self._drop_connections()
        self._deaf_until_ns = max(self._deaf_until_ns, now_ns + collapse.deaf_ns)
        if collapse.is_forgetting:
            self.memory.forget()

    def _drop_connections(self) -> None:
        for connection in list(self.connections.values()):
            connection._end(was_reset=True)
            if connection.on_dropped is not None:
                connection.on_dropped()

    def _on_violation(self, violation: Violation) -> None:
        self.violation_count += 1
        if len(self.violations) < VIOLATIONS_LISTED_MAX:
            self.violations.append(violation)


class BrokerConnection:
    """The broker's end of one connection."""

    def __init__(self, broker: FakeBroker, number: int, options: BrokerOptions) -> None:
        self.number = number
        self.is_closed = False
        """The broker ended it. What it said before is still delivered to the connector."""
        self.was_reset = False
        """It ended as if the broker's process had died, without a word."""
        self.on_dropped: Callable[[], None] | None = None
        """Called when it ends because of something on another connection, or by hand."""
        self._broker = broker
        self._session = BrokerSession(
            broker.memory, broker.dice, broker._on_violation, number=number, options=options
        )

    def receive(self, data: bytes, now_ns: int) -> bytes:
        """Return the answer to bytes that arrived. Bytes for a closed connection are lost."""
        return self._carry_out(self._session.receive(data, now_ns), now_ns)

    def poll(self, now_ns: int) -> bytes:
        """Return what is sent because time has passed."""
        return self._carry_out(self._session.poll(now_ns), now_ns)

    def lost(self) -> None:
        """Tell the broker that the other side is gone."""
        self._end(was_reset=False)

    @property
    def is_reading(self) -> bool:
        """Whether the broker reads now; a world with a full pipe would hold the bytes back."""
        return self._session.is_reading

    @property
    def next_wake_ns(self) -> int | None:
        """When `poll` has something to do; None if only bytes can change anything."""
        return self._session.next_wake_ns

    @property
    def hello(self) -> Hello | None:
        """Who is connected, once it is known."""
        return self._session.hello

    @property
    def said_goodbye(self) -> bool:
        """Whether the connector took its leave."""
        return self._session.said_goodbye

    def _carry_out(self, step: Step, now_ns: int) -> bytes:
        if step is NOTHING:
            return b""
        if step.closing is not Closing.NO:
            self._end(was_reset=step.closing is Closing.RESET)
        return self._broker._carry_out(step, now_ns)

    def _end(self, *, was_reset: bool) -> None:
        if not self.is_closed:
            self.is_closed, self.was_reset = True, was_reset
            self._broker.connections.pop(self.number, None)
            self._broker.goodbye_count += self._session.said_goodbye
            self._session.lost()
