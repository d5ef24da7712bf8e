"""What the log costs, as exact counts of disk calls and bytes: SPEC.md, section 30.

Every call goes through a disk in memory that counts; nothing here is a time. A change that
makes any of these cheaper or dearer has to change the text.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from reference.codec import encode_event, encode_timestamp
from reference.event_bus_connector import EventBusConnector
from reference.filesystem import DirectoryEntry, LockMode
from reference.limits import FRAMES_OFFSET, MIB, WalConfig
from reference.wal import WriteAheadLog
from simulators.memory_filesystem import MemoryFilesystem
from tests.wal_helpers import CLOCK_NS, FIRST, make_log, small_config, small_event

FRAME_BYTES = 40 + len(encode_timestamp(CLOCK_NS)) - 8 + len(encode_event(small_event(1)))
Calls = dict[str, int]


class CountingFilesystem(MemoryFilesystem):
    """A disk that counts calls, and the bytes of those that move bytes."""

    __slots__ = ("calls", "moved_bytes")

    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[str] = Counter()
        self.moved_bytes: Counter[str] = Counter()

    def taken(self) -> tuple[Calls, Calls]:
        """Return the calls and the bytes since the last time."""
        result = dict(self.calls), dict(self.moved_bytes)
        self.calls.clear()
        self.moved_bytes.clear()
        return result

    def create_exclusive(self, name: str) -> None:
        self.calls["create"] += 1
        super().create_exclusive(name)

    def append(self, name: str, data: bytes) -> int:
        self.calls["append"] += 1
        self.moved_bytes["append"] += len(data)
        return super().append(name, data)

    def overwrite(self, name: str, offset: int, data: bytes) -> None:
        self.calls["overwrite"] += 1
        self.moved_bytes["overwrite"] += len(data)
        super().overwrite(name, offset, data)

    def sync(self, name: str) -> None:
        self.calls["sync"] += 1
        super().sync(name)

    def sync_directory(self) -> None:
        self.calls["sync_directory"] += 1
        super().sync_directory()

    def truncate(self, name: str, size_bytes: int) -> None:
        self.calls["truncate"] += 1
        super().truncate(name, size_bytes)

    def read(self, name: str, offset: int, count: int) -> bytes:
        data = super().read(name, offset, count)
        self.calls["read"] += 1
        self.moved_bytes["read"] += len(data)
        return data

    def list(self) -> Sequence[DirectoryEntry]:
        self.calls["list"] += 1
        return super().list()

    def rename_new(self, old: str, new: str) -> None:
        self.calls["rename_new"] += 1
        super().rename_new(old, new)

    def unlink(self, name: str) -> None:
        if name in self.files:  # a temporary file that is not there costs nothing
            self.calls["unlink"] += 1
        super().unlink(name)

    def lock(self, mode: LockMode) -> bool:
        self.calls["lock"] += 1
        return super().lock(mode)


def log_in_use(config: WalConfig | None = None) -> tuple[CountingFilesystem, WriteAheadLog]:
    """A log to which one event was appended, and nothing counted."""
    disk = CountingFilesystem()
    log = make_log(disk, config or WalConfig())
    log.append(small_event(1))
    disk.taken()
    return disk, log


ONE_APPEND = {"append": 1, "sync": 1}


@pytest.mark.req("CST-1.1", "CST-1.2")
def test_an_append_is_one_write_and_one_sync() -> None:
    disk, log = log_in_use()
    log.append(small_event(1))
    assert disk.taken() == (ONE_APPEND, {"append": FRAME_BYTES})
    log.append_batch([small_event(1)] * 100)
    assert disk.taken() == (ONE_APPEND, {"append": 100 * FRAME_BYTES})


@pytest.mark.req("CST-1.1")
def test_a_large_batch_is_a_write_and_a_sync_for_each_four_mib_begun() -> None:
    disk, log = log_in_use()
    count = 9 * MIB // FRAME_BYTES
    log.append_batch([small_event(1)] * count)
    assert disk.taken() == ({"append": 3, "sync": 3}, {"append": count * FRAME_BYTES})


@pytest.mark.req("CST-1.1")
def test_the_first_append_also_withdraws_the_clean_mark() -> None:
    disk = CountingFilesystem()
    log = make_log(disk)
    disk.taken()
    log.append(small_event(1))
    first = ({**ONE_APPEND, "overwrite": 1, "sync": 2}, {"append": FRAME_BYTES, "overwrite": 128})
    assert disk.taken() == first
    log.close()
    log = make_log(disk)
    disk.taken()
    log.append(small_event(1))
    assert disk.taken() == ({**first[0], "sync_directory": 1}, first[1])


@pytest.mark.req("CST-1.1", "CST-1.2")
def test_a_new_file_is_a_header_block_and_its_name() -> None:
    disk, log = log_in_use(small_config(4))
    while len(log.segment_names) == 1:
        calls = disk.taken()
        log.append(small_event(1))
    assert calls == (ONE_APPEND, {"append": FRAME_BYTES})
    assert disk.taken() == (
        {"create": 1, "append": 2, "sync": 2, "sync_directory": 1},
        {"append": FRAMES_OFFSET + FRAME_BYTES},
    )
    assert FRAMES_OFFSET == 8192


@pytest.mark.req("CST-1.3")
def test_an_acknowledgement_writes_one_slot_in_a_thousand_numbers_or_a_second() -> None:
    now_ns = 0
    disk = CountingFilesystem()
    log = make_log(disk, monotonic_ns=lambda: now_ns)
    log.append_batch([small_event(1)] * 3000)
    disk.taken()
    log.acknowledge(999)
    assert disk.taken() == ({}, {})
    log.acknowledge(1000)
    assert disk.taken() == ({"overwrite": 1, "sync": 1}, {"overwrite": 128})
    for through in range(1001, 2000):
        log.acknowledge(through)
    assert disk.taken() == ({}, {})
    now_ns = 1_000_000_000
    log.settle(2001)  # not above the watermark yet: nothing to write
    assert disk.taken() == ({"overwrite": 1, "sync": 1}, {"overwrite": 128})
    log.settle(2003)
    assert disk.taken() == ({}, {})


@pytest.mark.req("CST-1.3")
def test_files_that_can_go_cost_one_slot_and_for_each_an_unlink_and_a_directory_sync() -> None:
    disk, log = log_in_use(small_config(4))
    while len(log.segment_names) < 4:
        last = log.append(small_event(1))
    disk.taken()
    log.acknowledge(last - 1)
    assert len(log.segment_names) == 1
    assert disk.taken() == (
        {"overwrite": 1, "sync": 1, "unlink": 3, "sync_directory": 3}, {"overwrite": 128}
    )  # fmt: skip


@pytest.mark.req("CST-1.4", "CST-1.2")
def test_opening_an_empty_directory_makes_two_files_whole_before_they_have_their_names() -> None:
    disk = CountingFilesystem()
    make_log(disk)
    calls, moved_bytes = disk.taken()
    assert (calls.pop("list"), calls.pop("lock")) == (4, 1)
    assert calls == {
        "create": 2, "append": 2, "sync": 2, "rename_new": 2, "sync_directory": 3
    }  # fmt: skip
    assert moved_bytes == {"append": 2 * 8192}
    assert {len(content) for content in disk.files.values()} == {8192}


@pytest.mark.req("CST-1.4")
@pytest.mark.parametrize("mebibytes", [0, 1, 3])
def test_opening_after_a_clean_end_reads_every_byte_once_and_writes_nothing(mebibytes: int) -> None:
    disk, log = log_in_use()
    log.append_batch([small_event(1)] * (10 + mebibytes * MIB // FRAME_BYTES))
    log.close()
    frames_bytes = len(disk.files[FIRST]) - FRAMES_OFFSET
    disk.taken()
    make_log(disk)
    calls, moved_bytes = disk.taken()
    # Two copies of a header and two slots; the window moves on with what it holds half of.
    assert moved_bytes == {"read": 4 * 128 + frames_bytes}
    assert calls == {"lock": 1, "list": 4, "read": 4 + 1 + mebibytes}


@pytest.mark.req("CST-1.4")
def test_opening_after_a_crash_reads_the_newest_file_twice_and_copies_what_is_unsettled() -> None:
    disk, log = log_in_use()
    log.append_batch([small_event(1)] * 99)
    log.acknowledge(40)
    log.flush()
    disk.locked = False
    disk.taken()
    make_log(disk)
    calls, moved_bytes = disk.taken()
    assert moved_bytes["append"] == FRAMES_OFFSET + 60 * FRAME_BYTES
    assert moved_bytes["read"] - 4 * 128 == 2 * 100 * FRAME_BYTES
    assert (calls["create"], calls["sync"], calls["unlink"]) == (1, 2, 1)


@pytest.mark.req("CST-1.5")
def test_replay_reads_every_byte_once_and_writes_nothing() -> None:
    disk, log = log_in_use()
    log.append_batch([small_event(1)] * (3 * MIB // FRAME_BYTES - 1))
    disk.taken()
    count = sum(1 for _ in log.replay())
    assert disk.taken() == ({"read": 3}, {"read": count * FRAME_BYTES})


@pytest.mark.req("CST-1.1", "CST-1.3")
def test_closing_writes_one_slot() -> None:
    disk, log = log_in_use()
    log.close()
    assert disk.taken() == ({"overwrite": 1, "sync": 1}, {"overwrite": 128})


@pytest.mark.req("CST-1.1", "DSK-1.2")
def test_on_a_real_disk_an_append_is_three_system_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with WriteAheadLog.open(tmp_path / "wal") as log:
        log.append(small_event(1))
        calls: list[str] = []
        for name in ("open", "read", "pread", "write", "pwrite", "lseek", "fstat", "stat",
                     "fsync", "fdatasync", "ftruncate", "unlink", "link"):  # fmt: skip
            real = getattr(os, name)

            def counted(
                *arguments: object, real: Callable[..., object] = real, name: str = name,
                **named: object,
            ) -> object:  # fmt: skip
                calls.append(name)
                return real(*arguments, **named)

            monkeypatch.setattr(os, name, counted)
        log.append(small_event(2))
        monkeypatch.undo()
    assert calls == ["lseek", "pwrite", "fdatasync"]


@pytest.mark.req("CST-1.6")
def test_a_hundred_publishers_on_one_loop_share_each_sync() -> None:
    publishers, rounds = 100, 20

    async def publish(connector: EventBusConnector) -> None:
        for number in range(rounds):
            await connector.publish(small_event(number))

    async def run() -> Calls:
        connector = await EventBusConnector.open(disk)
        disk.taken()
        await asyncio.gather(*(publish(connector) for _ in range(publishers)))
        calls, _ = disk.taken()
        await connector.close(0)
        return calls

    disk = CountingFilesystem()
    calls = asyncio.run(run())
    assert calls["append"] == rounds
    assert calls["sync"] == rounds + 1  # and the clean mark
