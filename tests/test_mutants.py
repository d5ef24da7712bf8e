"""Every mistake in fault_injection/mutants is found, by a test and by a scenario.

This is what fails if a check loses its teeth. The trials are processes of their own: a mutant
is switched on for a whole one.
"""

from __future__ import annotations

import ast
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fault_injection import cli
from fault_injection.errors import UnknownMutant, UsageError
from fault_injection.mutants import Mutant, Patch, find, matrix, mutants
from fault_injection.mutants.applying import (
    ROOT,
    StalePatch,
    environment,
    patched,
    source_path,
    switched_on,
)
from fault_injection.mutants.matrix import fails_without_mutants, listing, try_mutant, try_mutants
from fault_injection.mutants.trial import Trial
from fault_injection.result import MutantResult
from fault_injection.scenarios import catalogue

ALL = list(mutants().values())
EACH = pytest.mark.parametrize("mutant", ALL, ids=lambda mutant: mutant.name)


def python(code: str, name: str = "", *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run code in a Python of its own."""
    return subprocess.run(
        [sys.executable, *arguments, "-c", code], cwd=ROOT, env=environment(name),
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def functions_of(path: Path) -> set[str]:
    """The names of all functions in a test file."""
    nodes = ast.walk(ast.parse(path.read_text()))
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef)}


# ---- The registry -----------------------------------------------------------


@pytest.mark.req("SCN-3.1")
def test_every_trap_has_a_mutant_of_its_naive_rule() -> None:
    assert {mutant.trap for mutant in ALL} - {""} == {f"T{number}" for number in range(1, 21)}


@pytest.mark.req("SCN-3.1")
@EACH
def test_a_mutant_says_what_is_wrong_and_names_checks_that_exist(mutant: Mutant) -> None:
    assert 20 < len(mutant.mistake) <= 100
    assert mutant.mistake[-1] != "."
    assert mutant.found_by
    assert set(mutant.scenarios) <= set(catalogue())
    for test in mutant.found_by:
        file, _, function = test.partition("::")
        assert function.split("[")[0] in functions_of(ROOT / file), test


@pytest.mark.req("SCN-3.1")
@EACH
def test_every_patch_applies_exactly_once_and_gives_python(mutant: Mutant) -> None:
    assert all(patch.old != patch.new for patch in mutant.patches)
    for module in mutant.modules:
        source = source_path(module).read_text()
        changed = patched(mutant, module, source)
        assert ast.dump(ast.parse(changed)) != ast.dump(ast.parse(source))


@pytest.mark.req("SCN-3.1")
@pytest.mark.parametrize("old", ["def nobody", "import"])
def test_a_patch_whose_text_is_missing_or_ambiguous_is_refused(old: str) -> None:
    mutant = Mutant("stale", "", "reference.backoff", (Patch(old, ""),), ())
    with pytest.raises(StalePatch, match="not once"):
        patched(mutant, "reference.backoff", source_path("reference.backoff").read_text())


@pytest.mark.req("SCN-3.1")
def test_a_name_that_is_nearly_right_is_suggested() -> None:
    with pytest.raises(UnknownMutant, match="sync-tried-again"):
        find("sync-tried-agian")


@pytest.mark.req("SCN-3.2")
def test_the_list_has_a_line_for_each() -> None:
    lines = list(listing())
    assert [line.split()[0] for line in lines] == [mutant.name for mutant in ALL]


# ---- The hook ---------------------------------------------------------------


@pytest.mark.req("SCN-3.1")
def test_only_the_named_modules_are_patched_and_no_bytecode_is_kept() -> None:
    code = (
        "import reference.backoff, reference.limits\n"
        "for module in (reference.backoff, reference.limits):\n"
        "    print(type(module.__spec__.loader).__name__)\n"
        "import fault_injection.mutants.applying as hook; print(hook.switched_on())\n"
    )
    cache = source_path("reference.backoff").parent / "__pycache__"
    before = {path: path.stat().st_mtime_ns for path in cache.glob("backoff.*")}
    done = python(code, "no-backoff")
    assert done.stdout.split() == ["_Loader", "SourceFileLoader", "no-backoff"], done.stderr
    assert {path: path.stat().st_mtime_ns for path in cache.glob("backoff.*")} == before


@pytest.mark.req("SCN-3.1")
def test_a_patched_module_behaves_differently_and_an_unpatched_process_does_not() -> None:
    code = "from reference.acknowledgement_slots import slot_offset; print(slot_offset(1))"
    assert python(code, "slots-in-one-place").stdout == "0\n"
    assert python(code).stdout == "4096\n"


@pytest.mark.req("SCN-3.1")
def test_a_mutant_that_comes_too_late_or_second_is_refused() -> None:
    late = python(
        "import reference.backoff\nfrom fault_injection.mutants import install\n"
        "install('no-backoff')"
    )
    assert "imported already" in late.stderr
    second = python(
        "from fault_injection.mutants import install\ninstall('no-backoff')\ninstall('no-sync')",
        "no-backoff",
    )
    assert "no-backoff is on already" in second.stderr


@pytest.mark.req("SCN-3.1")
def test_importing_the_mutants_imports_nothing_that_may_be_patched() -> None:
    done = python(
        "import sys, fault_injection.mutants as m\nm.mutants()\n"
        "print([n for n in sys.modules if n.split('.')[0] in ('reference', 'simulators')])"
    )
    assert done.stdout == "[]\n", done.stderr


@pytest.mark.req("SCN-3.1")
def test_no_mutant_is_on_here() -> None:
    assert switched_on() == ""


# ---- The matrix -------------------------------------------------------------


@pytest.fixture(scope="module")
def rows(request: pytest.FixtureRequest) -> dict[str, MutantResult]:
    """The rows of the mutants that are asked for here, made on all processors."""
    ids = {
        item.nodeid.partition("test_every_mutant_is_killed")[2] for item in request.session.items
    }
    wanted = [mutant.name for mutant in ALL if f"[{mutant.name}]" in ids]
    return {row.name: row for row in try_mutants(wanted, jobs=os.cpu_count() or 1)}


@pytest.mark.req("SCN-3.2")
@EACH
def test_every_mutant_is_killed(mutant: Mutant, rows: dict[str, MutantResult]) -> None:
    assert rows[mutant.name].is_killed, rows[mutant.name]


@pytest.mark.req("SCN-3.2")
def test_a_mutant_that_nothing_finds_survives() -> None:
    assert not MutantResult("x", "", "", (), ("a test",)).is_killed
    assert not MutantResult("x", "", "", ("a scenario",), ()).is_killed
    assert not MutantResult("x", "", "", was_tested=False, has_scenarios=False).is_killed
    assert MutantResult("x", "", "", ("a scenario",), was_tested=False).is_killed


@pytest.mark.req("SCN-3.2")
def test_tests_that_do_not_exist_are_an_error_and_no_kill() -> None:
    wrong = Mutant("no-sync", "", "", (), ("tests/test_traps.py::test_of_nothing",))
    with pytest.raises(UsageError, match="pytest ended with 4"):
        try_mutant(wrong)


@pytest.mark.req("SCN-3.2", "SCN-2.3")
@pytest.mark.parametrize("ask", [fails_without_mutants, try_mutants])
def test_without_pytest_the_tests_are_refused_before_anything_is_tried(
    ask: Callable[[list[str]], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matrix, "find_spec", lambda _: None)
    monkeypatch.setattr(matrix, "_tried", lambda *_, **__: pytest.fail("it was tried"))
    with pytest.raises(UsageError, match="--scenarios-only"):
        ask(["no-sync"])


@pytest.mark.req("SCN-3.2")
@pytest.mark.parametrize("deep", [False, True])
def test_what_fails_without_a_mistake_is_looked_for_as_deeply_as_mistakes_are(
    deep: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A scenario that always fails would be a killer of every mutant."""
    tried: list[tuple[str, bool]] = []

    def trial(name: str, *_: object, is_deep: bool) -> Trial:
        tried.append((name, is_deep))
        return Trial(failed_scenarios={"kitchen-sink": "always"} if is_deep else {})

    monkeypatch.setattr(matrix, "_tried", trial)
    code = cli.run(["mutants", "no-sync", "--scenarios-only", "--jobs", "1", *["--deep"] * deep])
    logging.disable(logging.NOTSET)
    assert code == 1
    assert ("without any mutant these fail: kitchen-sink" in capsys.readouterr().err) == deep
    assert tried == ([("", True)] if deep else [("", False), ("no-sync", False)])


@pytest.mark.req("SCN-3.2")
def test_rows_come_in_order_and_are_told_as_they_come() -> None:
    told: list[str] = []
    names = ["rotation-fails-the-append", "no-sync"]
    rows = try_mutants(names, scenarios_only=True, jobs=2, on_result=lambda r: told.append(r.name))
    assert [row.name for row in rows] == names == told
    assert all(row.is_killed and not row.killed_by_tests for row in rows)
