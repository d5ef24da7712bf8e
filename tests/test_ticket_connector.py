"""The acceptance boxes of the ticket's EventBusConnector and Integration sections, by name.

On real files and a real socket, as the ticket's component will be used. The broker is the
fake one on a Unix socket.
"""

from __future__ import annotations

import asyncio
import itertools
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from reference.backpressure import Level
from reference.broker_socket import VARIABLE
from reference.connector_config import ConnectorConfig
from reference.event_bus_connector import EventBusConnector
from reference.events import EventType
from reference.json_lines import encode_json_line
from reference.limits import MIB
from reference.wal import WriteAheadLog
from tests.broker_on_socket import BrokerOnSocket
from tests.wal_helpers import small_event

ROOT = Path(__file__).parents[1]
DEADLINE_S = 20


async def until_level(connector: EventBusConnector, level: Level) -> None:
    """Wait for the level on a subscription of its own."""
    async with asyncio.timeout(DEADLINE_S):
        async for state in connector.backpressure.subscribe():
            if state.level is level:
                return


@pytest.mark.req("CON-1.1", "LNK-2.1")
def test_connects_to_broker_using_the_environment_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with BrokerOnSocket(tmp_path / "broker.sock") as broker:
            monkeypatch.setenv(VARIABLE, str(broker.path))
            async with await EventBusConnector.open(tmp_path / "wal") as connector:
                connector.connect()
                await connector.publish(small_event(1))
                assert await connector.drained(DEADLINE_S)
                assert connector.status().link == "online"
            assert [each.entry.sequence for each in broker.received] == [1]

    asyncio.run(scenario())


@pytest.mark.req("CON-2.1", "BUF-1.1", "WAL-1.1")
def test_events_written_to_wal_before_buffering(tmp_path: Path) -> None:
    async def scenario() -> None:
        connector = await EventBusConnector.open(tmp_path / "wal")
        publishing = asyncio.create_task(connector.publish(small_event(1)))
        await asyncio.sleep(0)
        assert connector.status().buffer_used_bytes == 0, "not durable yet, so not in memory"
        assert await publishing == 1
        assert connector.status().buffer_used_bytes > 0
        assert (tmp_path / "wal" / "procmond-00001.wal").stat().st_size > 8192
        await connector.close()

    asyncio.run(scenario())


@pytest.mark.req("BUF-1.1", "BUF-1.2", "CON-2.1")
def test_events_buffered_up_to_10_mib_when_connection_lost(tmp_path: Path) -> None:
    async def scenario() -> None:
        assert ConnectorConfig().buffer_bytes == 10 * MIB
        async with await EventBusConnector.open(tmp_path / "wal") as connector:
            events = [small_event(number, "x" * 100_000) for number in range(1, 151)]
            await connector.publish_batch(events)
            status = connector.status()
            assert status.backlog == 150, "none was refused"
            assert 10 * MIB - 110_000 < status.buffer_used_bytes <= 10 * MIB
            assert status.spilled
            await connector.close(0)

    asyncio.run(scenario())


@pytest.mark.req("LNK-2.3", "BUF-2.1", "DEL-1.2")
def test_buffered_events_replayed_on_reconnection(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            BrokerOnSocket(tmp_path / "broker.sock") as broker,
            await EventBusConnector.open(tmp_path / "wal") as connector,
        ):
            connector.connect(str(broker.path))
            await connector.publish(small_event(1))
            assert await connector.drained(DEADLINE_S)
            await broker.stop()
            for number in range(2, 21):
                await connector.publish(small_event(number))
            assert connector.status().backlog == 19
            await broker.start()
            assert await connector.drained(DEADLINE_S)
            assert [each.entry.event.pid for each in broker.received] == list(range(1, 21))

    asyncio.run(scenario())


@pytest.mark.req("LNK-1.4")
def test_events_published_to_correct_topics(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            BrokerOnSocket(tmp_path / "broker.sock") as broker,
            await EventBusConnector.open(tmp_path / "wal") as connector,
        ):
            connector.connect(str(broker.path))
            for kind in EventType:
                await connector.publish(small_event(1)._replace(event_type=kind))
            assert await connector.drained(DEADLINE_S)
            assert [each.topic for each in broker.received] == [
                "events.process.start", "events.process.stop", "events.process.modify",
            ]  # fmt: skip

    asyncio.run(scenario())


@pytest.mark.req("BPR-1.1")
def test_backpressure_triggered_at_70_and_released_at_50_percent(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            BrokerOnSocket(tmp_path / "broker.sock") as broker,
            await EventBusConnector.open(
                tmp_path / "wal", ConnectorConfig(buffer_bytes=100_000)
            ) as connector,
        ):
            while connector.status().backpressure == "released":
                used = connector.status().buffer_used_bytes
                assert used < 70_000
                await connector.publish(small_event(1))
            assert connector.status().buffer_used_bytes >= 70_000
            assert not connector.status().spilled
            watcher = connector.backpressure.subscribe()
            triggered = await watcher.changed()
            assert triggered is not None
            assert triggered.level is Level.TRIGGERED
            connector.connect(str(broker.path))
            released = await watcher.changed()
            assert released is not None
            assert released.level is Level.RELEASED
            assert released.used_bytes <= 50_000

    asyncio.run(scenario())


