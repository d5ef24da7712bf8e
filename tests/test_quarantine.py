"""Damaged bytes copied aside: once, within bounds, never in the way. Spec: REC-8."""

from __future__ import annotations

import errno
from zlib import crc32

import pytest

from reference.directory import view_directory
from reference.limits import READ_CHUNK_BYTES, WalConfig
from reference.names import is_evidence, is_leftover, quarantine_name
from reference.quarantine import Quarantine, move_aside
from simulators.memory_filesystem import MemoryFilesystem
from tests.wal_helpers import FIRST, disk_with, make_log, rot_frame_body, rot_frame_header

FILE = "damaged"
CONTENT = bytes(range(1, 201))


def quarantine_of(disk: MemoryFilesystem, **limits: int) -> Quarantine:
    """The quarantine as an open finds it."""
    return Quarantine(disk, WalConfig(**limits), view_directory(disk))


def damaged_disk() -> MemoryFilesystem:
    return MemoryFilesystem({FIRST: bytearray(CONTENT)})


def copies_on(disk: MemoryFilesystem) -> dict[str, bytes]:
    return {name: data for name, data in disk.image().items() if name.endswith(".quarantine")}


def name_of(offset: int, length: int) -> str:
    crc = crc32(CONTENT[offset : offset + length])
    return f"{FIRST}@{offset}+{length}-{crc:08x}.quarantine"


@pytest.mark.req("REC-8.1")
def test_stretch_is_copied_under_a_name_of_its_place_and_content() -> None:
    disk = damaged_disk()
    quarantine = quarantine_of(disk)
    quarantine.keep(FIRST, 10, 20)
    assert copies_on(disk) == {name_of(10, 20): CONTENT[10:30]}
    assert (quarantine.kept, quarantine.not_kept) == ([name_of(10, 20)], 0)
    assert disk.journal[-1] == ("sync", name_of(10, 20))


@pytest.mark.req("REC-8.1")
def test_same_damage_is_copied_once_over_many_opens() -> None:
    disk = damaged_disk()
    for _ in range(5):
        quarantine = quarantine_of(disk)
        quarantine.keep(FIRST, 10, 20)
        assert quarantine.kept == [name_of(10, 20)]
    assert [call for call, _ in disk.journal].count("create_exclusive") == 1


@pytest.mark.req("REC-8.1")
def test_log_opened_many_times_over_the_same_damage_has_one_copy() -> None:
    disk = disk_with(3)
    rot_frame_body(disk, 1)
    rot_frame_header(disk, 0)
    images = []
    for _ in range(4):
        with make_log(disk) as log:
            assert log.report.not_kept == 0
        images.append(copies_on(disk))
    assert images == [images[0]] * 4
    assert len(images[0]) == 2


@pytest.mark.req("REC-8.1")
def test_damage_that_changed_is_copied_again() -> None:
    disk = damaged_disk()
    quarantine_of(disk).keep(FIRST, 10, 20)
    disk.flip_bit(FIRST, 15 * 8)
    quarantine_of(disk).keep(FIRST, 10, 20)
    assert len(copies_on(disk)) == 2


@pytest.mark.req("REC-8.1")
def test_zeros_are_not_copied() -> None:
    disk = MemoryFilesystem({FIRST: bytearray(100)})
    quarantine = quarantine_of(disk)
    quarantine.keep(FIRST, 10, 80)
    assert (copies_on(disk), quarantine.kept, quarantine.not_kept) == ({}, [], 0)


@pytest.mark.req("REC-8.1")
def test_stretch_behind_the_end_of_the_file_is_not_copied() -> None:
    disk = damaged_disk()
    quarantine = quarantine_of(disk)
    quarantine.keep(FIRST, len(CONTENT), 20)
    assert (copies_on(disk), quarantine.kept, quarantine.not_kept) == ({}, [], 0)


@pytest.mark.req("REC-8.1", "WAL-6.1")
def test_long_stretch_is_copied_in_chunks() -> None:
    content = bytes(READ_CHUNK_BYTES) + b"\1" + bytes(READ_CHUNK_BYTES)
    disk = MemoryFilesystem({FIRST: bytearray(content)})
    quarantine_of(disk).keep(FIRST, 0, len(content))
    assert list(copies_on(disk).values()) == [content]
    assert [call for call, _ in disk.journal].count("append") == 3


@pytest.mark.req("REC-8.1")
def test_copy_that_a_crash_left_unfinished_is_written_again() -> None:
    disk = damaged_disk()
    disk.files[name_of(10, 20)] = bytearray(CONTENT[10:15])
    quarantine = quarantine_of(disk)
    quarantine.keep(FIRST, 10, 20)
    assert copies_on(disk) == {name_of(10, 20): CONTENT[10:30]}
    assert (quarantine.kept, quarantine.not_kept) == ([name_of(10, 20)], 0)


@pytest.mark.req("REC-8.1")
def test_copies_beyond_the_number_allowed_are_counted_and_the_oldest_kept() -> None:
    disk = damaged_disk()
    quarantine = quarantine_of(disk, quarantine_files_max=2)
    for offset in (10, 40, 70, 100):
        quarantine.keep(FIRST, offset, 20)
    assert list(copies_on(disk)) == sorted((name_of(10, 20), name_of(40, 20)))
    assert quarantine.not_kept == 2


