"""`list` and `explain`: the catalogue and its words, for a person.

Spec: SCN-1.1.
"""

from __future__ import annotations

import argparse
import contextlib
import textwrap

from fault_injection.errors import UnknownMutant, UnknownScenario
from fault_injection.invariants import INVARIANTS
from fault_injection.mutants import find as find_mutant
from fault_injection.options import called_by
from fault_injection.scenario import Effort, Scenario
from fault_injection.scenarios import catalogue, find
from fault_injection.spec_requirements import requirements

WIDTH = 96


def list_scenarios(options: argparse.Namespace) -> int:
    """Print a line for each scenario."""
    del options
    for each in catalogue().values():
        print(f"{each.number:3}  {each.name:32} {' '.join(each.invariants):24} {each.title}")
    return 0


def explain_scenario(options: argparse.Namespace) -> int:
    """Print all there is to say about a name. Raises UnknownScenario."""
    name: str = options.name
    if name in INVARIANTS:
        _explain_invariant(name)
    elif name in requirements():
        _explain_requirement(name)
    else:
        _explain_scenario_or_mutant(name)
    return 0


def _explain_scenario_or_mutant(name: str) -> None:
    """Raises UnknownScenario if it is neither: most who mistype mean a scenario."""
    try:
        scenario = find(name)
    except UnknownScenario as unknown:
        with contextlib.suppress(UnknownMutant):
            print(find_mutant(name).as_text())
            return
        raise unknown
    _explain_scenario(scenario)


def _explain_scenario(scenario: Scenario) -> None:
    print(f"{scenario.id}: {scenario.title}\n")
    for word, text in (
        ("when", scenario.when),
        ("effect", scenario.effect),
        ("contract", scenario.contract),
        ("why", scenario.why),
        ("strikes", ", ".join(scenario.strikes)),
    ):
        _paragraph(f"{word}:", text)
    normal = sum(1 for _ in scenario.cases(Effort()))
    _paragraph("cases:", f"{normal}; each is a plan")
    print()
    for name in scenario.invariants:
        _paragraph(name, f"{INVARIANTS[name].title}: {INVARIANTS[name].text}")
    print()
    for name in scenario.requirements:
        _paragraph(name, f"({requirements()[name].level}) {requirements()[name].text}")
    print(f"\nrun it:  {called_by()} run {scenario.name}")


def _explain_invariant(name: str) -> None:
    invariant = INVARIANTS[name]
    print(f"{name} {invariant.title}: {invariant.text}\n")
    for each in invariant.requirements:
        _paragraph(each, requirements()[each].text)
    used = [s.name for s in catalogue().values() if name in s.invariants]
    _paragraph("checked by", ", ".join(used))


def _explain_requirement(name: str) -> None:
    requirement = requirements()[name]
    _paragraph(f"{name} ({requirement.level})", requirement.text)
    used = [s.name for s in catalogue().values() if name in s.requirements]
    _paragraph("shown by", ", ".join(used) or "tests only: see .reports/traceability.md")


def _paragraph(word: str, text: str) -> None:
    print(textwrap.fill(
        text, WIDTH, initial_indent=f"{word:<12} ", subsequent_indent=" " * 13,
    ))  # fmt: skip
