"""The log in every crash that a profile allows, and mistakes that the explorer has to find."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from reference import recovery, scanner
from reference.interval_set import WatermarkSet
from reference.recovery import OpenedLog
from simulators.crash_filesystem import CrashFilesystem
from simulators.crash_states import crash_states
from simulators.explorer import Exploration, explore
from simulators.persistence import PROFILES
from tests.crash_workloads import (
    Answer,
    check_log,
    open_log,
    recover_log,
    use_log,
    use_log_through_a_failed_sync,
)
from tests.wal_helpers import small_event

POSIX_MIN = PROFILES["posix-min"]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Recovery warns of every torn tail, and there are thousands."""
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


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


@pytest.mark.req("WAL-1.1", "REC-3.3", "SIM-2.4")
def test_torn_pieces_of_eight_bytes_and_garbage() -> None:
    result = explored(use_log, "hostile", budget=40)
    assert result.violations == []
    assert result.distinct > 200


@pytest.mark.req("WAL-4.3", "REC-7.1", "SIM-2.3")
@pytest.mark.parametrize("reverts", [False, True])
def test_a_failed_sync_and_a_reopening_in_the_same_boot(reverts: bool) -> None:
    def workload(disk: CrashFilesystem) -> None:
        use_log_through_a_failed_sync(disk, reverts=reverts)

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
    violation = result.violations[0]
    disk = CrashFilesystem(POSIX_MIN)
    use_log(disk, NoSync)
    disk.end()
    ((moment, kept, filling),) = violation.path
    point = disk.points[moment]
    assert point.step == violation.step
    (state,) = (
        s
        for s in crash_states(point, POSIX_MIN, budget=50)
        if (s.kept, s.filling) == (kept, filling)
    )
    answer = recover_log(CrashFilesystem(POSIX_MIN, state.image))
    assert check_log(disk.marks[: point.mark], answer) == violation.what


@pytest.mark.req("SIM-2.4", "SIM-2.5")
def test_the_same_exploration_twice_is_the_same() -> None:
    first, second = (explored(use_log, budget=60, depth=2, seed=5) for _ in range(2))
    assert first == second
    assert str(first) == str(second)
    assert "0 violations" in str(first)
