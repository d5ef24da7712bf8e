"""One process with one mutant: which of its tests and scenarios fail. Run by matrix.py.

    python3 -m fault_injection.mutants.trial NAME RESULT --tests T... --scenarios S...

`NAME` is empty for a run without a mistake. Tests come first: a scenario may end the process
when the mistake makes the log raise what it never raises, and what was being tried is in the
result by then.

Spec: SCN-3.2.
"""

from __future__ import annotations

import argparse
import importlib
import json
import resource
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from fault_injection.mutants import install

PROCESSOR_S_MAX: Final = 60
"""A mistake may make something go round for ever: the process is ended then."""

PYTEST: Final = ("-p", "no:cacheprovider", "-x", "-q", "--tb=short")


@dataclass(slots=True)
class Trial:
    """What was tried and what failed."""

    failed_tests: list[str] = field(default_factory=list)
    pytest_exit: int = 0
    failed_scenarios: dict[str, str] = field(default_factory=dict)
    """Name to what is broken."""
    missing_scenarios: list[str] = field(default_factory=list)
    trying: str = ""
    """The scenario that was being tried when the process ended; empty at the end."""


class _FailedCalls:
    """A pytest plugin: which tests failed in their body, not in what they were set up with."""

    def __init__(self) -> None:
        self.ids: list[str] = []

    def pytest_configure(self, config: Any) -> None:
        # pytest-cov's, which is not loaded: a test that carries it is collected all the same.
        config.addinivalue_line("markers", "no_cover: not measured")

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.when == "call" and report.failed:
            self.ids.append(report.nodeid)


def run_tests(tests: list[str], trial: Trial) -> None:
    """Run the tests up to the first that fails."""
    pytest = importlib.import_module("pytest")
    failed = _FailedCalls()
    trial.pytest_exit = int(pytest.main([*PYTEST, *tests], plugins=[failed]))
    trial.failed_tests = failed.ids


def run_scenarios(names: list[str], is_deep: bool, trial: Trial, save: Path) -> None:
    """Try the scenarios, each up to its first failure; the first one that fails is enough."""
    scenarios = importlib.import_module("fault_injection.scenarios")
    cases = importlib.import_module("fault_injection.cases")
    subject = importlib.import_module("fault_injection.subject").ReferenceLog()
    effort = importlib.import_module("fault_injection.scenario").Effort()
    catalogue = scenarios.catalogue()
    for name in list(catalogue) if is_deep else names:
        if name not in catalogue:
            trial.missing_scenarios.append(name)
            continue
        trial.trying = name
        save.write_text(json.dumps(asdict(trial)))
        for case in catalogue[name].cases(effort):
            broken = cases.execute(case, subject).broken
            if broken is not None:
                trial.failed_scenarios[name] = str(broken)
                break
        trial.trying = ""
        if trial.failed_scenarios and not is_deep:
            break


def main(arguments: list[str]) -> None:
    """Do what the command line says and write the result."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("result", type=Path)
    parser.add_argument("--tests", nargs="*", default=[])
    parser.add_argument("--scenarios", nargs="*", default=[])
    parser.add_argument("--deep", action="store_true")
    options = parser.parse_args(arguments)
    if options.name:
        limit_s = PROCESSOR_S_MAX * (60 if options.deep else 1)
        resource.setrlimit(resource.RLIMIT_CPU, (limit_s, limit_s))
        install(options.name)
    trial = Trial()
    if options.tests:
        run_tests(options.tests, trial)
    run_scenarios(options.scenarios, options.deep, trial, options.result)
    options.result.write_text(json.dumps(asdict(trial)))


if __name__ == "__main__":
    main(sys.argv[1:])
