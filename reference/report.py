"""What opening a log found: damage, losses, numbers. Reported, never raised.

A report is data. `RecoveryReport.as_json` is its published form: the vectors, `verify
--json` and ports use it. Every damage is also logged once, as a warning.

Three fates, because bytes cannot always tell:
    lost            the log held these numbers, and their events are gone
    possibly-lost   these numbers may have been handed out; they are burned
    dead-lettered   the event's bytes are in the dead-letter file
    none            nothing was lost (a bad header copy, a stale frame)

Spec: REP-1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from reference.limits import DAMAGES_LISTED_MAX


class DamageKind(Enum):
    """What was found. The value is the word used in reports and vectors."""

    HEADER_COPY = "header-copy"
    BODY = "damaged-body"
    REGION = "damaged-region"
    JUMP = "missing-numbers"
    STALE = "stale-frame"
    GAP = "gap-between-files"
    TAIL = "tail"
    UNREADABLE = "unreadable-file"
    FOREIGN = "foreign-file"
    UNDECODABLE = "undecodable-entry"
    MISSING_END = "missing-end"
    ACK_SLOT = "acknowledgement-slot"
    ACK_FILE = "acknowledgement-file"


class Fate(Enum):
    """What became of the numbers of a damage."""

    LOST = "lost"
    POSSIBLY_LOST = "possibly-lost"
    DEAD_LETTERED = "dead-lettered"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Damage:
    """One thing that was found: where, how large, and which numbers it concerns."""

    kind: DamageKind
    file: str
    offset: int
    length_bytes: int
    fate: Fate
    first_sequence: int = 0
    sequence_count: int = 0
    """0 means that no number is concerned, whatever `first_sequence` says."""
    detail: str = ""

    def as_json(self) -> dict[str, object]:
        """Return the published form. Numbers are decimal strings: JSON readers lose 2^53."""
        return {
            "kind": self.kind.value,
            "file": self.file,
            "offset": self.offset,
            "length_bytes": self.length_bytes,
            "fate": self.fate.value,
            "first_sequence": str(self.first_sequence) if self.sequence_count else None,
            "sequence_count": str(self.sequence_count),
            "detail": self.detail,
        }

    def __str__(self) -> str:
        numbers = ""
        if self.sequence_count:
            last = self.first_sequence + self.sequence_count - 1
            numbers = f", sequences {self.first_sequence}..{last} {self.fate.value}"
        detail = f" ({self.detail})" if self.detail else ""
        return (
            f"{self.kind.value}: {self.file} at offset {self.offset}, "
            f"{self.length_bytes} bytes{numbers}{detail}"
        )


@dataclass(slots=True)
class RecoveryReport:
    """The result of opening or surveying a directory."""

    log_id: str = ""
    previous_log_id: str = ""
    clean_shutdown: bool = True
    """The newest file is exactly as the last clean close left it."""
    segments: int = 0
    entries: int = 0
    """Unsettled entries that will be replayed."""
    acknowledged_through: int = 0
    next_sequence: int = 1
    lost: int = 0
    possibly_lost: int = 0
    dead_lettered: int = 0
    damages: list[Damage] = field(default_factory=list)
    damages_not_listed: int = 0
    ignored: list[str] = field(default_factory=list)
    """Names in the directory that the log does not touch."""
    removed: list[str] = field(default_factory=list)
    """Leftovers of an interrupted rotation or recovery, which never held a record."""
    quarantined: list[str] = field(default_factory=list)
    not_kept: int = 0
    """Damaged stretches that were not copied aside, for lack of room."""
    degraded: str = ""
    """Why no file can be appended to yet; empty if one can."""
    live: bool = False
    """A tool looked while a log was running: an unfinished end is no damage."""

    def add(self, damage: Damage) -> None:
        """Count the damage and list it while there is room."""
        if damage.fate is Fate.LOST:
            self.lost += damage.sequence_count
        elif damage.fate is Fate.POSSIBLY_LOST:
            self.possibly_lost += damage.sequence_count
        elif damage.fate is Fate.DEAD_LETTERED:
            self.dead_lettered += damage.sequence_count
        if len(self.damages) < DAMAGES_LISTED_MAX:
            self.damages.append(damage)
        else:
            self.damages_not_listed += 1

    @property
    def is_clean(self) -> bool:
        """Whether nothing at all is damaged."""
        return not self.damages

    def as_json(self) -> dict[str, object]:
        """Return the published form (Spec: REP-1.3)."""
        return {
            "log_id": self.log_id,
            "previous_log_id": self.previous_log_id,
            "clean_shutdown": self.clean_shutdown,
            "segments": self.segments,
            "entries": self.entries,
            "acknowledged_through": str(self.acknowledged_through),
            "next_sequence": str(self.next_sequence),
            "lost": str(self.lost),
            "possibly_lost": str(self.possibly_lost),
            "dead_lettered": str(self.dead_lettered),
            "damages": [damage.as_json() for damage in self.damages],
            "damages_not_listed": self.damages_not_listed,
            "ignored": sorted(self.ignored),
            "removed": sorted(self.removed),
            "quarantined": sorted(self.quarantined),
            "not_kept": self.not_kept,
            "degraded": self.degraded,
            "live": self.live,
        }
