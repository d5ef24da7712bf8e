"""Mistakes in what is done at open. Spec: SCN-3.1."""

from __future__ import annotations

from typing import Final

from fault_injection.mutants.mutant import Mutant, Patch

MUTANTS: Final = (
    Mutant(
        name="sync-at-open-believed",
        mistake="recovery syncs the file that was open, and goes on in it",
        trap="T3",
        module="reference.recovery",
        patches=(
            Patch(
                """\
    else:
        renew(log, survey.settled)
""",
                """\
    elif log.segments and survey.next_sequence == survey.known_end:
        filesystem.sync(log.segments[-1].name)
        log.appendable, log.to_renew = True, None
    else:
        renew(log, survey.settled)
""",
            ),
        ),
        found_by=(
            "tests/test_traps.py::"
            "test_t3_entries_of_an_unclean_file_are_written_anew_before_they_are_replayed",
        ),
        scenarios=("reopen-after-failed-sync",),
    ),
    Mutant(
        name="append-behind-a-torn-tail",
        mistake="the newest file is appended to as it is, behind whatever a crash left there",
        trap="T1",
        module="reference.recovery",
        patches=(
            Patch(
                """\
    else:
        renew(log, survey.settled)
""",
                """\
    elif log.segments:
        log.appendable, log.to_renew = True, None
    else:
        renew(log, survey.settled)
""",
            ),
        ),
        found_by=(
            "tests/test_traps.py::"
            "test_t3_entries_of_an_unclean_file_are_written_anew_before_they_are_replayed",
        ),
        scenarios=("garbage-appended",),
    ),
    Mutant(
        name="truncated-without-sync",
        mistake="recovery cuts a torn tail off, does not sync that, and goes on in the file",
        trap="T8",
        module="reference.recovery",
        patches=(
            Patch(
                """\
    else:
        renew(log, survey.settled)
""",
                """\
    elif log.segments:
        newest = log.segments[-1]
        for damage in log.report.damages:
            if damage.kind is DamageKind.TAIL and damage.file == newest.name:
                filesystem.truncate(newest.name, damage.offset)
                newest.size_bytes = damage.offset
        log.appendable, log.to_renew = True, None
    else:
        renew(log, survey.settled)
""",
            ),
        ),
        found_by=(
            "tests/test_traps.py::"
            "test_t3_entries_of_an_unclean_file_are_written_anew_before_they_are_replayed",
        ),
        scenarios=("crash-twice-torn-tail",),
    ),
    Mutant(
        name="copied-files-removed-oldest-first",
        mistake="what recovery copied is removed oldest first: a crash leaves a hole before it",
        module="reference.recovery",
        patches=(
            Patch(
                """\
    for segment in reversed(old):
""",
                """\
    for segment in list(old):
""",
            ),
        ),
        found_by=(
            "tests/test_regressions.py::"
            "test_a_crash_between_removing_two_copied_files_loses_nothing",
        ),
        scenarios=("failed-rotation-stays",),
    ),
    Mutant(
        name="copied-files-removed-before-the-slots",
        mistake="what recovery copied is removed although the slots could not be written",
        module="reference.recovery",
        patches=(
            Patch(
                "_remove_copied(log, old) if _keep_floor(log, settled) else []",
                "_remove_copied(log, old) if _keep_floor(log, settled) in (True, False) else []",
            ),
        ),
        found_by=(
            "tests/test_regressions.py::"
            "test_copied_files_stay_until_the_slots_that_their_copy_refers_to_are_durable",
        ),
        scenarios=("acknowledgement-file-fails",),
    ),
    Mutant(
        name="old-file-goes-before-its-copy",
        mistake="recovery removes the old file before it has written the new one",
        module="reference.recovery",
        patches=(
            Patch(
                """\
    try:
        fresh = under_a_free_name(""",
                """\
    entries = list(_unsettled_payloads(log, old, settled))
    for segment in old:
        discard(log.filesystem, segment.name)
    try:
        fresh = under_a_free_name(""",
            ),
            Patch(
                "lambda: _copy_to_fresh(log, old, settled))",
                "lambda: _copy_to_fresh(log, old, settled, entries))",
            ),
            Patch(
                "old: list[Segment], settled: WatermarkSet) -> Segment:",
                "old: list[Segment], settled: WatermarkSet, entries: list) -> Segment:",
            ),
            Patch(
                "create_copy(log.filesystem, header, _unsettled_payloads(log, old, settled))",
                "create_copy(log.filesystem, header, entries)",
            ),
        ),
        found_by=(
            "tests/test_traps.py::"
            "test_t3_entries_of_an_unclean_file_are_written_anew_before_they_are_replayed",
        ),
        scenarios=("nested-recovery-1",),
    ),
    Mutant(
        name="only-the-newest-was-open",
        mistake="the newest file is taken for the one that was written, also if it has no record",
        trap="T9",
        module="reference.recovery",
        patches=(
            Patch(
                """\
    last = len(segments) - 1
    while""",
                """\
    if segments:
        return segments[-1:]
    last = len(segments) - 1
    while""",
            ),
        ),
        found_by=(
            "tests/test_traps.py::"
            "test_t9_a_rotation_that_failed_and_left_its_file_does_not_hide_the_older_one",
            "tests/test_regressions.py::"
            "test_a_file_written_behind_two_failed_rotations_counts_as_open",
        ),
        scenarios=("failed-rotation-stays",),
    ),
    Mutant(
        name="clean-mark-not-withdrawn",
        mistake="the mark that a file is complete stays when the file is written to again",
        trap="T8",
        module="reference.retention",
        patches=(
            Patch(
                """\
        if self._log.clean_mark is None:
""",
                """\
        if self._log.clean_mark is None or self._log.clean_mark:
""",
            ),
        ),
        found_by=(
            "tests/test_recovery.py::"
            "test_the_clean_mark_is_withdrawn_durably_before_the_file_grows",
        ),
        scenarios=("cut-back-to-clean",),
    ),
    Mutant(
        name="swap-not-completed",
        mistake="a swap of acknowledgement files that a crash cut short is forgotten",
        module="reference.recovery",
        patches=(
            Patch(
                """\
    _finish_salvage(filesystem)
    _finish_swap(filesystem)
""",
                """\
    _finish_salvage(filesystem)
""",
            ),
        ),
        found_by=(
            "tests/test_regressions.py::"
            "test_a_swap_of_acknowledgement_files_that_is_cut_short_keeps_the_floor",
        ),
        scenarios=("acknowledgement-file-fails",),
    ),
    Mutant(
        name="no-room-refuses-the-open",
        mistake="a log that finds no room to recover in does not open, so nothing can be drained",
        trap="T14",
        module="reference.recovery",
        patches=(
            Patch(
                """\
        log.report.degraded = describe(error)
""",
                """\
        log.report.degraded = describe(error)
        raise DiskUnreadable("create", "procmond", 0, error) from error
""",
            ),
        ),
        found_by=(
            "tests/test_traps.py::test_t14_recovery_on_a_full_disk_opens_degraded_and_can_drain",
        ),
        scenarios=("full-disk-at-open",),
    ),
    Mutant(
        name="entries-replayed-from-the-page-cache",
        mistake="a log that could not copy its open file replays what it read there all the same",
        trap="T3",
        module="reference.recovery",
        patches=(
            Patch(
                "log.replay_before = old[0].header.relocated_from",
                "log.replay_before = None",
            ),
        ),
        found_by=(
            "tests/test_recovery.py::"
            "test_a_degraded_log_without_a_durable_floor_replays_only_what_is_surely_durable",
        ),
        scenarios=("fsync-eio-sticky",),
    ),
)
