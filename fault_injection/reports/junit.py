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
from fault_injection.reports.words import killers_text, visible
from fault_injection.result import MutantResult, RunResult, ScenarioResult, Status

_ELEMENTS: Final = {
    Status.FAILED: "failure", Status.ERROR: "error", Status.PARTIAL: "error",
    Status.KNOWN: "skipped", Status.NOT_RUN: "skipped",
}  # fmt: skip
_COUNTED: Final = {
    "tests": "testcase", "failures": "failure", "errors": "error", "skipped": "skipped",
}  # fmt: skip


def junit_xml(result: RunResult) -> str:
    """Return the document."""
    seconds = sum(each.seconds for each in result.scenarios)
    root = Element("testsuites", name="fault injection")
    if result.scenarios:
        suite = _suite(root, "scenarios", result, seconds)
        for scenario in result.scenarios:
            _scenario_case(suite, result, scenario)
        _count(suite)
    if result.mutants:
        suite = _suite(root, "mutants", result, 0.0)
        for mutant in result.mutants:
            _mutant_case(suite, mutant)
        _count(suite)
    _count(root)
    root.set("time", f"{seconds:.3f}")
    ElementTree.indent(root, " ")
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _count(element: Element) -> None:
    """Say how many of each there are in it."""
    for name, tag in _COUNTED.items():
        element.set(name, str(sum(1 for _ in element.iter(tag))))


def _suite(root: Element, name: str, result: RunResult, seconds: float) -> Element:
    suite = SubElement(root, "testsuite", name=f"fault injection, {name}")
    suite.set("timestamp", result.started)
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
