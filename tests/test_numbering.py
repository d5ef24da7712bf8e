"""Numbers, in any plan: none is skipped or given twice, and none behind a failed sync."""

from __future__ import annotations

import pytest

from fault_injection.invariants import Broken
from fault_injection.log_run import LogRun
from fault_injection.log_steps import Append, Check, Fault, Open
from fault_injection.numbering import Numbering
from fault_injection.plan import Plan
from fault_injection.subject import Appended, ReferenceLog


@pytest.mark.req("SCN-1.3", "WAL-1.2")
def test_a_number_that_is_skipped_is_broken_and_a_burned_one_is_not() -> None:
    numbering = Numbering(5)
    assert numbering.appended(Appended((5, 6), ""), (), ()) is None
    assert numbering.appended(Appended((), "definite"), (), ("append ENOSPC",)) is None
    uncut = ("append EIO", "truncate EIO")
    assert numbering.appended(Appended((7,), "indefinite"), (), uncut) is None
    assert numbering.appended(Appended((10,), ""), (), ()) is None
    broken = numbering.appended(Appended((12,), ""), (), ())
    assert broken == Broken("I6", "11 is the next number, and 12 was given", 12)
    assert numbering.appended(Appended((13, 15), ""), (), ()) is not None
    again = numbering.appended(Appended((16,)), {16}, ())
    assert again == Broken("I6", "16 was given to a second event", 16)


@pytest.mark.req("SCN-1.3", "WAL-4.3")
def test_after_a_failed_sync_nothing_is_given_until_the_log_is_opened_again() -> None:
    numbering = Numbering(5)
    assert numbering.appended(Appended((), "indefinite"), (), ("sync EIO",)) is None
    broken = numbering.appended(Appended((6,), ""), (), ())
    assert broken is not None
    assert broken.invariant == "I11"
    cut_back = Numbering(5)
    assert cut_back.appended(Appended((), "indefinite"), (), ("append EIO", "sync EIO")) is None
    assert cut_back.appended(Appended((9,), ""), (), ()) is None


@pytest.mark.req("SCN-1.3", "WAL-4.3")
def test_a_log_goes_on_after_a_failed_sync_once_it_is_opened_again() -> None:
    """Whichever sync it is: one that makes fewer of them when it is opened fails in the append."""
    for at in range(1, 12):
        steps = (Fault("sync", "EIO", at, times=0), Open(), Append(), Append(), Check("goes-on"))
        run = LogRun(Plan("x", "log", steps), ReferenceLog()).run()
        assert run.broken is None, (at, run.broken)
        assert run.done[-1].outcome.startswith("returned") or run.log is None
