"""The oracle: it passes a log that keeps its promises, and names the one that is broken."""

from __future__ import annotations

import pytest

from fault_injection.cases import Case, execute
from fault_injection.invariants import INVARIANTS, Broken, Ledger, check_log, unanswered
from fault_injection.log_steps import (
    Acknowledge,
    Append,
    Check,
    Close,
    Damage,
    Drain,
    Fault,
    Kill,
    Open,
    PowerCut,
    Replay,
)
from fault_injection.plan import Step
from fault_injection.promises import (
    STRANGER,
    Answer,
    Buried,
    Forgotten,
    Handed,
    Opening,
    Rejected,
    Reported,
    Rotten,
    Settled,
    Stored,
)
from fault_injection.spec_requirements import requirements
from fault_injection.workloads import log_plan
from tests.toy_log import NAME, ToyLog

pytestmark = pytest.mark.req("SCN-1.3")
USE: tuple[Step, ...] = (Open(), Append(2), Append(1), Acknowledge(1))
CUT = Damage("cut", file=-3, name=NAME, amount=5, lost_max=1)
LIES: tuple[tuple[str, str, tuple[Step, ...]], ...] = (
    ("loses", "I1", (*USE, Kill(), Open())),
    ("loses", "I1", (*USE, Kill(), Drain())),
    ("unsynced", "I1", (*USE, PowerCut(), Open())),
    ("invents", "I2", (*USE, Kill(), Open())),
    ("swaps", "I2", (*USE, Kill(), Open())),
    ("reorders", "I3", (*USE, Kill(), Open())),
    ("forgets", "I4", (*USE, Close(), Open())),
    ("unstable", "I5", (*USE, Kill(), Open())),
    ("reuses", "I6", (*USE, Kill(), Open())),
    ("cries wolf", "I7", (*USE, Kill(), Open())),
    ("is silent", "I7", (Open(), Append(3), Kill(), CUT, Open())),
    ("keeps", "I10", (*USE, Drain())),
    ("refuses", "I10", (*USE, Kill(), Open())),
    ("unreadable", "I10", (Open(),)),
    ("gives up", "I11", (Open(), Append(1))),
    ("is tacit", "I11", (Open(), Append(3))),
    ("revives", "I11", (Open(), Fault("sync", "EIO"), Append(1), Kill(), Open())),
    ("mourns the settled", "I12", (*USE, Kill(), Open())),
)


@pytest.mark.parametrize(("lie", "invariant", "steps"), LIES, ids=[lie for lie, _, _ in LIES])
def test_a_lie_breaks_its_invariant_and_the_honest_toy_passes(
    lie: str, invariant: str, steps: tuple[Step, ...]
) -> None:
    plan = log_plan("toy", *steps)
    twice = lie == "unstable"
    assert execute(Case(plan, twice=twice), ToyLog()).broken is None
    broken = execute(Case(plan, twice=twice), ToyLog(lie)).broken
    assert broken is not None
    assert broken.invariant == invariant
    assert str(broken).startswith(f"{invariant} {INVARIANTS[invariant].title}: ")


def test_an_unsynced_toy_is_found_by_exploring_too() -> None:
    plan = log_plan("toy", *USE)
    assert execute(Case(plan, budget=64), ToyLog()).broken is None
    found = execute(Case(plan, budget=64), ToyLog("unsynced"))
    assert found.broken is not None
    assert found.broken.invariant == "I1"
    assert found.failing is not None
    assert execute(Case(found.failing), ToyLog("unsynced")).broken == found.broken


def test_every_invariant_stands_for_requirements_that_exist() -> None:
    assert list(INVARIANTS) == [f"I{number}" for number in range(1, 13)]
    known = set(requirements())
    assert all(set(each.requirements) <= known for each in INVARIANTS.values())


