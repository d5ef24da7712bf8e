"""Rescuing a segment with unreadable sectors, and giving a copy a new identity. Spec: CLI-3."""

from __future__ import annotations

import errno
import io
import os
from argparse import Namespace
from pathlib import Path

import pytest

from reference.cli_tools import run_reidentify, run_salvage
from reference.errors import DiskUnreadable, Locked
from reference.limits import FRAMES_OFFSET
from reference.os_filesystem import OsFilesystem
from reference.salvage import UnreadableSegment, find_unreadable, salvage_segment
from reference.wal import WriteAheadLog
from simulators.memory_filesystem import MemoryFilesystem
from tests.wal_helpers import (
    FIRST,
    SECOND,
    disk_with,
    frames_of,
    make_log,
    small_config,
    small_event,
)

BLOCK = 4096
RECORDS = 100


class RottenDisk(MemoryFilesystem):
    """A disk on which some blocks of some files cannot be read, whatever the file is called.

    The sectors follow the file when it is renamed. `stop_after` lets the process die at the
    n-th changing call.
    """

    def __init__(self, files: dict[str, bytearray], bad: dict[str, set[int]]) -> None:
        super().__init__(files)
        self.bad = bad
        self.stop_after: int | None = None

    def read(self, name: str, offset: int, count: int) -> bytes:
        for block in self.bad.get(name, ()):
            if offset < block + BLOCK and block < offset + count:
                raise OSError(errno.EIO, os.strerror(errno.EIO), name)
        return super().read(name, offset, count)

    def rename_new(self, old: str, new: str) -> None:
        super().rename_new(old, new)
        if old in self.bad:
            self.bad[new] = self.bad.pop(old)

    def _enter(self, call: str, name: str) -> None:
        if self.stop_after is not None:
            if self.stop_after == 0:
                raise _Killed
            self.stop_after -= 1
        super()._enter(call, name)

    def after_a_kill(self) -> RottenDisk:
        return RottenDisk(self.copy().files, {name: set(bad) for name, bad in self.bad.items()})


class _Killed(BaseException):
    """The process ends here: no handler of the code under test runs."""


def rotten_disk(*blocks: int, records: int = RECORDS) -> RottenDisk:
    """A log of small events whose first segment cannot be read in these blocks."""
    return RottenDisk(disk_with(records).files, {FIRST: set(blocks)})


def records_in(disk: MemoryFilesystem, *blocks: int) -> set[int]:
    """The sequences of the records that touch one of the blocks."""
    return {
        frame.sequence
        for frame in frames_of(disk)
        for block in blocks
        if frame.offset < block + BLOCK and block < frame.offset + 20 + len(frame.body)
    }


def sequences(log: WriteAheadLog) -> list[int]:
    return [entry.sequence for entry in log.replay()]


def salvage(disk: MemoryFilesystem, *, yes: bool = True) -> tuple[int, str]:
    """Run the command on the disk; return its exit code and what it said."""
    output = io.StringIO()
    try:
        return run_salvage(disk, Namespace(yes=yes), output), output.getvalue()
    finally:
        disk.close()


# ---- Finding ----------------------------------------------------------------


@pytest.mark.req("CLI-3.1")
def test_unreadable_blocks_are_found_and_nothing_is_changed() -> None:
    disk = rotten_disk(FRAMES_OFFSET, FRAMES_OFFSET + 2 * BLOCK)
    before = disk.image()
    (found,) = find_unreadable(disk)
    assert found == UnreadableSegment(
        FIRST, len(before[FIRST]), (FRAMES_OFFSET, FRAMES_OFFSET + 2 * BLOCK)
    )
    assert (disk.image(), disk.journal) == (before, [])


@pytest.mark.req("CLI-3.1")
def test_only_segments_are_looked_at() -> None:
    disk = RottenDisk({"procmond.ack": bytearray(BLOCK), "notes": bytearray(BLOCK)}, {})
    disk.bad = {name: {0} for name in disk.files}
    disk.irregular.add(FIRST)
    assert find_unreadable(disk) == []


