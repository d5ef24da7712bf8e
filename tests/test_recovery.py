"""Opening a directory: what is found, what is made true, what survives a second crash."""

from __future__ import annotations

import errno
import logging
from collections.abc import Sequence
from dataclasses import replace

import pytest

from reference.acknowledgement_slots import ACK_NAME, AckSlot, encode_ack_file
from reference.errors import DiskUnreadable, Locked, NoSegment, OpenRefused
from reference.filesystem import DirectoryEntry
from reference.frame import encode_frame
from reference.limits import FRAME_BYTES_MIN, FRAMES_OFFSET, READ_CHUNK_BYTES, WalConfig
from reference.names import DEAD_LETTERS_NAME
from reference.report import DamageKind, Fate
from reference.segment_header import (
    NO_LOG_ID,
    SegmentHeader,
    encode_header_block,
    segment_name,
)
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


def put_segment(
    disk: MemoryFilesystem,
    number: int,
    numbers: tuple[int, int, int],
    sequences: list[int],
    like: SegmentHeader,
) -> None:
    """Write a segment by hand: (relocated_from, continues_from, first_sequence), and frames."""
    salt = number.to_bytes(8, "big")
    header = SegmentHeader(number, like.log_id, bytes(16), salt, *numbers)
    content = bytearray(encode_header_block(header))
    payload = frames_of(disk_with(1))[0].body[8:-4]
    for sequence in sequences:
        content += encode_frame(header.frame_key, len(content), sequence, payload)
    disk.files[segment_name(number)] = content


@pytest.mark.req("REC-1.1", "WAL-1.2")
def test_an_empty_directory_becomes_a_log_whose_numbers_start_at_1() -> None:
    disk = MemoryFilesystem()
    log = make_log(disk)
    assert log.report.is_clean
    assert log.report.entries == 0
    assert log.append(small_event(1)) == 1


@pytest.mark.req("DSK-1.3", "REC-1.1")
def test_a_second_opener_is_refused_and_the_first_goes_on() -> None:
    disk = MemoryFilesystem()
    log = make_log(disk)
    with pytest.raises(Locked):
        make_log(disk)
    disk.locked = True  # the refused opener's close must not have released the first one's lock
    assert log.append(small_event(1)) == 1


@pytest.mark.req("REC-9.1", "REC-7.2")
def test_opening_and_closing_a_clean_log_changes_no_byte() -> None:
    disk = disk_with(7, small_config(3))
    image = disk.image()
    for _ in range(3):
        log = make_log(disk)
        assert log.report.clean_shutdown
        assert replayed(log) == list(range(1, 8))
        assert log.close().clean
        assert disk.image() == image


@pytest.mark.req("REC-9.1", "REC-7.1")
def test_recovering_what_was_recovered_changes_no_byte_even_without_a_close() -> None:
    disk = disk_with(7, small_config(3), close=False)
    disk.files[THIRD] += b"torn"
    first = make_log(disk)
    assert first.report.possibly_lost == 1
    second_disk = disk.copy()
    second = make_log(second_disk)
    assert second_disk.image() == disk.image()
    assert second.report.is_clean
    assert replayed(second) == replayed(first)


@pytest.mark.req("REC-7.2")
def test_after_a_clean_close_the_same_file_is_appended_to() -> None:
    disk = disk_with(3)
    log = make_log(disk)
    assert log.append(small_event(4)) == 4
    assert log.segment_names == [FIRST]


@pytest.mark.req("REC-7.2", "FMT-5.5")
def test_the_clean_mark_is_withdrawn_durably_before_the_file_grows() -> None:
    disk = disk_with(3)
    log = make_log(disk)
    disk.journal.clear()
    log.append(small_event(4))
    assert disk.journal == [
        ("overwrite", ACK_NAME), ("sync", ACK_NAME), ("sync_directory", ""),
        ("append", FIRST), ("sync", FIRST),
    ]  # fmt: skip
    log.append(small_event(5))
    assert disk.journal[5:] == [("append", FIRST), ("sync", FIRST)]


