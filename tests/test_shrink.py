"""Shrinking: small, the same failure, and shown again without exploring."""

from __future__ import annotations

import pytest

from fault_injection.cases import Case, CaseResult, Tally, execute
from fault_injection.invariants import Broken
from fault_injection.log_run import LogRun
from fault_injection.log_steps import Acknowledge, Append, Close, Damage, Heal, Kill, Open, PowerCut
from fault_injection.plan import Plan, Step
from fault_injection.shrink import BUDGET_MAX, Shrunk, _smaller, shrink
from fault_injection.subject import LogSubject, ReferenceLog
from simulators.persistence import Kind
from tests.toy_log import ToyLog


def plan(*steps: Step) -> Plan:
    return Plan("s", "log", steps)


@pytest.mark.req("SCN-1.5")
def test_what_has_no_part_in_a_failure_is_left_out() -> None:
    case = Case(
        plan(
            Open(),
            Append(1),
            Acknowledge(1),
            Append(1, 300),
            Heal(),
            Close(),
            Open(),
            Append(4, 50),
            Heal(),
            Kill(),
            Open(),
            Append(1),
        )
    )
    liar = ToyLog("loses the third")
    found = execute(case, liar)
    assert found.broken is not None
    small = shrink(case, found, liar)
    assert small.broken.invariant == found.broken.invariant == "I1"
    assert small.steps_before == 12
    kinds = [type(step) for step in small.plan.steps]
    assert kinds == [Open, Append, Kill, Open] or kinds == [Open, Append, Close, Open]
    assert small.plan.steps[1] == Append(3), "three are needed for the third to be lost"
    assert execute(Case(small.plan), liar).broken == small.broken


class NoDirectorySync(ReferenceLog):
    """Names are never synced."""

    def open(self, disk, settings):  # type: ignore[no-untyped-def]
        disk.sync_directory = lambda: None
        return super().open(disk, settings)


@pytest.mark.req("SCN-1.4", "SCN-1.5")
def test_an_explored_failure_becomes_a_plan_that_loses_only_what_it_has_to() -> None:
    case = Case(plan(Open(), Append(1), Append(2), Append(1), Acknowledge(2)), budget=100)
    subject: LogSubject = NoDirectorySync()
    found = execute(case, subject)
    assert found.broken is not None
    small = shrink(case, found, subject)
    assert [type(step) for step in small.plan.steps] == [Open, Append, PowerCut, Open]
    assert small.plan.steps[1] == Append(1)
    cut = small.plan.steps[2]
    assert isinstance(cut, PowerCut)
    assert execute(Case(small.plan), subject).broken == small.broken
    run = LogRun(small.plan.with_steps(*small.plan.steps[:2]), subject).run()
    pending = run.disk.points[cut.moment].pending
    lost = [each for index, each in enumerate(pending) if not int(cut.kept, 16) >> index & 1]
    assert {each.kind for each in lost} <= {Kind.ADD, Kind.DELETE}, "only names had to be lost"


@pytest.mark.req("SCN-1.5")
def test_shrinking_is_the_same_each_time() -> None:
    case = Case(plan(Open(), Append(2), Append(2), Kill(), Open()))
    liar = ToyLog("loses the third")
    first, second = (shrink(case, execute(case, liar), liar) for _ in range(2))
    assert first == second


@pytest.mark.req("SCN-1.5")
@pytest.mark.parametrize("kept", ["all-but-names", "sizes", "0"])
def test_a_cut_that_says_in_a_word_what_it_keeps_loses_only_what_it_has_to(kept: str) -> None:
    steps = (Open(), Append(1), PowerCut(kept=kept, nearest=True), Open())
    subject: LogSubject = NoDirectorySync()
    case = Case(plan(*steps))
    found = execute(case, subject)
    assert found.broken is not None
    small = shrink(case, found, subject)
    assert small.attempts < 60, "no bit is tried that nothing stands for"
    (cut,) = (step for step in small.plan.steps if isinstance(step, PowerCut))
    run = LogRun(small.plan.with_steps(*small.plan.steps[:-2]), subject).run()
    run.disk.end()
    assert int(cut.kept, 16) >> len(run.disk.points[-1].pending) == 0
    assert execute(Case(small.plan), subject).broken == small.broken


def made_small(
    monkeypatch: pytest.MonkeyPatch, case: Case, most: int = 400
) -> tuple[Shrunk, list[Case]]:
    """Shrink where every plan fails, one with fewer steps in another way; and what was tried."""
    tried: list[Case] = []
    whole = len(case.plan.steps)

    def fails(tried_case: Case, subject: LogSubject) -> CaseResult:
        del subject
        tried.append(tried_case)
        invariant = "I1" if len(tried_case.plan.steps) == whole else "I2"
        return CaseResult(Tally(1), tried_case.plan, Broken(invariant, "is gone"))

    monkeypatch.setattr("fault_injection.shrink.execute", fails)
    found = CaseResult(Tally(1), case.plan, Broken("I1", "is gone"))
    return shrink(case, found, ReferenceLog(), most), tried


@pytest.mark.req("SCN-1.5")
def test_a_plan_that_fails_in_another_way_is_not_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    small, tried = made_small(monkeypatch, Case(plan(Open(), Append(9), Kill()), budget=10**6))
    assert small.broken.invariant == "I1"
    assert small.plan.steps == (Open(), Append(1), Kill()), "numbers were made small all the same"
    assert {each.budget for each in tried} == {BUDGET_MAX}


@pytest.mark.req("SCN-1.5")
@pytest.mark.parametrize("most", [0, 1, 5])
def test_shrinking_ends_after_so_many_attempts(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = tuple(Append(100 + number) for number in range(20))
    small, tried = made_small(monkeypatch, Case(plan(*steps)), most)
    assert small.attempts == len(tried) == most


@pytest.mark.req("SCN-1.5")
@pytest.mark.parametrize(
    ("step", "files"), [(Damage(file=-3), [0, -2]), (Damage(file=7), [0, 3, 6]), (Damage(), [])]
)
def test_numbers_come_nearer_to_their_default_from_both_sides(
    step: Damage, files: list[int]
) -> None:
    found = list(_smaller(step))
    assert [each.file for each in found if isinstance(each, Damage)] == files