@pytest.mark.req("CLI-3.1")
def test_several_segments_are_found_in_the_order_of_their_names() -> None:
    disk = RottenDisk(disk_with(7, small_config()).files, {})
    disk.bad = {SECOND: {0}, FIRST: {BLOCK}}
    assert [(each.name, each.bad_offsets) for each in find_unreadable(disk)] == [
        (FIRST, (BLOCK,)), (SECOND, (0,)),
    ]  # fmt: skip


# ---- Salvaging --------------------------------------------------------------


@pytest.mark.req("CLI-3.1", "REC-1.1")
def test_unreadable_log_is_refused_and_opens_after_salvage() -> None:
    disk = rotten_disk(FRAMES_OFFSET + BLOCK)
    gone = records_in(MemoryFilesystem(disk.files), FRAMES_OFFSET + BLOCK)
    with pytest.raises(DiskUnreadable, match="salvage"):
        make_log(disk)

    code, said = salvage(disk)

    assert code == 0
    assert "the original is procmond-00001.wal.unreadable" in said
    log = make_log(disk)
    assert sequences(log) == [n for n in range(1, RECORDS + 1) if n not in gone]
    assert log.report.lost == len(gone) > 0
    assert {
        number
        for damage in log.report.damages
        for number in range(damage.first_sequence, damage.first_sequence + damage.sequence_count)
    } == gone


@pytest.mark.req("CLI-3.1")
def test_original_is_kept_as_it_was() -> None:
    disk = rotten_disk(FRAMES_OFFSET)
    original = disk.image()[FIRST]
    salvage(disk)
    assert disk.image()[f"{FIRST}.unreadable"] == original
    assert f"{FIRST}.salvaged" not in disk.files


@pytest.mark.req("CLI-3.1")
def test_copy_differs_only_in_the_unreadable_blocks_which_are_zeros() -> None:
    disk = rotten_disk(FRAMES_OFFSET)
    original = bytearray(disk.files[FIRST])
    salvage(disk)
    original[FRAMES_OFFSET : FRAMES_OFFSET + BLOCK] = bytes(BLOCK)
    assert disk.files[FIRST] == original


@pytest.mark.req("CLI-3.1")
def test_unreadable_last_block_keeps_the_length_of_the_file() -> None:
    disk = rotten_disk()
    size = len(disk.files[FIRST])
    last = size // BLOCK * BLOCK
    assert 0 < size - last < BLOCK
    disk.bad[FIRST] = {last}
    salvage(disk)
    assert len(disk.files[FIRST]) == size
    assert not any(disk.files[FIRST][last:])


@pytest.mark.req("CLI-3.1", "FMT-4.2")
def test_unreadable_first_header_copy_costs_no_record() -> None:
    disk = rotten_disk(0)
    salvage(disk)
    with make_log(disk) as log:
        assert sequences(log) == list(range(1, RECORDS + 1))
        assert [damage.kind.value for damage in log.report.damages] == ["header-copy"]


@pytest.mark.req("CLI-3.1")
def test_copy_is_synced_before_the_original_is_renamed() -> None:
    disk = rotten_disk(FRAMES_OFFSET)
    salvage(disk)
    calls = [call for call in disk.journal if call[0] not in ("append", "unlink")]
    assert calls == [
        ("create_exclusive", f"{FIRST}.salvaged"), ("sync", f"{FIRST}.salvaged"),
        ("rename_new", f"{FIRST}.unreadable"), ("rename_new", FIRST), ("sync_directory", ""),
    ]  # fmt: skip


@pytest.mark.req("CLI-3.1")
def test_what_will_be_done_is_said_and_not_done_without_yes() -> None:
    disk = rotten_disk(*range(0, 10 * BLOCK, BLOCK), records=400)
    before = disk.image()
    code, said = salvage(disk, yes=False)
    assert code == 3
    assert "procmond-00001.wal: 10 unreadable blocks of 4096 bytes, at 0, 4096," in said
    assert "28672 and 2 more\n" in said
    assert "keep the original as procmond-00001.wal.unreadable" in said
    assert said.endswith("nothing was changed; run again with --yes to do this\n")
    assert disk.image() == before


