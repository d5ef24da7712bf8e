"""The disk that loses power: what each call keeps, one situation per test."""

from __future__ import annotations

import errno
import itertools
import os
import random
from pathlib import Path

import pytest

from simulators.clock import VirtualClock
from simulators.crash_filesystem import CrashFilesystem
from simulators.crash_states import Coverage, CrashState, crash_states
from simulators.disk_image import Image, garbage
from simulators.persistence import PROFILES, Profile, predecessors
from simulators.persistence_table import PROPERTIES, holds
from simulators.sync_failures import SYNC_FAILURES

POSIX_MIN = PROFILES["posix-min"]
ORDERED = PROFILES["ext4-ordered"]
STRICT = PROFILES["strict"]
SECTOR = 512


def states(disk: CrashFilesystem) -> list[CrashState]:
    """Every state that a cut now may leave."""
    disk.end()
    return list(crash_states(disk.points[-1], disk.profile))


def images(disk: CrashFilesystem) -> list[Image]:
    return [state.image for state in states(disk)]


def contents(disk: CrashFilesystem, name: str) -> set[bytes | None]:
    """What the file may hold after a cut; None where it is not there."""
    return {image.get(name) for image in images(disk)}


def new_file(profile: Profile = POSIX_MIN, data: bytes = b"data") -> CrashFilesystem:
    disk = CrashFilesystem(profile)
    disk.create_exclusive("f")
    disk.append("f", data)
    return disk


@pytest.mark.req("SIM-2.2")
def test_what_was_not_synced_may_be_kept_or_not() -> None:
    assert contents(new_file(), "f") == {None, b"", b"data", bytes(4), garbage(4)}


@pytest.mark.req("SIM-2.2", "DSK-1.1")
def test_a_sync_of_the_file_keeps_its_bytes_and_not_its_name() -> None:
    disk = new_file()
    disk.sync("f")
    assert contents(disk, "f") == {None, b"data"}


@pytest.mark.req("SIM-2.2", "DSK-1.1")
def test_a_sync_of_the_directory_keeps_the_name_and_not_the_bytes() -> None:
    disk = new_file()
    disk.sync_directory()
    assert contents(disk, "f") == {b"", b"data", bytes(4), garbage(4)}


@pytest.mark.req("SIM-2.2")
def test_both_syncs_keep_everything_and_leave_one_state() -> None:
    disk = new_file()
    disk.sync("f")
    disk.sync_directory()
    assert images(disk) == [{"f": b"data"}]


@pytest.mark.req("SIM-2.2")
def test_ordered_data_never_shows_what_was_not_written() -> None:
    assert contents(new_file(ORDERED), "f") == {None, b"", b"data"}


@pytest.mark.req("SIM-2.2")
def test_a_strict_disk_keeps_a_prefix_of_what_was_done() -> None:
    assert images(new_file(STRICT)) == [{}, {"f": b""}, {"f": b""}, {"f": b"data"}]


@pytest.mark.req("SIM-2.2")
def test_a_killed_process_leaves_all_that_it_wrote() -> None:
    assert new_file().process_image() == {"f": b"data"}


@pytest.mark.req("SIM-2.2", "DSK-1.1")
def test_a_rename_leaves_the_old_name_the_new_one_or_both_and_never_none() -> None:
    disk = CrashFilesystem(POSIX_MIN, {"old": b"x"})
    disk.rename_new("old", "new")
    assert sorted(map(sorted, images(disk))) == [["new"], ["new", "old"], ["old"]]


@pytest.mark.req("SIM-2.2")
def test_a_file_that_was_unlinked_may_be_back() -> None:
    disk = CrashFilesystem(POSIX_MIN, {"f": b"x"})
    disk.unlink("f")
    assert images(disk) == [{"f": b"x"}, {}]
    disk.sync_directory()
    assert images(disk) == [{}]


@pytest.mark.req("SIM-2.2")
def test_a_file_of_the_same_name_is_another_file() -> None:
    disk = CrashFilesystem(POSIX_MIN, {"f": b"old"})
    disk.unlink("f")
    disk.create_exclusive("f")
    disk.append("f", b"new")
    disk.sync("f")
    assert contents(disk, "f") == {None, b"old", b"new"}


