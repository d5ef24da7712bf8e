"""The steps of a plan on a connector: events, bytes, time, and all that goes wrong around them.

Between `start` and an end (`shut-down`, `kill`, `power-cut`) there is a process with a connector
in it; a step that needs one does nothing without. Bytes move only in steps that move them, and
what was sent stands in the pipe until then.

Faults are armed and strike later: of the disk (`fault`, and `kill` or `power-cut` inside a
call), of the link (`link-fault`), of the broker (`broker-fault`). All are counted from the step
that arms them, so that a plan stays a plan when a step before is taken out.

`fault`, `heal` and `damage` are those of a log (log_steps.py). Spec: SCN-1.2, SCN-4.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fault_injection.log_steps import Damage, Fault, Heal
from fault_injection.plan import Step, step

__all__ = [
    "Advance", "BrokerFault", "BrokerListens", "BrokerRestart", "BrokerStopsListening", "Cut",
    "Damage", "DiskWorks", "ExpectAttempts", "ExpectBacklog", "ExpectDelivered", "ExpectLevel",
    "ExpectRepeats", "ExpectStored", "Fault", "Flow", "HalfOpen", "Heal", "Kill", "Link",
    "LinkFault", "Misread", "MoveBytes", "Plant", "PowerCut", "Publish", "Quiesce", "Restore",
    "ShutDown", "Snapshot", "Start", "Wait", "WallClock", "Wipe",
]  # fmt: skip


# ---- The process ------------------------------------------------------------


@step("connector")
@dataclass(frozen=True, slots=True)
class Start(Step):
    """A process opens the connector and asks for a link. If one runs: nothing."""

    do: ClassVar[str] = "start"


@step("connector")
@dataclass(frozen=True, slots=True)
class Publish(Step):
    """Publish events, in one call."""

    do: ClassVar[str] = "publish"
    count: int = 1
    padding_bytes: int = 0
    """How much longer than the shortest each event is."""


@step("connector")
@dataclass(frozen=True, slots=True)
class ShutDown(Step):
    """End the process in good order: answers are awaited, at most so long."""

    do: ClassVar[str] = "shut-down"
    seconds: float = 5.0


@step("connector")
@dataclass(frozen=True, slots=True)
class Kill(Step):
    """The process is killed: now, or in the call of the disk after so many others."""

    do: ClassVar[str] = "kill"
    after_calls: int = -1
    """Counted from here; -1: now."""


@step("connector")
@dataclass(frozen=True, slots=True)
class PowerCut(Step):
    """The connector's machine loses power, now or in a call of the disk; the broker lives on."""

    do: ClassVar[str] = "power-cut"
    kept: str = "none"
    """"none", "all", a bit mask over the pending operations in hexadecimal, or "#7": the seventh
    of the legal choices, whatever they are."""
    filling: str = "zeros"
    """What shows where a size was kept and the bytes were not."""
    after_calls: int = -1
    """Counted from here; -1: now."""


# ---- Work and time ----------------------------------------------------------


@step("connector")
@dataclass(frozen=True, slots=True)
class Flow(Step):
    """Do all that can be done without time passing, at most so many times around."""

    do: ClassVar[str] = "flow"
    rounds: int = 1000


@step("connector")
@dataclass(frozen=True, slots=True)
class Wait(Step):
    """Everything works for so many seconds: bytes flow, timers fire, links are tried."""

    do: ClassVar[str] = "wait"
    seconds: float = 1.0


@step("connector")
@dataclass(frozen=True, slots=True)
class Advance(Step):
    """So many seconds pass in which timers fire and no byte moves."""

    do: ClassVar[str] = "advance"
    seconds: float = 1.0


@step("connector")
@dataclass(frozen=True, slots=True)
class Link(Step):
    """The connection that the connector wants is made, or refused."""

    do: ClassVar[str] = "link"


@step("connector")
@dataclass(frozen=True, slots=True)
class MoveBytes(Step):
    """Bytes move in one direction."""

    do: ClassVar[str] = "move-bytes"
    direction: str = "to-broker"
    """Or "to-connector"."""
    count: int = -1
    """At most so many; -1: all."""


@step("connector")
@dataclass(frozen=True, slots=True)
class DiskWorks(Step):
    """So many pieces of what the disk has to do are done: pages, letters, acknowledgements."""

    do: ClassVar[str] = "disk-works"
    count: int = 1
    index: int = 0
    """Which of those that wait is done each time, or the last one if there are fewer."""


@step("connector")
@dataclass(frozen=True, slots=True)
class WallClock(Step):
    """The wall clock jumps, the other clock does not."""

    do: ClassVar[str] = "wall-clock"
    seconds: int = -3600


