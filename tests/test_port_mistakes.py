"""`port mistakes`: a mistake that is made is found, and said by what.

The port is the reference's adapter; with the variable MISTAKE it is the careless one, or it is
right all the same, which is a mistake that nothing can find.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from fault_injection import cli, command_mistakes
from fault_injection.errors import UsageError
from fault_injection.log_steps import Append, Close, Damage, Fault, Kill, Open, PowerCut
from fault_injection.plan import Plan, Step
from fault_injection.ports import mistakes
from fault_injection.ports.mistake_list import Found, Mistake, read_mistakes, write_found
from fault_injection.ports.mistake_matrix import AS_IT_IS, Matrix, RowFile, markdown
from fault_injection.ports.mistakes import Trial, try_mistake, way_of
from fault_injection.scenario import Effort
from tests.port_helpers import REFERENCE
from tests.traced import needs_ptrace

SCRIPT = (
    f'case "$MISTAKE" in ""|none) exec {shlex.join(REFERENCE)};; '
    f'*) exec {shlex.quote(sys.executable)} -m tests.careless_adapter "$MISTAKE";; esac'
)
PORT = ("sh", "-c", SCRIPT)
Listed = Callable[..., Path]


@pytest.fixture
def listed(tmp_path: Path) -> Listed:
    """Write a list of mistakes."""

    def write(*entries: Mapping[str, Any], **fields: Any) -> Path:
        path = tmp_path / "mistakes.json"
        value = {"switch": "MISTAKE", "mistakes": list(entries), **fields}
        path.write_text(json.dumps(value))
        return path

    return write


def tried(name: str, *ways: str, hints: tuple[str, ...] = ()) -> Found:
    return try_mistake(Trial(Mistake(name, "x", hints), "MISTAKE", PORT, Effort(), ways))


# ---- One mistake ------------------------------------------------------------


@pytest.mark.req("PRT-1.5")
def test_the_cheapest_way_that_finds_it_ends_the_search() -> None:
    found = tried("dies-at-3", "smoke", "vectors", "contract")
    assert (found.status, found.way, found.where) == ("found", "smoke", "acknowledge")
    assert found.vectors == 0
    assert "exit code 3" in found.what


@pytest.mark.req("PRT-1.5", "PRT-1.6")
@pytest.mark.parametrize(
    ("name", "way", "where"),
    [("dies-at-3", "contract", "acknowledged-beyond-the-log"),
     ("dies-in-recovery-of-2", "vectors", "dir-")],
)  # fmt: skip
def test_a_death_is_a_finding_of_what_was_asked(name: str, way: str, where: str) -> None:
    found = tried(name, way)
    assert (found.status, found.way) == ("found", way)
    assert found.where.startswith(where)
    assert "exit code 3" in found.what


@needs_ptrace
@pytest.mark.req("PRT-1.5")
def test_a_scenario_that_is_hinted_at_comes_first_and_its_plan_is_small() -> None:
    found = tried("no-sync", "scenarios", hints=("power-cut-every-op",))
    assert (found.way, found.where, found.invariant) == ("T1", "power-cut-every-op", "I1")
    assert found.cases < 24
    assert 0 < found.steps < found.steps_before


@pytest.mark.req("PRT-1.5")
def test_what_nothing_finds_is_said_with_what_was_tried() -> None:
    found = tried("none", "contract")
    assert (found.status, found.way, found.cases) == ("not-found", "", 0)


@pytest.mark.req("PRT-1.5")
def test_what_ends_the_kits_tools_is_an_error_and_finds_nothing() -> None:
    trial = Trial(Mistake("m", "x"), "MISTAKE", ("./nothing-here",), Effort(), ("smoke",))
    found = try_mistake(trial)
    assert (found.status, found.where) == ("error", "smoke")
    assert "cannot be run" in found.what


@pytest.mark.req("PRT-1.5")
def test_the_switch_is_as_it_was_behind_a_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MISTAKE", "before")
    with mistakes._switched("MISTAKE", "meanwhile"):
        assert os.environ["MISTAKE"] == "meanwhile"
    assert os.environ["MISTAKE"] == "before"
    monkeypatch.delenv("MISTAKE")
    with mistakes._switched("MISTAKE", "meanwhile"):
        assert os.environ["MISTAKE"] == "meanwhile"
    assert "MISTAKE" not in os.environ


@pytest.mark.req("PRT-1.5", "PRT-2.2")
@pytest.mark.parametrize(
    ("way", "steps"),
    [
        ("T0", (Open(), Kill(3))),
        ("T1", (Open(), Kill(), Open(), PowerCut())),
        ("T2", (Fault("append", "ENOSPC"), Append(), PowerCut())),
        ("T2", (Fault("sync", "EIO"), Append(), Kill())),
        ("T3", (Fault("sync", "EIO"), Append(), PowerCut())),
        ("damage", (Open(), Close(), Damage())),
        ("use", (Open(), Append(), Close())),
    ],
)
def test_a_plan_belongs_to_the_tier_of_the_hardest_thing_in_it(
    way: str, steps: tuple[Step, ...]
) -> None:
    assert way_of(Plan("x", "log", steps)) == way


# ---- The list ---------------------------------------------------------------


@pytest.mark.req("PRT-1.5")
@pytest.mark.parametrize(
    ("entries", "fields", "words"),
    [
        ([{"name": "a"}], {}, "a name and a sentence are needed"),
        ([{"name": "a", "sentence": "b", "hint": []}], {}, "there is no field 'hint'"),
        ([{"name": "a", "sentence": "b", "hints": ["x"]}], {}, "no scenario is called 'x'"),
        ([{"name": "a", "sentence": "b", "found_by": {"x": ""}}], {}, "has no field 'x'"),
        ([{"name": "a", "sentence": "b"}] * 2, {}, "a name stands twice"),
        ([], {"more": 1}, "an object {switch, mistakes} is expected"),
    ],
)
def test_a_list_that_is_half_understood_is_refused(
    entries: list[dict[str, Any]], fields: dict[str, Any], words: str, listed: Listed
) -> None:
    with pytest.raises(UsageError, match=words):
        read_mistakes(listed(*entries, **fields))


@pytest.mark.req("PRT-1.5")
def test_what_found_it_is_written_and_is_tried_first_the_next_time(listed: Listed) -> None:
    path = listed({"name": "a", "sentence": "x", "hints": ["kill-every-call"]},
                  {"name": "b", "sentence": "x"})  # fmt: skip
    row = Found("a", "found", "T1", "power-cut-every-op", "I1", steps=3)
    write_found(path, [row, Found("b", "not-found")])
    write_found(path, [Found("a", "found", "vectors", "dir-x")])
    first, second = read_mistakes(path).mistakes
    assert first.hints == ("power-cut-every-op", "kill-every-call")
    assert first.found_by == {
        "scenario": "power-cut-every-op", "invariant": "I1", "way": "T1", "vector": "dir-x",
    }  # fmt: skip
    assert second.found_by == {}


# ---- The matrix -------------------------------------------------------------

FOUND = Found("a", "found", "T3", "fsync-eio-once", "I1", "gone", 5, 7, 12, 4, 1.5)
MISSED = Found("b", "not-found", vectors=5, cases=1400)
QUIET = Found(f"{AS_IT_IS} seed 0", "not-found", vectors=5, cases=1400)


def matrix(*rows: Found) -> Matrix:
    found = Matrix("p", 0, is_deep=False, ways=("smoke",))
    for row in rows:
        found.add(row)
    return found


@pytest.mark.req("PRT-1.5")
@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ((QUIET, FOUND), 0), ((QUIET, FOUND, MISSED), 1), ((), 3),
        ((FOUND, Found(f"{AS_IT_IS} seed 1", "found", "T0", "kill-every-call", "I1")), 1),
        ((FOUND, Found("c", "error", where="x", what="refused: y")), 1),
    ],
)  # fmt: skip
def test_a_mistake_that_is_missed_fails_the_run_and_so_does_a_false_alarm(
    rows: tuple[Found, ...], code: int
) -> None:
    assert matrix(*rows).exit_code == code


@pytest.mark.req("PRT-1.5")
def test_the_table_says_what_found_each_and_what_was_tried_in_vain() -> None:
    text = markdown(matrix(QUIET, FOUND, MISSED))
    assert "| a | T3 | fsync-eio-once | I1 | 5 | 7 | 12 | 4 | 1.5 |" in text
    assert "1 of 2 found. By T3 1." in text
    assert "- b: NOT FOUND in 5 vectors, 1400 cases" in text
    assert "seed 0: nothing found, as it has to be, in 5 vectors, 1400 cases" in text


@pytest.mark.req("PRT-1.5")
def test_a_run_is_gone_on_with_under_the_same_conditions_alone(tmp_path: Path) -> None:
    file = RowFile(tmp_path, {"seed": 0})
    assert file.resume() == []
    file.start()
    file.add(FOUND)
    file.add(MISSED)
    path = tmp_path / "rows.jsonl"
    path.write_text(path.read_text() + '{"name": "cut')
    assert file.resume() == [FOUND, MISSED]
    with pytest.raises(UsageError, match="--resume"):
        RowFile(tmp_path, {"seed": 1}).resume()


@pytest.mark.req("PRT-1.5")
def test_the_command_tries_writes_and_resumes(
    tmp_path: Path, listed: Listed, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    path = listed({"name": "dies-at-3", "sentence": "It dies."},
                  {"name": "none", "sentence": "It is right."})  # fmt: skip
    arguments = ["port", "mistakes", "--port", shlex.join(PORT), "--mistakes", str(path),
                 "--ways", "smoke", "--report", str(tmp_path / "out")]  # fmt: skip
    assert cli.run([*arguments, "--only", "dies-at-3", "--control", "2", "--write"]) == 0
    assert read_mistakes(path).mistakes[0].found_by == {"op": "acknowledge"}
    assert "seed 1: nothing found, as it has to be" in capsys.readouterr().out
    assert cli.run(arguments) == 1
    assert "none: NOT FOUND" in capsys.readouterr().out
    tried_again: list[str] = []
    monkeypatch.setattr(command_mistakes, "try_mistake", lambda trial, _: tried_again.append(trial))
    assert cli.run([*arguments, "--resume"]) == 1
    assert tried_again == []
    written = json.loads((tmp_path / "out" / "matrix.json").read_text())
    assert (written["found"], written["of"], len(written["controls"])) == (1, 2, 1)


@pytest.mark.req("PRT-1.5")
@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--only", "x"], "x is none of the mistakes"), (["--ways", "luck"], "--ways luck"),
        (["--jobs", "0"], "--jobs must be at least 1"),
    ],
)  # fmt: skip
def test_what_does_not_exist_is_wrong_usage(
    more: list[str], words: str, listed: Listed, capsys: pytest.CaptureFixture[str]
) -> None:
    path = listed({"name": "none", "sentence": "It is right."})
    arguments = ["port", "mistakes", "--port", shlex.join(PORT), "--mistakes", str(path)]
    assert cli.run([*arguments, *more]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.req("PRT-1.2", "PRT-1.5")
def test_a_port_that_does_not_say_hello_is_told_with_what_it_wrote(
    listed: Listed, capsys: pytest.CaptureFixture[str]
) -> None:
    path = listed({"name": "none", "sentence": "It is right."})
    port = shlex.join([sys.executable, "-S", "-E", "-c", "raise SystemExit('no config')"])
    arguments = ["port", "mistakes", "--port", port, "--mistakes", str(path), "--ways", "smoke"]
    assert cli.run(arguments) == 2
    assert "no config" in capsys.readouterr().err
