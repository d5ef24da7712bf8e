"""Bugs that were found by attacking the log, each as the plain test that would have found it."""

from __future__ import annotations

import errno
import threading
from pathlib import Path

import pytest

from reference.acknowledgement_slots import ACK_NAME, AckSlot, encode_ack_file
from reference.dead_letters import DeadLetterFile
from reference.errors import (
    AppendError,
    AppendIndefinite,
    DeadLetterFailed,
    DiskRejected,
    DiskUnreadable,
    LogFailed,
    QuotaExceeded,
    ReadFailed,
    SyncFailed,
)
from reference.frame import StoredFrame
from reference.limits import FRAME_BYTES_MIN, FRAMES_OFFSET, SEQUENCE_MAX, WalConfig
from reference.names import DEAD_LETTERS_NAME
from reference.os_filesystem import OsFilesystem
from reference.report import DamageKind, Fate
from reference.segment_files import Segment, scan_stored
from reference.segment_header import SegmentHeader, encode_header_block
from reference.wal import WriteAheadLog
from simulators.memory_filesystem import MemoryFilesystem
from tests.wal_helpers import (
    FIRST,
    SECOND,
    THIRD,
    disk_with,
    frames_of,
    header_of,
    make_log,
    replayed,
    rot_frame_header,
    small_config,
    small_event,
)


def renewed_disk(records: int, acknowledged: int = 0) -> MemoryFilesystem:
    """A disk whose newest file is a copy that recovery made after a kill."""
    disk = disk_with(records, close=False).copy()
    log = make_log(disk)
    if acknowledged:
        log.acknowledge(acknowledged)
        log.flush()
        log.append(small_event(records + 1))
        disk = disk.copy()
        make_log(disk)
    return disk.copy()


def disk_with_leftover_rotation() -> MemoryFilesystem:
    """File 1 went on after a rotation to file 2 had failed and left its file."""
    disk = disk_with(3, small_config(3))
    log = make_log(disk, small_config(3))
    log.flush()
    disk.fail("sync_directory")
    disk.fail("unlink", SECOND)
    assert log.append(small_event(4)) == 4
    assert SECOND in disk.files
    return disk.copy()


@pytest.mark.req("REC-9.2", "REC-7.1", "REC-7.3")
def test_a_crash_between_removing_two_copied_files_loses_nothing() -> None:
    start = disk_with_leftover_rotation()
    for name in (FIRST, SECOND):
        disk = start.copy()
        disk.fail("unlink", name)
        make_log(disk, small_config(3))
        again = make_log(disk.copy(), small_config(3))
        assert replayed(again) == [1, 2, 3, 4]
        assert again.report.is_clean


@pytest.mark.req("REC-2.2", "REC-3.1", "FMT-4.6")
def test_a_rotten_first_header_of_a_renewed_file_costs_one_record() -> None:
    disk = renewed_disk(100, acknowledged=90)
    (name,) = [name for name in disk.files if name.endswith(".wal")]
    assert [frame.sequence for frame in frames_of(disk, name)] == list(range(91, 102))
    rot_frame_header(disk, 0, name)
    log = make_log(disk)
    assert replayed(log) == list(range(92, 102))
    assert [(d.first_sequence, d.sequence_count) for d in log.report.damages] == [(91, 1)]


@pytest.mark.req("REC-2.2", "REC-3.1", "FMT-4.6")
def test_a_rotten_header_beside_a_hole_among_copies_costs_one_record() -> None:
    disk = disk_with(60, close=False).copy()
    log = make_log(disk)
    for sequence in range(2, 50):
        log.settle(sequence)
    entries = [entry.sequence for entry in log.replay()]
    assert entries == [1, *range(50, 61)]


