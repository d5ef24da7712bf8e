"""The second implementation: a log in Rust, written from SPEC.md alone, through the kit.

It is right, as far as vectors and scenarios tell; and with a mistake switched on it is found out.
All mistakes, each with what finds it: tests/ports/rust/mistakes.json. Some are tried here, all of
them by `tox -e port-mistakes`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from fault_injection.invariants import INVARIANTS
from fault_injection.ports.contract import RULES
from fault_injection.ports.mistake_list import Mistake, read_mistakes
from fault_injection.ports.mistakes import Trial, try_mistake
from fault_injection.ports.vectors import vector_ids
from fault_injection.runner import Slice, SliceResult, run_slice
from fault_injection.scenario import Effort
from tests.port_helpers import asked_vectors
from tests.process_helpers import ROOT
from tests.traced import needs_ptrace

RUST = ROOT / "tests" / "ports" / "rust"
LIST = RUST / "mistakes.json"
MISTAKES = read_mistakes(LIST)
FEW = (
    "deleted-newest-first", "no-sync", "no-directory-sync", "ack-not-synced",
    "short-write-is-whole", "failed-sync-is-retried", "no-quota",
)  # fmt: skip
"""For each way to crash a port, one or two."""
SLICES = 8
"""Of each scenario one of so many is run here."""


@pytest.fixture
def program(rust_log: str) -> str:
    """Its command."""
    return rust_log


def ran(program: str, scenario: str, index: int = 0) -> SliceResult:
    return run_slice(Slice(scenario, index, SLICES, Effort(), (program,)))


@pytest.mark.req("PRT-1.3", "PRT-1.4")
def test_every_vector_that_applies_passes(program: str) -> None:
    wrong, passed = asked_vectors((program,))
    assert wrong == []
    assert passed > 520


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
@pytest.mark.req("PRT-1.5", "SCN-1.5")
@pytest.mark.parametrize("mistake", MISTAKES.chosen(FEW), ids=lambda each: each.name)
def test_a_mistake_is_found_by_what_the_list_says(mistake: Mistake, program: str) -> None:
    """By the scenario alone: that it is also found by a vector, all of them together show."""
    found = try_mistake(Trial(mistake, MISTAKES.switch, (program,), Effort(), ("scenarios",)))
    assert (found.status, found.where) == ("found", mistake.found_by["scenario"]), found
    assert (found.invariant, found.way) == (mistake.found_by["invariant"], mistake.found_by["way"])
    assert found.steps <= 12


@pytest.mark.req("PRT-1.5", "PRT-1.6")
@pytest.mark.parametrize("way", ["op", "vector", "rule"])
def test_a_mistake_that_needs_no_crash_is_found_without_one(way: str, program: str) -> None:
    mistake = next(each for each in MISTAKES.mistakes if way in each.found_by)
    ways = ("smoke", "vectors", "contract")
    found = try_mistake(Trial(mistake, MISTAKES.switch, (program,), Effort(), ways))
    assert (found.status, found.where) == ("found", mistake.found_by[way])


@pytest.mark.req("PRT-1.4")
def test_the_port_is_built_from_what_is_here() -> None:
    """The module list of main.rs and the files agree."""
    text = (RUST / "main.rs").read_text()
    named = {line[4:-1] for line in text.splitlines() if line.startswith("mod ")}
    assert named == {path.stem for path in Path(RUST).glob("*.rs")} - {"main"}


@pytest.mark.req("PRT-1.5")
def test_the_list_of_mistakes_is_that_of_the_source_and_says_what_finds_each() -> None:
    listed = json.loads(LIST.read_text())["mistakes"]
    source = {path.name: path.read_text() for path in RUST.glob("*.rs")}
    made = {name for text in source.values() for name in re.findall(r'mistake\("([^"]+)"\)', text)}
    assert sorted(each["name"] for each in listed) == sorted(made)
    rules, vectors = {name for name, _, _ in RULES}, set(vector_ids())
    for each in listed:
        assert all(f'mistake("{each["name"]}")' in source[file] for file in each["files"])
        found_by = each["found_by"]
        assert {"op", "vector", "rule", "scenario"} & found_by.keys(), each["name"]
        assert found_by.get("vector", next(iter(vectors))) in vectors
        assert found_by.get("rule", next(iter(rules))) in rules
        assert found_by.get("invariant", "I1") in INVARIANTS
