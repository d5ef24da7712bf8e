"""`replay --port`, and failures of a port that are told: whatever it does, a message and a code."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fault_injection import cli, command_replay, explaining
from fault_injection.explaining import explain_failure
from fault_injection.invariants import Broken
from fault_injection.log_steps import Acknowledge, Append, Kill, Open, Refuse
from fault_injection.plan import Plan, Step
from fault_injection.ports.errors import AdapterDied
from fault_injection.runner import NOT_A_LOG
from fault_injection.shrink import Shrunk
from tests.careless_adapter import command_with
from tests.port_helpers import REFERENCE
from tests.traced import needs_ptrace

PORT = shlex.join(REFERENCE)
Replay = Callable[..., tuple[int, str]]


@pytest.fixture
def replay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Replay:
    """Replay these steps on the port; return the exit code and what was printed."""

    def run(port: str, *steps: Step, world: str = "log") -> tuple[int, str]:
        path = tmp_path / "plan.json"
        path.write_text(Plan("x", world, steps).as_text())
        code = cli.run(["replay", str(path), "--port", port])
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return run


@needs_ptrace
@pytest.mark.req("PRT-1.3", "SCN-1.5")
def test_a_plan_that_holds_on_a_port(replay: Replay) -> None:
    code, text = replay(PORT, Open(), Append(2), Kill(), Open())
    assert code == 0
    assert "every invariant holds" in text


@needs_ptrace
@pytest.mark.req("PRT-1.2", "SCN-2.3")
@pytest.mark.parametrize(
    ("port", "code", "words"),
    [
        ("./no-such-adapter", 2, "error: ./no-such-adapter cannot be run"),
        (shlex.join([sys.executable, "-c", "print('welcome')"]), 1, "violation: not JSON"),
        (shlex.join([sys.executable, "-c", "raise ValueError('soon')"]), 1,
         "died: hello: the adapter ended with exit code 1"),
        (shlex.join(command_with("maps")), 1, "refused: mmap, shared and writable"),
        (shlex.join(command_with("skips-refuse")), 3, "skipped: refuse: not written yet"),
        (shlex.join(command_with("dies-at-3")), 1, "the adapter ended with exit code 3"),
    ],
)  # fmt: skip
def test_a_port_that_does_not_answer_is_told(
    replay: Replay, port: str, code: int, words: str
) -> None:
    found, text = replay(port, Open(), Append(2), Refuse(), Acknowledge(1))
    assert found == code
    assert words in text
    assert ("ValueError: soon" in text) == ("soon" in port), "standard error is shown"


@pytest.mark.req("PRT-1.3")
def test_a_plan_of_the_connector_shows_nothing_about_a_port(replay: Replay) -> None:
    assert replay("./any", world="connector") == (3, f"not run: {NOT_A_LOG}\n")


@pytest.mark.req("PRT-2.2")
def test_where_nothing_can_be_traced_nothing_is_replayed(
    replay: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command_replay, "unavailable", lambda: "no ptrace here")
    assert replay(PORT, Open()) == (3, "not run: no ptrace here\n")


@pytest.mark.req("PRT-1.2", "SCN-1.5")
def test_a_failure_stays_one_if_the_port_does_something_else_next_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def dies(plan: Plan, port: object) -> None:
        raise AdapterDied("open", 3)

    monkeypatch.setattr(explaining, "run_again", dies)
    plan = Plan("kill-every-call", "log", (Open(), Append(1)))
    failure = explain_failure(
        Shrunk(plan, Broken("I1", "event 1 is gone"), 0, 2), None, "", ("./x",)
    )
    assert failure.invariant == "I1"
    assert failure.story[0].startswith("run once more, the port did not come so far: open: the ada")
    assert "event 1 is gone" in failure.story[-1]
    assert "--port ./x" in failure.replay_command


@pytest.mark.req("PRT-1.2", "SCN-2.3")
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["port", "smoke"], 1), (["port", "vectors"], 1), (["port", "tiers"], 1),
        (["port", "connector"], 1), (["run", "kill-every-call", "--no-report"], 2),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("print('welcome')", "something else is printed to standard output"),
        ("raise SystemExit('no config')", "no config"),
        ("print(input())", "one of ok, error, unsupported, skipped"),
    ],
)
def test_one_that_does_not_say_hello_is_told_by_every_command(
    arguments: list[str], code: int, script: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    port = shlex.join([sys.executable, "-S", "-E", "-c", script])
    assert cli.run([*arguments, "--port", port]) == code
    captured = capsys.readouterr()
    assert words in captured.err
    assert "not run" not in captured.out
