"""The eleven calls on a real directory. Spec: DSK-1."""

from __future__ import annotations

import errno
import fcntl
import os
import select
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from reference.errors import DiskUnreadable, Locked, UnsafeDirectory
from reference.filesystem import LockMode
from reference.open_files import OPEN_FILES_MAX
from reference.os_filesystem import OsFilesystem, sync_descriptor
from reference.wal import WriteAheadLog
from tests.wal_helpers import small_event

REPOSITORY = Path(__file__).resolve().parent.parent
NAME = "procmond-00001.wal"
OTHER = "procmond-00002.wal"

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs to be root")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[OsFilesystem]:
    with OsFilesystem(tmp_path / "wal") as filesystem:
        yield filesystem


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd" if Path("/proc/self/fd").exists() else "/dev/fd"))


def put(disk: OsFilesystem, name: str, data: bytes) -> None:
    """Create a durable file with this content."""
    disk.create_exclusive(name)
    assert disk.append(name, data) == len(data)
    disk.sync(name)


# ---- The directory ----------------------------------------------------------


@pytest.mark.req("DSK-1.2")
@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_directory_and_files_have_their_modes_whatever_the_umask(tmp_path: Path, mask: int) -> None:
    with umask(mask), OsFilesystem(tmp_path / "wal") as disk:
        disk.create_exclusive(NAME)
        assert disk.lock(LockMode.EXCLUSIVE)
    assert mode_of(tmp_path / "wal") == 0o700
    assert mode_of(tmp_path / "wal" / NAME) == 0o600
    assert mode_of(tmp_path / "wal" / "procmond.lock") == 0o600


@pytest.mark.req("DSK-1.2")
def test_existing_directory_keeps_its_mode_and_files(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    (tmp_path / "other").write_bytes(b"x")
    with OsFilesystem(tmp_path) as disk:
        assert [entry.name for entry in disk.list()] == ["other"]
    assert mode_of(tmp_path) == 0o750


@pytest.mark.req("DSK-1.2")
def test_new_directory_is_synced_into_its_parent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_ino))
    OsFilesystem(tmp_path / "wal").close()
    assert synced == [tmp_path.stat().st_ino]
    OsFilesystem(tmp_path / "wal").close()
    assert synced == [tmp_path.stat().st_ino] * 2, "whoever made it may have been killed"


@pytest.mark.req("DSK-1.2")
@pytest.mark.parametrize("is_new", [False, True])
def test_parent_that_may_not_be_opened_matters_only_to_a_new_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_new: bool
) -> None:
    if not is_new:
        (tmp_path / "wal").mkdir(mode=0o700)
    open_really = os.open

    def refuse(path: Path | str, *arguments: Any, **more: Any) -> int:
        if Path(path) == tmp_path:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return open_really(path, *arguments, **more)

    monkeypatch.setattr(os, "open", refuse)
    if is_new:
        with pytest.raises(PermissionError):
            OsFilesystem(tmp_path / "wal")
    else:
        with OsFilesystem(tmp_path / "wal") as disk:
            assert list(disk.list()) == []


@pytest.mark.req("DSK-1.1")
def test_relative_directory_is_opened_once_and_not_looked_up_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with OsFilesystem("wal") as disk:
        monkeypatch.chdir("/")
        (tmp_path / "wal").rename(tmp_path / "moved")
        (tmp_path / "wal").mkdir()
        disk.create_exclusive(NAME)
    assert (tmp_path / "moved" / NAME).exists()
    assert not (tmp_path / "wal" / NAME).exists()


@pytest.mark.req("CLI-2.1")
def test_missing_directory_is_not_created_for_a_tool(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        OsFilesystem(tmp_path / "wal", create=False)
    assert not (tmp_path / "wal").exists()


@pytest.mark.req("DSK-1.2")
def test_directory_whose_parent_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        OsFilesystem(tmp_path / "missing" / "wal")


@pytest.mark.req("DSK-1.1")
def test_file_in_place_of_the_directory_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "wal").write_bytes(b"")
    with pytest.raises(NotADirectoryError):
        OsFilesystem(tmp_path / "wal")