@pytest.mark.req("CLI-3.1")
def test_few_blocks_are_all_named() -> None:
    _, said = salvage(rotten_disk(0, BLOCK), yes=False)
    assert "2 unreadable blocks of 4096 bytes, at 0, 4096\n" in said


@pytest.mark.req("CLI-3.1")
@pytest.mark.parametrize("yes", [False, True])
def test_readable_log_has_nothing_to_salvage(yes: bool) -> None:
    disk = disk_with(3)
    before = disk.image()
    code, said = salvage(disk, yes=yes)
    assert (code, disk.image()) == (0, before)
    assert "nothing to salvage" in said


@pytest.mark.req("CLI-3.1", "DSK-1.3")
def test_running_log_is_not_salvaged() -> None:
    disk = rotten_disk(FRAMES_OFFSET)
    disk.locked = True
    with pytest.raises(Locked):
        run_salvage(disk, Namespace(yes=True), io.StringIO())
    assert disk.journal == []


@pytest.mark.req("CLI-3.1")
@pytest.mark.parametrize("call", ["create_exclusive", "append", "sync", "rename_new"])
def test_salvage_that_fails_leaves_the_segment_as_it_was(call: str) -> None:
    disk = rotten_disk(FRAMES_OFFSET)
    before = disk.image()
    disk.fail(call, None, errno.ENOSPC)
    with pytest.raises(DiskUnreadable, match=r"salvage procmond-00001\.wal: ENOSPC"):
        salvage(disk)
    after = disk.image()
    if call == "rename_new":  # the copy is complete; the next attempt makes it anew
        del after[f"{FIRST}.salvaged"]
    assert after == before

    code, _ = salvage(disk)
    assert code == 0
    assert f"{FIRST}.salvaged" not in disk.files


@pytest.mark.req("CLI-3.1", "REC-9.2")
@pytest.mark.parametrize("calls", range(12))
def test_salvage_interrupted_at_any_call_can_be_resumed(calls: int) -> None:
    disk = rotten_disk(FRAMES_OFFSET + BLOCK)
    gone = records_in(MemoryFilesystem(disk.files), FRAMES_OFFSET + BLOCK)
    original = disk.image()[FIRST]
    disk.stop_after = calls
    try:
        salvage(disk)
    except _Killed:
        disk = disk.after_a_kill()
    disk.stop_after = None

    try:
        log = make_log(disk)  # completes the last rename, or refuses as before
    except DiskUnreadable:
        code, _ = salvage(disk)
        assert code == 0
        log = make_log(disk)

    assert sequences(log) == [n for n in range(1, RECORDS + 1) if n not in gone]
    kept = [data for name, data in disk.image().items() if ".unreadable" in name]
    assert kept == [original]
    assert not any(name.endswith(".salvaged") for name in disk.files)


@pytest.mark.req("CLI-3.1")
def test_open_completes_the_last_rename_of_a_salvage() -> None:
    disk = rotten_disk(FRAMES_OFFSET)
    disk.fail("rename_new", FIRST, errno.EIO)
    (segment,) = find_unreadable(disk)
    with pytest.raises(OSError, match="Input/output"):
        salvage_segment(disk, segment)
    assert FIRST not in disk.files

    with make_log(disk) as log:
        assert log.report.lost > 0
    assert f"{FIRST}.salvaged" not in disk.files


@pytest.mark.req("CLI-3.1")
def test_second_salvage_keeps_the_first_original() -> None:
    disk = rotten_disk(FRAMES_OFFSET)
    salvage(disk)
    disk.bad[FIRST] = {FRAMES_OFFSET + BLOCK}
    _, said = salvage(disk)
    assert "the original is procmond-00001.wal.unreadable.2" in said
    assert {f"{FIRST}.unreadable", f"{FIRST}.unreadable.2"} < set(disk.files)


