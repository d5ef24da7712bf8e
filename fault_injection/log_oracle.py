"""The oracle of a log while a plan runs: what is broken, and what it has to remember for that.

    invariants.py    what an answer breaks, given the promises
    numbering.py     what an append breaks, given what this process of the log did before
    log_checks.py    what more can be asked, given the last open

This file keeps what the three are given besides, and the first thing that broke. It is told what
came of each call, and makes none itself, of the log or of the disk: log_process.py does.

Spec: SCN-1.3.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, field, replace

from fault_injection.invariants import Broken, Ledger, check_log, missing_from, unanswered
from fault_injection.log_checks import Asked
from fault_injection.numbering import Numbering
from fault_injection.promises import Answer, Reported
from fault_injection.subject import Appended


@dataclass(slots=True)
class LogOracle:
    """The oracle of one run of a plan. `broken` is the first invariant that did not hold."""

    broken: Broken | None = None
    checks: int = 0
    """How many answers of an open log were judged."""
    asked: Asked = field(default_factory=Asked)
    numbering: Numbering = field(default_factory=Numbering)

    def note(self, broken: Broken | None) -> None:
        """Remember what is broken, unless something was before."""
        self.broken = self.broken or broken

    def planted(self, name: str) -> None:
        """A file that is not the log's stands under this name."""
        self.asked = replace(self.asked, strangers=self.asked.strangers | {name})

    # ---- What came of a call of the log -------------------------------------

    def begin(self) -> None:
        """A process has opened the log."""
        self.numbering = Numbering()

    def refused(self, reason: str, fired: Sequence[str]) -> None:
        """The log could not be opened; so much had struck."""
        answer = Answer(refused=reason)
        self.asked = replace(self.asked, answer=answer, fired=tuple(fired))
        if not fired:
            self.note(Broken("I10", f"the log could not be opened: {reason}"))

    def unreadable(self, reason: str, fired: Sequence[str]) -> None:
        """The log is open and could not say what it has; so much had struck."""
        if not fired:
            self.note(Broken("I10", f"nothing is wrong with the disk: {reason}"))

    def answered(self, promises: Sequence[object], answer: Answer) -> None:
        """An open log says that it has this, after these promises."""
        self.checks += 1
        self.note(check_log(promises, answer))
        self.numbering.next_sequence = answer.next_sequence

    def opened(
        self, promises: Sequence[object], answer: Answer, fired: Sequence[str]
    ) -> Reported | None:
        """The last answer was that of an open; return what it has told of losses, if anything."""
        ledger = Ledger.of(promises)
        self.asked = replace(
            self.asked, answer=answer, reported=frozenset(ledger.reported), fired=tuple(fired)
        )
        gone = tuple(missing_from(ledger, answer)) if self.broken is None else ()
        return Reported(answer.lost, gone) if answer.lost or gone else None

    def appended(
        self, found: Appended, count: int, returned: Container[int], struck: Sequence[str]
    ) -> None:
        """An append of so many events came to this; `struck` is what went wrong meanwhile."""
        self.note(self.numbering.appended(found, returned, struck))
        self.note(unanswered(len(found.sequences), count, found.failure))
