"""JUnit XML, as GitHub, GitLab and Jenkins read it: a test case for each scenario and mutant.

    passed    a test case
    failed    `failure`, with the whole explanation as its text
    error     `error`
    partial   `error`: it was stopped, so nothing is shown
    known-failure, not-run  `skipped`, with the reason

Spec: SCN-2.2.
"""

from __future__ import annotations

from typing import Final
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from fault_injection.reports.failure_text import failure_lines
from fault_injection.reports.words import killers_text, statuses, visible
from fault_injection.result import MutantResult, RunResult, ScenarioResult, Status

_ELEMENTS: Final = {
    Status.FAILED: "failure", Status.ERROR: "error", Status.PARTIAL: "error",
    Status.KNOWN: "skipped", Status.NOT_RUN: "skipped",
}  # fmt: skip


def junit_xml(result: RunResult) -> str:
    """Return the document."""
    by = statuses(result)
    survivors = sum(not each.is_killed for each in result.mutants)
    counts = {
        "tests": len(result.scenarios),
        "failures": by[Status.FAILED],
        "errors": by[Status.ERROR] + by[Status.PARTIAL],
        "skipped": by[Status.NOT_RUN] + by[Status.KNOWN],
    }
    root = Element("testsuites", name="fault injection")
    _count(root, counts | {
        "tests": counts["tests"] + len(result.mutants),
        "failures": counts["failures"] + survivors,
    })  # fmt: skip
    root.set("time", f"{sum(each.seconds for each in result.scenarios):.3f}")
    if result.scenarios:
        suite = _suite(root, "scenarios", result, counts)
        for scenario in result.scenarios:
            _scenario_case(suite, result, scenario)
    if result.mutants:
        counts = {"tests": len(result.mutants), "failures": survivors, "errors": 0, "skipped": 0}
        suite = _suite(root, "mutants", result, counts)
        for mutant in result.mutants:
            _mutant_case(suite, mutant)
    ElementTree.indent(root, " ")
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _count(element: Element, counts: dict[str, int]) -> None:
    for name, number in counts.items():
        element.set(name, str(number))


def _suite(root: Element, name: str, result: RunResult, counts: dict[str, int]) -> Element:
    suite = SubElement(root, "testsuite", name=f"fault injection, {name}")
    suite.set("timestamp", result.started)
    _count(suite, counts)
    seconds = sum(each.seconds for each in result.scenarios) if name == "scenarios" else 0.0
    suite.set("time", f"{seconds:.3f}")
    versions = result.versions
    _properties(suite, [
        ("subject", result.subject), ("mutant", result.mutant), ("seed", str(result.seed)),
        ("shard", result.shard), ("kit", versions.kit), ("spec", versions.spec),
        ("plan", str(versions.plan)), ("vectors", versions.vectors),
        ("python", versions.python), ("platform", versions.platform),
    ])  # fmt: skip
    return suite


def _scenario_case(suite: Element, result: RunResult, scenario: ScenarioResult) -> None:
    case = SubElement(
        suite, "testcase", classname="fault_injection.scenarios", name=visible(scenario.id),
        time=f"{scenario.seconds:.3f}",
    )  # fmt: skip
    tally = scenario.tally
    _properties(case, [
        *(("requirement", each) for each in scenario.requirements),
        ("status", scenario.status.value), ("cases", str(tally.cases)),
        ("checks", str(tally.checks)), ("explored", str(tally.explored)),
        ("legal", str(tally.legal)), ("distinct", str(tally.distinct)),
    ])  # fmt: skip
    word = _ELEMENTS.get(scenario.status)
    if word is None:
        return
    reason = visible(scenario.reason or scenario.status.value)
    found = SubElement(case, word, message=f"{scenario.status.value}: {reason}")
    if word != "skipped":
        found.set("type", scenario.status.value)
    blocks = [
        "\n".join(failure_lines(each, result.requirement_texts)) for each in scenario.failures
    ]
    found.text = "\n\n".join(blocks) or reason


def _mutant_case(suite: Element, mutant: MutantResult) -> None:
    case = SubElement(
        suite, "testcase", classname="fault_injection.mutants", name=visible(mutant.name)
    )
    case.set("time", "0.000")
    if mutant.is_killed:
        return
    found = SubElement(case, "failure", message="survived", type="survived")
    lacks = ", ".join(mutant.lacks)
    found.text = visible(f"{mutant.mistake}\nfound by: {killers_text(mutant)}\n{lacks}")


def _properties(element: Element, pairs: list[tuple[str, str]]) -> None:
    properties = SubElement(element, "properties")
    for name, value in pairs:
        SubElement(properties, "property", name=name, value=visible(value))
