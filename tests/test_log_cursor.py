"""The cursor by itself, on a medium that shows something else at each look.

A walk from the start of the files, or from a place in them, is one look. The real reader, files
and damage are in test_traps_connector.py and test_connector_core.py.

Spec: BUF-2.1, REP-2.1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

import pytest

from reference.errors import EntriesUnsteady
from reference.events import StoredEntry
from reference.log_cursor import LOOKS_MAX, LogCursor, Page
from reference.log_reader import LogReader

SIZE = 10
LOOKS_LIMIT = 50
"""A cursor that looks more often than this would never end."""


class Medium:
    """Entries 1 to `last`. The n-th look does not see the n-th of `hidden`, then the last of it."""

    hidden_from = None

    def __init__(self, last: int, *hidden: set[int]) -> None:
        self.last = last
        self.hidden: Sequence[set[int]] = hidden or (set(),)
        self.stored_meanwhile = 0
        """How many entries are stored just after the end was reached, once each time."""
        self.looks: list[int] = []
        """From which number on each look was."""

    @property
    def end_sequence(self) -> int:
        return self.last + 1

    def unsettled(self, first: int, end: int) -> list[tuple[int, int]]:
        return [(first, end)] if first < end else []

    def walk(self, after: int, convert: object) -> Iterator[StoredEntry | None]:
        self.looks.append(after)
        assert len(self.looks) <= LOOKS_LIMIT, "it does not end"
        hidden = self.hidden[min(len(self.looks), len(self.hidden)) - 1]
        while True:
            for sequence in range(after + 1, self.last + 1):
                if sequence not in hidden:
                    yield StoredEntry(sequence, b"x")
            after = self.last
            self.last += self.stored_meanwhile
            yield None


def cursor_on(medium: Medium, after: int = 0) -> LogCursor:
    return LogCursor(cast(LogReader, medium), after, lambda entry: SIZE)


def page_of(cursor: LogCursor, after: int = 0, bytes_max: int = 1000) -> Page:
    return cursor.read(after, bytes_max, at_least_one=False)


def numbers(page: Page) -> list[int]:
    return [entry.sequence for entry in page.entries]


@pytest.mark.req("REP-2.1")
@pytest.mark.parametrize("hidden", [{2}, {1, 2}, {5}, {1, 3, 5}, {1, 2, 3, 4, 5}])
def test_what_two_looks_miss_is_lost(hidden: set[int]) -> None:
    page = page_of(cursor_on(Medium(5, hidden)))
    assert numbers(page) == [n for n in range(1, 6) if n not in hidden]
    assert {n for first, end in page.lost for n in range(first, end)} == hidden
    assert page.through == 5


@pytest.mark.req("REP-2.1")
@pytest.mark.parametrize("missed", [{1}, {3}, {5}, {1, 2, 3, 4, 5}])
def test_what_one_look_misses_is_not_lost(missed: set[int]) -> None:
    medium = Medium(5, missed, set())
    page = page_of(cursor_on(medium))
    assert (numbers(page), page.lost) == ([1, 2, 3, 4, 5], ())
    assert len(medium.looks) == 2, "what is there needs no confirmation"


def unsteady(first: int, looks: int) -> list[set[int]]:
    """Looks no two of which, one after the other, miss the same numbers."""
    return [{first}, {first, first + 1}] * (looks // 2) + [{first}] * (looks % 2)


@pytest.mark.req("REP-2.1", "BUF-2.1")
def test_what_was_never_missing_twice_running_is_not_lost() -> None:
    medium = Medium(5, *unsteady(1, LOOKS_LIMIT))
    cursor = cursor_on(medium)
    for attempt in (1, 2):
        with pytest.raises(EntriesUnsteady, match="sequence 1"):
            page_of(cursor)
        assert len(medium.looks) == attempt * LOOKS_MAX
    medium.hidden = (set(),)
    assert page_of(cursor) == Page(tuple(StoredEntry(n, b"x") for n in range(1, 6)), 5)


@pytest.mark.req("REP-2.1", "BUF-2.1")
@pytest.mark.parametrize("steady", [{1, 4}, set()])
def test_what_is_before_an_unsteady_stretch_is_handed_out(steady: set[int]) -> None:
    """Or one bad place would hold up all that is before it in the page."""
    medium = Medium(6, *[look | steady - {4} for look in unsteady(3, LOOKS_LIMIT)])
    cursor = cursor_on(medium)
    page = page_of(cursor)
    assert numbers(page) == [n for n in (1, 2) if n not in steady]
    assert page.lost == (((1, 2),) if steady else ())
    assert page.through == 2
    with pytest.raises(EntriesUnsteady, match="sequence 3"):
        page_of(cursor, 2)
    medium.hidden = (steady,)
    assert numbers(page_of(cursor, 2)) == [n for n in (3, 4, 5, 6) if n not in steady]


@pytest.mark.req("REP-2.1")
def test_each_stretch_has_its_own_looks() -> None:
    """The first one is confirmed by the last look that it has; then comes a second one."""
    looks = [*unsteady(2, LOOKS_MAX - 1), {2, 5}]
    page = page_of(cursor_on(Medium(6, *looks)))
    assert numbers(page) == [1, 3, 4, 6]
    assert page.lost == ((2, 3), (5, 6))


@pytest.mark.req("BUF-2.1")
def test_what_is_stored_after_the_end_was_reached_is_no_gap() -> None:
    medium = Medium(3)
    medium.stored_meanwhile = 1
    cursor = cursor_on(medium)
    page = page_of(cursor)
    assert (numbers(page), page.through, page.lost) == ([1, 2, 3], 3, ())
    assert numbers(page_of(cursor, 3)) == [4]
    assert medium.looks == [0], "and it is no reason to look again"


@pytest.mark.req("BUF-2.1")
@pytest.mark.parametrize(
    ("bytes_max", "expected"),
    [(2 * SIZE - 1, [1]), (2 * SIZE, [1, 2]), (2 * SIZE + 1, [1, 2]), (0, [])],
)
def test_a_page_is_filled_to_the_byte(bytes_max: int, expected: list[int]) -> None:
    medium = Medium(4)
    cursor = cursor_on(medium)
    page = page_of(cursor, 0, bytes_max)
    assert (numbers(page), page.through) == (expected, len(expected))
    rest = page_of(cursor, page.through)
    assert numbers(page) + numbers(rest) == [1, 2, 3, 4]
    assert medium.looks == [0]


@pytest.mark.req("BUF-2.1")
def test_a_look_begins_where_the_cursor_is() -> None:
    """What is behind it was read, and a log is read once."""
    medium = Medium(9, {7}, set())
    cursor = cursor_on(medium, after=4)
    assert numbers(page_of(cursor, 5)) == [6, 7, 8, 9]
    assert medium.looks == [5, 6]
