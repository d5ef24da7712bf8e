"""A plan is a file from anywhere: whatever is in it, it is refused in a sentence, or it runs."""

from __future__ import annotations

import dataclasses
import json
import sys
from io import StringIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fault_injection import cli
from fault_injection.connector_run import ConnectorRun
from fault_injection.connector_steps import Publish, Quiesce, Start
from fault_injection.errors import PlanError
from fault_injection.log_run import LogRun
from fault_injection.log_steps import Damage, PowerCut
from fault_injection.plan import STEPS, Plan, Step, parse_plan
from fault_injection.plan_bounds import BYTES_MAX, bounds_of
from fault_injection.subject import ReferenceLog

PLAN = {"plan": 1, "scenario": "s", "world": "log", "steps": []}
ODD_TEXTS = (
    "", "x", "\ud800", "\x1b[2J", "../../x", "/x", ".", "nul\0", "#1", "#\u00b2", "ff", "file:9",
    "7:1:old", "zeros 0:1:zeros", "none", "all", "sync", "append", "late", "EIO", "flip", "zeros",
    "garbage", "renumbered", "foreign", "undecodable", "far", "plant", "misnamed", "stale", "copy",
    "procmond-00001.wal", "procmond.ack", "to-broker", "reset", "released", "degraded", "1" * 5000,
)  # fmt: skip
ODD_NUMBERS = (-(10**30), -(2**40), -3, -2, -1, 0, 1, 2, 3, 7, 100, 8192, 2**40, 10**30)
"""Those that are refused, and small ones: no test waits for a hundred thousand events."""
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4)
    | st.sampled_from(ODD_TEXTS),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(max_size=4) | st.sampled_from(["do", "steps"]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@pytest.mark.req("SCN-1.2")
@given(text=st.text(max_size=40) | json_values.map(json.dumps))
def test_any_text_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(PlanError, match=r"\w"):
        parse_plan(text)


def hostile_step(world: str) -> st.SearchStrategy[dict[str, Any]]:
    """A step that exists, some fields of which have any value at all."""

    def fields(word: str) -> st.SearchStrategy[dict[str, Any]]:
        names = [each.name for each in dataclasses.fields(STEPS[world][word])]
        likely = {
            "int": st.sampled_from(ODD_NUMBERS), "str": st.sampled_from(ODD_TEXTS),
            "bool": st.booleans(), "float": st.sampled_from([-1.0, 0.0, 0.5, 3.0, 1e300]),
        }  # fmt: skip
        types = {each.name: str(each.type) for each in dataclasses.fields(STEPS[world][word])}
        values = {name: likely[types[name]] for name in names}
        return st.fixed_dictionaries({"do": st.just(word)}, optional=values)

    return st.sampled_from(sorted(STEPS[world])).flatmap(fields)


@st.composite
def hostile_plans(draw: st.DrawFn) -> str:
    """JSON that is nearly a plan."""
    world = draw(st.sampled_from(sorted(STEPS)))
    first = [{"do": "open"}, {"do": "append", "count": 3}, {"do": "snapshot"}]
    if world == "connector":
        first = [{"do": "start"}, {"do": "publish", "count": 3}, {"do": "snapshot"}]
    more = draw(st.lists(hostile_step(world), max_size=5))
    found: dict[str, Any] = {**PLAN, "world": world, "steps": [*first, *more]}
    names = ("rotation_bytes", "window", "life", "client_id", "acknowledge_count_max", "x")
    numbers = st.sampled_from([*ODD_NUMBERS, 8500])
    found["settings"] = draw(st.dictionaries(st.sampled_from(names), numbers, max_size=1))
    for name in draw(st.sets(st.sampled_from(["scenario", "profile", "seed", "settings"]))):
        if draw(st.integers(0, 9)) == 0:
            found[name] = draw(json_values)
    return json.dumps(found)


@pytest.mark.req("SCN-1.2", "SCN-4.1")
@given(text=hostile_plans())
def test_a_plan_with_any_values_is_refused_in_a_sentence_or_runs(text: str) -> None:
    try:
        plan = parse_plan(text)
        run = (
            ConnectorRun(plan).run()
            if plan.world == "connector"
            else LogRun(plan, ReferenceLog()).run()
        )
    except PlanError as error:
        assert str(error).isprintable()
        return
    assert len(run.done) == len(plan.steps) or run.broken is not None


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a word that is a list": ({"steps": [{"do": []}]}, "step 1: [] is none of"),
    "true is no number": ({"steps": [{"do": "append", "count": True}]}, "'count' must be int"),
    "true is no seed": ({"seed": True}, "'seed' must be a int"),
    "true is no version": ({"plan": True}, '"plan" must be 1'),
    "a setting that is a text": ({"settings": {"rotation_bytes": "9000"}}, "must be int"),
    "a setting that is true": ({"settings": {"acknowledge_count_max": True}}, "must be int"),
    "a setting of nothing": ({"settings": {"rotation": 9000}}, "'rotation' is none of the log's"),
    "a setting that is the kit's": ({"settings": {"life": 3}}, "'life' is none of the log's"),
    "a setting too small": ({"settings": {"rotation_bytes": 1}}, "rotation_bytes is 1"),
    "too many events": ({"steps": [{"do": "append", "count": 10**12}]}, "step 1, append: 'count'"),
    "fewer than none": ({"steps": [{"do": "append", "count": -1}]}, "'count' is not from 0"),
    "too many bytes": (
        {"steps": [{"do": "append", "count": 10_000, "padding_bytes": 10_000}]}, "bytes at once",
    ),
    "no end of time": (
        {"world": "connector", "steps": [{"do": "wait", "seconds": 1e300}]}, "'seconds' is not",
    ),
    "a level of nothing": (
        {"world": "connector", "steps": [{"do": "expect-level", "level": "high"}]}, "is none of",
    ),
    "a check of nothing": ({"steps": [{"do": "check", "what": "luck"}]}, "'luck' is none of"),
    "a name elsewhere": (
        {"steps": [{"do": "damage", "kind": "stranger", "name": "../x"}]}, "is no file's name",
    ),
    "a terminal's commands": ({"scenario": "\x1b[2J"}, "cannot be printed"),
    "half a character": ({"scenario": "\ud800"}, "cannot be printed"),
    "a bit before the file": (
        {"steps": [{"do": "open"}, {"do": "damage", "place": -1}]}, "has no bit",
    ),
    "a file of a tebibyte": (
        {"steps": [{"do": "open"}, {"do": "damage", "kind": "zeros", "amount": 2**40}]},
        "bytes at once",
    ),
    "no filling at all": (
        {"steps": [{"do": "open"}, {"do": "power-cut", "filling": "", "nearest": True}]},
        "a write in flight is like",
    ),
    "a moment before the first": (
        {"steps": [{"do": "power-cut", "moment": -2, "nearest": True}]}, "'moment' is not from -1",
    ),
    "an event that no log takes": (
        {"settings": {"event_bytes_max": 200},
         "steps": [{"do": "open"}, {"do": "append", "padding_bytes": 400}]},
        "the log takes 200",
    ),
    "a record that is none": (
        {"steps": [{"do": "open"}, {"do": "damage", "kind": "undecodable"}]}, "has 0 records",
    ),
    "a file number that no header has": (
        {"steps": [{"do": "open"}, {"do": "damage", "kind": "renumbered", "amount": 2**33}]},
        "no file number",
    ),
}  # fmt: skip


