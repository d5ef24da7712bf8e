"""The steps of a plan on a log: calls of the log, faults of its disk, crashes.

A process opens the log, uses it, and ends: it closes, is killed, or the power fails. A killed
process leaves the disk as it is, what was not synced still pending; a power cut keeps what
the step says, and a new boot begins. `power-cut` looks back: it takes the boot to the moment
that it names, and what was done later has not happened.

Numbers are relative ("the oldest three"), so that a plan stays a plan when a step before is
taken out. Spec: SCN-1.2.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from fault_injection.plan import Step, step


@step("log")
@dataclass(frozen=True, slots=True)
class Open(Step):
    """Open the log, replay it, and check what came back. If it is open: nothing."""

    do: ClassVar[str] = "open"


@step("log")
@dataclass(frozen=True, slots=True)
class Replay(Step):
    """Replay the open log once more, and check what comes back."""

    do: ClassVar[str] = "replay"


@step("log")
@dataclass(frozen=True, slots=True)
class Append(Step):
    """Append events, as one batch."""

    do: ClassVar[str] = "append"
    count: int = 1
    padding_bytes: int = 0
    """How much longer than the shortest each event is."""


@step("log")
@dataclass(frozen=True, slots=True)
class Acknowledge(Step):
    """The broker has so many more of the oldest."""

    do: ClassVar[str] = "acknowledge"
    count: int = 1


@step("log")
@dataclass(frozen=True, slots=True)
class Refuse(Step):
    """The broker refuses the oldest unsettled event for good."""

    do: ClassVar[str] = "refuse"


@step("log")
@dataclass(frozen=True, slots=True)
class Close(Step):
    """Close the log in good order."""

    do: ClassVar[str] = "close"


@step("log")
@dataclass(frozen=True, slots=True)
class Kill(Step):
    """The process is killed: now, or in its call of the disk after so many others."""

    do: ClassVar[str] = "kill"
    after_calls: int = -1
    """Counted from the last open; -1: after the steps before."""


@step("log")
@dataclass(frozen=True, slots=True)
class PowerCut(Step):
    """The power failed at a moment of this boot; the disk kept some of what was pending."""

    do: ClassVar[str] = "power-cut"
    moment: int = -1
    """Index of the recorded moment; -1: now, after the steps before."""
    kept: str = "none"
    """"none", "all", a pick (cuts.py), or a bit mask of pending operations, in hexadecimal."""
    filling: str = "zeros"
    """What shows where a size was kept and the bytes were not."""
    nearest: bool = False
    """What cannot be so at this moment is made legal; the last moment if there is no such."""


@step("log", "connector")
@dataclass(frozen=True, slots=True)
class Fault(Step):
    """A call of the disk will go wrong."""

    do: ClassVar[str] = "fault"
    call: str = "sync"
    error: str = "EIO"
    at: int = 1
    """The how-manieth matching call from now is the first that fails."""
    times: int = 1
    """So many fail; 0: all, until healed; of interruptions, a thousand."""
    suffix: str = ""
    """Only for names that end so."""
    short: int = -1
    """`append` writes at most so many bytes instead of failing."""
    policy: str = ""
    """How a sync fails: a filesystem of disk_faults.py. Empty: the weakest."""


@step("log", "connector")
@dataclass(frozen=True, slots=True)
class Heal(Step):
    """The disk works again."""

    do: ClassVar[str] = "heal"


@step("log", "connector")
@dataclass(frozen=True, slots=True)
class Damage(Step):
    """While nothing runs, the medium changes: see damage.py for the kinds."""

    do: ClassVar[str] = "damage"
    kind: str = "flip"
    file: int = 0
    """Which segment, from the oldest; -1 is the newest; -2 the acknowledgement file; -3 `name`."""
    name: str = ""
    """The file, where it is none of those."""
    record: int = -1
    """Which record of it; -1: the place is counted from the start of the file."""
    place: int = 0
    """Bit or byte, from there."""
    amount: int = 1
    other: int = 0
    """Kinds that need a second segment: which."""
    lost_max: int = 0
    """At most so many events may be missing for it, and have to be reported."""


@step("log")
@dataclass(frozen=True, slots=True)
class Snapshot(Step):
    """Somebody copies the directory, to put files back later (`damage`, kind `stale`)."""

    do: ClassVar[str] = "snapshot"


@step("log")
@dataclass(frozen=True, slots=True)
class Inspect(Step):
    """From now until the process ends, a reader looks at the directory, also amid each write."""

    do: ClassVar[str] = "inspect"


CHECKS: Final = ("said-once", "degraded", "goes-on", "deletes", "refused", "bounded", "untouched")
"""What can be asked; log_checks.py has what each word means."""


@step("log")
@dataclass(frozen=True, slots=True)
class Check(Step):
    """Ask for more than every open does, by one of the words of CHECKS."""

    do: ClassVar[str] = "check"
    what: str = "said-once"


@step("log")
@dataclass(frozen=True, slots=True)
class Drain(Step):
    """Faults are over: open, acknowledge everything; the log has to go on and to shrink."""

    do: ClassVar[str] = "drain"


ENDINGS: Final = (Close, Kill, PowerCut, Damage)
"""A process, or a boot, ends with these."""


def processes(
    steps: Sequence[Step], endings: tuple[type[Step], ...] = ENDINGS
) -> Iterator[list[Step]]:
    """Yield the steps of one process after the other, each with its end.

    With other `endings`, of what ends with those: a boot, with a power cut.
    """
    current: list[Step] = []
    for each in steps:
        current.append(each)
        if isinstance(each, endings):
            yield current
            current = []
    yield current