@pytest.mark.req("REC-7.2", "ACK-4.1")
def test_a_mark_that_cannot_be_withdrawn_seals_the_file_instead() -> None:
    disk = disk_with(3)
    log = make_log(disk)
    disk.fail("overwrite", ACK_NAME)
    assert log.append(small_event(4)) == 4
    assert log.segment_names == [FIRST, SECOND]


@pytest.mark.req("REC-7.2", "ACK-1.2")
@pytest.mark.parametrize("slot", [0, 4096])
def test_a_clean_close_is_believed_only_if_both_slots_verify(slot: int) -> None:
    disk = disk_with(3)
    disk.flip_bit(ACK_NAME, slot * 8)
    log = make_log(disk)
    assert not log.report.clean_shutdown
    assert [damage.kind for damage in log.report.damages] == [DamageKind.ACK_SLOT]
    assert replayed(log) == [1, 2, 3]


@pytest.mark.req("ACK-1.2")
@pytest.mark.parametrize("damage", ["missing", "zeros", "short", "garbage"])
def test_without_an_acknowledgement_file_everything_is_repeated_and_nothing_lost(
    damage: str,
) -> None:
    config = small_config(3)
    disk = disk_with(7, config)
    with make_log(disk, config) as log:
        log.acknowledge(4)
    if damage == "missing":
        del disk.files[ACK_NAME]
    else:
        size = 100 if damage == "short" else 8192
        disk.files[ACK_NAME] = bytearray(b"g" * size if damage == "garbage" else bytes(size))
    log = make_log(disk, config)
    assert replayed(log) == [4, 5, 6, 7], "file 1 was deleted; 4 is repeated"
    assert log.report.lost == 0
    assert len(log.report.damages) == (0 if damage == "missing" else 1)


@pytest.mark.req("REC-4.1", "REP-1.2")
@pytest.mark.parametrize(
    ("deleted", "missing"), [(FIRST, {1, 2, 3}), (SECOND, {4, 5, 6})], ids=["oldest", "middle"]
)
def test_a_segment_deleted_by_hand_is_a_reported_gap(deleted: str, missing: set[int]) -> None:
    disk = disk_with(7, small_config(3))
    del disk.files[deleted]
    log = make_log(disk)
    (damage,) = log.report.damages
    assert (damage.kind, damage.fate) == (DamageKind.GAP, Fate.LOST)
    assert (damage.first_sequence, damage.sequence_count) == (min(missing), 3)
    assert replayed(log) == without(range(1, 8), *missing)


@pytest.mark.req("REC-4.1")
def test_a_gap_that_was_acknowledged_is_no_loss() -> None:
    config = small_config(3)
    disk = disk_with(7, config)
    with make_log(disk, config) as log:
        log.acknowledge(5)
        assert log.segment_names == [SECOND, THIRD]
    del disk.files[SECOND]
    log = make_log(disk, config)
    (damage,) = log.report.damages
    assert (damage.first_sequence, damage.sequence_count) == (6, 1), "4 and 5 were acknowledged"


@pytest.mark.req("ACK-3.1", "WAL-1.2")
def test_a_newest_segment_deleted_by_hand_is_known_from_the_floor() -> None:
    disk = disk_with(7, small_config(3))
    del disk.files[THIRD]
    log = make_log(disk)
    (damage,) = log.report.damages
    assert (damage.kind, damage.first_sequence) == (DamageKind.MISSING_END, 7)
    assert log.append(small_event(8)) == 8


@pytest.mark.req("FMT-4.6", "REC-4.2")
@pytest.mark.parametrize("old_tail", [b"", b"torn tail"], ids=["whole", "torn"])
def test_copies_and_their_original_are_delivered_once(old_tail: bytes) -> None:
    """A crash between the rename of the copy and the unlink of the old file."""
    disk = disk_with(3, close=False)
    disk.files[FIRST] += old_tail
    original = bytes(disk.files[FIRST])
    log = reopened(disk)
    after = log._filesystem
    assert isinstance(after, MemoryFilesystem)
    log.append(small_event(log.next_sequence))
    expected = replayed(log)
    both = after.copy()
    both.files[FIRST] = bytearray(original)
    again = make_log(both)
    assert again.report.is_clean
    assert replayed(again) == expected


