"""The fake broker speaks the link correctly, and sees what a connector does wrong. Spec: LNK."""

from __future__ import annotations

import itertools
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.events import EventType
from reference.limits import LINK_BODY_BYTES_MAX
from reference.link_frames import encode_frame, encode_message_frame
from reference.link_messages import (
    Acknowledge,
    Error,
    Goodbye,
    Hello,
    LinkMessage,
    Ping,
    Pong,
    Refuse,
    Welcome,
)
from simulators.broker_answers import BrokerOptions
from simulators.broker_memory import ReceivedEvent, RefusedEvent
from simulators.fake_broker import VIOLATIONS_LISTED_MAX, FakeBroker
from simulators.topics import InvalidPattern
from tests.broker_helpers import LOG, OTHER_LOG, Hand, greeted, make_broker, publish, recorded


def assert_cut_off(hand: Hand, answers: list[LinkMessage], requirement: str, said: str) -> None:
    """The broker said Error, closed, and noted the breach."""
    (violation,) = hand.broker.violations
    assert violation.requirement == requirement
    assert said in violation.reason
    assert answers[-1] == Error(f"{requirement}: {violation.reason}")
    assert hand.connection.is_closed
    assert not hand.connection.was_reset
    assert hand.connection.number not in hand.broker.connections
    assert hand.publish(1000) == []


# ---- Greeting ---------------------------------------------------------------


@pytest.mark.req("LNK-2.1", "LNK-2.2")
def test_hello_is_answered_by_welcome_with_version_window_and_what_is_known() -> None:
    broker = make_broker(window=7)
    hand = Hand(broker)
    assert hand.hello() == [Welcome(1, 7, 0)]
    hand.publish(3, 9)
    assert Hand(broker).hello(settled_through=3) == [Welcome(1, 7, 9)]
    assert Hand(broker, log_id=OTHER_LOG).hello() == [Welcome(1, 7, 0)]


@pytest.mark.req("LNK-2.1")
def test_a_newer_hello_gets_the_version_that_the_broker_knows() -> None:
    hand = Hand(make_broker())
    newer = encode_message_frame(Hello(9, "procmond", LOG, 0))[4:] + b"fields of version 9"
    assert hand.say_bytes(encode_frame(newer)) == [Welcome(1, 256, 0)]
    assert hand.publish(1) == [Acknowledge(1)]


@pytest.mark.req("LNK-2.1", "LNK-4.1")
@pytest.mark.parametrize("message", [publish(1), Ping(1), Goodbye(), Pong(1), Welcome(1, 1, 0)])
def test_anything_before_hello_is_a_breach(message: LinkMessage) -> None:
    hand = Hand(make_broker())
    requirement = "LNK-2.1" if message == publish(1) else "LNK-4.1"
    assert_cut_off(hand, hand.say(message), requirement, "while nothing came yet")


@pytest.mark.req("LNK-2.1")
def test_a_second_hello_is_a_breach() -> None:
    hand = greeted(make_broker())
    assert_cut_off(hand, hand.hello(), "LNK-2.1", "second Hello")


# ---- Publishing -------------------------------------------------------------


@pytest.mark.req("LNK-3.1", "LNK-3.2", "SIM-1.1")
def test_any_first_number_and_any_jump_is_recorded_and_acknowledged_at_once() -> None:
    broker = make_broker()
    hand = greeted(broker)
    assert hand.publish(41) == [Acknowledge(41)]
    assert hand.publish(42, 1000, 10**15) == [Acknowledge(10**15)]
    assert recorded(broker) == [41, 42, 1000, 10**15]
    assert broker.received[0] == ReceivedEvent(
        LOG, "procmond", "events.process.start", publish(41).entry
    )
    assert broker.violations == []


@pytest.mark.req("LNK-3.2")
def test_each_publish_has_its_own_acknowledge_if_wanted() -> None:
    hand = greeted(make_broker(acknowledge_each=True))
    assert hand.publish(1, 2, 5) == [Acknowledge(1), Acknowledge(2), Acknowledge(5)]


@pytest.mark.req("LNK-3.2", "SIM-1.1")
def test_the_record_is_written_before_the_acknowledge_is_given_out() -> None:
    story: list[str] = []
    broker = FakeBroker(record=lambda events: story.append(f"record {len(events)}"))
    broker.subscribe("#", lambda _: story.append("deliver"))
    hand = greeted(broker)
    story.append(repr(hand.publish(1, 2)))
    assert story == ["record 2", "deliver", "deliver", "[Acknowledge(through=2)]"]
    assert broker.received_count == 2


@pytest.mark.req("LNK-3.1")
@pytest.mark.parametrize("second", [4, 5])
def test_a_number_that_does_not_rise_is_a_breach(second: int) -> None:
    hand = greeted(make_broker())
    answers = hand.publish(5, second)
    assert answers[0] == Acknowledge(5)
    assert_cut_off(hand, answers, "LNK-3.1", f"Publish {second} after 5")


