"""Calls that fail as told: each call with each error, once, until healed; and the log under it."""

from __future__ import annotations

import errno

import pytest

from reference.errors import AppendError, AppendIndefinite, DiskRejected
from reference.filesystem import LockMode
from simulators.crash_filesystem import CrashFilesystem
from simulators.faulty_filesystem import CALLS, ERRORS, CallFault, FaultyFilesystem
from simulators.persistence import PROFILES
from tests.crash_workloads import open_log
from tests.wal_helpers import FIRST, small_event

pytestmark = pytest.mark.usefixtures("quiet")

ARGUMENTS: dict[str, tuple[object, ...]] = {
    "create_exclusive": ("new",), "append": ("f", b"x"), "overwrite": ("f", 0, b"x"),
    "sync": ("f",), "truncate": ("f", 3), "read": ("f", 0, 1), "rename_new": ("f", "other"),
    "unlink": ("f",), "lock": (LockMode.SHARED,),
}  # fmt: skip


def new_disk() -> FaultyFilesystem:
    return FaultyFilesystem(CrashFilesystem(PROFILES["posix-min"], {"f": b"abc"}))


def fails(disk: FaultyFilesystem, call: str) -> int:
    """Make the call; return its errno, 0 if it works."""
    try:
        getattr(disk, call)(*ARGUMENTS.get(call, ()))
    except OSError as error:
        return error.errno or -1
    return 0


@pytest.mark.req("SIM-2.7")
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: errno.errorcode[error])
@pytest.mark.parametrize("call", CALLS)
def test_a_call_fails_once_from_the_one_that_was_named(call: str, error: int) -> None:
    disk = new_disk()
    disk.arm(CallFault(call, error, at=2))
    if call not in ("create_exclusive", "rename_new", "unlink"):
        assert fails(disk, call) == 0
    else:  # they work once only: another call of the kind is the first
        disk.arm(CallFault(call, errno.EPERM))
        assert fails(disk, call) == errno.EPERM
    assert fails(disk, call) == error
    assert fails(disk, call) == 0


@pytest.mark.req("SIM-2.7")
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: errno.errorcode[error])
@pytest.mark.parametrize("call", CALLS)
def test_a_call_fails_until_the_disk_heals(call: str, error: int) -> None:
    disk = new_disk()
    disk.arm(CallFault(call, error, times=0))
    assert [fails(disk, call) for _ in range(4)] == [error] * 4
    disk.heal()
    assert fails(disk, call) == 0


@pytest.mark.req("SIM-2.7")
def test_a_write_is_short_and_the_next_is_interrupted() -> None:
    disk = new_disk()
    disk.arm(CallFault("append", short=2))
    disk.arm(CallFault("append", errno.EINTR, at=2))
    assert disk.append("f", b"wxyz") == 2
    assert fails(disk, "append") == errno.EINTR
    assert disk.append("f", b"yz") == 2
    assert disk.read("f", 0, 9) == b"abcwxyz"
    assert disk.fired == ["append f: short", "append f: EINTR"]


# ---- The log ----------------------------------------------------------------


def written(*faults: CallFault) -> tuple[FaultyFilesystem, list[int], AppendError | None]:
    """Append an event, then another under faults; return what is replayed, and what was said."""
    disk = FaultyFilesystem(CrashFilesystem(PROFILES["posix-min"]))
    log = open_log(disk, 1)
    log.append(small_event(1))
    for fault in faults:
        disk.arm(fault)
    said = None
    try:
        log.append(small_event(2))
    except AppendError as error:
        said = error
    return disk, [entry.sequence for entry in log.replay()], said


@pytest.mark.req("WAL-4.1", "SIM-2.7")
@pytest.mark.parametrize("bytes_written", [1, 4, 20, 100])
@pytest.mark.parametrize("signals", [1, 3])
def test_a_signal_in_the_middle_of_a_record_costs_nothing(bytes_written: int, signals: int) -> None:
    _, numbers, said = written(
        CallFault("append", short=bytes_written),
        CallFault("append", errno.EINTR, at=2, times=signals),
    )
    assert (numbers, said) == ([1, 2], None)


@pytest.mark.req("WAL-4.1", "WAL-4.2", "SIM-2.7")
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS])
def test_an_error_behind_a_short_write_is_definite_and_nothing_stays(error: int) -> None:
    disk, numbers, said = written(CallFault("append", short=30), CallFault("append", error, at=2))
    assert numbers == [1]
    assert isinstance(said, DiskRejected)
    assert disk.fired == [f"append {FIRST}: short", f"append {FIRST}: {errno.errorcode[error]}"]


@pytest.mark.req("WAL-4.2", "SIM-2.7")
def test_a_filesystem_that_goes_read_only_behind_a_short_write_leaves_it_open() -> None:
    """Nothing can be cut back: the number is burned."""
    _, numbers, said = written(
        CallFault("append", short=30), CallFault("append", errno.EROFS, at=2, times=0),
        CallFault("truncate", errno.EROFS, times=0),
    )  # fmt: skip
    assert numbers == [1]
    assert isinstance(said, AppendIndefinite)


@pytest.mark.req("WAL-4.4", "SIM-2.7")
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.EROFS])
def test_after_the_disk_healed_the_log_goes_on_without_reopening(error: int) -> None:
    disk = FaultyFilesystem(CrashFilesystem(PROFILES["posix-min"]))
    log = open_log(disk, 1)
    disk.arm(CallFault("append", error, times=0))
    for _ in range(3):
        with pytest.raises(AppendError) as caught:
            log.append(small_event(1))
        assert caught.value.retryable
    disk.heal()
    assert log.append(small_event(1)) == 1
