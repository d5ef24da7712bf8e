"""The asyncio shell: shared syncs, errors of the disk, the link's life, closing, defects."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from freezegun import freeze_time

from reference.broker_socket import VARIABLE
from reference.commit_queue import CommitQueue
from reference.connector_config import ConnectorConfig
from reference.connector_disk import Commit, ConnectorDisk
from reference.connector_errors import (
    BrokerAddressMissing,
    BrokerAddressTooLong,
    ConnectorClosed,
)
from reference.connector_inputs import (
    Input,
    PageFailed,
    PageRead,
    ReadPage,
    Settle,
    ShutdownRequested,
    TimerFired,
    WatermarkDurable,
)
from reference.errors import (
    DiskRejected,
    EventTooLarge,
    InvalidEvent,
    Locked,
    LogFailed,
    SyncFailed,
)
from reference.event_bus_connector import EventBusConnector, World
from reference.filesystem import LockMode
from reference.limits import ConfigError, WalConfig
from reference.link_messages import Welcome
from reference.timestamps import format_rfc3339
from simulators.memory_filesystem import MemoryFilesystem
from tests.broker_on_socket import BrokerOnSocket
from tests.wal_helpers import FIRST, SECOND, disk_with, small_config, small_event

DEADLINE_S = 20
QUICK = ConnectorConfig(backoff_first_ns=10**6, backoff_max_ns=20 * 10**6)


def run(scenario: Callable[[], Coroutine[None, None, None]]) -> None:
    """Run a test's coroutine, but not for ever."""

    async def bounded() -> None:
        async with asyncio.timeout(DEADLINE_S):
            await scenario()

    asyncio.run(bounded())


async def until(connector: EventBusConnector, condition: Callable[[], bool]) -> None:
    while not condition():
        await connector.changed(connector.revision)


def syncs_of(disk: MemoryFilesystem) -> int:
    return sum(call == "sync" and name.endswith(".wal") for call, name in disk.journal)


class GatedDisk(MemoryFilesystem):
    """A disk whose syncs of segments wait until the test lets them."""

    __slots__ = ("entered", "gate")

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()

    def sync(self, name: str) -> None:
        self.entered.set()
        assert self.gate.wait(DEADLINE_S)
        super().sync(name)


# ---- Publishing -------------------------------------------------------------


@pytest.mark.req("CON-2.1", "CON-2.2", "WAL-2.1")
def test_publishers_that_come_while_a_batch_is_stored_share_the_next_sync() -> None:
    async def scenario() -> None:
        disk = GatedDisk()
        async with await EventBusConnector.open(disk) as connector:
            before = syncs_of(disk)
            disk.gate.clear()
            disk.entered.clear()
            first = asyncio.create_task(connector.publish(small_event(1)))
            assert await asyncio.to_thread(disk.entered.wait, DEADLINE_S)
            others = [asyncio.create_task(connector.publish(small_event(n))) for n in range(2, 102)]
            await asyncio.sleep(0)
            assert not first.done(), "the loop runs while the disk does not answer"
            disk.gate.set()
            assert await first == 1
            assert await asyncio.gather(*others) == list(range(2, 102))
            assert syncs_of(disk) - before == 2

    run(scenario)


@pytest.mark.req("CON-2.2", "WAL-2.1")
def test_a_hundred_publishers_need_about_a_hundredth_of_the_syncs() -> None:
    async def scenario() -> None:
        disk = MemoryFilesystem()
        async with await EventBusConnector.open(disk) as connector:
            before = syncs_of(disk)

            async def publisher() -> None:
                for number in range(30):
                    await connector.publish(small_event(number))

            await asyncio.gather(*(publisher() for _ in range(100)))
            # The first one alone, and then at least 90 at a time.
            assert syncs_of(disk) - before <= 3000 // 90 + 1
            await connector.close(0)

    run(scenario)


@pytest.mark.req("CON-2.2")
def test_no_events_are_stored_at_once() -> None:
    async def scenario() -> None:
        async with await EventBusConnector.open(MemoryFilesystem()) as connector:
            assert await connector.publish_batch([]) == []

    run(scenario)