@pytest.mark.req("CLI-3.1")
def test_segment_on_a_real_disk_is_salvaged(tmp_path: Path) -> None:
    class Rotten(OsFilesystem):
        """The block at 8192 of the first segment cannot be read."""

        def read(self, name: str, offset: int, count: int) -> bytes:
            if name == FIRST and offset == FRAMES_OFFSET:
                raise OSError(errno.EIO, os.strerror(errno.EIO), name)
            return super().read(name, offset, count)

    with WriteAheadLog.open(tmp_path) as log:
        for number in range(1, 60):
            log.append(small_event(number))
    with Rotten(tmp_path) as disk:
        (segment,) = find_unreadable(disk)
        assert salvage_segment(disk, segment) == f"{FIRST}.unreadable"
    with WriteAheadLog.open(tmp_path) as log:
        assert log.report.lost > 0
        assert sequences(log)[-1] == 59
    assert (tmp_path / f"{FIRST}.unreadable").stat().st_mode & 0o777 == 0o600


# ---- A new identity ---------------------------------------------------------


def reidentify(directory: Path, *, yes: bool) -> tuple[int, str]:
    output = io.StringIO()
    with OsFilesystem(directory, create=False) as disk:
        code = run_reidentify(disk, Namespace(yes=yes, wal_dir=str(directory)), output)
    return code, output.getvalue()


def restored_copy(directory: Path) -> bytes:
    """Make a log with three entries, one of them acknowledged; return its log_id."""
    with WriteAheadLog.open(directory) as log:
        for number in range(1, 4):
            log.append(small_event(number))
        log.acknowledge(1)
        return log.log_id


@pytest.mark.req("CLI-3.2", "WAL-7.1")
def test_directory_gets_a_new_identity_that_names_the_old_one(tmp_path: Path) -> None:
    old = restored_copy(tmp_path)
    code, said = reidentify(tmp_path, yes=True)
    with WriteAheadLog.open(tmp_path) as log:
        assert code == 0
        assert said.endswith(f"the log is {log.log_id.hex()} now\n")
        assert log.log_id != old
        assert log.report.previous_log_id == old.hex()
        assert log.report.is_clean


@pytest.mark.req("CLI-3.2", "WAL-7.1")
def test_entries_keep_their_sequences_under_the_new_identity(tmp_path: Path) -> None:
    restored_copy(tmp_path)
    before = (tmp_path / FIRST).read_bytes()
    reidentify(tmp_path, yes=True)
    assert (tmp_path / FIRST).read_bytes() == before
    with WriteAheadLog.open(tmp_path) as log:
        assert sequences(log) == [2, 3]
        assert log.append(small_event(4)) == 4
        assert sequences(log) == [2, 3, 4]


@pytest.mark.req("CLI-3.2")
def test_what_a_new_identity_means_is_said_and_not_done_without_yes(tmp_path: Path) -> None:
    old = restored_copy(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    code, said = reidentify(tmp_path, yes=False)
    assert code == 3
    assert said.startswith(f"log {old.hex()} with 2 entries to replay, next sequence 4\n")
    assert said.endswith("nothing was changed; run again with --yes to do this\n")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.req("CLI-3.2")
def test_directory_without_a_log_gets_no_identity(tmp_path: Path) -> None:
    code, said = reidentify(tmp_path, yes=True)
    assert (code, said) == (0, "there is no log here: nothing to do\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.req("CLI-3.2", "DSK-1.3")
def test_running_log_keeps_its_identity(tmp_path: Path) -> None:
    with WriteAheadLog.open(tmp_path) as log:
        log.append(small_event(1))
        before = (tmp_path / FIRST).read_bytes()
        with pytest.raises(Locked):
            reidentify(tmp_path, yes=True)
        assert (tmp_path / FIRST).read_bytes() == before
