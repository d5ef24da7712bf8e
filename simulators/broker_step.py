"""What a session of the broker asks of whoever carries its bytes: a `Step`.

Theory of operation. A step is carried out in the order of its parts: record the events and
the refusals, send the bytes, end the connection, let the whole broker fall. So no answer is
on its way before it is recorded, and a reset after it still lets it out.

Not here: who makes steps (broker_answers.py), who carries them out (fake_broker.py).

Spec: SIM-1.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from simulators.broker_memory import ReceivedEvent, RefusedEvent


class SessionState(Enum):
    """Where the connection stands."""

    NEW = "nothing came yet"
    UNGREETED = "no valid Welcome was sent"
    GREETED = "greeted"
    STALLED = "stalled"
    CLOSED = "closed"


class Closing(Enum):
    """How the caller ends the connection after this step."""

    NO = "stays open"
    CLOSE = "close"
    """When all is sent."""
    RESET = "reset"
    """At once, like a process that died."""


@dataclass(frozen=True, slots=True)
class Collapse:
    """The whole broker closes its connections; then it may have forgotten, or be deaf."""

    is_forgetting: bool
    deaf_ns: int


@dataclass(frozen=True, slots=True)
class Step:
    """What the caller does now, in this order."""

    record: tuple[ReceivedEvent, ...] = ()
    record_refused: tuple[RefusedEvent, ...] = ()
    send: bytes = b""
    closing: Closing = Closing.NO
    collapse: Collapse | None = None


NOTHING: Final = Step()
