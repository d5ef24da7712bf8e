"""The layers: imports go one way, the standard library only, small files."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {
    "reference": {"reference"},
    "simulators": {"reference", "simulators"},
    "fault_injection": {"reference", "simulators", "fault_injection"},
}
LINES_MAX = 400
MODULES = sorted(path for package in MAY_IMPORT for path in (ROOT / package).rglob("*.py"))


def imported_packages(source: str) -> set[str]:
    """The top-level packages that the source imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide where a name comes from"
            found.add((node.module or "").split(".")[0])
    return found


@pytest.mark.req("ARC-1.1")
@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_module_imports_only_lower_layers_and_the_standard_library(path: Path) -> None:
    allowed = MAY_IMPORT[path.relative_to(ROOT).parts[0]] | set(sys.stdlib_module_names)
    assert imported_packages(path.read_text()) <= allowed


@pytest.mark.req("ARC-1.1")
@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_module_says_what_it_is_for_and_is_short(path: Path) -> None:
    source = path.read_text()
    assert ast.get_docstring(ast.parse(source)), "no module docstring"
    assert source.count("\n") <= LINES_MAX


@pytest.mark.req("ARC-1.1")
def test_a_forbidden_import_would_be_found() -> None:
    assert imported_packages("import os\ndef f():\n    from simulators import x\n") == {
        "os",
        "simulators",
    }


@pytest.mark.req("DSK-1.1")
def test_only_one_module_touches_the_disk() -> None:
    """The log reaches files through the eleven calls; os is for the adapter and the tools."""
    users = {
        path.name
        for path in (ROOT / "reference").glob("*.py")
        if imported_packages(path.read_text()) & {"os", "fcntl", "pathlib", "io", "shutil"}
    }
    assert users == {
        "os_filesystem.py", "open_files.py",  # the adapter
        "wal.py", "segment_files.py",  # os.urandom, os.PathLike, os.strerror
        "cli.py", "cli_append.py", "cli_run.py", "stop_signals.py",  # standard input, signals
        "messages.py",  # standard error
        "event_bus_connector.py", "connector_config.py",  # os.environ, os.urandom, os.PathLike
        "broker_socket.py",  # who owns the socket
    }  # fmt: skip
