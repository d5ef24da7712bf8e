"""The kill matrix: which scenarios and which tests find which mutant.

    try_mutants(["sync-tried-again"], jobs=2)    the named checks of each, up to the first
                                                 that fails
    try_mutants(is_deep=True)                    every scenario against each, for a report
    fails_without_mutants()                      what fails anyway: then nothing was found

Theory of operation. Each mutant has a process of its own (trial.py), which switches it on
before it imports anything. A scenario finds it if an invariant is broken, or if the code under
test ends the process with an error that it never raises. A test finds it if its body fails:
an error at collection finds nothing, and is an error of the kit.

Needs pytest for the tests; `scenarios_only` needs the standard library alone.

Spec: SCN-3.2.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

from fault_injection.errors import UsageError
from fault_injection.mutants import Mutant, find, mutants
from fault_injection.mutants.applying import ROOT, environment, need_checkout
from fault_injection.mutants.trial import Trial
from fault_injection.result import MutantResult


def try_mutants(
    names: Sequence[str] = (),
    *,
    scenarios_only: bool = False,
    is_deep: bool = False,
    jobs: int = 1,
    on_result: Callable[[MutantResult], None] = lambda _: None,
) -> list[MutantResult]:
    """Return a row for each mutant, in the order of the names; all of them if there are none.

    `on_result` is told of each as it is known. Raises UnknownMutant, and UsageError if the
    checks of a mutant cannot be run.
    """
    chosen = _chosen(names, scenarios_only=scenarios_only)
    results = []
    with ThreadPoolExecutor(jobs) as threads:
        rows = threads.map(
            lambda mutant: try_mutant(mutant, scenarios_only=scenarios_only, is_deep=is_deep),
            chosen,
        )
        for row in rows:
            on_result(row)
            results.append(row)
    return results


def try_mutant(
    mutant: Mutant, *, scenarios_only: bool = False, is_deep: bool = False
) -> MutantResult:
    """Return the mutant's row."""
    tests = () if scenarios_only else mutant.found_by
    trial = _tried(mutant.name, tests, mutant.scenarios, is_deep=is_deep)
    if tests and trial.pytest_exit not in (0, 1):
        raise UsageError(
            f"mutant {mutant.name}: pytest ended with {trial.pytest_exit} instead of a failed "
            f"test; are these right? {', '.join(tests)}"
        )
    return MutantResult(
        mutant.name, mutant.mistake, mutant.trap, tuple(trial.failed_scenarios),
        tuple(trial.failed_tests), was_tested=not scenarios_only,
        has_scenarios=bool(mutant.scenarios),
    )  # fmt: skip


def fails_without_mutants(
    names: Sequence[str] = (), *, scenarios_only: bool = False, is_deep: bool = False
) -> list[str]:
    """Return those of the mutants' tests and scenarios that fail on the code as it is.

    `is_deep`: every scenario, as they are tried against each mutant then. Raises UnknownMutant,
    UsageError.
    """
    chosen = _chosen(names, scenarios_only=scenarios_only)
    tests = () if scenarios_only else tuple(sorted({t for m in chosen for t in m.found_by}))
    scenarios = tuple(sorted({s for m in chosen for s in m.scenarios}))
    trial = _tried("", tests, scenarios, is_deep=is_deep)
    failing = [*trial.failed_tests, *trial.failed_scenarios, *trial.missing_scenarios]
    if not failing and trial.pytest_exit:
        failing.append(f"pytest ended with {trial.pytest_exit}")
    return failing


def listing(names: Sequence[str] = ()) -> Iterator[str]:
    """Yield a line for each mutant."""
    chosen = [find(name) for name in names] or list(mutants().values())
    width = max(len(mutant.name) for mutant in chosen)
    for mutant in chosen:
        yield f"{mutant.name:{width}}  {mutant.trap:3}  {mutant.mistake}"


def _chosen(names: Sequence[str], *, scenarios_only: bool) -> list[Mutant]:
    """Return the mutants of these names; all of them if there are none. Raises UsageError."""
    if not scenarios_only and find_spec("pytest") is None:
        raise UsageError("the tests need pytest: add --scenarios-only, or use a Python that has it")
    return [find(name) for name in names] or list(mutants().values())


def _tried(name: str, tests: Sequence[str], scenarios: Sequence[str], *, is_deep: bool) -> Trial:
    need_checkout()
    with tempfile.TemporaryDirectory() as directory:
        result = Path(directory, "trial.json")
        command = [sys.executable, "-m", "fault_injection.mutants.trial", name, str(result)]
        command += ["--tests", *tests, "--scenarios", *scenarios, *(["--deep"] * is_deep)]
        # Plugins that happen to be installed cost half of the time, and change nothing.
        variables = environment(name) | {
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "HYPOTHESIS_PROFILE": "mutant",
        }
        done = subprocess.run(
            command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False
        )
        written = json.loads(result.read_text()) if result.exists() else {}
    trial = Trial(**written)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        if not trial.trying:
            raise UsageError(f"the trial of {name or 'the code as it is'} failed: {last[0]}")
        trial.failed_scenarios[trial.trying] = f"the process ended: {last[0]}"
    return trial
