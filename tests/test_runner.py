"""The runner: what is tried depends on nothing but the selection; what comes out is counted."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest

from fault_injection import runner, shrink
from fault_injection.cases import Case, CaseResult, Tally
from fault_injection.invariants import Broken
from fault_injection.log_steps import Append, Fault, Kill, Open, PowerCut
from fault_injection.plan import Plan
from fault_injection.result import Failure, ScenarioResult, Status
from fault_injection.runner import (
    SLICES,
    Gathered,
    Selection,
    Slice,
    run_slice,
    run_slices,
    scenario_result,
)
from fault_injection.scenario import Effort, Scenario
from fault_injection.scenarios import find
from fault_injection.shrink import Shrunk
from fault_injection.subject import LogSubject
from tests.toy_log import ToyLog

NAMES = ("kill-every-call", "unsynced-all-subsets")


def told(found: Shrunk) -> Failure:
    """A failure without its story."""
    return Failure(
        found.broken.invariant, found.broken.what, (), found.plan.as_json(), "", (), (), (), "",
        found.steps_before,
    )  # fmt: skip


def quiet(done: int, of: int, total: Tally) -> None:
    """No progress line."""


def totals(gathered: Gathered) -> dict[str, Tally]:
    return {name: scenario_result(name, slices, told).tally for name, slices in gathered.items()}


@pytest.mark.req("SCN-2.3")
def test_the_number_of_processes_changes_nothing_but_the_time() -> None:
    alone = run_slices(Selection(NAMES, Effort(), jobs=1), quiet)
    together = run_slices(Selection(NAMES, Effort(), jobs=2), quiet)
    for gathered in (alone, together):
        assert [len(slices) for slices in gathered.values()] == [SLICES] * len(NAMES)
    assert totals(alone) == totals(together)
    assert totals(alone)["kill-every-call"].cases == len(list(find(NAMES[0]).cases(Effort())))


@pytest.mark.req("SCN-2.3")
def test_slices_are_disjoint_and_complete() -> None:
    cases = list(find("kill-every-call").cases(Effort()))
    counts = [
        run_slice(Slice("kill-every-call", index, 3, Effort())).tally.cases for index in range(3)
    ]
    assert sum(counts) == len(cases)
    assert max(counts) - min(counts) <= 1


@pytest.fixture
def scenario(monkeypatch: pytest.MonkeyPatch) -> list[Case]:
    """A scenario of a test's own: its cases are in the list."""
    cases: list[Case] = []
    own = replace(find("kill-every-call"), name="own", cases=lambda effort: iter(cases))
    assert isinstance(own, Scenario)
    monkeypatch.setattr(runner, "find", lambda name: own)
    return cases


def plan(*steps: Open | Append | Kill | PowerCut | Fault) -> Plan:
    return Plan("own", "log", steps)


def ran(cases: list[Case]) -> ScenarioResult:
    assert cases
    slices = [run_slice(Slice("own", index, SLICES, Effort())) for index in range(SLICES)]
    return scenario_result("own", slices, told)


@pytest.mark.req("SCN-1.1", "SCN-2.1")
def test_a_scenario_whose_fault_never_struck_is_an_error(scenario: list[Case]) -> None:
    scenario.append(Case(plan(Open(), Append(1))))
    result = ran(scenario)
    assert result.status is Status.ERROR
    assert result.reason == "never struck: kill; this run shows nothing"


@pytest.mark.req("SCN-1.1", "SCN-2.1")
def test_each_fault_of_a_scenario_has_to_strike(monkeypatch: pytest.MonkeyPatch) -> None:
    own = replace(find("kill-every-call"), strikes=("kill", "sync EIO", "cut"))
    monkeypatch.setattr(runner, "find", lambda name: own)
    slices = [runner.SliceResult(Slice("own", index, SLICES, Effort())) for index in range(SLICES)]
    for each in slices:
        each.seconds = 0.25
    slices[0].tally.fired["kill"] = slices[3].tally.fired["cut"] = 1
    result = scenario_result("own", slices, told)
    assert result.status is Status.ERROR
    assert result.reason == "never struck: sync EIO; this run shows nothing"
    assert result.seconds == 0.25 * SLICES
    slices[2].tally.fired["sync EIO"] = 1
    assert scenario_result("own", slices, told).status is Status.PASSED


