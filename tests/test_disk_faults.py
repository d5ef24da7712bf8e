"""The disk of a plan: each fault has a policy of its own; what does not exist is refused."""

from __future__ import annotations

import pytest

from fault_injection.connector_run import ConnectorRun
from fault_injection.connector_steps import Publish, Start
from fault_injection.disk_faults import POLICIES, DiskFaults, call_fault
from fault_injection.errors import PlanError
from fault_injection.log_run import LogRun
from fault_injection.log_steps import Append, Fault, Open
from fault_injection.plan import Plan, Step
from fault_injection.subject import ReferenceLog
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


@pytest.mark.req("SCN-1.2", "SCN-4.1", "SIM-2.11")
def test_a_connectors_disk_has_the_policy_too() -> None:
    steps = (Start(), Publish(), Fault("sync", policy="late"), Publish(), Publish())
    outcomes = [done.outcome for done in ConnectorRun(Plan("x", "connector", steps)).run().done]
    assert outcomes[3] == "returned 2", "the disk said that all is well"
    assert "SyncFailed" in outcomes[4]


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