@pytest.mark.parametrize(
    ("numbers", "events", "failure", "is_broken"),
    [
        (3, 3, "", False), (0, 0, "", False), (2, 3, "", True), (4, 3, "", True),
        (2, 3, "definite", False), (0, 3, "indefinite", False), (4, 3, "definite", True),
    ],
)  # fmt: skip
def test_each_event_has_a_number_or_an_error(
    numbers: int, events: int, failure: str, is_broken: bool
) -> None:
    found = unanswered(numbers, events, failure)
    assert (found is not None) is is_broken
    assert found is None or found.invariant == "I11"


# ---- The oracle by itself ---------------------------------------------------

ONE_TO_THREE = Stored(((1, 11), (2, 12), (3, 13)))
ALL = ((1, 11), (2, 12), (3, 13))


def broken(promises: list[object], answer: Answer) -> str:
    """The name of the invariant that is broken; empty if none is."""
    found = check_log(promises, answer)
    return found.invariant if isinstance(found, Broken) else ""


def test_what_was_returned_and_nobody_settled_is_wanted() -> None:
    assert broken([ONE_TO_THREE], Answer(ALL, 4)) == ""
    assert broken([ONE_TO_THREE], Answer(ALL[1:], 4)) == "I1"
    assert broken([ONE_TO_THREE, Settled((1,))], Answer(ALL[1:], 4)) == ""
    assert broken([ONE_TO_THREE], Answer(ALL[1:], 4, dead_letters=(1,))) == ""
    assert broken([ONE_TO_THREE], Answer(ALL[1:], 4, kept=(1,))) == ""
    assert broken([ONE_TO_THREE], Answer(ALL[:1], 4, hidden_from=2)) == ""
    assert broken([ONE_TO_THREE], Answer(ALL[:1], 4, hidden_from=3)) == "I1"


def test_reporting_a_loss_does_not_excuse_it() -> None:
    answer = Answer(ALL[1:], 4, lost=(1,), certainly_lost=(1,))
    assert broken([ONE_TO_THREE], answer) == "I1"
    assert broken([ONE_TO_THREE, Rotten(1)], answer) == ""


def test_rot_excuses_so_many_events_and_no_more_and_only_once() -> None:
    two_gone = Answer(ALL[2:], 4, lost=(1, 2))
    assert broken([ONE_TO_THREE, Rotten(1)], two_gone) == "I7"
    assert broken([ONE_TO_THREE, Rotten(2)], two_gone) == ""
    spent = [ONE_TO_THREE, Rotten(1), Reported((1,), (1,))]
    assert broken(spent, Answer(ALL[1:], 4)) == "", "it was said before"
    assert broken(spent, two_gone) == "I1"


def test_a_crash_inside_recovery_may_have_said_it_to_its_log_only() -> None:
    silent = Answer(ALL[1:], 4)
    assert broken([ONE_TO_THREE, Rotten(1)], silent) == "I7"
    assert broken([ONE_TO_THREE, Rotten(1), Opening()], silent) == ""
    assert broken([ONE_TO_THREE, Rotten(1), Opening(), Handed(ALL)], silent) == "I7"
    assert broken([ONE_TO_THREE, Rotten(1), Opening()], Answer(ALL[2:], 4)) == "I7"


def test_what_comes_back_was_offered_under_that_number() -> None:
    assert broken([ONE_TO_THREE], Answer((*ALL, (4, 14)), 5)) == "", "in flight"
    assert broken([ONE_TO_THREE], Answer((*ALL, (4, STRANGER)), 5)) == "I2"
    assert broken([ONE_TO_THREE], Answer(((1, 11), (2, 13), (3, 12)), 4)) == "I2"
    assert broken([ONE_TO_THREE, Rejected((14,))], Answer((*ALL, (4, 14)), 5)) == "I11"


def test_numbers_rise_and_go_on() -> None:
    assert broken([ONE_TO_THREE], Answer((ALL[1], ALL[0], ALL[2]), 4)) == "I3"
    assert broken([ONE_TO_THREE], Answer((*ALL, ALL[2]), 4)) == "I3"
    assert broken([ONE_TO_THREE], Answer(ALL, 3)) == "I6"
    assert broken([ONE_TO_THREE, Settled((1, 2, 3))], Answer((), 1)) == "I6"