@pytest.mark.req("REC-8.1")
def test_copies_beyond_the_bytes_allowed_are_counted_and_a_smaller_one_fits() -> None:
    disk = damaged_disk()
    quarantine = quarantine_of(disk, quarantine_bytes_max=50)
    for offset, length in ((0, 30), (40, 21), (70, 20)):
        quarantine.keep(FIRST, offset, length)
    assert quarantine.kept == [name_of(0, 30), name_of(70, 20)]
    assert quarantine.not_kept == 1


@pytest.mark.req("REC-8.1")
def test_copies_of_earlier_opens_count_and_other_evidence_does_not() -> None:
    disk = damaged_disk()
    disk.files["procmond-00002.wal.foreign"] = bytearray(1000)
    quarantine_of(disk).keep(FIRST, 0, 30)
    again = quarantine_of(disk, quarantine_bytes_max=50)
    again.keep(FIRST, 40, 21)
    again.keep(FIRST, 40, 20)
    assert (again.kept, again.not_kept) == ([name_of(40, 20)], 1)


@pytest.mark.req("REC-8.1")
@pytest.mark.parametrize("call", ["create_exclusive", "append", "sync"])
def test_copy_that_fails_is_counted_and_leaves_nothing(call: str) -> None:
    disk = damaged_disk()
    disk.fail(call, name_of(10, 20), errno.ENOSPC)
    quarantine = quarantine_of(disk)
    quarantine.keep(FIRST, 10, 20)
    assert (copies_on(disk), quarantine.kept, quarantine.not_kept) == ({}, [], 1)

    quarantine.keep(FIRST, 10, 20)
    assert copies_on(disk) == {name_of(10, 20): CONTENT[10:30]}


@pytest.mark.req("REC-8.1")
@pytest.mark.parametrize("skip", [0, 1])
def test_stretch_that_cannot_be_read_is_counted(skip: int) -> None:
    disk = damaged_disk()
    quarantine = quarantine_of(disk)
    disk.fail("read", FIRST, skip=skip)
    quarantine.keep(FIRST, 10, 20)
    assert (copies_on(disk), quarantine.not_kept) == ({}, 1)


@pytest.mark.req("REC-8.1")
def test_failure_to_copy_never_stops_recovery() -> None:
    disk = disk_with(3)
    rot_frame_body(disk, 1)
    disk.free_bytes = 0
    with make_log(disk) as log:
        assert log.report.not_kept == 1
        assert [entry.sequence for entry in log.replay()] == [1, 3]


@pytest.mark.req("REC-8.1", "WAL-5.1")
def test_files_moved_aside_take_no_place_of_copies() -> None:
    disk = damaged_disk()
    disk.files["procmond-00002.wal.foreign"] = bytearray(1000)
    quarantine = quarantine_of(disk, quarantine_files_max=1)
    quarantine.keep(FIRST, 10, 20)
    assert (quarantine.kept, quarantine.copied_bytes) == ([name_of(10, 20)], 20)


# ---- Moving a whole file ----------------------------------------------------


@pytest.mark.req("REC-5.1", "REC-5.2")
def test_file_is_moved_aside_under_the_first_free_name() -> None:
    disk = MemoryFilesystem()
    for expected in (f"{FIRST}.foreign", f"{FIRST}.foreign.2", f"{FIRST}.foreign.3"):
        disk.files[FIRST] = bytearray(expected.encode())
        assert move_aside(disk, FIRST, "foreign") == expected
        assert bytes(disk.files[expected]) == expected.encode()
        assert is_evidence(expected)
    assert FIRST not in disk.files


@pytest.mark.req("REC-5.1")
def test_file_stays_where_a_thousand_names_are_taken() -> None:
    disk = damaged_disk()
    disk.irregular = {f"{FIRST}.foreign", *(f"{FIRST}.foreign.{n}" for n in range(2, 1001))}
    with pytest.raises(FileExistsError, match="a thousand"):
        move_aside(disk, FIRST, "foreign")
    assert bytes(disk.files[FIRST]) == CONTENT


# ---- Names ------------------------------------------------------------------


@pytest.mark.req("REC-8.1", "FMT-3.2")
@pytest.mark.parametrize(
    "name",
    [
        quarantine_name(FIRST, 8192, 107, 0xBADCAFE), f"{FIRST}.foreign", f"{FIRST}.foreign.2",
        f"{FIRST}.unreadable", f"{FIRST}.salvaged",
    ],
)  # fmt: skip
def test_name_set_aside_is_evidence_and_no_leftover(name: str) -> None:
    assert is_evidence(name)
    assert not is_leftover(name)


@pytest.mark.req("REC-8.1")
def test_name_of_a_copy_holds_place_and_content() -> None:
    assert quarantine_name(FIRST, 8192, 107, 0xBADCAFE) == (
        "procmond-00001.wal@8192+107-0badcafe.quarantine"
    )


@pytest.mark.req("FMT-3.2")
@pytest.mark.parametrize("name", [f"{FIRST}.new", "procmond.ack.new"])
def test_name_of_an_unfinished_file_is_a_leftover(name: str) -> None:
    assert is_leftover(name)
    assert not is_evidence(name)


@pytest.mark.req("FMT-3.2")
@pytest.mark.parametrize(
    "name",
    [
        FIRST, "procmond.lock", "procmond.ack", "procmond.dead", f"{FIRST}.old", "x.new",
        f"{FIRST}.foreign.x", f"{FIRST}@1+2.quarantine", f"{FIRST}.new.new", "notes.foreign",
    ],
)  # fmt: skip
def test_other_name_is_neither_evidence_nor_leftover(name: str) -> None:
    assert not is_evidence(name)
    assert not is_leftover(name)
