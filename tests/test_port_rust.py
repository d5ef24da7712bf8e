"""The second implementation: a log in Rust, written from SPEC.md alone, through the kit.

It is right, as far as vectors and scenarios tell; and with a mistake switched on it is found out.
All mistakes, with the vectors that find them: tests/ports/rust/mistakes.json. The others are for
the scenarios.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from fault_injection.ports.adapter import Adapter
from fault_injection.ports.vectors import VectorResult, try_vectors, vector_ids
from fault_injection.runner import Slice, SliceResult, run_slice
from fault_injection.scenario import Effort
from tests.process_helpers import ROOT
from tests.traced import needs_ptrace

RUST = ROOT / "tests" / "ports" / "rust"
SLICES = 8
"""Of each scenario one of so many is run here."""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The program, built."""
    compiler = shutil.which("rustc")
    if compiler is None:
        pytest.skip("there is no rustc on this machine, so the Rust log is not tried")
    target = tmp_path_factory.mktemp("rust") / "wal-rs"
    subprocess.run(
        [compiler, "-O", "--edition", "2021", str(RUST / "main.rs"), "-o", str(target)],
        check=True, capture_output=True,
    )  # fmt: skip
    return str(target)


def ran(program: str, scenario: str, index: int = 0) -> SliceResult:
    return run_slice(Slice(scenario, index, SLICES, Effort(), (program,)))


@pytest.mark.req("PRT-1.3", "PRT-1.4")
def test_every_vector_that_applies_passes(program: str) -> None:
    with Adapter((program,)) as adapter:
        results: list[VectorResult] = list(try_vectors(adapter))
    wrong = [each.id for each in results if each.status not in ("passed", "not-applicable")]
    assert wrong == []
    assert sum(each.status == "passed" for each in results) > 520


@needs_ptrace
@pytest.mark.req("PRT-1.3", "PRT-2.2", "WAL-1.1", "REC-9.2")
@pytest.mark.parametrize(
    "scenario",
    ["kill-every-call", "power-cut-every-op", "unsynced-all-subsets", "fsync-eio-sticky",
     "enospc-every-op", "rotten-durable-tail", "random-histories"],
)  # fmt: skip
def test_nothing_is_lost_in(scenario: str, program: str) -> None:
    result = ran(program, scenario)
    assert result.error == ""
    assert result.shrunk is None
    assert result.tally.checks > 0


@needs_ptrace
@pytest.mark.req("PRT-1.3", "SCN-1.5")
@pytest.mark.parametrize(
    ("mistake", "scenario", "invariant"),
    [
        ("no-sync", "power-cut-every-op", "I1"),
        ("ack-not-synced", "power-cut-every-op", "I12"),
        ("active-file-deleted", "power-cut-every-op", "I6"),
        ("failed-sync-is-retried", "reopen-after-failed-sync", "I1"),
    ],
)
def test_a_mistake_is_found_with_a_plan_of_a_few_steps(
    mistake: str, scenario: str, invariant: str, program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAL_RS_MISTAKE", mistake)
    found = next((r for r in (ran(program, scenario, i) for i in range(SLICES)) if r.shrunk), None)
    assert found is not None, "no slice of the scenario found it"
    assert found.shrunk is not None
    assert found.shrunk.broken.invariant == invariant
    assert len(found.shrunk.plan.steps) <= 12


@pytest.mark.req("PRT-1.4")
def test_the_port_is_built_from_what_is_here() -> None:
    """The module list of main.rs and the files agree."""
    text = (RUST / "main.rs").read_text()
    named = {line[4:-1] for line in text.splitlines() if line.startswith("mod ")}
    assert named == {path.stem for path in Path(RUST).glob("*.rs")} - {"main"}


@pytest.mark.req("PRT-1.4")
def test_the_list_of_mistakes_is_that_of_the_source_and_names_vectors_that_exist() -> None:
    listed = json.loads((RUST / "mistakes.json").read_text())
    source = {path.name: path.read_text() for path in RUST.glob("*.rs")}
    made = {name for text in source.values() for name in re.findall(r'mistake\("([^"]+)"\)', text)}
    assert sorted(each["name"] for each in listed) == sorted(made)
    for each in listed:
        assert all(f'mistake("{each["name"]}")' in source[file] for file in each["files"])
        assert set(each["found_by"]) <= {"vectors", "vectors_failing"}
        assert set(each["found_by"].get("vectors", ())) <= vector_ids()
