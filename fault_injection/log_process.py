"""The processes of a log in a plan, one after the other on one disk: what each step does to them.

Theory of operation. The disk is a CrashFilesystem behind faults of its calls. Promises are
noted on the disk (`mark`) in the order in which the log made them, so that every recorded
moment knows which of them stood. What comes back is compared with them (log_oracle.py).

    boot     from the start, or a power cut, to the next power cut
    process  from `open` to `close`, `kill`, or the power cut

A step that needs an open log does nothing if there is none: opening may have been refused
while the disk was failing. Each says in words what came of it, for the story of a failure.

Which step is next, and steps that are made of others: log_run.py. Spec: SCN-1.2, SCN-1.3.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from fault_injection.cuts import image_after, moment_of
from fault_injection.damage import damaged
from fault_injection.disk_faults import DiskFaults
from fault_injection.invariants import Broken, Ledger
from fault_injection.log_oracle import LogOracle
from fault_injection.log_steps import Damage, PowerCut
from fault_injection.looking import Reader
from fault_injection.pending_words import lost_words, page_cache
from fault_injection.plan import Plan
from fault_injection.plan_bounds import check_log_plan, check_sizes
from fault_injection.promises import (
    Buried,
    Forgotten,
    Handed,
    Opening,
    Rejected,
    Rotten,
    Settled,
    Stored,
)
from fault_injection.recovering import RecoversMany, difference, settings_of
from fault_injection.subject import LogSubject, OpenLog, Refused, Unreadable, make_events
from reference.events import ProcessEvent
from simulators.crash_filesystem import CrashFilesystem
from simulators.disk_image import Image
from simulators.persistence import DISKS


@dataclass(slots=True)
class LogProcess:
    """The disk of a plan, and whatever process of the log there is on it."""

    plan: Plan
    subject: LogSubject
    twice: bool = False
    """Recover twice at each open, and compare (I5)."""
    fired: Counter[str] = field(default_factory=Counter)
    """What really went wrong: a scenario whose fault never struck shows nothing."""
    calls: Counter[str] = field(default_factory=Counter)
    """How often each call of the disk was made, in this boot."""
    offered: dict[int, ProcessEvent] = field(default_factory=dict)
    before: Image = field(default_factory=dict)
    """What the last process had written when it ended."""
    after: Image = field(default_factory=dict)
    """What the last open found."""
    disk: CrashFilesystem = field(init=False)
    log: OpenLog | None = None
    _faults: DiskFaults = field(init=False)
    _oracle: LogOracle = field(default_factory=LogOracle)
    _lives: int = 0
    _snapshot: Image = field(default_factory=dict)
    _directories: set[str] = field(default_factory=set)
    _notes: tuple[str, ...] = ()
    """Of the step that is done: what was lost in it."""

    def __post_init__(self) -> None:
        check_log_plan(self.plan)
        self.use_disk(CrashFilesystem(DISKS[self.plan.profile]))

    def use_disk(self, disk: CrashFilesystem) -> None:
        """Go on with this disk."""
        self.disk = disk
        self._faults = DiskFaults(disk, self._directories)
        self.calls = self._faults.calls

    @property
    def broken(self) -> Broken | None:
        """The first invariant that did not hold; None if all did."""
        return self._oracle.broken

    @property
    def checks(self) -> int:
        """How often the log was asked what it has, and judged."""
        return self._oracle.checks

    @property
    def ledger(self) -> Ledger:
        """What was promised until now."""
        return Ledger.of(self.disk.marks)

    # ---- Calls of the log ---------------------------------------------------

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
            self._oracle.refused(str(refusal), self._faults.fired)
            return f"refused: {refusal}"
        self.log = log
        self._oracle.begin()
        return self._judge(log, promises, is_opening=True)

    def _replay(self) -> str:
        if self.log is None:
            return "no log"
        return self._judge(self.log, self.disk.marks, is_opening=False)

    def _judge(self, log: OpenLog, promises: Sequence[object], *, is_opening: bool) -> str:
        """Ask the log what it has, and the oracle whether that keeps the promises."""
        fired = self._faults.fired
        try:
            answer = log.answer(self.offered)
        except Unreadable as error:
            self._oracle.unreadable(str(error), fired)
            return f"cannot be read: {error}"
        if is_opening and self.twice and not fired:
            wrong = difference(self.disk, self.plan, self.subject, self.offered, answer)
            answer = replace(answer, unstable=wrong)
        self._oracle.answered(promises, answer)
        if is_opening and (told := self._oracle.opened(promises, answer, fired)):
            self.disk.mark(told)
        self.disk.mark(Handed(answer.replayed))
        replayed = ", ".join(str(sequence) for sequence, _ in answer.replayed)
        return f"replays {replayed or 'nothing'}; next is {answer.next_sequence}"

    def _append(self, count: int, padding: int) -> str:
        if self.log is None:
            return "no log"
        events = make_events(len(self.offered) + 1, count, padding)
        check_sizes(events.values(), self.plan.settings)
        self.offered |= events
        appended = self.log.append(list(events.values()))
        self._oracle.appended(appended, count, self.ledger.returned, self._faults.words())
        stored = tuple(zip(appended.sequences, events, strict=False))
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
            wrong = f"append failed and nothing was wrong: {appended.text}"
            self._oracle.note(Broken("I11", wrong))
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

    def _inspect(self) -> str:
        if self.log is None:
            return "no log"
        self._faults.reader = Reader(self.offered, self.disk.process_image())
        return "looks"

    # ---- How a process ends, and a boot -------------------------------------

    def _close(self) -> str:
        if self.log is None:
            return "no log"
        self.before = self.disk.process_image()
        is_clean = self.log.close()
        self.log = None
        self._oracle.note(self._faults.dismiss_reader())
        if is_clean:
            self.disk.mark(Forgotten())
        return "clean" if is_clean else "not clean"

    def _kill(self) -> str:
        self.disk.fail_power(None)
        self.log = None
        self._oracle.note(self._faults.dismiss_reader())
        self.before = self.disk.process_image()
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
        if step.kind == "directory":
            self._directories.add(step.name)
        if step.kind == "stranger":
            self._oracle.planted(step.name)
        # Without what says how far it was acknowledged, a log may repeat.
        self._restart(image, [*self.disk.marks, Rotten(step.lost_max, step.file == -2)])
        return "done"

    def _restart(self, image: Image, marks: Sequence[object]) -> None:
        """The machine starts on what the medium has."""
        disk = CrashFilesystem(DISKS[self.plan.profile], image)
        disk.marks.extend(marks)
        self.log = None
        self.use_disk(disk)
