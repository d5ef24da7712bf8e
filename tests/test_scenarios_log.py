"""The catalogue: every scenario is whole, its plans are data, its faults strike, and it is green.

The runner tries all cases; here each scenario gets a few, spread over all of them.
"""

from __future__ import annotations

import logging
import random
from itertools import islice
from pathlib import Path

import pytest

from fault_injection.cases import Case, Tally, execute
from fault_injection.errors import UnknownScenario
from fault_injection.invariants import INVARIANTS
from fault_injection.plan import parse_plan
from fault_injection.scenario import Effort, Scenario
from fault_injection.scenarios import catalogue, find
from fault_injection.spec_requirements import requirements
from fault_injection.subject import ReferenceLog

CASES_MAX = 30
COMPARED = 60
EXPLORED_MAX = 12
"""Legal sets of a moment that are looked at here."""
OURS = {*range(1, 70), 86, 87, 88, 91, 94, 95}
ELSEWHERE = {31, *range(33, 43)}
"""Scenarios of the connector."""


def spread(scenario: Scenario) -> list[Case]:
    """All cases, shuffled: cases come in periods, and every so many would be all of one kind."""
    every = list(scenario.cases(Effort()))
    random.Random(scenario.number).shuffle(every)
    return every


def log_scenarios() -> list[Scenario]:
    """Those whose cases are plans on a log."""
    ours = set(OURS) - ELSEWHERE
    return [each for each in catalogue().values() if each.number in ours]


LOG = [pytest.param(each, id=each.id) for each in log_scenarios()]


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("reference.wal").setLevel(logging.CRITICAL)


@pytest.mark.req("SCN-1.1")
def test_every_number_of_the_list_of_faults_has_a_log_scenario() -> None:
    numbers = {each.number for each in log_scenarios()}
    assert numbers == set(OURS) - ELSEWHERE
    names = {path.stem for path in (Path(__file__).parents[1] / "fault_injection/scenarios").glob(
        "[a-z]*.py")}  # fmt: skip
    assert {each.name.replace("-", "_") for each in log_scenarios()} <= names


@pytest.mark.req("SCN-1.1")
@pytest.mark.parametrize("scenario", LOG)
def test_scenario_says_what_it_is(scenario: Scenario) -> None:
    texts = (scenario.title, scenario.when, scenario.effect, scenario.contract, scenario.why)
    assert all(text and text == text.strip() for text in texts)
    assert scenario.strikes
    assert scenario.invariants
    assert set(scenario.invariants) <= set(INVARIANTS)
    assert scenario.requirements
    assert set(scenario.requirements) <= set(requirements())


@pytest.mark.req("SCN-1.2")
@pytest.mark.parametrize("scenario", LOG)
def test_plans_are_data_and_the_same_twice(scenario: Scenario) -> None:
    first, again = (list(islice(scenario.cases(Effort(seed=3)), COMPARED)) for _ in range(2))
    assert first == again
    assert all(each.plan.scenario == scenario.name for each in first)
    for each in first[::4]:
        assert parse_plan(each.plan.as_text()) == each.plan


@pytest.mark.req("SCN-1.1", "SCN-1.4")
@pytest.mark.parametrize("scenario", LOG)
def test_scenario_is_green_and_its_faults_strike(scenario: Scenario) -> None:
    tally = Tally()
    missing = set(scenario.strikes)
    for number, case in enumerate(spread(scenario)):
        if number >= CASES_MAX and not missing:
            break
        result = execute(_smaller(case), ReferenceLog())
        assert result.broken is None, f"{result.broken}\n{result.failing}"
        tally.add(result.tally)
        missing -= set(tally.fired)
    assert tally.checks >= tally.cases
    assert not missing, "these faults never struck"


def _smaller(case: Case) -> Case:
    return Case(case.plan, min(case.budget, EXPLORED_MAX), case.depth, case.twice)


@pytest.mark.req("SCN-1.1")
def test_a_scenario_is_found_by_name_number_and_id() -> None:
    wanted = catalogue()["torn-tail-bytes"]
    assert find("torn-tail-bytes") is find("4") is find("S04-torn-tail-bytes") is wanted
    with pytest.raises(UnknownScenario, match="torn-tail-bytes"):
        find("torn-tail-byte")
