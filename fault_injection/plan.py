"""A plan: what is done to a log or a connector and what goes wrong, step by step, as data.

A plan is the smallest thing that shows a failure again: it is written to a file, read back,
shrunk, and run on the reference or on a port. It holds no code and no time. JSON:

    {"plan": 1, "scenario": "torn-tail-bytes", "world": "log", "profile": "posix-min",
     "seed": 0, "settings": {"rotation_bytes": 8392},
     "steps": [{"do": "open"}, {"do": "append", "count": 2}, {"do": "power-cut", ...}]}

A field that has its default is left out. An unknown field, step or version is refused: a plan
that is half understood would pass for the wrong reason.

The steps are in log_steps.py and connector_steps.py, what they do in log_run.py and
connector_run.py, what their numbers may be in plan_bounds.py. Spec: SCN-1.2.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Final

from fault_injection.errors import PlanError

PLAN_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens. A subclass is frozen, with fields that JSON has."""

    do: ClassVar[str] = ""
    """Its word in a plan."""

    def as_json(self) -> dict[str, object]:
        """Return the published form, without what has its default."""
        shown: dict[str, object] = {"do": self.do}
        for each in dataclasses.fields(self):
            value = getattr(self, each.name)
            if value != each.default:
                shown[each.name] = value
        return shown

    def __str__(self) -> str:
        shown = self.as_json()
        words = [f"{name} {value}" for name, value in shown.items() if name != "do"]
        return f"{self.do} {', '.join(words)}".strip()


_JSON_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "int": (int,), "str": (str,), "bool": (bool,), "float": (int, float),
}  # fmt: skip
STEPS: Final[dict[str, dict[str, type[Step]]]] = {"log": {}, "connector": {}}
"""World to word to class: filled by `step`."""


def step(*worlds: str) -> _Register:
    """Make a step known to these worlds, under its word."""
    return _Register(worlds)


@dataclass(frozen=True, slots=True)
class _Register:
    worlds: tuple[str, ...]

    def __call__(self, kind: type[Step]) -> type[Step]:
        for world in self.worlds:
            assert kind.do not in STEPS[world], kind.do
            STEPS[world][kind.do] = kind
        return kind


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done, in which world, under which profile of a disk."""

    scenario: str
    world: str
    steps: tuple[Step, ...]
    profile: str = "posix-min"
    seed: int = 0
    settings: Mapping[str, int] = field(default_factory=dict)
    """Limits that differ from those of the world, by their names in the configuration."""

    def with_steps(self, *steps: Step) -> Plan:
        """Return the plan with other steps."""
        return dataclasses.replace(self, steps=steps)

    def limited(self, settings: Mapping[str, int]) -> Plan:
        """Return the plan with these settings besides its own."""
        return dataclasses.replace(self, settings={**self.settings, **settings})

    def then(self, *steps: Step) -> Plan:
        """Return the plan with more steps at the end."""
        return dataclasses.replace(self, steps=(*self.steps, *steps))

    def as_json(self) -> dict[str, object]:
        """Return the published form."""
        return {
            "plan": PLAN_VERSION,
            "scenario": self.scenario,
            "world": self.world,
            "profile": self.profile,
            "seed": self.seed,
            "settings": dict(self.settings),
            "steps": [each.as_json() for each in self.steps],
        }

    def as_text(self) -> str:
        """Return the plan as it is written to a file: a step a line."""
        shown = self.as_json()
        steps = ",\n  ".join(json.dumps(each.as_json()) for each in self.steps)
        del shown["steps"]
        return f'{json.dumps(shown)[:-1]},\n "steps": [\n  {steps}\n]}}\n'


def parse_plan(text: str) -> Plan:
    """Return the plan in the text. Raises PlanError, naming what is wrong and where."""
    try:
        found = json.loads(text, object_pairs_hook=_object, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise PlanError(f"not JSON: {error}") from error
    if not isinstance(found, dict):
        raise PlanError("a plan is a JSON object")
    version = found.pop("plan", None)
    if version != PLAN_VERSION or not _is(version, "int"):
        raise PlanError(f'"plan" must be {PLAN_VERSION}: this kit reads no other version')
    known = {each.name for each in dataclasses.fields(Plan)}
    if unknown := sorted(set(found) - known):
        raise PlanError(f"unknown field {unknown[0]!r}; a plan has {sorted(known)}")
    if missing := sorted({"scenario", "world", "steps"} - set(found)):
        raise PlanError(f"field {missing[0]!r} is missing")
    world = found["world"]
    if not isinstance(world, str) or world not in STEPS:
        raise PlanError(f"world {world!r} is none of {sorted(STEPS)}")
    for name, kind in (("scenario", "str"), ("profile", "str"), ("seed", "int")):
        if name in found and not _is(found[name], kind):
            raise PlanError(f"field {name!r} must be a {kind}")
    if not isinstance(found.get("settings", {}), dict):
        raise PlanError("field 'settings' must be a dict")
    for name, value in found.get("settings", {}).items():
        if not _is(value, "int"):
            raise PlanError(f"setting {name!r} must be int")
    if not isinstance(found["steps"], list):
        raise PlanError("field 'steps' must be a list")
    found["steps"] = tuple(
        _parse_step(each, world, number) for number, each in enumerate(found["steps"], 1)
    )
    return Plan(**found)


def _parse_step(found: object, world: str, number: int) -> Step:
    if not isinstance(found, dict):
        raise PlanError(f"step {number} is not an object")
    word = found.pop("do", None)
    kind = STEPS[world].get(word) if isinstance(word, str) else None
    if kind is None:
        raise PlanError(f"step {number}: {word!r} is none of {sorted(STEPS[world])}")
    fields = {each.name: each for each in dataclasses.fields(kind)}
    if unknown := sorted(set(found) - set(fields)):
        raise PlanError(f"step {number}, {word}: unknown field {unknown[0]!r}")
    for name, each in fields.items():
        if name in found:
            if not _is(found[name], str(each.type)):
                raise PlanError(f"step {number}, {word}: {name!r} must be {each.type}")
        elif each.default is dataclasses.MISSING:
            raise PlanError(f"step {number}, {word}: {name!r} is missing")
    return kind(**found)


def _is(value: object, kind: str) -> bool:
    """Whether the value has the type; in JSON true is no number, and a float is finite."""
    if isinstance(value, bool):
        return kind == "bool"
    if isinstance(value, float) and not math.isfinite(value):
        return False  # as 1e999 is read
    return isinstance(value, _JSON_TYPES[kind])


def _object(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    """Return the object. Raises PlanError for a name that stands twice: which one is meant?"""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise PlanError(f"{twice!r} stands twice in one object")
    return found


def _no_number(word: str) -> object:
    raise PlanError(f"not JSON: {word} is no number")
