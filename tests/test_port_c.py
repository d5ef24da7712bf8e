"""The third implementation: a log in C, written from SPEC.md alone, through the kit.

And its adapter as a template: what README.md tells a porter to copy builds, and answers.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from fault_injection.ports.adapter import Adapter
from fault_injection.ports.smoke import smoke
from fault_injection.runner import Slice, run_slice
from fault_injection.scenario import Effort
from tests.port_helpers import asked_vectors
from tests.process_helpers import ROOT
from tests.traced import needs_ptrace

C = ROOT / "tests" / "ports" / "c"
TEMPLATE = ("adapter.c", "adapter.h", "json.c", "json_text.c", "json.h")
STRICT = ("-Wall", "-Wextra", "-Werror", "-std=c11", "-D_POSIX_C_SOURCE=200809L")
SLICES = 12
"""Of each scenario one of so many is run here."""


def compiler() -> str:
    found = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if found is None:
        pytest.skip("there is no C compiler on this machine, so the C log is not tried")
    return found


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The program, built as its README says, with each warning an error."""
    target = tmp_path_factory.mktemp("c") / "wal-c"
    environment = {"CC": compiler(), "CFLAGS": "-O1", "PATH": "/usr/bin:/bin"}
    built = subprocess.run(
        [str(C / "build"), str(target)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return str(target)


@pytest.mark.req("PRT-1.1")
def test_each_operation_answers(program: str) -> None:
    with Adapter((program,)) as adapter:
        assert adapter.hello.capabilities == ("codec", "log", "bytes")
        steps = list(smoke(adapter))
    assert [step.text for step in steps if not step.is_good] == []
    assert steps[-1].op == "bye"


@pytest.mark.req("PRT-1.3", "PRT-1.4", "REC-1.1", "FMT-2.1")
def test_every_vector_that_applies_passes(program: str) -> None:
    wrong, passed = asked_vectors((program,))
    assert wrong == []
    assert passed > 520


@pytest.mark.req("FMT-3.2", "REC-1.1")
def test_a_pipe_under_the_name_of_the_dead_letters_is_not_waited_for(
    program: str, tmp_path: Path
) -> None:
    directory = tmp_path / "wal"
    directory.mkdir(mode=0o700)
    os.mkfifo(directory / "procmond.dead")
    with Adapter((program,)) as adapter:
        reply = adapter.ask("recover", dir=str(directory), settings={})
    assert reply["report"]["ignored"] == ["procmond.dead"]
    assert reply["dead_letters"] == []


@needs_ptrace
@pytest.mark.req("PRT-1.3", "PRT-2.2", "WAL-1.1", "REC-9.2")
@pytest.mark.parametrize(
    "scenario",
    ["kill-every-call", "power-cut-every-op", "unsynced-all-subsets", "fsync-eio-sticky",
     "enospc-every-op", "rotten-durable-tail", "strange-files", "undecodable-record"],
)  # fmt: skip
def test_nothing_is_lost_in(scenario: str, program: str) -> None:
    result = run_slice(Slice(scenario, 0, SLICES, Effort(), (program,)))
    assert result.error == ""
    assert result.shrunk is None
    assert result.tally.checks > 0


@pytest.mark.req("PRT-1.1", "PRT-1.2")
def test_the_template_of_the_readme_builds_and_answers(tmp_path: Path) -> None:
    """The copied files and the one that is written: a port that has nothing yet says so."""
    blocks = re.findall("```c\n(.*?)```", (C / "README.md").read_text(), re.DOTALL)
    (tmp_path / "port.c").write_text(blocks[0])
    for name in TEMPLATE:
        shutil.copy(C / name, tmp_path)
    sources = [str(path) for path in sorted(tmp_path.glob("*.c"))]
    target = str(tmp_path / "mine")
    subprocess.run([compiler(), *STRICT, "-o", target, *sources], check=True)
    requests = (
        '{"id": 1, "op": "hello", "protocol": 1}\n'
        '{"id": 2, "op": "status"}\n'
        '{"id": 3, "op": "hello"}\n'
        "no JSON\n"
        '{"id": 5, "op": "bye"} more\n'
        '{"op": "hello", "protocol": 1, "protocol": 1}\n'
        '{"id": 7, "op": "bye"}\n'
        '{"id": 8, "op": "bye"}\n'
    )
    found = subprocess.run([target], input=requests, capture_output=True, text=True, check=True)
    replies = [line.partition(", ")[::2] for line in found.stdout.splitlines()]
    assert [start for start, _ in replies] == [
        '{"id": 1', '{"id": 2', '{"id": 3', *['{"id": null'] * 3, '{"id": 7'
    ]  # fmt: skip
    assert [re.findall('"(ok|unsupported|BadRequest)"', rest) for _, rest in replies] == [
        ["ok"], ["unsupported"], *[["BadRequest"]] * 4, ["ok"]
    ]  # fmt: skip


@pytest.mark.req("PRT-1.4")
def test_no_file_is_without_its_promise_and_none_is_long() -> None:
    for path in [*C.glob("*.c"), *C.glob("*.h")]:
        lines = path.read_text().splitlines()
        assert lines[0].startswith("/* "), path.name
        assert len(lines) <= 250, path.name
