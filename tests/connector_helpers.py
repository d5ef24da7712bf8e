"""The words that connector tests are written in: a small connector, a broker played by hand.

`hand_broker(driver)` decodes what the connector sent and answers with messages, so a test
reads as a conversation.
"""

from __future__ import annotations

from reference.connector_config import ConnectorConfig
from reference.connector_inputs import Condition
from reference.limits import WalConfig
from reference.link_frames import FrameReader, encode_message_frame
from reference.link_messages import (
    Acknowledge,
    Hello,
    LinkMessage,
    Publish,
    Welcome,
    decode_message,
)
from simulators.connector_driver import ConnectorDriver
from simulators.memory_filesystem import MemoryFilesystem
from tests.wal_helpers import CLOCK_NS, ROOMY, counting_bytes, small_event

SECOND_NS = 10**9
FRAME_BYTES = 150
"""About what a small event takes in memory."""


def make_connector(
    disk: MemoryFilesystem,
    config: ConnectorConfig | None = None,
    wal_config: WalConfig = ROOMY,
    *,
    now_ns: int = 0,
) -> ConnectorDriver:
    """Open a connector on the disk."""
    return ConnectorDriver(
        disk, config or ConnectorConfig(), wal_config, now_ns=now_ns,
        wall_clock_ns=lambda: CLOCK_NS,
        random_bytes=counting_bytes(1 + len(disk.files) * 1000 + len(disk.journal)),
    )  # fmt: skip


class HandBroker:
    """Reads what the connector sends on one link, and says what the test wants."""

    def __init__(self, driver: ConnectorDriver) -> None:
        self.driver = driver
        self._reader = FrameReader()

    def hears(self) -> list[LinkMessage]:
        """What came since the last time."""
        return [decode_message(body) for body in self._reader.feed(self.driver.take_outbox())]

    def hears_numbers(self) -> list[int]:
        """The sequences of the events that came since the last time."""
        return [m.entry.sequence for m in self.hears() if isinstance(m, Publish)]

    def says(self, *messages: LinkMessage) -> None:
        """Send messages to the connector, in one piece."""
        self.driver.receive(b"".join(encode_message_frame(message) for message in messages))


def linked(
    driver: ConnectorDriver, *, window: int = 256, acknowledged_through: int = 0
) -> HandBroker:
    """Connect, greet and welcome."""
    if not driver.wants_link:
        driver.connect()
    driver.link_up()
    broker = HandBroker(driver)
    (hello,) = broker.hears()
    assert isinstance(hello, Hello)
    broker.says(Welcome(1, window, acknowledged_through))
    return broker


def publish_numbers(driver: ConnectorDriver, first: int, last: int) -> None:
    """Publish small events whose pids are their sequences."""
    numbers = list(range(first, last + 1))
    assert driver.publish([small_event(number) for number in numbers]) == numbers


def acknowledge(broker: HandBroker, through: int) -> None:
    """Acknowledge, and let the log settle it."""
    broker.says(Acknowledge(through))
    broker.driver.settle_down()


def conditions(driver: ConnectorDriver) -> list[Condition]:
    """What was reported, in order."""
    return [report.condition for report in driver.said.reports]


def levels(driver: ConnectorDriver) -> list[str]:
    """The levels that were signalled, repeats dropped."""
    words = ["released"]
    for signal in driver.said.signals:
        if signal.state.level.value != words[-1]:
            words.append(signal.state.level.value)
    return words
