"""The kit as one file, in a directory that has nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from fault_injection.single_file import build
from fault_injection.spec_requirements import vectors_hash


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