@pytest.mark.req("SIM-2.2")
def test_a_truncation_may_not_have_happened() -> None:
    disk = CrashFilesystem(POSIX_MIN, {"f": b"abcdef"})
    disk.truncate("f", 2)
    assert contents(disk, "f") == {b"abcdef", b"ab"}
    disk.sync("f")
    assert contents(disk, "f") == {b"ab"}


@pytest.mark.req("SIM-2.2")
def test_what_grows_after_a_truncation_is_not_what_was_cut_off() -> None:
    disk = CrashFilesystem(POSIX_MIN, {"f": b"abcdef"})
    disk.truncate("f", 2)
    disk.append("f", b"XY")
    assert contents(disk, "f") >= {b"abcdef", b"ab", b"abXY", b"ab" + bytes(2)}
    assert b"abcd" not in contents(disk, "f")


@pytest.mark.req("SIM-2.2")
def test_a_rename_waits_for_the_bytes_where_it_is_safe_and_a_second_name_never_does() -> None:
    for call, waits in (("rename_new", True), ("link", False)):
        disk = CrashFilesystem(Profile("safe", safe_rename=True), {"f": b"...."})
        disk.overwrite("f", 0, b"data")
        disk.append("f", b"more")
        getattr(disk, call)("f", "g")
        early = contents(disk, "g") - {None, b"datamore"}
        assert (early == set()) == waits, call


@pytest.mark.req("SIM-2.2")
def test_sectors_of_one_write_are_kept_in_any_combination() -> None:
    disk = CrashFilesystem(POSIX_MIN, {"f": bytes(3 * SECTOR)})
    disk.overwrite("f", 0, b"x" * 3 * SECTOR)
    found = {image["f"] for image in images(disk)}
    assert len(found) == 2**3
    assert all(set(each[i : i + SECTOR]) in ({0}, {120}) for each in found for i in (0, 512, 1024))


@pytest.mark.req("SIM-2.2")
def test_one_granule_is_kept_in_the_order_of_its_writes() -> None:
    disk = CrashFilesystem(POSIX_MIN, {"f": b"...."})
    disk.overwrite("f", 0, b"a")
    disk.overwrite("f", 1, b"b")
    assert contents(disk, "f") == {b"....", b"a...", b"ab.."}


@pytest.mark.req("SIM-2.2")
def test_an_append_does_not_touch_what_the_other_sectors_hold() -> None:
    disk = CrashFilesystem(POSIX_MIN, {"f": b"a" * SECTOR})
    disk.append("f", b"b")
    assert all(image["f"].startswith(b"a" * SECTOR) for image in images(disk))


# ---- Failed syncs -----------------------------------------------------------


@pytest.mark.req("SIM-2.3")
def test_a_failed_sync_is_told_once_and_what_it_was_to_write_is_never_sure() -> None:
    disk = CrashFilesystem(POSIX_MIN, {"f": b""})
    disk.append("f", b"data")
    disk.fail_sync("f")
    with pytest.raises(OSError, match=r"Input/output error") as caught:
        disk.sync("f")
    assert caught.value.errno == errno.EIO
    assert disk.read("f", 0, 9) == b"data", "the page cache shows it"
    disk.sync("f")  # succeeds, and writes nothing
    assert contents(disk, "f") >= {b"", b"data"}


@pytest.mark.req("SIM-2.3")
def test_what_is_written_over_it_later_is_kept_and_the_old_does_not_come_back() -> None:
    disk = CrashFilesystem(POSIX_MIN, {"f": b"...."})
    disk.overwrite("f", 0, b"lost")
    disk.fail_sync("f")
    with pytest.raises(OSError, match=r"Input/output"):
        disk.sync("f")
    disk.overwrite("f", 0, b"kept")
    disk.sync("f")
    assert contents(disk, "f") == {b"kept"}


@pytest.mark.req("SIM-2.3")
def test_a_filesystem_that_discards_what_failed_shows_the_old_data() -> None:
    disk = CrashFilesystem(POSIX_MIN, {"f": b"old."})
    disk.append("f", b"new")
    disk.fail_sync("f", how=SYNC_FAILURES["btrfs"])
    with pytest.raises(OSError, match=r"Input/output"):
        disk.sync("f")
    assert disk.read("f", 0, 9) == b"old."
    assert contents(disk, "f") == {b"old."}


