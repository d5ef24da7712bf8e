"""Mistakes that a port makes when it is asked to, and what of the kit finds each first.

A mistake is tried in the same ways as any port, cheapest first: `smoke`, `vectors`, `contract`,
the scenarios. Of these the ones that the list names come first (`found_by`, then `hints`), then
all others. The first finding ends it; what nothing finds is said with the number of cases that
were tried.

Smoke and vectors also find by a line that the protocol does not allow. In the contract and the
scenarios such a line, like a refusal by the tracer, finds no mistake: the status is "error".

Not here: the list (mistake_list.py), the rows of all of them and their table
(mistake_matrix.py).

Spec: PRT-1.5.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

from fault_injection.log_steps import Damage, Fault, Kill, PowerCut
from fault_injection.plan import Plan
from fault_injection.ports.adapter import Adapter
from fault_injection.ports.contract import RULES, try_contract
from fault_injection.ports.errors import AdapterError
from fault_injection.ports.mistake_list import Found, Mistake
from fault_injection.ports.smoke import smoke
from fault_injection.ports.vectors import try_vectors, vector_ids
from fault_injection.result import Status
from fault_injection.runner import SLICES, Slice, run_slice
from fault_injection.scenario import Effort
from fault_injection.scenarios import catalogue
from fault_injection.subject import Died

WAYS: Final = ("smoke", "vectors", "contract", "scenarios")
"""Cheapest first."""
DAMAGE: Final = "damage"
USE: Final = "use"
"""What a plan needs that crashes nothing: rotten bytes, or ordinary use."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One mistake, and how it is tried. Goes to a worker."""

    mistake: Mistake
    switch: str
    """Empty: no mistake is switched on, and nothing may be found."""
    port: tuple[str, ...]
    effort: Effort
    ways: tuple[str, ...] = WAYS


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