@pytest.mark.req("CON-2.1", "EVT-1.2", "FMT-1.1")
def test_an_event_that_cannot_be_stored_is_its_publishers_error_alone() -> None:
    async def scenario() -> None:
        config = WalConfig(event_bytes_max=1000)
        async with await EventBusConnector.open(MemoryFilesystem(), wal_config=config) as connector:
            results = await asyncio.gather(
                connector.publish(small_event(1)),
                connector.publish(small_event(2, "x" * 1000)),
                connector.publish(small_event(-1)),
                connector.publish(small_event(4)),
                return_exceptions=True,
            )
            assert results[0] == 1
            assert results[3] == 2
            assert isinstance(results[1], EventTooLarge)
            assert isinstance(results[2], InvalidEvent)
            await connector.close(0)

    run(scenario)


@pytest.mark.req("CON-2.1", "WAL-4.2", "WAL-4.4", "ERR-1.2")
def test_a_full_disk_rejects_who_waits_and_passes() -> None:
    async def scenario() -> None:
        disk = MemoryFilesystem()
        async with await EventBusConnector.open(disk) as connector:
            assert await connector.publish(small_event(1)) == 1
            disk.fail("append", FIRST, errno.ENOSPC)
            results = await asyncio.gather(
                *(connector.publish(small_event(n)) for n in (2, 3)), return_exceptions=True
            )
            rejected = [each for each in results if isinstance(each, DiskRejected)]
            assert rejected
            stored = [each for each in results if isinstance(each, int)]
            assert await connector.publish(small_event(4)) == 2 + len(stored)
            assert connector.status().backlog == 2 + len(stored)
            await connector.close(0)

    run(scenario)


@pytest.mark.req("CON-2.2", "WAL-1.4")
def test_a_call_that_is_stored_in_part_says_which_part_and_stores_nothing_behind_it() -> None:
    async def scenario() -> None:
        disk = MemoryFilesystem()
        config = small_config(2, batch_bytes_max=250)
        async with await EventBusConnector.open(disk, wal_config=config) as connector:
            disk.fail("append", SECOND, errno.ENOSPC, skip=1)
            events = [small_event(number) for number in range(1, 9)]
            batch = asyncio.create_task(connector.publish_batch(events))
            behind = asyncio.create_task(connector.publish(small_event(9)))
            with pytest.raises(DiskRejected) as caught:
                await batch
            assert caught.value.stored == (1, 2)
            assert await behind == 3
            await until(connector, lambda: not connector.status().spilled)
            assert connector.status().backlog == 3
            await connector.close(0)

    run(scenario)


@pytest.mark.req("WAL-4.3", "CON-2.1", "DEL-1.1")
def test_a_failed_sync_fails_the_log_but_not_the_delivery(tmp_path: Path) -> None:
    async def scenario() -> None:
        disk = MemoryFilesystem()
        async with (
            BrokerOnSocket(tmp_path / "s") as broker,
            await EventBusConnector.open(disk) as connector,
        ):
            await connector.publish(small_event(1))
            disk.fail("sync", FIRST, errno.EIO)
            with pytest.raises(SyncFailed):
                await connector.publish(small_event(2))
            with pytest.raises(LogFailed):
                await connector.publish(small_event(3))
            connector.connect(str(broker.path))
            assert await connector.drained()
            assert [each.entry.sequence for each in broker.received] == [1]
            report = await connector.close()
            assert (report.undelivered, report.repeats_possible) == (0, 0)
            assert report.is_clean, "1 is acknowledged durably, and nothing else was sent"

    run(scenario)


@pytest.mark.req("CON-2.1")
def test_a_cancelled_publisher_disturbs_nobody() -> None:
    async def scenario() -> None:
        disk = GatedDisk()
        async with await EventBusConnector.open(disk) as connector:
            disk.gate.clear()
            tasks = [asyncio.create_task(connector.publish(small_event(n))) for n in (1, 2, 3)]
            await asyncio.sleep(0)
            for task in tasks[:2]:
                task.cancel()
            await asyncio.sleep(0)
            disk.gate.set()
            assert await tasks[2] == 3, "those that were cancelled may be stored nevertheless"
            disk.fail("append", FIRST, errno.ENOSPC)
            disk.gate.clear()
            failing = asyncio.create_task(connector.publish(small_event(4)))
            await asyncio.sleep(0)
            failing.cancel()
            await asyncio.sleep(0)
            disk.gate.set()
            assert await connector.publish(small_event(5)) in (4, 5)
            await connector.close(0)

    run(scenario)


