"""A whole world under one seed: connector, log, disk, link, broker and clock, and all faults.

    python3 -m simulators.world --histories 10000
    python3 -m simulators.world --seed 4711 --verbose

Theory of operation. A *history* is a list of steps drawn from a seed: events are published,
bytes move in pieces, the link is cut, calls of the disk fail, the disk fills and heals, the
broker misbehaves, forgets and restarts, the connector is killed or shut down, the power
fails at rest or in the middle of a step and the disk keeps any legal part of what was not
synced. Everything runs in one thread on one virtual clock, so the same seed gives the same
history to the byte, and `digest` says so.

After each step the promises are checked against lists: what publish returned is recorded by
the broker, in the log, or a dead letter; nothing else was invented; numbers rise and are not
given twice; memory stays within its limit; the broker saw no rule of the link broken. In the
end the faults stop, and then everything has to be delivered and the log to shrink.

Spec: SIM-2.8, DEL-1.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import logging
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from reference.connector_config import ConnectorConfig
from reference.dead_letters import DeadLetterFile
from reference.errors import AppendError, OpenRefused, ReadFailed
from reference.events import EventType, ProcessEvent
from reference.limits import FRAMES_OFFSET, NS_PER_S, WalConfig
from reference.names import DEAD_LETTERS_NAME
from simulators.broker_answers import BrokerOptions
from simulators.broker_faults import MISBEHAVIOURS, FaultPlan, FaultRule, When
from simulators.connector_driver import ConnectorDriver
from simulators.connector_world import ConnectorWorld
from simulators.crash_filesystem import CrashFilesystem, PowerFailure
from simulators.crash_states import crash_states
from simulators.fake_broker import FakeBroker
from simulators.faulty_filesystem import CALLS, ERRORS, CallFault, FaultyFilesystem
from simulators.persistence import PROFILES

WALL_CLOCK_NS = 1_700_000_000_000_000_000
OPENINGS_MAX = 40
STATES_MAX = 32
"""Of a power cut, so many legal states are drawn from."""


class BrokenPromise(AssertionError):
    """A history in which something was lost, invented, repeated, or never delivered."""


@dataclass(slots=True)
class History:
    """What happened."""

    seed: int
    steps: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    broken: str = ""
    """Which promise, empty if none."""

    @property
    def digest(self) -> str:
        """The same for the same history, and for no other."""
        return hashlib.sha256("\n".join(self.steps).encode()).hexdigest()


class World:
    """One history in the making."""

    def __init__(self, seed: int) -> None:
        self.history = History(seed)
        self._draw = random.Random(seed)
        self._profile = PROFILES[self._draw.choice(("posix-min", "ext4-ordered", "btrfs"))]
        self._config = ConnectorConfig(buffer_bytes=self._draw.choice((400, 1000, 3000)))
        self._wal_config = WalConfig(
            rotation_bytes=FRAMES_OFFSET + self._draw.choice((100, 600, 2000)),
            acknowledge_count_max=self._draw.choice((1, 3, 1000)),
            quota_bytes=self._draw.choice((10**9, 60_000)),
            quarantine_bytes_max=1000,
        )
        self._bytes = itertools.count(1)
        self._faults_end = False
        self._disk = FaultyFilesystem(CrashFilesystem(self._profile))
        self._offered: dict[int, ProcessEvent] = {}
        self._returned: dict[int, int] = {}
        broker = FakeBroker(self._broker_plan(seed), options=self._broker_options())
        self._world = ConnectorWorld(broker, self._open)
        self._world.connector.connect()

    def run(self, steps: int) -> History:
        """Make the steps and the end; what breaks is in the history."""
        try:
            for _ in range(steps):
                self._step()
                self._check()
            self._end()
        except BrokenPromise as error:
            self.history.broken = str(error)
        return self.history

    # ---- Steps --------------------------------------------------------------

    def _step(self) -> None:
        actions = (
            self._publish, self._publish, self._flow, self._flow, self._flow, self._bytes_move,
            self._disk_works, self._time_passes, self._link_breaks, self._broker_restarts,
            self._kill, self._shut_down, self._call_fails, self._heal, self._power_fails,
        )  # fmt: skip
        action = self._draw.choice(actions)
        disk = self._medium
        if self._draw.random() < 0.08:
            disk.fail_power(self._draw.randrange(15))
        try:
            action()
        except PowerFailure:
            self._note(f"power fails during {action.__name__[1:]}")
            self._power_fails()
        disk.fail_power(None)

    def _publish(self) -> None:
        first = len(self._offered) + 1
        sizes = [self._draw.choice((0, 0, 0, 40, 300, 1200)) for _ in range(1, 5)]
        events = [_event(first + index, size) for index, size in enumerate(sizes)]
        self._offered |= {event.pid: event for event in events}
        try:
            sequences: Sequence[int] = self._world.publish(events)
        except AppendError as error:
            sequences = error.stored
            self._note(f"append fails: {type(error).__name__}")
        for sequence, event in zip(sequences, events, strict=False):
            if self._returned.setdefault(sequence, event.pid) != event.pid:
                raise BrokenPromise(f"number {sequence} was given twice")
        self._note(f"publish {first}..: {list(sequences)}")

    def _flow(self) -> None:
        moved = [self._world.flow() for _ in range(self._draw.randrange(1, 6))]
        self._note(f"flow {moved}")

    def _bytes_move(self) -> None:
        there = self._world.to_broker(self._draw.choice((1, 9, 200)))
        back = self._world.to_connector(self._draw.choice((1, 5, 200)))
        self._note(f"bytes {there} {back}")

    def _disk_works(self) -> None:
        jobs = self._world.connector.jobs
        if jobs:
            self._world.connector.run_job(self._draw.randrange(len(jobs)))
        self._note(f"disk works, {len(jobs)} jobs left")

    def _time_passes(self) -> None:
        seconds = self._draw.choice((0.05, 1, 9, 31))
        self._world.advance(round(seconds * NS_PER_S))
        self._note(f"{seconds} s pass")

    def _link_breaks(self) -> None:
        self._world.cut()
        self._note("link breaks")

    def _broker_restarts(self) -> None:
        keep = self._draw.random() < 0.6
        self._world.broker.restart(keep_memory=keep)
        self._world.cut()
        self._note(f"broker restarts, {'remembers' if keep else 'forgets'}")

    def _kill(self) -> None:
        self._note("connector is killed")
        self._start_on(self._medium.process_image())

    def _shut_down(self) -> None:
        self._world.connector.settle_down()
        is_clean = self._world.shut_down_connector(5 * NS_PER_S)
        self._world.connector.connect()
        self._note(f"shut down, {'clean' if is_clean else 'unclean'}")

    def _power_fails(self) -> None:
        disk = self._medium
        disk.fail_power(None)
        if not disk.points or disk.points[-1].step != "power failure":
            disk.end()
        seed = self._draw.randrange(2**32)
        states = list(crash_states(disk.points[-1], self._profile, budget=STATES_MAX, seed=seed))
        state = self._draw.choice(states)
        self.history.faults["power"] += 1
        self._note(f"power: {len(states)} states, kept {state.kept:x} {state.filling}")
        self._start_on(state.image)

    def _call_fails(self) -> None:
        fault = CallFault(
            self._draw.choice(CALLS), self._draw.choice(ERRORS), self._draw.randrange(1, 4),
            self._draw.choice((1, 1, 2, 5, 0)),
            short=self._draw.randrange(1, 50) if self._draw.random() < 0.2 else -1,
        )  # fmt: skip
        if fault.short >= 0 and fault.call != "append":
            return
        self._disk.arm(fault)
        self._note(f"armed {fault}")

    def _heal(self) -> None:
        self._disk.heal()
        self._note("disk heals")

    # ---- Lives --------------------------------------------------------------

    @property
    def _medium(self) -> CrashFilesystem:
        """The disk behind the faults of its calls."""
        medium = self._disk.inner
        assert isinstance(medium, CrashFilesystem)
        return medium

    def _start_on(self, image: dict[str, bytes]) -> None:
        self.history.faults.update(word.split(":")[-1].strip() for word in self._disk.fired)
        self._disk = FaultyFilesystem(CrashFilesystem(self._profile, image))
        self._world.crash_connector()
        self._world.connector.connect()

    def _open(self, now_ns: int) -> ConnectorDriver:
        """Open the log; what refuses for a fault is tried again, and heals in the end."""
        for attempt in range(OPENINGS_MAX):
            self._disk.close()
            if attempt > 5 or self._faults_end:
                self._disk.heal()
            elif self._draw.random() < 0.2:
                self._call_fails()
            try:
                return ConnectorDriver(
                    self._disk, self._config, self._wal_config, now_ns=now_ns,
                    wall_clock_ns=lambda: WALL_CLOCK_NS + now_ns, random=self._draw.random,
                    random_bytes=lambda n: next(self._bytes).to_bytes(4, "big") * (n // 4),
                )  # fmt: skip
            except OpenRefused as refusal:
                self._note(f"open refused: {type(refusal).__name__}")
        raise BrokenPromise("the log cannot be opened although nothing is wrong any more")

    def _end(self) -> None:
        """The faults are over."""
        self._faults_end = True
        self._world.cut()
        self._disk.heal()
        old = self._world.broker
        self.history.faults.update(strike.name for strike in old.dice.fired)
        broker = FakeBroker(options=self._broker_options(), record=old.received.extend)
        broker.memory, broker.received = old.memory, old.received
        self._world.broker = broker
        try:
            self._publish()
        finally:
            self._start_on(self._medium.process_image())
        try:
            self._world.quiesce()
        except AssertionError as error:
            raise BrokenPromise(str(error)) from error
        self._check()
        log = self._world.connector.log
        if list(log.replay()):
            raise BrokenPromise("everything is acknowledged, and the log replays")
        log.flush()
        if len(log.segment_names) != 1:
            raise BrokenPromise(f"the log did not shrink: {log.segment_names}")
        if self._world.connector.channel.state.level.value != "released":
            raise BrokenPromise("backpressure was not released")
        self._note(f"end: {len(broker.received)} recorded")

    # ---- Promises -----------------------------------------------------------

    def _check(self) -> None:
        connector, broker = self._world.connector, self._world.broker
        if broker.violations:
            raise BrokenPromise(f"a rule of the link: {broker.violations[0]}")
        found = {each.entry.sequence for each in broker.received}
        for each in broker.received:
            event = each.entry.event
            if self._offered.get(event.pid) != event:
                raise BrokenPromise(f"invented: {each.entry}")
            if self._returned.get(each.entry.sequence, event.pid) != event.pid:
                raise BrokenPromise(f"another event under number {each.entry.sequence}")
        hidden = connector.log.hidden_from
        try:
            found |= {entry.sequence for entry in connector.log.replay()}
        except ReadFailed:
            return  # a fault is armed: what cannot be read now is not lost
        sizes = {entry.name: entry.size_bytes for entry in self._medium.list()}
        letters = DeadLetterFile(self._medium, sizes.get(DEAD_LETTERS_NAME)).letters()
        found |= {letter.sequence for letter in letters}
        lost = {n for n in self._returned if n not in found and (hidden is None or n < hidden)}
        if lost:
            raise BrokenPromise(f"lost: {sorted(lost)}")
        buffer = connector.core.buffer
        if buffer.used_bytes > self._config.buffer_bytes and len(buffer.sequences()) > 1:
            raise BrokenPromise(f"memory: {buffer.used_bytes} of {self._config.buffer_bytes}")

    # ---- Small things -------------------------------------------------------

    def _broker_plan(self, seed: int) -> FaultPlan:
        rules = [
            FaultRule(name, place, When.PERCENT, self._draw.choice((1, 5)), None)
            for name, each in MISBEHAVIOURS.items()
            for place in each.places
            if self._draw.random() < 0.3
        ]
        return FaultPlan(tuple(rules), seed)

    def _broker_options(self) -> BrokerOptions:
        return BrokerOptions(window=self._draw.choice((1, 3, 8)))

    def _note(self, step: str) -> None:
        self.history.steps.append(step)


def _event(pid: int, size: int) -> ProcessEvent:
    return ProcessEvent(
        event_type=EventType(pid % 3), pid=pid, ppid=None, name=f"p{pid}{'x' * size}",
        executable_path=None, command_line=(), start_time_ns=None, cpu_usage=None,
        memory_usage=None, executable_hash=None, hash_algorithm=None, user_id=None,
        accessible=True, file_exists=True, timestamp_ns=WALL_CLOCK_NS, platform_metadata=None,
    )  # fmt: skip


def run_history(seed: int) -> History:
    """Make one history; its length comes from the seed too."""
    return World(seed).run(5 + random.Random(~seed).randrange(60))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run histories and say what was found; return 0 if no promise was broken."""
    parser = argparse.ArgumentParser(
        prog="python3 -m simulators.world",
        description="Random histories of connector, log, disk, link and broker, with all faults.",
        epilog="exit codes: 0 every promise kept, 1 one was broken, 2 usage",
    )
    parser.add_argument("--histories", type=int, default=1000, metavar="N", help="how many")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="the first one's seed")
    parser.add_argument("--verbose", action="store_true", help="show the steps of each")
    options = parser.parse_args(arguments)
    logging.disable(logging.ERROR)
    began, shown_at = time.monotonic(), 0.0
    faults: Counter[str] = Counter()
    broken = 0
    for count, seed in enumerate(range(options.seed, options.seed + options.histories), 1):
        history = run_history(seed)
        faults += history.faults
        if options.verbose or history.broken:
            print("\n".join(f"  {step}" for step in history.steps))
        if history.broken:
            broken += 1
            print(f"seed {seed}: {history.broken}", flush=True)
        elapsed = time.monotonic() - began
        if elapsed - shown_at > 5:
            shown_at = elapsed
            rate = count / elapsed
            left = (options.histories - count) / rate
            print(f"{count} histories, {rate:.0f}/s, {left:.0f} s left", file=sys.stderr)
    seconds = time.monotonic() - began
    print(
        f"{options.histories} histories from seed {options.seed}, {broken} broken, {seconds:.1f} s"
    )
    print("faults: " + ", ".join(f"{name} {number}" for name, number in faults.most_common()))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