@pytest.mark.req("FMT-4.6", "REC-2.2")
def test_a_damaged_copy_costs_only_itself() -> None:
    disk = disk_with(5, close=False)
    log = reopened(disk)
    after = log._filesystem
    assert isinstance(after, MemoryFilesystem)
    rot_frame_header(after, 2, SECOND)
    again = make_log(after.copy())
    assert replayed(again) == [1, 2, 4, 5]
    assert [(d.first_sequence, d.sequence_count) for d in again.report.damages] == [(3, 1)]


@pytest.mark.req("FMT-4.6", "REC-4.1")
def test_holes_among_copies_are_not_reported() -> None:
    disk = disk_with(1)
    put_segment(disk, 2, (2, 9, 12), [3, 6, 12, 13], header_of(disk))
    log = make_log(disk)
    assert log.report.is_clean
    assert [entry.sequence for entry in log.replay()] == [1, 3, 6, 12, 13]


@pytest.mark.req("REC-3.1", "FMT-4.6")
def test_damage_across_a_declared_gap_reports_both_sides_and_not_the_gap() -> None:
    disk = disk_with(1)
    put_segment(disk, 2, (2, 4, 8), [2, 3, 8, 9, 10], header_of(disk))
    spans = [frame.offset for frame in frames_of(disk, SECOND)]
    disk.write_at(SECOND, spans[1], b"\xff" * (spans[3] - spans[1]))
    log = make_log(disk)
    numbers = [(d.first_sequence, d.sequence_count) for d in log.report.damages]
    assert numbers == [(3, 1), (8, 1)]
    assert [entry.sequence for entry in log.replay()] == [1, 2, 9, 10]


@pytest.mark.req("REC-3.1", "FMT-4.6")
def test_damage_that_ends_at_a_declared_gap_does_not_count_the_gap() -> None:
    disk = disk_with(1)
    put_segment(disk, 2, (2, 4, 8), [2, 3, 8], header_of(disk))
    rot_frame_header(disk, 1, SECOND)
    report = make_log(disk).report
    assert [(d.first_sequence, d.sequence_count) for d in report.damages] == [(3, 1)]


@pytest.mark.req("REC-2.1")
def test_a_jump_inside_a_file_is_accepted_and_reported() -> None:
    disk = disk_with(1)
    put_segment(disk, 2, (2, 2, 2), [2, 3, 9, 10], header_of(disk))
    log = make_log(disk)
    (damage,) = log.report.damages
    assert (damage.kind, damage.first_sequence, damage.sequence_count) == (DamageKind.JUMP, 4, 5)
    assert [entry.sequence for entry in log.replay()] == [1, 2, 3, 9, 10]


@pytest.mark.req("REC-4.2")
def test_a_sequence_behind_is_stale_and_never_delivered_twice() -> None:
    disk = disk_with(1)
    put_segment(disk, 2, (2, 2, 2), [2, 3, 2, 4], header_of(disk))
    log = make_log(disk)
    assert [d.kind for d in log.report.damages] == [DamageKind.STALE]
    assert [entry.sequence for entry in log.replay()] == [1, 2, 3, 4]


@pytest.mark.req("REC-4.2", "REC-2.1")
def test_a_stale_header_with_a_bad_body_costs_no_number() -> None:
    disk = disk_with(1)
    put_segment(disk, 2, (2, 2, 2), [2, 3, 2, 4], header_of(disk))
    stale_offset = FRAMES_OFFSET + 2 * (frames_of(disk, SECOND)[1].offset - FRAMES_OFFSET)
    disk.flip_bit(SECOND, (stale_offset + 60) * 8)
    log = make_log(disk)
    assert [(d.kind, d.fate) for d in log.report.damages] == [(DamageKind.BODY, Fate.NONE)]
    assert [entry.sequence for entry in log.replay()] == [1, 2, 3, 4]


