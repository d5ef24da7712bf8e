"""The oracle of a connector: lists of what was promised, compared with where the events are.

An event whose publish returned is recorded by the broker, in the log, or a dead letter: after
every step, not only at the end. The lists are kept by whoever runs the plan; of the connector
under test only what it does is looked at: the bytes it sent, the log it left, the level it told.

    I1   returned, and in none of the three places
    I2   recorded or replayed, and offered by nobody, or another event than was returned
    I3   recorded for the first time after a higher number was; a Publish out of order
    I4   the same number again and not the same event; again at all after a clean shutdown
    I6   a number that was given twice
    I7   gone through damage and not reported; called lost and still there
    I8   the level (level_model.py)
    I9   more memory than the limit; more in flight than the window
    I11  rejected for certain, and there
    I12  called lost after it was settled: deleted before that was durable

A number that was once refused comes when it comes (DEL-1.2), so I3 says nothing of it. What a
broker took and forgot was its duty from then on: it counts as recorded for ever.

Spec: SCN-1.3, DEL-1.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from fault_injection.invariants import Broken
from fault_injection.level_model import LevelModel, frame_bytes
from fault_injection.promises import STRANGER
from reference.backpressure import Subscription
from reference.codec import encode_event
from reference.dead_letters import DeadLetter
from reference.events import LogEntry, ProcessEvent
from reference.report import Fate, RecoveryReport
from simulators.broker_session import Violation
from simulators.connector_driver import ConnectorDriver
from simulators.fake_broker import FakeBroker

_PUBLISH_START: Final = struct.Struct("<IIQ")  # length, tag, sequence
_PUBLISH_TAG: Final = 1
_RULES: Final = {"LNK-2.2": "I9", "LNK-3.1": "I3"}
"""Which invariant a rule of the link is part of; the others say what may be sent at all (I2)."""


@dataclass(slots=True)
class Ledger:
    """What was promised, for as long as the directory lives."""

    returned: dict[int, int] = field(default_factory=dict)
    """Sequence to pid, of every publish that returned."""
    given: dict[int, int] = field(default_factory=dict)
    """The same for every number that was seen on an event."""
    recorded: dict[int, LogEntry] = field(default_factory=dict)
    """What the broker took under each number at first."""
    forbidden: set[int] = field(default_factory=set)
    """Sent by a process that ended clean: never sent again."""
    called_lost: set[int] = field(default_factory=set)
    lost_max: int = 0

    def copy(self) -> Ledger:
        """Return the same as it is now."""
        return Ledger(
            dict(self.returned), dict(self.given), dict(self.recorded), set(self.forbidden),
            set(self.called_lost), self.lost_max,
        )  # fmt: skip


@dataclass(slots=True)
class Life:
    """What was seen of one process."""

    connector: ConnectorDriver
    level: LevelModel
    subscription: Subscription
    sent: set[int] = field(default_factory=set)
    sent_seen: int = 0
    signals_seen: int = 0
    is_sure: bool = True
    """Nothing happened that holds the level on for a reason that sizes do not show."""


class ConnectorOracle:
    """Everything that is known of one plan's run. `check` asks for all of it."""

    def __init__(self, broker: FakeBroker) -> None:
        self.ledger = Ledger()
        self.offered: dict[int, ProcessEvent] = {}
        self.rejected: set[int] = set()
        self.letters: dict[int, DeadLetter] = {}
        """What is in the dead-letter file now."""
        self.repeats = 0
        """How often a number was sent that had been sent before."""
        self._broker = broker
        self._sent_ever: set[int] = set()
        self._received_seen = 0
        self._delivered: set[tuple[int, int]] = set()
        """Number and pid of all that a broker took, restored directories included."""
        self._life: Life | None = None

    # ---- What whoever runs the plan has to tell ------------------------------

    def published(self, sequences: Iterable[int], pids: Iterable[int]) -> Broken | None:
        """Publishing returned these numbers for the events with these pids."""
        ledger = self.ledger
        for sequence, pid in zip(sequences, pids, strict=False):
            highest = max(ledger.returned, default=0)
            if sequence <= highest:
                return Broken("I6", f"{sequence} was returned after {highest} was", sequence)
            if sequence != highest + 1 and self._life is not None:
                self._life.is_sure = False  # numbers were burned: what is behind them is read back
            ledger.returned[sequence] = pid
            if broken := self._give(sequence, pid):
                return broken
        return None

    def begin(self, connector: ConnectorDriver) -> Broken | None:
        """A process has opened the log."""
        level = LevelModel(connector.core.buffer.limit_bytes)
        self._life = Life(connector, level, connector.channel.subscribe())
        hidden = connector.log.hidden_from
        if hidden is None:
            level.open(sum(frame_bytes(entry) for entry in connector.log.replay()))
        else:
            self._life.is_sure = False
        return self._called_lost(connector.log.report)

    def disturb(self) -> None:
        """Something went wrong that may hold the level on in this process."""
        if self._life is not None:
            self._life.is_sure = False

    def end(self, *, is_clean: bool) -> Broken | None:
        """The process is gone; return what its last words broke."""
        if self._life is None:
            return None
        broken = self._sent(self._life)
        if is_clean:
            self.ledger.forbidden |= self._life.sent
        self._life = None
        return broken

    def restored(self, ledger: Ledger) -> None:
        """The directory is what it was when its ledger was this one."""
        self.ledger = ledger.copy()
        self.ledger.forbidden.clear()  # the new log_id sends what the old one had sent
        self.ledger.recorded.clear()

    # ---- The invariants -----------------------------------------------------

    def check(self) -> Broken | None:
        """Return the first thing that is broken. Raises ReadFailed while the disk does not read."""
        broken = self._received() or self._violations()
        life = self._life
        if broken or life is None:
            return broken
        live = {entry.sequence: entry for entry in life.connector.log.replay()}
        return (
            self._sent(life)
            or self._replayed(live)
            or self._missing(live, life.connector.log.hidden_from)
            or self._levels(life, live)
            or self._memory(life)
        )

    @property
    def undelivered(self) -> list[int]:
        """Numbers whose publish returned and which no broker has, dead letters left out."""
        return [
            n for n, pid in self.ledger.returned.items()
            if (n, pid) not in self._delivered and not self._is_buried(n, pid)
        ]  # fmt: skip

    def _received(self) -> Broken | None:
        recorded = self.ledger.recorded
        refused = {each.sequence for each in self._broker.refused}
        received, self._received_seen = (
            self._broker.received[self._received_seen :], len(self._broker.received)
        )  # fmt: skip
        for each in received:
            entry = each.entry
            sequence, pid = entry.sequence, entry.event.pid
            if broken := self._is_ours(entry, "recorded"):
                return broken
            first = recorded.get(sequence)
            if first is None:
                highest = max(recorded, default=0)
                if sequence < highest and sequence not in refused:
                    return Broken(
                        "I3", f"{sequence} arrives for the first time after {highest}", sequence
                    )
                recorded[sequence] = entry
            elif first != entry:
                return Broken("I4", f"{sequence} comes again, and is not the same event", sequence)
            self._delivered.add((sequence, pid))
        return None

    def _violations(self) -> Broken | None:
        violations: list[Violation] = self._broker.violations
        if not violations:
            return None
        first = violations[0]
        return Broken(_RULES.get(first.requirement, "I2"), f"a rule of the link: {first}")

    def _sent(self, life: Life) -> Broken | None:
        sent = life.connector.said.sent
        for data in sent[life.sent_seen :]:
            if len(data) < _PUBLISH_START.size:
                continue
            _, tag, sequence = _PUBLISH_START.unpack_from(data)
            if tag != _PUBLISH_TAG:
                continue
            if sequence in self.ledger.forbidden:
                return Broken(
                    "I4", f"{sequence} was sent by a process that ended clean, and is sent again",
                    sequence,
                )  # fmt: skip
            life.sent.add(sequence)
            self.repeats += sequence in self._sent_ever
            self._sent_ever.add(sequence)
        life.sent_seen = len(sent)
        return None

    def _replayed(self, live: Mapping[int, LogEntry]) -> Broken | None:
        if list(live) != sorted(live):
            return Broken("I3", f"the log replays in the order {list(live)}")
        for entry in live.values():
            if broken := self._is_ours(entry, "replayed"):
                return broken
        return None

    def _missing(self, live: Mapping[int, LogEntry], hidden_from: int | None) -> Broken | None:
        missing = [
            n for n in self.undelivered
            if n not in live and (hidden_from is None or n < hidden_from)
        ]  # fmt: skip
        ledger = self.ledger
        if not missing:
            return None
        if not ledger.lost_max:
            return Broken("I1", f"{missing} are neither recorded nor in the log", missing[0])
        if silent := [n for n in missing if n not in ledger.called_lost]:
            return Broken("I7", f"{silent} are gone through damage, and not reported", silent[0])
        if len(missing) > ledger.lost_max:
            return Broken("I7", f"{missing} are gone, the damage could cost {ledger.lost_max}")
        return None

    def _levels(self, life: Life, live: Mapping[int, LogEntry]) -> Broken | None:
        said = life.connector.said.signals
        wrong = life.level.signals(each.state for each in said[life.signals_seen :])
        life.signals_seen = len(said)
        state = life.connector.channel.state
        is_at_rest = not life.connector.jobs and life.connector.log.hidden_from is None
        if is_at_rest and not wrong:
            unsettled = sum(frame_bytes(entry) for entry in live.values())
            wrong = life.level.at_rest(state, unsettled, is_sure=life.is_sure)
        else:
            life.level.word = state.level.value
        news = life.subscription.wait(0)
        wrong = wrong or life.level.told(
            None if news is None else news.level.value, state.level.value
        )
        return Broken("I8", wrong) if wrong else None

    def _memory(self, life: Life) -> Broken | None:
        buffer = life.connector.core.buffer
        held = [event for n in buffer.sequences() if (event := buffer.get(n)) is not None]
        used = sum(len(event.data) for event in held)
        if used != buffer.used_bytes:
            return Broken("I9", f"{used} bytes are in memory and {buffer.used_bytes} are counted")
        if used > buffer.limit_bytes and len(held) > 1:
            return Broken("I9", f"{used} bytes are in memory, the limit is {buffer.limit_bytes}")
        return None

    # ---- Single events ------------------------------------------------------

    def _is_ours(self, entry: LogEntry, how: str) -> Broken | None:
        sequence, pid = entry.sequence, entry.event.pid
        if self.offered.get(pid) != entry.event:
            return Broken("I2", f"{sequence} is {how}, and nobody offered its event", sequence)
        if pid in self.rejected:
            return Broken("I11", f"{sequence} was rejected for certain, and is {how}", sequence)
        returned = self.ledger.returned.get(sequence, pid)
        if returned != pid:
            return Broken(
                "I2",
                f"{sequence} was returned for event {returned}, event {pid} is {how}",
                sequence,
            )
        return self._give(sequence, pid)

    def _give(self, sequence: int, pid: int) -> Broken | None:
        first = self.ledger.given.setdefault(sequence, pid)
        if first != pid:
            return Broken("I6", f"{sequence} was given to event {first}, then to {pid}", sequence)
        return None

    def _is_buried(self, sequence: int, pid: int) -> bool:
        letter = self.letters.get(sequence)
        if letter is None:
            return False
        return pid == STRANGER or letter.payload.endswith(encode_event(self.offered[pid]))

    def _called_lost(self, report: RecoveryReport) -> Broken | None:
        ledger = self.ledger
        certain: set[int] = set()
        for damage in report.damages:
            if damage.fate in (Fate.LOST, Fate.POSSIBLY_LOST):
                first = damage.first_sequence
                numbers = range(first, first + damage.sequence_count)
                ledger.called_lost.update(numbers)
                if damage.fate is Fate.LOST:
                    certain.update(numbers)
        if not ledger.lost_max and (gone := sorted(certain & set(ledger.recorded))):
            return Broken(
                "I12", f"{gone} are called lost: settled, deleted, not durably so", gone[0]
            )
        return None
