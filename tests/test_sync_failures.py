"""Syncs that fail as four filesystems fail them: each cell, and the log under each."""

from __future__ import annotations

import pytest

from simulators.crash_filesystem import CrashFilesystem
from simulators.crash_states import crash_states
from simulators.disk_image import garbage
from simulators.explorer import explore
from simulators.faulty_filesystem import CallFault, FaultyFilesystem
from simulators.persistence import PROFILES
from simulators.sync_failure_table import FILE, NEW, OLD, QUESTIONS, failed, may_hold
from simulators.sync_failures import SYNC_FAILURES, SyncFailure
from tests.crash_workloads import (
    Stored,
    append,
    check_log,
    open_log,
    recover_log,
    use_log_through_a_failed_sync,
)
from tests.wal_helpers import FIRST, small_event

pytestmark = pytest.mark.usefixtures("quiet")

LATE = SYNC_FAILURES["ext4-journal"]
OBSERVED = {
    # ext4-ordered, ext4-journal, xfs, btrfs
    "told by": ("this sync", "the next sync", "this sync", "this sync"),
    "the process reads": ("new bytes", "new bytes", "new bytes", "old bytes"),
    "new size on the medium": ("yes", "yes", "yes", "no"),
    "new bytes on the medium": ("perhaps", "perhaps", "perhaps", "no"),
    "the sync tried again": ("succeeds, writes nothing",) * 4,
}
"""What CuttleFS found."""


@pytest.mark.req("SIM-2.3", "SIM-2.11")
@pytest.mark.parametrize("question", OBSERVED)
@pytest.mark.parametrize("column", range(4), ids=("ext4-ordered", "ext4-journal", "xfs", "btrfs"))
def test_a_failed_sync_is_as_it_was_observed(question: str, column: int) -> None:
    name = ("ext4-ordered", "ext4-journal", "xfs", "btrfs")[column]
    assert QUESTIONS[question](SYNC_FAILURES[name]) == OBSERVED[question][column]


@pytest.mark.req("SIM-2.11")
@pytest.mark.parametrize("how", SYNC_FAILURES.values(), ids=lambda how: how.name)
@pytest.mark.parametrize("profile", ["ext4-ordered", "ext4-journal", "xfs", "btrfs"])
def test_the_weakest_way_allows_what_the_others_leave(how: SyncFailure, profile: str) -> None:
    weakest, _ = failed(SYNC_FAILURES["weakest"], PROFILES[profile])
    disk, _ = failed(how, PROFILES[profile])
    assert may_hold(disk) <= may_hold(weakest) | {OLD}


@pytest.mark.req("SIM-2.11", "SIM-2.2")
def test_where_the_size_is_kept_the_hole_shows_what_was_there_before() -> None:
    earlier = {"f.gone": b"Earlier file"}
    disk = CrashFilesystem(PROFILES["xfs"], earlier=earlier)
    disk.create_exclusive("f")
    disk.append("f", b"new")
    disk.fail_sync("f", how=SYNC_FAILURES["xfs"])
    with pytest.raises(OSError, match="Input/output"):
        disk.sync("f")
    disk.sync_directory()
    assert may_hold(disk) >= {b"new", b"\0\0\0", b"Ear"}


@pytest.mark.req("SIM-2.11")
def test_what_is_appended_behind_a_hole_is_kept_and_the_hole_stays() -> None:
    disk, _ = failed(SYNC_FAILURES["xfs"], PROFILES["xfs"])
    disk.append(FILE, b"+")
    disk.sync(FILE)
    assert may_hold(disk) >= {OLD + NEW + b"+", OLD + b"\0\0\0+"}
    assert all(len(content) == 8 and content[-1:] == b"+" for content in may_hold(disk))


@pytest.mark.req("SIM-2.3")
def test_what_a_failed_sync_gave_up_holds_nothing_else_back() -> None:
    """In order or not: the pages are clean, so nobody waits for them."""
    disk, _ = failed(LATE, PROFILES["ext4-journal"])
    disk.create_exclusive("later")
    disk.end()
    states = [state.image for state in crash_states(disk.points[-1], disk.profile)]
    assert any("later" in image and NEW not in image[FILE] for image in states)


@pytest.mark.req("SIM-2.11")
def test_a_late_error_is_told_to_the_next_sync_of_that_file_only() -> None:
    disk = CrashFilesystem(PROFILES["ext4-journal"], {"f": b"", "g": b""})
    disk.append("f", b"x")
    disk.fail_sync("f", how=LATE)
    disk.sync("f")
    disk.append("g", b"y")
    disk.sync("g")
    disk.append("f", b"z")
    with pytest.raises(OSError, match="Input/output"):
        disk.sync("f")
    disk.end()
    states = [state.image for state in crash_states(disk.points[-1], disk.profile)]
    assert {image["g"] for image in states} == {b"y"}
    assert b"\0\0" in {image["f"] for image in states}, "neither of the two syncs wrote anything"


