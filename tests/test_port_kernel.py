"""Ports on real filesystems whose power is cut (T4): what is promised is there, or it is found.

Skipped, with the reason, where there is no root, no loop device, or no mkfs.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from fault_injection import cli
from fault_injection.errors import PlanError
from fault_injection.log_steps import (
    Acknowledge,
    Append,
    Close,
    Drain,
    Fault,
    Kill,
    Open,
    PowerCut,
    Refuse,
)
from fault_injection.plan import Plan, Step
from fault_injection.ports import kernel_tier, real_disk
from fault_injection.ports import syscalls as sc
from fault_injection.ports.kernel_run import Cut, KernelRun, _CallCounter, boots
from fault_injection.ports.kernel_tier import (
    NAME,
    PROBE,
    inside_plans,
    opened,
    probe_kernel,
    step_plans,
    try_filesystem,
    try_plan,
    workloads,
)
from fault_injection.ports.ptrace import Registers
from fault_injection.ports.real_disk import KINDS, PREFIX, RealDisk, why_not
from fault_injection.ports.verdicts import PASS
from fault_injection.scenario import Effort
from tests.careless_adapter import command_with
from tests.port_helpers import REFERENCE
from tests.process_helpers import ROOT, wait_for
from tests.traced import needs_ptrace

REASON = why_not(KINDS["ext4"])
needs_ext4 = pytest.mark.skipif(bool(REASON), reason=f"no real filesystem: {REASON}")


def mounted() -> list[str]:
    """What of the kit is mounted, of all processes."""
    return [line for line in Path("/proc/mounts").read_text().splitlines() if PREFIX in line]


def loop_devices() -> list[str]:
    """Files behind loop devices that are the kit's."""
    files = Path("/sys/block").glob("loop*/loop/backing_file")
    return [text for each in files if PREFIX in (text := each.read_text())]


def left() -> list[str]:
    """What of the kit's is mounted or held by a loop device."""
    return [*mounted(), *loop_devices()]


def plan(*steps: Step) -> Plan:
    return Plan(NAME, "log", steps)


def few(plans: list[Plan]) -> list[Plan]:
    """Three of them: the command tries them all."""
    return plans[5 :: len(plans) // 3]


# ---- What a port promised ---------------------------------------------------


@needs_ext4
@pytest.mark.req("PRT-2.3", "WAL-1.1")
@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs"])
def test_the_reference_has_what_it_promised(kind: str) -> None:
    if reason := why_not(KINDS[kind]):
        pytest.skip(reason)
    with opened(REFERENCE, KINDS[kind], is_traced=False) as log:
        plans = few(list(step_plans(log.cut.disk, 0)))
        found = [KernelRun(each, log).run() for each in plans]
    assert [str(each.broken) for each in found if each.broken] == []
    assert sum(each.cuts for each in found) >= 2 * len(plans)
    assert left() == []


@needs_ext4
@needs_ptrace
@pytest.mark.req("PRT-2.3", "WAL-1.1", "REC-9.1")
def test_the_power_is_cut_before_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel_tier, "INSIDE_CUTS", 1)
    with opened(REFERENCE, KINDS["ext4"], is_traced=True) as log:
        found = [KernelRun(each, log).run() for each in inside_plans(log, Effort())]
    assert len(found) == len(workloads())
    assert [str(each.broken) for each in found if each.broken] == []
    for run in found:
        assert "in call" in next(d.outcome for d in run.done if isinstance(d.step, PowerCut))
        assert "is gone in the middle" in " ".join(each.outcome for each in run.done)


@needs_ext4
@pytest.mark.req("PRT-2.3", "WAL-1.1")
@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs", "ext4-data=writeback"])
def test_a_port_that_does_not_sync_is_found(kind: str) -> None:
    if reason := why_not(KINDS[kind]):
        pytest.skip(reason)
    found = try_filesystem(command_with("no-sync"), kind, Effort())
    assert found.error == ""
    assert found.broken is not None
    assert found.broken.invariant == "I1"
    assert found.told[-1].startswith("open: replays nothing")
    assert left() == []


