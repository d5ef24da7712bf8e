"""What a log has promised by a moment, and what it answered later: plain data.

The promises are kept by whoever runs a plan, in the order in which they were made; the log
under test has no part in it. Crash exploration needs both to be hashable. Spec: SCN-1.3.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stored:
    """An append returned these numbers for the events with these pids."""

    numbers: tuple[tuple[int, int], ...]
    """Sequence and pid."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """An append said for certain that these were not stored, and never will be."""

    pids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Settled:
    """Nobody needs these any more, from the moment at which the log was told."""

    sequences: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Buried:
    """These went to the dead letters, to be kept there."""

    sequences: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The log was closed in good order: what is settled does not come back."""


@dataclass(frozen=True, slots=True)
class Handed:
    """A replay handed these out, so they may be on their way to the broker."""

    numbers: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Rotten:
    """The medium was changed: so many events may be missing for it, if they are reported."""

    lost_max: int
    repeats: bool = False
    """What says how far the log was acknowledged was hit: settled events may come back."""


@dataclass(frozen=True, slots=True)
class Opening:
    """An open began on a medium that was changed. If it does not end, it may have said to its
    log alone what is gone: recovery warns first, makes the burned numbers durable, then returns.
    """


@dataclass(frozen=True, slots=True)
class Reported:
    """An open called these numbers lost, or possibly lost."""

    numbers: tuple[int, ...]
    gone: tuple[int, ...]
    """Of those, the ones that had to come back, for which there was an excuse: it is spent."""


Promise = Stored | Rejected | Settled | Buried | Forgotten | Handed | Rotten | Opening | Reported

STRANGER = -1
"""The pid of an event that is equal to none that was offered."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What opening gave: hashable, so that equal ones can be counted."""

    replayed: tuple[tuple[int, int], ...] = ()
    """Sequence and pid; the pid is STRANGER if the event is not byte for byte one of ours."""
    next_sequence: int = 0
    lost: tuple[int, ...] = ()
    """Numbers that the report calls lost or possibly lost."""
    certainly_lost: tuple[int, ...] = ()
    """Of those, what it calls lost for certain."""
    dead_letters: tuple[int, ...] = ()
    """Sequences in the dead-letter file."""
    refused: str = ""
    """Why the log could not be opened; empty if it was."""
    hidden_from: int = 0
    """A log on a full disk does not hand these out yet, from here on; 0 if it hides none."""
    kept: tuple[int, ...] = ()
    """In the log, not decodable, and no dead letter could be written: they wait for one."""
    is_degraded: bool = False
    """The log said that it cannot be appended to for now."""
    unstable: str = ""
    """What was different when it was recovered again; empty if nothing, or if not tried."""
