"""Exploring a plan: what is broken on the way, in which depth, twice, and which crash is shown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fault_injection import exploring
from fault_injection.exploring import explore_plan
from fault_injection.log_steps import Append, Kill, Open, PowerCut
from fault_injection.workloads import log_plan
from simulators.explorer import explore
from tests.toy_log import ToyLog

pytestmark = pytest.mark.req("SCN-1.4")
USE = (Open(), Append(2), Append(1))


def test_what_is_broken_without_any_crash_is_shown_by_the_plan_itself() -> None:
    plan = log_plan("toy", *USE, Kill(), Open())
    found = explore_plan(plan, ToyLog("loses"), budget=8)
    assert found.exploration.violations, "its crashes show it too"
    assert found.failing == plan
    assert found.broken == found.run.broken


def test_only_depth_2_fails_the_power_during_recovery() -> None:
    plan = log_plan("toy", *USE)
    shallow = explore_plan(plan, ToyLog("unstable"), budget=8)
    deep = explore_plan(plan, ToyLog("unstable"), budget=8, depth=2)
    assert shallow.exploration.nested == 0 < deep.exploration.nested


def test_recovering_twice_is_asked_for_and_compared() -> None:
    plan = log_plan("toy", *USE)
    assert explore_plan(plan, ToyLog("unstable"), budget=8).broken is None
    broken = explore_plan(plan, ToyLog("unstable"), budget=8, twice=True).broken
    assert broken is not None
    assert broken.invariant == "I5"


def test_of_all_crashes_that_show_it_the_first_single_one_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def found_in_any_order(*arguments: Any, **options: Any) -> Any:
        exploration = explore(*arguments, **options)
        (first, *rest) = exploration.violations
        twice = replace(first, path=((0, 0, "zeros"), (1, 0, "zeros")))
        exploration.violations[:] = [twice, *reversed(rest), first, twice]
        return exploration

    monkeypatch.setattr(exploring, "explore", found_in_any_order)
    found = explore_plan(log_plan("toy", *USE), ToyLog("unsynced"), budget=64)
    moments = [v.path[0][0] for v in found.exploration.violations if len(v.path) == 1]
    assert len(set(moments)) > 1
    assert found.failing is not None
    (cut,) = (step for step in found.failing.steps if isinstance(step, PowerCut))
    assert cut.moment == min(moments)


def test_the_plans_seed_draws_the_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    seeds: list[int] = []

    def seen(*arguments: Any, **options: Any) -> Any:
        seeds.append(options["seed"])
        return explore(*arguments, **options)

    monkeypatch.setattr(exploring, "explore", seen)
    explore_plan(log_plan("toy", *USE, seed=7), ToyLog(), budget=8)
    assert seeds == [7]
