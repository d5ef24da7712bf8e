"""The log in every crash that a profile allows, and mistakes that the explorer has to find."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from reference import recovery, scanner
from reference.interval_set import WatermarkSet
from reference.recovery import OpenedLog
from simulators.crash_filesystem import CrashFilesystem
from simulators.crash_states import crash_states, state_at
from simulators.explorer import VIOLATIONS_MAX, Exploration, explore
from simulators.persistence import PROFILES
from simulators.sync_failures import SYNC_FAILURES
from tests.crash_workloads import (
    Answer,
    append,
    check_log,
    open_log,
    recover_log,
    use_log,
    use_log_through_a_failed_sync,
)
from tests.wal_helpers import small_event

pytestmark = pytest.mark.usefixtures("quiet")

POSIX_MIN = PROFILES["posix-min"]


def explored(
    workload: Callable[[CrashFilesystem], None], profile: str = "posix-min", **options: Any
) -> Exploration[Answer]:
    return explore(workload, recover_log, check_log, PROFILES[profile], **options)


# ---- The log is right -------------------------------------------------------


@pytest.mark.req("WAL-1.1", "WAL-1.2", "REC-1.1", "REC-9.2", "ACK-5.1", "SIM-2.4", "SIM-2.5")
@pytest.mark.parametrize("profile", ["ext4-journal", "ext4-ordered", "xfs", "btrfs", "strict"])
def test_every_crash_and_every_crash_of_its_recovery(profile: str) -> None:
    """Exhaustively: these leave few states."""
    result = explored(use_log, profile, budget=10**6, depth=2)
    assert result.violations == []
    assert result.explored == result.legal
    assert result.nested > 100


@pytest.mark.req("WAL-1.1", "WAL-1.2", "REC-1.1", "REC-9.2", "ACK-5.1", "FMT-5.4", "SIM-2.4")
@pytest.mark.parametrize("profile", ["posix-min", "ext4-writeback"])
@pytest.mark.parametrize(("depth", "budget"), [(1, 600), (2, 40)])
def test_crashes_of_a_disk_that_promises_little_but_syncs(
    profile: str, depth: int, budget: int
) -> None:
    result = explored(use_log, profile, budget=budget, depth=depth)
    assert result.violations == []
    assert result.distinct > 500
    assert result.explored < result.legal, "sampled, and said so"
    assert result.equivalents >= 10


@pytest.mark.req("WAL-1.1", "WAL-1.2", "REC-1.1", "REC-9.2", "ACK-5.1", "SIM-2.4", "SIM-2.5")
@pytest.mark.no_cover  # which would make it three times as slow
def test_every_crash_of_a_disk_that_promises_little() -> None:
    """Exhaustively, all 2.6 million: rotation, acknowledgement and deletion under posix-min."""
    result = explored(use_log, budget=10**8)
    assert result.violations == []
    assert result.explored == result.legal > 2_000_000
    assert not result.is_lower_bound
    assert result.distinct > 400_000
    assert result.checks > result.distinct, "some are left at two moments with other promises"
    assert result.equivalents >= 10


@pytest.mark.req("WAL-1.1", "REC-3.3", "SIM-2.4")
def test_torn_pieces_of_eight_bytes_and_garbage() -> None:
    result = explored(use_log, "hostile", budget=40)
    assert result.violations == []
    assert result.distinct > 200


@pytest.mark.req("WAL-4.3", "REC-7.1", "SIM-2.3")
@pytest.mark.parametrize("how", ["weakest", "btrfs"])
def test_a_failed_sync_and_a_reopening_in_the_same_boot(how: str) -> None:
    def workload(disk: CrashFilesystem) -> None:
        use_log_through_a_failed_sync(disk, how=SYNC_FAILURES[how])

    result = explored(workload, budget=300)
    assert result.violations == []
    assert result.distinct > 100


@pytest.mark.req("REC-7.2", "WAL-1.1")
def test_a_clean_close_between_two_lives() -> None:
    result = explored(lambda disk: use_log(disk, close=True), budget=400)
    assert result.violations == []


# ---- Mistakes are found -----------------------------------------------------


class Careless:
    """A disk that leaves out what a careless log leaves out."""

    def __init__(self, disk: CrashFilesystem) -> None:
        self._disk = disk

    def __getattr__(self, name: str) -> Any:
        return getattr(self._disk, name)


class NoSync(Careless):
    """Nothing is synced."""

    def sync(self, name: str) -> None:
        """Believe that writing is enough."""


class NoDirectorySync(Careless):
    """Names are not synced."""

    def sync_directory(self) -> None:
        """Believe that syncing the file is enough."""


class NoAcknowledgementSync(Careless):
    """Files are deleted before the acknowledgement is durable."""

    def sync(self, name: str) -> None:
        if not name.startswith("procmond.ack"):
            self._disk.sync(name)


class SyncTriedAgain(Careless):
    """A failed sync is tried again, and believed."""

    def sync(self, name: str) -> None:
        try:
            self._disk.sync(name)
        except OSError:
            self._disk.sync(name)


@pytest.mark.req("WAL-1.1", "ACK-5.1", "SIM-2.5")
@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        (NoSync, "lost: [1]"),
        (NoDirectorySync, "lost: [1]"),
        (NoAcknowledgementSync, "false alarm: [1"),
    ],
)
def test_what_is_not_synced_is_missed(mistake: type[Careless], words: str) -> None:
    result = explored(lambda disk: use_log(disk, mistake), budget=200)
    assert any(violation.what.startswith(words) for violation in result.violations)


@pytest.mark.req("WAL-4.3", "SIM-2.3", "SIM-2.5")
def test_a_failed_sync_that_is_tried_again_loses_what_it_was_told_to_keep() -> None:
    result = explored(lambda disk: use_log_through_a_failed_sync(disk, SyncTriedAgain), budget=200)
    assert "lost: [2" in result.violations[0].what


@pytest.mark.req("REC-7.1", "SIM-2.3", "SIM-2.5")
def test_a_log_that_believes_what_it_reads_after_a_failed_sync_loses_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """T3: recovery goes on in the old file, and a sync at open proves nothing."""
    _append_in_place(monkeypatch)
    result = explored(use_log_through_a_failed_sync, budget=200)
    assert result.violations != []


@pytest.mark.req("REC-6.1", "REC-7.1", "SIM-2.5")
def test_a_log_that_appends_behind_a_torn_tail_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    _append_in_place(monkeypatch)

    def recover_and_append(disk: CrashFilesystem) -> Answer:
        before = recover_log(disk)
        disk.locked = False
        log = open_log(disk, 99)
        sequence = log.append(small_event(log.next_sequence))
        disk.locked = False
        after = recover_log(disk)
        if sequence not in [number for number, _ in after.replayed]:
            return Answer(before.replayed, before.next_sequence, (), f"{sequence} is gone")
        return after

    result = explore(use_log, recover_and_append, check_log, POSIX_MIN, budget=200)
    assert any("is gone" in violation.what for violation in result.violations)


@pytest.mark.req("FMT-5.4", "REC-2.1", "SIM-2.5")
def test_a_log_that_trusts_lengths_replays_what_was_never_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scanner, "body_verifies", lambda body, header: True)
    result = explored(use_log, "hostile", budget=40)
    assert result.violations[0].what.startswith("phantom: ")


def _append_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    renew = recovery.renew

    def in_place(log: OpenedLog, settled: WatermarkSet) -> None:
        if not log.segments:
            renew(log, settled)
        log.appendable, log.to_renew = True, None

    monkeypatch.setattr(recovery, "renew", in_place)


# ---- The engine -------------------------------------------------------------


@pytest.mark.req("SIM-2.5")
def test_a_violation_can_be_shown_again_from_its_path() -> None:
    result = explored(lambda disk: use_log(disk, NoSync), budget=50)
    disk = CrashFilesystem(POSIX_MIN)
    use_log(disk, NoSync)
    disk.end()
    for violation in result.violations:
        ((moment, kept, filling),) = violation.path
        point = disk.points[moment]
        assert point.step == violation.step
        assert len(point.pending) - kept.bit_count() == violation.lost
        state = state_at(point, kept, filling)
        answer = recover_log(CrashFilesystem(POSIX_MIN, state.image))
        assert check_log(disk.marks[: point.mark], answer) == violation.what


@pytest.mark.req("SIM-2.5")
def test_a_violation_in_a_crash_of_recovery_can_be_shown_again_from_its_path() -> None:
    def recover(disk: CrashFilesystem) -> Answer:
        was_cut = any(entry.name.endswith(".wal.new") for entry in disk.list())
        return Answer(refused="was cut") if was_cut else recover_log(disk)

    def check(promises: list[object], answer: Answer) -> str:
        return check_log(promises, answer) if promises else ""

    def workload(disk: CrashFilesystem) -> None:
        append(disk, open_log(disk, 1), (1,))

    disk = CrashFilesystem(POSIX_MIN)
    workload(disk)
    violation = explore(workload, recover, check, POSIX_MIN, budget=20, depth=2).violations[0]
    (moment, kept, filling), inner = violation.path
    point = disk.points[moment]
    recovery = CrashFilesystem(POSIX_MIN, state_at(point, kept, filling).image)
    recover(recovery)
    last = recovery.points[inner[0]]
    assert last.step == violation.step
    again = recover(CrashFilesystem(POSIX_MIN, state_at(last, *inner[1:]).image))
    assert check_log(disk.marks[: point.mark], again) == violation.what == "refused: was cut"


@pytest.mark.req("SIM-2.5")
def test_of_the_violations_of_a_moment_the_one_that_needs_the_least_comes_first() -> None:
    def workload(disk: CrashFilesystem) -> None:
        disk.create_exclusive("f")
        disk.sync_directory()
        disk.mark("what is in the file begins with x")
        disk.append("f", b"x" * 8 * 512)

    def first_sector_is_there(promises: list[object], content: bytes) -> str:
        return "it does not" if promises and content and content[:1] != b"x" else ""

    result = explore(
        workload, lambda disk: disk.process_image().get("f", b""), first_sector_is_there,
        POSIX_MIN,
    )  # fmt: skip
    lost = [violation.lost for violation in result.violations]
    assert lost == sorted(lost)
    assert lost[0] == 1
    assert len(lost) == VIOLATIONS_MAX


Tree = frozenset[tuple[str, bytes]]


def one_step(disk: CrashFilesystem) -> Tree:
    """A recovery that does one thing, so that its crashes are what other moments leave too."""
    image = disk.process_image()
    if "a" not in image:
        disk.create_exclusive("a")
    elif len(image["a"]) < 3:
        disk.append("a", b"x")
        disk.sync("a")
    else:
        disk.unlink("a")
        disk.sync_directory()
    return frozenset(image.items())


@pytest.mark.req("SIM-2.4", "SIM-2.5")
@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_crashes_in_crashes_are_those_that_a_plain_search_finds(depth: int) -> None:
    def workload(disk: CrashFilesystem) -> None:
        for number in range(2):
            one_step(disk)
            disk.mark(number)
            one_step(disk)

    def search(disk: CrashFilesystem, left: int, marks: int | None = None) -> None:
        disk.end()
        for point in disk.points:
            promised = point.mark if marks is None else marks
            for state in crash_states(point, POSIX_MIN):
                recovery = CrashFilesystem(POSIX_MIN, state.image)
                plain.add((promised, one_step(recovery)))
                if left > 1:
                    search(recovery, left - 1, promised)

    def check(promises: list[object], tree: Tree) -> str:
        checked.append((len(promises), tree))
        return ""

    plain: set[tuple[int, Tree]] = set()
    checked: list[tuple[int, Tree]] = []
    disk = CrashFilesystem(POSIX_MIN)
    workload(disk)
    search(disk, depth)
    result = explore(workload, one_step, check, POSIX_MIN, depth=depth)
    assert set(checked) == plain
    assert len(checked) == len(plain) == result.checks
    assert result.distinct == len({tree for _, tree in plain})


@pytest.mark.req("SIM-2.4", "SIM-2.5")
@pytest.mark.parametrize(("profile", "depth"), [("btrfs", 1), ("ext4-ordered", 2)])
def test_a_cut_at_every_operation_finds_no_other_directory(profile: str, depth: int) -> None:
    def workload(disk: CrashFilesystem) -> None:
        log = open_log(disk, 1)
        append(disk, log, (1,))
        append(disk, log, (2, 3))

    few = explored(workload, profile, budget=10**7, depth=depth)
    many = explored(workload, profile, budget=10**7, depth=depth, every_operation=True)
    assert many.moments > few.moments
    assert many.explored == many.legal > few.legal
    assert (many.distinct, many.checks, many.answers) == (few.distinct, few.checks, few.answers)


@pytest.mark.req("SIM-2.5")
def test_recovery_that_runs_on_every_directory_gives_the_same() -> None:
    recognised = explored(use_log, budget=300)
    run = explored(use_log, budget=300, run_all=True)
    assert run.recoveries == run.distinct > 5 * recognised.recoveries
    assert (run.distinct, run.checks, run.answers) == (
        recognised.distinct, recognised.checks, recognised.answers,
    )  # fmt: skip
    assert run.violations == recognised.violations == []
    mistaken = [
        explored(lambda disk: use_log(disk, NoSync), budget=100, run_all=run_all).violations
        for run_all in (False, True)
    ]
    assert mistaken[0] == mistaken[1] != []


@pytest.mark.req("SIM-2.4", "SIM-2.5")
def test_the_same_exploration_twice_is_the_same() -> None:
    first, second = (explored(use_log, budget=60, depth=2, seed=5) for _ in range(2))
    assert first == second
    assert str(first) == str(second)
    assert "0 violations" in str(first)
    assert f"{first.distinct / first.explored:.3g} per set" in str(first)
    assert f"{len(first.answers) / first.distinct:.3g} per directory" in str(first)