@pytest.mark.req("REC-6.1", "FMT-4.6", "FMT-4.5", "REC-6.3")
def test_a_tail_from_copies_into_the_files_own_numbers_leaves_out_the_declared_gap() -> None:
    disk = disk_with(1, close=False)
    put_segment(disk, 2, (2, 4, 8), [2, 3, 8], header_of(disk))
    disk.cut(SECOND, frames_of(disk, SECOND)[1].offset + 50)
    log = reopened(disk)
    numbers = [(d.kind, d.first_sequence, d.sequence_count) for d in log.report.damages]
    assert numbers == [(DamageKind.TAIL, 3, 1), (DamageKind.TAIL, 8, 1)]
    assert [entry.sequence for entry in log.replay()] == [1, 2]
    assert log.append(small_event(9)) == 9


@pytest.mark.req("REC-4.2")
def test_a_whole_file_of_numbers_that_were_delivered_is_stale() -> None:
    disk = disk_with(4)
    put_segment(disk, 2, (5, 5, 5), [2, 5], header_of(disk))
    log = make_log(disk)
    assert [d.kind for d in log.report.damages] == [DamageKind.STALE]
    assert [entry.sequence for entry in log.replay()] == [1, 2, 3, 4, 5]


@pytest.mark.req("REC-6.1")
def test_a_tail_of_an_older_file_is_clean_if_numbering_goes_on_where_it_ended() -> None:
    disk = disk_with(3, small_config(3))
    log = make_log(disk, small_config(3))
    log.append(small_event(4))
    log.close()
    disk.files[FIRST] += b"a write that failed and could not be cut off"
    log = make_log(disk)
    assert log.report.is_clean
    assert replayed(log) == [1, 2, 3, 4]


@pytest.mark.req("REC-6.1", "REP-1.2")
def test_a_tail_of_an_older_file_whose_numbers_are_missing_is_a_gap_with_its_place() -> None:
    disk = disk_with(4, small_config(3))
    offset = rot_frame_body(disk, 2)
    log = make_log(disk)
    (damage,) = log.report.damages
    assert (damage.kind, damage.file, damage.offset) == (DamageKind.GAP, FIRST, offset)
    assert (damage.fate, damage.first_sequence, damage.sequence_count) == (Fate.LOST, 3, 1)
    assert len(log.report.quarantined) == 1


@pytest.mark.req("REC-6.1", "FMT-4.5")
@pytest.mark.parametrize(("burned", "is_clean"), [(4, True), (3, False)])
def test_a_tail_is_accounted_for_if_all_that_it_may_have_held_is_declared(
    burned: int, is_clean: bool
) -> None:
    disk = disk_with(3, close=False)
    disk.files[FIRST] += b"?" * (3 * FRAME_BYTES_MIN + 1)
    put_segment(disk, 2, (4, 4, 4 + burned), [], header_of(disk))
    assert reopened(disk).report.is_clean == is_clean


@pytest.mark.req("REC-6.1", "FMT-4.6")
def test_a_tail_before_copies_was_reported_by_the_recovery_that_made_them() -> None:
    """A power cut brought the old file back, with another tail than recovery had read."""
    disk = disk_with(3, close=False)
    put_segment(disk, 2, (1, 4, 5), [1, 2, 3], header_of(disk))
    disk.files[FIRST] += b"?" * 1000
    log = reopened(disk)
    assert log.report.is_clean
    assert [entry.sequence for entry in log.replay()] == [1, 2, 3]
    assert log.append(small_event(5)) == 5


@pytest.mark.req("REC-6.1")
def test_tails_of_two_files_are_both_reported() -> None:
    disk = disk_with(3)
    put_segment(disk, 2, (4, 4, 4), [], header_of(disk))
    disk.files[FIRST] += b"one"
    disk.files[SECOND] += b"two"
    report = make_log(disk).report
    assert [(d.kind, d.file) for d in report.damages] == [
        (DamageKind.TAIL, FIRST), (DamageKind.TAIL, SECOND),
    ]  # fmt: skip