@pytest.mark.req("REC-6.1", "REP-1.2", "FMT-4.6")
@pytest.mark.parametrize("cut", ["inside a record", "between records", "before all records"])
def test_copies_that_were_cut_off_are_reported(cut: str) -> None:
    disk = renewed_disk(10)
    (name,) = [name for name in disk.files if name.endswith(".wal")]
    frames = frames_of(disk, name)
    size = {
        "inside a record": frames[8].offset + 30,
        "between records": frames[8].offset,
        "before all records": FRAMES_OFFSET,
    }[cut]
    disk.cut(name, size)
    log = make_log(disk)
    survivors = list(range(1, 9)) if cut != "before all records" else []
    assert replayed(log) == survivors
    covered = {
        number
        for damage in log.report.damages
        if damage.fate is Fate.POSSIBLY_LOST
        for number in range(damage.first_sequence, damage.first_sequence + damage.sequence_count)
    }
    assert set(range(1, 11)) - set(survivors) <= covered
    assert not covered & set(survivors)
    assert log.append(small_event(0)) > 10


@pytest.mark.req("REC-10.1")
def test_replay_that_is_overtaken_by_a_rotation_skips_nothing() -> None:
    log = make_log(disk_with(2), small_config(5))
    entries = log.replay()
    seen = [next(entries).sequence]
    for number in range(3, 13):
        log.append(small_event(number))
    assert len(log.segment_names) >= 2
    assert seen + [entry.sequence for entry in entries] == list(range(1, 13))


@pytest.mark.req("REC-10.1", "WAL-6.1")
def test_replay_of_a_growing_file_reads_on_where_it_stood() -> None:
    class CountingDisk(MemoryFilesystem):
        starts: tuple[int, ...] = ()

        def read(self, name: str, offset: int, count: int) -> bytes:
            self.starts += (offset,)
            return super().read(name, offset, count)

    disk = CountingDisk(disk_with(5).files)
    log = make_log(disk)
    grown_from = len(disk.files[FIRST])
    reads_of_open = len(disk.starts)
    seen = []
    for entry in log.replay():
        seen.append(entry.sequence)
        if entry.sequence == 5:
            log.append(small_event(6))
    assert seen == [1, 2, 3, 4, 5, 6]
    assert disk.starts[reads_of_open:] == (FRAMES_OFFSET, grown_from)


@pytest.mark.req("REC-3.1", "REC-10.1")
def test_a_scan_that_resumes_knows_which_number_comes_next() -> None:
    disk = disk_with(20)
    frames = frames_of(disk)
    rot_frame_header(disk, 10)
    segment = Segment(header_of(disk), FIRST, len(disk.files[FIRST]), 21)
    items = scan_stored(
        disk, segment, start_offset=frames[10].offset, after_sequence=frames[9].sequence
    )
    found = [item.sequence for item in items if isinstance(item, StoredFrame)]
    assert found == list(range(12, 21))


@pytest.mark.req("ACK-5.1", "ACK-5.2")
def test_the_name_of_an_acknowledgement_file_that_was_found_is_made_durable_once() -> None:
    disk = disk_with(6, small_config(3))
    log = make_log(disk, small_config(3))
    disk.journal.clear()
    log.acknowledge(3)
    synced = disk.journal.index(("sync_directory", ""))
    assert disk.journal.index(("sync", ACK_NAME)) < synced < disk.journal.index(("unlink", FIRST))


@pytest.mark.req("DLQ-1.1", "DLQ-1.2")
def test_a_dead_letter_is_readable_also_if_a_failed_one_before_it_never_reached_the_disk() -> None:
    disk = disk_with(1)
    log = make_log(disk)
    entry = next(iter(log.replay()))
    disk.fail("sync", DEAD_LETTERS_NAME)
    with pytest.raises(DeadLetterFailed):
        log.refuse(entry, "no")
    never_written = len(disk.files[DEAD_LETTERS_NAME])
    log.refuse(entry, "no")
    disk.write_at(DEAD_LETTERS_NAME, 0, bytes(never_written))
    file = DeadLetterFile(disk, len(disk.files[DEAD_LETTERS_NAME]))
    assert [letter.sequence for letter in file.letters()] == [1]