@pytest.mark.req("CON-2.1")
def test_the_stamp_of_an_entry_is_the_time_of_storing(tmp_path: Path) -> None:
    async def scenario() -> None:
        def wall_clock_ns() -> int:
            return time.time_ns()  # looked up when called, so that it can be frozen

        world = World(wall_clock_ns=wall_clock_ns)
        async with (
            BrokerOnSocket(tmp_path / "s") as broker,
            await EventBusConnector.open(MemoryFilesystem(), world=world) as connector,
        ):
            with freeze_time("2026-11-24T08:00:00Z", real_asyncio=True):
                await connector.publish(small_event(1))
            connector.connect(str(broker.path))
            assert await connector.drained()
            (event,) = broker.received
            assert format_rfc3339(event.entry.timestamp_ns) == "2026-11-24T08:00:00Z"

    run(scenario)


# ---- The link ---------------------------------------------------------------


@pytest.mark.req("CON-1.1")
def test_an_address_is_read_at_each_call_and_a_wrong_one_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with (
            BrokerOnSocket(tmp_path / "s") as broker,
            await EventBusConnector.open(MemoryFilesystem()) as connector,
        ):
            monkeypatch.delenv(VARIABLE, raising=False)
            with pytest.raises(BrokerAddressMissing):
                connector.connect()
            with pytest.raises(BrokerAddressTooLong):
                connector.connect("x" * 200)
            assert connector.status().link == "idle"
            await connector.publish(small_event(1))
            monkeypatch.setenv(VARIABLE, str(broker.path))
            connector.connect()
            assert await connector.drained()

    run(scenario)


@pytest.mark.req("CON-1.1", "CON-3.2")
def test_a_better_address_is_used_at_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            BrokerOnSocket(tmp_path / "s") as broker,
            await EventBusConnector.open(MemoryFilesystem()) as connector,
        ):
            connector.connect(str(tmp_path / "nobody"))
            await until(connector, lambda: connector.status().link == "waiting")
            assert "there is no such socket" in connector.status().problem
            connector.connect(str(broker.path))
            await until(connector, lambda: connector.status().link == "online")
            assert connector.status().problem == ""

    run(scenario)


@pytest.mark.req("CON-3.2", "DEL-1.4")
def test_an_idle_connector_reconnects_by_itself(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            BrokerOnSocket(tmp_path / "s") as broker,
            await EventBusConnector.open(disk_with(3), QUICK) as connector,
        ):
            connector.connect(str(broker.path))
            assert await connector.drained()
            await broker.stop()
            await until(connector, lambda: connector.status().link != "online")
            await broker.start()
            await until(connector, lambda: connector.status().link == "online")
            assert connector.status().links == 2

    run(scenario)


@pytest.mark.req("CON-3.3")
def test_a_broker_that_never_welcomes_is_left_and_tried_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        config = ConnectorConfig(
            backoff_first_ns=10**6, welcome_deadline_ns=30 * 10**6, backoff_max_ns=10**7
        )
        async with (
            BrokerOnSocket(tmp_path / "s", ["no-welcome@1"]) as broker,
            await EventBusConnector.open(disk_with(3), config) as connector,
        ):
            connector.connect(str(broker.path))
            assert await connector.drained()
            assert broker.broker.connection_count == 2

    run(scenario)


@pytest.mark.req("LNK-4.1", "CON-4.1", "DEL-1.4")
@pytest.mark.parametrize("rudeness", ["speaks first", "speaks and leaves", "leaves"])
def test_a_broker_without_manners_is_no_defect_of_ours(tmp_path: Path, rudeness: str) -> None:
    """It says or ends something before the connector knows that the link stands."""

    async def scenario() -> None:
        visits = 0

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal visits
            visits += 1
            if rudeness.startswith("speaks"):
                writer.write(b"220 welcome to the mail server\r\n")
            if rudeness.endswith("leaves"):
                writer.transport.abort()
            else:
                await reader.read()
                writer.close()

        server = await asyncio.start_unix_server(serve, tmp_path / "s")
        connector = await EventBusConnector.open(MemoryFilesystem(), QUICK)
        connector.connect(str(tmp_path / "s"))
        assert await connector.publish(small_event(1)) == 1
        await until(connector, lambda: visits >= 4)
        assert connector.status().backlog == 1
        await connector.close(0)
        server.close()

    run(scenario)