@step("connector")
@dataclass(frozen=True, slots=True)
class Misread(Step):
    """Reads of a segment show a record with one bit turned; the medium is as it was."""

    do: ClassVar[str] = "misread"
    file: int = -1
    """Which segment, from the oldest; -1 is the newest."""
    record: int = 0
    bit: int = 100
    """Of the record."""
    at: int = 1
    """The how-manieth read of the file from here on is the first that shows it."""
    times: int = 1
    """So many do; 0: all, until healed."""


# ---- The link ---------------------------------------------------------------


@step("connector")
@dataclass(frozen=True, slots=True)
class Cut(Step):
    """The connection breaks; what is in the pipe is lost."""

    do: ClassVar[str] = "cut"


@step("connector")
@dataclass(frozen=True, slots=True)
class HalfOpen(Step):
    """From here on nothing arrives on this connection, and nobody is told."""

    do: ClassVar[str] = "half-open"
    direction: str = ""
    """Only in this direction; empty: in both."""


@step("connector")
@dataclass(frozen=True, slots=True)
class LinkFault(Step):
    """Something happens at a byte of a connection (simulators/link_faults.py has the kinds)."""

    do: ClassVar[str] = "link-fault"
    kind: str = "reset"
    direction: str = "to-broker"
    offset: int = 0
    """The first byte concerned, from the start of the connection."""
    amount: float = 0.0
    """Seconds of a delay, bytes of a piece."""
    connection: int = 1
    """The how-manieth connection that is made from here on."""


# ---- The broker -------------------------------------------------------------


@step("connector")
@dataclass(frozen=True, slots=True)
class BrokerFault(Step):
    """The broker will misbehave: `NAME@K`, at the Kth publish or connection from here on.

    simulators/broker_fault_text.py has the whole grammar, broker_faults.py the names.
    """

    do: ClassVar[str] = "broker-fault"
    fault: str = "reset-before-acknowledgement@1"


@step("connector")
@dataclass(frozen=True, slots=True)
class BrokerRestart(Step):
    """The broker's process ends, and another one begins."""

    do: ClassVar[str] = "broker-restart"
    keeps_memory: bool = True
    """Whether it knows what it had taken."""


@step("connector")
@dataclass(frozen=True, slots=True)
class BrokerStopsListening(Step):
    """The broker is gone: connections are dropped, new ones refused."""

    do: ClassVar[str] = "broker-stops-listening"


@step("connector")
@dataclass(frozen=True, slots=True)
class BrokerListens(Step):
    """It is back, with all that it knew."""

    do: ClassVar[str] = "broker-listens"


# ---- The directory, while nothing runs --------------------------------------


@step("connector")
@dataclass(frozen=True, slots=True)
class Snapshot(Step):
    """Somebody copies the directory."""

    do: ClassVar[str] = "snapshot"


@step("connector")
@dataclass(frozen=True, slots=True)
class Restore(Step):
    """The process is killed, and the directory is what the copy was: what came later is gone."""

    do: ClassVar[str] = "restore"


@step("connector")
@dataclass(frozen=True, slots=True)
class Wipe(Step):
    """The process is killed, and somebody deletes the segments: numbers begin anew."""

    do: ClassVar[str] = "wipe"


@step("connector")
@dataclass(frozen=True, slots=True)
class Plant(Step):
    """Another writer's sound record stands behind the newest one; the process was killed."""

    do: ClassVar[str] = "plant"
    payload_bytes: int = 200
    """Of timestamp and event."""
    is_decodable: bool = True


# ---- What has to hold now ---------------------------------------------------


@step("connector")
@dataclass(frozen=True, slots=True)
class ExpectLevel(Step):
    """The level of backpressure is this one (I8)."""

    do: ClassVar[str] = "expect-level"
    level: str = "released"


@step("connector")
@dataclass(frozen=True, slots=True)
class ExpectDelivered(Step):
    """The broker has every event whose publish returned, but for this many (I10)."""

    do: ClassVar[str] = "expect-delivered"
    but_for: int = 0


@step("connector")
@dataclass(frozen=True, slots=True)
class ExpectStored(Step):
    """The last publish stored so many events (I11)."""

    do: ClassVar[str] = "expect-stored"
    count: int = 1


@step("connector")
@dataclass(frozen=True, slots=True)
class ExpectRepeats(Step):
    """So many events at most were ever sent again (I4)."""

    do: ClassVar[str] = "expect-repeats"
    most: int = 0


@step("connector")
@dataclass(frozen=True, slots=True)
class ExpectBacklog(Step):
    """The connector itself counts so many events at most as undelivered (I10)."""

    do: ClassVar[str] = "expect-backlog"
    most: int = 0


@step("connector")
@dataclass(frozen=True, slots=True)
class ExpectAttempts(Step):
    """Since the last of these steps so many links were tried (I10)."""

    do: ClassVar[str] = "expect-attempts"
    least: int = 1
    most: int = 1000


@step("connector")
@dataclass(frozen=True, slots=True)
class Quiesce(Step):
    """Faults are over: everything is delivered in bounded time, the log shrinks (I10)."""

    do: ClassVar[str] = "quiesce"