@pytest.mark.req("ACK-4.1", "ACK-3.1")
def test_a_swap_of_acknowledgement_files_that_is_cut_short_keeps_the_floor() -> None:
    disk = disk_with(3)
    log = make_log(disk)
    log.acknowledge(2)
    disk.fail("overwrite", ACK_NAME)
    assert not log.flush()
    disk.fail("rename_new", ACK_NAME, times=2)
    assert not log.flush()
    assert ACK_NAME not in disk.files
    killed = disk.copy()
    assert not log.flush()
    assert log.flush(), "the swap is completed"
    assert log.append(small_event(4)) == 4
    again = make_log(killed)
    assert replayed(again) == [3]
    assert again.report.is_clean
    assert ACK_NAME in killed.files


@pytest.mark.req("ACK-4.1", "ACK-3.1")
def test_a_new_acknowledgement_file_is_durable_before_the_old_one_goes() -> None:
    disk = disk_with(3)
    log = make_log(disk)
    log.acknowledge(2)
    disk.fail("overwrite", ACK_NAME)
    assert not log.flush()
    disk.journal.clear()
    assert log.flush()
    new = ACK_NAME + ".new"
    assert disk.journal == [
        ("unlink", new),  # of an earlier attempt; there is none
        ("create_exclusive", new), ("append", new), ("sync", new), ("sync_directory", ""),
        ("unlink", ACK_NAME), ("rename_new", ACK_NAME), ("sync_directory", ""),
    ]  # fmt: skip


@pytest.mark.req("ACK-4.1", "REC-1.2")
@pytest.mark.parametrize("call", ["rename_new", "read"])
def test_a_swap_that_cannot_be_completed_refuses_rather_than_forget_the_floor(call: str) -> None:
    disk = disk_with(3)
    disk.files[ACK_NAME + ".new"] = disk.files.pop(ACK_NAME)
    disk.fail(call)
    with pytest.raises(DiskUnreadable):
        make_log(disk)
    assert replayed(make_log(disk)) == [1, 2, 3]


@pytest.mark.req("ACK-1.2", "REC-1.1")
def test_a_half_written_new_acknowledgement_file_is_a_leftover() -> None:
    disk = disk_with(3, close=False).copy()
    del disk.files[ACK_NAME]
    disk.files[ACK_NAME + ".new"] = bytearray(100)
    log = make_log(disk)
    assert log.report.is_clean
    assert log.report.removed == [ACK_NAME + ".new"]
    assert replayed(log) == [1, 2, 3]


@pytest.mark.req("DSK-1.1", "WAL-2.2")
def test_many_threads_read_append_and_delete_on_a_real_disk(tmp_path: Path) -> None:
    config = small_config(4)
    log = WriteAheadLog.open(tmp_path / "wal", config)
    failures: list[BaseException] = []

    def run(work: int) -> None:
        try:
            for _ in range(40):
                if work % 2:
                    log.append_batch([small_event(work)] * 3)
                else:
                    sequences = [entry.sequence for entry in log.replay()]
                    assert sequences == sorted(set(sequences))
                    log.acknowledge(max(0, log.next_sequence - 20))
        except (AppendError, AssertionError, OSError, RuntimeError) as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert not failures
    assert log.next_sequence == 3 * 40 * 3 + 1
    log.close()


@pytest.mark.req("WAL-7.1", "WAL-4.3")
def test_a_new_identity_that_leaves_its_file_behind_fails_the_log_until_it_is_reopened() -> None:
    disk = disk_with(1)
    log = make_log(disk)
    log.start_new_identity()
    log.append(small_event(2))
    disk.fail("sync_directory")
    disk.fail("unlink")
    with pytest.raises(AppendIndefinite):
        log.start_new_identity()
    with pytest.raises(LogFailed):
        log.append(small_event(3))
    for _ in range(3):
        disk = disk.copy()
        log = make_log(disk)
        assert replayed(log) == [1, 2]
        assert not [d for d in log.report.damages if d.kind is DamageKind.FOREIGN]
        log.close()


