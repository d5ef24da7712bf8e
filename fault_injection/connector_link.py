"""Moves the bytes of a connector's world by hand, with faults of the link in the way.

Theory of operation. The world has a pipe with two directions. Each direction of each connection
has its own `StreamFaults` (simulators/link_faults.py), which says what becomes of the next
bytes: they are moved, they wait, the link is cut, or nothing arrives any more. `flow` does all
that can be done now; `wait` lets time pass from one deadline to the next, so that nothing that
is due is late.

Spec: SCN-4.1, SIM-2.9.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from simulators.connector_world import ConnectorWorld
from simulators.fake_broker import BrokerConnection
from simulators.link_faults import Deliver, Direction, LinkFault, Reset, StreamFaults, Wait

ROUNDS_MAX: Final = 100_000
"""A flow that is still not over moves bytes in a circle."""


class HandMovedLink:
    """The link of one world, over all connections."""

    def __init__(
        self, world: ConnectorWorld, faults: Sequence[LinkFault], fired: Counter[str]
    ) -> None:
        """`faults` may grow: those of a connection count from when it is made."""
        self.attempts = 0
        """How often a connection was tried."""
        self._world = world
        self._fired = fired
        self._faults = faults
        self._connection: BrokerConnection | None = None
        self._streams: dict[Direction, StreamFaults] = {}
        self._deaf: set[Direction] = set()
        self._not_before_ns: dict[Direction, int] = {}

    # ---- What goes wrong ----------------------------------------------------

    def calm(self) -> None:
        """No fault strikes this connection any more; if it is half open it stays so."""
        self._streams.clear()

    def half_open(self, *directions: Direction) -> None:
        """Nothing arrives in these directions of the connection that stands."""
        self._look()
        if self._connection is not None:
            self._deaf.update(directions)
            self._fired["link half-open"] += 1

    # ---- Moving -------------------------------------------------------------

    def attempt(self) -> bool:
        """Let the connection be made, or refused, if one is wanted; return whether it was."""
        if not self._world.connector.wants_link:
            return False
        self.attempts += 1
        self._world.link_attempt()
        if not self._world.connector.is_linked:
            self._fired["connection refused"] += 1
        return True

    def move(self, direction: Direction, count: int | None = None) -> int:
        """Move bytes one way, all if no count is given; return how many arrived."""
        world = self._world
        self._look()
        if direction in self._deaf or world.now_ns < self._not_before_ns.get(direction, 0):
            return 0
        moves = world.to_broker if direction is Direction.TO_BROKER else world.to_connector
        stream = self._streams.get(direction)
        if stream is None:
            return moves(count)
        if direction is Direction.TO_BROKER:
            reads = self._connection is not None and self._connection.is_reading
            there = len(world.connector.outbox) if reads else 0
        else:
            there = world.bytes_for_connector
        moved = 0
        for effect in stream.feed(bytes(there if count is None else min(there, count))):
            match effect:
                case Deliver(piece):
                    moved += moves(len(piece))
                    if self._connection is not world.connection:
                        break
                case Wait(seconds):
                    self._not_before_ns[direction] = world.now_ns + round(seconds * 10**9)
                    break
                case Reset():
                    world.cut()
        self._fired.update(f"link {fault.kind.value}" for fault in stream.fired)
        stream.fired.clear()
        return moved

    def flow(self) -> int:
        """Do once whatever can be done without time passing; return whether there was any."""
        connector = self._world.connector
        jobs = len(connector.jobs)
        connector.settle_down()
        wanted = self.attempt()
        there = self.move(Direction.TO_BROKER)
        return jobs + wanted + there + self.move(Direction.TO_CONNECTOR)

    def flow_all(self, rounds: int = ROUNDS_MAX) -> int:
        """Do that until there is nothing, at most so many times; return how many it took."""
        for number in range(rounds):
            if not self.flow():
                return number
        assert rounds < ROUNDS_MAX, "bytes move for ever and nothing comes of it"
        return rounds

    def advance_to_wake(self, end_ns: int) -> None:
        """Let time pass until something is due, at most until then."""
        world = self._world
        connection, now_ns = world.connection, world.now_ns
        wakes = [end_ns, *(each for each in self._not_before_ns.values() if each > now_ns)]
        if world.connector.timer_ns is not None:
            wakes.append(world.connector.timer_ns)
        if connection is not None and connection.next_wake_ns is not None:
            wakes.append(connection.next_wake_ns)
        world.advance(max(min(wakes), now_ns + 1) - now_ns)

    def wait(self, by_ns: int) -> None:
        """Let everything work for so long."""
        end_ns = self._world.now_ns + by_ns
        self.flow_all()
        while self._world.now_ns < end_ns:
            self.advance_to_wake(end_ns)
            self.flow_all()

    def flow_until_quiet(self, at_most_ns: int) -> None:
        """Let everything work until nothing is undelivered, at most for so long."""
        end_ns = self._world.now_ns + at_most_ns
        connector = self._world.connector
        self.flow_all()
        while (connector.core.backlog or connector.jobs) and self._world.now_ns < end_ns:
            self.advance_to_wake(end_ns)
            self.flow_all()

    # ---- Inside -------------------------------------------------------------

    def _look(self) -> None:
        """Take notice of another connection, which has faults of its own."""
        connection = self._world.connection
        if connection is self._connection:
            return
        self._connection = connection
        self._deaf.clear()
        self._not_before_ns.clear()
        self._streams.clear()
        if connection is not None:
            for direction in Direction:
                mine = [f for f in self._faults if f.connection == connection.number]
                if any(f.direction is direction for f in mine):
                    stream = StreamFaults(mine, connection.number, direction)
                    self._streams[direction] = stream