@pytest.mark.req("LNK-3.1")
def test_a_number_that_hello_or_welcome_settled_is_a_breach() -> None:
    broker = make_broker()
    hand = greeted(broker, settled_through=7)
    assert_cut_off(hand, hand.publish(7), "LNK-3.1", "Publish 7, but 7 was settled before")
    other = make_broker()
    greeted(other).publish(10)
    hand = greeted(other, settled_through=7)
    assert_cut_off(hand, hand.publish(9), "LNK-3.1", "Publish 9, but 10 was settled before")


@pytest.mark.req("LNK-3.1")
def test_a_number_that_was_jumped_over_before_is_lost_and_noted() -> None:
    broker = make_broker("refuse@1")
    greeted(broker).publish(8, 9)
    # Hello says that 8 is settled, so the refusal is forgotten; then 8 comes again.
    greeted(broker, settled_through=8)
    broker.memory.log(LOG).refuse(7, "so that Welcome stops below 8")
    hand = greeted(broker, settled_through=6)
    assert hand.publish(8, 9) == [Acknowledge(9)]
    (violation,) = broker.violations
    assert "Publish 8 for the first time after 9 was" in str(violation)
    assert violation.requirement == "LNK-3.1"
    assert recorded(broker) == [9]
    assert not hand.connection.is_closed


@pytest.mark.req("LNK-3.1")
def test_a_topic_that_is_not_the_events_own_is_a_breach() -> None:
    for kind, topic in ((EventType.STOP, "events.process.start"), (EventType.START, "x" * 5000)):
        hand = greeted(make_broker())
        answers = hand.say(publish(1, kind, topic))
        assert_cut_off(hand, answers, "LNK-3.1", f"under '{topic[:20]}")
        assert recorded(hand.broker) == []
        assert len(hand.broker.violations[0].reason) < 300


@pytest.mark.req("LNK-2.2", "LNK-3.1")
def test_more_than_the_window_without_an_answer_is_a_breach() -> None:
    hand = greeted(make_broker("no-acknowledgement", window=3))
    assert hand.publish(1, 2, 3) == []
    assert_cut_off(hand, hand.publish(4), "LNK-2.2", "3 are unanswered, the window is 3")


@pytest.mark.req("LNK-2.2")
def test_an_answer_of_either_kind_makes_room_in_the_window() -> None:
    hand = greeted(make_broker("refuse@2", window=2))
    assert hand.publish(1, 2) == [Refuse(2, "refused by the fake broker at its publish 2"),
                                  Acknowledge(1)]  # fmt: skip
    assert hand.publish(3, 4) == [Acknowledge(4)]
    assert hand.broker.violations == []


@pytest.mark.req("SIM-1.1", "LNK-3.2")
def test_a_repeat_is_dropped_counted_and_acknowledged_again() -> None:
    broker = make_broker("reset-before-acknowledgement@2")
    hand = greeted(broker)
    assert hand.publish(1, 2, 3) == []
    assert hand.connection.was_reset
    again = Hand(broker)
    broker.memory.log(LOG).refuse(1, "so that Welcome says 0")
    assert again.hello() == [Welcome(1, 256, 0)]
    assert again.publish(2, 3) == [Acknowledge(3)]
    assert recorded(broker) == [1, 2, 3]
    assert broker.memory.repeats_dropped == 1
    assert broker.violations == []


@pytest.mark.req("SIM-1.1")
def test_logs_are_kept_apart() -> None:
    broker = make_broker()
    first, second = greeted(broker), greeted(broker, log_id=OTHER_LOG)
    assert first.publish(1, 2) == [Acknowledge(2)]
    assert second.publish(1) == [Acknowledge(1)]
    assert recorded(broker) == [1, 2]
    assert recorded(broker, OTHER_LOG) == [1]
    assert broker.memory.log_ids == [LOG, OTHER_LOG]
    assert broker.memory.repeats_dropped == 0


@pytest.mark.req("SIM-1.1")
def test_subscribers_get_what_matches_once_and_in_order() -> None:
    broker = make_broker()
    stops: list[ReceivedEvent] = []
    everything: list[ReceivedEvent] = []
    broker.subscribe("events.process.stop", stops.append)
    hand = greeted(broker)
    hand.say(publish(1), publish(2, EventType.STOP))
    broker.subscribe("events.#", everything.append)
    hand.say(publish(3, EventType.STOP), publish(4, EventType.MODIFY))
    assert [each.entry.sequence for each in stops] == [2, 3]
    assert [each.entry.sequence for each in everything] == [3, 4]
    with pytest.raises(InvalidPattern):
        broker.subscribe("events.", everything.append)


