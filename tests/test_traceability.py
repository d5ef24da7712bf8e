"""Every requirement has what shows it, and what shows it names requirements that exist.

For each requirement: the examples, the properties and state machines, the scenarios, the
vectors that carry its ID, and the mutants that its tests find. A MUST needs an example, a
property or a scenario, and a vector, or a reason why not (traceability_reasons.py). The matrix
is written to `.reports/traceability.md`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fault_injection.mutants import mutants
from fault_injection.scenarios import catalogue
from fault_injection.spec_requirements import requirements
from tests.conftest import COLLECTED_EVERYTHING, COLLECTED_PROPERTIES, COLLECTED_REQUIREMENTS
from tests.traceability_reasons import NO_PROPERTY, NO_VECTOR

ROOT = Path(__file__).parents[1]
REPORT = ROOT / ".reports" / "traceability.md"


@dataclass(slots=True)
class Row:
    """What shows one requirement."""

    level: str
    examples: list[str] = field(default_factory=list)
    properties: list[str] = field(default_factory=list)
    scenarios: list[str] = field(default_factory=list)
    vectors: int = 0
    mutants: list[str] = field(default_factory=list)


def vector_requirements() -> list[str]:
    """The IDs on the vectors, one for each vector that carries it."""
    found: list[str] = []
    for path in sorted((ROOT / "tests" / "vectors").glob("*.json")):
        for vector in json.loads(path.read_text()).get("tests", []):
            found += vector["requirements"]
    return found


def matrix() -> dict[str, Row]:
    """The whole of it."""
    rows = {each.id: Row(each.level) for each in requirements().values()}
    for each, tests in COLLECTED_REQUIREMENTS.items():
        if each in rows:
            rows[each].properties = sorted(tests & COLLECTED_PROPERTIES)
            rows[each].examples = sorted(tests - COLLECTED_PROPERTIES)
    for scenario in catalogue().values():
        for each in scenario.requirements:
            rows[each].scenarios.append(scenario.id)
    for each in vector_requirements():
        rows[each].vectors += 1
    for mutant in mutants().values():
        found_by = {test.split("[")[0] for test in mutant.found_by}
        for row in rows.values():
            if found_by & {*row.examples, *row.properties}:
                row.mutants.append(mutant.name)
    return rows


@pytest.mark.req("ARC-1.1")
def test_every_id_on_a_test_is_in_the_spec() -> None:
    assert not set(COLLECTED_REQUIREMENTS) - set(requirements())


@pytest.mark.req("ARC-1.1", "SCN-1.1")
def test_every_id_on_a_scenario_or_a_vector_is_in_the_spec() -> None:
    named = {each for scenario in catalogue().values() for each in scenario.requirements}
    assert not (named | set(vector_requirements())) - set(requirements())


@pytest.mark.req("ARC-1.1")
def test_every_requirement_is_shown() -> None:
    if not COLLECTED_EVERYTHING[0]:
        pytest.skip("only part of the tests was collected, so a gap would mean nothing")
    rows = matrix()
    write_report(rows)
    gaps = [f"{each}: no test" for each, row in rows.items() if not row.examples + row.properties]
    for each, row in rows.items():
        if row.level != "MUST":
            continue
        if not row.examples:
            gaps.append(f"{each}: no example")
        if not (row.properties or row.scenarios or each in NO_PROPERTY):
            gaps.append(f"{each}: neither property nor scenario, and no reason")
        if not (row.vectors or each in NO_VECTOR):
            gaps.append(f"{each}: no vector, and no reason")
    assert not gaps


@pytest.mark.req("ARC-1.1")
def test_every_reason_is_needed() -> None:
    """A reason for a gap that was filled would hide the next one."""
    if not COLLECTED_EVERYTHING[0]:
        pytest.skip("only part of the tests was collected, so a gap would mean nothing")
    rows = matrix()
    assert not (set(NO_PROPERTY) | set(NO_VECTOR)) - set(rows)
    filled = [each for each in NO_PROPERTY if rows[each].properties or rows[each].scenarios]
    assert not filled
    assert not [each for each in NO_VECTOR if rows[each].vectors]


def write_report(rows: dict[str, Row]) -> None:
    """Write the matrix, in Markdown."""
    lines = [
        "| requirement | level | examples | properties | scenarios | vectors | mutants |",
        "|---|---|---|---|---|---|---|",
    ]
    for each, row in rows.items():
        cells = [
            _cell(row.examples, ""),
            _cell(row.properties, NO_PROPERTY.get(each, "")),
            _cell(row.scenarios, ""),
            str(row.vectors) if row.vectors else NO_VECTOR.get(each, ""),
            _cell(row.mutants, ""),
        ]
        lines.append(f"| {each} | {row.level} | {' | '.join(cells)} |")
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text("\n".join(lines) + "\n")


def _cell(names: list[str], reason: str) -> str:
    if not names:
        return reason
    shown = ", ".join(name.rpartition("::")[2] for name in names)
    return f"{len(names)}: {shown}"
