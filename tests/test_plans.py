"""Plans: read back as written, refused if half understood, and the same each time they run."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fault_injection.errors import PlanError
from fault_injection.log_run import LogRun
from fault_injection.plan import STEPS, Plan, Step, parse_plan
from fault_injection.random_plans import random_log_plan
from fault_injection.subject import ReferenceLog

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "int": st.integers(-3, 10**6),
    "str": st.text(max_size=5),
    "bool": st.booleans(),
    "float": st.floats(0, 100),
}


def steps(world: str) -> st.SearchStrategy[Step]:
    """Any step of the world, with any values of the right types."""
    kinds: list[st.SearchStrategy[Step]] = [
        st.builds(kind, **{each.name: VALUES[str(each.type)] for each in dataclasses.fields(kind)})
        for kind in STEPS[world].values()
    ]
    return st.one_of(kinds)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Any plan, of any world that has steps."""
    world = draw(st.sampled_from([name for name, known in STEPS.items() if known]))
    settings = draw(st.dictionaries(st.text(max_size=3), st.integers(0, 9), max_size=2))
    return Plan(
        "s", world, tuple(draw(st.lists(steps(world), max_size=5))),
        draw(st.sampled_from(["posix-min", "btrfs"])), draw(st.integers(0, 9)), settings,
    )  # fmt: skip


@pytest.mark.req("SCN-1.2")
@given(plan=plans())
def test_a_plan_is_read_back_as_it_was_written(plan: Plan) -> None:
    assert parse_plan(plan.as_text()) == plan
    assert json.loads(plan.as_text()) == plan.as_json()


GOOD = Plan("s", "log", random_log_plan("s", 0).steps).as_json()


@pytest.mark.req("SCN-1.2")
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"plan": 2}, '"plan" must be 1'),
        ({"surprise": 1}, "unknown field 'surprise'"),
        ({"world": "moon"}, "world 'moon' is none of"),
        ({"world": 3}, "world 3 is none of"),
        ({"seed": "x"}, "field 'seed' must be a int"),
        ({"steps": {}}, "field 'steps' must be a list"),
        ({"steps": [3]}, "step 1 is not an object"),
        ({"steps": [{"do": "open"}, {"do": "fly"}]}, "step 2: 'fly' is none of"),
        ({"steps": [{"do": "append", "cuont": 1}]}, "step 1, append: unknown field 'cuont'"),
        ({"steps": [{"do": "append", "count": "1"}]}, "step 1, append: 'count' must be int"),
    ],
)
def test_a_plan_that_is_half_understood_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(PlanError) as caught:
        parse_plan(json.dumps(GOOD | change))
    assert words in str(caught.value)


@pytest.mark.req("SCN-1.2")
@pytest.mark.parametrize(
    ("text", "words"),
    [("{", "not JSON"), ("[]", "a JSON object"), ('{"plan": 1}', "'scenario' is missing")],
)
def test_what_is_no_plan_is_refused(text: str, words: str) -> None:
    with pytest.raises(PlanError, match=words):
        parse_plan(text)


@pytest.mark.req("SCN-1.2")
@pytest.mark.parametrize(
    ("step", "words"),
    [
        ({"do": "fault", "error": "EWHAT"}, "no error of this name"),
        ({"do": "power-cut", "moment": 99}, "moment 99: there were"),
        ({"do": "power-cut", "kept": "xyz"}, "not .none., .all. or hexadecimal"),
        ({"do": "power-cut", "kept": "ff00000000"}, "does not allow this"),
        ({"do": "damage", "file": 7}, "no such file"),
    ],
)
def test_a_plan_that_asks_for_what_does_not_exist_is_refused(
    step: dict[str, Any], words: str
) -> None:
    found = parse_plan(json.dumps(GOOD | {"steps": [{"do": "open"}, {"do": "append"}, step]}))
    with pytest.raises(PlanError, match=words):
        LogRun(found, ReferenceLog()).run()


@pytest.mark.req("SCN-1.2")
def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(PlanError, match="profile 'fat' is none of"):
        LogRun(Plan("s", "log", (), "fat"), ReferenceLog())


@pytest.mark.req("SCN-1.2")
@given(seed=st.integers(0, 10**6))
def test_a_plan_does_the_same_each_time(seed: int) -> None:
    plan = random_log_plan("s", seed)
    assert plan == random_log_plan("s", seed)
    first, second = (LogRun(plan, ReferenceLog()).run() for _ in range(2))
    assert first.done == second.done
    assert first.broken is None
    assert first.disk.process_image() == second.disk.process_image()