# ---- Refusals: trap T4 ------------------------------------------------------


@pytest.mark.req("LNK-3.3")
def test_refuse_comes_before_the_acknowledge_that_covers_it() -> None:
    broker = make_broker("refuse@2")
    answers = greeted(broker).publish(7, 8, 9, 10)
    assert answers == [Refuse(8, "refused by the fake broker at its publish 2"), Acknowledge(10)]
    assert recorded(broker) == [7, 9, 10]


@pytest.mark.req("LNK-3.3")
def test_welcome_stops_below_a_refusal_until_hello_has_settled_it() -> None:
    """T4: 8 is refused, 9 and 10 are taken; the connector crashes before 8 is a dead letter."""
    broker = make_broker("refuse@2")
    greeted(broker).publish(7, 8, 9, 10)
    refused = Refuse(8, "refused by the fake broker at its publish 2")

    after_the_crash = Hand(broker)
    assert after_the_crash.hello(settled_through=0) == [Welcome(1, 256, 7)]
    assert after_the_crash.publish(8) == [refused]
    assert after_the_crash.publish(9, 10, 11) == [Acknowledge(11)]

    # It crashed again: what was refused on the last connection is refused on this one too.
    once_more = Hand(broker)
    assert once_more.hello(settled_through=7) == [Welcome(1, 256, 7)]
    assert once_more.publish(8, 9) == [refused, Acknowledge(9)]

    settled = Hand(broker)
    assert settled.hello(settled_through=8) == [Welcome(1, 256, 11)]
    assert broker.memory.log(LOG).refused == {}
    assert recorded(broker) == [7, 9, 10, 11]
    assert broker.refused == [RefusedEvent(LOG, 8, refused.reason)]
    assert broker.memory.repeats_dropped == 3
    assert broker.violations == []


@pytest.mark.req("LNK-3.3")
def test_a_refusal_is_passed_once_a_higher_number_is_published() -> None:
    """The connector has 8 as a dead letter, but its durable watermark is still below."""
    broker = make_broker("refuse@1")
    greeted(broker).publish(8, 9)
    hand = Hand(broker)
    assert hand.hello(settled_through=5) == [Welcome(1, 256, 7)]
    assert hand.publish(9) == [Acknowledge(9)]
    # It is not forgotten by that: only Hello says what is durable.
    assert Hand(broker).hello(settled_through=5) == [Welcome(1, 256, 7)]


@pytest.mark.req("LNK-3.3")
def test_of_several_refusals_the_lowest_unsettled_one_holds_welcome() -> None:
    broker = make_broker("refuse@2", "refuse@4", "refuse@5")
    greeted(broker).publish(1, 2, 3, 4, 5, 6)
    for settled, expected in ((0, 1), (1, 1), (2, 3), (3, 3), (4, 4), (5, 6)):
        assert Hand(broker).hello(settled) == [Welcome(1, 256, expected)]


@pytest.mark.req("LNK-3.3")
def test_a_refusal_beyond_all_that_was_taken_holds_nothing() -> None:
    broker = make_broker("refuse@2")
    assert len(greeted(broker).publish(4, 5)) == 2
    assert Hand(broker).hello(settled_through=2) == [Welcome(1, 256, 4)]


@pytest.mark.req("LNK-3.3", "SIM-1.1")
def test_a_broker_that_lost_its_memory_lost_its_refusals_too() -> None:
    broker = make_broker("refuse@1")
    greeted(broker).publish(1, 2)
    broker.restart(keep_memory=False)
    hand = Hand(broker)
    assert hand.hello() == [Welcome(1, 256, 0)]
    assert hand.publish(1, 2) == [Acknowledge(2)]
    assert recorded(broker) == [2, 1, 2]


# ---- The rest of the conversation -------------------------------------------


@pytest.mark.req("LNK-4.1")
def test_ping_is_answered_and_goodbye_closes() -> None:
    broker = make_broker()
    hand = greeted(broker)
    assert hand.say(Ping(5), publish(1), Ping(2**64 - 1)) == [
        Pong(5),
        Pong(2**64 - 1),
        Acknowledge(1),
    ]
    assert hand.say(publish(2), Goodbye()) == [Acknowledge(2)]
    assert hand.connection.is_closed
    assert hand.connection.said_goodbye
    assert not hand.connection.was_reset
    assert (broker.goodbye_count, broker.connections, broker.violations) == (1, {}, [])


@pytest.mark.req("LNK-4.1")
@pytest.mark.parametrize(
    "message", [Welcome(1, 1, 1), Acknowledge(1), Refuse(1, "no"), Pong(1), Error("no")]
)
def test_a_message_of_the_brokers_own_side_is_a_breach(message: LinkMessage) -> None:
    hand = greeted(make_broker())
    answers = hand.say(message)
    assert_cut_off(hand, answers, "LNK-4.1", f"{type(message).__name__} while greeted")


