"""The watermark, when it is written, what is deleted, and what a failing disk does to it."""

from __future__ import annotations

import logging

import pytest

from reference.acknowledgement_slots import ACK_NAME, decode_slot
from reference.dead_letters import DeadLetterFile
from reference.errors import AcknowledgedBeyondLog, DeadLetterFailed, ReadFailed
from reference.limits import NS_PER_S
from reference.names import DEAD_LETTERS_NAME
from tests.wal_helpers import (
    FIRST,
    SECOND,
    THIRD,
    disk_with,
    make_log,
    reopened,
    replayed,
    small_config,
    small_event,
    without,
)


@pytest.mark.req("ACK-2.1")
def test_acknowledging_is_cumulative_and_repeating_it_changes_nothing() -> None:
    log = make_log(disk_with(5))
    log.acknowledge(3)
    log.acknowledge(3)
    log.acknowledge(1)
    assert log.acknowledged_through == 3
    assert replayed(log) == [4, 5]


@pytest.mark.req("ACK-2.1")
@pytest.mark.parametrize("settle", ["acknowledge", "settle"])
def test_a_number_beyond_the_log_is_an_error_and_settles_nothing(settle: str) -> None:
    log = make_log(disk_with(5))
    with pytest.raises(AcknowledgedBeyondLog) as caught:
        getattr(log, settle)(6)
    assert (caught.value.through, caught.value.durable_through) == (6, 5)
    assert log.acknowledged_through == 0


@pytest.mark.req("ACK-2.2", "REC-10.1")
def test_numbers_settled_out_of_order_wait_for_those_before_them() -> None:
    log = make_log(disk_with(6))
    for sequence in (2, 5, 3):
        log.settle(sequence)
    assert log.acknowledged_through == 0
    assert replayed(log) == [1, 4, 6]
    log.settle(1)
    assert log.acknowledged_through == 3


@pytest.mark.req("ACK-5.1", "ACK-5.3")
def test_the_watermark_is_durable_before_a_file_goes_and_the_directory_synced_after() -> None:
    config = small_config(3)
    disk = disk_with(7, config)
    log = make_log(disk, config)
    disk.journal.clear()
    disk.fail("read", times=10**6)
    log.acknowledge(3)
    assert disk.journal == [
        ("overwrite", ACK_NAME), ("sync", ACK_NAME), ("sync_directory", ""),
        ("unlink", FIRST), ("sync_directory", ""),
    ]  # fmt: skip


@pytest.mark.req("ACK-5.1")
def test_a_file_goes_only_when_all_of_it_is_settled_and_never_the_newest() -> None:
    config = small_config(3)
    log = make_log(disk_with(9, config), config)
    log.acknowledge(5)
    assert log.segment_names == [SECOND, THIRD]
    log.acknowledge(9)
    assert log.segment_names == [THIRD]


@pytest.mark.req("ACK-5.1", "ACK-2.2")
def test_a_settled_file_behind_an_unsettled_one_waits() -> None:
    config = small_config(3)
    log = make_log(disk_with(9, config), config)
    for sequence in (4, 5, 6):
        log.settle(sequence)
    assert log.flush()
    assert log.segment_names == [FIRST, SECOND, THIRD]
    log.acknowledge(3)
    assert log.segment_names == [THIRD]


@pytest.mark.req("ACK-5.2")
def test_the_watermark_is_written_after_a_second_or_a_count_and_not_before() -> None:
    now_ns = [0]
    disk = disk_with(10)
    config = small_config(100, acknowledge_count_max=4)
    log = make_log(disk, config, monotonic_ns=lambda: now_ns[0])
    log.append(small_event(11))  # its slot write also made the file's name durable
    disk.journal.clear()
    log.acknowledge(1)
    log.acknowledge(3)
    assert disk.journal == []
    log.acknowledge(4)
    assert disk.journal == [("overwrite", ACK_NAME), ("sync", ACK_NAME)]
    now_ns[0] = NS_PER_S - 1
    log.acknowledge(5)
    assert len(disk.journal) == 2
    now_ns[0] = NS_PER_S
    log.acknowledge(5)
    assert len(disk.journal) == 4
    assert replayed(reopened(disk)) == [6, 7, 8, 9, 10, 11]


