"""Mistakes about events that the broker refuses. Spec: SCN-3.1."""

from __future__ import annotations

from typing import Final

from fault_injection.mutants.mutant import Mutant, Patch

MUTANTS: Final = (
    Mutant(
        name="acknowledgement-overtakes-the-letter",
        mistake="an acknowledgement settles all below it, events whose letter is not durable too",
        trap="T4",
        module="reference.dead_letter_queue",
        patches=(
            Patch(
                """\
            held.add(sequence, sequence + 1)
""",
                """\
            held.add(sequence, sequence)
""",
            ),
            Patch(
                "for low, end in held.missing(first, last + 1)",
                "for low, end in WatermarkSet(0).missing(first, last + 1)",
            ),
        ),
        found_by=(
            "tests/test_traps_connector.py::test_t4_a_refused_event_is_not_settled_by_an_"
            "acknowledgement_that_overtakes_its_letter",
        ),
        scenarios=("dead-letter-on-full-disk",),
    ),
    Mutant(
        name="refused-is-settled",
        mistake="a refused event is settled at once and its letter written when there is time",
        trap="T4",
        module="reference.connector_core",
        patches=(
            Patch(
                """\
        if self._letters.add(event.as_stored(), reason):
""",
                """\
        if self._letters.add(event.as_stored(), reason):
            self.buffer.settle(sequence, sequence)
            self._commands.append(Settle(sequence, sequence))
""",
            ),
        ),
        found_by=(
            "tests/test_traps_connector.py::test_t4_a_refused_event_is_not_settled_by_an_"
            "acknowledgement_that_overtakes_its_letter",
        ),
        scenarios=("dead-letter-on-full-disk",),
    ),
    Mutant(
        name="refused-and-forgotten",
        mistake="a refused event is settled, and there is no letter",
        module="reference.connector_core",
        patches=(
            Patch(
                """\
                if self.buffer.get(sequence) is not None:
                    self._bury(sequence, f"refused: {reason}")
""",
                """\
                if self.buffer.get(sequence) is not None:
                    self._settle(sequence, sequence)
""",
            ),
        ),
        found_by=(
            "tests/test_connector_core.py::test_a_dead_letter_holds_the_event_as_it_was_stored",
        ),
        scenarios=("poison-event",),
    ),
    Mutant(
        name="refused-is-sent-again",
        mistake="a refused event is tried again for ever, and all behind it waits",
        module="reference.connector_core",
        patches=(
            Patch(
                """\
                if self.buffer.get(sequence) is not None:
                    self._bury(sequence, f"refused: {reason}")
""",
                """\
                if self.buffer.get(sequence) is not None:
                    link.drop(Trigger.ERROR, BrokerGaveUp(f"refused: {reason}"))
""",
            ),
        ),
        found_by=(
            "tests/test_connector_core.py::test_a_dead_letter_holds_the_event_as_it_was_stored",
        ),
        scenarios=("poison-event",),
    ),
    Mutant(
        name="letter-tried-once",
        mistake="a letter that the disk refused is not tried again",
        trap="T15",
        module="reference.connector_core",
        patches=(
            Patch(
                """\
                self._letters.retry()
""",
                """\
                pass
""",
            ),
        ),
        found_by=(
            "tests/test_traps_connector.py::"
            "test_t15_a_letter_that_finds_no_room_is_tried_until_there_is",
        ),
        scenarios=("dead-letter-on-full-disk",),
    ),
    Mutant(
        name="oversize-blocks-the-head",
        mistake="an event that no frame can carry is sent, and sent again, and all behind it waits",
        trap="T6",
        module="reference.event_buffer",
        patches=(
            Patch(
                """\
    if body_bytes > LINK_BODY_BYTES_MAX:
""",
                """\
    if body_bytes < 0:
""",
            ),
        ),
        found_by=(
            "tests/test_traps_connector.py::"
            "test_t6_an_entry_that_fits_a_log_frame_and_not_the_link_is_a_dead_letter",
        ),
        scenarios=("fits-log-not-link",),
    ),
)
