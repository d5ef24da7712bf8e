"""The connector as a black box: the reference keeps its promises, ports that do not are found."""

from __future__ import annotations

import json
import re
import shlex
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from fault_injection import cli
from fault_injection.errors import UsageError
from fault_injection.ports import black_box
from fault_injection.ports.black_box import (
    SCENARIOS,
    Box,
    BoxFailed,
    BoxScenario,
    run_box,
    run_command_of,
    run_words,
)
from fault_injection.ports.reference_adapter import RUN
from tests.port_helpers import REFERENCE

BY_NAME = {each.name: each for each in SCENARIOS}
BROKEN = """
import sys
lines = sys.stdin.readlines()
sys.exit({code})
"""


def broken(place: Path, text: str) -> str:
    """The `run` command of a program that does this, whatever the directory."""
    path = place / "program.py"
    path.write_text(text)
    return f"{shlex.quote(sys.executable)} {shlex.quote(str(path))} {{dir}}"


@pytest.mark.req("PRT-3.1")
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.name)
def test_the_reference_keeps_its_promises(scenario: BoxScenario) -> None:
    assert run_box(RUN, scenario) == ""


@pytest.mark.req("PRT-3.1")
@pytest.mark.parametrize(
    ("text", "words"),
    [
        (BROKEN.format(code=0), "did not arrive"),
        (BROKEN.format(code=1), "it ended with exit code 1, expected 0"),
    ],
)
def test_a_port_that_delivers_nothing_is_found(tmp_path: Path, text: str, words: str) -> None:
    assert words in run_box(broken(tmp_path, text), BY_NAME["in-order"])


@pytest.mark.req("PRT-3.1")
@pytest.mark.parametrize(
    ("recorded", "words"),
    [
        ([(1, 1), (2, 2), (3, 3)], ""),
        ([(1, 1), (2, 2), (1, 1), (2, 2), (3, 3)], ""),  # a broker that had forgotten
        ([(1, 1), (3, 3), (2, 2)], "out of order: [1, 3, 2]"),
        ([(1, 1), (2, 2), (2, 3)], "number 2 was given to events 2 and 3"),
        ([(1, 1), (3, 3)], "events [2] did not arrive, 0 were refused"),
    ],
)
def test_what_the_broker_recorded_is_in_order_and_whole(
    tmp_path: Path, recorded: list[tuple[int, int]], words: str
) -> None:
    """Each record: the number, and the event."""
    lines = (
        json.dumps({"log_id": "aa", "sequence": str(number), "event": {"pid": pid}}) + "\n"
        for number, pid in recorded
    )
    (tmp_path / "received.jsonl").write_text("".join(lines))
    box = Box("./unused {dir}", tmp_path)
    box.fed = 3
    try:
        with pytest.raises(BoxFailed, match=re.escape(words)) if words else nullcontext():
            box.check()
    finally:
        box.close()


@pytest.mark.req("PRT-3.1")
def test_a_port_that_does_not_end_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(black_box, "DEADLINE_SECONDS", 0.5)
    run = broken(tmp_path, "import sys, time; sys.stdin.read(); time.sleep(1000)")
    assert "it does not end" in run_box(run, BY_NAME["in-order"])


FORGETFUL = """
import os, shutil, sys
shutil.rmtree(sys.argv[1])
os.mkdir(sys.argv[1], 0o700)
os.execv(sys.executable, [sys.executable, "-m", "reference", "run", "--wal-dir", *sys.argv[1:]])
"""


@pytest.mark.req("PRT-3.1")
def test_a_port_that_forgets_at_a_kill_is_found(tmp_path: Path) -> None:
    run = broken(tmp_path, FORGETFUL)
    assert "did not arrive" in run_box(run, BY_NAME["overflow-while-down"])


@pytest.mark.req("PRT-3.1")
def test_a_command_that_cannot_be_run_is_told() -> None:
    assert "cannot be run" in run_box("./no-such-port {dir}", BY_NAME["in-order"])


@pytest.mark.req("PRT-3.1")
@pytest.mark.parametrize("limits", [{}, {"run": 1}, {"run": "./x"}])
def test_hello_has_to_say_how_it_is_run(limits: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=r"no `limits\.run`"):
        run_command_of(limits)


@pytest.mark.req("PRT-3.1")
def test_a_run_command_that_is_no_command_line_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="No closing quotation"):
        run_command_of({"run": "./x '{dir}"})


@pytest.mark.req("PRT-3.1")
def test_other_braces_in_the_run_command_stay() -> None:
    run = "./x --set '{\"a\": {0}}' {dir}/{buffer_bytes} {rotation_bytes} {else} {"
    assert run_words(run, Path("/d {x}")) == [
        "./x", "--set", '{"a": {0}}', "/d {x}/4000", "12000", "{else}", "{",
    ]  # fmt: skip


@pytest.mark.req("PRT-3.1")
@pytest.mark.parametrize("own", [None, "/one:/two"])
def test_a_python_port_finds_its_own_modules_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: str | None
) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    if own is not None:
        monkeypatch.setenv("PYTHONPATH", own)
    text = (
        "import os, sys; sys.stdin.read(); sys.stderr.write(os.environ['PYTHONPATH']); sys.exit(3)"
    )
    found = run_box(broken(tmp_path, text), BY_NAME["in-order"])
    assert found.endswith(f"expected 0: {own + ':' if own else ''}{black_box.KIT}")


@pytest.mark.req("PRT-3.1")
def test_the_command_shows_each_scenario(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from fault_injection import command_port

    found = {"in-order": "", "refused": "event 3 is nowhere"}
    monkeypatch.setattr(command_port, "SCENARIOS", [BY_NAME[name] for name in found])
    monkeypatch.setattr(command_port, "run_box", lambda run, scenario: found[scenario.name])
    assert cli.run(["port", "connector", "--port", shlex.join(REFERENCE)]) == 1
    text = capsys.readouterr().out
    assert "ok    in-order" in text
    assert "FAIL  refused" in text
    assert "event 3 is nowhere" in text
    assert "1 of 2 passed" in text