@pytest.mark.req("SCN-1.2", "SCN-2.3")
@pytest.mark.parametrize("name", sorted(REFUSED))
def test_replay_refuses_in_a_sentence_and_exits_2(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    change, words = REFUSED[name]
    monkeypatch.setattr(sys, "stdin", StringIO(json.dumps(PLAN | change)))
    assert cli.run(["replay", "-"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("error: ")
    assert words in said.err


@pytest.mark.req("SCN-1.2", "SCN-4.1")
def test_nothing_published_is_nothing_stored_and_no_failure() -> None:
    plan = Plan("x", "connector", (Start(), Publish(0), Publish(1), Quiesce()))
    run = ConnectorRun(plan).run()
    assert run.broken is None
    assert [done.outcome for done in run.done][1:3] == ["returned nothing", "returned 1"]


@pytest.mark.req("SCN-1.2")
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[" * 100_000, "not JSON"),
        ('{"plan": 1, "seed": NaN}', "NaN is no number"),
        ('{"plan": 1, "plan": 1}', "'plan' stands twice"),
        ("1" * 5000, "not JSON"),
        ('{"plan": 1, "scenario": "s", "world": "connector", '
         '"steps": [{"do": "wait", "seconds": 1e999}]}', "'seconds' must be float"),
    ],
)  # fmt: skip
def test_json_that_has_no_one_meaning_is_refused(text: str, words: str) -> None:
    with pytest.raises(PlanError, match=words):
        parse_plan(text)


@pytest.mark.req("SCN-1.2")
@pytest.mark.parametrize("world", sorted(STEPS))
def test_each_number_of_each_step_has_bounds_that_its_default_keeps(world: str) -> None:
    for word, kind in STEPS[world].items():
        for each in dataclasses.fields(kind):
            if str(each.type) in ("int", "float"):
                least, most = bounds_of(word, each.name)
                assert isinstance(each.default, int | float)
                assert least <= each.default <= most


@pytest.mark.req("SCN-1.2")
def test_bounds_are_inclusive_and_the_step_is_named() -> None:
    def run(*steps: Step) -> None:
        LogRun(Plan("x", "log", steps), ReferenceLog())

    run(PowerCut(kept="f" * 4096), Damage(amount=2**40))
    with pytest.raises(PlanError, match="step 2, damage: 'amount' is not from 0 to 1099511627776"):
        run(PowerCut(), Damage(amount=2**40 + 1))
    with pytest.raises(PlanError, match="step 1, power-cut: 'kept' has 4097 characters"):
        run(PowerCut(kept="f" * 4097))
    assert BYTES_MAX == 2**26