@pytest.mark.req("SCN-1.5", "PRT-1.3")
@pytest.mark.parametrize(
    ("port", "most"), [((), shrink.ATTEMPTS_MAX), (("a port",), runner.PORT_ATTEMPTS_MAX)]
)
def test_a_failure_on_a_port_is_made_small_with_fewer_attempts(
    port: tuple[str, ...], most: int, scenario: list[Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario.append(Case(plan(Open(), Append(1), PowerCut(), Open())))
    toy = ToyLog("unsynced")
    monkeypatch.setattr(runner, "opened_subject", lambda port: contextlib.nullcontext(toy))
    tried: list[int] = []

    def small(case: Case, found: CaseResult, subject: LogSubject, limit: int) -> Shrunk:
        tried.append(limit)
        return shrink.shrink(case, found, subject, limit)

    monkeypatch.setattr(runner, "shrink", small)
    result = run_slice(Slice("own", 0, 1, Effort(), port))
    assert result.shrunk is not None
    assert tried == [most]


@pytest.mark.req("SCN-2.1")
def test_a_plan_that_is_wrong_is_an_error_of_the_scenario(scenario: list[Case]) -> None:
    scenario.append(Case(plan(Open(), Kill(), PowerCut(moment=99))))
    result = ran(scenario)
    assert result.status is Status.ERROR
    assert result.reason.startswith("a plan is wrong: moment 99")


@pytest.mark.req("SCN-2.1")
def test_a_scenario_that_does_what_it_says_passes(scenario: list[Case]) -> None:
    scenario.append(Case(plan(Open(), Append(1), Kill(), Open())))
    result = ran(scenario)
    assert result.status is Status.PASSED
    assert result.tally.cases == 1
    assert result.tally.fired["kill"] == 1


@pytest.mark.req("SCN-2.1")
def test_the_smallest_plan_of_each_broken_invariant_is_told() -> None:
    large, small = plan(Open(), Append(1), Kill(), Open()), plan(Open(), Kill(), Open())
    slices = [
        runner.SliceResult(Slice("kill-every-call", index, SLICES, Effort()))
        for index in range(SLICES)
    ]
    for at, shown, invariant in ((0, large, "I1"), (1, small, "I1"), (2, large, "I3")):
        slices[at].shrunk = Shrunk(shown, Broken(invariant, "is gone"), 1, 9)
    result = scenario_result("kill-every-call", slices, told)
    assert result.status is Status.FAILED
    assert [(each.invariant, len(each.plan["steps"])) for each in result.failures] == [  # type: ignore[arg-type]
        ("I1", 3), ("I3", 4),
    ]  # fmt: skip


@pytest.mark.req("SCN-2.3")
@pytest.mark.parametrize(("came_in", "status"), [(3, Status.PARTIAL), (0, Status.NOT_RUN)])
def test_a_run_that_was_stopped_says_how_far_it_came(came_in: int, status: Status) -> None:
    slices = [run_slice(Slice("kill-every-call", i, SLICES, Effort())) for i in range(came_in)]
    result = scenario_result("kill-every-call", slices, told)
    assert result.status is status
    assert result.reason == f"stopped after {came_in} of {SLICES} parts"


@pytest.mark.req("SCN-2.3")
def test_ctrl_c_keeps_what_has_come_in() -> None:
    def interrupted(done: int, of: int, total: Tally) -> None:
        if done == 3:
            raise KeyboardInterrupt

    gathered = run_slices(Selection(NAMES, Effort(), jobs=1), interrupted)
    assert [len(gathered[name]) for name in NAMES] == [3, 0]


@pytest.mark.req("SCN-2.3")
def test_a_run_can_end_with_its_first_failure(scenario: list[Case]) -> None:
    scenario.append(Case(plan(Open(), Kill(), PowerCut(moment=99))))
    gathered = run_slices(Selection(("own", "other"), Effort(), 1, stop_early=True), quiet)
    assert len(gathered["own"]) == 1
    assert gathered["other"] == []


@pytest.mark.req("SCN-2.1", "SCN-2.3")
def test_a_kit_that_trips_over_itself_is_an_error_of_that_scenario(
    scenario: list[Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    def trips(case: Case, subject: object) -> None:
        raise KeyError("surprise")

    monkeypatch.setattr(runner, "execute", trips)
    scenario.append(Case(plan(Open())))
    result = ran(scenario)
    assert result.status is Status.ERROR
    assert result.reason == "the kit gives up: KeyError in test_runner.py, trips: 'surprise'"
