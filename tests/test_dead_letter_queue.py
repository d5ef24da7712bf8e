"""The dead-letter queue by itself: several letters that the disk refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from reference.connector_config import ConnectorConfig
from reference.connector_inputs import Command, StoreDeadLetter
from reference.dead_letter_queue import DeadLetterQueue
from reference.deadlines import Deadlines
from reference.event_buffer import EventBuffer
from reference.events import StoredEntry
from tests.connector_helpers import SECOND_NS


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


class Queue:
    """A queue with letters 1 to `count`, and the time."""

    def __init__(self, count: int) -> None:
        self.commands: list[Command] = []
        self.deadlines = Deadlines()
        buffer = EventBuffer(100, settled_through=0, durable_through=count)
        self.letters = DeadLetterQueue(ConnectorConfig(), buffer, self.deadlines, self.commands)
        for sequence in range(1, count + 1):
            self.letters.add(StoredEntry(sequence, b"x"), "refused")
        self.commands.clear()

    def asked_at(self, now_ns: int) -> list[int]:
        """Let the time come; return the letters that the disk is asked for."""
        for _ in self.deadlines.take_due(now_ns):
            self.letters.retry()
        asked = [each.entry.sequence for each in self.commands if isinstance(each, StoreDeadLetter)]
        self.commands.clear()
        return asked


@pytest.mark.req("DLQ-2.2")
def test_refusals_that_keep_coming_do_not_put_the_next_attempt_off() -> None:
    queue = Queue(10)
    asked: list[list[int]] = []
    for sequence in range(1, 11):  # one every 0.3 s: the last of them long after the first retry
        now_ns = sequence * 3 * SECOND_NS // 10
        queue.letters.failed(sequence, "no space", now_ns)
        asked.append(queue.asked_at(now_ns))
    assert asked == [[], [], [], [], [1, 2, 3, 4, 5], [], [], [], [], [6, 7, 8, 9, 10]]


@pytest.mark.req("DLQ-2.2")
def test_letter_that_the_disk_has_not_answered_is_not_asked_for_again() -> None:
    queue = Queue(2)
    for sequence in (1, 2):
        queue.letters.failed(sequence, "no space", 0)
    assert queue.asked_at(SECOND_NS) == [1, 2]
    queue.letters.failed(1, "no space", SECOND_NS)
    assert queue.asked_at(2 * SECOND_NS) == [1], "2 is being written"
    queue.letters.failed(2, "no space", 2 * SECOND_NS)
    assert queue.asked_at(3 * SECOND_NS) == [2], "1 is being written"
    assert queue.letters.is_blocked


@pytest.mark.req("DLQ-2.1", "DLQ-2.2")
@pytest.mark.parametrize("leave", [DeadLetterQueue.forget, DeadLetterQueue.stored])
def test_letter_that_is_not_wanted_any_more_is_not_asked_for(
    leave: Callable[[DeadLetterQueue, int], None],
) -> None:
    queue = Queue(2)
    for sequence in (1, 2):
        queue.letters.failed(sequence, "no space", 0)
    leave(queue.letters, 1)
    assert queue.asked_at(SECOND_NS) == [2]
    leave(queue.letters, 2)
    queue.letters.failed(2, "no space", 2 * SECOND_NS)
    assert queue.asked_at(9 * SECOND_NS) == []
    assert not queue.letters.is_blocked