@pytest.mark.req("SIM-2.3")
def test_a_sync_fails_after_as_many_as_are_skipped() -> None:
    disk = CrashFilesystem(POSIX_MIN, {"f": b""})
    disk.fail_sync("f", skip=2)
    disk.sync("f")
    disk.sync("f")
    with pytest.raises(OSError, match=r"Input/output"):
        disk.sync("f")
    disk.sync("f")


# ---- Counting ---------------------------------------------------------------


@pytest.mark.req("SIM-2.4")
def test_legal_sets_are_counted_as_a_product_and_all_explored_within_the_budget() -> None:
    disk = CrashFilesystem(POSIX_MIN, {"f": bytes(4 * SECTOR)})
    disk.overwrite("f", 0, b"x" * 4 * SECTOR)
    disk.create_exclusive("a")
    disk.create_exclusive("b")
    coverage = Coverage()
    disk.end()
    found = list(crash_states(disk.points[-1], POSIX_MIN, coverage=coverage))
    assert coverage.legal == coverage.explored == 2**4 * 2 * 2
    assert len({frozenset(state.image.items()) for state in found}) == 64


@pytest.mark.req("SIM-2.4")
def test_beyond_the_budget_a_sample_is_taken_and_said_so() -> None:
    disk = CrashFilesystem(POSIX_MIN, {"f": bytes(40 * SECTOR)})
    disk.overwrite("f", 0, b"x" * 40 * SECTOR)
    coverage = Coverage()
    disk.end()
    found = list(crash_states(disk.points[-1], POSIX_MIN, budget=300, coverage=coverage))
    assert (coverage.legal, coverage.explored) == (2**40, 300)
    kept = [state.kept for state in found]
    assert len(set(kept)) == 300
    assert {0, 2**40 - 1} <= set(kept), "nothing and everything are always there"
    again = [s.kept for s in crash_states(disk.points[-1], POSIX_MIN, budget=300)]
    assert again == kept
    other = [s.kept for s in crash_states(disk.points[-1], POSIX_MIN, budget=300, seed=1)]
    assert other != kept


@pytest.mark.req("SIM-2.4")
@pytest.mark.parametrize("profile", ["posix-min", "ext4-ordered", "btrfs", "strict"])
def test_the_sets_are_those_that_an_exhaustive_search_finds_legal(profile: str) -> None:
    """The oracle tries every subset and asks for each operation what has to come before it."""
    disk = CrashFilesystem(PROFILES[profile], {"f": bytes(2 * SECTOR)})
    disk.create_exclusive("g")
    disk.overwrite("f", 0, b"x" * 2 * SECTOR)
    disk.append("g", b"y")
    disk.rename_new("g", "h")
    disk.unlink("f")
    disk.end()
    pending = disk.points[-1].pending
    masks = predecessors(pending, PROFILES[profile])
    legal = {
        kept
        for kept in range(1 << len(pending))
        if all(masks[i] & ~kept == 0 for i in range(len(pending)) if kept >> i & 1)
    }
    coverage = Coverage()
    found = {s.kept for s in crash_states(disk.points[-1], PROFILES[profile], coverage=coverage)}
    assert found == legal
    assert coverage.legal == len(legal)


# ---- Profiles ---------------------------------------------------------------

OBSERVED = {
    # ext4-ordered, ext4-writeback, ext4-journal, xfs, btrfs
    "1-sector overwrite is atomic": "yyyyy",
    "1-sector append is atomic": "ynyyy",
    "1-block overwrite is atomic": "nnyny",
    "1-block append is atomic": "ynyyy",
    "2-block append is atomic": "nnnnn",
    "2-block append leaves a prefix": "ynyyy",
    "overwrite, then any operation": "nnyny",
    "append, then rename of that file": "ynyyy",
    "append, then append to the same file": "ynyyy",
    "append, then any other operation": "nnynn",
    "name, then name": "yyyyn",
    "sync of a new file keeps its name": "yyyyy",
}
"""The published table of persistence properties, with the crosses put back in their columns."""


@pytest.mark.req("SIM-2.2")
@pytest.mark.parametrize("wanted", PROPERTIES, ids=lambda p: p.name)
def test_profiles_agree_with_what_was_observed(wanted: object) -> None:
    names = ("ext4-ordered", "ext4-writeback", "ext4-journal", "xfs", "btrfs")
    (one,) = (each for each in PROPERTIES if each is wanted)
    found = "".join("y" if holds(one, PROFILES[name]) else "n" for name in names)
    assert found == OBSERVED[one.name]


