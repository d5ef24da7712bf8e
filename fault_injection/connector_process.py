"""The processes of a connector's plan, one after the other on one disk, and how each ends.

Theory of operation. A process ends by itself, is killed, or loses power; each at rest, or in
the middle of a call of the disk that was chosen before. What is pending on the disk outlives a
killed process: a power cut after it may still lose that. The broker outlives everything.

The oracle looks with all faults held off and calls uncounted (`looking`), so that a plan does
the same whether it is checked or not.

Not here: what a process does while it lives (connector_run.py).

Spec: SCN-4.1, SCN-1.3.
"""

from __future__ import annotations

import contextlib
import itertools
import random
from collections import Counter
from collections.abc import Iterator
from typing import Final

from fault_injection.connector_limits import connector_limits
from fault_injection.connector_link import HandMovedLink
from fault_injection.connector_oracle import ConnectorOracle, Ledger
from fault_injection.connector_steps import Damage, Kill, Plant, PowerCut
from fault_injection.cuts import image_after
from fault_injection.damage import damaged, segment_names
from fault_injection.errors import PlanError
from fault_injection.invariants import Broken
from fault_injection.log_steps import PowerCut as LogPowerCut
from fault_injection.plan import Plan
from fault_injection.plan_bounds import check_bounds
from fault_injection.planting import planted
from fault_injection.promises import STRANGER
from fault_injection.subject import CLOCK_NS
from reference.dead_letters import DeadLetterFile
from reference.errors import OpenRefused
from reference.names import DEAD_LETTERS_NAME
from reference.timestamps import TIME_NS_MAX
from simulators.broker_faults import FaultPlan
from simulators.connector_driver import ConnectorDriver
from simulators.connector_world import ConnectorWorld
from simulators.crash_filesystem import CrashFilesystem
from simulators.crash_states import crash_states
from simulators.disk_image import Image
from simulators.fake_broker import FakeBroker
from simulators.faulty_filesystem import FaultyFilesystem
from simulators.link_faults import Direction, LinkFault
from simulators.persistence import DISKS

OPENINGS_MAX: Final = 4
STATES_MAX: Final = 32
"""Of a power cut whose choice has a number, so many legal states are chosen from."""


