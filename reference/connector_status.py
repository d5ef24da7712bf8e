"""What a connector tells of itself: its status while it runs, and how it ended.

Spec: CLI-4.3, CON-3.4.
"""

from __future__ import annotations

from dataclasses import dataclass

from reference.connector_core import ConnectorCore
from reference.connector_inputs import Finished
from reference.wal import CloseReport, WriteAheadLog


@dataclass(frozen=True, slots=True)
class ConnectorStatus:
    """One moment. Sequences are numbers here and decimal strings in JSON."""

    link: str
    """The state's word (connector_states.py)."""
    problem: str
    """Why there is no link; empty if there is one or none was asked for."""
    log_id: str
    sequence: int
    """The highest that was given."""
    acknowledged: int
    """Everything up to here is settled."""
    backlog: int
    """Durable events that are not settled."""
    outstanding: int
    """Of those, sent on the present link and not answered."""
    buffer_used_bytes: int
    buffer_limit_bytes: int
    backpressure: str
    spilled: bool
    dead_letters_blocked: bool
    published: int
    repeated: int
    refused: int
    lost: int
    links: int
    violations: int

    def as_json(self) -> dict[str, object]:
        """Return the published form."""
        words = {name: getattr(self, name) for name in self.__slots__}
        words["sequence"], words["acknowledged"] = str(self.sequence), str(self.acknowledged)
        return words

    def as_line(self) -> str:
        """Return one line for a terminal."""
        percent = 100 * self.buffer_used_bytes / self.buffer_limit_bytes
        words = [
            self.link,
            f"sequence {self.sequence}",
            f"acknowledged {self.acknowledged}",
            f"backlog {self.backlog}",
            f"buffer {percent:.1f} %{' +log' if self.spilled else ''}",
            f"backpressure {self.backpressure}",
        ]
        if self.dead_letters_blocked:
            words.append("dead letters cannot be stored")
        return " | ".join(words)


def status_of(core: ConnectorCore, log: WriteAheadLog) -> ConnectorStatus:
    """Return the status as it is now."""
    buffer, counters = core.buffer, core.counters
    return ConnectorStatus(
        link=core.link.state.value,
        problem=core.link.problem,
        log_id=core.log_id.hex(),
        sequence=log.next_sequence - 1,
        acknowledged=buffer.watermark,
        backlog=core.backlog,
        outstanding=core.outstanding,
        buffer_used_bytes=buffer.used_bytes,
        buffer_limit_bytes=buffer.limit_bytes,
        backpressure=core.backpressure.level.value,
        spilled=buffer.is_spilled,
        dead_letters_blocked=core.backpressure.is_blocked,
        published=counters.published,
        repeated=counters.repeated,
        refused=counters.refused,
        lost=counters.lost,
        links=counters.links,
        violations=core.link.violations,
    )


@dataclass(frozen=True, slots=True)
class ShutdownReport:
    """How a connector ended."""

    is_clean: bool
    """Nothing that was sent will be sent again: every answer came, and the watermark is durable.

    What else the log had to leave for the next open (a file that is not appended to again, after
    a disk that was full) repeats nothing."""
    undelivered: int
    """Events that are in the log still. They are sent after the next start."""
    repeats_possible: int
    """Events that the broker may have and that may be sent again."""
    reason: str
    """Why not clean; empty if it is."""
    next_sequence: int

    @classmethod
    def of(
        cls, core: ConnectorCore, log: WriteAheadLog, closed: CloseReport, finished: Finished
    ) -> ShutdownReport:
        """Put together what the core and the log say."""
        # What was settled above the durable watermark may not be known to be so.
        forgettable = max(0, core.buffer.watermark - log.durable_watermark)
        repeats = finished.repeats_possible + forgettable
        return cls(
            is_clean=not repeats,
            undelivered=core.backlog,
            repeats_possible=repeats,
            reason=(finished.reason or closed.reason) if repeats else "",
            next_sequence=closed.next_sequence,
        )
