"""Mistakes that a port makes when it is asked to, and what of the kit finds each first.

    {"switch": "WAL_RS_MISTAKE",
     "mistakes": [{"name": "no-sync", "sentence": "Appends are answered without a sync.",
                   "hints": ["power-cut-every-op"], "found_by": {...}}]}

A mistake is made while the environment variable `switch` has its name. It is tried in the same
ways as any port, cheapest first: `smoke`, `vectors`, `contract`, the scenarios. Of these the ones
that the list names come first (`found_by`, then `hints`), then all others. The first finding ends
it; what nothing finds is said with the number of cases that were tried.

A refusal by the tracer, or a line that the protocol does not allow, finds no mistake: the status
is "error" then. Not here: the rows of all of them, and their table (mistake_matrix.py).

Spec: PRT-1.5.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from fault_injection.errors import UsageError
from fault_injection.log_steps import Damage, Fault, Kill, PowerCut
from fault_injection.plan import Plan
from fault_injection.ports.adapter import Adapter
from fault_injection.ports.contract import RULES, try_contract
from fault_injection.ports.errors import AdapterError
from fault_injection.ports.smoke import smoke
from fault_injection.ports.vectors import try_vectors, vector_ids
from fault_injection.result import Status
from fault_injection.runner import SLICES, Slice, run_slice
from fault_injection.scenario import Effort
from fault_injection.scenarios import catalogue, find
from fault_injection.subject import Died

WAYS: Final = ("smoke", "vectors", "contract", "scenarios")
"""Cheapest first."""
DAMAGE: Final = "damage"
USE: Final = "use"
"""What a plan needs that crashes nothing: rotten bytes, or ordinary use."""
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


@dataclass(frozen=True, slots=True)
class Trial:
    """One mistake, and how it is tried. Goes to a worker."""

    mistake: Mistake
    switch: str
    """Empty: no mistake is switched on, and nothing may be found."""
    port: tuple[str, ...]
    effort: Effort
    ways: tuple[str, ...] = WAYS


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


# ---- One mistake ------------------------------------------------------------

Progress = Callable[[str, int], None]
"""Told what is tried next, and how many cases were until then."""


def try_mistake(trial: Trial, progress: Progress = lambda _, __: None) -> Found:
    """Return what found it first, or that nothing did."""
    began = _processor_seconds()
    counts = {"vectors": 0, "cases": 0}
    result = Found(trial.mistake.name, "not-found")
    with _switched(trial.switch, trial.mistake.name):
        for found in _attempts(trial, counts, progress):
            result = found
            if found.status == "found":
                break
    # An error says nothing of the mistake, and must not be taken for a thorough search.
    seconds = round(_processor_seconds() - began, 1)
    return replace(result, vectors=counts["vectors"], cases=counts["cases"], seconds=seconds)


def _attempts(trial: Trial, counts: dict[str, int], progress: Progress) -> Iterator[Found]:
    """Yield what each way comes to, as long as it is something."""
    if "smoke" in trial.ways:
        progress("smoke", 0)
        yield from _smoked(trial)
    if "vectors" in trial.ways and vector_ids():
        progress("vectors", 0)
        yield from _vectors_tried(trial, counts)
    if "contract" in trial.ways:
        progress("contract", 0)
        yield from _contract_tried(trial)
    if "scenarios" in trial.ways:
        for name in dict.fromkeys([*trial.mistake.hints, *catalogue()]):
            progress(name, counts["cases"])
            yield from _scenario_tried(trial, name, counts)


def _smoked(trial: Trial) -> Iterator[Found]:
    try:
        with Adapter(trial.port) as adapter:
            for step in smoke(adapter):
                if not step.is_good:
                    yield Found(trial.mistake.name, "found", "smoke", step.op, what=step.text)
    except AdapterError as error:
        yield _error(trial, "smoke", error)


def _vectors_tried(trial: Trial, counts: dict[str, int]) -> Iterator[Found]:
    name = trial.mistake.name
    done = 0
    try:
        with Adapter(trial.port) as adapter:
            for each in try_vectors(adapter):
                done += 1
                counts["vectors"] += each.status != "not-applicable"
                if each.status == "failed":
                    yield Found(name, "found", "vectors", each.id, what=each.text)
    except AdapterError as error:
        counts["vectors"] += isinstance(error, Died)
        yield _ended(trial, "vectors", vector_ids()[done], error)


def _contract_tried(trial: Trial) -> Iterator[Found]:
    name = trial.mistake.name
    done = 0
    try:
        for each in try_contract(trial.port):
            done += 1
            if each.status == "failed":
                yield Found(name, "found", "contract", each.name, what=each.text)
    except AdapterError as error:
        yield _ended(trial, "contract", RULES[done][0], error)


def _ended(trial: Trial, way: str, where: str, error: AdapterError) -> Found:
    """What it is that the adapter did not answer: a death is a finding, all else an error."""
    if isinstance(error, Died):
        return Found(trial.mistake.name, "found", way, where, what=str(error))
    return _error(trial, way, error)


def _scenario_tried(trial: Trial, scenario: str, counts: dict[str, int]) -> Iterator[Found]:
    """All parts of the scenario, as `run --port --fail-fast` tries them."""
    for index in range(SLICES):
        result = run_slice(Slice(scenario, index, SLICES, trial.effort, trial.port))
        counts["cases"] += result.tally.cases
        if result.shrunk is not None:
            broken, plan = result.shrunk.broken, result.shrunk.plan
            yield Found(
                trial.mistake.name, "found", way_of(plan), scenario, broken.invariant,
                broken.what, steps_before=result.shrunk.steps_before, steps=len(plan.steps),
            )  # fmt: skip
        elif result.error:
            yield Found(trial.mistake.name, Status.ERROR.value, where=scenario, what=result.error)


def way_of(plan: Plan) -> str:
    """Return the tier of the hardest thing that the plan does."""
    faults = [each for each in plan.steps if isinstance(each, Fault)]
    is_cut = any(isinstance(each, PowerCut) for each in plan.steps)
    if is_cut and any(each.call.startswith("sync") and each.error == "EIO" for each in faults):
        return "T3"
    if faults:
        return "T2"
    if is_cut:
        return "T1"
    if any(isinstance(each, Kill) for each in plan.steps):
        return "T0"
    return DAMAGE if any(isinstance(each, Damage) for each in plan.steps) else USE


def _error(trial: Trial, where: str, error: AdapterError) -> Found:
    return Found(
        trial.mistake.name, Status.ERROR.value, where=where, what=f"{error.status}: {error}"
    )


@contextmanager
def _switched(variable: str, name: str) -> Iterator[None]:
    """Have the variable in the environment of the processes that are started here."""
    before = os.environ.get(variable) if variable else None
    if variable:
        os.environ[variable] = name
    try:
        yield
    finally:
        if variable and before is None:
            del os.environ[variable]
        elif before is not None:
            os.environ[variable] = before


def _processor_seconds() -> float:
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system
