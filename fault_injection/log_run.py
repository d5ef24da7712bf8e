"""Runs a plan on a log: makes the calls, lets things go wrong, and asks the oracle.

Theory of operation. The disk is a CrashFilesystem behind faults of its calls. Promises are
noted on the disk (`mark`) in the order in which the log made them, so that every recorded
moment knows which of them stood. After each open, what came back is compared with them.

    boot     from the start, or a power cut, to the next power cut
    process  from `open` to `close`, `kill`, or the power cut

A step that needs an open log does nothing if there is none: opening may have been refused
while the disk was failing. `done` says what was done, for the story of a failure.

Spec: SCN-1.2, SCN-1.3.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from fault_injection.cuts import image_after, moment_of
from fault_injection.damage import damaged, segment_names
from fault_injection.disk_faults import DiskFaults
from fault_injection.errors import PlanError
from fault_injection.invariants import Broken, Ledger, check_log, missing_from, unanswered
from fault_injection.log_checks import Asked, check_more, refused_for_room
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
from fault_injection.looking import Reader
from fault_injection.numbering import Numbering
from fault_injection.pending_words import lost_words, page_cache
from fault_injection.plan import Plan, Step
from fault_injection.plan_bounds import check_log_plan, check_sizes
from fault_injection.promises import (
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
from fault_injection.recovering import RecoversMany, defect, difference, settings_of
from fault_injection.steps_done import Done
from fault_injection.subject import DEFECTS, LogSubject, OpenLog, Refused, Unreadable, make_events
from reference.events import ProcessEvent
from simulators.crash_filesystem import CrashFilesystem, PowerFailure
from simulators.disk_image import Image
from simulators.persistence import DISKS

OPENINGS_TO_DRAIN: Final = 3


@dataclass(slots=True)
class LogRun:
    """One run of a plan. `broken` is the first invariant that did not hold."""

    plan: Plan
    subject: LogSubject
    twice: bool = False
    """Recover twice at each open, and compare (I5)."""
    broken: Broken | None = None
    done: list[Done] = field(default_factory=list)
    fired: Counter[str] = field(default_factory=Counter)
    """What really went wrong: a scenario whose fault never struck shows nothing."""
    calls: Counter[str] = field(default_factory=Counter)
    """How often each call of the disk was made, in this boot."""
    checks: int = 0
    offered: dict[int, ProcessEvent] = field(default_factory=dict)
    before: Image = field(default_factory=dict)
    """What the last process had written when it ended."""
    after: Image = field(default_factory=dict)
    """What the last open found."""
    disk: CrashFilesystem = field(init=False)
    log: OpenLog | None = None
    _faults: DiskFaults = field(init=False)
    _lives: int = 0
    _snapshot: Image = field(default_factory=dict)
    _directories: set[str] = field(default_factory=set)
    _asked: Asked = field(default_factory=Asked)
    _notes: tuple[str, ...] = ()
    _numbering: Numbering = field(default_factory=Numbering)

    def __post_init__(self) -> None:
        check_log_plan(self.plan)
        self.use_disk(CrashFilesystem(DISKS[self.plan.profile]))

    def use_disk(self, disk: CrashFilesystem) -> None:
        """Go on with this disk."""
        self.disk = disk
        self._faults = DiskFaults(disk, self._directories)
        self.calls = self._faults.calls

    def run(self) -> LogRun:
        """Do all steps, up to the first broken invariant; return the run itself."""
        for process in processes(self.plan.steps):
            self._arm(process)
            for step in process:
                if self.broken is not None:
                    return self
                self._do(step)
        return self

    @property
    def ledger(self) -> Ledger:
        """What was promised until now."""
        return Ledger.of(self.disk.marks)

    def _note(self, broken: Broken | None) -> None:
        """Remember what is broken, unless something was before."""
        self.broken = self.broken or broken

    # ---- Steps --------------------------------------------------------------

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
            self._note(Broken("I10", outcome))
        done = Done(
            step, outcome, self.disk.calls, len(self.disk.marks), isinstance(step, ENDINGS),
            len(self.disk.points), self._notes,
        )  # fmt: skip
        self.done.append(done)
        self._notes = ()
        self.fired.update(self._faults.take_fired())
        if self._faults.reader is not None:
            self._note(self._faults.reader.broken)

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

    def _open(self) -> str:
        if self.log is not None:
            return "is open"
        self.after = self.disk.process_image()
        self._faults.close()
        promises = list(self.disk.marks)
        if self.ledger.lost_max:
            self.disk.mark(Opening())
        try:
            self._lives += 1
            log = self.subject.open(self._faults, settings_of(self.plan, self._lives))
        except Refused as refusal:
            answer = Answer(refused=str(refusal))
            self._asked = replace(self._asked, answer=answer, fired=tuple(self._faults.fired))
            if not self._faults.fired:
                self._note(Broken("I10", f"the log could not be opened: {refusal}"))
            return f"refused: {refusal}"
        self.log, self._numbering = log, Numbering()
        return self._judge(log, promises, is_opening=True)

    def _replay(self) -> str:
        if self.log is None:
            return "no log"
        return self._judge(self.log, self.disk.marks, is_opening=False)

    def _judge(self, log: OpenLog, promises: Sequence[object], *, is_opening: bool) -> str:
        """Ask the log what it has, and the oracle whether that keeps the promises."""
        try:
            answer = log.answer(self.offered)
        except Unreadable as error:
            if not self._faults.fired:
                self._note(Broken("I10", f"nothing is wrong with the disk: {error}"))
            return f"cannot be read: {error}"
        if is_opening and self.twice and not self._faults.fired:
            wrong = difference(self.disk, self.plan, self.subject, self.offered, answer)
            answer = replace(answer, unstable=wrong)
        self.checks += 1
        ledger = Ledger.of(promises)
        self._note(check_log(promises, answer))
        self._numbering.next_sequence = answer.next_sequence
        if is_opening:
            self._asked = replace(
                self._asked, answer=answer, reported=frozenset(ledger.reported),
                fired=tuple(self._faults.fired),
            )  # fmt: skip
            gone = tuple(missing_from(ledger, answer)) if self.broken is None else ()
            if answer.lost or gone:
                self.disk.mark(Reported(answer.lost, gone))
        self.disk.mark(Handed(answer.replayed))
        replayed = ", ".join(str(sequence) for sequence, _ in answer.replayed)
        return f"replays {replayed or 'nothing'}; next is {answer.next_sequence}"

    def _append(self, count: int, padding: int) -> str:
        if self.log is None:
            return "no log"
        events = make_events(len(self.offered) + 1, count, padding)
        check_sizes(events.values(), self.plan.settings)
        self.offered |= events
        appended = self.log.append([*events.values()])
        stored = tuple(zip(appended.sequences, events, strict=False))
        self._note(self._numbering.appended(appended, self.ledger.returned, self._faults.words()))
        self._note(unanswered(len(appended.sequences), count, appended.failure))
        if stored:
            self.disk.mark(Stored(stored))
        if appended.failure == "definite":
            self.disk.mark(Rejected(tuple(events)[len(stored) :]))
        numbers = ", ".join(str(sequence) for sequence, _ in stored) or "nothing"
        failed = f"; {appended.failure} failure: {appended.text}" if appended.failure else ""
        if appended.failure and not self._faults.excuses_failure:
            if "quota_bytes" in self.plan.settings:
                self.fired["quota"] += 1
                return f"returned {numbers}; {appended.failure} failure: quota"
            self._note(Broken("I11", f"append failed and nothing was wrong: {appended.text}"))
        return f"returned {numbers}{failed}"

    def _acknowledge(self, count: int) -> str:
        if self.log is None:
            return "no log"
        oldest = self.ledger.wanted[:count]
        if not oldest:
            return "nothing to acknowledge"
        through = oldest[-1]
        settled = tuple(n for n in self.ledger.returned if n <= through)
        self.disk.mark(Settled(settled))  # first: it may be deleted before the call returns
        self.log.acknowledge(through)
        return f"through {through}"

    def _refuse(self) -> str:
        if self.log is None or not (oldest := self.ledger.wanted[:1]):
            return "nothing to refuse"
        if not self.log.refuse(oldest[0]):
            return f"{oldest[0]} stays"
        self.disk.mark(Buried((oldest[0],)))
        return f"{oldest[0]} is a dead letter"

    def _close(self) -> str:
        if self.log is None:
            return "no log"
        self.before = self.disk.process_image()
        is_clean = self.log.close()
        self.log = self._faults.reader = None
        if is_clean:
            self.disk.mark(Forgotten())
        return "clean" if is_clean else "not clean"

    def _kill(self) -> str:
        self.disk.fail_power(None)
        self.log, self._faults.reader, self.before = None, None, self.disk.process_image()
        self._faults.close()
        self.fired["kill"] += 1
        return f"after {self.disk.calls} calls"

    def _power_cut(self, step: PowerCut) -> str:
        self.disk.fail_power(None)
        if isinstance(self.subject, RecoversMany):
            step = replace(step, nearest=True)  # a port's calls are others
        moments = len(self.disk.points)
        if step.moment in (-1, moments) or (step.nearest and step.moment > moments):
            self.disk.end()  # exploring notes the end as a moment
        image, kept = image_after(self.disk, step)
        point = self.disk.points[moment_of(self.disk, step)]
        self.before = page_cache(point)  # of that moment: what came later has not happened
        self._notes = lost_words(point, kept)
        lost = len(point.pending) - kept.bit_count()
        self.fired["power-cut"] += 1
        self._restart(image, self.disk.marks[: point.mark])
        return f"at {point.step}: {lost} of {len(point.pending)} pending operations are lost"

    def _damage(self, step: Damage) -> str:
        self.before = self.disk.process_image()
        image = damaged(self.before, step, self._snapshot)
        self.fired[f"damage {step.kind}"] += 1
        self._directories |= {step.name} if step.kind == "directory" else set()
        if step.kind == "stranger":
            self._asked = replace(self._asked, strangers=self._asked.strangers | {step.name})
        # Without what says how far it was acknowledged, a log may repeat.
        self._restart(image, [*self.disk.marks, Rotten(step.lost_max, step.file == -2)])
        return "done"

    def _check(self, what: str) -> str:
        if self.log is None:
            self._note(refused_for_room(self._asked) if what == "degraded" else None)
            return "no log"
        if what == "goes-on":
            self._faults.heal()
            if self._numbering.has_failed:  # WAL-4.3: it goes on once it is opened again
                self._kill()
                self._open()
            outcome = self._append(1, 0)
            if "failure" in outcome:
                self._note(Broken("I10", f"the faults are over, and append: {outcome}"))
            return outcome
        if what == "refused" and (self.ledger.wanted or "dead" not in self.done[-1].outcome):
            return "something is not refused"
        if what == "deletes" and not self.ledger.wanted:
            return "nothing to acknowledge"
        if what == "deletes":
            self._acknowledge(len(self.ledger.wanted))
        image = self.disk.process_image()
        self._note(check_more(what, self._asked, self.log, image, self.plan.settings))
        return "asked"

    def _inspect(self) -> str:
        if self.log is None:
            return "no log"
        self._faults.reader = Reader(self.offered, self.disk.process_image())
        return "looks"

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
            self._note(Broken("I10", f"faults are over and appending fails: {first}"))
            return first
        self._acknowledge(len(self.ledger.wanted))
        if self.log is None:
            return "the log could not be opened"  # which is noted as broken
        is_clean = self._close() == "clean"
        self._open()
        if self.log is not None and len(self.log.segments()) != 1:
            names = ", ".join(segment_names(self.disk.process_image()))
            self._note(Broken("I10", f"all is acknowledged, and these files stay: {names}"))
        return "everything acknowledged" + ("" if is_clean else ", not clean")

    def _restart(self, image: Image, marks: Sequence[object]) -> None:
        """The machine starts on what the medium has."""
        disk = CrashFilesystem(DISKS[self.plan.profile], image)
        disk.marks.extend(marks)
        self.log = None
        self.use_disk(disk)
