"""The steps of the traps that concern the log (T1, T3, T5 to T10, T12 to T19).

Each test is named for its trap and walks the steps that break the naive rule.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Callable, Sequence

import pytest

from reference.acknowledgement_slots import ACK_NAME, AckSlot, encode_ack_file, slot_offset
from reference.codec import encode_event, encode_timestamp
from reference.crc import crc32
from reference.dead_letters import DeadLetterFile
from reference.errors import (
    AppendIndefinite,
    DiskRejected,
    DiskUnreadable,
    EventTooLarge,
    NoSegment,
    QuotaExceeded,
    SyncFailed,
    UnsupportedVersion,
)
from reference.filesystem import DirectoryEntry
from reference.frame import FrameHeader, body_verifies, encode_frame
from reference.inspection import inspect_directory
from reference.limits import (
    EVENT_BYTES_MAX,
    FRAME_BYTES_MIN,
    FRAMES_OFFSET,
    MIB,
    SEQUENCE_MAX,
    WalConfig,
)
from reference.names import DEAD_LETTERS_NAME
from reference.report import DamageKind, Fate
from reference.segment_header import SegmentHeader, encode_header_block, segment_name
from simulators.memory_filesystem import MemoryFilesystem
from tests.wal_helpers import (
    FIRST,
    SECOND,
    THIRD,
    disk_with,
    frames_of,
    header_of,
    make_log,
    reopened,
    replayed,
    rot_frame_body,
    rot_frame_header,
    small_config,
    small_event,
    without,
)

TIMESTAMP = encode_timestamp(0)


def plant_frame(disk: MemoryFilesystem, sequence: int, payload: bytes, name: str = FIRST) -> int:
    """Append a frame with a right CRC and any payload; return its offset."""
    offset = len(disk.files[name])
    frame = encode_frame(header_of(disk, name).frame_key, offset, sequence, payload)
    disk.files[name] += frame
    return offset


@pytest.mark.req("REC-6.1", "REC-6.2", "WAL-1.2")
@pytest.mark.parametrize("rot", [rot_frame_header, rot_frame_body])
def test_t1_number_of_a_rotten_last_durable_record_is_never_given_again(
    rot: Callable[[MemoryFilesystem, int], int],
) -> None:
    disk = disk_with(10, close=False)
    offset = rot(disk, 9)
    log = reopened(disk)
    tail_bytes = len(disk.files[FIRST]) - offset
    most = -(-tail_bytes // FRAME_BYTES_MIN)
    (damage,) = log.report.damages
    assert (damage.kind, damage.fate) == (DamageKind.TAIL, Fate.POSSIBLY_LOST)
    assert (damage.first_sequence, damage.sequence_count) == (10, most)
    assert replayed(log) == list(range(1, 10))
    assert log.append(small_event(10 + most)) == 10 + most


@pytest.mark.req("REC-6.1", "REC-9.1")
def test_t1_zeros_in_place_of_the_last_record_burn_its_number_too() -> None:
    disk = disk_with(10, close=False)
    offset = frames_of(disk)[9].offset
    disk.write_at(FIRST, offset, bytes(len(disk.files[FIRST]) - offset))
    log = reopened(disk)
    assert log.report.possibly_lost >= 1
    assert log.append(small_event(0)) > 10


@pytest.mark.req("REC-7.1", "REC-7.2")
def test_t3_entries_of_an_unclean_file_are_written_anew_before_they_are_replayed() -> None:
    disk = disk_with(3, close=False)
    disk.fail("sync", FIRST, errno.EIO)
    log = reopened(disk)
    failing = log._filesystem
    assert isinstance(failing, MemoryFilesystem)
    assert log.segment_names == [SECOND], "copied; a sync of the old file would prove nothing"
    wanted = [("create_exclusive", SECOND + ".new"), ("sync", SECOND + ".new")]
    wanted += [("rename_new", SECOND), ("sync_directory", "")]
    steps = [step for step in failing.journal if step in wanted]
    assert steps == wanted or steps[: len(wanted)] == wanted
    renamed = failing.journal.index(("rename_new", SECOND))
    assert failing.journal[renamed + 1] == ("sync_directory", "")
    assert failing.journal.index(("unlink", FIRST)) > failing.journal.index(("sync_directory", ""))
    assert replayed(log) == [1, 2, 3]
    assert header_of(failing, SECOND).salt != header_of(disk, FIRST).salt


@pytest.mark.req("WAL-4.3", "ERR-1.2")
def test_t3_failed_sync_is_not_retried_and_the_log_stays_failed() -> None:
    disk = disk_with(2)
    log = make_log(disk)
    disk.fail("sync", FIRST)
    with pytest.raises(SyncFailed) as caught:
        log.append(small_event(3))
    assert not caught.value.definite
    before = disk.journal.count(("sync", FIRST))
    with pytest.raises(Exception, match="the log failed earlier"):
        log.append(small_event(3))
    assert disk.journal.count(("sync", FIRST)) == before
    assert not log.close().clean


@pytest.mark.req("REC-2.1", "ACK-2.2", "ACK-5.1")
def test_t5_a_lost_record_does_not_hold_the_watermark_for_ever() -> None:
    config = small_config(3)
    disk = disk_with(7, config)
    rot_frame_body(disk, 1)
    log = make_log(disk, config)
    assert replayed(log) == without(range(1, 8), 2)
    for sequence in (1, 3, 4, 5, 6, 7):
        log.settle(sequence)
    assert log.acknowledged_through == 7
    log.flush()
    assert log.segment_names == [THIRD]


@pytest.mark.req("REC-11.1", "DLQ-1.1")
@pytest.mark.parametrize("position", ["first", "middle", "last"])
def test_t5_an_undecodable_entry_goes_to_the_dead_letter_file(position: str) -> None:
    disk = MemoryFilesystem()
    make_log(disk).close()
    good = frames_of(disk_with(1))[0].body[8:-4]
    undecodable = {"first": 1, "middle": 2, "last": 3}[position]
    for sequence in (1, 2, 3):
        plant_frame(disk, sequence, b"?" * 90 if sequence == undecodable else good)
    log = make_log(disk)
    (damage,) = log.report.damages
    assert (damage.kind, damage.fate) == (DamageKind.UNDECODABLE, Fate.DEAD_LETTERED)
    assert damage.first_sequence == undecodable
    assert [entry.sequence for entry in log.replay()] == without((1, 2, 3), undecodable)
    letters = list(DeadLetterFile(disk, len(disk.files[DEAD_LETTERS_NAME])).letters())
    assert [(letter.sequence, letter.payload) for letter in letters] == [(undecodable, b"?" * 90)]
    assert letters[0].log_id == log.log_id
    assert disk.journal.index(("sync", DEAD_LETTERS_NAME)) < len(disk.journal)
    assert log.append(small_event(4)) == 4


@pytest.mark.req("FMT-1.1", "WAL-1.3")
@pytest.mark.parametrize("beyond", [0, 1], ids=["largest", "one byte more"])
def test_t6_an_event_that_the_link_could_never_carry_is_refused_before_it_has_a_number(
    beyond: int,
) -> None:
    disk = MemoryFilesystem()
    log = make_log(disk)
    empty = small_event(1)
    filler = EVENT_BYTES_MAX - len(encode_event(empty)) + beyond
    event = empty._replace(name=empty.name + "x" * filler)
    if beyond:
        with pytest.raises(EventTooLarge) as caught:
            log.append(event)
        assert caught.value.definite
        assert log.append(empty) == 1
    else:
        assert log.append(event) == 1
        assert len(frames_of(disk)[0].body) + 20 < MIB


@pytest.mark.req("FMT-1.4")
def test_t6_a_lowered_limit_does_not_turn_good_records_into_damage() -> None:
    disk = MemoryFilesystem()
    make_log(disk).append(small_event(1, "x" * 5000))
    log = reopened(disk, WalConfig(event_bytes_max=100))
    assert log.report.is_clean
    assert [len(entry.event.name) > 5000 for entry in log.replay()] == [True]


@pytest.mark.req("FMT-4.2", "FMT-4.3")
@pytest.mark.parametrize("copy", [0, 4096])
def test_t7_a_rotten_header_copy_costs_nothing(copy: int) -> None:
    clean = disk_with(3)
    for byte in range(128):
        disk = clean.copy()
        disk.flip_bit(FIRST, (copy + byte) * 8 + byte % 8)
        log = make_log(disk)
        (damage,) = log.report.damages
        assert (damage.kind, damage.offset, damage.fate) == (
            DamageKind.HEADER_COPY, copy, Fate.NONE,
        )  # fmt: skip
        assert replayed(log) == [1, 2, 3]


@pytest.mark.req("FMT-4.3", "REC-1.2")
def test_t7_only_a_verified_header_can_be_unsupported() -> None:
    disk = disk_with(3)
    header = bytearray(disk.files[FIRST][:128])
    header[8] = 2
    header[124:128] = crc32(bytes(header[:124])).to_bytes(4, "little")
    for copy in (0, 4096):
        disk.write_at(FIRST, copy, bytes(header))
    image = disk.image()
    with pytest.raises(UnsupportedVersion, match="version 2"):
        make_log(disk)
    assert disk.image() == image, "refused before anything is changed"
    assert not disk.locked


@pytest.mark.req("REC-5.2", "REP-1.2")
def test_t7_a_file_without_a_usable_header_is_moved_aside_and_its_numbers_burned() -> None:
    disk = disk_with(3)
    for copy in (0, 4096):
        disk.flip_bit(FIRST, copy * 8)
    size = len(disk.files[FIRST])
    log = make_log(disk)
    (damage,) = [d for d in log.report.damages if d.kind is DamageKind.UNREADABLE]
    assert damage.fate is Fate.POSSIBLY_LOST
    assert damage.sequence_count == -(-(size - FRAMES_OFFSET) // FRAME_BYTES_MIN)
    assert FIRST + ".unreadable" in disk.files


@pytest.mark.req("WAL-4.2", "FMT-5.5", "ERR-1.2")
def test_t8_a_failed_write_is_definite_only_after_it_was_durably_cut_off() -> None:
    disk = disk_with(2)
    log = make_log(disk)
    disk.free_bytes = 10
    size = len(disk.files[FIRST])
    with pytest.raises(DiskRejected) as caught:
        log.append(small_event(3))
    assert caught.value.definite
    assert caught.value.retryable
    assert len(disk.files[FIRST]) == size
    assert disk.journal[-2:] == [("truncate", FIRST), ("sync", FIRST)]
    disk.heal()
    assert log.append(small_event(3)) == 3, "no number was consumed"
    assert log.segment_names == [FIRST, SECOND], "an offset is written at most once"


@pytest.mark.req("WAL-4.2", "REC-6.1", "ERR-1.2")
@pytest.mark.parametrize("call", ["truncate", "sync"])
def test_t8_a_failed_write_that_cannot_be_cut_off_is_indefinite_and_burns_numbers(
    call: str,
) -> None:
    disk = disk_with(2)
    log = make_log(disk)
    frame_bytes = len(disk.files[FIRST]) - frames_of(disk)[1].offset
    disk.free_bytes = frame_bytes * 2 + 10
    disk.fail(call, FIRST)
    with pytest.raises(AppendIndefinite) as caught:
        log.append_batch([small_event(number) for number in (3, 4, 5)])
    assert not caught.value.definite
    disk.heal()
    sequence = log.append(small_event(0))
    assert sequence > 5
    assert log.segment_names == [FIRST, SECOND]
    again = reopened(disk)
    assert [entry.sequence for entry in again.replay()][-1] == sequence
    assert again.report.is_clean, "the numbers were declared, not lost"
    for settled in (1, 2, sequence):
        log.settle(settled)
    assert log.acknowledged_through == sequence, "burned numbers are settled"


@pytest.mark.req("REC-5.2", "REC-1.1")
@pytest.mark.parametrize("size", [0, 1, 127, 128, 4096, 8191, 8192])
def test_t9_an_interrupted_rotation_is_removed_and_the_file_before_is_the_newest(
    size: int,
) -> None:
    disk = disk_with(3, close=False)
    disk.files[SECOND] = bytearray(size)
    disk.files[FIRST] += b"torn"
    log = reopened(disk)
    assert log.report.removed == [SECOND]
    assert [damage.kind for damage in log.report.damages] == [DamageKind.TAIL]
    assert replayed(log) == [1, 2, 3]


@pytest.mark.req("WAL-3.3", "ERR-1.2")
def test_t9_a_failed_rotation_does_not_fail_the_append() -> None:
    config = WalConfig(rotation_bytes=FRAMES_OFFSET + 200, file_bytes_max=FRAMES_OFFSET + 700)
    disk = disk_with(2, config)
    log = make_log(disk, config)
    disk.fail("create_exclusive", None, errno.EMFILE, times=1000)
    stored = []
    with pytest.raises(NoSegment) as caught:
        for number in range(3, 100):
            stored.append(log.append(small_event(number)))
    assert stored[0] == 3
    assert caught.value.definite
    assert caught.value.retryable
    frame_bytes = len(frames_of(disk)[0].body) + 20
    assert 0 <= config.file_bytes_max - len(disk.files[FIRST]) < frame_bytes + 1
    disk.heal()
    assert log.append(small_event(stored[-1] + 1)) == stored[-1] + 1
    assert replayed(log) == list(range(1, stored[-1] + 2))


@pytest.mark.req("WAL-3.3", "REC-7.1")
def test_t9_a_rotation_that_failed_and_left_its_file_does_not_hide_the_older_one() -> None:
    config = small_config(3)
    disk = disk_with(3, config)
    log = make_log(disk, config)
    assert log.flush()
    disk.fail("sync_directory")
    disk.fail("unlink", SECOND)
    assert log.append(small_event(4)) == 4, "the older file goes on"
    assert SECOND in disk.files
    disk.files[FIRST] += b"torn"
    again = reopened(disk, config)
    assert replayed(again) == [1, 2, 3, 4]
    assert [damage.kind for damage in again.report.damages] == [DamageKind.TAIL]
    assert FIRST not in again.segment_names, "it may have been open: its entries were copied"


@pytest.mark.req("WAL-3.2")
def test_t9_a_batch_never_crosses_a_file_boundary() -> None:
    config = small_config(3)
    disk = MemoryFilesystem()
    make_log(disk, config).append_batch([small_event(number) for number in range(1, 8)])
    assert [[f.sequence for f in frames_of(disk, n)] for n in (FIRST, SECOND, THIRD)] == [
        [1, 2, 3], [4, 5, 6], [7],
    ]  # fmt: skip
    writes = [step for step in disk.journal if step[0] == "append"]
    assert [name for _, name in writes].count(FIRST) == 1


@pytest.mark.req("FMT-4.5", "REC-9.1", "REP-1.1")
def test_t10_burned_numbers_are_reported_once() -> None:
    disk = disk_with(3, close=False)
    disk.files[FIRST] += b"torn tail"
    disk = disk.copy()
    log = make_log(disk)
    assert log.report.possibly_lost == 1
    assert log.append(small_event(5)) == 5
    again = reopened(disk)
    assert again.report.is_clean
    assert replayed(again) == [1, 2, 3, 5]


@pytest.mark.req("ACK-3.1", "WAL-1.2")
def test_t10_an_acknowledgement_ahead_of_the_log_is_kept_and_numbering_goes_above() -> None:
    disk = disk_with(10)
    log_id = header_of(disk).log_id
    disk.files[ACK_NAME] = bytearray(encode_ack_file(AckSlot(9, log_id, 15, 16)))
    log = make_log(disk)
    assert log.acknowledged_through == 15
    assert log.report.is_clean, "all that is missing was acknowledged"
    assert log.append(small_event(16)) == 16
    assert replayed(reopened(disk)) == [16]


@pytest.mark.req("ACK-3.1", "REP-1.2")
def test_t10_numbers_that_only_the_floor_knows_are_reported() -> None:
    disk = disk_with(10)
    disk.cut(FIRST, frames_of(disk)[7].offset)  # exactly between two records
    log = make_log(disk)
    (damage,) = log.report.damages
    assert (damage.kind, damage.first_sequence, damage.sequence_count) == (
        DamageKind.MISSING_END, 8, 3,
    )  # fmt: skip
    assert log.append(small_event(11)) == 11


@pytest.mark.req("REC-3.2", "REC-1.1")
def test_t12_a_file_of_valid_headers_with_bad_bodies_is_scanned_in_linear_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    disk = MemoryFilesystem()
    make_log(disk).append(small_event(1))
    key = header_of(disk).frame_key
    start = len(disk.files[FIRST])
    content = bytearray()
    while len(content) < 3 * MIB:  # a header every 20 bytes, each claiming a body of 1 MiB
        checked = struct.pack("<QIIQ", start + len(content), key.sync_word, MIB, 2)
        content += checked[8:] + crc32(checked, key.crc_seed).to_bytes(4, "little")
    disk.files[FIRST] += content
    checked_bytes = 0

    def counted(body: bytes, header: FrameHeader) -> bool:
        nonlocal checked_bytes
        checked_bytes += len(body)
        return body_verifies(body, header)

    monkeypatch.setattr("reference.scanner.body_verifies", counted)
    log = reopened(disk)
    assert replayed(log) == [1]
    assert 0 < checked_bytes <= 3 * len(content), "three passes: survey, copy, replay"


@pytest.mark.req("REC-3.1", "REC-2.1", "REC-2.2")
def test_t12_a_bad_body_right_behind_a_region_is_one_record_with_a_known_number() -> None:
    disk = disk_with(6)
    rot_frame_body(disk, 2)
    rot_frame_header(disk, 1)
    log = make_log(disk)
    assert [(d.kind, d.first_sequence, d.sequence_count) for d in log.report.damages] == [
        (DamageKind.REGION, 2, 1), (DamageKind.BODY, 3, 1),
    ]  # fmt: skip
    assert replayed(log) == [1, 4, 5, 6]


@pytest.mark.req("ACK-1.1", "ACK-1.2")
def test_t13_both_slots_are_written_in_full_at_creation() -> None:
    disk = MemoryFilesystem()
    make_log(disk)
    content = bytes(disk.files[ACK_NAME])
    assert len(content) == 8192
    for generation in (0, 1):
        offset = slot_offset(generation)
        assert content[offset : offset + 4] == b"\x89PMA"


@pytest.mark.req("ACK-4.1", "ACK-5.1")
@pytest.mark.parametrize("call", ["overwrite", "sync"])
def test_t13_a_failing_acknowledgement_file_fails_nothing_and_is_made_anew(call: str) -> None:
    config = small_config(3)
    disk = disk_with(7, config)
    log = make_log(disk, config)
    disk.fail(call, ACK_NAME)
    log.acknowledge(6)
    assert log.segment_names == [FIRST, SECOND, THIRD], "deletion waits"
    assert log.append(small_event(8)) == 8
    assert log.flush()
    assert log.segment_names == [THIRD]
    assert ("rename_new", ACK_NAME) in disk.journal
    disk.fail(call, ACK_NAME)


@pytest.mark.req("REC-8.1")
def test_t14_repeated_opens_copy_the_damage_once() -> None:
    config = small_config(3)
    disk = disk_with(5, config)
    rot_frame_body(disk, 1)
    for _ in range(5):
        make_log(disk, config)
        disk = disk.copy()
    copies = [name for name in disk.files if name.endswith(".quarantine")]
    assert len(copies) == 1


@pytest.mark.req("REC-9.3", "WAL-4.4")
def test_t14_recovery_on_a_full_disk_opens_degraded_and_can_drain() -> None:
    config = small_config(3)
    disk = disk_with(7, config, close=False)
    disk.files[THIRD] += b"torn"
    disk.free_bytes = 0
    log = make_log(disk, config)
    assert log.report.degraded.startswith("ENOSPC")
    assert replayed(log) == [1, 2, 3, 4, 5, 6, 7]
    with pytest.raises(NoSegment) as caught:
        log.append(small_event(0))
    assert caught.value.definite
    log.acknowledge(6)
    assert log.segment_names == [THIRD]
    assert disk.free_bytes > 0
    sequence = log.append(small_event(0))
    assert sequence == 9, "8 was burned with the torn tail"
    assert not log.report.degraded


@pytest.mark.req("WAL-5.1")
def test_t15_a_quota_filled_by_one_wholly_settled_file_does_not_reject_for_ever() -> None:
    config = WalConfig(quota_bytes=2 * FRAMES_OFFSET + 600, quarantine_bytes_max=0)
    disk = MemoryFilesystem()
    log = make_log(disk, config)
    number = 0
    with pytest.raises(QuotaExceeded) as caught:
        while True:
            number += 1
            log.append(small_event(number))
    assert caught.value.definite
    assert caught.value.retryable
    log.acknowledge(number - 1)
    assert log.append(small_event(number)) == number
    assert log.segment_names == [SECOND]


@pytest.mark.req("REC-5.3", "ACK-1.2")
def test_t16_wiped_files_begin_a_new_identity_and_the_old_acknowledgements_do_not_count() -> None:
    disk = disk_with(10)
    with make_log(disk) as log:
        log.acknowledge(5)
    old_id = header_of(disk).log_id
    del disk.files[FIRST]
    log = make_log(disk)
    assert log.log_id != old_id
    assert log.append(small_event(1)) == 1
    assert log.acknowledged_through == 0
    assert [damage.kind for damage in log.report.damages] == [DamageKind.ACK_FILE]
    assert replayed(reopened(disk)) == [1]


@pytest.mark.req("REC-5.1")
def test_t16_a_file_of_another_host_is_moved_aside_and_not_replayed() -> None:
    config = small_config(3)
    disk = disk_with(4, config)
    stranger = SegmentHeader(1, b"s" * 16, bytes(16), b"saltsalt", 1, 1, 1)
    foreign = bytearray(encode_header_block(stranger))
    foreign += encode_frame(stranger.frame_key, FRAMES_OFFSET, 1, frames_of(disk)[0].body[8:-4])
    disk.files[FIRST] = foreign
    log = make_log(disk, config)
    assert {damage.kind for damage in log.report.damages} == {DamageKind.FOREIGN, DamageKind.GAP}
    assert replayed(log) == [4]
    assert disk.files[FIRST + ".foreign"] == foreign


@pytest.mark.req("DSK-1.1", "WAL-3.1")
def test_t17_a_new_file_has_its_name_and_bytes_durable_before_a_record() -> None:
    config = small_config(3)
    disk = disk_with(3, config)
    log = make_log(disk, config)
    log.append(small_event(4))
    steps = [step for step in disk.journal if step[1] in (SECOND, "")]
    start = steps.index(("create_exclusive", SECOND))
    assert steps[start:] == [
        ("create_exclusive", SECOND), ("append", SECOND), ("sync", SECOND), ("sync_directory", ""),
        ("append", SECOND), ("sync", SECOND),
    ]  # fmt: skip


@pytest.mark.req("FMT-3.2", "REC-1.1")
def test_t18_names_that_are_no_segments_are_ignored_and_stepped_over() -> None:
    config = small_config(3)
    disk = disk_with(3, config)
    disk.irregular = {SECOND, "procmond-00004.wal"}
    for name in ("procmond-1.wal", "procmond-000001.wal", "procmond-00000.wal", "notes.txt"):
        disk.files[name] = bytearray(b"mine")
    log = make_log(disk, config)
    assert log.append(small_event(4)) == 4
    assert log.segment_names == [FIRST, THIRD]
    assert set(log.report.ignored) == {
        SECOND, "procmond-00004.wal", "procmond-1.wal", "procmond-000001.wal",
        "procmond-00000.wal", "notes.txt",
    }  # fmt: skip


@pytest.mark.req("FMT-4.4", "REC-1.1")
@pytest.mark.parametrize(
    "header",
    [
        SegmentHeader(2**32 - 1, b"i" * 16, bytes(16), b"saltsalt", 1, 1, 1),
        SegmentHeader(1, b"i" * 16, bytes(16), b"saltsalt", 2**64 - 1, 2**64 - 1, 2**64 - 1),
        SegmentHeader(1, b"i" * 16, bytes(16), b"saltsalt", 1, 1, SEQUENCE_MAX + 1),
        SegmentHeader(1, bytes(16), bytes(16), b"saltsalt", 1, 1, 1),
        SegmentHeader(1, b"i" * 16, bytes(16), b"saltsalt", 5, 4, 6),
        SegmentHeader(1, b"i" * 16, bytes(16), b"saltsalt", 0, 1, 1),
    ],
)
def test_t18_a_crafted_header_leaves_a_successor(header: SegmentHeader) -> None:
    disk = MemoryFilesystem()
    name = segment_name(header.file_number)
    disk.files[name] = bytearray(encode_header_block(header) + b"x" * 200)
    log = make_log(disk)
    assert [damage.kind for damage in log.report.damages] == [DamageKind.UNREADABLE]
    assert log.append(small_event(1)) == 1


@pytest.mark.req("REC-1.2", "REC-1.1")
def test_t18_an_unreadable_sector_refuses_and_names_file_and_offset() -> None:
    disk = disk_with(3)
    disk.fail("read", FIRST, errno.EIO, times=1, skip=2)
    image = disk.image()
    with pytest.raises(DiskUnreadable, match=r"procmond-00001.wal at offset 8192.*salvage"):
        make_log(disk)
    assert disk.image() == image


@pytest.mark.req("CLI-2.1", "CLI-2.2")
def test_t19_looking_at_a_live_log_changes_nothing_and_calls_no_unfinished_end_damage() -> None:
    disk = disk_with(5, close=False)
    disk.locked = True
    disk.files[FIRST] += b"half a rec"
    disk.flip_bit(ACK_NAME, 0)
    image = disk.image()
    report = inspect_directory(disk).report
    assert report.live
    assert report.is_clean
    assert disk.image() == image
    assert disk.journal == []
    rot_frame_body(disk, 1)
    assert [d.kind for d in inspect_directory(disk).report.damages] == [DamageKind.BODY]


class DiskThatLists(MemoryFilesystem):
    """A disk whose first listing is older than its files."""

    old_listing: Sequence[DirectoryEntry] = ()

    def list(self) -> Sequence[DirectoryEntry]:
        listing, self.old_listing = self.old_listing, ()
        return listing or super().list()


@pytest.mark.req("CLI-2.2")
def test_t19_a_file_that_vanishes_while_it_is_read_was_acknowledged_not_lost() -> None:
    config = small_config(3)
    before = disk_with(7, config, close=False)
    disk = DiskThatLists(before.files, locked=True)
    disk.old_listing = before.list()
    log_id = header_of(disk).log_id
    disk.files[ACK_NAME] = bytearray(encode_ack_file(AckSlot(9, log_id, 3, 8)))
    del disk.files[FIRST]
    report = inspect_directory(disk).report
    assert report.live
    assert report.is_clean
    assert report.entries == 4


@pytest.mark.req("CLI-2.2")
@pytest.mark.parametrize("moment", ["before its records", "before the slots"])
def test_t19_a_file_that_vanishes_at_any_moment_is_no_damage(moment: str) -> None:
    config = small_config(3)
    disk = DiskThatLists(disk_with(7, config, close=False).files, locked=True)
    if moment == "before its records":
        log_id = header_of(disk).log_id
        disk.files[ACK_NAME] = bytearray(encode_ack_file(AckSlot(9, log_id, 3, 8)))
        disk.fail("read", FIRST, errno.ENOENT, skip=2)
    else:
        disk.old_listing = disk.list()
        del disk.files[ACK_NAME]
    report = inspect_directory(disk).report
    assert report.live
    assert report.is_clean