def test_repeats_are_legal_after_a_crash_and_not_after_a_good_end() -> None:
    settled = [ONE_TO_THREE, Settled((1,))]
    assert broken(settled, Answer(ALL, 4)) == ""
    assert broken([*settled, Forgotten()], Answer(ALL, 4)) == "I4"
    assert broken([*settled, Forgotten(), Rotten(0, repeats=True)], Answer(ALL, 4)) == ""
    again = [*settled, Handed(ALL), Forgotten()]
    assert broken(again, Answer(ALL, 4)) == "", "nobody told the second process"
    told = [*settled, Handed(ALL), Settled((1,)), Forgotten()]
    assert broken(told, Answer(ALL, 4)) == "I4"


def test_a_good_end_stays_one_whatever_becomes_of_the_medium_or_is_opened_and_reported() -> None:
    ended = [ONE_TO_THREE, Settled((1,)), Forgotten()]
    for later in (Rotten(0), Opening(), Reported((), ())):
        assert broken([*ended, later], Answer(ALL, 4)) == "I4"
    assert broken([*ended, Stored(((4, 14),))], Answer((*ALL, (4, 14)), 5)) == "", "used again"


def test_what_was_handed_out_or_buried_has_to_come_back_too() -> None:
    handed = [ONE_TO_THREE, Handed((*ALL, (4, 14)))]
    assert broken(handed, Answer((*ALL, (4, 14)), 5)) == ""
    assert broken(handed, Answer(ALL, 5)) == "I1"
    buried = [ONE_TO_THREE, Buried((1,))]
    assert broken(buried, Answer(ALL[1:], 4, dead_letters=(1,))) == ""
    assert broken(buried, Answer(ALL[1:], 4)) == "I1", "a dead letter is kept"


def test_a_log_that_lost_its_watermark_may_call_the_settled_lost() -> None:
    settled = [ONE_TO_THREE, Settled((1,))]
    mourning = Answer(ALL[1:], 4, lost=(1,), certainly_lost=(1,))
    assert broken([*settled, Rotten(0)], mourning) == "I12"
    assert broken([*settled, Rotten(0, repeats=True)], mourning) == ""


def test_nothing_that_is_there_or_was_settled_is_called_lost() -> None:
    assert broken([ONE_TO_THREE], Answer(ALL, 4, certainly_lost=(2,))) == "I7"
    settled = [ONE_TO_THREE, Settled((1,))]
    mourning = Answer(ALL[1:], 4, lost=(1,), certainly_lost=(1,))
    assert broken(settled, mourning) == "I12"
    assert broken([*settled, Rotten(1)], mourning) == ""
    assert broken(settled, Answer(ALL[1:], 4, lost=(1,))) == "", "possibly"


def test_worse_things_come_first() -> None:
    everything = Answer(((4, STRANGER), (3, 13)), 1, refused="", certainly_lost=(3,))
    assert broken([ONE_TO_THREE], everything) == "I1"
    assert broken([ONE_TO_THREE], Answer(refused="locked")) == "I10"
    assert broken([ONE_TO_THREE], Answer(ALL, 4, unstable="a byte changed")) == "I5"


def test_a_ledger_adds_promises_up() -> None:
    ledger = Ledger.of([ONE_TO_THREE, Settled((1,)), Rejected((14,)), Rotten(2)])
    assert ledger.wanted == [2, 3]
    assert (ledger.rejected, ledger.lost_max, ledger.is_rotten) == ({14}, 2, True)
    ledger.add(Reported((2, 9), (2,)))
    assert (ledger.wanted, ledger.lost_max, ledger.reported) == ([3], 1, {2, 9})


def test_the_toy_survives_what_it_should() -> None:
    for steps in (
        (*USE, PowerCut(kept="none"), Open(), Append(1), Drain()),
        (Open(), Append(3), Kill(), CUT, Open(), Check("said-once"), Replay(), Append(1), Drain()),
        (*USE, Close(), Open(), Append(1), Close(), Open(), Drain()),
    ):
        assert execute(Case(log_plan("toy", *steps)), ToyLog()).broken is None
