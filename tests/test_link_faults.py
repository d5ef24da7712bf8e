"""A byte stream that goes wrong at a byte, by hand and through a real socket."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.connector_config import ConnectorConfig
from reference.event_bus_connector import EventBusConnector
from simulators.link_faults import (
    Deliver,
    Direction,
    FaultKind,
    LinkFault,
    Reset,
    StreamFaults,
    Wait,
)
from simulators.socket import FlakySocket
from tests.broker_on_socket import BrokerOnSocket
from tests.wal_helpers import small_event

DEADLINE_S = 30
THERE, BACK = Direction.TO_BROKER, Direction.TO_CONNECTOR
QUICK = ConnectorConfig(
    backoff_first_ns=10**6, backoff_max_ns=10**7, silence_deadline_ns=300 * 10**6,
    ping_after_ns=100 * 10**6, answer_deadline_ns=300 * 10**6, welcome_deadline_ns=300 * 10**6,
)  # fmt: skip


def fault(
    kind: FaultKind, offset: int, amount: float = 0, *, connection: int = 1,
    direction: Direction = THERE,
) -> LinkFault:  # fmt: skip
    return LinkFault(kind, connection, direction, offset, amount)


@pytest.mark.req("SIM-2.9")
def test_without_a_fault_everything_is_delivered_as_it_comes() -> None:
    stream = StreamFaults([], 1, THERE)
    assert list(stream.feed(b"abc")) == [Deliver(b"abc")]
    assert list(stream.feed(b"")) == []


@pytest.mark.req("SIM-2.9")
@pytest.mark.parametrize("offset", [0, 3, 5])
def test_a_reset_cuts_at_its_byte(offset: int) -> None:
    stream = StreamFaults([fault(FaultKind.RESET, offset)], 1, THERE)
    effects = list(stream.feed(b"abcdef"))
    assert b"".join(e.data for e in effects if isinstance(e, Deliver)) == b"abcdef"[:offset]
    assert effects[-1] == Reset()
    assert list(stream.feed(b"more")) == []


@pytest.mark.req("SIM-2.9")
def test_a_half_open_stream_says_nothing_of_it() -> None:
    stream = StreamFaults([fault(FaultKind.HALF_OPEN, 2)], 1, THERE)
    assert list(stream.feed(b"abcdef")) == [Deliver(b"ab")]
    assert list(stream.feed(b"more")) == []


@pytest.mark.req("SIM-2.9")
def test_a_fault_in_the_middle_of_a_piece_strikes_at_its_byte() -> None:
    plan = [fault(FaultKind.PIECES, 0, 4), fault(FaultKind.RESET, 6)]
    stream = StreamFaults(plan, 1, THERE)
    assert list(stream.feed(b"abcdefgh")) == [Deliver(b"abcd"), Deliver(b"ef"), Reset()]


@pytest.mark.req("SIM-2.9")
def test_a_delay_and_then_pieces() -> None:
    plan = [fault(FaultKind.DELAY, 1, 0.5), fault(FaultKind.PIECES, 3, 2)]
    stream = StreamFaults(plan, 1, THERE)
    assert list(stream.feed(b"abcdefgh")) == [
        Deliver(b"a"), Wait(0.5), Deliver(b"bc"), Deliver(b"de"), Deliver(b"fg"), Deliver(b"h"),
    ]  # fmt: skip
    assert stream.fired == plan


@pytest.mark.req("SIM-2.9")
def test_faults_of_other_connections_and_directions_do_not_strike() -> None:
    plan = [
        fault(FaultKind.RESET, 0, connection=2), fault(FaultKind.RESET, 0, direction=BACK),
    ]  # fmt: skip
    stream = StreamFaults(plan, 1, THERE)
    assert list(stream.feed(b"abc")) == [Deliver(b"abc")]
    assert stream.fired == []


kinds = st.sampled_from((FaultKind.DELAY, FaultKind.PIECES))
plans = st.lists(st.builds(fault, kinds, st.integers(0, 60), st.integers(1, 9)), max_size=5)


@pytest.mark.req("SIM-2.9")
@given(st.lists(st.binary(max_size=20), max_size=6), plans)
def test_bytes_are_never_changed_reordered_or_lost_without_a_cut(
    data: list[bytes], plan: list[LinkFault]
) -> None:
    stream = StreamFaults(plan, 1, THERE)
    effects = [effect for piece in data for effect in stream.feed(piece)]
    delivered = b"".join(e.data for e in effects if isinstance(e, Deliver))
    assert delivered == b"".join(data)


# ---- Through a real socket --------------------------------------------------


def deliver_through(tmp_path: Path, plan: list[LinkFault], events: int = 40) -> FlakySocket:
    """Publish through a flaky socket; everything has to arrive, in order, once."""
    proxy = FlakySocket(tmp_path / "flaky", tmp_path / "s", plan)

    async def scenario() -> None:
        async with (
            asyncio.timeout(DEADLINE_S),
            BrokerOnSocket(tmp_path / "s", window=8) as broker,
            proxy,
            await EventBusConnector.open(tmp_path / "wal", QUICK) as connector,
        ):
            connector.connect(str(proxy.path))
            for number in range(1, events + 1):
                await connector.publish(small_event(number))
            assert await connector.drained()
            assert [each.entry.event.pid for each in broker.received] == [*range(1, events + 1)]
            assert broker.violations == []

    asyncio.run(scenario())
    return proxy


@pytest.mark.req("SIM-2.9", "DEL-1.1", "DEL-1.2", "DEL-1.4", "CON-3.3")
@pytest.mark.parametrize("kind", [FaultKind.RESET, FaultKind.HALF_OPEN])
@pytest.mark.parametrize("direction", Direction, ids=lambda d: d.value)
@pytest.mark.parametrize("offset", [0, 1, 4, 20, 47, 100, 1000])
def test_a_cut_at_any_byte_loses_nothing(
    tmp_path: Path, kind: FaultKind, direction: Direction, offset: int
) -> None:
    if direction is BACK and offset > 100:
        offset = 130  # the broker does not say much more
    proxy = deliver_through(tmp_path, [fault(kind, offset, direction=direction)])
    assert [each.kind for each in proxy.fired] == [kind]
    assert proxy.connections >= 2


async def through_an_echo(tmp_path: Path, plan: list[LinkFault], data: bytes) -> bytes:
    """Send bytes through a flaky socket to a program that sends them back; return what came.

    Both ends have to see the end if there is one, and the echo ends when as much was said.
    """
    ended = asyncio.Event()

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while said := await reader.read(100):
                writer.write(said)
        ended.set()
        writer.close()

    server = await asyncio.start_unix_server(echo, tmp_path / "s")
    async with (
        asyncio.timeout(DEADLINE_S),
        server,
        FlakySocket(tmp_path / "flaky", tmp_path / "s", plan) as proxy,
    ):
        reader, writer = await asyncio.open_unix_connection(proxy.path)
        writer.write(data)
        came = b""
        with contextlib.suppress(ConnectionError):
            while len(came) < len(data) and (piece := await reader.read(100)):
                came += piece
        writer.close()
        await ended.wait()
    return came


@pytest.mark.req("SIM-2.9")
@pytest.mark.parametrize("direction", Direction, ids=lambda d: d.value)
def test_a_reset_one_way_ends_both(tmp_path: Path, direction: Direction) -> None:
    plan = [fault(FaultKind.RESET, 2, direction=direction)]
    came = asyncio.run(through_an_echo(tmp_path, plan, b"abcd"))
    assert b"ab".startswith(came), "what was on its way when the connection went may be lost"


@pytest.mark.req("SIM-2.9")
def test_a_delay_waits_as_long_as_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    sleep = asyncio.sleep

    async def noted(seconds: float) -> None:
        slept.append(seconds)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", noted)
    plan = [fault(FaultKind.DELAY, 1, 1000.5)]
    assert asyncio.run(through_an_echo(tmp_path, plan, b"abcd")) == b"abcd"
    assert slept == [1000.5]


@pytest.mark.req("SIM-2.9", "LNK-1.1")
def test_single_bytes_both_ways(tmp_path: Path) -> None:
    plan = [fault(FaultKind.PIECES, 0, 1, direction=direction) for direction in Direction]
    proxy = deliver_through(tmp_path, plan)
    assert proxy.connections == 1
    assert len(proxy.fired) == 2


@pytest.mark.req("SIM-2.9", "CON-3.2")
def test_many_connections_each_cut_a_little_later(tmp_path: Path) -> None:
    plan = [fault(FaultKind.RESET, 30 + 97 * number, connection=number) for number in range(1, 15)]
    proxy = deliver_through(tmp_path, plan, events=100)
    assert proxy.connections > 10


@pytest.mark.req("SIM-2.9", "CON-3.2")
def test_a_proxy_without_a_broker_looks_like_a_broker_that_dies(tmp_path: Path) -> None:
    async def scenario() -> None:
        proxy = FlakySocket(tmp_path / "flaky", tmp_path / "s", [])
        async with (
            asyncio.timeout(DEADLINE_S),
            proxy,
            await EventBusConnector.open(tmp_path / "wal", QUICK) as connector,
        ):
            connector.connect(str(proxy.path))
            await connector.publish(small_event(1))
            while proxy.connections < 3:
                await asyncio.sleep(0.001)
            async with BrokerOnSocket(tmp_path / "s") as broker:
                assert await connector.drained()
                assert len(broker.received) == 1

    asyncio.run(scenario())
