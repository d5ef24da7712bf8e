"""Runs a plan on a connector and a broker, and asks the oracle after every step.

Theory of operation. Everything is in one thread on one virtual clock: connector and broker of
simulators/connector_world.py on a CrashFilesystem behind faults of its calls. A step does
something to them; then connector_oracle.py looks at its lists.

`done` says what each step came to, `fired` what really went wrong: disk faults as "sync EIO",
those of the link as "link reset", the broker's by their names, crashes by their steps' words.

Not here: what a step means as data (connector_steps.py), how bytes move (connector_link.py),
how a process begins and ends (connector_process.py).

Spec: SCN-1.2, SCN-1.3, SCN-4.1.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from fault_injection import connector_steps as steps
from fault_injection.connector_link import HandMovedLink
from fault_injection.connector_process import ConnectorProcess
from fault_injection.disk_faults import call_fault, misread
from fault_injection.errors import PlanError
from fault_injection.invariants import Broken
from fault_injection.plan import Plan, Step
from fault_injection.recovering import defect
from fault_injection.steps_done import Done
from fault_injection.subject import DEFECTS, make_events
from reference.connector_states import IllegalInput
from reference.errors import AppendError, EventTooLarge, QuotaExceeded
from reference.limits import NS_PER_S
from simulators.broker_fault_text import InvalidFault, parse_fault
from simulators.connector_world import ConnectorWorld
from simulators.crash_filesystem import PowerFailure
from simulators.disk_image import Image
from simulators.link_faults import Direction, FaultKind, LinkFault

QUIET_S_MAX: Final = 300
"""Longer than the longest backoff and every deadline of a link that was stalled before it."""
LIVES_TO_QUIESCE: Final = 3
ENDINGS: Final = (
    steps.ShutDown, steps.Kill, steps.PowerCut, steps.Restore, steps.Damage, steps.Wipe,
)  # fmt: skip
"""A process ends with these."""


@dataclass(slots=True)
class ConnectorRun:
    """One run of a plan. `broken` is the first invariant that did not hold."""

    plan: Plan
    broken: Broken | None = None
    checks: int = 0
    fired: Counter[str] = field(default_factory=Counter)
    done: list[Done] = field(default_factory=list)
    process: ConnectorProcess = field(init=False)
    _stored_count: int = 0
    _attempts_seen: int = 0
    _strikes_seen: int = 0

    def __post_init__(self) -> None:
        self.process = ConnectorProcess(self.plan, self.fired)

    @property
    def before(self) -> Image:
        """What the last process had written when it ended."""
        return self.process.before

    @property
    def after(self) -> Image:
        """What the last start found."""
        return self.process.after

    def run(self) -> ConnectorRun:
        """Do all steps, up to the first broken invariant; return the run itself."""
        for each in self.plan.steps:
            self._do(each)
            if self.broken is not None:
                break
        return self

    # ---- One step -----------------------------------------------------------

    def _do(self, step: Step) -> None:
        process = self.process
        try:
            outcome = self._carry_out(step)
        except PowerFailure:
            outcome = process.end_in_call()
        except (*DEFECTS, IllegalInput) as error:
            outcome = f"the connector gives up: {defect(error)}"
            process.break_("I10", outcome)
        self._note_fired()
        if process.broken is None:
            self.checks += 1
            process.check()
        self.broken = process.broken
        is_ending = isinstance(step, ENDINGS)
        promises = len(process.oracle.ledger.returned)
        self.done.append(Done(step, outcome, process.disk.calls, promises, is_ending))

    def _carry_out(self, step: Step) -> str:
        """Do a step that needs no running process, or hand it on."""
        process, broker = self.process, self.process.broker
        match step:
            case steps.Start():
                return process.start()
            case steps.Kill(after_calls) | steps.PowerCut(after_calls=after_calls):
                return process.end_now(step) if after_calls < 0 else process.end_later(step)
            case steps.Fault():
                process.faults.arm(call_fault(step))
                return "armed"
            case steps.Misread():
                process.faults.arm(misread(process.disk.process_image(), step))
                return "armed"
            case steps.Heal():
                process.faults.heal()
                return "healed"
            case steps.Snapshot():
                return process.take_snapshot()
            case steps.Restore():
                return process.restore()
            case steps.Wipe():
                return process.wipe()
            case steps.Damage() | steps.Plant():
                return process.change(step)
            case steps.WallClock(seconds):
                process.wall_offset_ns += seconds * NS_PER_S
                self.fired["wall-clock"] += 1
                return f"{process.wall_offset_ns / NS_PER_S:+g} s"
            case steps.BrokerFault(text):
                return self._broker_fault(text)
            case steps.LinkFault():
                process.link_faults.append(_link_fault(step, broker.connection_count))
                return "armed"
            case steps.BrokerRestart(keeps_memory):
                broker.restart(keep_memory=keeps_memory)
                return self._broker_is_gone(step)
            case steps.BrokerStopsListening():
                broker.stop()
                return self._broker_is_gone(step)
            case steps.BrokerListens():
                broker.start()
                return "listens"
            case steps.Quiesce():
                return self._quiesce()
            case steps.ExpectDelivered(but_for):
                return self._expect_delivered(but_for)
        if process.link is None or process.world is None or not process.is_running:
            return "nothing runs"
        return self._use(step, process.world, process.link)

    def _use(self, step: Step, world: ConnectorWorld, link: HandMovedLink) -> str:
        """Do a step that needs a running process."""
        match step:
            case steps.Publish(count, padding):
                return self._publish(world, count, padding)
            case steps.Flow(rounds):
                return f"{link.flow_all(rounds)} rounds; {_standing(world)}"
            case steps.Wait(seconds):
                link.wait(round(seconds * NS_PER_S))
                return _standing(world)
            case steps.Advance(seconds):
                world.advance(round(seconds * NS_PER_S))
                return _standing(world)
            case steps.Link():
                return _standing(world) if link.attempt() else "none is wanted"
            case steps.MoveBytes(direction, count):
                moved = link.move(_direction(direction), None if count < 0 else count)
                return f"{moved} bytes; {_standing(world)}"
            case steps.DiskWorks(count, index):
                jobs = world.connector.jobs
                for _ in range(min(count, len(jobs))):
                    world.connector.run_job(min(index, len(jobs) - 1))
                return f"{len(jobs)} things are left to do"
            case steps.Cut():
                self.fired["cut"] += world.connection is not None
                world.cut()
                return _standing(world)
            case steps.HalfOpen(direction):
                link.half_open(*([_direction(direction)] if direction else Direction))
                return "nothing arrives"
            case steps.ShutDown(seconds):
                return self.process.shut_down(round(seconds * NS_PER_S))
        return self._expect(step, world, link)

    def _expect(self, step: Step, world: ConnectorWorld, link: HandMovedLink) -> str:
        """Look at what a step says has to hold."""
        match step:
            case steps.ExpectLevel(level):
                found = world.connector.channel.state.level.value
                if found != level:
                    self.process.break_("I8", f"{found}, and {level} was expected")
                return found
            case steps.ExpectStored(count):
                if self._stored_count != count:
                    what = f"the last publish stored {self._stored_count}, not {count}"
                    self.process.break_("I11", what)
                return f"{self._stored_count} stored"
            case steps.ExpectRepeats(most):
                repeats = self.process.oracle.repeats
                if repeats > most:
                    what = f"{repeats} events were sent again; at most {most} were in flight"
                    self.process.break_("I4", what)
                return f"{repeats} repeats"
            case steps.ExpectBacklog(most):
                backlog = world.connector.core.backlog
                if backlog > most:
                    self.process.break_("I10", f"{backlog} events are waited for, not {most}")
                return f"{backlog} undelivered"
            case steps.ExpectAttempts(least, most):
                tried, self._attempts_seen = link.attempts - self._attempts_seen, link.attempts
                if not least <= tried <= most:
                    what = f"a link was tried {tried} times; {least} to {most} were expected"
                    self.process.break_("I10", what)
                return f"{tried} attempts"
        raise PlanError(f"{step}: not a step of a connector")

    def _expect_delivered(self, but_for: int) -> str:
        self.process.check()  # else what was recorded in this step is not known yet
        missing = self.process.oracle.undelivered
        if len(missing) > but_for:
            self.process.break_("I10", f"{missing} are not delivered yet; {but_for} may be missing")
        return f"{len(missing)} are not delivered"

    # ---- What steps do ------------------------------------------------------

    def _publish(self, world: ConnectorWorld, count: int, padding: int) -> str:
        oracle, faults = self.process.oracle, self.process.faults
        first = len(oracle.offered) + 1
        events = make_events(first, count, padding)
        oracle.offered |= events
        failure = ""
        sequences: list[int] = []
        try:
            sequences = list(world.publish(list(events.values())))
        except AppendError as error:
            sequences = list(error.stored)
            failure = f"; {type(error).__name__}: {error}"
            if error.definite:
                oracle.rejected.update(tuple(events)[len(sequences) :])
            if not (isinstance(error, QuotaExceeded) or self.fired or faults.fired):
                self.process.break_("I11", f"publish failed and nothing was wrong: {error}")
            oracle.disturb()
        except EventTooLarge as error:
            failure = f"; {error}"
            oracle.rejected.update(events)
        self._stored_count = len(sequences)
        self.process.note(oracle.published(sequences, events))
        return f"returned {', '.join(map(str, sequences)) or 'nothing'}{failure}"

    def _broker_fault(self, text: str) -> str:
        try:
            self.process.broker.dice.arm(parse_fault(text))
        except InvalidFault as error:
            raise PlanError(str(error)) from error
        return "armed"

    def _broker_is_gone(self, step: Step) -> str:
        self.fired[step.do] += 1
        if self.process.world is not None:
            self.process.world.cut()
        return "all connections are dropped"

    def _note_fired(self) -> None:
        """Count what struck since the last step."""
        fired = self.process.faults.fired
        if fired:
            self.process.oracle.disturb()
            self.fired.update(f"{w.split()[0]} {w.rsplit(': ', 1)[1]}" for w in fired)
            fired.clear()
        strikes = self.process.broker.dice.fired
        self.fired.update(strike.name for strike in strikes[self._strikes_seen :])
        self._strikes_seen = len(strikes)

    # ---- The end of all faults ----------------------------------------------

    def _quiesce(self) -> str:
        process = self.process
        process.calm()
        for _ in range(LIVES_TO_QUIESCE):
            process.start()
            if process.broken is not None or process.world is None or process.link is None:
                return "the log is broken"
            outcome = self._publish(process.world, 1, 0)
            if self._stored_count or "QuotaExceeded" in outcome:
                break
            process.end_for_good()  # a log whose sync failed is opened again
        else:
            process.break_("I10", f"faults are over and publishing fails: {outcome}")
            return outcome
        began_ns = process.world.now_ns
        process.link.flow_until_quiet(QUIET_S_MAX * NS_PER_S)
        seconds = (process.world.now_ns - began_ns) / NS_PER_S
        self._look_at_the_end(process.world)
        return f"after {seconds:g} s: {_standing(process.world)}"

    def _look_at_the_end(self, world: ConnectorWorld) -> None:
        process, connector = self.process, world.connector
        process.check()
        core, log = connector.core, connector.log
        if core.backlog or connector.jobs:
            process.break_(
                "I10", f"faults are over since {QUIET_S_MAX} s, and {core.backlog} events are "
                f"undelivered: {core.link.state.value}, {core.link.problem!r}",
            )  # fmt: skip
        elif undelivered := process.oracle.undelivered:
            if len(undelivered) > process.oracle.ledger.lost_max:
                process.break_("I10", f"{undelivered} were never delivered")
        elif left := [entry.sequence for entry in log.replay()]:
            process.break_("I10", f"everything is acknowledged, and the log replays {left}")
        elif not log.flush() or len(log.segment_names) != 1:
            process.break_("I10", f"everything is acknowledged: {log.segment_names} stay")
        elif connector.channel.state.level.value != "released":
            process.break_("I8", "everything is acknowledged, and backpressure stays on")


def _standing(world: ConnectorWorld) -> str:
    core = world.connector.core
    return f"{core.link.state.value}, {core.backlog} undelivered, {core.outstanding} in flight"


def _direction(word: str) -> Direction:
    try:
        return Direction(word)
    except ValueError as error:
        raise PlanError(f"direction {word!r} is none of {[d.value for d in Direction]}") from error


def _link_fault(step: steps.LinkFault, connections: int) -> LinkFault:
    try:
        kind = FaultKind(step.kind)
    except ValueError as error:
        raise PlanError(f"kind {step.kind!r} is none of {[k.value for k in FaultKind]}") from error
    direction = _direction(step.direction)
    return LinkFault(kind, connections + step.connection, direction, step.offset, step.amount)
