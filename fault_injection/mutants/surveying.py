"""Mistakes about numbers: which come next, which are lost, which are told of. Spec: SCN-3.1."""

from __future__ import annotations

from typing import Final

from fault_injection.mutants.mutant import Mutant, Patch

MUTANTS: Final = (
    Mutant(
        name="torn-numbers-given-again",
        mistake="a tail is cut off and the numbers that it may have held are given out again",
        trap="T1",
        module="reference.survey",
        patches=(
            Patch(
                """\
            self._expected = max(self._expected, tail.end_sequence)
        ack""",
                "        ack",
            ),
        ),
        found_by=(
            "tests/test_traps.py::"
            "test_t1_number_of_a_rotten_last_durable_record_is_never_given_again",
        ),
        scenarios=("rotten-durable-tail",),
    ),
    Mutant(
        name="a-tail-is-one-record",
        mistake="a tail is taken for one torn record, however long it is",
        trap="T1",
        module="reference.scanner",
        patches=(
            Patch(
                "most_records = -(-length // FRAME_BYTES_MIN)",
                "most_records = 1",
            ),
        ),
        found_by=(
            "tests/test_recovery.py::"
            "test_a_tail_is_accounted_for_if_all_that_it_may_have_held_is_declared",
            "tests/test_vectors.py::test_directory_in_memory[dir-torn-108-bytes]",
        ),
        scenarios=("psow-off",),
    ),
    Mutant(
        name="next-is-one-above-what-survived",
        mistake="the next number is one above the highest record found; the floor is not looked at",
        trap="T10",
        module="reference.survey",
        patches=(
            Patch(
                """\
        if ack is not None and ack.next_sequence > self._expected and not self._live:
""",
                """\
        if ack is not None and ack.next_sequence < 0:
""",
            ),
        ),
        found_by=(
            "tests/test_traps.py::"
            "test_t10_an_acknowledgement_ahead_of_the_log_is_kept_and_numbering_goes_above",
        ),
        scenarios=("acknowledgements-ahead",),
    ),
    Mutant(
        name="gaps-not-reported",
        mistake="a file that is missing is stepped over without a word",
        module="reference.survey",
        patches=(
            Patch(
                """\
            self._lose_before(start, name)
""",
                """\
            self._held.clear()
            self._settle_to(declared_end=start)
""",
            ),
        ),
        found_by=("tests/test_recovery.py::test_a_segment_deleted_by_hand_is_a_reported_gap",),
        scenarios=("missing-file",),
    ),
    Mutant(
        name="damage-not-reported",
        mistake="a damaged record is skipped without a word",
        module="reference.survey",
        patches=(
            Patch(
                """\
        self._add_numbers(
            _KIND_OF_SHAPE[damage.shape], segment.name, damage.offset, damage.length_bytes,
            Fate.LOST, damage.first_sequence, damage.end_sequence, "",
        )  # fmt: skip
        self._expected = max(self""",
                "        self._expected = max(self",
            ),
        ),
        found_by=(
            "tests/test_damage_sweep.py::test_every_run_of_destroyed_records_costs_just_those",
        ),
        scenarios=("bitrot-body",),
    ),
    Mutant(
        name="lost-numbers-stay-unsettled",
        mistake="a number whose record is lost is waited for, and nothing behind it is forgotten",
        trap="T5",
        module="reference.survey",
        patches=(
            Patch(
                """\
        settled.add(first, end)
        self._report.add""",
                "        self._report.add",
            ),
        ),
        found_by=(
            "tests/test_traps.py::test_t5_a_lost_record_does_not_hold_the_watermark_for_ever",
        ),
        scenarios=("refused-around-a-loss",),
    ),
    Mutant(
        name="undecodable-entries-dropped",
        mistake=(
            "an entry that verifies and cannot be decoded is skipped, and settled with the rest"
        ),
        trap="T5",
        module="reference.survey",
        patches=(
            Patch(
                """\
        if self._on_undecodable(self._survey.view.log_id, frame, error):
""",
                """\
        if frame.sequence:
""",
            ),
        ),
        found_by=(
            "tests/test_traps.py::test_t5_an_undecodable_entry_goes_to_the_dead_letter_file",
        ),
        scenarios=("undecodable-record",),
    ),
)
