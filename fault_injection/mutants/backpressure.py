"""Mistakes about the level that producers follow. Spec: SCN-3.1."""

from __future__ import annotations

from typing import Final

from fault_injection.mutants.mutant import Mutant, Patch

MUTANTS: Final = (
    Mutant(
        name="no-hysteresis",
        mistake="the level is off as soon as it is below the mark at which it goes on",
        module="reference.backpressure",
        patches=(
            Patch(
                "10 * used_bytes <= BACKPRESSURE_OFF_TENTHS * limit_bytes",
                "10 * used_bytes < BACKPRESSURE_ON_TENTHS * limit_bytes",
            ),
        ),
        found_by=("tests/test_backpressure.py::test_the_level_is_that_of_exact_fractions",),
        scenarios=("slow-consumer-threshold",),
    ),
    Mutant(
        name="signals-from-percentages",
        mistake="the level follows from whole percentages: the mark is up to a percent too early",
        module="reference.backpressure",
        patches=(
            Patch(
                "10 * used_bytes >= BACKPRESSURE_ON_TENTHS * limit_bytes",
                "(100 * used_bytes + limit_bytes - 1) // limit_bytes >= 70",
            ),
        ),
        found_by=("tests/test_backpressure.py::test_the_level_is_that_of_exact_fractions",),
        scenarios=("slow-consumer-threshold",),
    ),
    Mutant(
        name="on-above-the-mark",
        mistake="the level goes on above 70 %, not at it",
        module="reference.backpressure",
        patches=(
            Patch(
                "10 * used_bytes >= BACKPRESSURE_ON_TENTHS * limit_bytes",
                "10 * used_bytes > BACKPRESSURE_ON_TENTHS * limit_bytes",
            ),
        ),
        found_by=("tests/test_backpressure.py::test_the_tickets_thresholds_to_the_byte",),
        scenarios=("slow-consumer-threshold",),
    ),
    Mutant(
        name="off-below-the-mark",
        mistake="the level goes off below 50 %, not at it",
        module="reference.backpressure",
        patches=(
            Patch(
                "10 * used_bytes <= BACKPRESSURE_OFF_TENTHS * limit_bytes",
                "10 * used_bytes < BACKPRESSURE_OFF_TENTHS * limit_bytes",
            ),
        ),
        found_by=("tests/test_backpressure.py::test_the_tickets_thresholds_to_the_byte",),
        scenarios=("slow-consumer-threshold",),
    ),
    Mutant(
        name="edges-only",
        mistake="a signal is a crossing: released comes without triggered before it",
        module="reference.backpressure",
        patches=(
            Patch(
                """\
        return Level.TRIGGERED if is_high or held_on else level
""",
                """\
        return Level.TRIGGERED if is_high else level
""",
            ),
        ),
        found_by=("tests/test_backpressure.py::test_the_level_is_that_of_exact_fractions",),
        scenarios=("level-while-spilled",),
    ),
    Mutant(
        name="released-while-spilled",
        mistake="the level is that of memory alone, while a backlog waits in the log",
        trap="T11",
        module="reference.connector_core",
        patches=(
            Patch(
                "held_on=is_spilled or is_blocked",
                "held_on=is_blocked",
            ),
        ),
        found_by=(
            "tests/test_traps_connector.py::"
            "test_t11_the_level_stays_on_while_a_backlog_is_paged_in",
        ),
        scenarios=("level-while-spilled",),
    ),
    Mutant(
        name="released-when-sent",
        mistake="an event leaves the sum of the buffer when it is sent, not when it is settled",
        trap="T11",
        module="reference.connector_core",
        patches=(
            Patch(
                """\
        level = next_level(
            old.level, buffer.used_bytes,""",
                """\
        in_flight = sum(
            len(event.data)
            for sequence in self._session._outstanding
            if (event := buffer.get(sequence)) is not None
        )
        level = next_level(
            old.level, buffer.used_bytes - in_flight,""",
            ),
        ),
        found_by=(
            "tests/test_ticket_connector.py::"
            "test_backpressure_triggered_at_70_and_released_at_50_percent",
        ),
        scenarios=("slow-consumer-threshold",),
    ),
    Mutant(
        name="blocked-letters-release",
        mistake="the level goes off while a dead letter cannot be stored",
        trap="T15",
        module="reference.connector_core",
        patches=(
            Patch(
                "held_on=is_spilled or is_blocked",
                "held_on=is_spilled",
            ),
        ),
        found_by=(
            "tests/test_traps_connector.py::"
            "test_t15_a_letter_that_finds_no_room_is_tried_until_there_is",
        ),
        scenarios=("dead-letter-on-full-disk",),
    ),
)