@pytest.mark.req("SIM-2.2")
def test_posix_min_allows_whatever_any_other_profile_allows() -> None:
    for name, profile in PROFILES.items():
        if name in ("hostile", "posix-min"):
            continue
        for wanted in PROPERTIES:
            assert holds(wanted, profile) or not holds(wanted, POSIX_MIN), (name, wanted.name)


# ---- Calls, and the clock ---------------------------------------------------


@pytest.mark.req("DSK-1.1", "SIM-2.2")
def test_calls_fail_as_a_disk_fails_them() -> None:
    disk = new_file()
    for call, number in (
        (lambda: disk.create_exclusive("f"), errno.EEXIST),
        (lambda: disk.rename_new("f", "f"), errno.EEXIST),
        (lambda: disk.overwrite("f", 3, b"xx"), errno.EINVAL),
        (lambda: disk.read("g", 0, 1), errno.ENOENT),
    ):
        with pytest.raises(OSError, match=r".") as caught:
            call()
        assert caught.value.errno == number


def on_real_disk(place: Path, call: str, arguments: tuple[str, ...]) -> None:
    """Make the call as this machine's kernel has it."""
    old, new = place / arguments[0], place / arguments[-1]
    if call == "create_exclusive":
        old.open("xb").close()
    elif call == "link":
        os.link(old, new)
    elif call == "rename_over":
        old.rename(new)
    elif call == "unlink":
        old.unlink()
    else:
        assert call == "append"
        with old.open("r+b") as file:
            file.seek(0, os.SEEK_END)
            file.write(old.name.encode())


@pytest.mark.req("DSK-1.1", "SIM-2.2")
@pytest.mark.parametrize("seed", range(30))
def test_names_links_and_renames_come_to_what_the_kernel_makes_of_them(
    seed: int, tmp_path: Path
) -> None:
    source = random.Random(seed)
    disk = CrashFilesystem(POSIX_MIN)
    errors = 0
    for _ in range(40):
        call = source.choice(("create_exclusive", "append", "link", "rename_over", "unlink"))
        count = 2 if call in ("link", "rename_over") else 1
        arguments = tuple(source.choice("abc") for _ in range(count))
        error = real = 0
        try:
            getattr(disk, call)(*arguments, *((arguments[0].encode(),) * (call == "append")))
        except OSError as caught:
            error = caught.errno or -1
        try:
            on_real_disk(tmp_path, call, arguments)
        except OSError as caught:
            real = caught.errno or -1
        errors += error != 0
        assert error == real, (call, arguments)
        found = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        assert disk.process_image() == found, (call, arguments)
        same = disk.inodes()
        for one, other in itertools.combinations(found, 2):
            assert (tmp_path / one).samefile(tmp_path / other) == (same[one] == same[other])
    assert 0 < errors < 40


@pytest.mark.req("SIM-2.1")
def test_timers_fire_in_order_and_a_timer_may_set_another() -> None:
    clock = VirtualClock(wall_ns=1000)
    fired: list[tuple[str, int]] = []

    def note(name: str) -> None:
        fired.append((name, clock.monotonic_ns()))

    def first() -> None:
        note("a")
        clock.call_at(20, lambda: note("b"))

    clock.call_at(30, lambda: note("c"))
    clock.call_at(10, first)
    clock.call_at(30, lambda: note("d"))
    clock.call_at(15, lambda: note("never")).cancel()
    clock.call_at(99, lambda: note("late"))
    clock.advance(40)
    assert fired == [("a", 10), ("b", 20), ("c", 30), ("d", 30)]
    assert (clock.monotonic_ns(), clock.wall_ns()) == (40, 1040)
    clock.jump_wall(-500)
    assert (clock.monotonic_ns(), clock.wall_ns()) == (40, 540)
    clock.call_at(5, lambda: note("overdue"))
    clock.advance(0)
    assert fired[-1] == ("overdue", 40)
    clock.call_at(50, lambda: note("to the nanosecond"))
    clock.advance(9)
    assert fired[-1] == ("overdue", 40)
    clock.advance(1)
    assert fired[-1] == ("to the nanosecond", 50)