@pytest.mark.req("CON-3.2", "DEL-1.4")
def test_a_transport_that_cannot_be_made_counts_as_a_failed_attempt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        make = loop.create_unix_connection
        failures = 2

        async def fail_twice(*arguments: Any, **options: Any) -> Any:
            nonlocal failures
            failures -= 1
            if failures >= 0:
                options["sock"].close()
                raise OSError(errno.ENOMEM, "no memory")
            return await make(*arguments, **options)

        monkeypatch.setattr(loop, "create_unix_connection", fail_twice)
        async with (
            BrokerOnSocket(tmp_path / "s") as broker,
            await EventBusConnector.open(disk_with(3), QUICK) as connector,
        ):
            connector.connect(str(broker.path))
            assert await connector.drained()
            assert failures == -1

    run(scenario)


@pytest.mark.req("CON-3.2", "CON-3.4")
@pytest.mark.parametrize("turns", range(6))
def test_closing_while_a_connection_is_made_leaves_no_socket_behind(
    tmp_path: Path, turns: int
) -> None:
    async def scenario() -> None:
        async with BrokerOnSocket(tmp_path / "s") as broker:
            connector = await EventBusConnector.open(MemoryFilesystem())
            connector.connect(str(broker.path))
            for _ in range(turns):
                await asyncio.sleep(0)
            report = await connector.close(1)
            assert report.is_clean
            while broker.broker.connections:
                await asyncio.sleep(0.001)

    run(scenario)


@pytest.mark.req("CON-3.4")
@pytest.mark.parametrize("turns", range(4))
def test_closing_while_nobody_listens_ends_at_once(tmp_path: Path, turns: int) -> None:
    async def scenario() -> None:
        connector = await EventBusConnector.open(MemoryFilesystem())
        connector.connect(str(tmp_path / "nobody"))
        for _ in range(turns):
            await asyncio.sleep(0)
        assert (await connector.close(1)).is_clean

    run(scenario)


@pytest.mark.req("CON-3.4")
def test_a_broker_that_does_not_read_does_not_hold_up_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reference.event_bus_connector.GOODBYE_S", 0.05)

    async def scenario() -> None:
        async with (
            BrokerOnSocket(tmp_path / "s") as broker,
            await EventBusConnector.open(MemoryFilesystem()) as connector,
        ):
            connector.connect(str(broker.path))
            await until(connector, lambda: connector.status().link == "online")
            link = connector._link
            assert link is not None
            # The transport never tells of its end.
            monkeypatch.setattr(link.ended, "set", lambda: None)
            assert (await connector.close(1)).is_clean

    run(scenario)


@pytest.mark.req("BUF-1.1", "LNK-2.2")
def test_a_slow_broker_does_not_make_a_second_copy_of_the_window(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            BrokerOnSocket(tmp_path / "s", ["slow-consumer@1:0.2"], window=1000) as broker,
            await EventBusConnector.open(MemoryFilesystem()) as connector,
        ):
            await connector.publish_batch([small_event(n, "x" * 10_000) for n in range(1, 501)])
            connector.connect(str(broker.path))
            await until(connector, lambda: connector.status().outstanding == 500)
            link = connector._link
            assert link is not None
            transport = link._transport
            assert transport is not None
            assert link._waiting, "frames wait as they are"
            assert transport.get_write_buffer_size() < 2**20
            assert await connector.drained()
            assert [each.entry.sequence for each in broker.received] == list(range(1, 501))

    run(scenario)


# ---- Closing ----------------------------------------------------------------


