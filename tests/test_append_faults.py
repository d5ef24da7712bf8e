"""Appending on a disk that fails: what is stored, what is said, what works afterwards."""

from __future__ import annotations

import errno
from collections.abc import Callable

import pytest

from reference.errors import (
    AppendError,
    DiskRejected,
    InvalidEvent,
    LogFailed,
    NoSegment,
    QuotaExceeded,
    SyncFailed,
    WalClosed,
)
from reference.limits import FRAMES_OFFSET, WalConfig
from reference.timestamps import TIME_NS_MAX
from simulators.memory_filesystem import MemoryFilesystem
from tests.wal_helpers import (
    FIRST,
    SECOND,
    disk_with,
    frames_of,
    make_log,
    reopened,
    replayed,
    small_config,
    small_event,
)

CALLS = ("append", "sync", "truncate", "create_exclusive", "sync_directory", "overwrite", "unlink")


@pytest.mark.req("WAL-4.1", "WAL-1.1")
@pytest.mark.parametrize("count", [1, 7, 100])
def test_short_writes_are_continued(count: int) -> None:
    disk = MemoryFilesystem()
    log = make_log(disk)
    disk.short_writes(count)
    assert log.append_batch([small_event(number) for number in (1, 2, 3)]) == [1, 2, 3]
    assert replayed(reopened(disk)) == [1, 2, 3]


@pytest.mark.req("WAL-4.1")
def test_interruptions_are_retried_but_not_for_ever() -> None:
    disk = disk_with(1)
    log = make_log(disk)
    disk.fail("append", FIRST, errno.EINTR, times=3)
    assert log.append(small_event(2)) == 2
    disk.fail("append", FIRST, errno.EINTR, times=10**6)
    with pytest.raises(DiskRejected, match="EINTR"):
        log.append(small_event(3))


@pytest.mark.req("WAL-4.1", "WAL-4.2")
def test_a_disk_that_accepts_no_byte_is_an_error_and_no_endless_loop() -> None:
    disk = disk_with(1)
    log = make_log(disk)
    disk.short_writes(0)
    with pytest.raises(DiskRejected, match="accepted no byte"):
        log.append(small_event(2))


@pytest.mark.req("WAL-4.4", "WAL-4.2")
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO])
def test_a_refused_write_is_retryable_and_appends_work_when_the_disk_does(number: int) -> None:
    disk = disk_with(1)
    log = make_log(disk)
    disk.fail("append", FIRST, number)
    with pytest.raises(DiskRejected) as caught:
        log.append(small_event(2))
    assert (caught.value.errno, caught.value.retryable) == (number, True)
    assert log.append(small_event(2)) == 2
    assert replayed(reopened(disk)) == [1, 2]


@pytest.mark.req("WAL-4.4")
def test_a_disk_that_fills_up_and_empties_again_needs_no_reopen() -> None:
    disk = disk_with(1)
    log = make_log(disk)
    disk.free_bytes = 300
    stored = 1
    failures = 0
    for _ in range(10):
        try:
            stored = log.append(small_event(stored + 1))
        except AppendError as error:
            assert error.definite
            failures += 1
    assert failures >= 5
    disk.free_bytes = None
    assert log.append(small_event(stored + 1)) == stored + 1
    assert replayed(log) == list(range(1, stored + 2))


@pytest.mark.req("ERR-1.2", "WAL-1.1", "WAL-1.2")
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("times", [1, 3], ids=["once", "thrice"])
def test_whatever_call_fails_at_whatever_time_the_promise_holds(call: str, times: int) -> None:
    """Each call fails in turn at each place of a workload with rotation and deletion."""
    config = small_config(2)
    for skip in range(12):
        disk = MemoryFilesystem()
        log = make_log(disk, config)
        disk.fail(call, None, errno.EIO, times=times, skip=skip)
        stored: list[int] = []
        definite: list[int] = []
        for pid in range(1, 13):
            try:
                stored.append(log.append(small_event(pid)))
            except AppendError as error:
                if error.definite:
                    definite.append(pid)
            if pid == 6:
                log.acknowledge(min(2, log.next_sequence - 1))
        disk.heal()
        assert stored == sorted(set(stored)), "numbers rise"
        again = reopened(disk, config)
        replay = {entry.sequence: entry.event.pid for entry in again.replay()}
        assert not set(definite) & set(replay.values()), "a definite error is definite"
        assert set(stored) - set(replay) <= {1, 2}, "stored is replayed unless acknowledged"
        assert len(set(replay.values())) == len(replay), "no event twice"
        assert again.append(small_event(99)) > max([*stored, *replay])