@pytest.mark.req("ACK-5.2")
def test_a_close_writes_the_watermark() -> None:
    disk = disk_with(4)
    log = make_log(disk)
    log.acknowledge(3)
    assert log.close().acknowledged_through == 3
    assert replayed(make_log(disk)) == [4]


@pytest.mark.req("ACK-1.2", "ACK-5.2")
def test_a_kill_repeats_only_what_was_acknowledged_since_the_last_write() -> None:
    disk = disk_with(6)
    log = make_log(disk)
    log.acknowledge(2)
    log.flush()
    log.acknowledge(5)
    assert replayed(reopened(disk)) == [3, 4, 5, 6]


@pytest.mark.req("ACK-4.1", "ACK-5.1")
def test_a_file_that_cannot_be_deleted_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    config = small_config(3)
    disk = disk_with(7, config)
    log = make_log(disk, config)
    disk.fail("unlink", FIRST)
    with caplog.at_level(logging.WARNING, "reference.wal"):
        log.acknowledge(6)
    assert "cannot delete procmond-00001.wal: EIO" in caplog.text
    assert log.segment_names == [FIRST, SECOND, THIRD]
    assert log.flush()
    assert log.segment_names == [THIRD]


@pytest.mark.req("ACK-4.1", "ACK-5.1")
def test_a_file_that_somebody_deleted_already_is_forgotten(
    caplog: pytest.LogCaptureFixture,
) -> None:
    config = small_config(3)
    disk = disk_with(7, config)
    log = make_log(disk, config)
    del disk.files[FIRST]
    with caplog.at_level(logging.WARNING, "reference.wal"):
        log.acknowledge(3)
    assert "was already gone" in caplog.text
    assert log.segment_names == [SECOND, THIRD]


@pytest.mark.req("ACK-4.1")
def test_a_directory_that_cannot_be_synced_after_a_deletion_is_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    config = small_config(3)
    disk = disk_with(7, config)
    log = make_log(disk, config)
    disk.fail("sync_directory", skip=1)  # the first is of the acknowledgement file's name
    with caplog.at_level(logging.WARNING, "reference.wal"):
        log.acknowledge(3)
    assert "cannot sync the directory" in caplog.text
    assert log.segment_names == [SECOND, THIRD]


@pytest.mark.req("ACK-4.1")
@pytest.mark.parametrize("call", ["create_exclusive", "append", "sync", "rename_new"])
def test_making_the_acknowledgement_file_anew_may_fail_too(call: str) -> None:
    disk = disk_with(4)
    log = make_log(disk)
    disk.fail("overwrite", ACK_NAME)
    log.acknowledge(2)
    assert not log.flush()
    disk.fail(call)
    assert not log.flush()
    assert log.append(small_event(5)) == 5
    assert log.flush()
    assert replayed(reopened(disk)) == [3, 4, 5]


@pytest.mark.req("ACK-1.1")
def test_generations_rise_across_reopens_and_remakes() -> None:
    disk = disk_with(4)
    generations = []
    for through in (1, 2, 3):
        log = make_log(disk)
        if through == 2:
            disk.fail("overwrite", ACK_NAME)
            log.acknowledge(through)
            assert not log.flush()
        log.acknowledge(through)
        assert log.flush()
        log.close()
        content = bytes(disk.files[ACK_NAME])
        slots = [decode_slot(content[offset : offset + 128]) for offset in (0, 4096)]
        generations.append(max(slot.generation for slot in slots if slot is not None))
    assert generations == sorted(set(generations))


