"""The list of a port's mistakes: a file, read, chosen from, and written back with what was found.

    {"switch": "WAL_RS_MISTAKE",
     "mistakes": [{"name": "no-sync", "sentence": "Appends are answered without a sync.",
                   "hints": ["power-cut-every-op"], "found_by": {...}}]}

A mistake is made while the environment variable `switch` has its name. Not here: how one is
tried (mistakes.py). Spec: PRT-1.5.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from fault_injection.errors import UsageError
from fault_injection.scenarios import find

_FIELDS: Final = frozenset({"name", "sentence", "files", "hints", "found_by"})


@dataclass(frozen=True, slots=True)
class Mistake:
    """One entry of the list."""

    name: str
    sentence: str
    hints: tuple[str, ...] = ()
    """Scenarios that are tried first."""
    found_by: dict[str, str] = field(default_factory=dict)
    """What found it when the list was written: `op`, `vector` or `rule`; `scenario`, `invariant`
    and `way`."""


@dataclass(frozen=True, slots=True)
class MistakeList:
    """A file of them."""

    switch: str
    """The environment variable."""
    mistakes: tuple[Mistake, ...]

    def chosen(self, names: Sequence[str]) -> tuple[Mistake, ...]:
        """Return those with these names, all if there are none. Raises UsageError."""
        by_name = {each.name: each for each in self.mistakes}
        if unknown := [each for each in names if each not in by_name]:
            raise UsageError(f"{unknown[0]} is none of the mistakes: {', '.join(by_name)}")
        return tuple(by_name[each] for each in names) or self.mistakes


@dataclass(frozen=True, slots=True)
class Found:
    """What was tried against one mistake, and what found it."""

    name: str
    status: str
    """"found", "not-found" or "error"."""
    way: str = ""
    """"smoke", "vectors", "contract", "T0" to "T3", "damage" (rotten bytes) or "use" (no crash)."""
    where: str = ""
    """The operation, the vector, the rule, or the scenario."""
    invariant: str = ""
    what: str = ""
    """What was found, in words; or the error."""
    vectors: int = 0
    """So many were tried, the one that found it included."""
    cases: int = 0
    """Of scenarios: so many were tried, the one that found it included."""
    steps_before: int = 0
    steps: int = 0
    """Of the plan, after shrinking."""
    seconds: float = 0.0
    """Of processor time, the port's included."""


def read_mistakes(path: Path) -> MistakeList:
    """Return the list. Raises UsageError, naming what is wrong."""
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"--mistakes {path}: {error}") from error
    if not isinstance(value, dict) or value.keys() != {"switch", "mistakes"}:
        raise UsageError(f"--mistakes {path}: an object {{switch, mistakes}} is expected")
    entries = tuple(
        _entry(each, f"--mistakes {path}, entry {number}")
        for number, each in enumerate(value["mistakes"])
    )
    names = [each.name for each in entries]
    if len(set(names)) < len(names):
        raise UsageError(f"--mistakes {path}: a name stands twice")
    return MistakeList(value["switch"], entries)


def _entry(value: Any, where: str) -> Mistake:
    if not isinstance(value, dict) or not value.get("name") or not value.get("sentence"):
        raise UsageError(f"{where}: a name and a sentence are needed")
    if unknown := sorted(value.keys() - _FIELDS):
        raise UsageError(f"{where}: there is no field {unknown[0]!r}")
    found_by = value.get("found_by", {})
    if unknown := sorted(
        found_by.keys() - {"op", "vector", "rule", "scenario", "invariant", "way"}
    ):
        raise UsageError(f"{where}: found_by has no field {unknown[0]!r}")
    known = [found_by["scenario"]] if "scenario" in found_by else []
    hints = tuple(dict.fromkeys(find(each).name for each in [*known, *value.get("hints", [])]))
    return Mistake(value["name"], value["sentence"], hints, found_by)


def write_found(path: Path, found: Sequence[Found]) -> None:
    """Write into the list what found each; what other ways found before stays."""
    value = json.loads(path.read_text("utf-8"))
    rows = {each.name: each for each in found if each.status == "found"}
    for entry in value["mistakes"]:
        if (row := rows.get(entry["name"])) is not None:
            entry["found_by"] = {**entry.get("found_by", {}), **_found_by(row)}
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _found_by(row: Found) -> dict[str, str]:
    if row.way == "smoke":
        return {"op": row.where}
    if row.way == "vectors":
        return {"vector": row.where}
    if row.way == "contract":
        return {"rule": row.where}
    return {"scenario": row.where, "invariant": row.invariant, "way": row.way}
