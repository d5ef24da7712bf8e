"""Defects, not faults that were foreseen: the connector tells them, and lets go of everything.

A defect is put into one place: the core, one of the disk's threads, the end of the log. Who
waits in the same process must not wait for ever, and the next start must find no lock.

Spec: CON-3.4, BPR-2.1.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reference.backpressure import BackpressureState
from reference.commit_queue import CommitQueue
from reference.connector_config import ConnectorConfig
from reference.connector_disk import Commit
from reference.event_bus_connector import EventBusConnector
from reference.wal import WriteAheadLog
from tests.broker_on_socket import BrokerOnSocket
from tests.test_event_bus_connector import DEADLINE_S, Defect, run, until
from tests.wal_helpers import small_event

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

OWN_THREADS = ("connector-append", "connector-keep")


def broken(*arguments: object, **named: object) -> Any:
    raise Defect


async def join_own_threads() -> None:
    for thread in threading.enumerate():
        if thread.name.startswith(OWN_THREADS):
            await asyncio.to_thread(thread.join, DEADLINE_S)
            assert not thread.is_alive()


def core(connector: EventBusConnector, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(connector._core, "handle", broken)


def appending(connector: EventBusConnector, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(connector._disk, "commit", broken)


def settling(connector: EventBusConnector, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(connector._disk, "settle", broken)


@pytest.mark.req("CON-3.4", "BPR-2.1", "DSK-1.3")
@pytest.mark.parametrize("place", [core, appending, settling], ids=lambda place: place.__name__)
def test_everything_is_free_after_a_defect_was_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: Callable[..., None]
) -> None:
    async def scenario() -> None:
        async with BrokerOnSocket(tmp_path / "s") as broker:
            asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
            connector = await EventBusConnector.open(tmp_path / "wal")
            connector.connect(str(broker.path))
            await until(connector, lambda: connector.status().link == "online")
            ends = connector.backpressure.subscribe()
            in_task = asyncio.create_task(connector.backpressure.subscribe().changed())
            in_thread = asyncio.create_task(asyncio.to_thread(ends.wait, DEADLINE_S))
            place(connector, monkeypatch)
            if place is settling:
                await connector.publish(small_event(1))
            else:
                with pytest.raises(Defect):
                    await connector.publish(small_event(1))
            with pytest.raises(Defect):
                await connector.drained()
                await until(connector, lambda: connector._failure is not None)
                connector.connect(str(broker.path))
            for _ in range(2):
                with pytest.raises(Defect):
                    await connector.close()
            assert await in_task is None
            assert await in_thread is None
            assert connector.backpressure.is_closed
            while broker.broker.connections:  # the link is closed too
                await asyncio.sleep(0.001)
        await join_own_threads()
        with WriteAheadLog.open(tmp_path / "wal") as log:
            assert log.next_sequence - 1 == (place is not appending)

    run(scenario)


@pytest.mark.req("CON-3.4", "DSK-1.3")
def test_a_defect_while_the_log_is_closed_frees_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        connector = await EventBusConnector.open(tmp_path / "wal")
        monkeypatch.setattr(connector._log._retention, "close", broken)
        with pytest.raises(Defect):
            await connector.close()
        assert connector.backpressure.is_closed
        await join_own_threads()
        (await EventBusConnector.open(tmp_path / "wal"))._log.close()

    run(scenario)


@pytest.mark.req("CON-3.4")
def test_a_defect_that_comes_with_the_last_jobs_is_no_clean_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with BrokerOnSocket(tmp_path / "s") as broker:
            asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
            connector = await EventBusConnector.open(tmp_path / "wal")
            connector.connect(str(broker.path))
            await until(connector, lambda: connector.status().link == "online")
            gate = threading.Event()
            connector._threads.keep(lambda: gate.wait(20), lambda opened: None)
            await connector.publish(small_event(1))
            # What was answered is settled by a job that stands behind the gate.
            await until(connector, lambda: connector.status().backlog == 0)
            monkeypatch.setattr(connector._disk, "_log", None)
            asyncio.get_running_loop().call_later(0, gate.set)
            with pytest.raises(AttributeError):
                await connector.close()
        WriteAheadLog.open(tmp_path / "wal").close()

    run(scenario)


@pytest.mark.req("CON-3.4", "DSK-1.3")
@pytest.mark.parametrize("place", ["_core", "_disk"])
def test_a_defect_while_it_opens_keeps_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    with WriteAheadLog.open(tmp_path / "wal") as log:
        log.append(small_event(1))
    name = {
        "_core": "reference.connector_core.ConnectorCore.handle",
        "_disk": "reference.connector_disk.ConnectorDisk.read_page",
    }[place]

    async def scenario() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        with monkeypatch.context() as patch:
            patch.setattr(name, broken)
            with pytest.raises(Defect):
                await EventBusConnector.open(tmp_path / "wal")
        async with await EventBusConnector.open(tmp_path / "wal") as connector:
            assert connector.status().backlog == 1

    run(scenario)


@pytest.mark.req("CON-4.1")
def test_a_core_that_broke_off_is_fed_nothing_more(tmp_path: Path) -> None:
    async def scenario() -> None:
        config = ConnectorConfig()
        connector = await EventBusConnector.open(tmp_path / "wal", config)
        fed: list[object] = []

        def handle(event: object, now_ns: int) -> list[object]:
            fed.append(event)
            raise Defect

        connector._core.handle = handle  # type: ignore[assignment, method-assign]
        with pytest.raises(Defect):
            connector.connect(str(tmp_path / "s"))
        with pytest.raises(Defect):
            connector.connect(str(tmp_path / "s"))
        with pytest.raises(Defect):
            await connector.close()
        assert len(fed) == 1
        assert connector.backpressure.state == BackpressureState(limit_bytes=config.buffer_bytes)

    run(scenario)


@pytest.mark.req("CON-2.2", "CON-3.4")
def test_a_queue_that_failed_stores_nothing_of_what_waited() -> None:
    """Its publishers were told that it failed: they may publish the same again elsewhere."""

    async def scenario() -> None:
        started: list[list[bytes]] = []
        told: list[Callable[[Commit], None]] = []

        def commit(batch: list[bytes], then: Callable[[Commit], None]) -> None:
            started.append(batch)
            told.append(then)

        queue = CommitQueue(commit, lambda commit: None, 8)
        waiting = [asyncio.create_task(queue.store([b"x" * 8])) for _ in range(2)]
        for _ in range(3):
            await asyncio.sleep(0)
        queue.fail(Defect())
        told[0](Commit([1], ()))  # the commit that was under way ends all the same
        for _ in range(3):
            await asyncio.sleep(0)
        assert started == [[b"x" * 8]]
        assert queue.is_idle
        for task in waiting:
            with pytest.raises(Defect):
                await task

    run(scenario)
