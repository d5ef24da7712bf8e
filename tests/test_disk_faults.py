"""The disk of a plan: each fault has a policy of its own; what does not exist is refused."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from fault_injection.connector_run import ConnectorRun
from fault_injection.connector_steps import Cut, Kill, PowerCut, Publish, Quiesce, Start
from fault_injection.disk_faults import INTERRUPTS, POLICIES, DiskFaults, call_fault
from fault_injection.errors import PlanError
from fault_injection.log_run import LogRun
from fault_injection.log_steps import Append, Damage, Fault, Open
from fault_injection.plan import Plan, Step
from fault_injection.subject import ReferenceLog
from reference.errors import AppendError, LogFailed, QuotaExceeded
from reference.events import ProcessEvent
from simulators.connector_world import ConnectorWorld
from simulators.crash_filesystem import CrashFilesystem
from simulators.persistence import PROFILES
from simulators.sync_failures import SYNC_FAILURES


@pytest.mark.req("SCN-1.2", "SIM-2.3")
def test_each_fault_of_a_sync_has_a_policy_of_its_own() -> None:
    disk = DiskFaults(CrashFilesystem(PROFILES["posix-min"], {"old": b"", "late": b""}))
    disk.arm_step(Fault("sync", suffix="old", policy="reverts"))
    disk.arm_step(Fault("sync", suffix="late", policy="late"))
    disk.append("old", b"x")
    disk.append("late", b"x")
    with pytest.raises(OSError, match="Input/output"):
        disk.sync("old")
    disk.sync("late")
    assert disk.read("old", 0, 9) == b"", "the policy armed last is that of another fault"
    assert disk.read("late", 0, 9) == b"x"
    with pytest.raises(OSError, match="Input/output"):
        disk.sync("late")


@pytest.mark.req("SCN-1.2", "SIM-2.11")
@pytest.mark.parametrize("policy", sorted(POLICIES))
def test_a_policy_is_a_row_of_the_failed_syncs(policy: str) -> None:
    fault = call_fault(Fault("sync", policy=policy))
    aliases = {"": "weakest", "reverts": "btrfs", "late": "ext4-journal"}
    assert SYNC_FAILURES[fault.sync_failure].name == aliases.get(policy, policy)


@pytest.mark.req("SCN-1.2", "WAL-4.1")
def test_no_call_is_interrupted_for_ever() -> None:
    """A log may retry until it is through: the standard libraries of Rust and Go do."""
    disk = DiskFaults(CrashFilesystem(PROFILES["posix-min"]))
    disk.arm_step(Fault("sync_directory", "EINTR", times=0))
    interrupted = 0
    for _ in range(INTERRUPTS + 1):
        try:
            disk.sync_directory()
        except InterruptedError:
            interrupted += 1
    assert interrupted == INTERRUPTS
    disk.sync_directory()
    assert call_fault(Fault("sync", "EIO", times=0)).times == 0, "any other error is for ever"


@pytest.mark.req("SCN-1.2", "SCN-4.1", "SIM-2.11")
def test_a_connectors_disk_has_the_policy_too() -> None:
    steps = (Start(), Publish(), Fault("sync", policy="late"), Publish(), Publish())
    outcomes = [done.outcome for done in ConnectorRun(Plan("x", "connector", steps)).run().done]
    assert outcomes[3] == "returned 2", "the disk said that all is well"
    assert "SyncFailed" in outcomes[4]


@pytest.mark.req("SCN-1.2", "SCN-4.1")
def test_a_directory_under_a_segments_name_stands_in_a_connectors_way_too() -> None:
    there = Damage("directory", name="procmond-00002.wal")
    steps = (Start(), Publish(2), there, Start(), Publish(3, 300), Publish(3, 300), Quiesce())
    run = ConnectorRun(Plan("x", "connector", steps, settings={"rotation_bytes": 8500})).run()
    assert run.broken is None
    assert "procmond-00002.wal" not in run.process.disk.process_image()
    names = {entry.name for entry in run.process.faults.list() if not entry.is_regular}
    assert names == {"procmond-00002.wal"}


def failed_publish(
    monkeypatch: pytest.MonkeyPatch, error: AppendError, *steps: Step, **settings: int
) -> str:
    """The invariant that is broken by the last publish, which is made to fail."""
    plan = Plan("x", "connector", (Start(), Publish(), *steps, Publish()), settings=settings)
    before = ConnectorRun(plan.with_steps(*plan.steps[:-1])).run()
    assert before.broken is None
    run = ConnectorRun(plan)
    real, seen = ConnectorWorld.publish, len(before.process.oracle.offered)

    def publish(world: ConnectorWorld, events: Sequence[ProcessEvent]) -> list[int]:
        if events[0].pid > seen:
            raise error
        return real(world, events)

    with monkeypatch.context() as patch:
        patch.setattr(ConnectorWorld, "publish", publish)
        broken = run.run().broken
    return broken.invariant if broken is not None else ""


@pytest.mark.req("SCN-1.3", "SCN-4.1", "WAL-4.2")
def test_a_publish_is_excused_by_a_fault_of_its_boot_and_by_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failed = LogFailed("no reason")
    struck = (Fault("sync"), Publish())
    for steps in ((), (Kill(), Start()), (Cut(),), (*struck, PowerCut("all"), Start())):
        assert failed_publish(monkeypatch, failed, *steps) == "I11", "a crash excuses nothing"
    assert failed_publish(monkeypatch, failed, *struck) == ""
    over = QuotaExceeded(2, 1, 2)
    assert failed_publish(monkeypatch, over) == "I11", "the plan has no quota"
    assert failed_publish(monkeypatch, over, quota_bytes=30_000) == ""


@pytest.mark.req("SCN-1.2", "SCN-4.1")
@pytest.mark.parametrize(
    "fault",
    [
        Fault("fly"), Fault("sync", "EWHAT"), Fault("sync", "errorcode"),
        Fault("sync", policy="sometimes"), Fault("append", policy="sometimes"),
        Fault("overwrite", short=3),
    ],
    ids=str,
)  # fmt: skip
def test_a_fault_that_cannot_be_is_refused_in_both_worlds(fault: Fault) -> None:
    log: tuple[Step, ...] = (Open(), fault, Append(1))
    with pytest.raises(PlanError, match="fault"):
        LogRun(Plan("x", "log", log), ReferenceLog()).run()
    with pytest.raises(PlanError, match="fault"):
        ConnectorRun(Plan("x", "connector", (Start(), fault))).run()
