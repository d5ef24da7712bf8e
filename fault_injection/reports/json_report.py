"""The report for machines; `report.schema.json` beside this file says what may be in it.

Counts of legal states have no bound, so they are decimal strings: a reader whose numbers are
doubles would change them. Bytes are lowercase hex. A field is always there.

Spec: SCN-2.2.
"""

from __future__ import annotations

import json
from importlib import resources
from typing import Any, Final

from fault_injection.cases import Tally
from fault_injection.reports.words import (
    coverage_sentences,
    invariant_words,
    statuses,
    verdict,
)
from fault_injection.result import (
    Failure,
    MutantResult,
    PortResult,
    RunResult,
    ScenarioResult,
    Status,
)

REPORT_VERSION: Final = 1


def report_schema() -> Any:
    """Return the published schema."""
    place = resources.files("fault_injection.reports").joinpath("report.schema.json")
    return json.loads(place.read_text(encoding="utf-8"))


def report_json(result: RunResult) -> str:
    """Return the report as it is written."""
    return json.dumps(report_value(result), indent=1) + "\n"


def report_value(result: RunResult) -> dict[str, Any]:
    """Return the report as plain data."""
    found = verdict(result)
    by = statuses(result)
    versions = result.versions
    return {
        "report": REPORT_VERSION,
        "subject": result.subject,
        "port": _port(result.port),
        "mutant": result.mutant,
        "verdict": {"word": found.word, "sentence": found.sentence},
        "exit_code": result.exit_code,
        "versions": {
            "kit": versions.kit, "spec": versions.spec, "plan": versions.plan,
            "vectors": versions.vectors, "python": versions.python,
            "platform": versions.platform,
        },
        "seed": result.seed,
        "is_deep": result.is_deep,
        "jobs": result.jobs,
        "shard": result.shard,
        "started": result.started,
        "seconds": round(result.seconds, 3),
        "totals": {
            "statuses": {status.value: by[status] for status in Status},
            "tally": _tally(result.total),
            "coverage": coverage_sentences(result),
        },
        "scenarios": [_scenario(each) for each in result.scenarios],
        "mutants": [_mutant(each) for each in result.mutants],
        "requirements": dict(sorted(result.requirement_texts.items())),
    }  # fmt: skip


def _scenario(scenario: ScenarioResult) -> dict[str, Any]:
    return {
        "id": scenario.id,
        "title": scenario.title,
        "when": scenario.when,
        "contract": scenario.contract,
        "why": scenario.why,
        "status": scenario.status.value,
        "reason": scenario.reason,
        "requirements": list(scenario.requirements),
        "invariants": list(scenario.invariants),
        "tally": _tally(scenario.tally),
        "seconds": round(scenario.seconds, 3),
        "failures": [_failure(each) for each in scenario.failures],
    }


def _port(port: PortResult | None) -> dict[str, Any] | None:
    if port is None:
        return None
    return {
        "name": port.name, "version": port.version, "language": port.language,
        "command": port.command, "protocol": port.protocol,
        "capabilities": list(port.capabilities),
        "tiers": [
            {
                "name": each.name, "title": each.title, "is_run": not each.reason,
                "count": each.count, "reason": each.reason,
            }
            for each in port.tiers
        ],
    }  # fmt: skip


def _tally(tally: Tally) -> dict[str, Any]:
    return {
        "cases": tally.cases,
        "checks": tally.checks,
        "moments": tally.moments,
        "legal": str(tally.legal),
        "legal_is_lower_bound": tally.is_lower_bound,
        "explored": tally.explored,
        "distinct": tally.distinct,
        "nested": tally.nested,
        "equivalents": tally.equivalents,
        "fired": dict(sorted(tally.fired.items())),
    }


def _failure(failure: Failure) -> dict[str, Any]:
    title, text = invariant_words(failure)
    return {
        "invariant": failure.invariant,
        "invariant_title": title,
        "invariant_text": text,
        "what": failure.what,
        "requirements": list(failure.requirements),
        "plan": failure.plan,
        "plan_file": failure.plan_file,
        "replay_command": failure.replay_command,
        "shrunk_from": failure.shrunk_from,
        "story": list(failure.story),
        "timeline": [
            {"lane": each.lane, "text": each.text, "kind": each.kind, "step": each.step}
            for each in failure.timeline
        ],
        "bytes": [
            {
                "file": each.file, "offset": each.offset, "expected": each.expected.hex(),
                "found": each.found.hex(), "note": each.note,
            }
            for each in failure.hex_lines
        ],
    }  # fmt: skip


def _mutant(mutant: MutantResult) -> dict[str, Any]:
    return {
        "name": mutant.name,
        "mistake": mutant.mistake,
        "trap": mutant.trap,
        "is_killed": mutant.is_killed,
        "killed_by_scenarios": list(mutant.killed_by_scenarios),
        "killed_by_tests": list(mutant.killed_by_tests),
        "lacks": list(mutant.lacks),
    }
