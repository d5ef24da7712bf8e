"""Connector, log, link and broker together: a Hypothesis state machine.

The promises are in connector_promises.py, one more at the end: when faults have stopped,
everything is delivered (DEL-1.4).
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable

import pytest
from hypothesis import event, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from reference.connector_config import ConnectorConfig
from reference.filesystem import Filesystem
from reference.limits import FRAMES_OFFSET, WalConfig
from reference.names import DEAD_LETTERS_NAME
from simulators.broker_answers import BrokerOptions
from simulators.broker_fault_text import parse_fault_plan
from simulators.broker_faults import MISBEHAVIOURS, Place
from simulators.connector_driver import ConnectorDriver
from simulators.connector_world import ConnectorWorld
from simulators.crash_filesystem import CrashFilesystem, PowerFailure
from simulators.crash_states import crash_states
from simulators.fake_broker import FakeBroker
from simulators.memory_filesystem import MemoryFilesystem
from simulators.persistence import PROFILES
from tests.connector_helpers import SECOND_NS
from tests.connector_promises import LIMIT_BYTES, ConnectorPromises
from tests.wal_helpers import CLOCK_NS, small_event

POSIX_MIN = PROFILES["posix-min"]
CONFIG = ConnectorConfig(buffer_bytes=LIMIT_BYTES)
WAL_CONFIG = WalConfig(rotation_bytes=FRAMES_OFFSET + 600)
FIRED: Counter[str] = Counter()


@st.composite
def plans(draw: st.DrawFn) -> list[str]:
    """Misbehaviours, each at one moment: all of them end."""
    texts = []
    for name in draw(st.lists(st.sampled_from(sorted(MISBEHAVIOURS)), max_size=4)):
        last = 2 if Place.PUBLISH not in MISBEHAVIOURS[name].places else 6
        texts.append(f"{name}@{draw(st.integers(1, last))}")
    return texts


class ConnectorMachine(ConnectorPromises):
    """One disk, one broker, one connector after another."""

    def first_disk(self) -> Filesystem:
        return MemoryFilesystem()

    @initialize(plan=plans(), seed=st.integers(0, 99), window=st.integers(1, 6))
    def begin(self, plan: list[str], seed: int, window: int) -> None:
        self.disk = self.first_disk()
        self.random = itertools.count(1)
        self.offered = {}
        self.returned = {}
        self.settled_at_shutdown = (0, 0)
        self.refused = set()
        self.options = BrokerOptions(window=window)
        broker = FakeBroker(parse_fault_plan(plan, seed), options=self.options)
        self.world = ConnectorWorld(broker, self.open_connector)
        self.world.connector.connect()

    def after_a_kill(self) -> None:
        """What the process wrote is there."""
        self.disk = self.disk.copy()

    def open_connector(self, now_ns: int) -> ConnectorDriver:
        self.after_a_kill()
        self.level, self.signals_seen = "released", 0
        return ConnectorDriver(
            self.disk, CONFIG, WAL_CONFIG, now_ns=now_ns, wall_clock_ns=lambda: CLOCK_NS,
            random_bytes=lambda count: next(self.random).to_bytes(4, "big") * (count // 4),
        )  # fmt: skip

    # ---- What happens -------------------------------------------------------

    @rule(sizes=st.lists(st.sampled_from((0, 0, 0, 40, 300, 1200)), min_size=1, max_size=5))
    def publish(self, sizes: list[int]) -> None:
        self.publish_all(sizes)

    def publish_all(self, sizes: Iterable[int]) -> None:
        first = len(self.offered) + 1
        events = [small_event(first + i, "x" * size) for i, size in enumerate(sizes)]
        self.offered |= {each.pid: each for each in events}
        for sequence, each in zip(self.world.publish(events), events, strict=True):
            assert self.returned.setdefault(sequence, each.pid) == each.pid, "number reused"

    @precondition(lambda self: self.world.connector.wants_link)
    @rule()
    def link_attempt(self) -> None:
        self.world.link_attempt()

    @precondition(lambda self: self.world.connector.outbox)
    @rule(count=st.sampled_from((1, 7, 150, 10_000)))
    def bytes_to_broker(self, count: int) -> None:
        self.world.to_broker(count)

    @precondition(lambda self: self.world.connector.is_linked)
    @rule(count=st.sampled_from((1, 5, 10_000)))
    def bytes_to_connector(self, count: int) -> None:
        self.world.to_connector(count)

    @precondition(lambda self: self.world.connector.jobs)
    @rule(which=st.integers(0, 3))
    def disk_works(self, which: int) -> None:
        self.world.connector.run_job(which % len(self.world.connector.jobs))

    @rule(times=st.integers(1, 6))
    def everything_flows(self, times: int) -> None:
        for _ in range(times):
            self.world.flow()

    @rule(seconds=st.sampled_from((0.05, 1, 9, 31)))
    def time_passes(self, seconds: float) -> None:
        self.world.advance(round(seconds * SECOND_NS))

    @precondition(lambda self: self.world.connector.is_linked)
    @rule()
    def link_breaks(self) -> None:
        self.world.cut()

    @rule(keep_memory=st.booleans())
    def broker_restarts(self, keep_memory: bool) -> None:
        self.world.broker.restart(keep_memory=keep_memory)
        self.world.cut()

    @rule()
    def connector_is_killed(self) -> None:
        self.world.crash_connector()
        self.world.connector.connect()

    @rule()
    def connector_shuts_down(self) -> None:
        if self.world.shut_down_connector(5 * SECOND_NS):
            event("clean shutdown")
            settled = self.world.connector.core.buffer.watermark
            self.settled_at_shutdown = settled, len(self.world.broker.received)
            self.world.broker.restart(keep_memory=False)
        self.world.connector.connect()

    @rule(call=st.sampled_from(("append", "sync")))
    def no_room_for_dead_letters(self, call: str) -> None:
        self.disk.fail(call, DEAD_LETTERS_NAME)

    def teardown(self) -> None:
        """The faults are over: everything is delivered, in order, and the log shrinks."""
        if not hasattr(self, "world"):
            return
        old = self.world.broker
        FIRED.update(strike.name for strike in old.dice.fired)
        self.refused = {s.sequence for s in old.dice.fired if s.name == "refuse"}
        self.world.cut()
        self.world.broker = FakeBroker(options=self.options, record=old.received.extend)
        self.world.broker.memory, self.world.broker.received = old.memory, old.received
        if isinstance(self.disk, MemoryFilesystem):
            self.disk.heal()
        self.world.quiesce()
        self.order_is_that_of_the_log()
        self.the_connector_keeps_the_rules()
        self.nothing_is_lost()
        log = self.world.connector.log
        assert list(log.replay()) == []
        log.flush()
        assert len(log.segment_names) == 1
        assert self.world.connector.channel.state.level.value == "released"


class PowerMachine(ConnectorMachine):
    """The same on a disk that loses power: what was not synced may be kept in any combination."""

    def first_disk(self) -> CrashFilesystem:
        return CrashFilesystem(POSIX_MIN)

    def after_a_kill(self) -> None:
        self.disk = CrashFilesystem(POSIX_MIN, self.disk.process_image())

    @rule(
        what=st.sampled_from(("publish", "flow", "shut down")),
        calls=st.integers(0, 12),
        choice=st.integers(0, 2**32 - 1),
    )
    def power_fails_during(self, what: str, calls: int, choice: int) -> None:
        disk: CrashFilesystem = self.disk
        disk.fail_power(calls)
        try:
            if what == "publish":
                self.publish_all(range(4))
            elif what == "flow":
                for _ in range(4):
                    self.world.flow()
            else:
                self.world.shut_down_connector(SECOND_NS)
        except PowerFailure:
            FIRED["power"] += 1
        else:
            disk = self.disk
            disk.end()
        states = list(crash_states(disk.points[-1], POSIX_MIN, budget=64, seed=choice))
        FIRED["power, several states"] += len(states) > 1
        self.disk = CrashFilesystem(POSIX_MIN, states[choice % len(states)].image)
        self.world.crash_connector()
        self.world.connector.connect()

    @rule()
    def no_room_for_dead_letters(self) -> None:
        """This disk never refuses."""


@pytest.mark.req(
    "DEL-1.1", "DEL-1.2", "DEL-1.3", "DEL-1.4", "LNK-3.1", "LNK-3.2", "LNK-3.3", "BUF-1.1",
    "BPR-1.1", "BPR-1.3", "CON-4.1", "SIM-1.2",
)  # fmt: skip
@pytest.mark.parametrize("machine", [ConnectorMachine, PowerMachine])
def test_connector_and_broker_under_any_interleaving(machine: type[ConnectorMachine]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=2 * settings().max_examples, stateful_step_count=40, deadline=None
        ),
    )
    print(FIRED)
