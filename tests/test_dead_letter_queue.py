"""The dead-letter queue by itself: several letters that the disk refused."""

import pytest

from reference.connector_config import ConnectorConfig
from reference.connector_inputs import Command, StoreDeadLetter
from reference.dead_letter_queue import DeadLetterQueue
from reference.deadlines import Deadlines
from reference.event_buffer import EventBuffer
from reference.events import StoredEntry


@pytest.mark.req("DLQ-2.2")
def test_all_that_were_refused_are_tried_again_in_order() -> None:
    commands: list[Command] = []
    buffer = EventBuffer(100, settled_through=0, durable_through=4)
    queue = DeadLetterQueue(ConnectorConfig(), buffer, Deadlines(), commands)
    for sequence in (1, 2, 3, 4):
        assert queue.add(StoredEntry(sequence, b"x"), "refused")
    for sequence in (3, 1, 4):
        queue.failed(sequence, "no space", 0)
    queue.stored(2)
    queue.forget(4)
    commands.clear()
    queue.retry()
    asked = [each.entry.sequence for each in commands if isinstance(each, StoreDeadLetter)]
    assert asked == [1, 3]
    assert queue.is_blocked
