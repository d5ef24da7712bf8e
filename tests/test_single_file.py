"""The kit as one file, in a directory that has nothing else."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from fault_injection.log_steps import Append, Damage, Open
from fault_injection.plan import Plan
from fault_injection.single_file import build
from fault_injection.spec_requirements import vectors_hash


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file."""
    path = tmp_path_factory.mktemp("kit") / "kit.pyz"
    build(path)
    return path


def ran_in(
    place: Path, kit: Path, *arguments: str, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the file in a directory, with almost nothing in the environment."""
    return subprocess.run(
        [sys.executable, str(kit), *arguments],
        cwd=place, env={"PATH": "/usr/bin:/bin"} | dict(variables or {}), capture_output=True,
        text=True, timeout=120, check=False,
    )  # fmt: skip


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


@pytest.mark.req("SCN-2.4", "SCN-2.3")
def test_the_single_file_runs_scenarios_on_workers_without_a_checkout(
    kit: Path, tmp_path: Path
) -> None:
    place = tmp_path / "empty"
    place.mkdir()
    ran = ran_in(
        place, kit, "run", "kill-every-call", "clock-jump", "--jobs", "2", "--report", "out"
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    report = json.loads((place / "out" / "report.json").read_text())
    assert [each["status"] for each in report["scenarios"]] == ["passed", "passed"]
    assert report["versions"]["vectors"] == vectors_hash()
    assert (place / "out" / "index.html").stat().st_size > 10_000


@pytest.mark.req("SCN-2.4", "SCN-3.1")
@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "clock-jump", "--no-report", "--mutant", "no-sync"),
        ("mutants", "no-sync", "--jobs", "1"),
        ("mutants", "no-sync", "--scenarios-only", "--jobs", "1"),
    ],
    ids=" ".join,
)
def test_mutants_say_that_they_need_a_checkout(
    arguments: tuple[str, ...], kit: Path, tmp_path: Path
) -> None:
    ran = ran_in(tmp_path, kit, *arguments)
    assert ran.returncode == 2, ran.stdout + ran.stderr
    assert "error: a mutant needs a checkout" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.req("SCN-2.4", "SCN-3.1")
def test_the_single_file_lists_and_explains_mutants(kit: Path, tmp_path: Path) -> None:
    assert "no-sync " in ran_in(tmp_path, kit, "mutants", "--list").stdout
    assert "found by " in ran_in(tmp_path, kit, "explain", "no-sync").stdout