@pytest.mark.req("REC-5.2", "REP-1.2")
@pytest.mark.parametrize("name", [FIRST, SECOND, THIRD])
def test_an_unreadable_segment_costs_exactly_its_numbers(name: str) -> None:
    disk = disk_with(7, small_config(3))
    lost = [frame.sequence for frame in frames_of(disk, name)]
    for copy in (0, 4096):
        disk.flip_bit(name, copy * 8 + 3)
    log = make_log(disk)
    (damage,) = [d for d in log.report.damages if d.kind is DamageKind.UNREADABLE]
    assert damage.first_sequence == lost[0]
    if name != THIRD:
        assert (damage.fate, damage.sequence_count) == (Fate.LOST, len(lost))
    else:
        assert damage.fate is Fate.POSSIBLY_LOST
    assert replayed(log) == without(range(1, 8), *lost)
    assert name + ".unreadable" in disk.files
    assert log.append(small_event(0)) > 7


@pytest.mark.req("REC-5.2", "ACK-1.2")
def test_an_unreadable_oldest_segment_is_a_loss_also_without_the_acknowledgement_file() -> None:
    disk = disk_with(7, small_config(3))
    del disk.files[ACK_NAME]
    for copy in (0, 4096):
        disk.flip_bit(FIRST, copy * 8)
    (damage,) = make_log(disk).report.damages
    assert (damage.kind, damage.first_sequence, damage.sequence_count) == (
        DamageKind.UNREADABLE, 1, 3,
    )  # fmt: skip


@pytest.mark.req("REC-5.2")
def test_an_unreadable_segment_without_numbers_of_its_own_costs_none() -> None:
    disk = disk_with(3)
    disk.files[SECOND] = bytearray(b"?" * (FRAMES_OFFSET + 50))
    put_segment(disk, 3, (4, 4, 4), [4], header_of(disk))
    log = make_log(disk)
    (damage,) = log.report.damages
    assert (damage.kind, damage.fate, damage.sequence_count) == (
        DamageKind.UNREADABLE, Fate.NONE, 0,
    )  # fmt: skip
    assert [entry.sequence for entry in log.replay()] == [1, 2, 3, 4]


@pytest.mark.req("REC-5.2", "FMT-4.4")
def test_a_segment_under_the_name_of_another_is_unreadable() -> None:
    disk = disk_with(4, small_config(3))
    disk.files["procmond-00009.wal"] = disk.files.pop(SECOND)
    log = make_log(disk)
    kinds = {damage.kind: damage for damage in log.report.damages}
    assert kinds[DamageKind.UNREADABLE].detail == "the header is that of file 2"
    assert replayed(log) == [1, 2, 3]
    assert log.append(small_event(0)) > 4


@pytest.mark.req("REC-5.2", "REC-1.1")
def test_files_that_cannot_be_moved_aside_do_not_stop_recovery(
    caplog: pytest.LogCaptureFixture,
) -> None:
    disk = disk_with(4, small_config(3))
    for copy in (0, 4096):
        disk.flip_bit(FIRST, copy * 8)
    disk.fail("rename_new", FIRST + ".unreadable")
    with caplog.at_level(logging.WARNING, "reference.wal"):
        assert replayed(make_log(disk)) == [4]
    assert any("cannot move" in message for message in caplog.messages)


@pytest.mark.req("REC-7.1")
def test_an_old_file_that_cannot_be_removed_is_stepped_over_later(
    caplog: pytest.LogCaptureFixture,
) -> None:
    disk = disk_with(3, close=False).copy()
    disk.fail("unlink", FIRST)
    with caplog.at_level(logging.WARNING, "reference.wal"):
        log = make_log(disk)
    assert "cannot remove" in caplog.text
    assert log.append(small_event(4)) == 4
    again = reopened(disk)
    assert again.report.is_clean
    assert replayed(again) == [1, 2, 3, 4]


@pytest.mark.req("REC-9.2", "REC-9.1")
def test_a_failure_of_any_call_of_recovery_leaves_a_directory_that_recovers_the_same() -> None:
    """Each changing call fails in turn, and the machine stops there."""
    config = small_config(3)
    start = disk_with(8, config, close=False)
    start.files[THIRD] += b"torn"
    rot_frame_body(start, 1, SECOND)
    expected = replayed(reopened(start, config))
    disk = start.copy()
    make_log(disk, config)
    steps = [call for call, _ in disk.journal]
    assert len(steps) >= 12
    for index, call in enumerate(steps):
        disk = start.copy()
        disk.fail(call, None, errno.EIO, times=10**6, skip=steps[:index].count(call))
        try:
            log = make_log(disk, config)
        except OpenRefused as error:
            pytest.fail(f"{call} failed, and the open was refused: {error}")
        seen = replayed(log)
        assert seen == expected[: len(seen)]
        assert seen == expected or log.report.degraded, call
        after = disk.copy()
        assert replayed(make_log(after, config)) == expected, call
        assert make_log(after.copy(), config).append(small_event(0)) > 8