@pytest.mark.req("WAL-4.3")
def test_after_a_failed_sync_reopening_helps() -> None:
    disk = disk_with(2)
    log = make_log(disk)
    disk.fail("sync", FIRST)
    with pytest.raises(SyncFailed):
        log.append(small_event(3))
    with pytest.raises(LogFailed):
        log.append(small_event(4))
    with pytest.raises(LogFailed):
        log.start_new_identity()
    report = log.close()
    assert not report.clean
    assert report.reason == "the newest file cannot be appended to"
    again = make_log(disk)
    assert replayed(again) == [1, 2, 3], "it was written after all: indefinite"
    assert again.append(small_event(4)) == 4


@pytest.mark.req("WAL-1.4", "WAL-3.2")
def test_a_batch_that_fails_in_its_second_file_says_which_numbers_are_stored() -> None:
    config = small_config(2)
    disk = MemoryFilesystem()
    log = make_log(disk, config)
    disk.fail("append", SECOND, errno.ENOSPC, skip=1)
    with pytest.raises(DiskRejected) as caught:
        log.append_batch([small_event(number) for number in range(1, 6)])
    assert caught.value.stored == (1, 2)
    assert replayed(log) == [1, 2]
    assert log.append_batch([small_event(number) for number in range(3, 6)]) == [3, 4, 5]


@pytest.mark.req("WAL-1.3", "WAL-1.4", "EVT-1.2")
def test_a_batch_with_one_bad_event_stores_none() -> None:
    disk = disk_with(1)
    log = make_log(disk)
    with pytest.raises(InvalidEvent, match="pid"):
        log.append_batch([small_event(2), small_event(3)._replace(pid=-1)])
    assert log.append(small_event(2)) == 2
    assert log.append_batch([]) == []


@pytest.mark.req("WAL-3.2")
def test_one_write_holds_at_most_the_batch_limit() -> None:
    disk = MemoryFilesystem()
    config = WalConfig(batch_bytes_max=500)
    log = make_log(disk, config)
    disk.journal.clear()
    log.append_batch([small_event(number) for number in range(1, 11)])
    frame = len(frames_of(disk)[0].body) + 20
    assert 4 * frame <= 500 < 5 * frame
    assert disk.journal.count(("append", FIRST)) == 3
    assert disk.journal.count(("sync", FIRST)) == 3


@pytest.mark.req("WAL-3.2")
def test_a_record_larger_than_the_batch_limit_is_a_batch_of_its_own() -> None:
    disk = MemoryFilesystem()
    log = make_log(disk, WalConfig(batch_bytes_max=50))
    assert log.append_batch([small_event(1), small_event(2)]) == [1, 2]