@pytest.mark.req("WAL-7.1", "WAL-4.3")
def test_a_new_identity_on_a_disk_that_does_not_even_list_fails_the_log() -> None:
    disk = disk_with(1)
    log = make_log(disk)
    disk.fail("create_exclusive")
    disk.fail("list")
    with pytest.raises(AppendIndefinite):
        log.start_new_identity()


@pytest.mark.req("REC-9.3")
def test_a_degraded_log_whose_old_files_were_acknowledged_meanwhile_gets_a_new_one() -> None:
    disk = disk_with_leftover_rotation()
    disk.free_bytes = 0
    log = make_log(disk, small_config(3))
    assert log.report.degraded
    log.acknowledge(4)
    disk.heal()
    assert log.append(small_event(5)) == 5
    assert replayed(make_log(disk.copy())) == [5]


@pytest.mark.req("WAL-5.1")
def test_a_full_quota_with_a_sealed_and_settled_newest_file_does_not_reject_for_ever() -> None:
    config = WalConfig(quota_bytes=2 * FRAMES_OFFSET + 600, quarantine_bytes_max=0)
    disk = MemoryFilesystem()
    log = make_log(disk, config)
    stored = 0
    with pytest.raises(QuotaExceeded):
        while True:
            stored = log.append(small_event(stored + 1))
    log.acknowledge(stored - 1)
    disk.fail("append", FIRST)
    log.acknowledge(stored)
    disk.free_bytes = 20_000
    assert log.append(small_event(stored + 1)) == stored + 1
    disk.fail("append", SECOND)
    with pytest.raises(DiskRejected):
        log.append(small_event(0))
    log.acknowledge(stored + 1)
    disk.heal()
    assert log.append(small_event(0)) == stored + 2


@pytest.mark.req("WAL-5.1", "REC-5.2")
def test_a_large_file_moved_aside_does_not_use_up_the_quota() -> None:
    config = WalConfig(quota_bytes=50_000, quarantine_bytes_max=1000)
    disk = MemoryFilesystem({FIRST: bytearray(b"\xff" * 60_000)})
    for number in (1, 2, 3):
        with make_log(disk, config) as log:
            assert log.append(small_event(number)) == number
            log.acknowledge(number)


@pytest.mark.req("FMT-4.4", "REC-1.1")
def test_a_tail_that_would_burn_the_last_numbers_opens_degraded() -> None:
    last = SEQUENCE_MAX
    header = SegmentHeader(1, b"i" * 16, bytes(16), b"saltsalt", last, last, last)
    disk = MemoryFilesystem()
    disk.files[FIRST] = bytearray(encode_header_block(header)) + bytes(FRAME_BYTES_MIN * 70_000)
    log = make_log(disk)
    assert "run out" in log.report.degraded
    assert log.next_sequence == SEQUENCE_MAX + 1


@pytest.mark.req("ACK-1.1", "ACK-1.2")
def test_a_crafted_last_generation_does_not_make_later_slots_unreadable() -> None:
    disk = disk_with(3)
    log_id = bytes(disk.files[FIRST][20:36])
    slot = AckSlot(SEQUENCE_MAX, log_id, 1, 4, 1, len(disk.files[FIRST]))
    disk.files[ACK_NAME] = bytearray(encode_ack_file(slot))
    with make_log(disk) as log:
        log.acknowledge(2)
    log = make_log(disk)
    assert log.report.is_clean
    assert replayed(log) == [3]