@pytest.mark.req("REC-9.3", "REC-7.1")
def test_a_degraded_log_without_a_durable_floor_replays_only_what_is_surely_durable() -> None:
    config = small_config(3)
    disk = disk_with(8, config, close=False)
    disk.files[THIRD] += b"torn"
    disk.fail("create_exclusive", None, errno.ENOSPC, times=10**6)
    disk.fail("overwrite", None, errno.EIO, times=10**6)
    log = make_log(disk, config)
    assert log.report.degraded
    assert replayed(log) == [1, 2, 3, 4, 5, 6], "7 and 8 are in the file that was open"
    disk.heal()
    assert log.append(small_event(10)) == 10
    assert replayed(log) == [1, 2, 3, 4, 5, 6, 7, 8, 10]


@pytest.mark.req("REC-9.3")
def test_what_a_degraded_log_hides_is_shown_once_its_floor_is_durable() -> None:
    config = small_config(3)
    disk = disk_with(8, config, close=False)
    disk.fail("create_exclusive", None, errno.ENOSPC, times=10**6)
    disk.fail("overwrite", None, errno.EIO, times=10**6)
    log = make_log(disk, config)
    assert log.hidden_from == 7
    assert replayed(log) == [1, 2, 3, 4, 5, 6]
    disk.heal()
    assert replayed(log) == [1, 2, 3, 4, 5, 6, 7, 8], "reading tries the floor again, no append"
    assert log.hidden_from is None


@pytest.mark.req("REC-9.3")
def test_an_append_that_finds_no_room_makes_the_floor_durable_and_shows_the_rest() -> None:
    config = small_config(3)
    disk = disk_with(8, config, close=False)
    for number in range(4, 10):
        disk.fail("create_exclusive", f"{segment_name(number)}.new", errno.ENOSPC)
    disk.fail("overwrite", ACK_NAME, errno.EIO)
    log = make_log(disk, config)
    assert log.hidden_from == 7
    with pytest.raises(NoSegment):
        log.append(small_event(9))
    assert log.hidden_from is None
    assert replayed(log) == [1, 2, 3, 4, 5, 6, 7, 8]


@pytest.mark.req("REC-11.1", "DLQ-1.1")
def test_an_undecodable_entry_whose_dead_letter_cannot_be_stored_stays(
    caplog: pytest.LogCaptureFixture,
) -> None:
    disk = disk_with(2)
    header = header_of(disk)
    offset = len(disk.files[FIRST])
    disk.files[FIRST] += encode_frame(header.frame_key, offset, 3, b"?" * 90)
    disk.fail("create_exclusive", DEAD_LETTERS_NAME)
    with caplog.at_level(logging.WARNING, "reference.wal"):
        log = make_log(disk)
    assert "dead letter for sequence 3 not stored" in caplog.text
    log.acknowledge(2)
    assert log.acknowledged_through == 2, "3 is not settled"
    assert replayed(log) == []
    log.append(small_event(4))
    log = reopened(disk)
    assert DEAD_LETTERS_NAME in disk.copy().files or log.report.dead_lettered == 1
    assert replayed(log) == [4]


@pytest.mark.req("REP-1.1", "WAL-6.1")
def test_a_thousand_damages_are_listed_and_the_rest_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    disk = MemoryFilesystem()
    log = make_log(disk)
    log.append_batch([small_event(number) for number in range(1, 2301)])
    log.close()
    for frame in frames_of(disk)[0:2200:2]:
        disk.flip_bit(FIRST, (frame.offset + 60) * 8)
    with caplog.at_level(logging.WARNING, "reference.wal"):
        log = make_log(disk)
    assert len(log.report.damages) == 1000
    assert log.report.damages_not_listed == 100
    assert log.report.lost == 1100
    assert len(caplog.messages) == 1001