@pytest.mark.req("SIM-2.11")
def test_a_file_that_was_cut_and_grew_again_has_a_hole_where_it_grew() -> None:
    disk = CrashFilesystem(PROFILES["xfs"], {"f": b"abcdef"})
    disk.truncate("f", 2)
    disk.append("f", b"XYZW")
    disk.fail_sync("f", how=SYNC_FAILURES["xfs"])
    with pytest.raises(OSError, match="Input/output"):
        disk.sync("f")
    disk.end()
    found = {state.image["f"] for state in crash_states(disk.points[-1], disk.profile)}
    assert found == {b"ab" + bytes(4), b"ab" + garbage(6)[2:], b"abXYZW"}


@pytest.mark.req("SIM-2.11")
def test_a_late_error_is_told_also_by_a_sync_that_fails_late_itself_and_once() -> None:
    disk = CrashFilesystem(PROFILES["ext4-journal"], {"f": b""})
    disk.append("f", b"x")
    disk.fail_sync("f", how=LATE)
    disk.sync("f")
    disk.append("f", b"y")
    disk.fail_sync("f", how=LATE)
    with pytest.raises(OSError, match="Input/output"):
        disk.sync("f")
    disk.sync("f")


@pytest.mark.req("SIM-2.7", "SIM-2.11")
def test_a_call_fault_names_the_way_in_which_the_sync_fails() -> None:
    inner = CrashFilesystem(PROFILES["ext4-journal"], {"f": b""})
    disk = FaultyFilesystem(inner)
    disk.arm(CallFault("sync", sync_failure="ext4-journal"))
    disk.append("f", b"x")
    disk.sync("f")
    assert disk.fired == ["sync f: EIO"]
    with pytest.raises(OSError, match="Input/output"):
        disk.sync("f")


# ---- The log ----------------------------------------------------------------


@pytest.mark.req("WAL-4.3", "REC-7.1", "SIM-2.11")
@pytest.mark.parametrize("name", ["ext4-ordered", "xfs", "btrfs"])
def test_the_log_loses_nothing_where_it_is_told_at_once(name: str) -> None:
    def workload(disk: CrashFilesystem) -> None:
        use_log_through_a_failed_sync(disk, how=SYNC_FAILURES[name])

    for profile in (name, "posix-min"):
        result = explore(workload, recover_log, check_log, PROFILES[profile], budget=150)
        assert result.violations == []
        assert result.distinct > 15


def use_log_through_a_late_error(disk: CrashFilesystem, *, believed: int = 1) -> None:
    """An append returns and is not durable; the next one is told; the log is reopened."""
    log = open_log(disk, 1)
    for number in range(1, believed):
        append(disk, log, (number,))
    disk.fail_sync(FIRST, how=LATE)
    assert log.append(small_event(believed)) == believed, "nothing is promised: see below"
    append(disk, log, (believed + 1,))
    disk.close()
    log = open_log(disk, 2)
    disk.mark(Stored(tuple(entry.sequence for entry in log.replay())))
    append(disk, log, (log.next_sequence,))


@pytest.mark.req("WAL-4.3", "REC-7.1", "SIM-2.11")
@pytest.mark.parametrize("profile", ["ext4-journal", "posix-min"])
def test_a_late_error_costs_only_what_was_believed_and_reopening_writes_it_again(
    profile: str,
) -> None:
    result = explore(
        use_log_through_a_late_error, recover_log, check_log, PROFILES[profile], budget=200
    )
    assert result.violations == []


@pytest.mark.req("SIM-2.11")
def test_that_it_costs_it_is_a_limit_that_the_simulator_shows() -> None:
    def promising(disk: CrashFilesystem) -> None:
        log = open_log(disk, 1)
        append(disk, log, (1,))
        disk.fail_sync(FIRST, how=LATE)
        append(disk, log, (2,))

    result = explore(promising, recover_log, check_log, PROFILES["ext4-journal"])
    assert {violation.what for violation in result.violations} == {
        "lost: [2] of [1, 2], replayed [1]"
    }


@pytest.mark.req("SIM-2.11")
def test_a_file_that_is_synced_no_more_is_never_told_of() -> None:
    """The second record is the last of its file: the failure in it stays unknown (section 16)."""
    result = explore(
        lambda disk: use_log_through_a_late_error(disk, believed=2), recover_log, check_log,
        PROFILES["ext4-journal"],
    )  # fmt: skip
    assert result.violations != []
    assert all(violation.what.startswith("lost: [2] of") for violation in result.violations)
