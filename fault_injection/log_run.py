"""Runs a plan on a log: does its steps in their order, and lets things go wrong between them.

What a step does to the log and its disk is in log_process.py, whether that keeps what was
promised in log_oracle.py; here are the order, and the two steps that are made of others: `check`
and `drain`. `done` says what was done, for the story of a failure.

Spec: SCN-1.2, SCN-1.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from fault_injection.damage import segment_names
from fault_injection.errors import PlanError
from fault_injection.invariants import Broken
from fault_injection.log_checks import check_more, refused_for_room
from fault_injection.log_process import LogProcess
from fault_injection.log_steps import (
    ENDINGS,
    Acknowledge,
    Append,
    Check,
    Close,
    Damage,
    Drain,
    Fault,
    Heal,
    Inspect,
    Kill,
    Open,
    PowerCut,
    Refuse,
    Replay,
    Snapshot,
    processes,
)
from fault_injection.plan import Step
from fault_injection.recovering import defect
from fault_injection.steps_done import Done
from fault_injection.subject import DEFECTS
from simulators.crash_filesystem import PowerFailure

OPENINGS_TO_DRAIN: Final = 3


@dataclass(slots=True)
class LogRun(LogProcess):
    """One run of a plan."""

    done: list[Done] = field(default_factory=list)

    def run(self) -> LogRun:
        """Do all steps, up to the first broken invariant; return the run itself."""
        for process in processes(self.plan.steps):
            self._arm(process)
            for step in process:
                if self.broken is not None:
                    return self
                self._do(step)
        return self

    def _arm(self, process: Sequence[Step]) -> None:
        """Let the power of the machine that simulates the process fail where it is killed."""
        self.disk.fail_power(None)
        match process[-1] if process else None:
            case Kill(after_calls=calls) if calls >= 0:
                self.disk.fail_power(calls)

    def _do(self, step: Step) -> None:
        try:
            outcome = self._carry_out(step)
        except PowerFailure:
            self.log = None
            outcome = "the process is gone in the middle of this"
        except DEFECTS as error:
            outcome = f"the log gives up: {defect(error)}"
            self._oracle.note(Broken("I10", outcome))
        is_ending = isinstance(step, ENDINGS)
        self.done.append(
            Done(
                step, outcome, self.disk.calls, len(self.disk.marks), is_ending,
                len(self.disk.points), self._notes,
            )
        )  # fmt: skip
        self._notes = ()
        self.fired.update(self._faults.take_fired())
        if self._faults.reader is not None:
            self._oracle.note(self._faults.reader.broken)

    def _carry_out(self, step: Step) -> str:
        match step:
            case Open():
                return self._open()
            case Append(count, padding):
                return self._append(count, padding)
            case Acknowledge(count):
                return self._acknowledge(count)
            case Refuse():
                return self._refuse()
            case Close():
                return self._close()
            case Kill():
                return self._kill()
            case PowerCut():
                return self._power_cut(step)
            case Fault():
                self._faults.arm_step(step)
                return "armed"
            case Heal():
                self._faults.heal()
                return "healed"
            case Damage():
                return self._damage(step)
            case Replay():
                return self._replay()
            case Snapshot():
                self._snapshot = self.disk.process_image()
                return "taken"
            case Inspect():
                return self._inspect()
            case Check(what):
                return self._check(what)
            case Drain():
                return self._drain()
        raise PlanError(f"{step}: not a step of a log")

    # ---- Steps that are made of others --------------------------------------

    def _check(self, what: str) -> str:
        if self.log is None:
            if what == "degraded":
                self._oracle.note(refused_for_room(self._oracle.asked))
            return "no log"
        if what == "goes-on":
            self._faults.heal()
            if self._oracle.numbering.has_failed:  # WAL-4.3: it goes on once it is opened again
                self._kill()
                self._open()
            outcome = self._append(1, 0)
            if "failure" in outcome:
                self._oracle.note(Broken("I10", f"the faults are over, and append: {outcome}"))
            return outcome
        if what == "refused" and (self.ledger.wanted or "dead" not in self.done[-1].outcome):
            return "something is not refused"
        if what == "deletes" and not self.ledger.wanted:
            return "nothing to acknowledge"
        if what == "deletes":
            self._acknowledge(len(self.ledger.wanted))
        image = self.disk.process_image()
        asked = self._oracle.asked
        self._oracle.note(check_more(what, asked, self.log, image, self.plan.settings))
        return "asked"

    def _drain(self) -> str:
        self._faults.heal()
        for _ in range(OPENINGS_TO_DRAIN):
            self._open()
            if self.broken is not None:
                return "the log is broken"  # what comes later must not hide it
            first = self._append(1, 0)
            if "failure" not in first:
                break
            if first.endswith("quota"):
                self._acknowledge(len(self.ledger.wanted))
            else:
                self._kill()  # a log whose sync failed is opened again
        else:
            self._oracle.note(Broken("I10", f"faults are over and appending fails: {first}"))
            return first
        self._acknowledge(len(self.ledger.wanted))
        if self.log is None:
            return "the log could not be opened"  # which is noted as broken
        is_clean = self._close() == "clean"
        self._open()
        if self.log is not None and len(self.log.segments()) != 1:
            names = ", ".join(segment_names(self.disk.process_image()))
            self._oracle.note(Broken("I10", f"all is acknowledged, and these files stay: {names}"))
        return "everything acknowledged" + ("" if is_clean else ", not clean")