@pytest.mark.req("DSK-1.1")
def test_closing_releases_every_descriptor_and_may_be_repeated(tmp_path: Path) -> None:
    before = open_descriptors()
    disk = OsFilesystem(tmp_path / "wal")
    put(disk, NAME, b"data")
    assert disk.lock(LockMode.EXCLUSIVE)
    assert open_descriptors() == before + 3

    disk.close()
    disk.close()

    assert open_descriptors() == before


# ---- The calls --------------------------------------------------------------


@pytest.mark.req("DSK-1.1")
def test_created_file_is_empty_and_listed(disk: OsFilesystem) -> None:
    disk.create_exclusive(NAME)
    (entry,) = disk.list()
    assert (entry.name, entry.size_bytes, entry.is_regular) == (NAME, 0, True)


@pytest.mark.req("DSK-1.1")
@pytest.mark.parametrize("taken_by", ["file", "directory", "link", "dangling link"])
def test_name_that_is_taken_by_anything_cannot_be_created(
    disk: OsFilesystem, taken_by: str
) -> None:
    path = disk.path / NAME
    match taken_by:
        case "file":
            path.write_bytes(b"precious")
        case "directory":
            path.mkdir()
        case "link":
            (disk.path / "target").write_bytes(b"precious")
            path.symlink_to("target")
        case _:
            path.symlink_to("nowhere")
    with pytest.raises(FileExistsError) as caught:
        disk.create_exclusive(NAME)
    assert caught.value.errno == errno.EEXIST
    assert taken_by not in ("file", "link") or path.read_bytes() == b"precious"


@pytest.mark.req("DSK-1.1")
def test_appends_follow_each_other(disk: OsFilesystem) -> None:
    disk.create_exclusive(NAME)
    assert (disk.append(NAME, b"one"), disk.append(NAME, b"three")) == (3, 5)
    assert (disk.path / NAME).read_bytes() == b"onethree"


@pytest.mark.req("DSK-1.1")
def test_append_goes_to_the_end_of_a_file_that_was_cut(disk: OsFilesystem) -> None:
    put(disk, NAME, b"0123456789")
    disk.truncate(NAME, 4)
    disk.append(NAME, b"x")
    assert disk.read(NAME, 0, 100) == b"0123x"


@pytest.mark.req("DSK-1.1")
def test_overwrite_replaces_bytes_inside_the_file(disk: OsFilesystem) -> None:
    put(disk, NAME, b"0123456789")
    disk.overwrite(NAME, 7, b"abc")
    disk.overwrite(NAME, 0, b"x")
    disk.overwrite(NAME, 3, b"")
    assert disk.read(NAME, 0, 100) == b"x123456abc"


@pytest.mark.req("DSK-1.1")
@pytest.mark.parametrize(("offset", "data"), [(8, b"abc"), (10, b"a"), (11, b"")])
def test_overwrite_never_extends_the_file(disk: OsFilesystem, offset: int, data: bytes) -> None:
    put(disk, NAME, b"0123456789")
    with pytest.raises(OSError, match="beyond the end") as caught:
        disk.overwrite(NAME, offset, data)
    assert caught.value.errno == errno.EINVAL
    assert (disk.path / NAME).read_bytes() == b"0123456789"


@pytest.mark.req("DSK-1.1", "WAL-4.1")
def test_overwrite_continues_after_a_short_write(
    disk: OsFilesystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(disk, NAME, bytes(10))
    write = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, data, offset: write(fd, data[:2], offset))
    disk.overwrite(NAME, 3, b"abcde")
    assert disk.read(NAME, 0, 10) == b"\0\0\0abcde\0\0"


