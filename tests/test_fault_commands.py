"""The kit's command line: what it prints, what it writes, and how it ends."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fault_injection import cli
from fault_injection.cases import Case, execute
from fault_injection.log_run import LogRun
from fault_injection.log_steps import Append, Kill, Open, PowerCut
from fault_injection.plan import Plan, parse_plan
from fault_injection.scenario import Effort
from fault_injection.scenarios import catalogue, find
from fault_injection.shrink import shrink
from fault_injection.subject import ReferenceLog
from fault_injection.workloads import log_plan, rotate_and_delete
from tests.process_helpers import ROOT

pytestmark = pytest.mark.usefixtures("logging_as_it_was")


@pytest.fixture
def logging_as_it_was() -> Iterator[None]:
    """The command line switches warnings off for its process; tests go on."""
    yield
    logging.disable(logging.NOTSET)


def said(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    """What the command prints, if it ends so."""
    assert cli.run(arguments) == code
    captured = capsys.readouterr()
    return captured.out + captured.err


@pytest.mark.req("SCN-2.3", "SCN-1.1")
def test_list_has_a_line_for_each_scenario(capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, "list").splitlines()
    assert len(lines) == len(catalogue()) >= 85
    assert any(line.startswith("  3  unsynced-all-subsets") for line in lines)


@pytest.mark.req("SCN-1.1")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("torn-tail-bytes", "run it:  python3 -m fault_injection run torn-tail-bytes"),
        ("16", "S16-nested-recovery-1"),
        ("I7", "damage is detected"),
        ("WAL-1.1", "shown by"),
        ("no-directory-sync", "found by"),
    ],
)
def test_explain_knows_scenarios_invariants_requirements_and_mutants(
    name: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert words in said(capsys, "explain", name)


@pytest.mark.req("SCN-2.3")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "torn-tail-byte"), "did you mean torn-tail-bytes"),
        (("run", "3", "--shard", "3/2"), "write K/N"),
        (("explain", "nothing-like-it"), "no scenario is called"),
        (("replay", "/no/such/file"), "cannot be read"),
        (("mutants", "no-synk"), "did you mean"),
        (("explore", "--budget", "0"), "at least 1"),
        (("explore", "--images", "-1"), "at least 1"),
        (("run", "--jobs", "0"), "at least 1"),
        (("mutants", "--jobs", "0"), "at least 1"),
        (("mutants", "--jobs", "many"), "'many': a whole number is needed"),
        (("port", "fly"), "choose from"),
    ],
)
def test_what_cannot_be_done_is_told_with_exit_code_2(
    arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert words in said(capsys, *arguments, code=2)


@pytest.mark.req("SCN-2.3")
def test_shards_are_disjoint_and_complete(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("kill-every-call", "clock-jump", "psow-off")
    run = []
    for shard in ("1/2", "2/2"):
        said(capsys, "run", *names, "--jobs", "1", "--shard", shard, "--report", str(tmp_path))
        report = json.loads((tmp_path / "report.json").read_text())
        run += [each["id"] for each in report["scenarios"] if each["status"] == "passed"]
        waiting = [each for each in report["scenarios"] if each["status"] == "not-run"]
        assert all("not in shard" in each["reason"] for each in waiting)
    assert sorted(run) == sorted(catalogue()[name].id for name in names)


@pytest.mark.req("SCN-2.3")
def test_a_run_in_which_nothing_was_executed_is_not_green(
    capsys: pytest.CaptureFixture[str],
) -> None:
    said(capsys, "run", "psow-off", "--shard", "2/2", "--no-report", "--jobs", "1", code=3)


@pytest.mark.req("SCN-2.3")
def test_the_help_names_every_command_and_a_plan_as_it_is_written(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shown = said(capsys, "--help")
    words = " ".join(shown.split())
    of_a_port = "smoke, vectors, contract, tiers, connector, kernel, mistakes"
    for command in (*cli.COMMANDS, of_a_port):
        assert command in words
    asked_of_a_port = said(capsys, "port", "--help").partition("what\n")[2]
    assert re.findall(r"^    (\w+)", asked_of_a_port, re.MULTILINE) == of_a_port.split(", ")
    (plan,) = re.findall(r"replay \.reports/faults/plans/(\S+)-(I\d+)\.json", shown)
    scenario = find(plan[0])
    assert plan == (scenario.id, "I1")
    assert "I1" in scenario.invariants


@pytest.mark.req("SCN-1.2", "SCN-1.5")
def test_a_plan_from_a_file_is_told_step_by_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "plan.json"
    plan = Plan("mine", "log", (Open(), Append(2), Kill(), Open(), PowerCut(), Open()))
    path.write_text(plan.as_text())
    shown = said(capsys, "replay", str(path))
    assert "The process is killed" in shown
    assert shown.rstrip().endswith("every invariant holds")


@pytest.mark.req("SCN-3.1", "SCN-1.5", "SCN-1.2")
def test_a_mistake_is_found_told_and_shown_again_by_its_plan(tmp_path: Path) -> None:
    """The whole way of somebody who ports: a failure, its plan, the plan again, the mend."""
    kit = [sys.executable, "-m", "fault_injection"]
    found = subprocess.run(
        [*kit, "run", "unsynced-all-subsets", "--mutant", "no-directory-sync", "--jobs", "1",
         "--report", str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.returncode == 1, found.stderr
    assert "BROKEN  I1 no loss" in found.stdout
    assert "WHAT HAPPENED" in found.stdout
    (plan,) = (tmp_path / "plans").glob("*-I1.json")
    assert len(parse_plan(plan.read_text()).steps) <= 5
    again = [*kit, "replay", str(plan)]
    with_it = subprocess.run([*again, "--mutant", "no-directory-sync"], cwd=ROOT,
                             capture_output=True, text=True, check=False)  # fmt: skip
    assert with_it.returncode == 1
    without = subprocess.run(again, cwd=ROOT, capture_output=True, text=True, check=False)
    assert without.returncode == 0, without.stdout


@pytest.mark.req("SCN-1.4")
def test_explore_says_how_many_of_how_many(capsys: pytest.CaptureFixture[str]) -> None:
    shown = said(capsys, "explore", "--budget", "40", "--jobs", "1", "--images", "3000")
    assert "distinct images" in shown
    assert "legal sets (" in shown


@pytest.mark.req("SCN-1.4", "SIM-2.12")
@pytest.mark.parametrize("profile", ["torn", "torn-blocks"])
def test_explore_takes_disks_that_tear_writes(
    profile: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = said(capsys, "explore", "--profile", profile, "--budget", "20", "--jobs", "1")
    assert "4 plans, explored" in shown
    steps = rotate_and_delete()
    whole, torn = (
        execute(Case(log_plan("x", *steps, profile=each), budget=20), ReferenceLog())
        for each in ("posix-min", profile)
    )
    assert torn.broken is whole.broken is None
    assert torn.tally.distinct > whole.tally.distinct, "with writes in flight"


@pytest.mark.req("SCN-1.4", "SIM-2.12")
def test_a_scenario_tears_writes() -> None:
    cases = catalogue()["unsynced-all-subsets"].cases(Effort())
    assert "torn" in [case.plan.profile for case in cases if isinstance(case, Case)]


@pytest.mark.req("SCN-1.4", "SIM-2.12")
@pytest.mark.parametrize("profile", ["psow-off", "sync-loses-size"])
def test_explore_finds_the_stated_limits_and_a_plan_shows_them_again(
    profile: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("explore", "--profile", profile, "--budget", "20", "--jobs", "1")
    shown = said(capsys, *options, code=1)
    assert "SEE IT AGAIN" in shown
    case = Case(log_plan("x", *rotate_and_delete(), profile=profile), budget=20)
    broken = execute(case, ReferenceLog())
    assert broken.broken is not None
    plan = shrink(case, broken, ReferenceLog()).plan
    assert plan.profile == profile
    again = LogRun(parse_plan(plan.as_text()), ReferenceLog()).run()
    assert again.broken is not None
    assert again.broken.invariant == broken.broken.invariant


@pytest.mark.req("SCN-2.3")
def test_ctrl_c_ends_with_a_report_of_what_is_known(tmp_path: Path) -> None:
    screen, terminal = pty.openpty()  # on which progress is shown as soon as there is some
    process = subprocess.Popen(
        [sys.executable, "-m", "fault_injection", "run", "--jobs", "2", "--report", str(tmp_path)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=terminal, text=True, start_new_session=True,
    )  # fmt: skip
    os.close(terminal)
    shown = os.read(screen, 1000)
    while b"parts" not in shown:
        shown += os.read(screen, 1000)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    with contextlib.suppress(OSError):  # EIO: nobody has the other end any more
        while more := os.read(screen, 1000):
            shown += more
    os.close(screen)
    err = shown.decode()
    assert process.returncode == 1, out + err
    report = json.loads((tmp_path / "report.json").read_text())
    statuses = {each["status"] for each in report["scenarios"]}
    assert statuses <= {"passed", "partial", "not-run"}
    assert statuses & {"partial", "not-run"}
    assert "Traceback" not in err
