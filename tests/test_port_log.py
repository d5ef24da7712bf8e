"""A port through the plans of the kit: the reference behind the protocol is the reference."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from fault_injection.cases import Case, execute
from fault_injection.disk_faults import DiskFaults
from fault_injection.exploring import explore_plan
from fault_injection.log_run import LogRun
from fault_injection.log_steps import (
    Acknowledge,
    Append,
    Close,
    Damage,
    Drain,
    Fault,
    Heal,
    Kill,
    Open,
    PowerCut,
    Refuse,
    Replay,
)
from fault_injection.plan import Plan, Step
from fault_injection.ports import reference_adapter
from fault_injection.ports.errors import AdapterDied, Skipped, TracerRefusal
from fault_injection.ports.opening import opened_subject
from fault_injection.ports.port_log import PortLog, read_files, write_files
from fault_injection.ports.vectors import content_of
from fault_injection.promises import Answer
from fault_injection.shrink import shrink
from fault_injection.subject import NUMBERS_LISTED_MAX, LogSubject, ReferenceLog, reported
from fault_injection.workloads import killed_and_copied, rotate_and_delete, two_lives
from reference.names import DEAD_LETTERS_NAME, LOCK_NAME
from reference.report import Damage as RecoveredDamage
from reference.report import DamageKind, Fate, RecoveryReport
from simulators.crash_filesystem import CrashFilesystem
from simulators.faulty_filesystem import CallFault
from simulators.persistence import PROFILES
from tests import vector_tools
from tests.careless_adapter import command_with
from tests.in_process_adapter import InProcessAdapter
from tests.port_helpers import REFERENCE
from tests.traced import needs_ptrace

pytestmark = needs_ptrace


@pytest.fixture(scope="module")
def port() -> Iterator[LogSubject]:
    """The reference behind the protocol."""
    with opened_subject(REFERENCE) as subject:
        yield subject


def plan(*steps: Step, profile: str = "posix-min") -> Plan:
    return Plan("port", "log", steps, profile=profile)


PLANS = {
    "rotation": plan(*rotate_and_delete()),
    "two lives": plan(*two_lives()),
    "killed and copied": plan(*killed_and_copied()),
    "closed": plan(Open(), Append(3), Acknowledge(1), Close(), Open(), Append(1), Drain()),
    "power cut": plan(Open(), Append(2), PowerCut(), Open(), Append(1), PowerCut(kept="all"),
                      Open()),
    "no room": plan(Open(), Append(1), Fault("append", "ENOSPC", times=0), Append(2), Heal(),
                    Append(1), Kill(), Open()),
    "short": plan(Open(), Fault("append", short=7, times=3), Append(2), Replay(), Kill(), Open()),
    "interrupted": plan(Open(), Fault("append", "EINTR", at=1, times=2), Append(2), Kill(), Open()),
    "sync fails": plan(Open(), Append(1), Fault("sync"), Append(1), Append(1), Kill(), Open(),
                       Append(1), PowerCut(), Open()),
    "sync fails, reverts": plan(Open(), Append(1), Fault("sync", policy="reverts"), Append(1),
                                Kill(), Open(), Append(1), PowerCut(), Open()),
    "sync fails late": plan(Open(), Append(1), Fault("sync", policy="late"), Append(1), Append(1),
                            Kill(), Open()),
    "directory sync fails": plan(Open(), Append(2), Fault("sync_directory"), Append(2), Kill(),
                                 Open()),
    "unlink fails": plan(Open(), Append(2), Append(2), Fault("unlink", "EROFS", times=0),
                         Acknowledge(3), Heal(), Drain()),
    "dead letter": plan(Open(), Append(2), Refuse(), Kill(), Open(), Refuse(), Close(), Open()),
    "bit rot": plan(Open(), Append(3), Damage("flip", record=0, place=200, lost_max=1), Open(),
                    Append(1), Kill(), Open()),
    "a directory in the way": plan(
        Open(), Append(2), Damage("directory", name="procmond-00002.wal"), Open(), Append(2),
        Append(2), Kill(), Open()
    ),
    "open refused": plan(Open(), Append(1), Kill(), Fault("list", "EIO"), Open(), Heal(), Open()),
    "reading fails": plan(Open(), Append(2), Fault("read", "EIO", times=0), Replay(), Heal(),
                          Replay()),
}  # fmt: skip


def outcomes(run: LogRun) -> list[str]:
    """What came of each step, without counts of calls and without the words of an error."""
    return [
        "" if isinstance(done.step, Kill | PowerCut)
        else re.sub("(failure|refused|read): .*", r"\1", f"{done.step.do}: {done.outcome}")
        for done in run.done
    ]  # fmt: skip


@pytest.mark.req("PRT-1.3")
@pytest.mark.parametrize("name", PLANS)
def test_the_same_plan_comes_to_the_same(port: LogSubject, name: str) -> None:
    here = LogRun(PLANS[name], ReferenceLog()).run()
    there = LogRun(PLANS[name], port).run()
    assert outcomes(there) == outcomes(here)
    assert there.broken is None
    assert there.fired == here.fired
    assert there.disk.marks == here.disk.marks


@pytest.mark.req("PRT-1.3")
@pytest.mark.parametrize("name", ["rotation", "two lives", "closed", "dead letter",
                                  "a directory in the way"])  # fmt: skip
def test_the_same_plan_writes_the_same_bytes(port: LogSubject, name: str) -> None:
    here = LogRun(PLANS[name], ReferenceLog()).run().disk.process_image()
    there = LogRun(PLANS[name], port).run().disk.process_image()
    there.pop(LOCK_NAME)
    assert there == here


@pytest.mark.req("PRT-1.3", "PRT-2.2")
def test_killed_at_each_call_nothing_is_lost(port: LogSubject) -> None:
    steps = (Open(), Append(2), Append(1), Acknowledge(1))
    calls = LogRun(plan(*steps), port).run().disk.calls
    assert calls > 20
    for after in range(0, calls, 9):
        run = LogRun(plan(*steps, Kill(after), Open(), Drain()), port).run()
        assert run.broken is None, run.broken


@pytest.mark.req("PRT-1.3", "PRT-2.2")
def test_exploring_the_port_finds_nothing_and_counts(port: LogSubject) -> None:
    found = explore_plan(plan(*rotate_and_delete()), port, budget=20, twice=True)
    assert found.broken is None
    assert found.exploration.distinct > 50


@pytest.mark.req("PRT-1.3", "PRT-2.2")
@pytest.mark.parametrize(
    ("mistake", "profile"), [("no-sync", "posix-min"), ("no-directory-sync", "posix-min")]
)
def test_exploring_finds_a_careless_port(mistake: str, profile: str) -> None:
    with opened_subject(command_with(mistake)) as subject:
        case = Case(plan(Open(), Append(1), profile=profile), budget=20)
        found = execute(case, subject)
        assert found.broken is not None
        assert found.broken.invariant == "I1"
        small = shrink(case, found, subject, attempts_max=5)
        assert len(small.plan.steps) == 4
        assert execute(Case(small.plan), subject).broken is not None


@pytest.mark.req("PRT-1.2", "PRT-1.3")
def test_a_port_that_dies_is_a_finding() -> None:
    with opened_subject(command_with("dies-at-3")) as subject:
        run = LogRun(plan(Open(), Append(2), Acknowledge(1)), subject).run()
    assert str(run.broken) == (
        "I10 it goes on: the log gives up: acknowledge: the adapter ended with exit code 3 "
        "instead of answering"
    )


@pytest.mark.req("PRT-1.2", "PRT-1.3")
def test_what_a_port_skips_is_no_finding() -> None:
    with opened_subject(command_with("skips-refuse")) as subject:
        run = LogRun(plan(Open(), Append(2), Refuse()), subject)
        with pytest.raises(Skipped, match="refuse: not written yet"):
            run.run()
    assert run.broken is None


@pytest.mark.req("PRT-2.1")
def test_a_port_that_maps_its_files_is_refused() -> None:
    with (
        opened_subject(command_with("maps")) as subject,
        pytest.raises(TracerRefusal, match="mmap, shared and writable"),
    ):
        LogRun(plan(Open(), Append(2), Kill(), Open()), subject).run()


@pytest.mark.req("PRT-2.1")
def test_bytes_that_changed_behind_the_tracer_are_found(
    port: LogSubject, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(port, PortLog)
    run = LogRun(plan(Open(), Append(1)), port).run()
    assert run.log is not None
    directory = max(port.scratch.iterdir(), key=lambda each: each.stat().st_mtime_ns)
    next(directory.glob("*.wal")).write_bytes(b"")
    with pytest.raises(TracerRefusal, match="not as on the simulated disk"):
        run.log.acknowledge(1)


@pytest.mark.req("PRT-1.3", "REC-11.1")
def test_an_entry_that_waits_for_its_dead_letter_is_known_to_wait(port: LogSubject) -> None:
    """Nothing lost it (I1): neither in a port nor in the reference."""
    answers = []
    for subject in (ReferenceLog(), port):
        disk = DiskFaults(CrashFilesystem(PROFILES["strict"], undecodable_image()))
        disk.arm(CallFault("append", errno.ENOSPC, suffix=DEAD_LETTERS_NAME, times=0))
        answers.append(subject.open(disk, {}).answer({}))
    assert answers[1] == answers[0]
    assert answers[1].kept == (2,)
    assert answers[1].dead_letters == ()


def undecodable_image() -> dict[str, bytes]:
    """A directory in which the second of three entries verifies and cannot be decoded."""
    tests = vector_tools.load("directories_recovered.json")["tests"]
    (test,) = (each for each in tests if each["id"] == "dir-undecodable-middle")
    files = test["given"]["files"]
    return {each["name"]: content_of(each["parts"]) for each in files}


@pytest.mark.req("PRT-1.3", "REP-1.3")
def test_what_a_report_says_is_taken_from_its_published_form() -> None:
    report = RecoveryReport(degraded="no room")
    for kind, fate, first, count in (
        (DamageKind.BODY, Fate.LOST, 3, 2), (DamageKind.TAIL, Fate.POSSIBLY_LOST, 9, 1),
        (DamageKind.STALE, Fate.NONE, 0, 0), (DamageKind.UNDECODABLE, Fate.NONE, 7, 1),
        (DamageKind.UNDECODABLE, Fate.DEAD_LETTERED, 6, 1), (DamageKind.GAP, Fate.NONE, 5, 1),
    ):  # fmt: skip
        report.add(RecoveredDamage(kind, "f", 0, 0, fate, first, count))
    assert reported(report.as_json()) == Answer(
        lost=(3, 4, 9), certainly_lost=(3, 4), kept=(7,), is_degraded=True
    )


@pytest.mark.req("PRT-1.3", "REP-1.3")
def test_a_report_that_believes_a_rotten_number_fills_no_memory() -> None:
    report = RecoveryReport()
    report.add(RecoveredDamage(DamageKind.GAP, "f", 0, 0, Fate.LOST, 5, 1 << 60))
    lost = reported(report.as_json()).lost
    assert (lost[0], len(lost)) == (5, NUMBERS_LISTED_MAX)


@pytest.mark.req("PRT-1.3", "REC-9.1")
def test_the_second_of_two_recoveries_draws_other_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a second process does: what is drawn must not be what makes it stable."""
    drawn = []
    right = reference_adapter.OPERATIONS["recover"]

    def recover(dir: str, settings: dict[str, int]) -> dict[str, object]:
        drawn.append(settings["fixed"])
        return right(dir, settings)

    monkeypatch.setitem(reference_adapter.OPERATIONS, "recover", recover)
    log = PortLog(("./unused",), tmp_path)
    log._recoverer = InProcessAdapter()
    answer = log.recover(CrashFilesystem(PROFILES["strict"]), {}, {}, twice=True)
    assert answer.unstable == ""
    assert len(set(drawn)) == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.req("PRT-1.2", "PRT-1.3")
def test_after_a_death_in_recovery_the_next_directory_gets_a_new_process(tmp_path: Path) -> None:
    log = PortLog(command_with("dies-in-recovery-of-2"), tmp_path)
    disk = CrashFilesystem(PROFILES["strict"])
    try:
        log.recover(disk, {}, {}, twice=False)
        for _ in range(2):
            with pytest.raises(AdapterDied, match="recover: the adapter ended with exit code 3"):
                log.recover(disk, {}, {}, twice=False)
            assert log.recover(disk, {}, {}, twice=False).next_sequence == 1
    finally:
        log.close()


@pytest.mark.req("PRT-1.3")
def test_two_names_of_a_file_are_one_file_for_the_next_process(tmp_path: Path) -> None:
    """A rename that was cut off between link and unlink leaves this."""
    disk = CrashFilesystem(PROFILES["strict"], {"a": b"1", "c": b"3"})
    disk.link("a", "b")
    write_files(disk, tmp_path)
    assert (tmp_path / "a").samefile(tmp_path / "b")
    assert read_files(tmp_path) == {"a": b"1", "b": b"1", "c": b"3"}
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}, "the log's own"
