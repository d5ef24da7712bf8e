"""The log in JavaScript, written from SPEC.md alone, through the kit; and the template for Python.

A choice that takes seconds. The rest is asked for by the commands of tests/ports/node/README.md.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from zlib import crc32

import pytest

from fault_injection.ports.adapter import Adapter, PortError
from fault_injection.ports.smoke import smoke
from fault_injection.runner import Slice, run_slice
from fault_injection.scenario import Effort
from tests.port_helpers import asked_vectors
from tests.process_helpers import ROOT
from tests.traced import needs_ptrace

NODE_MAJOR_MIN = 20
NODE = ROOT / "tests" / "ports" / "node"
TEMPLATES = {
    "node": NODE / "adapter.mjs",
    "python": ROOT / "tests" / "ports" / "python" / "adapter.py",
}
TEMPLATE_LINES_MAX = 120
VECTORS = ("codec", "json_lines", "directories_readings")
"""All of them: `port vectors`."""


def why_no_node() -> str:
    """Say why the log cannot be tried here; nothing if it can."""
    node = shutil.which("node")
    if node is None:
        return "there is no node on this machine"
    if shutil.which("flock") is None:
        return "there is no flock(1) on this machine, which Node needs for the lock"
    found = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    major = re.match(r"v(\d+)\.", found)
    if major is None or int(major[1]) < NODE_MAJOR_MIN:
        return f"node is {found.strip()}, and the log needs {NODE_MAJOR_MIN}"
    return ""


@pytest.fixture(scope="module")
def command() -> tuple[str, ...]:
    if why := why_no_node():
        pytest.skip(why)
    return ("node", str(TEMPLATES["node"]))


def smoked(command: tuple[str, ...]) -> list[str]:
    """What was not as expected, and that all operations were asked for."""
    with Adapter(command) as adapter:
        steps = list(smoke(adapter))
    assert {"hello", "append", "recover", "bye"} <= {step.op for step in steps}
    return [f"{step.op}: {step.text}" for step in steps if not step.is_good]


@pytest.mark.req("PRT-1.1", "PRT-1.2")
def test_each_operation_of_the_node_log_answers_as_expected(command: tuple[str, ...]) -> None:
    assert smoked(command) == []


@pytest.mark.req("PRT-1.1")
def test_the_template_for_python_answers_as_expected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    assert smoked((sys.executable, str(TEMPLATES["python"]))) == []


@pytest.mark.req("PRT-1.3", "PRT-1.4")
def test_a_choice_of_vectors_passes(command: tuple[str, ...], tmp_path: Path) -> None:
    for name in VECTORS:
        shutil.copy(ROOT / "tests" / "vectors" / f"{name}.json", tmp_path)
    wrong, passed = asked_vectors(command, tmp_path)
    assert wrong == []
    assert passed > 150


@pytest.mark.req("DLQ-1.2", "REC-1.1")
def test_a_letter_whose_crc_is_right_and_that_is_none_costs_itself(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    directory = tmp_path / "wal"
    directory.mkdir(mode=0o700)
    lines = [b"", b"null", b"{}", b'{"sequence":"7"}']
    text = b"".join(b"%08x %s\n" % (crc32(line), line) for line in lines)
    (directory / "procmond.dead").write_bytes(text)
    with Adapter(command) as adapter:
        reply = adapter.ask("recover", dir=str(directory), settings={})
    assert reply["dead_letters"] == ["7"]


@pytest.mark.req("PRT-1.1")
def test_a_request_of_the_node_log_that_makes_no_sense_is_refused(
    command: tuple[str, ...],
) -> None:
    with Adapter(command) as adapter:
        with pytest.raises(PortError, match="BadRequest"):
            adapter.ask("decode", event="0g")
        with pytest.raises(PortError, match="BadRequest"):
            adapter.ask("open", dir="wal", settings={"toString": 1})


@needs_ptrace
@pytest.mark.req("PRT-1.3", "PRT-2.1", "PRT-2.2", "WAL-4.2", "WAL-4.3")
@pytest.mark.parametrize(
    ("scenario", "of"),
    [("power-cut-every-op", 96), ("fsync-eio-sticky", 48), ("failed-write-failed-truncate", 48)],
)
def test_nothing_is_lost_in(scenario: str, of: int, command: tuple[str, ...]) -> None:
    """Node has threads of its own: the tracer follows them all."""
    result = run_slice(Slice(scenario, 0, of, Effort(), command))
    assert result.error == ""
    assert result.shrunk is None
    assert result.tally.checks > 0


@pytest.mark.req("PRT-1.1")
@pytest.mark.parametrize("path", TEMPLATES.values(), ids=TEMPLATES)
def test_a_template_is_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) < TEMPLATE_LINES_MAX


@pytest.mark.req("PRT-1.3")
def test_the_node_log_uses_nothing_but_node_itself() -> None:
    """Built-in modules, and files that stand beside each other: a checkout is all it takes."""
    for path in NODE.glob("*.mjs"):
        for name in re.findall(
            r"^(?:import|\} from)\b.*?'([^']+)';", path.read_text(), re.M | re.S
        ):
            assert name.startswith("node:") or (NODE / name).is_file(), f"{path.name}: {name}"
