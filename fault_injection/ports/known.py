"""Failures that are known: a file that says which, why, and where it is being worked on.

    [{"id": "S65-quota-reached", "reason": "no quota yet", "link": "https://..."}]

An entry is a scenario or a vector. What fails and is listed is counted apart; what is listed
and passes is stale, and fails: a list that is not kept says nothing.

Spec: PRT-1.4.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fault_injection.errors import UsageError
from fault_injection.ports.vectors import VectorResult, vector_ids
from fault_injection.result import ScenarioResult, Status
from fault_injection.scenarios import catalogue


@dataclass(frozen=True, slots=True)
class Known:
    """One entry."""

    id: str
    reason: str
    link: str = ""

    @property
    def words(self) -> str:
        """Why it fails, and where that is written."""
        return f"known: {self.reason}" + (f" ({self.link})" if self.link else "")


def read_known(path: Path | None) -> dict[str, Known]:
    """Return the entries by ID. Raises UsageError."""
    if path is None:
        return {}
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"--known {path}: {error}") from error
    if not isinstance(value, list):
        raise UsageError(f"--known {path}: a list of {{id, reason, link}} is expected")
    found: dict[str, Known] = {}
    names = {*(each.id for each in catalogue().values()), *vector_ids()}
    for number, each in enumerate(value):
        known = _entry(each, f"--known {path}, entry {number}")
        if known.id not in names:
            raise UsageError(f"--known {path}: {known.id} is no scenario and no vector")
        if known.id in found:
            raise UsageError(f"--known {path}: {known.id} stands twice")
        found[known.id] = known
    return found


def _entry(value: object, where: str) -> Known:
    texts = isinstance(value, dict) and all(isinstance(each, str) for each in value.values())
    if not isinstance(value, dict) or not texts:
        raise UsageError(f"{where}: an object of texts {{id, reason, link}} is expected")
    if unknown := sorted(value.keys() - {"id", "reason", "link"}):
        raise UsageError(f"{where}: there is no field {unknown[0]!r}")
    if not value.get("id") or not value.get("reason"):
        raise UsageError(f"{where}: an id and a reason are needed")
    return Known(value["id"], value["reason"], value.get("link", ""))


def mark_known(scenarios: Sequence[ScenarioResult], known: Mapping[str, Known]) -> None:
    """Count known failures apart; make what passes although it is listed an error."""
    for each in scenarios:
        if each.id not in known:
            continue
        if each.status is Status.FAILED:
            each.status, each.reason = Status.KNOWN, f"{known[each.id].words}; {each.reason}"
        elif each.status is Status.PASSED:
            each.status = Status.ERROR
            each.reason = "it passes, and stands in the list of known failures: take it out"


def vector_known(found: VectorResult, known: Mapping[str, Known]) -> VectorResult:
    """Return the vector's result with its entry in the list taken into account."""
    if found.id not in known:
        return found
    if found.status == "failed":
        return replace(found, status="known", text=known[found.id].words)
    if found.status == "passed":
        return replace(found, status="stale", text="it passes: take it out of the list")
    return found
