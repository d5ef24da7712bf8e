"""Every (state, input) and (state, message) pair of the core, walked against the table."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from reference.connector_config import ConnectorConfig
from reference.connector_errors import BrokerUnreachable, LinkClosed
from reference.connector_inputs import (
    BytesReceived,
    ConnectRequested,
    DeadLetterPostponed,
    DeadLetterStored,
    EventsStored,
    IdentityFailed,
    IdentityStarted,
    Input,
    LinkFailed,
    LinkLost,
    LinkUp,
    Opened,
    PageFailed,
    ShutdownRequested,
    TimerFired,
    WatermarkDurable,
)
from reference.connector_states import (
    LINK_WANTED,
    LINKED,
    TIMERS,
    TIMERS_OF_LOG,
    TRANSITIONS,
    IllegalInput,
    State,
    Timer,
    Trigger,
)
from reference.events import LogEntry
from reference.link_frames import encode_message_frame
from reference.link_messages import (
    Acknowledge,
    Error,
    Goodbye,
    Hello,
    LinkMessage,
    Ping,
    Pong,
    Publish,
    Refuse,
    Welcome,
)
from simulators.connector_driver import ConnectorDriver
from simulators.memory_filesystem import MemoryFilesystem
from tests.connector_helpers import SECOND_NS, linked, make_connector, publish_numbers
from tests.wal_helpers import disk_with, small_event

ID = bytes(range(16))


def in_state(state: State) -> ConnectorDriver:
    """A connector with three events, in the state, with everything the disk had to do done."""
    driver = make_connector(disk_with(3))
    if state is State.IDLE:
        return driver
    driver.connect()
    if state is State.CONNECTING:
        return driver
    if state is State.WAITING:
        driver.link_fails()
        return driver
    if state is State.CLOSED:
        driver.shut_down(SECOND_NS)
        return driver
    if state is State.GREETING:
        driver.link_up()
        return driver
    broker = linked(driver, acknowledged_through=1000 if state is State.RENAMING else 0)
    broker.hears()
    if state is State.DRAINING:
        driver.shut_down(SECOND_NS)
    assert driver.core.link.state is state
    return driver


INPUTS: dict[Trigger, Callable[[], Input]] = {
    Trigger.CONNECT: ConnectRequested,
    Trigger.LINK_UP: LinkUp,
    Trigger.LINK_FAILED: lambda: LinkFailed(BrokerUnreachable("x", "y")),
    Trigger.LINK_LOST: lambda: LinkLost(LinkClosed("x")),
    Trigger.SHUTDOWN: lambda: ShutdownRequested(2 * SECOND_NS),
    Trigger.IDENTITY_STARTED: lambda: IdentityStarted(ID),
    Trigger.IDENTITY_FAILED: lambda: IdentityFailed("no space"),
}

MESSAGES: dict[Trigger, LinkMessage] = {
    Trigger.WELCOME: Welcome(1, 8, 0),
    Trigger.ACKNOWLEDGE: Acknowledge(1),
    Trigger.REFUSE: Refuse(2, "no"),
    Trigger.PONG: Pong(1),
    Trigger.ERROR: Error("enough"),
}


@pytest.mark.req("CON-3.1", "CON-4.1")
@pytest.mark.parametrize("trigger", INPUTS, ids=lambda t: t.name)
@pytest.mark.parametrize("state", State, ids=lambda s: s.name)
def test_each_input_in_each_state(state: State, trigger: Trigger) -> None:
    core = in_state(state).core
    expected = TRANSITIONS.get((state, trigger))
    if expected is None:
        before = repr((core.link.problem, core.backlog, core.counters, core.log_id))
        with pytest.raises(IllegalInput, match=state.value):
            core.handle(INPUTS[trigger](), 0)
        assert core.link.state is state
        assert repr((core.link.problem, core.backlog, core.counters, core.log_id)) == before
        assert core.handle(WatermarkDurable(0), 0) == [], "nothing was left behind"
    else:
        core.handle(INPUTS[trigger](), 0)
        assert core.link.state is expected


@pytest.mark.req("CON-3.1", "LNK-4.1", "LNK-4.2")
@pytest.mark.parametrize("trigger", MESSAGES, ids=lambda t: t.name)
@pytest.mark.parametrize("state", sorted(LINKED, key=str), ids=lambda s: s.name)
def test_each_message_in_each_linked_state(state: State, trigger: Trigger) -> None:
    driver = in_state(state)
    if trigger is Trigger.PONG and state is not State.GREETING:
        if state is State.DRAINING:
            driver.shut_down(100 * SECOND_NS)
        driver.advance(10 * SECOND_NS)  # a Ping is due
    violations = driver.core.link.violations
    driver.receive(encode_message_frame(MESSAGES[trigger]))
    expected = TRANSITIONS.get((state, trigger))
    if expected is None:
        expected = TRANSITIONS[state, Trigger.VIOLATION]
        violations += 1
        assert not driver.is_linked
    assert driver.core.link.state is expected
    assert driver.core.link.violations == violations


@pytest.mark.req("LNK-1.3", "LNK-4.1")
@pytest.mark.parametrize("state", sorted(LINKED, key=str), ids=lambda s: s.name)
@pytest.mark.parametrize(
    "message",
    [
        Hello(1, "x", ID, 0),
        Publish("events.process.start", LogEntry(1, 0, small_event(1))),
        Ping(1),
        Goodbye(),
    ],
    ids=lambda m: type(m).__name__,
)
def test_a_message_of_the_wrong_side_is_a_violation(state: State, message: LinkMessage) -> None:
    driver = in_state(state)
    driver.receive(encode_message_frame(message))
    assert driver.core.link.state is TRANSITIONS[state, Trigger.VIOLATION]
    assert type(message).__name__ in driver.core.link.problem
    assert driver.core.backlog == 3, "nothing was settled by it"


@pytest.mark.req("CON-4.1")
@pytest.mark.parametrize("state", State, ids=lambda s: s.name)
def test_inputs_of_the_log_and_of_time_are_legal_in_every_state(state: State) -> None:
    inputs: list[Input] = [
        Opened(), EventsStored((), 3), WatermarkDurable(0), PageFailed("bad sector"),
        DeadLetterStored(900), DeadLetterPostponed(901, "no space"), TimerFired(),
    ]  # fmt: skip
    core = in_state(state).core
    for event in inputs:
        core.handle(event, 0)
        assert core.link.state is state


@pytest.mark.req("CON-4.1")
@pytest.mark.parametrize("state", sorted(set(State) - LINKED, key=str), ids=lambda s: s.name)
def test_bytes_without_a_link_are_refused(state: State) -> None:
    core = in_state(state).core
    with pytest.raises(IllegalInput, match="bytes received"):
        core.handle(BytesReceived(b"x"), 0)


@pytest.mark.req("CON-3.1")
def test_every_state_is_reached_and_every_one_can_end() -> None:
    assert set(TRANSITIONS.values()) | {State.IDLE} == set(State)
    for state in State:
        assert (state, Trigger.SHUTDOWN) in TRANSITIONS
    assert {old for old, _ in TRANSITIONS} == set(State)


@pytest.mark.req("CON-3.1", "CON-3.3")
def test_each_timer_belongs_to_a_state_or_to_the_log() -> None:
    owned = frozenset().union(*TIMERS.values())
    assert owned | TIMERS_OF_LOG == set(Timer)
    assert not owned & TIMERS_OF_LOG
    assert set(TIMERS) == set(State)
    # A state with a link, or one being made, never waits without a deadline.
    for state in LINK_WANTED:
        assert TIMERS[state]


@pytest.mark.req("CON-4.1")
def test_the_same_inputs_give_the_same_commands() -> None:
    def life() -> list[bytes]:
        driver = make_connector(MemoryFilesystem(), ConnectorConfig(buffer_bytes=500))
        publish_numbers(driver, 1, 9)
        broker = linked(driver, window=2)
        broker.says(Acknowledge(2))
        driver.link_drops()
        driver.advance(SECOND_NS)
        linked(driver)
        return [*driver.said.sent, repr(driver.said.reports).encode()]

    assert life() == life()


@pytest.mark.req("CON-4.1")
def test_a_clock_that_goes_back_is_held() -> None:
    driver = in_state(State.WAITING)
    retry_ns = driver.timer_ns
    assert retry_ns is not None
    driver.core.handle(TimerFired(), retry_ns - 1)
    assert driver.core.link.state is State.WAITING
    driver.core.handle(TimerFired(), retry_ns)
    assert driver.core.link.state.value == "connecting"
    driver.core.handle(WatermarkDurable(0), 0)
    assert driver.core.link.now_ns == retry_ns