@pytest.mark.req("REC-5.2", "REC-6.2", "REC-9.3")
def test_an_unreadable_file_stays_where_it_is_until_its_numbers_are_burned_durably() -> None:
    config = small_config(3)
    disk = disk_with(4, config)
    del disk.files[ACK_NAME]
    for copy in (0, 4096):
        disk.flip_bit(SECOND, copy * 8)
    disk.fail("create_exclusive", None, errno.ENOSPC, times=10**6)
    first = make_log(disk, config)
    assert first.report.degraded
    assert SECOND in disk.files
    disk.heal()
    again = make_log(disk.copy(), config)
    assert again.append(small_event(0)) >= first.next_sequence > 4


@pytest.mark.req("REC-7.2", "FMT-5.5")
def test_a_clean_mark_whose_write_was_reported_as_failed_is_withdrawn_all_the_same() -> None:
    disk = disk_with(2, close=False).copy()
    disk.fail("sync_directory", skip=1)  # of the slot's name, behind that of the copy's
    log = make_log(disk)
    disk.fail("append", SECOND)
    with pytest.raises(AppendError):
        log.append(small_event(3))
    again = make_log(disk.copy())
    again.append(small_event(3))
    assert SECOND not in again.segment_names or not again.report.clean_shutdown


@pytest.mark.req("REC-7.1", "REC-7.3", "WAL-3.3")
def test_a_file_written_behind_two_failed_rotations_counts_as_open() -> None:
    config = small_config(3)
    disk = disk_with(3, config)
    log = make_log(disk, config)
    log.flush()
    for _ in range(2):
        disk.fail("sync_directory")
        disk.fail("unlink")
        log.append(small_event(log.next_sequence))
    assert {SECOND, THIRD} <= set(disk.files)
    disk = disk.copy()
    again = make_log(disk, config)
    assert FIRST not in again.segment_names, "its last record may not be on disk"
    assert replayed(again) == list(range(1, log.next_sequence))


@pytest.mark.req("WAL-7.1", "REC-5.1", "REC-7.1")
def test_a_copied_file_that_ties_older_identities_to_the_log_stays_until_it_is_settled() -> None:
    disk = disk_with(1)
    log = make_log(disk)
    second_id = log.start_new_identity()
    log.append(small_event(2))
    log.append(small_event(3))
    # A power cut brings back the empty file of a third identity that was never begun.
    third = SegmentHeader(3, b"third identity!!", second_id, b"saltsalt", 3, 3, 3)
    disk = disk.copy()
    disk.files[THIRD] = bytearray(encode_header_block(third))
    for _ in range(3):
        disk = disk.copy()
        log = make_log(disk)
        assert log.report.is_clean
        assert replayed(log) == [1, 2, 3]
    log.acknowledge(3)
    assert len(log.segment_names) == 1


@pytest.mark.req("ACK-5.1")
def test_what_is_settled_while_the_watermark_is_written_deletes_no_file_yet() -> None:
    class BusyDisk(MemoryFilesystem):
        def sync(self, name: str) -> None:
            super().sync(name)
            if name == ACK_NAME and busy:
                log._retention._settled.add(1, 7)

    busy = False
    config = small_config(3)
    disk = BusyDisk(disk_with(7, config).files)
    log = make_log(disk, config)
    busy = True
    log.acknowledge(3)
    assert log.acknowledged_through == 6
    assert log.segment_names == [SECOND, THIRD], "file 2 waits until 6 is durable"
    busy = False
    assert log.flush()
    assert log.segment_names == [THIRD]


@pytest.mark.req("REC-7.1", "WAL-6.1")
def test_a_copy_larger_than_one_write_is_whole() -> None:
    disk = MemoryFilesystem()
    log = make_log(disk)
    log.append_batch([small_event(number, "x" * 300_000) for number in range(1, 9)])
    again = make_log(disk.copy())
    assert replayed(again) == list(range(1, 9))
    assert again.segment_names == [SECOND]
    assert isinstance(again._filesystem, MemoryFilesystem)
    assert again._filesystem.journal.count(("append", SECOND + ".new")) == 2


