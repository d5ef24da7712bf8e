"""The catalogue: every scenario by its name, in the order of the numbers.

A scenario is a file beside this one with a `SCENARIO`. Numbers 1 to 42 are those of the
project's list of faults; higher ones were added. Spec: SCN-1.1.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from functools import cache

from fault_injection.errors import UnknownScenario
from fault_injection.scenario import Scenario


@cache
def catalogue() -> dict[str, Scenario]:
    """Return name to scenario, in the order of the numbers."""
    found = [
        importlib.import_module(f"{__name__}.{module.name}").SCENARIO
        for module in pkgutil.iter_modules(__path__)
        if not module.name.startswith("_")
    ]
    found.sort(key=lambda scenario: scenario.number)
    names = {scenario.name: scenario for scenario in found}
    assert len(names) == len(found) == len({s.number for s in found}), "a name or number twice"
    return names


def find(name: str) -> Scenario:
    """Return the scenario with this name, number or ID. Raises UnknownScenario."""
    for scenario in catalogue().values():
        if name in (scenario.name, scenario.id, str(scenario.number)):
            return scenario
    near = difflib.get_close_matches(name, catalogue(), n=3)
    raise UnknownScenario(name, near)
