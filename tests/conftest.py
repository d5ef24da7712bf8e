"""What all tests share: Hypothesis profiles, and the requirement IDs that each test shows.

Every test function carries `@pytest.mark.req("WAL-1.1", ...)`; one without is an error at
collection. The IDs that ran are compared with SPEC.md by test_traceability.py.

Profiles (HYPOTHESIS_PROFILE): quick (default), ci (derandomised, chosen when CI is set),
explore (random, long; prints how to reproduce), mutant (one that is looked for: no shrinking).

PROCMOND_MUTANT=NAME runs the tests against a mistake (fault_injection/mutants), to see which of
them find it.
"""

from __future__ import annotations

import logging
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

from fault_injection.mutants import install_from_environment

install_from_environment()  # before any test imports `reference`

# A shell starts background jobs with SIGINT ignored, and children inherit that: the programs that
# tests interrupt would not hear of it.
signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile(
    "quick", max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "ci", parent=settings.get_profile("quick"), max_examples=150, derandomize=True, print_blob=True
)
settings.register_profile(
    "explore", parent=settings.get_profile("quick"), max_examples=5000, print_blob=True
)
settings.register_profile(
    "mutant", parent=settings.get_profile("ci"), print_blob=False,
    phases=(Phase.explicit, Phase.generate),
)  # fmt: skip
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "quick")
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--port COMMAND`: the port that test_port_machine.py drives."""
    parser.addoption("--port", metavar="COMMAND", help="a port's adapter; default: the reference's")


def port_command(config: pytest.Config) -> tuple[str, ...]:
    """Return the words of the port's command."""
    command: str | None = config.getoption("--port")
    if command is None:
        return (sys.executable, "-m", "fault_injection.ports.reference_adapter")
    return tuple(shlex.split(command))


@pytest.fixture(scope="session")
def rust_log(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The log in Rust (tests/ports/rust), built; without a compiler the test is skipped."""
    compiler = shutil.which("rustc")
    if compiler is None:
        pytest.skip("there is no rustc on this machine, so the Rust log is not tried")
    target = tmp_path_factory.mktemp("rust") / "wal-rs"
    source = Path(__file__).parent / "ports" / "rust" / "main.rs"
    command = [compiler, "-O", "--edition", "2021", str(source), "-o", str(target)]
    subprocess.run(command, check=True, capture_output=True)
    return str(target)


@pytest.fixture
def quiet() -> Iterator[None]:
    """Nothing is logged: recovery warns of every torn tail, and there may be thousands."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


COLLECTED_REQUIREMENTS: dict[str, set[str]] = {}
"""Requirement ID to the tests that carry it; filled at collection."""
COLLECTED_PROPERTIES: set[str] = set()
"""Of those tests, the ones that Hypothesis draws: properties and state machines."""
COLLECTED_EVERYTHING = [False]
"""Whether the whole of tests/ was collected, so that a missing ID means a gap."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Collect the IDs; refuse tests that say nothing of what they show."""
    unmarked = []
    for item in items:
        ids = {each for mark in item.iter_markers("req") for each in mark.args}
        if not ids:
            unmarked.append(item.nodeid)
        if _is_property(item):
            COLLECTED_PROPERTIES.add(item.nodeid.split("[")[0])
        for each in ids:
            COLLECTED_REQUIREMENTS.setdefault(each, set()).add(item.nodeid.split("[")[0])
    if unmarked:
        raise pytest.UsageError("tests without @pytest.mark.req: " + ", ".join(unmarked[:10]))
    COLLECTED_EVERYTHING[0] = config.args in (["tests"], [str(config.rootpath / "tests")]) and not (
        config.option.keyword or config.option.markexpr
    )


def _is_property(item: pytest.Item) -> bool:
    function = getattr(item, "function", None)
    machine = getattr(getattr(item, "cls", None), "settings", None)  # of a state machine's TestCase
    return bool(getattr(function, "is_hypothesis_test", False)) or machine is not None