@pytest.mark.req("REC-10.1", "REC-9.3")
def test_replay_goes_on_in_the_copy_when_a_degraded_log_is_renewed_under_it() -> None:
    log = make_log(MemoryFilesystem())
    log.append_batch([small_event(number, "x" * 300_000) for number in range(1, 9)])
    disk = log._filesystem
    assert isinstance(disk, MemoryFilesystem)
    disk = disk.copy()
    make_log(disk).append(small_event(9))
    disk = disk.copy()
    disk.fail("create_exclusive", THIRD + ".new")
    log = make_log(disk)
    assert log.report.degraded
    entries = log.replay()
    seen = [next(entries).sequence]
    assert log.append(small_event(10)) == 10
    assert seen + [entry.sequence for entry in entries] == list(range(1, 11))


@pytest.mark.req("REC-9.3", "REC-5.3", "WAL-1.2")
@pytest.mark.parametrize("disk_obeys", [True, False])
def test_a_degraded_log_deletes_nothing_before_what_stays_is_durable(disk_obeys: bool) -> None:
    class KilledInRotation(MemoryFilesystem):
        def sync(self, name: str) -> None:
            if name == SECOND:
                raise SystemExit
            super().sync(name)

    config = small_config(3)
    killed = KilledInRotation(disk_with(3, config).files)
    log = make_log(killed, config)
    with pytest.raises(SystemExit):
        log.append(small_event(4))
    disk = killed.copy()
    disk.free_bytes = 0
    log = make_log(disk, config)
    assert log.report.degraded
    disk.journal.clear()
    if not disk_obeys:
        disk.fail("overwrite", SECOND)
    log.acknowledge(3)
    if disk_obeys:
        synced = disk.journal.index(("sync", SECOND))
        assert disk.journal.index(("overwrite", SECOND)) < synced
        assert synced < disk.journal.index(("unlink", FIRST))
    else:
        assert ("unlink", FIRST) not in disk.journal
        assert FIRST in log.segment_names


@pytest.mark.req("REP-1.2", "ACK-1.2", "REC-5.2")
def test_an_unreadable_oldest_file_is_a_loss_also_with_one_slot_lost() -> None:
    config = small_config(3)
    disk = disk_with(6, config)
    for copy in (0, 4096):
        disk.flip_bit(FIRST, copy * 8)
    disk.flip_bit(ACK_NAME, 20 * 8)
    report = make_log(disk, config).report
    assert report.lost == 3


@pytest.mark.req("REC-7.1", "ACK-4.1", "REP-1.2")
def test_copied_files_stay_until_the_slots_that_their_copy_refers_to_are_durable() -> None:
    disk = disk_with(3, close=False).copy()
    log = make_log(disk)
    log.append(small_event(4))
    stale = bytes(disk.files[ACK_NAME])
    log.acknowledge(4)
    disk.fail("sync", ACK_NAME)
    assert not log.flush()
    disk = disk.copy()
    disk.fail("overwrite", ACK_NAME)
    disk.fail("create_exclusive", ACK_NAME + ".new")
    make_log(disk)
    disk = disk.copy()
    disk.files[ACK_NAME] = bytearray(stale)  # a power cut: the newer slot never was on disk
    log = make_log(disk)
    assert log.report.lost == 0
    assert replayed(log) == [1, 2, 3, 4], "repeats, no loss"


@pytest.mark.req("FMT-4.5", "REC-9.1")
def test_a_declared_gap_stays_declared_through_renewals() -> None:
    disk = disk_with(2, close=False)
    disk.files[FIRST] += b"torn"
    for round_number in range(3):
        disk = disk.copy()
        log = make_log(disk)
        assert log.report.possibly_lost == (1 if round_number == 0 else 0)
        disk = disk.copy()
        disk.flip_bit(ACK_NAME, 0)  # one slot lost: not clean, so the next open renews
    (name,) = [name for name in disk.files if name.endswith(".wal")]
    disk = disk.copy()
    disk.files[name] += b"torn"
    report = make_log(disk).report
    numbers = [d.first_sequence for d in report.damages if d.fate is Fate.POSSIBLY_LOST]
    assert numbers == [4], "3 was burned and reported long ago"


