"""Mistakes about writes that fail, are short, or find no room. Spec: SCN-3.1."""

from __future__ import annotations

from typing import Final

from fault_injection.mutants.mutant import Mutant, Patch

MUTANTS: Final = (
    Mutant(
        name="short-write-believed",
        mistake="a write that took some of the bytes is taken for one that took all",
        module="reference.segment_files",
        patches=(
            Patch(
                """\
        data = data[written:]
""",
                """\
        data = b""
""",
            ),
        ),
        found_by=("tests/test_append_faults.py::test_short_writes_are_continued",),
        scenarios=("short-write-every-op",),
    ),
    Mutant(
        name="interrupted-write-counts-as-done",
        mistake="a write that a signal interrupted is taken for one that was done",
        module="reference.segment_files",
        patches=(
            Patch(
                """\
                raise
            continue
""",
                """\
                raise
            return
""",
            ),
        ),
        found_by=("tests/test_append_faults.py::test_interruptions_are_retried_but_not_for_ever",),
        scenarios=("eintr-every-op",),
    ),
    Mutant(
        name="failed-write-left-in-place",
        mistake="what a failed write left stays, and the next record is written behind it",
        module="reference.segment_writer",
        patches=(
            Patch(
                '''\
whatever comes of it."""
        self._log.appendable = False
''',
                '''\
whatever comes of it."""
''',
            ),
            Patch(
                """\
            self._filesystem.truncate(segment.name, segment.size_bytes)
            # Until this returns, a power cut could bring the cut-off records back.
            self._filesystem.sync(segment.name)
""",
                """\
            pass
""",
            ),
        ),
        found_by=(
            "tests/test_append_faults.py::"
            "test_a_disk_that_fills_up_and_empties_again_needs_no_reopen",
        ),
        scenarios=("enospc-every-op",),
    ),
    Mutant(
        name="goes-on-in-a-cut-file",
        mistake="after a failed write was cut off, the same offsets are written again",
        trap="T8",
        module="reference.segment_writer",
        patches=(
            Patch(
                '''\
whatever comes of it."""
        self._log.appendable = False
''',
                '''\
whatever comes of it."""
''',
            ),
        ),
        found_by=(
            "tests/test_traps.py::"
            "test_t8_a_failed_write_is_definite_only_after_it_was_durably_cut_off",
        ),
        scenarios=("failed-write-failed-truncate",),
    ),
    Mutant(
        name="definite-before-the-cut-is-durable",
        mistake="a failed append is called definite when it was cut off, without a sync",
        trap="T8",
        module="reference.segment_writer",
        patches=(
            Patch(
                """\
            # Until this returns, a power cut could bring the cut-off records back.
            self._filesystem.sync(segment.name)
""",
                "",
            ),
        ),
        found_by=(
            "tests/test_traps.py::"
            "test_t8_a_failed_write_is_definite_only_after_it_was_durably_cut_off",
        ),
        scenarios=("truncate-then-append",),
    ),
    Mutant(
        name="definite-without-a-cut",
        mistake="a failed append is called definite although it could not be cut off",
        trap="T8",
        module="reference.segment_writer",
        patches=(
            Patch(
                """\
            self._retention.burn(-(-written_bytes // FRAME_BYTES_MIN))
            return AppendIndefinite("append", segment.name, cause)
""",
                """\
            return DiskRejected("append", segment.name, cause)
""",
            ),
        ),
        found_by=(
            "tests/test_traps.py::"
            "test_t8_a_failed_write_that_cannot_be_cut_off_is_indefinite_and_burns_numbers",
        ),
        scenarios=("failed-write-failed-truncate",),
    ),
    Mutant(
        name="rotation-fails-the-append",
        mistake=(
            "the file is rotated behind the record that fills it, and its error is the append's"
        ),
        trap="T9",
        module="reference.segment_writer",
        patches=(
            Patch(
                """\
first_sequence + count)
        return outcome
""",
                """\
first_sequence + count)
        if end_bytes >= self._config.rotation_bytes and (failure := self._rotate()) is not None:
            return outcome._replace(error=NoSegment(describe(failure)))
        return outcome
""",
            ),
        ),
        found_by=("tests/test_traps.py::test_t9_a_failed_rotation_does_not_fail_the_append",),
        scenarios=("failing-rotation",),
    ),
    Mutant(
        name="half-a-batch-forgotten",
        mistake="a batch that fails in its second file says that none of it is stored",
        module="reference.group_commit",
        patches=(
            Patch(
                "for_caller(tuple(caller.stored()))",
                "for_caller(())",
            ),
        ),
        found_by=(
            "tests/test_append_faults.py::"
            "test_a_batch_that_fails_in_its_second_file_says_which_numbers_are_stored",
        ),
        scenarios=("failing-rotation",),
    ),
    Mutant(
        name="full-disk-is-for-ever",
        mistake="an append that found no room fails the log, and space that returns does not help",
        module="reference.segment_writer",
        patches=(
            Patch(
                '''\
whatever comes of it."""
        self._log.appendable = False
''',
                '''\
whatever comes of it."""
        self._log.appendable = False
        self._failure = f"append {segment.name}: {describe(cause)}"
''',
            ),
        ),
        found_by=(
            "tests/test_append_faults.py::"
            "test_a_disk_that_fills_up_and_empties_again_needs_no_reopen",
        ),
        scenarios=("enospc-heal",),
    ),
    Mutant(
        name="quota-filled-by-settled-events",
        mistake="a quota that one settled file fills rejects for ever: only an append would rotate",
        trap="T15",
        module="reference.segment_writer",
        patches=(
            Patch(
                """\
        if self._retention.newest_is_settled() and self._rotate() is None:
            self._retention.flush()
""",
                "",
            ),
        ),
        found_by=(
            "tests/test_traps.py::"
            "test_t15_a_quota_filled_by_one_wholly_settled_file_does_not_reject_for_ever",
        ),
        scenarios=("quota-reached",),
    ),
)