@pytest.mark.req("DLQ-1.1", "ACK-2.2")
def test_a_refused_event_is_in_the_dead_letter_file_before_it_is_settled() -> None:
    disk = disk_with(3)
    log = make_log(disk)
    entry = list(log.replay())[1]
    disk.journal.clear()
    log.refuse(entry, "schema 7 is unknown")
    assert disk.journal == [
        ("create_exclusive", DEAD_LETTERS_NAME), ("append", DEAD_LETTERS_NAME),
        ("sync", DEAD_LETTERS_NAME), ("sync_directory", ""),
    ]  # fmt: skip
    (letter,) = DeadLetterFile(disk, len(disk.files[DEAD_LETTERS_NAME])).letters()
    assert (letter.sequence, letter.reason) == (2, "schema 7 is unknown")
    assert replayed(log) == [1, 3]
    log.acknowledge(1)
    assert log.acknowledged_through == 2


@pytest.mark.req("DLQ-1.1")
@pytest.mark.parametrize("call", ["create_exclusive", "append", "sync", "sync_directory"])
def test_a_refused_event_that_cannot_be_stored_stays_in_the_log(call: str) -> None:
    disk = disk_with(3)
    log = make_log(disk)
    entry = list(log.replay())[1]
    disk.fail(call)
    with pytest.raises(DeadLetterFailed) as caught:
        log.refuse(entry, "no")
    assert caught.value.retryable
    assert replayed(log) == [1, 2, 3]
    log.refuse(entry, "no")
    assert replayed(log) == without((1, 2, 3), 2)


@pytest.mark.req("WAL-5.1", "DLQ-1.1")
def test_dead_letters_count_against_the_quota_but_are_exempt_from_it() -> None:
    config = small_config(3, quota_bytes=3 * 8192, quarantine_bytes_max=0)
    log = make_log(disk_with(3, config), config)
    before = log.used_bytes
    entry = next(iter(log.replay()))
    log.refuse(entry._replace(event=entry.event._replace(name="x" * 20_000)), "too long for me")
    assert log.used_bytes > before + 40_000


@pytest.mark.req("REC-10.1", "WAL-6.1")
def test_replay_follows_appends_and_leaves_out_what_is_settled_meanwhile() -> None:
    config = small_config(3)
    log = make_log(disk_with(5, config), config)
    seen = []
    for entry in log.replay():
        seen.append(entry.sequence)
        if entry.sequence == 2:
            log.settle(3)
            log.settle(5)
            log.append_batch([small_event(number) for number in (6, 7, 8)])
    assert seen == [1, 2, 4, 6, 7, 8]


@pytest.mark.req("REC-10.1")
def test_replay_after_a_sequence_starts_behind_it() -> None:
    config = small_config(3)
    log = make_log(disk_with(8, config), config)
    assert [entry.sequence for entry in log.replay(after=5)] == [6, 7, 8]
    assert list(log.replay(after=99)) == []


@pytest.mark.req("REC-10.1")
def test_replay_steps_over_a_file_that_was_acknowledged_and_deleted_meanwhile() -> None:
    config = small_config(3)
    log = make_log(disk_with(9, config), config)
    entries = log.replay()
    assert next(entries).sequence == 1
    log.acknowledge(6)
    assert [entry.sequence for entry in entries] == [7, 8, 9]


@pytest.mark.req("REC-10.1", "ERR-1.1")
def test_replay_of_a_file_that_cannot_be_read_says_where_and_can_be_tried_again() -> None:
    disk = disk_with(3)
    log = make_log(disk)
    disk.fail("read", FIRST)
    with pytest.raises(ReadFailed, match=r"procmond-00001.wal at offset"):
        list(log.replay())
    assert replayed(log) == [1, 2, 3]


@pytest.mark.req("REC-10.1")
def test_replay_of_a_file_that_vanished_yields_what_else_there_is() -> None:
    config = small_config(3)
    disk = disk_with(5, config)
    log = make_log(disk, config)
    del disk.files[FIRST]
    assert replayed(log) == [4, 5]
