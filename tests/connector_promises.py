"""What connector, log and broker promise together, as invariants of a state machine.

    order          per log_id the broker records rising numbers, byte for byte what was published
    no loss        what was published is recorded, or in the log, or a dead letter   DEL-1.1
    window         the broker sees no rule broken by the connector                   LNK-3.1
    no repeats     across a clean shutdown, whatever the broker forgot               DEL-1.3
    memory         never above the limit, but for a single event                     BUF-1.1
    level          that of a model of ten lines                                      BPR-1.1

The model: what publish was called with, what it returned, and what the broker recorded.

Not here: what happens (test_connector_machine.py).
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from hypothesis.stateful import RuleBasedStateMachine, invariant

from reference.dead_letters import DeadLetterFile
from reference.events import LogEntry, ProcessEvent
from reference.link_messages import TOPICS, Publish, decode_message, encode_message
from reference.names import DEAD_LETTERS_NAME
from simulators.connector_world import ConnectorWorld
from tests.wal_helpers import CLOCK_NS

LIMIT_BYTES = 1000
"""Of the connector's buffer."""


class ConnectorPromises(RuleBasedStateMachine):
    """The model, and what holds whatever happens. Who has rules sets all of it at the start."""

    world: ConnectorWorld
    disk: Any
    offered: dict[int, ProcessEvent]
    """Pid to event: everything that publish was called with."""
    returned: dict[int, int]
    """Sequence to pid: everything that it returned."""
    settled_at_shutdown: tuple[int, int]
    """What a clean end had settled, and how much the broker had recorded by then."""
    refused: set[int | None]
    """What an earlier broker refused."""
    level: str
    signals_seen: int
    """Of backpressure, by the model, since the connector was started."""

    @invariant()
    def order_is_that_of_the_log(self) -> None:
        numbers: dict[bytes, list[int]] = {}
        for each in self.world.broker.received:
            own = numbers.setdefault(each.log_id, [])
            if each.entry.sequence not in own:  # a receiver drops repeats
                own.append(each.entry.sequence)
            found = each.entry.event
            assert found == self.offered[found.pid]
            assert self.returned.get(each.entry.sequence, found.pid) == found.pid
            assert each.topic == TOPICS[found.event_type]
        # A refusal that the broker forgot may turn into an acceptance later.
        refused = {s.sequence for s in self.world.broker.dice.fired if s.name == "refuse"}
        for own in numbers.values():
            taken_at_once = [number for number in own if number not in refused | self.refused]
            assert taken_at_once == sorted(taken_at_once)

    @invariant()
    def a_clean_shutdown_repeats_nothing(self) -> None:
        settled, recorded = self.settled_at_shutdown
        for each in self.world.broker.received[recorded:]:
            assert each.entry.sequence > settled

    @invariant()
    def the_connector_keeps_the_rules(self) -> None:
        assert self.world.broker.violations == []

    @invariant()
    def nothing_is_lost(self) -> None:
        accounted = {each.entry.sequence for each in self.world.broker.received}
        accounted |= {entry.sequence for entry in self.world.connector.log.replay()}
        sizes = {entry.name: entry.size_bytes for entry in self.disk.list()}
        letters = DeadLetterFile(self.disk, sizes.get(DEAD_LETTERS_NAME)).letters()
        accounted |= {letter.sequence for letter in letters}
        assert accounted >= set(self.returned)

    @invariant()
    def memory_is_exact_and_bounded(self) -> None:
        buffer = self.world.connector.core.buffer
        held = []
        for sequence in buffer.sequences():
            data = buffer.get(sequence)
            assert data is not None
            message = decode_message(data.data[4:])
            assert isinstance(message, Publish)
            held.append(frame_bytes(self.offered[message.entry.event.pid]))
        assert buffer.used_bytes == sum(held)
        assert buffer.used_bytes <= LIMIT_BYTES or len(held) == 1

    @invariant()
    def level_is_that_of_the_model(self) -> None:
        signals = self.world.connector.said.signals
        for signal in signals[self.signals_seen :]:
            fill = Fraction(signal.state.used_bytes, LIMIT_BYTES)
            held_on = signal.state.is_spilled or signal.state.is_blocked
            if held_on or fill >= Fraction(7, 10):
                self.level = "triggered"
            elif fill <= Fraction(1, 2):
                self.level = "released"
            assert signal.state.level.value == self.level
        self.signals_seen = len(signals)
        assert self.world.connector.channel.state.level.value == self.level


def frame_bytes(event: ProcessEvent) -> int:
    entry = LogEntry(1, CLOCK_NS, event)
    return 4 + len(encode_message(Publish(TOPICS[event.event_type], entry)))
