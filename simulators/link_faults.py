"""What can go wrong with a byte stream, at which byte: as data, for any kind of stream.

Fault model. A stream carries bytes in order, in two directions, or ends. A fault names a
connection (the how-manieth), a direction and an offset in it; when the byte at that offset is
to be delivered, it strikes, once:

    reset      nothing from here on is delivered, in either direction; both ends see the end
    half-open  nothing from here on is delivered in this direction, and nobody is told
    delay      this byte and all behind it wait so many seconds
    pieces     from here on bytes arrive in pieces of so many, each by itself

Bytes are never changed, reordered or repeated: a Unix socket does not do that.

`StreamFaults` is one direction of one connection: it is given bytes and says what to deliver
now, in which pieces, and what happens then. socket.py drives it with a real socket,
connector_world.py's users by hand.

Spec: SIM-2.9.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum


class Direction(Enum):
    """Who hears."""

    TO_BROKER = "to-broker"
    TO_CONNECTOR = "to-connector"


class FaultKind(Enum):
    """What happens at the byte."""

    RESET = "reset"
    HALF_OPEN = "half-open"
    DELAY = "delay"
    PIECES = "pieces"


@dataclass(frozen=True, slots=True)
class LinkFault:
    """One thing that goes wrong."""

    kind: FaultKind
    connection: int
    """From 1."""
    direction: Direction
    offset: int
    """The first byte that is concerned, from 0."""
    amount: float = 0.0
    """Seconds of a delay, bytes of a piece."""


@dataclass(frozen=True, slots=True)
class Deliver:
    """These bytes arrive, in one piece."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing arrives for so long."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Reset:
    """The connection is gone."""


Effect = Deliver | Wait | Reset


class StreamFaults:
    """One direction of one connection. `fired` lists what struck."""

    def __init__(self, plan: Iterable[LinkFault], connection: int, direction: Direction) -> None:
        self._plan = sorted(
            (f for f in plan if f.connection == connection and f.direction is direction),
            key=lambda fault: fault.offset,
        )
        self._offset = 0
        self._piece_bytes = 0
        self._is_deaf = False
        self.fired: list[LinkFault] = []

    def feed(self, data: bytes) -> Iterator[Effect]:
        """Yield what happens to bytes that were sent, in order."""
        while data and not self._is_deaf:
            if self._plan and self._plan[0].offset <= self._offset:
                fault = self._plan.pop(0)
                self.fired.append(fault)
                match fault.kind:
                    case FaultKind.RESET:
                        self._is_deaf = True
                        yield Reset()
                    case FaultKind.HALF_OPEN:
                        self._is_deaf = True
                    case FaultKind.DELAY:
                        yield Wait(fault.amount)
                    case FaultKind.PIECES:
                        self._piece_bytes = max(1, int(fault.amount))
                continue
            count = len(data)
            if self._plan:
                count = min(count, self._plan[0].offset - self._offset)
            if self._piece_bytes:
                count = min(count, self._piece_bytes)
            piece, data = data[:count], data[count:]
            self._offset += count
            yield Deliver(piece)