class ConnectorProcess:
    """Disk, broker and whatever process there is. `broken` is the first thing that broke."""

    def __init__(self, plan: Plan, fired: Counter[str]) -> None:
        check_bounds(plan)
        self.broken: Broken | None = None
        self.before: Image = {}
        """What the last process had written when it ended."""
        self.after: Image = {}
        """What the last start found."""
        self.wall_offset_ns = 0
        self.is_running = False
        self.world: ConnectorWorld | None = None
        """None before the first start."""
        self.link: HandMovedLink | None = None
        self.link_faults: list[LinkFault] = []
        """Armed, of all connections."""
        self.fired = fired
        self._wal_config, self._config, options = connector_limits(plan.settings)
        self.broker = FakeBroker(FaultPlan((), plan.seed), options=options)
        self.oracle = ConnectorOracle(self.broker)
        self._random = random.Random(plan.seed)
        self._ids = itertools.count(1)
        self._ending: Kill | PowerCut | None = None
        """How the process ends in the middle of a call, once `_ending_at` calls were made."""
        self._ending_at = 0
        self._snapshot: tuple[Image, Ledger] | None = None
        self._letters_bytes = -1
        self.use_disk(CrashFilesystem(DISKS[plan.profile]))

    def use_disk(self, disk: CrashFilesystem) -> None:
        """Go on with this disk."""
        self.disk = disk
        self.faults = FaultyFilesystem(disk)
        self._letters_bytes = -1

    # ---- Beginning ----------------------------------------------------------

    def start(self) -> str:
        """Open the connector; what is refused for a fault is tried again."""
        if self.is_running:
            return "runs already"
        self.after = self.disk.process_image()
        refusal = ""
        for _ in range(OPENINGS_MAX):
            self.faults.close()
            fired = len(self.faults.fired)
            try:
                if self.world is None or self.link is None:
                    self.world = ConnectorWorld(self.broker, self._open)
                    self.link = HandMovedLink(self.world, self.link_faults, self.fired)
                else:
                    self.world.crash_connector()
            except OpenRefused as error:
                refusal = f"{type(error).__name__}: {error}"
                if len(self.faults.fired) == fired:
                    self.break_("I10", f"nothing is wrong, and the log cannot be opened: {refusal}")
                    return f"refused: {refusal}"
            else:
                return self._begin(self.world.connector)
        return f"refused: {refusal}"

    def _begin(self, connector: ConnectorDriver) -> str:
        self.is_running = True
        with self.looking():
            self.note(self.oracle.begin(connector))
        if self.faults.fired:
            self.oracle.disturb()
        connector.connect()
        return f"{connector.core.backlog} undelivered; next is {connector.log.next_sequence}"

    def _open(self, now_ns: int) -> ConnectorDriver:
        return ConnectorDriver(
            self.faults, self._config, self._wal_config, now_ns=now_ns,
            wall_clock_ns=self._wall_clock_ns, random=self._random.random,
            random_bytes=lambda count: next(self._ids).to_bytes(4, "big") * (count // 4),
        )  # fmt: skip

    def _wall_clock_ns(self) -> int:
        now_ns = 0 if self.world is None else self.world.now_ns
        return min(max(0, CLOCK_NS + now_ns + self.wall_offset_ns), TIME_NS_MAX)

    # ---- Ending -------------------------------------------------------------

    def shut_down(self, timeout_ns: int) -> str:
        """End the process in good order."""
        world, link = self.world, self.link
        assert world is not None
        assert link is not None
        connector = world.connector
        connector.shut_down(timeout_ns)
        end_ns = world.now_ns + timeout_ns
        while connector.said.finished is None:
            if not link.flow():
                link.advance_to_wake(max(end_ns, world.now_ns + 1))
        link.move(Direction.TO_BROKER)
        report = connector.close()
        self._is_gone(is_clean=report.is_clean)
        self.fired["shut-down"] += 1
        how = "clean" if report.is_clean else f"not clean ({report.reason})"
        return f"{how}, {report.undelivered} undelivered"

    def end_later(self, step: Kill | PowerCut) -> str:
        """Let the process end in a call of the disk that is still to come."""
        self._ending, self._ending_at = step, self.disk.calls + step.after_calls
        self.disk.fail_power(step.after_calls)
        return "armed"

    @property
    def calls_left(self) -> int:
        """How many calls the process may make before it ends in one; 0 if that is not planned."""
        return 0 if self._ending is None else self._ending_at - self.disk.calls

    def end_now(self, step: Kill | PowerCut) -> str:
        """End the process, and do to the disk what that does."""
        self._disarm()
        self._is_gone()
        self.fired[step.do] += 1
        if isinstance(step, Kill):
            return f"after {self.disk.calls} calls"
        if not self.disk.points or self.disk.points[-1].step != "power failure":
            self.disk.end()
        pending = self.disk.points[-1].pending
        self.use_disk(CrashFilesystem(self.disk.profile, self._kept_image(step)))
        return f"{len(pending)} operations were pending"

    def end_in_call(self) -> str:
        """The chosen call has come."""
        ending, calls = self._ending, self.disk.calls
        assert ending is not None, "the power failed by itself"
        return f"in call {calls} of the disk: {ending.do}, {self.end_now(ending)}"

    def end_for_good(self) -> None:
        """Kill the process, if there is one."""
        self._disarm()
        self._is_gone()

    def calm(self) -> None:
        """No fault of any kind strikes from here on."""
        self._disarm()
        self.faults.heal()
        self.broker.dice.calm()
        self.broker.start()
        self.link_faults.clear()
        if self.link is not None:
            self.link.calm()

    def _is_gone(self, *, is_clean: bool = False) -> None:
        if self.is_running and self.world is not None:
            self.note(self.oracle.end(is_clean=is_clean))
            self.world.cut()
        self.is_running = False
        self.before = self.disk.process_image()
        self.faults.close()

    def _disarm(self) -> None:
        self._ending = None
        self.disk.fail_power(None)

    def _kept_image(self, step: PowerCut) -> Image:
        if not step.kept.startswith("#"):
            return image_after(self.disk, LogPowerCut(-1, step.kept, step.filling))[0]
        if not step.kept[1:].isdecimal():
            raise PlanError(f"{step}: a number belongs behind '#'")
        number = int(step.kept[1:])
        states = list(
            crash_states(self.disk.points[-1], self.disk.profile, budget=STATES_MAX, seed=number)
        )
        return states[number % len(states)].image

    # ---- The directory, while nothing runs -----------------------------------

    def take_snapshot(self) -> str:
        """Copy the directory, and what was promised of it."""
        self._snapshot = self.disk.process_image(), self.oracle.ledger.copy()
        return "copied"

    def restore(self) -> str:
        """Put the copy in the directory's place."""
        if self._snapshot is None:
            return "there is no copy"
        self.end_for_good()
        image, ledger = self._snapshot
        self.oracle.restored(ledger)
        self.use_disk(CrashFilesystem(self.disk.profile, image))
        self.fired["restore"] += 1
        return f"next is {max(ledger.returned, default=0) + 1}, as it was then"

    def wipe(self) -> str:
        """Delete all segments; the acknowledgement file stays."""
        self.end_for_good()
        gone = segment_names(self.before)
        self.oracle.restored(Ledger())
        image = {name: data for name, data in self.before.items() if name not in gone}
        self.use_disk(CrashFilesystem(self.disk.profile, image))
        self.fired["wipe"] += 1
        return f"{len(gone)} files are gone"

    def change(self, step: Damage | Plant) -> str:
        """Change the medium."""
        self.end_for_good()
        image, oracle = self.before, self.oracle
        if isinstance(step, Damage):
            image = damaged(image, step, self._snapshot[0] if self._snapshot else {})
            oracle.ledger.lost_max += step.lost_max
            self.fired[f"damage {step.kind}"] += 1
            outcome = "done"
        else:
            pid = len(oracle.offered) + 1
            image, sequence, event = planted(image, step, pid)
            if event is not None:
                oracle.offered[pid] = event
            oracle.ledger.returned[sequence] = STRANGER if event is None else pid
            self.fired["plant"] += 1
            outcome = f"as {sequence}"
        self.use_disk(CrashFilesystem(self.disk.profile, image))
        return outcome

    # ---- Looking ------------------------------------------------------------

    def note(self, broken: Broken | None) -> None:
        """Keep the first thing that broke."""
        self.broken = self.broken or broken

    def break_(self, invariant: str, what: str) -> None:
        """Note that an invariant does not hold."""
        self.note(Broken(invariant, what))

    @contextlib.contextmanager
    def looking(self) -> Iterator[None]:
        """Hold all faults of the disk off, and count no call."""
        disk, calls = self.disk, self.disk.calls
        self.faults.is_held_off = True
        disk.fail_power(None)
        try:
            yield
        finally:
            self.faults.is_held_off = False
            if self._ending is not None:
                self._ending_at += disk.calls - calls
                disk.fail_power(self._ending_at - disk.calls)

    def check(self) -> None:
        """Ask the oracle."""
        with self.looking():
            self._read_letters()
            self.note(self.oracle.check())

    def _read_letters(self) -> None:
        sizes = {entry.name: entry.size_bytes for entry in self.disk.list()}
        size_bytes = sizes.get(DEAD_LETTERS_NAME)
        if size_bytes != self._letters_bytes:
            letters = DeadLetterFile(self.disk, size_bytes).letters()
            self.oracle.letters = {letter.sequence: letter for letter in letters}
            self._letters_bytes = -1 if size_bytes is None else size_bytes
