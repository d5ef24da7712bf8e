"""Shrinking: small, the same failure, and shown again without exploring."""

from __future__ import annotations

import pytest

from fault_injection.cases import Case, execute
from fault_injection.log_run import LogRun
from fault_injection.log_steps import Acknowledge, Append, Close, Heal, Kill, Open, PowerCut
from fault_injection.plan import Plan, Step
from fault_injection.shrink import shrink
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