@pytest.mark.req("REC-2.1", "WAL-6.1")
def test_damage_that_waits_for_a_later_frame_is_bounded() -> None:
    disk = MemoryFilesystem()
    log = make_log(disk)
    log.append_batch([small_event(number) for number in range(1, 1302)])
    log.close()
    for frame in frames_of(disk)[0:1300]:
        disk.flip_bit(FIRST, (frame.offset + 60) * 8)
    report = make_log(disk).report
    assert report.lost == 1300
    assert len(report.damages) == 1000
    assert sum(damage.length_bytes for damage in report.damages) == frames_of(disk)[0].offset - 8192


@pytest.mark.req("REC-1.1", "REC-1.2")
@pytest.mark.parametrize(
    ("call", "name", "skip"),
    [("list", "", 0), ("list", "", 1), ("lock", "", 0), ("read", FIRST, 0), ("read", ACK_NAME, 1)],
)
def test_a_disk_that_fails_while_the_log_is_read_refuses_the_open(
    call: str, name: str, skip: int
) -> None:
    disk = disk_with(3)
    disk.fail(call, name, errno.EIO, skip=skip)
    with pytest.raises(DiskUnreadable):
        make_log(disk)
    assert not disk.locked
    assert replayed(make_log(disk)) == [1, 2, 3]


class ShrinkingDisk(MemoryFilesystem):
    """A disk whose listing says more than the file has."""

    def list(self) -> Sequence[DirectoryEntry]:
        return [replace(entry, size_bytes=entry.size_bytes + 9) for entry in super().list()]


@pytest.mark.req("REC-1.1")
def test_a_file_shorter_than_its_listing_refuses_the_open() -> None:
    disk = ShrinkingDisk(disk_with(3).files)
    with pytest.raises(DiskUnreadable, match="the file ends at"):
        make_log(disk)


@pytest.mark.req("CLI-3.1", "REC-1.1")
def test_an_interrupted_salvage_is_completed_at_open() -> None:
    disk = disk_with(4, small_config(3))
    disk.files[FIRST + ".unreadable"] = bytearray(disk.files[FIRST])
    disk.files[FIRST + ".salvaged"] = disk.files.pop(FIRST)
    again = disk.copy()
    disk.fail("rename_new", FIRST)
    with pytest.raises(DiskUnreadable):
        make_log(disk)
    assert replayed(make_log(again)) == [1, 2, 3, 4]


@pytest.mark.req("CLI-3.1", "REC-1.1")
def test_a_salvage_whose_name_is_taken_by_a_directory_refuses_no_open() -> None:
    disk = disk_with(1)
    disk.files[SECOND + ".salvaged"] = bytearray(disk.files[FIRST])
    disk.irregular = {SECOND}
    assert replayed(make_log(disk)) == [1]
    assert SECOND + ".salvaged" in disk.files


@pytest.mark.req("REC-1.1", "FMT-3.1")
def test_numbers_of_a_log_go_on_from_99999_to_100000() -> None:
    disk = disk_with(1)
    put_segment(disk, 99_999, (2, 2, 2), [2], header_of(disk))
    log = make_log(disk, WalConfig(rotation_bytes=FRAMES_OFFSET + 1))
    assert log.append(small_event(3)) == 3
    assert log.append(small_event(4)) == 4
    assert "procmond-100000.wal" in disk.files, "where recovery put its copies"
    assert log.segment_names[-2:] == ["procmond-100001.wal", "procmond-100002.wal"]
    assert [entry.sequence for entry in reopened(disk).replay()] == [1, 2, 3, 4]


@pytest.mark.req("REC-1.1")
def test_a_thousand_taken_names_in_a_row_open_degraded() -> None:
    disk = disk_with(1, close=False)
    disk.irregular = {segment_name(number) for number in range(2, 1003)}
    log = reopened(disk)
    assert "1000 file names in a row are taken" in log.report.degraded
    assert replayed(log) == [1]


