"""Looking at a log without changing it, also while it runs. Spec: CLI-2."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from zlib import crc32

import pytest

from reference.errors import DiskUnreadable, UnsupportedVersion
from reference.filesystem import DirectoryEntry
from reference.inspection import format_table, inspect_directory, segment_lines, verdict
from reference.report import Damage, DamageKind, Fate, RecoveryReport
from reference.segment_header import encode_segment_header
from simulators.memory_filesystem import MemoryFilesystem
from tests.wal_helpers import (
    FIRST,
    SECOND,
    THIRD,
    disk_with,
    frames_of,
    header_of,
    make_log,
    rot_frame_body,
    rot_frame_header,
    small_config,
    small_event,
)


def live_disk(records: int) -> MemoryFilesystem:
    """A disk whose log is open and holds so many small events."""
    disk = MemoryFilesystem()
    log = make_log(disk)
    for number in range(1, records + 1):
        log.append(small_event(number))
    return disk


def report_of(disk: MemoryFilesystem) -> RecoveryReport:
    return inspect_directory(disk).report


def kinds(report: RecoveryReport) -> list[str]:
    return [damage.kind.value for damage in report.damages]


# ---- Nothing changes --------------------------------------------------------


@pytest.mark.req("CLI-2.1")
@pytest.mark.parametrize("live", [False, True])
def test_inspection_calls_nothing_that_changes_anything(live: bool) -> None:
    disk = disk_with(7, small_config(), close=False)
    rot_frame_body(disk, 1)
    disk.files[f"{THIRD}.new"] = bytearray(b"leftover")
    disk.locked = live
    before = disk.image()

    report = report_of(disk)

    assert report.live is live
    assert (disk.journal, disk.image(), disk.locked) == ([], before, live)


# ---- A log that is not open -------------------------------------------------


@pytest.mark.req("CLI-2.1")
def test_clean_log_is_clean() -> None:
    report = report_of(disk_with(3))
    assert (report.is_clean, report.clean_shutdown, report.live) == (True, True, False)
    assert (report.entries, report.next_sequence) == (3, 4)


@pytest.mark.req("CLI-2.1", "REC-6.1")
def test_tail_of_a_log_that_is_not_open_is_damage() -> None:
    disk = disk_with(3)
    disk.write_at(FIRST, len(disk.files[FIRST]), b"torn")
    report = report_of(disk)
    assert kinds(report) == ["tail"]
    assert report.possibly_lost == 1


@pytest.mark.req("CLI-2.1")
def test_bad_slot_of_a_log_that_is_not_open_is_damage() -> None:
    disk = disk_with(3)
    disk.flip_bit("procmond.ack", 200)
    assert kinds(report_of(disk)) == ["acknowledgement-slot"]


@pytest.mark.req("REC-1.1", "CLI-1.2")
@pytest.mark.parametrize("call", ["lock", "list", "read"])
def test_disk_that_fails_is_an_error_and_not_damage(call: str) -> None:
    disk = disk_with(1)
    disk.fail(call, None, errno.EIO)
    with pytest.raises(DiskUnreadable, match="EIO"):
        inspect_directory(disk)


@pytest.mark.req("FMT-4.3")
def test_unsupported_version_is_an_error_and_not_damage() -> None:
    disk = disk_with(1)
    header = bytearray(encode_segment_header(header_of(disk)))
    header[8] = 2
    header[124:] = crc32(bytes(header[:124])).to_bytes(4, "little")
    for offset in (0, 4096):
        disk.write_at(FIRST, offset, bytes(header))
    with pytest.raises(UnsupportedVersion, match="version 2"):
        inspect_directory(disk)


# ---- A log that is running --------------------------------------------------


@pytest.mark.req("CLI-2.2")
def test_running_log_is_live_and_clean() -> None:
    report = report_of(live_disk(3))
    assert (report.live, report.is_clean, report.entries) == (True, True, 3)


@pytest.mark.req("CLI-2.2")
@pytest.mark.parametrize("tail", [b"x", b"torn" * 60])
def test_unfinished_tail_of_a_running_log_is_in_progress(tail: bytes) -> None:
    disk = live_disk(3)
    disk.write_at(FIRST, len(disk.files[FIRST]), tail)
    report = report_of(disk)
    assert (report.is_clean, report.possibly_lost, report.next_sequence) == (True, 0, 4)


@pytest.mark.req("CLI-2.2")
def test_half_of_a_frame_at_the_end_of_a_running_log_is_in_progress() -> None:
    disk = live_disk(3)
    disk.cut(FIRST, len(disk.files[FIRST]) - 10)
    report = report_of(disk)
    assert (report.is_clean, report.entries) == (True, 2)


@pytest.mark.req("CLI-2.2")
@pytest.mark.parametrize("size_bytes", [0, 60, 128, 4000, 4096, 4160, 4224, 8191])
def test_half_of_the_header_block_of_a_new_file_of_a_running_log_is_in_progress(
    size_bytes: int,
) -> None:
    disk = disk_with(7, small_config(), close=False)
    disk.cut(THIRD, size_bytes)
    disk.locked = True
    assert report_of(disk).is_clean


@pytest.mark.req("CLI-2.2", "FMT-4.2")
@pytest.mark.parametrize("file", [SECOND, THIRD])
def test_a_bad_header_copy_of_a_whole_header_block_is_damage_also_while_the_log_runs(
    file: str,
) -> None:
    disk = disk_with(7, small_config(), close=False)
    disk.flip_bit(file, (4096 + 30) * 8)
    disk.locked = True
    assert [(d.kind, d.file) for d in report_of(disk).damages] == [(DamageKind.HEADER_COPY, file)]


@pytest.mark.req("CLI-2.2", "FMT-4.2")
def test_an_older_file_of_a_running_log_that_ends_in_its_header_block_is_damage() -> None:
    disk = disk_with(7, small_config(), close=False)
    disk.cut(SECOND, 4160)
    disk.locked = True
    assert (DamageKind.HEADER_COPY, SECOND) in [(d.kind, d.file) for d in report_of(disk).damages]


@pytest.mark.req("CLI-2.2")
@pytest.mark.parametrize("bits", [(200,), (200, 4096 * 8 + 200)])
def test_bad_slots_of_a_running_log_are_in_progress(bits: tuple[int, ...]) -> None:
    disk = live_disk(3)
    for bit in bits:
        disk.flip_bit("procmond.ack", bit)
    assert report_of(disk).is_clean


@pytest.mark.req("CLI-2.2")
def test_damage_in_the_middle_of_a_running_log_is_damage() -> None:
    disk = live_disk(5)
    offset = rot_frame_body(disk, 1)
    report = report_of(disk)
    (damage,) = report.damages
    assert (damage.kind, damage.offset, damage.first_sequence) == (DamageKind.BODY, offset, 2)
    assert (report.live, report.lost, report.entries) == (True, 1, 4)


@pytest.mark.req("CLI-2.2")
def test_damage_that_only_the_first_look_saw_is_not_reported() -> None:
    class Healing(MemoryFilesystem):
        """The writer finishes what the first look saw half written."""

        def list(self) -> Sequence[DirectoryEntry]:
            if self.journal.count(("looked", "")) == 1:
                self.flip_bit(FIRST, (frames_offset + 60) * 8)
            self.journal.append(("looked", ""))
            return super().list()

    sound = disk_with(4)
    frames_offset = frames_of(sound)[1].offset
    sound.flip_bit(FIRST, (frames_offset + 60) * 8)
    disk = Healing(sound.files, locked=True)
    report = report_of(disk)
    assert disk.journal == [("looked", "")] * 2
    assert (report.is_clean, report.lost, report.entries) == (True, 0, 4)


@pytest.mark.req("CLI-2.2")
def test_damage_that_only_the_second_look_saw_is_not_reported() -> None:
    class Rotting(MemoryFilesystem):
        def list(self) -> Sequence[DirectoryEntry]:
            if self.journal:
                self.flip_bit(FIRST, (offset + 60) * 8)
            self.journal.append(("looked", ""))
            return super().list()

    sound = disk_with(4)
    offset = frames_of(sound)[1].offset
    report = report_of(Rotting(sound.files, locked=True))
    assert (report.is_clean, report.lost) == (True, 0)


@pytest.mark.req("CLI-2.2", "ACK-5.1")
def test_file_that_a_running_log_deletes_meanwhile_is_no_damage() -> None:
    class Deleting(MemoryFilesystem):
        """The listing still has a file that is gone when it is read."""

        def list(self) -> Sequence[DirectoryEntry]:
            entries = super().list()
            self.files.pop(FIRST, None)
            return entries

    disk = Deleting(disk_with(7, small_config()).files, locked=True)
    report = report_of(disk)
    assert report.live
    assert "gap-between-files" in kinds(report) or report.is_clean


# ---- Words ------------------------------------------------------------------


@pytest.mark.req("CLI-2.1")
def test_lines_say_what_each_segment_holds() -> None:
    survey = inspect_directory(disk_with(7, small_config()))
    lines = segment_lines(survey)
    shown = [(each.name, each.frames, each.first_sequence, each.last_sequence) for each in lines]
    assert shown == [(FIRST, 3, 1, 3), (SECOND, 3, 4, 6), (THIRD, 1, 7, 7)]
    assert {line.log_id for line in lines} == {survey.report.log_id}


@pytest.mark.req("CLI-2.1")
def test_table_shows_segments_numbers_and_state() -> None:
    table = format_table(inspect_directory(disk_with(7, small_config())))
    rows = [line.split() for line in table.splitlines()]
    assert rows[0] == ["file", "bytes", "records", "first", "last"]
    assert [row[0] for row in rows[1:4]] == [FIRST, SECOND, THIRD]
    assert rows[3][2:] == ["1", "7", "7"]
    assert "state                 not open, closed cleanly" in table
    assert "next sequence         8" in table
    assert "to be replayed        7 entries" in table
    assert table.endswith("damage                0")


@pytest.mark.req("CLI-2.1")
def test_table_of_an_empty_segment_has_no_numbers() -> None:
    rows = format_table(inspect_directory(disk_with(0))).splitlines()
    assert rows[1].split()[2:] == ["0", "-", "-"]


@pytest.mark.req("CLI-2.1")
def test_table_of_an_empty_directory_says_that_there_is_no_log() -> None:
    table = format_table(inspect_directory(MemoryFilesystem()))
    assert "log_id                none: no log here" in table


@pytest.mark.req("CLI-2.1")
def test_table_says_live_of_a_running_log() -> None:
    assert "state                 live (a process holds the log)" in format_table(
        inspect_directory(live_disk(1))
    )


@pytest.mark.req("CLI-2.1")
def test_table_lists_damage_leftovers_and_what_is_ignored() -> None:
    disk = disk_with(3, close=False)
    rot_frame_header(disk, 1)
    disk.files["notes.txt"] = bytearray()
    disk.files[f"{SECOND}.new"] = bytearray()
    table = format_table(inspect_directory(disk))
    assert "state                 not open, not closed cleanly" in table
    assert "ignored               notes.txt" in table
    assert f"leftover              {SECOND}.new" in table
    assert "damage                1\n  damaged-region: procmond-00001.wal at offset" in table
    assert "lost / possibly lost  1 / 0" in table


def damage(fate: Fate = Fate.NONE, count: int = 0, offset: int = 8192) -> Damage:
    return Damage(DamageKind.REGION, FIRST, offset, 107, fate, 4, count)


@pytest.mark.req("CLI-2.1")
def test_table_counts_damage_that_is_not_listed() -> None:
    survey = inspect_directory(MemoryFilesystem())
    for _ in range(1003):
        survey.report.add(damage())
    table = format_table(survey)
    assert "damage                1003" in table
    assert table.endswith("  ... and 3 more")


@pytest.mark.req("CLI-2.1")
def test_verdict_of_a_clean_log_says_what_will_be_replayed() -> None:
    assert verdict(report_of(disk_with(3))) == "clean: 3 entries to replay, next sequence 4"


@pytest.mark.req("CLI-2.1")
def test_verdict_of_a_damaged_log_counts_and_points_to_the_first_loss() -> None:
    report = RecoveryReport()
    for each in (damage(), damage(Fate.LOST, 2, 9000), damage(Fate.POSSIBLY_LOST, 1, 9500)):
        report.add(each)
    assert verdict(report) == (
        "damage: 3 found (damaged-region), 2 lost, 1 possibly lost, "
        "first at procmond-00001.wal offset 9000"
    )


@pytest.mark.req("CLI-2.1")
def test_verdict_of_damage_that_lost_nothing_points_nowhere() -> None:
    report = RecoveryReport()
    report.add(damage())
    assert verdict(report) == "damage: 1 found (damaged-region), 0 lost, 0 possibly lost"