@pytest.mark.req("BPR-2.1")
def test_shared_channel_reference_for_backpressure_signaling(tmp_path: Path) -> None:
    """Ready for the actor of ticket 2: a task and a thread watch the same channel."""

    async def scenario() -> None:
        config = ConnectorConfig(buffer_bytes=1000)
        async with await EventBusConnector.open(tmp_path / "wal", config) as connector:
            in_thread = asyncio.create_task(
                asyncio.to_thread(connector.backpressure.subscribe().wait, DEADLINE_S)
            )
            in_task = asyncio.create_task(connector.backpressure.subscribe().changed())
            await connector.publish_batch([small_event(number) for number in range(1, 9)])
            for state in (await in_thread, await in_task):
                assert state is not None
                assert state.level is Level.TRIGGERED
            await connector.close(0)

    asyncio.run(scenario())


# ---- Integration ------------------------------------------------------------


@pytest.mark.req("CON-2.1", "DEL-1.1", "ACK-5.1")
def test_connector_integrates_with_the_log(tmp_path: Path) -> None:
    """Acknowledged by the broker means settled in the log."""

    async def scenario() -> None:
        async with (
            BrokerOnSocket(tmp_path / "broker.sock") as broker,
            await EventBusConnector.open(tmp_path / "wal") as connector,
        ):
            connector.connect(str(broker.path))
            for number in range(1, 11):
                await connector.publish(small_event(number))
            assert await connector.drained(DEADLINE_S)
        with WriteAheadLog.open(tmp_path / "wal") as log:
            assert log.acknowledged_through == 10
            assert list(log.replay()) == []

    asyncio.run(scenario())


@pytest.mark.req("DEL-1.1", "DEL-1.2", "REC-1.1")
def test_events_survive_a_crash_and_are_replayed_on_restart(tmp_path: Path) -> None:
    lines = "".join(f"{encode_json_line(small_event(n))}\n" for n in range(1, 51))
    process = subprocess.Popen(
        [sys.executable, "-m", "reference", "run", "--wal-dir", str(tmp_path / "wal"),
         "--status-json"],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env={VARIABLE: str(tmp_path / "broker.sock"), "PATH": ""}, text=True,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(lines)
    process.stdin.flush()
    while '"sequence": "50"' not in process.stdout.readline():
        pass
    process.send_signal(signal.SIGKILL)
    process.communicate()

    async def restart() -> None:
        async with (
            BrokerOnSocket(tmp_path / "broker.sock") as broker,
            await EventBusConnector.open(tmp_path / "wal") as connector,
        ):
            connector.connect(str(broker.path))
            assert await connector.drained(DEADLINE_S)
            assert [each.entry.event.pid for each in broker.received] == list(range(1, 51))

    asyncio.run(restart())


@pytest.mark.req("DEL-1.1", "LNK-4.1")
def test_no_data_loss_during_connection_failures(tmp_path: Path) -> None:
    async def scenario() -> None:
        plan = ["reset-before-acknowledgement%5", "reset-before-record%5", "garbage%2", "error%2"]
        async with (
            BrokerOnSocket(tmp_path / "broker.sock", plan, seed=3) as broker,
            await EventBusConnector.open(
                tmp_path / "wal", ConnectorConfig(backoff_first_ns=10**6, backoff_max_ns=10**7)
            ) as connector,
        ):
            connector.connect(str(broker.path))
            for number in range(1, 301):
                await connector.publish(small_event(number))
            assert await connector.drained(DEADLINE_S)
            assert [each.entry.event.pid for each in broker.received] == list(range(1, 301))
            assert broker.violations == []
            assert connector.status().links > 3, "the link did fail"

    asyncio.run(scenario())


@pytest.mark.req("BPR-2.1", "BPR-1.1")
def test_backpressure_mechanism_is_ready_for_an_actor(tmp_path: Path) -> None:
    """An actor that slows down when it is told and speeds up again, beside a broker that stops."""

    async def scenario() -> None:
        async with (
            BrokerOnSocket(tmp_path / "broker.sock") as broker,
            await EventBusConnector.open(
                tmp_path / "wal", ConnectorConfig(buffer_bytes=2000)
            ) as connector,
        ):
            seen: list[Level] = []

            async def actor() -> None:
                async for state in connector.backpressure.subscribe():
                    seen.append(state.level)

            watching = asyncio.create_task(actor())
            for _ in range(2):
                await connector.publish_batch([small_event(n) for n in range(1, 31)])
                await until_level(connector, Level.TRIGGERED)
                connector.connect(str(broker.path))
                await broker.start()
                assert await connector.drained(DEADLINE_S)
                await broker.stop()
            await connector.close(0)
            await asyncio.wait_for(watching, DEADLINE_S)
            assert seen[0] is Level.TRIGGERED
            assert seen[-1] is Level.RELEASED
            assert all(one is not other for one, other in itertools.pairwise(seen))

    asyncio.run(scenario())
