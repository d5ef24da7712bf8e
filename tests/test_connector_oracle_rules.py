"""Each rule of the connector's oracle by itself: lists go in, the broken invariant comes out.

No connector, log or broker runs here: what the oracle looks at is put together by hand.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from fault_injection.connector_oracle import ConnectorOracle
from fault_injection.invariants import Broken
from fault_injection.level_model import frame_bytes
from fault_injection.subject import CLOCK_NS, make_event
from reference.backpressure import BackpressureChannel, BackpressureState, Level
from reference.codec import encode_event, encode_timestamp
from reference.dead_letters import DeadLetter
from reference.events import LogEntry
from reference.link_messages import encode_publish_frame
from reference.report import Damage, DamageKind, Fate
from simulators.broker_memory import ReceivedEvent, RefusedEvent
from simulators.broker_session import Violation

pytestmark = pytest.mark.req("SCN-1.3", "SCN-4.1")
LIMIT_BYTES = 3000


def entry(sequence: int, pid: int = 0, time_ns: int = CLOCK_NS) -> LogEntry:
    """The event of this number; the pid is the same if none is given."""
    return LogEntry(sequence, time_ns, make_event(pid or sequence))


@dataclass
class Broker:
    """What a broker has to show."""

    received: list[ReceivedEvent] = field(default_factory=list)
    refused: list[RefusedEvent] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)


@dataclass
class Report:
    """What an open found."""

    damages: list[Damage] = field(default_factory=list)


@dataclass
class Log:
    """A log that replays this."""

    entries: list[LogEntry] = field(default_factory=list)
    hidden_from: int | None = None
    report: Report = field(default_factory=Report)

    def replay(self) -> list[LogEntry]:
        return self.entries


@dataclass
class Frame:
    """A frame in memory."""

    data: bytes


@dataclass
class Buffer:
    """What is in memory, and what is counted; None: just that."""

    held: dict[int, Frame] = field(default_factory=dict)
    counted: int | None = None
    limit_bytes: int = LIMIT_BYTES

    @property
    def used_bytes(self) -> int:
        if self.counted is not None:
            return self.counted
        return sum(len(each.data) for each in self.held.values())

    def sequences(self) -> list[int]:
        return list(self.held)

    def get(self, sequence: int) -> Frame | None:
        return self.held.get(sequence)


@dataclass
class Core:
    """As much of a core as is looked at."""

    buffer: Buffer = field(default_factory=Buffer)


@dataclass
class Said:
    """What a connector has said."""

    sent: list[bytes] = field(default_factory=list)
    signals: list[Any] = field(default_factory=list)


class Connector:
    """A connector that is at rest, with these entries in its log and as much counted."""

    def __init__(self, *entries: LogEntry, damages: tuple[Damage, ...] = ()) -> None:
        self.log = Log(list(entries), report=Report(list(damages)))
        self.core, self.said, self.jobs = Core(), Said(), list[object]()
        used = sum(frame_bytes(each) for each in entries)
        state = BackpressureState(Level.RELEASED, used, LIMIT_BYTES)
        self.channel = BackpressureChannel(state)


def oracle_of(
    broker: Broker, connector: Connector | None = None, *, offered: int = 5
) -> ConnectorOracle:
    """An oracle to whom events 1 to 5 were offered, and none has been returned."""
    oracle = ConnectorOracle(broker)  # type: ignore[arg-type]
    oracle.offered = {pid: make_event(pid) for pid in range(1, offered + 1)}
    if connector is not None:
        assert oracle.begin(connector) is None  # type: ignore[arg-type]
    return oracle


def received(*entries: LogEntry) -> list[ReceivedEvent]:
    return [ReceivedEvent(bytes(16), "procmond", "events", each) for each in entries]


def name(broken: Broken | None) -> str:
    return broken.invariant if broken is not None else ""


# ---- What the broker has ----------------------------------------------------


def test_a_number_that_comes_late_is_excused_by_its_own_refusal_only() -> None:
    broker = Broker(received(entry(2), entry(1)))
    assert name(oracle_of(broker).check()) == "I3"
    broker.refused = [RefusedEvent(bytes(16), 4, "no")]
    assert name(oracle_of(broker).check()) == "I3", "another was refused"
    broker.refused = [RefusedEvent(bytes(16), 1, "no")]
    assert name(oracle_of(broker).check()) == ""


def test_a_repeat_is_the_same_to_the_byte() -> None:
    assert name(oracle_of(Broker(received(entry(1), entry(1)))).check()) == ""
    late = entry(1, time_ns=CLOCK_NS + 1)
    assert name(oracle_of(Broker(received(entry(1), late))).check()) == "I4"


def test_what_the_broker_has_was_offered_returned_so_and_not_rejected() -> None:
    broker = Broker(received(entry(3)))
    oracle = oracle_of(broker)
    oracle.rejected = {3}
    assert name(oracle.check()) == "I11"
    oracle = oracle_of(broker)
    assert oracle.published([3], [4]) is None
    assert name(oracle.check()) == "I2"
    assert name(oracle_of(broker, offered=2).check()) == "I2"


@pytest.mark.parametrize(
    ("rule", "invariant"), [("LNK-2.2", "I9"), ("LNK-3.1", "I3"), ("LNK-1.1", "I2")]
)
def test_a_rule_of_the_link_is_part_of_an_invariant(rule: str, invariant: str) -> None:
    broker = Broker(violations=[Violation(1, None, rule, "why")])
    assert name(oracle_of(broker).check()) == invariant


# ---- Numbers ----------------------------------------------------------------


def test_returned_numbers_rise_and_each_is_of_one_event() -> None:
    oracle = oracle_of(Broker())
    assert oracle.published([1, 2], [1, 2]) is None
    assert name(oracle.published([2], [3])) == "I6"
    seen = oracle_of(Broker(received(entry(3))))
    assert seen.check() is None
    assert name(seen.published([3], [4])) == "I6", "it was seen on another event"


# ---- What the log has -------------------------------------------------------


def test_the_log_replays_in_order_and_what_is_ours() -> None:
    assert name(oracle_of(Broker(), Connector(entry(1), entry(2))).check()) == ""
    assert name(oracle_of(Broker(), Connector(entry(2), entry(1))).check()) == "I3"
    assert name(oracle_of(Broker(), Connector(entry(1, 9))).check()) == "I2"


def test_what_was_returned_is_somewhere() -> None:
    connector = Connector(entry(1))
    oracle = oracle_of(Broker(), connector)
    oracle.published([1, 2, 3], [1, 2, 3])
    assert name(oracle.check()) == "I1"
    connector.log.hidden_from = 2
    assert name(oracle.check()) == "", "hidden, from 2 on"
    connector.log.hidden_from = 3
    assert name(oracle.check()) == "I1", "2 is in front of what is hidden"


def test_a_dead_letter_buries_the_event_that_is_in_it_and_no_other() -> None:
    oracle = oracle_of(Broker(), Connector())
    oracle.published([1], [1])
    letter = DeadLetter(bytes(16), 1, "no", b"time" + encode_event(make_event(1)))
    oracle.letters = {1: letter}
    assert name(oracle.check()) == ""
    oracle.letters = {1: DeadLetter(bytes(16), 1, "no", b"time" + encode_event(make_event(2)))}
    assert name(oracle.check()) == "I1"


def lost(first: int, count: int, fate: Fate = Fate.LOST) -> Damage:
    return Damage(DamageKind.REGION, "procmond-00001.wal", 8192, 100, fate, first, count)


def test_damage_costs_what_it_may_and_is_reported() -> None:
    oracle = oracle_of(Broker(), Connector(entry(3), damages=(lost(2, 1),)))
    oracle.published([1, 2, 3], [1, 2, 3])
    oracle.ledger.lost_max = 2
    assert name(oracle.check()) == "I7", "1 is not reported"
    both = Connector(entry(3), damages=(lost(1, 1), lost(2, 1, Fate.POSSIBLY_LOST)))
    oracle.begin(both)  # type: ignore[arg-type]
    assert name(oracle.check()) == ""
    oracle.ledger.lost_max = 1
    assert name(oracle.check()) == "I7", "more than it may cost"


def test_what_was_settled_is_called_lost_only_where_the_medium_changed() -> None:
    broker = Broker(received(entry(1)))
    oracle = oracle_of(broker)
    assert oracle.check() is None
    certain = Connector(damages=(lost(1, 1),))
    possible = Connector(damages=(lost(1, 1, Fate.POSSIBLY_LOST),))
    assert name(oracle.begin(possible)) == ""  # type: ignore[arg-type]
    assert name(oracle.begin(certain)) == "I12"  # type: ignore[arg-type]
    oracle.ledger.lost_max = 1
    assert name(oracle.begin(certain)) == ""  # type: ignore[arg-type]


# ---- What was sent ----------------------------------------------------------


def encode_frame_of(sequence: int) -> bytes:
    payload = encode_timestamp(CLOCK_NS) + encode_event(make_event(sequence))
    return encode_publish_frame(sequence, payload)


def test_a_clean_end_forbids_repeats_and_a_restored_directory_forgets_that() -> None:
    first = Connector()
    oracle = oracle_of(Broker(), first)
    first.said.sent = [encode_frame_of(1)]
    assert oracle.end(is_clean=True) is None
    copy = oracle.ledger.copy()
    second = Connector()
    second.said.sent = [encode_frame_of(1)]
    oracle.begin(second)  # type: ignore[arg-type]
    assert name(oracle.check()) == "I4"
    oracle.restored(copy)
    third = Connector()
    third.said.sent = [encode_frame_of(1)]
    oracle.begin(third)  # type: ignore[arg-type]
    assert name(oracle.check()) == "", "another log_id sends what the old one had sent"


def test_a_restored_directory_may_send_other_events_under_the_same_numbers() -> None:
    broker = Broker(received(entry(1), entry(2)))
    oracle = oracle_of(broker)
    assert oracle.check() is None
    copy = oracle.ledger.copy()
    copy.given.clear()
    oracle.restored(copy)
    broker.received += received(entry(1, 3))
    assert name(oracle.check()) == "", "the broker takes it as another log's"


def test_repeats_are_counted_over_all_processes() -> None:
    first, second = Connector(), Connector()
    oracle = oracle_of(Broker(), first)
    first.said.sent = [encode_frame_of(1), b"ping", encode_frame_of(2)]
    assert oracle.check() is None
    oracle.end(is_clean=False)
    assert oracle.repeats == 0
    second.said.sent = [encode_frame_of(1), encode_frame_of(2), encode_frame_of(3)]
    oracle.begin(second)  # type: ignore[arg-type]
    assert oracle.check() is None
    assert oracle.repeats == 2


# ---- Memory -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("sizes", "counted", "invariant"),
    [
        ((100, 200), None, ""), ((100,), 101, "I9"), ((100,), 99, "I9"),
        ((LIMIT_BYTES - 1, 1), None, ""), ((LIMIT_BYTES, 1), None, "I9"),
        ((LIMIT_BYTES + 1,), None, ""),
    ],
    ids=str,
)  # fmt: skip
def test_memory_is_counted_right_and_within_its_limit_but_for_one_event(
    sizes: tuple[int, ...], counted: int | None, invariant: str
) -> None:
    connector = Connector()
    oracle = oracle_of(Broker(), connector)
    held = {number: Frame(bytes(size)) for number, size in enumerate(sizes, 1)}
    connector.core.buffer = Buffer(held, counted)
    assert name(oracle.check()) == invariant
