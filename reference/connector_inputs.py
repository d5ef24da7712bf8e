"""What the connector's core is told (inputs) and what it asks for (commands).

The core takes one input and a time and returns a list of commands. It calls nothing and
waits for nothing: a driver carries the commands out, in order, and feeds the results back
as inputs, in any order that the real world has.

    command             results in
    OpenLink            LinkUp or LinkFailed
    CloseLink           nothing: the core has forgotten the link already
    SendBytes           nothing: bytes that the kernel took are not published (rule LNK-3.2)
    ReadPage            PageRead or PageFailed
    Settle              WatermarkDurable, now and then
    StoreDeadLetter     DeadLetterStored or DeadLetterPostponed
    StartIdentity       IdentityStarted or IdentityFailed
    SetTimer            TimerFired, at or after that time
    SignalBackpressure, Report, Finished    nothing

Appending is no command: an event exists for the core once the log has made it durable
(EventsStored), so nothing can be buffered or sent before it is stored.

Spec: CON-4.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from reference.backpressure import BackpressureState
from reference.connector_errors import LinkProblem
from reference.events import StoredEntry
from reference.log_cursor import Page

# ---- Inputs -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Opened:
    """The log was opened; the first input."""


@dataclass(frozen=True, slots=True)
class ConnectRequested:
    """Have a link from now on; an attempt that waits for its time begins at once."""


@dataclass(frozen=True, slots=True)
class ShutdownRequested:
    """Send nothing more, wait for outstanding answers until `deadline_ns`, then end."""

    deadline_ns: int


@dataclass(frozen=True, slots=True)
class LinkUp:
    """The connection that OpenLink asked for stands."""


@dataclass(frozen=True, slots=True)
class LinkFailed:
    """It could not be made."""

    problem: LinkProblem


@dataclass(frozen=True, slots=True)
class LinkLost:
    """The connection ended, from the other side or by itself."""

    problem: LinkProblem


@dataclass(frozen=True, slots=True)
class BytesReceived:
    """The broker's bytes, in any pieces."""

    data: bytes


@dataclass(frozen=True, slots=True)
class EventsStored:
    """The log made events durable, the first ones since the last such input."""

    entries: tuple[StoredEntry, ...]
    durable_through: int
    """May be above the last entry: those are durable too, and are read back when needed."""


@dataclass(frozen=True, slots=True)
class PageRead:
    """What ReadPage asked for."""

    page: Page


@dataclass(frozen=True, slots=True)
class PageFailed:
    """The log could not be read; nothing is known to be lost."""

    reason: str


@dataclass(frozen=True, slots=True)
class WatermarkDurable:
    """Everything settled up to here will be known as settled after any crash."""

    through: int


@dataclass(frozen=True, slots=True)
class DeadLetterStored:
    """The letter is durable, and its number settled in the log."""

    sequence: int


@dataclass(frozen=True, slots=True)
class DeadLetterPostponed:
    """The disk refused it; the number is not settled."""

    sequence: int
    reason: str


@dataclass(frozen=True, slots=True)
class IdentityStarted:
    """The log goes on under this log_id, durably."""

    log_id: bytes


@dataclass(frozen=True, slots=True)
class IdentityFailed:
    """It goes on under the old one."""

    reason: str


@dataclass(frozen=True, slots=True)
class TimerFired:
    """The time of the last SetTimer has come."""


Input = (
    Opened | ConnectRequested | ShutdownRequested | LinkUp | LinkFailed | LinkLost | BytesReceived
    | EventsStored | PageRead | PageFailed | WatermarkDurable | DeadLetterStored
    | DeadLetterPostponed | IdentityStarted | IdentityFailed | TimerFired
)  # fmt: skip


# ---- Commands ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpenLink:
    """Connect to the broker."""


@dataclass(frozen=True, slots=True)
class CloseLink:
    """Close the connection, or give up making it."""

    flush: bool
    """Send what was given to send first; else drop it."""


@dataclass(frozen=True, slots=True)
class SendBytes:
    """Send whole frames."""

    data: bytes


@dataclass(frozen=True, slots=True)
class ReadPage:
    """Read unsettled entries from the log (log_cursor.py)."""

    after: int
    bytes_max: int
    at_least_one: bool


@dataclass(frozen=True, slots=True)
class Settle:
    """Settle the numbers `first` to `last` in the log."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class StoreDeadLetter:
    """Move the entry to the dead-letter file and settle it."""

    entry: StoredEntry
    reason: str


@dataclass(frozen=True, slots=True)
class StartIdentity:
    """Continue the log under a new log_id."""


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Say when this time has come. There is one timer; a later SetTimer replaces it."""

    at_ns: int


@dataclass(frozen=True, slots=True)
class SignalBackpressure:
    """The level or what it follows from has changed."""

    state: BackpressureState


class Condition(Enum):
    """What a person or a monitor may want to know."""

    LINK_UP = "link-up"
    LINK_PROBLEM = "link-problem"
    DIVERGED = "diverged"
    DEAD_LETTER = "dead-letter"
    DEAD_LETTER_BLOCKED = "dead-letter-blocked"
    LOST = "lost"
    PAGE_FAILED = "page-failed"


@dataclass(frozen=True, slots=True)
class Report:
    """Something to tell, said once."""

    condition: Condition
    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The shutdown is over as far as the link is concerned."""

    repeats_possible: int
    """Events that were sent and have no answer: a broker that has them gets them again."""
    reason: str
    """Why not every answer came; empty if every one did."""


Command = (
    OpenLink | CloseLink | SendBytes | ReadPage | Settle | StoreDeadLetter | StartIdentity
    | SetTimer | SignalBackpressure | Report | Finished
)  # fmt: skip