@pytest.mark.req("DSK-1.1")
@pytest.mark.parametrize(
    ("offset", "count", "expected"),
    [(0, 10, b"0123456789"), (8, 10, b"89"), (10, 1, b""), (99, 1, b""), (3, 0, b"")],
)
def test_read_returns_fewer_bytes_only_at_the_end(
    disk: OsFilesystem, offset: int, count: int, expected: bytes
) -> None:
    put(disk, NAME, b"0123456789")
    assert disk.read(NAME, offset, count) == expected


@pytest.mark.req("DSK-1.1")
def test_read_continues_after_a_short_read(
    disk: OsFilesystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(disk, NAME, b"0123456789")
    read = os.pread
    monkeypatch.setattr(os, "pread", lambda fd, count, offset: read(fd, min(count, 3), offset))
    assert disk.read(NAME, 1, 8) == b"12345678"


@pytest.mark.req("DSK-1.1")
def test_listing_says_what_is_no_regular_file(disk: OsFilesystem) -> None:
    put(disk, NAME, b"12345")
    (disk.path / "directory").mkdir()
    (disk.path / "link").symlink_to(NAME)
    os.mkfifo(disk.path / "pipe")
    regular = {entry.name: entry.is_regular for entry in disk.list()}
    assert regular == {NAME: True, "directory": False, "link": False, "pipe": False}
    assert [entry.size_bytes for entry in disk.list() if entry.is_regular] == [5]


@pytest.mark.req("DSK-1.1")
def test_directory_can_be_listed_again_and_again(disk: OsFilesystem) -> None:
    put(disk, NAME, b"")
    assert [len(disk.list()) for _ in range(3)] == [1, 1, 1]


@pytest.mark.req("DSK-1.1", "CLI-2.2")
def test_file_that_vanishes_during_the_listing_is_left_out(
    disk: OsFilesystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(disk, NAME, b"")
    put(disk, OTHER, b"")
    scan = os.scandir

    @contextmanager
    def scan_while_the_log_deletes(descriptor: int) -> Iterator[list[os.DirEntry[str]]]:
        with scan(descriptor) as entries:
            names = list(entries)
            (disk.path / NAME).unlink()
            yield names

    monkeypatch.setattr(os, "scandir", scan_while_the_log_deletes)
    assert [entry.name for entry in disk.list()] == [OTHER]


@pytest.mark.req("DSK-1.1")
def test_rename_gives_the_file_its_new_name(disk: OsFilesystem) -> None:
    put(disk, NAME, b"data")
    disk.rename_new(NAME, OTHER)
    assert [entry.name for entry in disk.list()] == [OTHER]
    assert disk.read(OTHER, 0, 9) == b"data"
    with pytest.raises(FileNotFoundError):
        disk.read(NAME, 0, 9)


@pytest.mark.req("DSK-1.1")
@pytest.mark.parametrize("taken_by", ["file", "directory", "dangling link"])
def test_rename_never_replaces_anything(disk: OsFilesystem, taken_by: str) -> None:
    put(disk, NAME, b"mine")
    other = disk.path / OTHER
    match taken_by:
        case "file":
            other.write_bytes(b"theirs")
        case "directory":
            other.mkdir()
        case _:
            other.symlink_to("nowhere")
    with pytest.raises(FileExistsError):
        disk.rename_new(NAME, OTHER)
    assert disk.read(NAME, 0, 9) == b"mine"
    assert taken_by != "file" or other.read_bytes() == b"theirs"


@pytest.mark.req("DSK-1.1")
def test_rename_of_a_file_never_opened_here_works(disk: OsFilesystem) -> None:
    (disk.path / NAME).write_bytes(b"data")
    disk.rename_new(NAME, OTHER)
    assert disk.read(OTHER, 0, 9) == b"data"


@pytest.mark.req("DSK-1.1")
def test_unlinked_name_is_gone_and_free_again(disk: OsFilesystem) -> None:
    put(disk, NAME, b"old")
    disk.unlink(NAME)
    assert list(disk.list()) == []
    put(disk, NAME, b"new")
    assert disk.read(NAME, 0, 9) == b"new"


@pytest.mark.req("DSK-1.1")
def test_unlink_of_a_file_never_opened_here_works(disk: OsFilesystem) -> None:
    (disk.path / NAME).write_bytes(b"data")
    disk.unlink(NAME)
    assert list(disk.list()) == []


CALLS: tuple[tuple[str, Callable[[OsFilesystem], object]], ...] = (
    ("append", lambda disk: disk.append(NAME, b"x")),
    ("overwrite", lambda disk: disk.overwrite(NAME, 0, b"x")),
    ("sync", lambda disk: disk.sync(NAME)),
    ("truncate", lambda disk: disk.truncate(NAME, 0)),
    ("read", lambda disk: disk.read(NAME, 0, 1)),
    ("rename_new", lambda disk: disk.rename_new(NAME, OTHER)),
    ("unlink", lambda disk: disk.unlink(NAME)),
)


@pytest.mark.req("DSK-1.1")
@pytest.mark.parametrize(("name", "call"), CALLS)
def test_call_on_a_missing_file_is_an_error_with_its_number(
    disk: OsFilesystem, name: str, call: Callable[[OsFilesystem], object]
) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        call(disk)
    assert caught.value.errno == errno.ENOENT
    assert list(disk.list()) == []


@pytest.mark.req("DSK-1.2")
@pytest.mark.parametrize(("name", "call"), [each for each in CALLS if each[0] not in (
    "rename_new", "unlink")])  # fmt: skip
def test_symbolic_link_is_not_followed(
    disk: OsFilesystem, name: str, call: Callable[[OsFilesystem], object], tmp_path: Path
) -> None:
    (tmp_path / "victim").write_bytes(b"precious")
    (disk.path / NAME).symlink_to(tmp_path / "victim")
    with pytest.raises(OSError, match="symbolic links") as caught:
        call(disk)
    assert caught.value.errno == errno.ELOOP
    assert (tmp_path / "victim").read_bytes() == b"precious"


@pytest.mark.req("DSK-1.2")
def test_renaming_a_symbolic_link_moves_the_link_itself(disk: OsFilesystem, tmp_path: Path) -> None:
    (tmp_path / "victim").write_bytes(b"precious")
    (disk.path / NAME).symlink_to(tmp_path / "victim")
    disk.rename_new(NAME, OTHER)
    assert (disk.path / OTHER).is_symlink()
    disk.unlink(OTHER)
    assert (tmp_path / "victim").read_bytes() == b"precious"


@pytest.mark.req("DSK-1.2")
def test_descriptors_are_not_inherited(disk: OsFilesystem) -> None:
    put(disk, NAME, b"data")
    assert disk.lock(LockMode.EXCLUSIVE)
    disk.read(NAME, 0, 1)
    inheritable = []
    for descriptor in range(3, 256):
        try:
            where = os.readlink(f"/proc/self/fd/{descriptor}")
        except OSError:
            continue
        if where.startswith(str(disk.path)):
            inheritable.append(os.get_inheritable(descriptor))
    assert inheritable
    assert not any(inheritable)


# ---- Sync -------------------------------------------------------------------


class SyncLog:
    """Which files were synced, and how."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[tuple[str, int]] = []
        monkeypatch.setattr(os, "fsync", lambda fd: self._note("fsync", fd))
        monkeypatch.setattr(os, "fdatasync", lambda fd: self._note("fdatasync", fd))

    def _note(self, call: str, descriptor: int) -> None:
        self.calls.append((call, os.fstat(descriptor).st_ino))

    def kinds(self) -> list[str]:
        return [call for call, _ in self.calls]


@pytest.mark.req("DSK-1.1", "WAL-1.1")
def test_first_sync_of_a_new_file_is_full_and_later_ones_of_data(
    disk: OsFilesystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    syncs = SyncLog(monkeypatch)
    put(disk, NAME, b"data")
    disk.append(NAME, b"more")
    disk.sync(NAME)
    inode = (disk.path / NAME).stat().st_ino
    assert syncs.calls == [("fsync", inode), ("fdatasync", inode)]


@pytest.mark.req("DSK-1.1", "WAL-1.1")
def test_sync_of_the_directory_is_full(disk: OsFilesystem, monkeypatch: pytest.MonkeyPatch) -> None:
    syncs = SyncLog(monkeypatch)
    disk.sync_directory()
    assert syncs.calls == [("fsync", disk.path.stat().st_ino)]


@pytest.mark.req("DSK-1.1", "REC-7.1")
def test_new_file_that_is_renamed_before_its_sync_is_synced_in_full(
    disk: OsFilesystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    syncs = SyncLog(monkeypatch)
    disk.create_exclusive(NAME)
    disk.append(NAME, b"data")
    disk.rename_new(NAME, OTHER)
    disk.sync(OTHER)
    disk.sync(OTHER)
    assert syncs.kinds() == ["fsync", "fsync", "fdatasync"], "the first is the directory's"


@pytest.mark.req("DSK-1.1")
def test_name_that_is_used_again_is_synced_in_full_again(
    disk: OsFilesystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    syncs = SyncLog(monkeypatch)
    put(disk, NAME, b"old")
    disk.unlink(NAME)
    put(disk, NAME, b"new")
    assert syncs.kinds() == ["fsync", "fsync"]


@pytest.mark.req("WAL-4.3")
def test_failed_sync_is_an_error_and_the_next_one_is_as_full(
    disk: OsFilesystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk.create_exclusive(NAME)
    disk.append(NAME, b"data")

    def fail(descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="Input/output"):
            disk.sync(NAME)
    syncs = SyncLog(monkeypatch)
    disk.sync(NAME)
    assert syncs.kinds() == ["fsync"]


@pytest.mark.req("WAL-1.1")
@pytest.mark.parametrize("data_only", [True, False])
def test_every_sync_on_macos_reaches_the_medium(
    monkeypatch: pytest.MonkeyPatch, data_only: bool
) -> None:
    calls: list[tuple[int, int]] = []
    monkeypatch.setattr(fcntl, "fcntl", lambda fd, operation: calls.append((fd, operation)))
    sync_descriptor(42, data_only=data_only, platform="darwin")
    assert calls == [(42, getattr(fcntl, "F_FULLFSYNC", 51))]


# ---- Descriptors ------------------------------------------------------------


@pytest.mark.req("DSK-1.1")
def test_many_files_use_few_descriptors(disk: OsFilesystem) -> None:
    before = open_descriptors()
    names = [f"procmond-{number:05}.wal" for number in range(1, 4 * OPEN_FILES_MAX)]
    for name in names:
        put(disk, name, name.encode())
    assert open_descriptors() - before <= OPEN_FILES_MAX
    for name in names * 2:
        assert disk.read(name, 0, 100) == name.encode()
    assert open_descriptors() - before <= OPEN_FILES_MAX


@pytest.mark.req("DSK-1.1")
def test_least_recently_used_file_is_closed_first(disk: OsFilesystem) -> None:
    names = [f"procmond-{number:05}.wal" for number in range(1, OPEN_FILES_MAX + 2)]
    for name in names[:-1]:
        put(disk, name, b"x")
    disk.read(names[0], 0, 1)
    put(disk, names[-1], b"x")

    opened = {
        Path(os.readlink(f"/proc/self/fd/{each}")).name
        for each in os.listdir("/proc/self/fd")
        if Path(f"/proc/self/fd/{each}").is_symlink()
        and os.readlink(f"/proc/self/fd/{each}").startswith(str(disk.path) + "/")
    }

    assert opened == set(names) - {names[1]}


@pytest.mark.req("WAL-4.3")
@pytest.mark.parametrize("change", ["append", "overwrite", "truncate"])
def test_file_that_was_changed_keeps_its_descriptor_until_it_is_synced(
    disk: OsFilesystem, change: str
) -> None:
    put(disk, NAME, b"data")
    match change:
        case "append":
            disk.append(NAME, b"more")
        case "overwrite":
            disk.overwrite(NAME, 0, b"DATA")
        case _:
            disk.truncate(NAME, 2)
    (disk.path / NAME).unlink()  # only the open descriptor reaches it now
    for number in range(2, 3 * OPEN_FILES_MAX):
        put(disk, f"procmond-{number:05}.wal", b"x")

    assert disk.read(NAME, 0, 2) in (b"da", b"DA")
    disk.sync(NAME)
    for number in range(2, 3 * OPEN_FILES_MAX):
        disk.read(f"procmond-{number:05}.wal", 0, 1)
    with pytest.raises(FileNotFoundError):
        disk.read(NAME, 0, 2)


@pytest.mark.req("DSK-1.1")
def test_file_that_was_only_read_is_opened_again_to_be_written(disk: OsFilesystem) -> None:
    (disk.path / NAME).write_bytes(b"data")
    before = open_descriptors()
    assert disk.read(NAME, 0, 4) == b"data"
    assert disk.append(NAME, b"more") == 4
    disk.sync(NAME)
    assert disk.read(NAME, 0, 9) == b"datamore"
    assert open_descriptors() == before + 1


@pytest.mark.req("CLI-2.1")
def test_file_is_opened_read_only_for_reading(disk: OsFilesystem) -> None:
    (disk.path / NAME).write_bytes(b"data")
    disk.read(NAME, 0, 4)
    flags = [
        fcntl.fcntl(int(each), fcntl.F_GETFL) & os.O_ACCMODE
        for each in os.listdir("/proc/self/fd")
        if Path(f"/proc/self/fd/{each}").is_symlink()
        and os.readlink(f"/proc/self/fd/{each}") == str(disk.path / NAME)
    ]
    assert flags == [os.O_RDONLY]


@pytest.mark.req("DSK-1.1", "WAL-2.1")
def test_file_that_goes_while_it_is_read_is_closed_by_its_reader(
    disk: OsFilesystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(disk, NAME, b"data")
    put(disk, OTHER, b"other")
    before = open_descriptors()
    read = os.pread

    def read_while_another_thread_deletes(descriptor: int, count: int, offset: int) -> bytes:
        monkeypatch.setattr(os, "pread", read)
        disk.unlink(NAME)
        put(disk, "procmond-00003.wal", b"third")  # would get the number of a closed file
        return read(descriptor, count, offset)

    monkeypatch.setattr(os, "pread", read_while_another_thread_deletes)
    assert disk.read(NAME, 0, 9) == b"data"
    assert open_descriptors() == before
    assert disk.read("procmond-00003.wal", 0, 9) == b"third"


@pytest.mark.req("DSK-1.1", "WAL-2.1")
def test_file_that_is_in_use_stays_open_while_others_come_and_go(
    disk: OsFilesystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(disk, NAME, b"data")
    read = os.pread

    def read_while_others_are_opened(descriptor: int, count: int, offset: int) -> bytes:
        monkeypatch.setattr(os, "pread", read)
        for number in range(2, 2 * OPEN_FILES_MAX):
            put(disk, f"procmond-{number:05}.wal", b"x")
        return read(descriptor, count, offset)

    monkeypatch.setattr(os, "pread", read_while_others_are_opened)
    assert disk.read(NAME, 0, 9) == b"data"
    (disk.path / NAME).unlink()
    assert disk.read(NAME, 0, 9) == b"data"  # by the same descriptor


# ---- The lock ---------------------------------------------------------------

HOLDER = """
import sys
from reference.filesystem import LockMode
from reference.os_filesystem import OsFilesystem
with OsFilesystem(sys.argv[1]) as disk:
    print(disk.lock(LockMode[sys.argv[2]]), flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_process_holding(directory: Path, mode: str) -> Iterator[None]:
    """Run a process that holds the lock while the block runs."""
    command = [sys.executable, "-B", "-c", HOLDER, str(directory), mode]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            ready, _, _ = select.select([process.stdout], [], [], 20)
            assert ready, "the process said nothing"
            assert process.stdout.readline() == "True\n"
            yield
        finally:
            process.stdin.close()
            assert process.wait(20) == 0


def impatient(directory: Path) -> OsFilesystem:
    return OsFilesystem(directory, lock_wait_s=0.0)


@pytest.mark.req("DSK-1.3")
def test_two_processes_exclude_each_other_until_one_ends(tmp_path: Path) -> None:
    with impatient(tmp_path) as disk:
        with another_process_holding(tmp_path, "EXCLUSIVE"):
            assert not disk.lock(LockMode.EXCLUSIVE)
            assert not disk.lock(LockMode.SHARED)
        assert disk.lock(LockMode.EXCLUSIVE)


@pytest.mark.req("DSK-1.3")
def test_two_objects_of_one_process_exclude_each_other_until_one_is_closed(
    tmp_path: Path,
) -> None:
    with impatient(tmp_path) as one, impatient(tmp_path) as other:
        assert one.lock(LockMode.EXCLUSIVE)
        assert not other.lock(LockMode.EXCLUSIVE)
        one.close()
        assert other.lock(LockMode.EXCLUSIVE)


@pytest.mark.req("DSK-1.3")
def test_lock_file_left_behind_means_nothing(tmp_path: Path) -> None:
    (tmp_path / "procmond.lock").write_bytes(b"4711\n")
    with impatient(tmp_path) as disk:
        assert disk.lock(LockMode.EXCLUSIVE)
    assert (tmp_path / "procmond.lock").read_bytes() == b"4711\n"


@pytest.mark.req("DSK-1.3", "REC-1.1")
@pytest.mark.parametrize("kind", ["directory", "link"])
def test_something_irregular_at_the_name_of_the_lock_file_refuses(
    tmp_path: Path, kind: str
) -> None:
    if kind == "directory":
        (tmp_path / "procmond.lock").mkdir()
    else:
        (tmp_path / "procmond.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DiskUnreadable, match="lock"):
        WriteAheadLog.open(tmp_path)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.req("DSK-1.2")
def test_the_path_to_the_log_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir(mode=0o700)
    (tmp_path / "wal").symlink_to(tmp_path / "disk")
    with WriteAheadLog.open(tmp_path / "wal") as log:
        assert log.append(small_event(1)) == 1
    assert (tmp_path / "disk" / "procmond-00001.wal").exists()


@pytest.mark.req("DSK-1.3")
def test_second_opener_waits_a_second_and_is_refused(tmp_path: Path) -> None:
    waits: list[float] = []
    with OsFilesystem(tmp_path) as one, OsFilesystem(tmp_path, sleep=waits.append) as other:
        assert one.lock(LockMode.EXCLUSIVE)
        with pytest.raises(Locked, match="locked by another process"):
            WriteAheadLog.open(other)
    assert sum(waits) == pytest.approx(1.0)
    assert max(waits) <= 0.1


@pytest.mark.req("DSK-1.3")
def test_second_opener_gets_the_lock_that_is_released_while_it_waits(tmp_path: Path) -> None:
    with OsFilesystem(tmp_path) as one:
        assert one.lock(LockMode.SHARED)  # a tool, for a moment
        assert one.lock(LockMode.EXCLUSIVE)
        with OsFilesystem(tmp_path, sleep=lambda _: one.close()) as other:
            assert other.lock(LockMode.EXCLUSIVE)


@pytest.mark.req("DSK-1.3", "CLI-2.1")
def test_tools_share_their_lock_and_do_not_wait(tmp_path: Path) -> None:
    (tmp_path / "procmond.lock").touch()
    waits: list[float] = []
    with (
        OsFilesystem(tmp_path, sleep=waits.append) as one,
        OsFilesystem(tmp_path, sleep=waits.append) as other,
        OsFilesystem(tmp_path) as log,
    ):
        assert one.lock(LockMode.SHARED)
        assert other.lock(LockMode.SHARED)
        one.close()
        other.close()
        assert log.lock(LockMode.EXCLUSIVE)
        with OsFilesystem(tmp_path, sleep=waits.append) as third:
            assert not third.lock(LockMode.SHARED)
    assert waits == []


@pytest.mark.req("CLI-2.1")
def test_shared_lock_creates_nothing(tmp_path: Path) -> None:
    with OsFilesystem(tmp_path) as disk:
        assert disk.lock(LockMode.SHARED)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.req("DSK-1.3")
def test_refused_lock_leaks_no_descriptor(tmp_path: Path) -> None:
    with impatient(tmp_path) as one, impatient(tmp_path) as other:
        assert one.lock(LockMode.EXCLUSIVE)
        before = open_descriptors()
        for _ in range(5):
            assert not other.lock(LockMode.EXCLUSIVE)
        assert open_descriptors() == before


@pytest.mark.req("DSK-1.3", "ERR-1.1")
def test_lock_that_the_disk_cannot_give_is_an_error_and_leaks_no_descriptor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    with impatient(tmp_path) as disk:
        before = open_descriptors()
        monkeypatch.setattr(fcntl, "flock", fail)
        with pytest.raises(OSError, match="locks") as caught:
            disk.lock(LockMode.EXCLUSIVE)
        assert caught.value.errno == errno.ENOLCK
        assert open_descriptors() == before


@pytest.mark.req("DSK-1.2")
def test_symbolic_link_in_place_of_the_lock_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "wal").mkdir(mode=0o700)
    (tmp_path / "wal" / "procmond.lock").symlink_to(tmp_path / "victim")
    with OsFilesystem(tmp_path / "wal") as disk, pytest.raises(OSError, match="symbolic"):
        disk.lock(LockMode.EXCLUSIVE)
    assert not (tmp_path / "victim").exists()


# ---- Whose directory it is --------------------------------------------------


@pytest.mark.req("DSK-1.4")
@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777, 0o1777])
def test_directory_that_others_can_write_to_is_refused(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)
    with OsFilesystem(tmp_path) as disk:
        with pytest.raises(UnsafeDirectory, match=f"mode {mode:04o}"):
            disk.lock(LockMode.EXCLUSIVE)
        assert list(disk.list()) == []


@pytest.mark.req("DSK-1.4")
@pytest.mark.parametrize("mode", [0o700, 0o755, 0o500, 0o750])
def test_directory_that_only_its_owner_can_write_to_is_accepted(tmp_path: Path, mode: int) -> None:
    (tmp_path / "procmond.lock").touch()
    tmp_path.chmod(mode)
    with OsFilesystem(tmp_path) as disk:
        assert disk.lock(LockMode.EXCLUSIVE)
    tmp_path.chmod(0o700)


@as_root
@pytest.mark.req("DSK-1.4")
def test_directory_of_another_user_is_refused(tmp_path: Path) -> None:
    os.chown(tmp_path, 4711, -1)
    with (
        OsFilesystem(tmp_path) as disk,
        pytest.raises(UnsafeDirectory, match="belongs to user 4711, not 0"),
    ):
        disk.lock(LockMode.EXCLUSIVE)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.req("DSK-1.4")
def test_directory_of_another_user_is_refused_without_being_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    with (
        OsFilesystem(tmp_path) as disk,
        pytest.raises(UnsafeDirectory, match=r"belongs to user \d+, not 4711"),
    ):
        disk.lock(LockMode.EXCLUSIVE)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.req("CLI-2.1")
def test_tool_may_look_at_an_unsafe_directory(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with OsFilesystem(tmp_path) as disk:
        assert disk.lock(LockMode.SHARED)
