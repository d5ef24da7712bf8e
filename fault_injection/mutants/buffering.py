"""Mistakes about what is in memory and what waits in the log. Spec: SCN-3.1."""

from __future__ import annotations

from typing import Final

from fault_injection.mutants.mutant import Mutant, Patch

MUTANTS: Final = (
    Mutant(
        name="overflow-dropped",
        mistake="an event that does not fit into memory is taken for delivered with the rest",
        module="reference.event_buffer",
        patches=(
            Patch(
                """\
                    admitted.append(event)
            self.durable_through""",
                """\
                    admitted.append(event)
                else:
                    self.buffered_through = entry.sequence
            self.durable_through""",
            ),
        ),
        found_by=(
            "tests/test_connector_core.py::"
            "test_what_does_not_fit_stays_in_the_log_and_comes_back_in_order",
        ),
        scenarios=("overflow-while-down",),
    ),
    Mutant(
        name="new-events-overtake-the-spilled",
        mistake="a new event that fits into memory is sent before older ones that wait in the log",
        module="reference.event_buffer",
        patches=(
            Patch(
                """\
            if follows and not self.is_spilled and self._page_under_way is None:
""",
                """\
            if follows and self._page_under_way is None:
""",
            ),
        ),
        found_by=(
            "tests/test_connector_core.py::"
            "test_an_event_behind_one_that_nobody_told_of_does_not_pass_it",
        ),
        scenarios=("every-misbehaviour",),
    ),
    Mutant(
        name="held-twice",
        mistake="an event that is stored while a page is read comes into memory from both",
        module="reference.event_buffer",
        patches=(
            Patch(
                """\
            if follows and not self.is_spilled and self._page_under_way is None:
""",
                """\
            if follows and (self._page_under_way is not None or not self.is_spilled):
""",
            ),
        ),
        found_by=(
            "tests/test_connector_core.py::"
            "test_an_event_that_is_stored_while_a_page_is_read_is_held_once",
        ),
        scenarios=("repeats-after-reconnect",),
    ),
    Mutant(
        name="buffer-without-a-limit",
        mistake="everything that is not acknowledged is held in memory",
        module="reference.event_buffer",
        patches=(
            Patch(
                """\
                if self.used_bytes + len(event.data) <= self.limit_bytes:
""",
                """\
                if self.limit_bytes:
""",
            ),
        ),
        found_by=("tests/test_event_buffer.py::test_the_last_event_that_fits_fills_the_limit",),
        scenarios=("overflow-while-down",),
    ),
    Mutant(
        name="buffer-one-event-too-large",
        mistake="the limit is looked at before an event is taken in, not with it",
        module="reference.event_buffer",
        patches=(
            Patch(
                """\
                if self.used_bytes + len(event.data) <= self.limit_bytes:
""",
                """\
                if self.used_bytes <= self.limit_bytes:
""",
            ),
        ),
        found_by=("tests/test_event_buffer.py::test_the_last_event_that_fits_fills_the_limit",),
        scenarios=("overflow-while-down",),
    ),
    Mutant(
        name="larger-than-the-buffer-waits-for-ever",
        mistake="an event that is larger than the whole buffer is never read back",
        trap="T11",
        module="reference.event_buffer",
        patches=(
            Patch(
                """\
self.limit_bytes - self.used_bytes, self.used_bytes == 0
""",
                """\
self.limit_bytes - self.used_bytes, False
""",
            ),
        ),
        found_by=(
            "tests/test_traps_connector.py::"
            "test_t11_a_record_larger_than_the_whole_buffer_is_delivered",
        ),
        scenarios=("window-larger-than-buffer",),
    ),
    Mutant(
        name="burned-numbers-waited-for",
        mistake="a number that no entry has is waited for: the watermark stands still below it",
        trap="T5",
        module="reference.event_buffer",
        patches=(
            Patch(
                """\
            self.settled.add(first, sequence)
            self.buffered_through""",
                "            self.buffered_through",
            ),
        ),
        found_by=("tests/test_event_buffer.py::test_a_number_that_a_page_steps_over_is_settled",),
        scenarios=("refused-above-burned",),
    ),
    Mutant(
        name="page-tried-once",
        mistake="a page that could not be read is not asked for again",
        module="reference.event_buffer",
        patches=(
            Patch(
                '''\
could not be read."""
        self._page_under_way = None
''',
                '''\
could not be read."""
''',
            ),
        ),
        found_by=(
            "tests/test_connector_core.py::test_a_page_that_cannot_be_read_is_tried_again_later",
        ),
        scenarios=("publish-on-a-failing-disk",),
    ),
    Mutant(
        name="backlog-of-the-last-life-forgotten",
        mistake="what an earlier life left in the log is not read back",
        module="reference.connector_disk",
        patches=(
            Patch(
                """\
        settled_through=log.acknowledged_through,
""",
                """\
        settled_through=log.next_sequence - 1,
""",
            ),
        ),
        found_by=(
            "tests/test_ticket_connector.py::"
            "test_events_survive_a_crash_and_are_replayed_on_restart",
        ),
        scenarios=("overflow-while-down",),
    ),
    Mutant(
        name="a-misread-is-a-loss",
        mistake="a record that is not found at the first look is given up",
        module="reference.log_cursor",
        patches=(
            Patch(
                """\
            if missing and missing != suspected:
""",
                """\
            if missing and missing == suspected:
""",
            ),
        ),
        found_by=("tests/test_connector_core.py::test_only_a_second_look_makes_a_record_lost",),
        scenarios=("misread-while-paging",),
    ),
    Mutant(
        name="hidden-entries-stepped-over",
        mistake="entries that a log on a full disk does not hand out yet are taken for settled",
        trap="T14",
        module="reference.log_cursor",
        patches=(
            Patch(
                """\
            if missing and self._reader.hidden_from is not None:
""",
                """\
            if missing and self._reader.hidden_from == 0:
""",
            ),
        ),
        found_by=(
            "tests/test_connector_core.py::"
            "test_entries_that_a_degraded_log_hides_are_not_taken_as_settled",
        ),
        scenarios=("hidden-on-full-disk",),
    ),
)
