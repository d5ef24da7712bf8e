"""The connector beside each misbehaviour of the fake broker: nothing is lost, all is delivered."""

from __future__ import annotations

import itertools

import pytest

from reference.connector_config import ConnectorConfig
from reference.dead_letters import DeadLetterFile
from reference.names import DEAD_LETTERS_NAME
from simulators.broker_answers import BrokerOptions
from simulators.broker_fault_text import parse_fault_plan
from simulators.broker_faults import MISBEHAVIOURS, Place
from simulators.connector_driver import ConnectorDriver
from simulators.connector_world import ConnectorWorld
from simulators.fake_broker import FakeBroker
from simulators.memory_filesystem import MemoryFilesystem
from tests.connector_helpers import conditions
from tests.wal_helpers import CLOCK_NS, small_config, small_event

EVENTS = 12
VIOLATIONS = {
    "decreasing-acknowledgement", "reordered-acknowledgement", "unknown-acknowledgement",
    "garbage", "oversized-frame", "undecodable-message", "window-zero", "second-welcome",
    "welcome-ahead",  # of a log that is new; else it is a divergence (test_traps_connector.py)
}  # fmt: skip
"""What breaks a rule of the link, so that the connector has to count it."""
CASES = [
    (name, place, ordinal)
    for name, misbehaviour in MISBEHAVIOURS.items()
    for place in misbehaviour.places
    for ordinal in ((1, 2, 7, EVENTS) if place is Place.PUBLISH else (1, 2))
]


def letter(name: str, place: Place) -> str:
    """How the plan's text says that the place is a connection, where it could be either."""
    return "c" if place is Place.CONNECTION and len(MISBEHAVIOURS[name].places) > 1 else ""


class Scene:
    """A world with twelve events and a broker with a plan."""

    def __init__(self, plan: list[str], *, window: int = 4, seed: int = 1) -> None:
        self.disk = MemoryFilesystem()
        counter = itertools.count(1)

        def open_connector(now_ns: int) -> ConnectorDriver:
            self.disk = self.disk.copy()
            return ConnectorDriver(
                self.disk, ConnectorConfig(buffer_bytes=1000), small_config(5), now_ns=now_ns,
                wall_clock_ns=lambda: CLOCK_NS,
                random_bytes=lambda count: next(counter).to_bytes(4, "big") * (count // 4),
            )  # fmt: skip

        self.broker = FakeBroker(parse_fault_plan(plan, seed), options=BrokerOptions(window=window))
        self.world = ConnectorWorld(self.broker, open_connector)
        self.world.publish([small_event(number) for number in range(1, EVENTS + 1)])

    def letters(self) -> set[int]:
        """The numbers in the dead-letter file."""
        if DEAD_LETTERS_NAME not in self.disk.files:
            return set()
        size = len(self.disk.files[DEAD_LETTERS_NAME])
        return {each.sequence for each in DeadLetterFile(self.disk, size).letters()}

    def received(self) -> set[int]:
        """The numbers that the broker recorded."""
        return {each.entry.sequence for each in self.broker.received}


@pytest.mark.req("DEL-1.1", "DEL-1.4", "LNK-4.1", "LNK-4.2", "SIM-1.2")
@pytest.mark.parametrize(
    ("name", "place", "ordinal"), CASES, ids=lambda v: getattr(v, "value", str(v))
)
def test_each_misbehaviour_is_survived(name: str, place: Place, ordinal: int) -> None:
    plan = [f"{name}@{letter(name, place)}{ordinal}"]
    if place is Place.CONNECTION and ordinal == 2:
        plan.append("reset-after-acknowledgement@3")  # else there is no second connection
    scene = Scene(plan)
    scene.world.quiesce()
    assert name in {strike.name for strike in scene.broker.dice.fired}, "it never happened"
    assert scene.received() | scene.letters() == set(range(1, EVENTS + 1))
    assert scene.received() & scene.letters() == set()
    assert scene.broker.violations == []
    connector = scene.world.connector
    assert connector.core.link.violations == (1 if name in VIOLATIONS else 0), conditions(connector)
    assert connector.log.acknowledged_through == EVENTS
    assert connector.channel.state.level.value == "released"


@pytest.mark.req("DEL-1.1", "DEL-1.2", "DEL-1.4", "SIM-1.2")
@pytest.mark.parametrize("seed", range(20))
def test_everything_at_once_by_chance(seed: int) -> None:
    """All misbehaviours, each at a few percent of all publishes or connections."""
    plan = [
        f"{name}%{letter(name, place)}3"
        for name, each in MISBEHAVIOURS.items()
        for place in each.places
    ]
    scene = Scene(plan, window=3, seed=seed)
    for start in range(EVENTS + 1, 101, 8):
        scene.world.publish([small_event(number) for number in range(start, start + 8)])
        scene.world.quiesce()
    assert scene.broker.violations == []
    assert scene.received() | scene.letters() >= set(range(1, 101))
    assert len({strike.name for strike in scene.broker.dice.fired}) >= 3
