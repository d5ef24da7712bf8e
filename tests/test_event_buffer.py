"""The event buffer by itself: its limits to the byte, and what is settled while a page is read.

Entries that cannot be sent are held as their payload, so sizes here are plain to see.
"""

import pytest

from reference.event_buffer import EventBuffer, PageRequest
from reference.events import StoredEntry
from reference.log_cursor import Page


def entry(sequence: int) -> StoredEntry:
    return StoredEntry(sequence, b"x" * 10, "undecodable")


@pytest.mark.req("BUF-1.1", "BUF-1.2")
@pytest.mark.parametrize(
    ("limit_bytes", "expected"), [(29, [1, 2]), (30, [1, 2, 3]), (31, [1, 2, 3])]
)
def test_the_last_event_that_fits_fills_the_limit(limit_bytes: int, expected: list[int]) -> None:
    buffer = EventBuffer(limit_bytes, settled_through=0, durable_through=0)
    buffer.store([entry(n) for n in range(1, 5)], 4)
    assert buffer.sequences() == expected
    assert buffer.used_bytes == 10 * len(expected)
    assert buffer.is_spilled


@pytest.mark.req("BUF-2.1")
@pytest.mark.parametrize(
    ("limit_bytes", "expected"), [(20, PageRequest(2, 10, False)), (21, PageRequest(2, 11, False))]
)
def test_a_page_is_read_when_half_is_free(limit_bytes: int, expected: PageRequest) -> None:
    buffer = EventBuffer(limit_bytes, settled_through=0, durable_through=0)
    buffer.store([entry(n) for n in range(1, 4)], 3)
    assert buffer.wanted_page() is None
    buffer.settle(1, 1)
    assert buffer.wanted_page() == expected
    assert buffer.wanted_page() is None, "one page at a time"


@pytest.mark.req("BUF-2.1")
def test_what_was_settled_while_a_page_was_read_is_not_taken_in() -> None:
    buffer = EventBuffer(30, settled_through=0, durable_through=3)
    assert buffer.wanted_page() == PageRequest(0, 30, True)
    buffer.settle(2, 2)
    admitted = buffer.page_read(Page((entry(1), entry(2), entry(3)), through=3))
    assert [event.sequence for event in admitted] == buffer.sequences() == [1, 3]
    assert buffer.used_bytes == 20
    assert not buffer.is_spilled


@pytest.mark.req("BUF-2.1", "DLQ-1.1")
def test_a_number_that_a_page_steps_over_is_settled() -> None:
    buffer = EventBuffer(30, settled_through=0, durable_through=3)
    assert buffer.wanted_page() is not None
    buffer.page_read(Page((entry(1), entry(3)), through=3))
    assert buffer.unsettled_count == 2
    buffer.settle(1, 1)
    assert buffer.watermark == 2
    buffer.settle(3, 3)
    assert buffer.unsettled_count == 0


@pytest.mark.req("BUF-2.1")
def test_numbers_that_are_settled_out_of_order_are_not_counted() -> None:
    buffer = EventBuffer(100, settled_through=2, durable_through=10)
    buffer.settle(4, 5)
    buffer.settle(9, 10)
    assert buffer.unsettled_count == len({3, 6, 7, 8})


@pytest.mark.req("BUF-2.1")
def test_what_is_settled_without_having_been_read_is_not_read() -> None:
    buffer = EventBuffer(30, settled_through=0, durable_through=3)
    buffer.settle(1, 2)
    assert buffer.wanted_page() == PageRequest(2, 30, True)
    buffer.page_failed()
    buffer.settle(3, 3)
    assert not buffer.is_spilled
    assert buffer.wanted_page() is None


@pytest.mark.req("BUF-2.1")
@pytest.mark.parametrize("settled_meanwhile", [False, True])
def test_room_that_came_while_a_page_was_read_is_used(settled_meanwhile: bool) -> None:
    """Nothing of the page fitted. Without a link no other input may come that asks again."""
    buffer = EventBuffer(25, settled_through=0, durable_through=0)
    buffer.store([entry(1), entry(2), StoredEntry(3, b"x" * 16, "undecodable")], 3)
    buffer.settle(1, 1)
    assert buffer.wanted_page() == PageRequest(2, 15, False)
    if settled_meanwhile:
        buffer.settle(2, 2)
    assert buffer.page_read(Page((), through=2)) == []
    if not settled_meanwhile:
        assert buffer.wanted_page() is None, "the answer would be the same"
        buffer.settle(2, 2)
    assert buffer.wanted_page() == PageRequest(2, 25, True)