@needs_ext4
@pytest.mark.req("PRT-2.3")
def test_a_port_in_another_language_and_its_missing_sync(
    rust_log: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened((rust_log,), KINDS["ext4"], is_traced=False) as log:
        for each in few(list(step_plans(log.cut.disk, 0))):
            assert KernelRun(each, log).run().broken is None
    monkeypatch.setenv("WAL_RS_MISTAKE", "no-sync")
    found = try_plan((rust_log,), "ext4", plan(*PROBE))
    assert found.broken is not None
    assert found.broken.invariant == "I1"


@needs_ext4
@pytest.mark.req("PRT-2.3")
def test_what_is_unsynced_is_gone_and_with_the_log_written_its_name_is_there() -> None:
    with real_disk.real_disk(KINDS["ext4"]) as disk:
        kept = {}
        for flush in (False, True):
            place = disk.mount()
            (place / f"new-{flush}").write_bytes(b"x")
            disk.cut_power(flush_log=flush)
            kept[flush] = (disk.mount() / f"new-{flush}").exists()
        assert disk.mounted() == place
    assert kept == {False: False, True: True}


# ---- Plans ------------------------------------------------------------------


@pytest.mark.req("PRT-2.3", "SCN-1.2")
def test_a_boot_ends_with_a_power_cut() -> None:
    steps = (Open(), Kill(), Open(), PowerCut(), Open(), Close())
    assert [len(boot) for boot in boots(steps)] == [4, 2]


@pytest.mark.req("PRT-2.3")
@pytest.mark.parametrize(
    ("number", "flags", "calls"),
    [
        (sc.WRITE, 0, 1), (sc.FSYNC, 0, 1), (sc.UNLINK, 0, 1), (sc.READ, 0, 0), (sc.MMAP, 0, 0),
        (sc.OPENAT, os.O_RDWR, 0), (sc.OPENAT, os.O_RDWR | os.O_CREAT, 1), (sc.OPENAT2, 0, 1),
        (83, 0, 1), (285, 0, 1), (326, 0, 1), (258, 0, 1),  # what the simulated disk lacks
    ],
)  # fmt: skip
def test_a_call_that_changes_something_is_counted(number: int, flags: int, calls: int) -> None:
    cut = Cut(cast(RealDisk, None), is_armed=True)
    registers = Registers(orig_rax=number, rdx=flags)
    assert _CallCounter(cut).verdict(0, registers) is PASS
    assert cut.calls == calls


@pytest.mark.req("PRT-2.3")
@pytest.mark.parametrize(("can_flush", "kept"), [(True, {"none", "all"}), (False, {"none"})])
def test_each_use_is_cut_behind_each_step_in_every_way_there_is(
    can_flush: bool, kept: set[str]
) -> None:
    disk = cast(RealDisk, SimpleNamespace(can_flush=can_flush))
    plans = list(step_plans(disk, 0))
    cuts = [next(s for s in each.steps if isinstance(s, PowerCut)) for each in plans]
    assert {each.kept for each in cuts} == kept
    assert len(plans) == len(kept) * sum(map(len, workloads()))


@needs_ext4
@needs_ptrace
@pytest.mark.req("PRT-2.3")
@pytest.mark.parametrize("moment", [-1, 3])
def test_the_filesystems_log_is_written_where_the_plan_says_so(
    monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    flushed = []
    right = RealDisk.cut_power

    def cut_power(disk: RealDisk, *, flush_log: bool = False) -> None:
        flushed.append(flush_log)
        right(disk, flush_log=flush_log)

    monkeypatch.setattr(RealDisk, "cut_power", cut_power)
    steps = (Open(), Append(1), PowerCut(moment, "all"), Open(), Append(1), PowerCut(moment))
    with opened(REFERENCE, KINDS["ext4"], is_traced=True) as log:
        assert KernelRun(plan(*steps, Open()), log).run().broken is None
    assert flushed == [True, False]


@needs_ext4
@pytest.mark.req("PRT-2.3", "SCN-1.2")
@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ((Fault("sync", "EIO"),), "not a step on a real filesystem"),
        ((Open(), Kill(3)), "killed between steps only"),
        ((Open(), PowerCut(kept="7f")), "cannot be chosen"),
        ((Open(), PowerCut(3)), "needs ptrace"),
    ],
)
def test_what_cannot_be_done_is_refused(steps: tuple[Step, ...], words: str) -> None:
    with (
        opened(REFERENCE, KINDS["ext4"], is_traced=False) as log,
        pytest.raises(PlanError, match=words),
    ):
        KernelRun(plan(*steps), log).run()


@needs_ext4
@pytest.mark.req("PRT-2.3")
def test_a_kill_and_a_good_end_are_told_apart_from_a_power_cut() -> None:
    with opened(REFERENCE, KINDS["ext4"], is_traced=False) as log:
        run = KernelRun(
            plan(Open(), Append(2), Kill(), Open(), Acknowledge(1), Close(), Open(), Drain()), log
        ).run()
    assert (run.broken, run.cuts) == (None, 0)


# ---- Not here, and nothing left ---------------------------------------------


@pytest.mark.req("PRT-2.3", "PRT-2.2")
def test_without_root_it_is_not_run_and_says_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    found = probe_kernel(REFERENCE)
    assert (found.count, found.reason) == (0, "not run: mounting a filesystem needs root")
    assert cli.run(["port", "kernel", "--port", shlex.join(REFERENCE)]) == 3
    assert capsys.readouterr().out.count("not run: mounting a filesystem needs root") == 3


@pytest.mark.req("PRT-2.3", "PRT-2.2")
def test_what_the_machine_lacks_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(Path, "exists", lambda _: True)
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    assert why_not(KINDS["xfs"]) == "there is no mkfs.xfs here"
    monkeypatch.setattr(Path, "exists", lambda _: False)
    assert why_not(KINDS["xfs"]) == "there is no loop device here"


@needs_ext4
@pytest.mark.req("PRT-1.3", "PRT-2.3")
def test_what_a_port_does_not_have_is_not_run() -> None:
    found = try_plan(command_with("skips-refuse"), "ext4", plan(Open(), Append(2), Refuse()))
    assert (found.reason, found.error) == ("not run: refuse: not written yet", "")
    assert found.broken is None


@needs_ext4
@pytest.mark.req("PRT-2.3")
def test_a_failure_leaves_nothing_behind() -> None:
    with pytest.raises(ZeroDivisionError), opened(REFERENCE, KINDS["xfs"], is_traced=False) as log:
        log.new_directory()
        log.cut.disk.cut_power()
        raise ZeroDivisionError
    assert left() == []


@needs_ext4
@pytest.mark.req("PRT-2.3")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda each: each.name)
def test_an_interrupted_run_leaves_nothing_behind(number: signal.Signals, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "fault_injection", "port", "kernel", "--port",
               shlex.join(REFERENCE), "--filesystem", "ext4"]  # fmt: skip
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    try:
        wait_for(lambda: any(str(tmp_path) in each for each in mounted()))
        process.send_signal(number)
        output, _ = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 1, output
    assert "stopped" in output
    assert [each for each in left() if str(tmp_path) in each] == []
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(PREFIX)] == []