@pytest.mark.req("FMT-4.4", "REC-9.3")
def test_numbers_that_have_run_out_open_degraded() -> None:
    disk = disk_with(1)
    last = 2**32 - 1 - 2**16
    put_segment(disk, last, (2, 2, 2), [2], header_of(disk))
    log = make_log(disk)
    assert "have run out" in log.report.degraded
    assert [entry.sequence for entry in log.replay()] == [1, 2]


@pytest.mark.req("REC-3.1", "REC-2.2", "WAL-6.1")
@pytest.mark.parametrize("behind_chunk", [-3, -2, -1, 0, 1])
def test_a_boundary_that_straddles_two_chunks_of_the_search_is_found(behind_chunk: int) -> None:
    """Two destroyed records, so long that the next frame begins around the end of a chunk."""
    disk = MemoryFilesystem()
    log = make_log(disk)
    log.append(small_event(1, "x" * 600_000))
    first_end = len(disk.files[FIRST])
    overhead = len(frames_of(disk_with(1))[0].body) + 20
    wanted = FRAMES_OFFSET + 1 + READ_CHUNK_BYTES + behind_chunk - first_end
    log.append(small_event(2, "x" * (wanted - overhead)))
    assert len(disk.files[FIRST]) == first_end + wanted
    log.append(small_event(3))
    log.close()
    disk.write_at(FIRST, FRAMES_OFFSET, b"\xa5" * (first_end + wanted - FRAMES_OFFSET))
    log = make_log(disk)
    assert replayed(log) == [3]
    assert log.report.lost == 2


@pytest.mark.req("FMT-3.1", "REC-5.1")
def test_the_newest_file_is_that_of_the_highest_number_not_of_the_last_name() -> None:
    disk = disk_with(1)
    put_segment(disk, 99_998, (2, 2, 2), [2], header_of(disk))
    with make_log(disk) as log:
        new_id = log.start_new_identity()
        log.append(small_event(3))
    assert max(name for name in disk.files if name.endswith(".wal")) != log.segment_names[-1]
    again = make_log(disk)
    assert again.log_id == new_id
    assert [entry.sequence for entry in again.replay()] == [1, 2, 3]


# ---- The header of an earlier log -------------------------------------------


def with_header_of_another_log(*, previous: bytes = NO_LOG_ID) -> tuple[MemoryFilesystem, bytes]:
    """Two records, and behind them an empty file that another log_id stands in."""
    disk = disk_with(2)
    header = replace(header_of(disk), file_number=2, log_id=b"B" * 16, previous_log_id=previous)
    disk.files[SECOND] = bytearray(encode_header_block(header))
    return disk, header.log_id


@pytest.mark.req("REC-5.2", "REC-5.1")
@pytest.mark.parametrize("acknowledgements", ["ours", "none", "damaged", "no file"])
def test_an_empty_newest_file_with_an_earlier_log_s_header_is_an_interrupted_rotation(
    acknowledgements: str,
) -> None:
    disk, _ = with_header_of_another_log()
    if acknowledgements == "none":
        disk.unlink("procmond.ack")
    elif acknowledgements == "damaged":
        disk.files["procmond.ack"][:] = bytes(8192)
    elif acknowledgements == "no file":
        disk.unlink("procmond.ack")
        disk.irregular.add("procmond.ack")
    log = reopened(disk)
    assert replayed(log) == [1, 2]
    assert log.report.removed == [SECOND]


@pytest.mark.req("REC-5.2", "REC-5.1")
def test_an_empty_newest_file_that_the_acknowledgements_know_is_this_log_s() -> None:
    disk, log_id = with_header_of_another_log()
    slot = AckSlot(2, log_id, 0, 1)
    disk.files["procmond.ack"] = bytearray(encode_ack_file(slot))
    log = reopened(disk)
    assert replayed(log) == []
    assert log.report.log_id == log_id.hex()
    assert log.report.quarantined == [f"{FIRST}.foreign"]


@pytest.mark.req("REC-5.2", "WAL-7.1")
def test_an_empty_newest_file_that_names_the_old_identity_is_this_log_s() -> None:
    disk, log_id = with_header_of_another_log(previous=header_of(disk_with(2)).log_id)
    log = reopened(disk)
    assert replayed(log) == [1, 2]
    assert log.report.log_id == log_id.hex()