@pytest.mark.req("CON-3.4", "DEL-1.3")
def test_a_clean_end_repeats_nothing_to_a_broker_without_memory(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with BrokerOnSocket(tmp_path / "s") as broker:
            for first in (1, 11):
                connector = await EventBusConnector.open(tmp_path / "wal")
                connector.connect(str(broker.path))
                events = [small_event(n) for n in range(first, first + 10)]
                await connector.publish_batch(events)
                assert await connector.drained()
                report = await connector.close()
                assert report.is_clean
                assert (report.undelivered, report.repeats_possible) == (0, 0)
                assert report.next_sequence == first + 10
                broker.broker.restart(keep_memory=False)
            assert broker.broker.goodbye_count == 2
            assert [each.entry.sequence for each in broker.received] == list(range(1, 21))

    run(scenario)


@pytest.mark.req("CON-3.4")
def test_an_end_without_answers_says_what_may_be_repeated(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            BrokerOnSocket(tmp_path / "s", ["no-acknowledgement"], window=4) as broker,
            await EventBusConnector.open(disk_with(6)) as connector,
        ):
            connector.connect(str(broker.path))
            await until(connector, lambda: connector.status().outstanding == 4)
            report = await connector.close(0.05)
            assert not report.is_clean
            assert (report.undelivered, report.repeats_possible) == (6, 4)
            assert "not every answer came" in report.reason

    run(scenario)


@pytest.mark.req("CON-3.4", "ACK-4.1")
def test_an_end_whose_acknowledgements_are_not_durable_is_not_clean(tmp_path: Path) -> None:
    async def scenario() -> None:
        disk = disk_with(6)
        async with (
            BrokerOnSocket(tmp_path / "s") as broker,
            await EventBusConnector.open(disk) as connector,
        ):
            connector.connect(str(broker.path))
            assert await connector.drained()
            for call in ("overwrite", "create_exclusive"):
                disk.fail(call, error=errno.ENOSPC, times=100)
            report = await connector.close()
            assert not report.is_clean
            assert (report.undelivered, report.repeats_possible) == (0, 6)
            assert "acknowledgement file" in report.reason

    run(scenario)


@pytest.mark.req("CON-3.4", "WAL-4.2")
@pytest.mark.parametrize("is_durable", [True, False])
def test_an_end_after_a_refused_append_is_clean_if_nothing_can_be_repeated(
    tmp_path: Path, is_durable: bool
) -> None:
    """The file is sealed, so the log is not closed cleanly; but the broker gets nothing twice."""

    async def scenario() -> None:
        disk = disk_with(6)
        async with (
            BrokerOnSocket(tmp_path / "s") as broker,
            await EventBusConnector.open(disk) as connector,
        ):
            connector.connect(str(broker.path))
            disk.fail("append", FIRST, errno.ENOSPC)
            with pytest.raises(DiskRejected):
                await connector.publish(small_event(7))
            assert await connector.drained()
            if not is_durable:
                for call in ("overwrite", "create_exclusive"):
                    disk.fail(call, error=errno.ENOSPC, times=100)
            report = await connector.close()
            assert connector._log.close().reason != ""
            assert report.is_clean is is_durable
            assert (report.undelivered, report.repeats_possible) == (0, 0 if is_durable else 6)
            assert (report.reason == "") is is_durable
            before = len(broker.received)
        disk.heal()
        async with (
            BrokerOnSocket(tmp_path / "s") as broker,
            await EventBusConnector.open(disk) as connector,
        ):
            connector.connect(str(broker.path))
            await until(connector, lambda: connector.status().link == "online")
            assert await connector.drained()
            assert (before, len(broker.received)) == (6, 0 if is_durable else 6)

    run(scenario)


@pytest.mark.req("CON-3.4", "CON-2.1")
def test_closing_stores_what_is_being_published_and_refuses_what_comes_later() -> None:
    async def scenario() -> None:
        disk = GatedDisk()
        connector = await EventBusConnector.open(disk)
        disk.gate.clear()
        disk.entered.clear()
        publishing = asyncio.create_task(connector.publish(small_event(1)))
        await asyncio.to_thread(disk.entered.wait, DEADLINE_S)
        closing = asyncio.create_task(connector.close())
        await asyncio.sleep(0)
        with pytest.raises(ConnectorClosed):
            await connector.publish(small_event(2))
        with pytest.raises(ConnectorClosed):
            connector.connect("s")
        disk.gate.set()
        assert await publishing == 1
        report = await closing
        assert (report.undelivered, report.next_sequence) == (1, 2)
        assert await connector.close() is report
        assert connector.backpressure.is_closed

    run(scenario)


@pytest.mark.req("CON-3.4", "CON-2.1")
def test_closing_stores_everything_that_was_given_before_in_however_many_commits() -> None:
    async def scenario() -> None:
        disk = MemoryFilesystem()
        config = WalConfig(batch_bytes_max=100)
        connector = await EventBusConnector.open(disk, wal_config=config)
        publishing = [asyncio.create_task(connector.publish(small_event(n))) for n in range(1, 30)]
        await asyncio.sleep(0)
        report = await connector.close()
        assert await asyncio.gather(*publishing) == list(range(1, 30))
        assert report.next_sequence == 30
        assert report.undelivered == 29

    run(scenario)


@pytest.mark.req("CON-3.4")
def test_cancelling_one_who_waits_for_the_end_does_not_stop_it() -> None:
    async def scenario() -> None:
        disk = MemoryFilesystem()
        connector = await EventBusConnector.open(disk)
        closing = asyncio.create_task(connector.close())
        await asyncio.sleep(0)
        closing.cancel()
        assert (await connector.close()).is_clean
        assert not disk.locked

    run(scenario)


@pytest.mark.req("DEL-1.4")
def test_waiting_for_delivery_can_time_out() -> None:
    async def scenario() -> None:
        async with await EventBusConnector.open(MemoryFilesystem()) as connector:
            assert await connector.drained(0.01)
            await connector.publish(small_event(1))
            assert not await connector.drained(0.01)
            await connector.close(0)

    run(scenario)


@pytest.mark.req("CON-3.4", "DSK-1.3")
@pytest.mark.parametrize("turns", range(1, 12))
def test_an_opening_that_is_cancelled_leaves_no_lock(tmp_path: Path, turns: int) -> None:
    async def scenario() -> None:
        opening = asyncio.create_task(EventBusConnector.open(tmp_path / "wal"))
        for _ in range(turns):
            await asyncio.sleep(0 if turns < 6 else 0.001)
        opening.cancel()
        try:
            connector = await opening
        except asyncio.CancelledError:
            connector = await EventBusConnector.open(tmp_path / "wal")
        assert (await connector.close()).is_clean

    run(scenario)


@pytest.mark.req("CON-3.4", "DSK-1.3")
@pytest.mark.parametrize("is_refused", [False, True])
def test_an_opening_that_is_cancelled_ends_when_the_lock_is_free(is_refused: bool) -> None:
    class GatedLock(GatedDisk):
        __slots__ = ()

        def lock(self, mode: LockMode) -> bool:
            self.entered.set()
            assert self.gate.wait(DEADLINE_S)
            return not is_refused and super().lock(mode)

    async def scenario() -> None:
        disk = GatedLock()
        disk.gate.clear()
        opening = asyncio.create_task(EventBusConnector.open(disk))
        assert await asyncio.to_thread(disk.entered.wait, DEADLINE_S)
        opening.cancel()
        await asyncio.sleep(0.01)
        assert not opening.done(), "the thread is still in the log"
        disk.gate.set()
        with pytest.raises(asyncio.CancelledError):
            await opening
        assert not disk.locked

    run(scenario)


@pytest.mark.req("CON-3.4", "DSK-1.3")
def test_an_opening_that_is_cancelled_as_it_reads_the_backlog_closes_the_log(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entered, gate = threading.Event(), threading.Event()
    read_page = ConnectorDisk.read_page

    def gated(disk: ConnectorDisk, request: ReadPage) -> PageRead | PageFailed:
        entered.set()
        assert gate.wait(DEADLINE_S)
        return read_page(disk, request)

    async def scenario() -> None:
        disk = disk_with(3)
        monkeypatch.setattr(ConnectorDisk, "read_page", gated)
        opening = asyncio.create_task(EventBusConnector.open(disk))
        assert await asyncio.to_thread(entered.wait, DEADLINE_S)
        opening.cancel()
        gate.set()
        with pytest.raises(asyncio.CancelledError):
            await opening
        assert not disk.locked

    run(scenario)


@pytest.mark.req("CON-2.2", "ACK-2.1")
def test_numbers_that_come_while_others_are_settled_are_settled_too() -> None:
    async def scenario() -> None:
        connector = await EventBusConnector.open(disk_with(3))
        settle = connector._disk.settle

        def late() -> WatermarkDurable:
            result = settle()
            connector._disk.add_to_settle(Settle(2, 3))  # just when the job has looked
            connector._disk.settle = settle  # type: ignore[method-assign]
            return result

        connector._disk.settle = late  # type: ignore[method-assign]
        connector._carry_out(Settle(1, 1))
        while connector._log.acknowledged_through < 3:
            await connector.changed(connector.revision)
        await connector.close(0)

    run(scenario)


@pytest.mark.req("CON-3.4", "DSK-1.3")
def test_opening_refuses_as_the_log_does_and_leaves_no_lock(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with await EventBusConnector.open(tmp_path / "wal"):
            with pytest.raises(Locked):
                await EventBusConnector.open(tmp_path / "wal")
        with pytest.raises(ConfigError):
            await EventBusConnector.open(tmp_path / "wal", ConnectorConfig(buffer_bytes=0))
        async with await EventBusConnector.open(tmp_path / "wal") as connector:
            assert connector.recovery.is_clean

    run(scenario)


# ---- Divergence, letters, reports -------------------------------------------


@pytest.mark.req("LNK-2.4", "WAL-7.1")
def test_a_restored_directory_goes_on_under_a_new_identity(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        disk = disk_with(3)
        async with (
            BrokerOnSocket(tmp_path / "s", ["welcome-ahead@1"]) as broker,
            await EventBusConnector.open(disk, QUICK) as connector,
        ):
            before = connector.status().log_id
            connector.connect(str(broker.path))
            assert await connector.drained()
            assert connector.status().log_id != before
            assert {each.log_id.hex() for each in broker.received} == {connector.status().log_id}

    with caplog.at_level(logging.INFO, "reference.connector"):
        run(scenario)
    assert any("restored or copied" in message for message in caplog.messages)
    assert caplog.messages[-1].startswith("window 256")


@pytest.mark.req("LNK-2.4")
def test_a_broker_cannot_know_a_directory_that_was_new(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            BrokerOnSocket(tmp_path / "s", ["welcome-ahead@1"]) as broker,
            await EventBusConnector.open(tmp_path / "wal", QUICK) as connector,
        ):
            before = connector.status().log_id
            await connector.publish(small_event(1))
            connector.connect(str(broker.path))
            assert await connector.drained()
            assert connector.status().log_id == before
            assert connector.status().violations == 1

    run(scenario)


@pytest.mark.req("DLQ-2.1")
def test_a_refused_event_goes_to_the_dead_letter_file(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            BrokerOnSocket(tmp_path / "s", ["refuse@2"]) as broker,
            await EventBusConnector.open(tmp_path / "wal") as connector,
        ):
            connector.connect(str(broker.path))
            await connector.publish_batch([small_event(number) for number in (1, 2, 3)])
            assert await connector.drained()
            assert [each.entry.sequence for each in broker.received] == [1, 3]
            assert connector.status().refused == 1
        letters = (tmp_path / "wal" / "procmond.dead").read_text()
        assert '"sequence":"2"' in letters

    run(scenario)


@pytest.mark.req("CLI-4.3")
def test_the_status_says_what_is_going_on(tmp_path: Path) -> None:
    async def scenario() -> None:
        config = ConnectorConfig(buffer_bytes=1000)
        async with await EventBusConnector.open(disk_with(30), config) as connector:
            status = connector.status()
            assert status.as_line().startswith("idle | sequence 30 | acknowledged 0 | backlog 30")
            assert "% +log | backpressure triggered" in status.as_line()
            as_json = status.as_json()
            assert as_json["sequence"] == "30"
            assert as_json["acknowledged"] == "0"
            assert as_json["spilled"] is True
            assert set(as_json) == set(status.__slots__)
            blocked = type(status)(**{**dict(as_json), "dead_letters_blocked": True})  # type: ignore[arg-type]
            assert blocked.as_line().endswith("dead letters cannot be stored")
            await connector.close(0)

    run(scenario)


# ---- Defects ----------------------------------------------------------------


class Defect(Exception):
    """Something that no code foresees."""


@pytest.mark.req("CON-2.1", "CON-3.4")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_defect_reaches_everybody_who_waits() -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda loop, context: None)
        disk = MemoryFilesystem()
        connector = await EventBusConnector.open(disk)
        await connector.publish(small_event(1))
        draining = asyncio.create_task(connector.drained())
        await asyncio.sleep(0)

        def broken(event: Input, now_ns: int) -> list[object]:
            raise Defect

        connector._core.handle = broken  # type: ignore[assignment, method-assign]
        publishing = asyncio.create_task(connector.publish(small_event(2)))
        for waiting in (publishing, draining):
            with pytest.raises(Defect):
                await waiting
        with pytest.raises(Defect):
            await connector.publish(small_event(3))
        with pytest.raises(Defect):
            await connector.close()

    run(scenario)


@pytest.mark.req("CON-3.4")
def test_an_end_that_comes_after_a_defect_does_not_hide_it() -> None:
    async def scenario() -> None:
        connector = await EventBusConnector.open(MemoryFilesystem())
        connector._fail(Defect())
        connector._handle(ShutdownRequested(0))
        with pytest.raises(Defect):
            await connector.close()

    run(scenario)


@pytest.mark.req("CON-2.2")
def test_a_queue_that_failed_answers_those_who_were_not_taken_yet() -> None:
    async def scenario() -> None:
        started: list[list[bytes]] = []
        queue = CommitQueue(lambda batch, then: started.append(batch), lambda commit: None, 8)
        waiting = [asyncio.create_task(queue.store([b"x" * 8])) for _ in range(3)]
        for _ in range(2):
            await asyncio.sleep(0)
        assert started == [[b"x" * 8]]
        waiting[1].cancel()
        await asyncio.sleep(0)
        queue.fail(Defect())
        for task in (waiting[0], waiting[2]):
            with pytest.raises(Defect):
                await task

    run(scenario)


@pytest.mark.req("CON-2.2", "WAL-2.1")
def test_the_queue_gathers_while_a_commit_is_under_way() -> None:
    async def scenario() -> None:
        offered: list[list[bytes]] = []
        queue = CommitQueue(lambda batch, then: offered.append(batch), lambda commit: None, 99)
        tasks = []
        for event in (b"a", b"b", b"c"):
            tasks.append(asyncio.create_task(queue.store([event])))
            for _ in range(4):
                await asyncio.sleep(0)
        assert offered == [[b"a"]]
        queue.fail(Defect())
        for task in tasks:
            with pytest.raises(Defect):
                await task

    run(scenario)


@pytest.mark.req("CON-2.2", "WAL-3.2")
def test_the_queue_never_offers_more_than_a_batch_and_keeps_the_order() -> None:
    async def scenario() -> None:
        offered: list[list[bytes]] = []
        numbers = iter(range(1, 1000))

        def commit(batch: list[bytes], then: Callable[[Commit], None]) -> None:
            offered.append(batch)
            result = Commit([next(numbers) for _ in batch], ())
            asyncio.get_running_loop().call_soon(then, result)

        queue = CommitQueue(commit, lambda commit: None, 10)
        results = await asyncio.gather(
            queue.store([b"a" * 4] * 5), queue.store([b"b" * 30]), queue.store([b"c"])
        )
        assert list(results) == [[1, 2, 3, 4, 5], [6], [7]]
        assert offered == [
            [b"aaaa", b"aaaa", b"aaaa"], [b"aaaa", b"aaaa", b"b" * 30], [b"c"],
        ]  # fmt: skip

    run(scenario)


@pytest.mark.req("CON-4.1")
def test_time_and_chance_come_from_the_world_that_is_passed_in(tmp_path: Path) -> None:
    async def scenario() -> None:
        drawn: list[int] = []

        def random() -> float:
            drawn.append(1)
            return 0.5

        world = World(random=random, random_bytes=lambda count: b"\x07" * count)
        async with await EventBusConnector.open(tmp_path / "wal", QUICK, world=world) as connector:
            connector.connect(str(tmp_path / "nobody"))
            await until(connector, lambda: len(drawn) >= 3)
            assert connector.status().log_id == "07" * 16
            assert isinstance(TimerFired(), TimerFired)
            assert Welcome(1, 1, 1).window == 1
            assert os.path.isdir(tmp_path / "wal")

    run(scenario)
