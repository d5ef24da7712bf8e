"""The oracle of a log's run: what it keeps of one call for the next, and what it is told of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import pytest

from fault_injection.invariants import Broken
from fault_injection.log_checks import check_more
from fault_injection.log_oracle import LogOracle
from fault_injection.log_run import LogRun
from fault_injection.log_steps import Check, Damage, Open
from fault_injection.promises import Answer, Reported, Rotten, Stored
from fault_injection.subject import Appended, OpenLog, ReferenceLog
from fault_injection.workloads import log_plan
from reference.filesystem import Filesystem

pytestmark = pytest.mark.req("SCN-1.3")
NOTES = "notes.txt"
NO_LOG = cast(OpenLog, None)
"""For checks that ask nothing of the log itself."""


# ---- By itself --------------------------------------------------------------


def test_the_first_thing_that_broke_is_kept() -> None:
    oracle = LogOracle()
    first = Broken("I1", "first")
    for each in (None, first, Broken("I2", "second"), None):
        oracle.note(each)
    assert oracle.broken == first


def test_numbers_go_on_where_the_last_answer_of_this_process_says() -> None:
    oracle = LogOracle()
    oracle.begin()
    oracle.answered([], Answer(next_sequence=5))
    oracle.begin()
    oracle.appended(Appended((7,)), 1, (), ())
    assert oracle.broken is None, "another process, which has not been asked yet"
    oracle.answered([], Answer(next_sequence=20))
    oracle.appended(Appended((21,)), 1, (), ())
    assert oracle.broken == Broken("I6", "20 is the next number, and 21 was given", 21)
    assert oracle.checks == 2


def test_an_event_without_a_number_and_without_an_error_is_lost() -> None:
    oracle = LogOracle()
    oracle.appended(Appended((1,)), 2, (), ())
    assert oracle.broken is not None
    assert oracle.broken.invariant == "I11"


def test_an_open_is_asked_about_with_what_earlier_ones_had_called_lost() -> None:
    oracle = LogOracle()
    promises = [Stored(((1, 1), (2, 2))), Rotten(1)]
    answer = Answer(((1, 1),), 3, lost=(2,))
    told = oracle.opened(promises, answer, ())
    assert told == Reported((2,), (2,)), "gone, with an excuse: it is spent"
    assert check_more("said-once", oracle.asked, NO_LOG, {}, {}) is None
    assert oracle.opened([*promises, told], answer, ()) == Reported((2,), ())
    found = check_more("said-once", oracle.asked, NO_LOG, {}, {})
    assert found == Broken("I7", "[2] are reported once more", 2)
    assert oracle.opened([], Answer(next_sequence=1), ()) is None


def test_nothing_is_excused_any_more_once_something_is_broken() -> None:
    oracle = LogOracle(Broken("I1", "event 2 is gone"))
    answer = Answer(((1, 1),), 3)
    assert oracle.opened([Stored(((1, 1), (2, 2)))], answer, ()) is None


@pytest.mark.parametrize("call", ["refused", "unreadable"])
def test_a_log_that_fails_is_broken_unless_something_had_struck(call: str) -> None:
    oracle = LogOracle()
    getattr(oracle, call)("no", ["read procmond.ack: EIO"])
    assert oracle.broken is None
    getattr(oracle, call)("no", [])
    assert oracle.broken is not None
    assert oracle.broken.invariant == "I10"


def test_a_refusal_is_what_the_last_open_answered_and_what_had_struck() -> None:
    oracle = LogOracle()
    oracle.planted(NOTES)
    oracle.refused("no room", ["append procmond.ack.new: ENOSPC"])
    asked = oracle.asked
    assert (asked.answer.refused, asked.fired) == ("no room", ("append procmond.ack.new: ENOSPC",))
    assert asked.strangers == {NOTES}


# ---- In a run ---------------------------------------------------------------


class Tidy(ReferenceLog):
    """The reference, but it writes over whatever else is in its directory."""

    def open(self, disk: Filesystem, settings: Mapping[str, int]) -> OpenLog:
        log = super().open(disk, settings)
        if NOTES in {entry.name for entry in disk.list()}:
            disk.overwrite(NOTES, 0, b"?")
        return log


@pytest.mark.parametrize(("subject", "invariant"), [(ReferenceLog(), ""), (Tidy(), "I12")])
def test_a_file_that_is_not_the_logs_is_asked_after(subject: ReferenceLog, invariant: str) -> None:
    steps = (Open(), Damage("stranger", name=NOTES), Open(), Check("untouched"))
    broken = LogRun(log_plan("x", *steps), subject).run().broken
    assert (broken.invariant if broken else "") == invariant
