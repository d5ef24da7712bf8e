"""Mistakes about forgetting: the watermark, and the deletion of files. Spec: SCN-3.1."""

from __future__ import annotations

from typing import Final

from fault_injection.mutants.mutant import Mutant, Patch

MUTANTS: Final = (
    Mutant(
        name="delete-before-the-watermark",
        mistake="files go as soon as they are acknowledged; the watermark is written afterwards",
        module="reference.retention",
        patches=(
            Patch(
                """\
        if file.durable_through != watermark and not self._write(watermark, next_sequence):
            return False
""",
                "",
            ),
            Patch(
                """\
            self._sync_directory()
        return True
""",
                """\
            self._sync_directory()
        return file.durable_through == watermark or self._write(watermark, next_sequence)
""",
            ),
        ),
        found_by=(
            "tests/test_acknowledging.py::"
            "test_the_watermark_is_durable_before_a_file_goes_and_the_directory_synced_after",
        ),
        scenarios=("unlink-before-mark",),
    ),
    Mutant(
        name="delete-though-the-watermark-failed",
        mistake="files go although the watermark could not be made durable",
        trap="T13",
        module="reference.retention",
        patches=(
            Patch(
                """\
        if file.durable_through != watermark and not self._write(watermark, next_sequence):
            return False
""",
                """\
        if file.durable_through != watermark and not self._write(watermark, next_sequence):
            pass
""",
            ),
        ),
        found_by=(
            "tests/test_traps.py::"
            "test_t13_a_failing_acknowledgement_file_fails_nothing_and_is_made_anew",
        ),
        scenarios=("fsync-eio-once",),
    ),
    Mutant(
        name="delete-by-the-highest-number",
        mistake="a file goes when its highest number is settled, whatever is open before it",
        module="reference.retention",
        patches=(
            Patch(
                """\
            len(self._segments) > 1
            and self._segments[0].end_sequence - 1 <= self._settled.watermark
""",
                """\
            len(self._segments) > 1
            and self._segments[0].end_sequence - 1 in self._settled
""",
            ),
            Patch(
                """\
                if oldest.end_sequence - 1 > watermark:
""",
                """\
                if oldest.end_sequence - 1 not in self._settled:
""",
            ),
        ),
        found_by=(
            "tests/test_regressions.py::"
            "test_what_is_settled_while_the_watermark_is_written_deletes_no_file_yet",
        ),
        scenarios=("dead-letter-on-full-disk",),
    ),
    Mutant(
        name="delete-one-file-too-many",
        mistake="a file goes when its first number is settled",
        module="reference.retention",
        patches=(
            Patch(
                """\
            len(self._segments) > 1
            and self._segments[0].end_sequence - 1 <= self._settled.watermark
""",
                """\
            len(self._segments) > 1
            and self._segments[0].header.first_sequence <= self._settled.watermark
""",
            ),
            Patch(
                """\
                if oldest.end_sequence - 1 > watermark:
""",
                """\
                if oldest.header.first_sequence > watermark:
""",
            ),
        ),
        found_by=(
            "tests/test_acknowledging.py::"
            "test_a_file_goes_only_when_all_of_it_is_settled_and_never_the_newest",
        ),
        scenarios=("kill-every-call",),
    ),
    Mutant(
        name="delete-the-newest-too",
        mistake="the newest file goes too when all is settled, and its numbers with it",
        module="reference.retention",
        patches=(
            Patch(
                """\
            len(self._segments) > 1
            and self._segments[0]""",
                """\
            self._segments
            and self._segments[0]""",
            ),
        ),
        found_by=(
            "tests/test_acknowledging.py::"
            "test_a_file_goes_only_when_all_of_it_is_settled_and_never_the_newest",
        ),
        scenarios=("all-acknowledged-kill",),
    ),
    Mutant(
        name="acknowledged-files-stay",
        mistake="acknowledged files are deleted at the next open only",
        module="reference.retention",
        patches=(
            Patch(
                """\
            len(self._segments) > 1
""",
                """\
            len(self._segments) > 10**6
""",
            ),
        ),
        found_by=(
            "tests/test_ticket_acceptance.py::"
            "test_wal_files_deleted_after_all_events_successfully_published",
        ),
        scenarios=("enospc-heal",),
    ),
    Mutant(
        name="watermark-in-memory-only",
        mistake="a close does not write the watermark: what was settled comes back",
        module="reference.retention",
        patches=(
            Patch(
                """\
            if file.would_change(watermark, next_sequence, clean_mark):
""",
                """\
            if file.would_change(0, 0, clean_mark) and not watermark:
""",
            ),
        ),
        found_by=("tests/test_acknowledging.py::test_a_close_writes_the_watermark",),
        scenarios=("clean-restarts",),
    ),
    Mutant(
        name="watermark-above-a-hole",
        mistake=(
            "the highest settled number is the watermark: what is open below it counts as settled"
        ),
        module="reference.interval_set",
        patches=(
            Patch(
                """\
        if self._starts[0] == self.watermark + 1:
""",
                """\
        if self._starts[0] > self.watermark:
""",
            ),
        ),
        found_by=(
            "tests/test_acknowledging.py::"
            "test_numbers_settled_out_of_order_wait_for_those_before_them",
        ),
        scenarios=("dead-letter-on-full-disk", "dead-letter-fails"),
    ),
    Mutant(
        name="settled-when-refused",
        mistake="a refused event is settled although its letter could not be stored",
        trap="T15",
        module="reference.wal",
        patches=(
            Patch(
                """\
            raise DeadLetterFailed(entry.sequence, error) from error
""",
                """\
            self.settle(entry.sequence)
            raise DeadLetterFailed(entry.sequence, error) from error
""",
            ),
        ),
        found_by=(
            "tests/test_acknowledging.py::"
            "test_a_refused_event_that_cannot_be_stored_stays_in_the_log",
        ),
        scenarios=("dead-letter-on-full-disk", "dead-letter-fails"),
    ),
)
