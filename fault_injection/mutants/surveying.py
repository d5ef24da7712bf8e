"""Mistakes about numbers: which come next, which are lost, which are told of. Spec: SCN-3.1."""

from __future__ import annotations

from typing import Final

from fault_injection.mutants.mutant import Mutant, Patch

_SURVEY: Final = "reference.survey"
_TRAPS: Final = "tests/test_traps.py::"
_RECOVERY: Final = "tests/test_recovery.py::"

MUTANTS: Final = (
    Mutant(
        name="torn-numbers-given-again",
        mistake="a tail is cut off and the numbers that it may have held are given out again",
        trap="T1",
        module=_SURVEY,
        patches=(
            Patch("            self._expected = max(self._expected, tail.end_sequence)\n        ack",
                  "        ack"),
        ),
        found_by=(_TRAPS + "test_t1_number_of_a_rotten_last_durable_record_is_never_given_again",),
        scenarios=("torn-tail-bytes", "bitrot-each-bit-header"),
    ),
    Mutant(
        name="a-tail-is-one-record",
        mistake="a tail is taken for one torn record, however long it is",
        trap="T1",
        module="reference.scanner",
        patches=(Patch("most_records = -(-length // FRAME_BYTES_MIN)", "most_records = 1"),),
        found_by=("tests/test_recovery.py::test_a_tail_is_accounted_for_if_all_that_it_may_have_held_is_declared","tests/test_vectors.py::test_directory_in_memory[dir-torn-108-bytes]",),
        scenarios=("torn-tail-sectors",),
    ),
    Mutant(
        name="next-is-one-above-what-survived",
        mistake="the next number is one above the highest record found; the floor is not looked at",
        trap="T10",
        module=_SURVEY,
        patches=(
            Patch("        if ack is not None and ack.next_sequence > self._expected and not self._live:\n",
                  "        if ack is not None and ack.next_sequence < 0:\n"),
        ),
        found_by=(_TRAPS + "test_t10_an_acknowledgement_ahead_of_the_log_is_kept_and_numbering_goes_above",),
        scenarios=("stale-file-restore",),
    ),
    Mutant(
        name="burned-numbers-not-declared",
        mistake="burned numbers are skipped and not declared: each open reports them as a loss again",
        trap="T10",
        module="reference.recovery",
        patches=(
            Patch("header = log.next_header(survey.known_end, survey.next_sequence)",
                  "header = log.next_header(survey.next_sequence, survey.next_sequence)"),
        ),
        found_by=("tests/test_regressions.py::test_a_declared_gap_stays_declared_through_renewals",),
        scenarios=("nested-recovery-1",),
    ),
    Mutant(
        name="gaps-not-reported",
        mistake="a file that is missing is stepped over without a word",
        module=_SURVEY,
        patches=(
            Patch("            self._lose_before(start, name)\n",
                  "            self._held.clear()\n            self._settle_to(declared_end=start)\n"),
        ),
        found_by=(_RECOVERY + "test_a_segment_deleted_by_hand_is_a_reported_gap",),
        scenarios=("truncated-first-file", "stale-file-restore"),
    ),
    Mutant(
        name="damage-not-reported",
        mistake="a damaged record is skipped without a word",
        module=_SURVEY,
        patches=(
            Patch("""\
        self._add_numbers(
            _KIND_OF_SHAPE[damage.shape], segment.name, damage.offset, damage.length_bytes,
            Fate.LOST, damage.first_sequence, damage.end_sequence, "",
        )  # fmt: skip
        self._expected = max(self""",
                  "        self._expected = max(self"),
        ),
        found_by=("tests/test_damage_sweep.py::test_every_run_of_destroyed_records_costs_just_those",),
        scenarios=("bitrot-body",),
    ),
    Mutant(
        name="lost-numbers-stay-unsettled",
        mistake="a number whose record is lost is waited for, and nothing behind it is forgotten",
        trap="T5",
        module=_SURVEY,
        patches=(
            Patch("        settled.add(first, end)\n        self._report.add",
                  "        self._report.add"),
        ),
        found_by=(_TRAPS + "test_t5_a_lost_record_does_not_hold_the_watermark_for_ever",),
        scenarios=(),
    ),
    Mutant(
        name="undecodable-entries-dropped",
        mistake="an entry that verifies and cannot be decoded is skipped, and settled with the rest",
        trap="T5",
        module=_SURVEY,
        patches=(
            Patch("        if self._on_undecodable(self._survey.view.log_id, frame, error):\n",
                  "        if frame.sequence:\n"),
        ),
        found_by=(_TRAPS + "test_t5_an_undecodable_entry_goes_to_the_dead_letter_file",),
        scenarios=(),
    ),
    Mutant(
        name="old-copies-are-stale",
        mistake="what comes before the expected number is reported as stale, recovery's copies too",
        module=_SURVEY,
        patches=(
            Patch("            if not is_copy:\n                self._add(",
                  "            if is_copy or sequence:\n                self._add("),
        ),
        found_by=(_RECOVERY + "test_copies_and_their_original_are_delivered_once",),
        scenarios=(),
    ),
    Mutant(
        name="first-expected-is-one",
        mistake="without slots numbering is expected from 1: what was deleted is called lost",
        trap="T10",
        module="reference.watermark",
        patches=(
            Patch("        acknowledged = max(acknowledged, lowest - 1 - before)\n",
                  "        acknowledged = max(acknowledged, 0 * before)\n"),
            Patch("    found.first_expected = min(found.watermark + 1, lowest)\n",
                  "    found.first_expected = found.watermark + 1\n"),
        ),
        found_by=(_RECOVERY + "test_without_an_acknowledgement_file_everything_is_repeated_and_nothing_lost",),
        scenarios=("unsynced-all-subsets",),
    ),
)  # fmt: skip