@pytest.mark.req("WAL-5.1")
def test_the_quota_is_exact_and_acknowledging_frees_it() -> None:
    config = WalConfig(
        rotation_bytes=FRAMES_OFFSET + 300, quota_bytes=4 * FRAMES_OFFSET, quarantine_bytes_max=0
    )
    disk = MemoryFilesystem()
    log = make_log(disk, config)
    stored = 0
    with pytest.raises(QuotaExceeded) as caught:
        while True:
            stored = log.append(small_event(stored + 1))
    assert log.used_bytes <= config.quota_bytes + FRAMES_OFFSET, "a header block is exempt"
    assert caught.value.used_bytes == log.used_bytes
    log.acknowledge(stored // 2)
    assert log.append(small_event(stored + 1)) == stored + 1


@pytest.mark.req("WAL-5.1")
def test_a_batch_takes_what_the_quota_still_has() -> None:
    config = WalConfig(quota_bytes=2 * FRAMES_OFFSET, quarantine_bytes_max=0)
    log = make_log(MemoryFilesystem(), config)
    with pytest.raises(QuotaExceeded) as caught:
        log.append_batch([small_event(number) for number in range(1, 200)])
    stored = caught.value.stored
    assert stored == tuple(range(1, len(stored) + 1))
    assert len(stored) > 50
    assert log.used_bytes <= config.quota_bytes


@pytest.mark.req("WAL-5.1", "WAL-3.3")
def test_a_full_quota_whose_rotation_fails_still_rejects_definitely() -> None:
    config = WalConfig(quota_bytes=2 * FRAMES_OFFSET, quarantine_bytes_max=0)
    disk = MemoryFilesystem()
    log = make_log(disk, config)
    with pytest.raises(QuotaExceeded):
        log.append_batch([small_event(number) for number in range(1, 200)])
    log.acknowledge(log.next_sequence - 1)
    disk.fail("create_exclusive", None, errno.ENOSPC)
    with pytest.raises(QuotaExceeded):
        log.append(small_event(0))
    assert log.append(small_event(0)) == log.next_sequence - 1


@pytest.mark.req("WAL-3.3")
def test_a_sealed_file_whose_successor_cannot_be_created_rejects_definitely() -> None:
    disk = disk_with(1)
    log = make_log(disk)
    disk.fail("append", None, errno.ENOSPC, times=3)
    for _ in range(3):
        with pytest.raises((DiskRejected, NoSegment)):
            log.append(small_event(2))
    assert log.append(small_event(2)) == 2
    assert not [name for name in disk.files if name.endswith(".new")]


@pytest.mark.req("ERR-1.1")
def test_a_closed_log_refuses_and_may_be_closed_again() -> None:
    disk = MemoryFilesystem()
    log = make_log(disk)
    assert log.close().clean
    assert log.close().clean
    with pytest.raises(WalClosed):
        log.append(small_event(1))
    with pytest.raises(WalClosed):
        log.start_new_identity()


@pytest.mark.req("ACK-4.1", "REC-7.2")
def test_a_close_whose_slot_cannot_be_written_is_not_clean_and_loses_nothing() -> None:
    disk = disk_with(1)
    log = make_log(disk)
    log.append(small_event(2))
    disk.fail("overwrite", times=10)
    report = log.close()
    assert (report.clean, report.reason) == (False, "the acknowledgement file could not be written")
    disk.heal()
    again = make_log(disk)
    assert not again.report.clean_shutdown
    assert replayed(again) == [1, 2]


@pytest.mark.req("WAL-7.1", "CLI-3.2")
def test_a_new_identity_names_the_old_one_and_keeps_entries_and_numbers() -> None:
    disk = disk_with(3)
    log = make_log(disk)
    old = log.log_id
    new = log.start_new_identity()
    assert new == log.log_id != old
    assert log.append(small_event(4)) == 4
    log.acknowledge(2)
    log.close()
    again = make_log(disk)
    assert again.report.is_clean
    assert again.report.previous_log_id == old.hex()
    assert replayed(again) == [3, 4]


@pytest.mark.req("WAL-7.1")
def test_a_crash_after_the_new_identitys_file_keeps_the_old_watermark() -> None:
    disk = disk_with(3)
    log = make_log(disk)
    log.acknowledge(2)
    log.flush()
    disk.fail("create_exclusive", "procmond.ack.new", times=5)
    new = log.start_new_identity()
    again = reopened(disk)
    assert again.log_id == new
    assert replayed(again) == [3]


@pytest.mark.req("WAL-7.1")
def test_a_new_identity_that_gets_no_file_leaves_the_old_one() -> None:
    disk = disk_with(3)
    log = make_log(disk)
    old = log.log_id
    disk.fail("create_exclusive", None, errno.ENOSPC)
    with pytest.raises(NoSegment):
        log.start_new_identity()
    assert log.log_id == old
    assert log.append(small_event(4)) == 4
    assert replayed(reopened(disk)) == [1, 2, 3, 4]


@pytest.mark.req("WAL-7.1", "REC-9.3")
def test_a_degraded_log_gets_its_file_before_its_new_identity() -> None:
    disk = disk_with(3, close=False).copy()
    disk.fail("create_exclusive", None, errno.ENOSPC)
    log = make_log(disk)
    assert log.report.degraded
    log.start_new_identity()
    assert replayed(reopened(disk)) == [1, 2, 3]


@pytest.mark.req("WAL-1.1")
@pytest.mark.parametrize(
    ("clock", "stored"),
    [(lambda: -5, 0), (lambda: TIME_NS_MAX + 7, TIME_NS_MAX), (lambda: 42, 42)],
    ids=["before 1970", "after 9999", "fine"],
)
def test_a_wrong_clock_costs_no_event(clock: Callable[[], int], stored: int) -> None:
    disk = MemoryFilesystem()
    log = make_log(disk, wall_clock_ns=clock)
    log.append(small_event(1))
    assert [entry.timestamp_ns for entry in log.replay()] == [stored]


@pytest.mark.req("WAL-4.3")
def test_an_interrupt_between_write_and_sync_fails_the_log() -> None:
    class InterruptedDisk(MemoryFilesystem):
        def sync(self, name: str) -> None:
            super().sync(name)
            if armed and name == FIRST:
                raise KeyboardInterrupt

    armed = False
    disk = InterruptedDisk()
    log = make_log(disk)
    armed = True
    with pytest.raises(KeyboardInterrupt):
        log.append(small_event(1))
    armed = False
    with pytest.raises(LogFailed, match="interrupted by KeyboardInterrupt"):
        log.append(small_event(1))
    assert not log.close().clean
