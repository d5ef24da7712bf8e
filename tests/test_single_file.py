"""The kit as one file, in a directory that has nothing else."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from fault_injection.log_steps import Append, Damage, Open
from fault_injection.plan import Plan
from fault_injection.single_file import build
from fault_injection.spec_requirements import vectors_hash


@pytest.mark.req("SCN-2.4", "SCN-1.5")
def test_the_single_file_names_itself_in_the_command_that_shows_a_failure_again(
    tmp_path: Path,
) -> None:
    kit = tmp_path / "a kit.pyz"
    build(kit)
    plan = Plan("mine", "log", (Open(), Append(2), Damage("remove"), Open()))
    (tmp_path / "PLAN.json").write_text(plan.as_text())

    def run(command: str) -> subprocess.CompletedProcess[str]:
        path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
        return subprocess.run(
            command, shell=True, cwd=tmp_path, env={"PATH": path}, capture_output=True,
            text=True, check=False, timeout=60,
        )  # fmt: skip

    first = run(shlex.join([sys.executable, str(kit), "replay", "PLAN.json"]))
    assert first.returncode == 1, first.stderr
    (command,) = (line.strip() for line in first.stdout.splitlines() if "replay PLAN" in line)
    assert shlex.split(command)[1:] == [str(kit), "replay", "PLAN.json"]
    assert run(command).stdout == first.stdout
    refused = run(shlex.join([sys.executable, str(kit), "list", "--mutant", "no-directory-sync"]))
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == "error: --mutant changes source files: it needs a checkout\n"


@pytest.mark.req("SCN-2.4", "SCN-2.3")
def test_the_single_file_runs_scenarios_on_workers_without_a_checkout(tmp_path: Path) -> None:
    kit = tmp_path / "kit.pyz"
    build(kit)
    place = tmp_path / "empty"
    place.mkdir()
    ran = subprocess.run(
        [sys.executable, str(kit), "run", "kill-every-call", "clock-jump", "--jobs", "2",
         "--report", "out"],
        cwd=place, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    report = json.loads((place / "out" / "report.json").read_text())
    assert [each["status"] for each in report["scenarios"]] == ["passed", "passed"]
    assert report["versions"]["vectors"] == vectors_hash()
    assert (place / "out" / "index.html").stat().st_size > 10_000