@pytest.mark.req("LNK-1.1", "LNK-1.2")
@pytest.mark.parametrize("length", [0, 3, LINK_BODY_BYTES_MAX + 1, 2**32 - 1])
def test_a_length_out_of_range_is_a_breach_after_what_came_before_it(length: int) -> None:
    hand = greeted(make_broker())
    data = encode_message_frame(publish(1)) + struct.pack("<I", length)
    answers = hand.say_bytes(data)
    assert answers[0] == Acknowledge(1)
    assert_cut_off(hand, answers, "LNK-1.2", f"frame of {length} bytes")
    assert recorded(hand.broker) == [1]


@pytest.mark.req("LNK-1.3", "LNK-4.1")
@pytest.mark.parametrize("body", [b"\x63\0\0\0", b"\x01\0\0\0", b"\x02\0\0\0" + bytes(9)])
def test_a_body_that_is_no_message_is_a_breach(body: bytes) -> None:
    hand = greeted(make_broker())
    assert_cut_off(hand, hand.say_bytes(encode_frame(body)), "LNK-1.3", "undecodable message")


@pytest.mark.req("LNK-1.1")
@given(cuts=st.lists(st.integers(0, 600), max_size=8), each=st.booleans())
def test_bytes_may_come_in_any_pieces(cuts: list[int], each: bool) -> None:
    broker = make_broker(acknowledge_each=each)
    hand = Hand(broker)
    first = Hello(1, "procmond", LOG, 0)
    messages: list[LinkMessage] = [first, *map(publish, (1, 2, 3)), Ping(9), Goodbye()]
    data = b"".join(map(encode_message_frame, messages))
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    answers = [
        answer
        for start, end in itertools.pairwise(edges)
        for answer in hand.say_bytes(data[start:end])
    ]
    through = [answer.through for answer in answers if isinstance(answer, Acknowledge)]
    assert through == sorted(through)
    assert through[-1] == 3
    assert Pong(9) in answers
    assert recorded(broker) == [1, 2, 3]
    assert broker.violations == []
    assert hand.connection.said_goodbye


@pytest.mark.req("LNK-1.1", "LNK-4.1")
@given(pieces=st.lists(st.binary(max_size=60), max_size=6), greet=st.booleans())
def test_any_bytes_at_all_never_break_the_broker(pieces: list[bytes], greet: bool) -> None:
    broker = make_broker()
    hand = greeted(broker) if greet else Hand(broker)
    for piece in pieces:
        hand.say_bytes(piece)
    assert hand.connection.is_closed == (len(broker.violations) == 1)
    assert greeted(broker, log_id=OTHER_LOG).publish(1) == [Acknowledge(1)]


@pytest.mark.req("LNK-4.1", "SIM-1.1")
def test_a_connection_that_breaks_is_no_breach_and_what_was_not_read_is_lost() -> None:
    broker = make_broker()
    hand = greeted(broker)
    hand.say_bytes(encode_message_frame(publish(1)) + encode_message_frame(publish(2))[:-1])
    hand.connection.lost()
    hand.connection.lost()
    assert recorded(broker) == [1]
    assert (broker.violations, broker.connections, broker.goodbye_count) == ([], {}, 0)
    assert hand.connection.next_wake_ns is None
    assert hand.after(1) == []


@pytest.mark.req("SIM-1.1")
def test_stop_drops_connections_and_refuses_new_ones_until_start() -> None:
    broker = make_broker()
    hand = greeted(broker)
    dropped: list[str] = []
    hand.connection.on_dropped = lambda: dropped.append("dropped")
    broker.stop()
    assert hand.connection.was_reset
    assert dropped == ["dropped"]
    with pytest.raises(ConnectionRefusedError):
        broker.connect(10**18)
    broker.start()
    assert greeted(broker).publish(1) == [Acknowledge(1)]
    broker.restart(keep_memory=True)
    assert Hand(broker).hello() == [Welcome(1, 256, 1)]


@pytest.mark.req("SIM-1.1")
def test_breaches_are_counted_beyond_the_list() -> None:
    broker = make_broker()
    for _ in range(VIOLATIONS_LISTED_MAX + 2):
        Hand(broker).say(Goodbye())
    assert len(broker.violations) == VIOLATIONS_LISTED_MAX
    assert broker.violation_count == VIOLATIONS_LISTED_MAX + 2
    assert str(broker.violations[4]) == (
        "connection 5 broke LNK-4.1: Goodbye while nothing came yet"
    )


@pytest.mark.req("LNK-2.2")
@pytest.mark.parametrize("window", [0, 2**32])
def test_a_window_that_cannot_be_offered_is_an_error(window: int) -> None:
    with pytest.raises(ValueError, match=f"window is {window}; it must be from 1"):
        BrokerOptions(window=window)