@pytest.mark.req("ACK-4.1")
@pytest.mark.parametrize("state", ["both names", "neither name"])
def test_a_swap_that_somebody_finished_or_undid_does_not_stop_later_writes(state: str) -> None:
    disk = disk_with(3)
    log = make_log(disk)
    log.acknowledge(2)
    disk.fail("overwrite", ACK_NAME)
    assert not log.flush()
    disk.fail("rename_new", ACK_NAME)
    assert not log.flush()
    content = disk.files.pop(ACK_NAME + ".new")
    if state == "both names":
        disk.files[ACK_NAME] = bytearray(content)
        disk.files[ACK_NAME + ".new"] = bytearray(content)
    assert log.flush()
    assert replayed(make_log(disk.copy())) == [3]


@pytest.mark.req("ACK-5.2", "REC-9.1", "ERR-1.1")
@pytest.mark.parametrize("disk_obeys", [True, False])
def test_a_clean_close_writes_what_it_only_read(disk_obeys: bool) -> None:
    disk = disk_with(3)
    image = disk.image()
    log = make_log(disk)
    disk.journal.clear()
    if not disk_obeys:
        disk.fail("sync", ACK_NAME)
    report = log.close()
    assert report.clean == disk_obeys
    assert disk.image() == image
    if disk_obeys:
        assert disk.journal == [("overwrite", ACK_NAME), ("sync", ACK_NAME)]


@pytest.mark.req("WAL-7.1", "WAL-4.3")
def test_an_interrupted_change_of_identity_fails_the_log() -> None:
    class InterruptedDisk(MemoryFilesystem):
        armed = False

        def create_exclusive(self, name: str) -> None:
            if self.armed:
                raise KeyboardInterrupt
            super().create_exclusive(name)

    disk = InterruptedDisk()
    log = make_log(disk)
    disk.armed = True
    with pytest.raises(KeyboardInterrupt):
        log.start_new_identity()
    disk.armed = False
    with pytest.raises(LogFailed):
        log.append(small_event(1))


@pytest.mark.req("ERR-1.1", "REC-7.2")
def test_closing_twice_says_the_same_both_times() -> None:
    disk = disk_with(1)
    log = make_log(disk)
    disk.fail("sync", FIRST)
    with pytest.raises(SyncFailed):
        log.append(small_event(2))
    assert log.close() == log.close()
    assert not log.close().clean


@pytest.mark.req("REC-10.1", "ERR-1.1")
def test_a_file_that_shrinks_under_the_log_is_a_read_error() -> None:
    disk = disk_with(3)
    log = make_log(disk)
    disk.cut(FIRST, len(disk.files[FIRST]) - 10)
    with pytest.raises(ReadFailed, match="the file ends at"):
        list(log.replay())


@pytest.mark.req("REC-1.1", "DSK-1.2")
def test_a_directory_whose_parent_is_missing_is_refused_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(DiskUnreadable, match="missing"):
        WriteAheadLog.open(tmp_path / "missing" / "wal")


@pytest.mark.req("REC-1.1", "CLI-3.1")
def test_a_directory_that_is_named_like_a_salvaged_file_is_ignored() -> None:
    disk = disk_with(2)
    disk.irregular = {"procmond-00007.wal.salvaged"}
    log = make_log(disk)
    assert log.report.ignored == ["procmond-00007.wal.salvaged"]
    assert isinstance(log._filesystem, MemoryFilesystem)
    assert not isinstance(log._filesystem, OsFilesystem)
