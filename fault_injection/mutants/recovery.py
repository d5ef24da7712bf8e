"""Mistakes in what is done at open. Spec: SCN-3.1."""

from __future__ import annotations

from typing import Final

from fault_injection.mutants.mutant import Mutant, Patch

_RECOVERY: Final = "reference.recovery"
_EXPLORER: Final = "tests/test_explorer.py::"
_TRAPS: Final = "tests/test_traps.py::"
_REGRESSIONS: Final = "tests/test_regressions.py::"

_RENEW: Final = """\
    else:
        renew(log, survey.settled)
"""

MUTANTS: Final = (
    Mutant(
        name="sync-at-open-believed",
        mistake="recovery syncs the file that was open, and goes on in it",
        trap="T3",
        module=_RECOVERY,
        patches=(
            Patch(
                _RENEW,
                """\
    elif log.segments and survey.next_sequence == survey.known_end:
        filesystem.sync(log.segments[-1].name)
        log.appendable, log.to_renew = True, None
"""
                + _RENEW,
            ),
        ),
        found_by=(
            _TRAPS + "test_t3_entries_of_an_unclean_file_are_written_anew_before_they_are_replayed",
        ),
        scenarios=("fsync-eio-once",),
    ),
    Mutant(
        name="append-behind-a-torn-tail",
        mistake="the newest file is appended to as it is, behind whatever a crash left there",
        trap="T1",
        module=_RECOVERY,
        patches=(
            Patch(
                _RENEW,
                """\
    elif log.segments:
        log.appendable, log.to_renew = True, None
"""
                + _RENEW,
            ),
        ),
        found_by=(
            _TRAPS + "test_t3_entries_of_an_unclean_file_are_written_anew_before_they_are_replayed",
        ),
        scenarios=("torn-tail-bytes",),
    ),
    Mutant(
        name="truncated-without-sync",
        mistake="recovery cuts a torn tail off, does not sync that, and goes on in the file",
        trap="T8",
        module=_RECOVERY,
        patches=(
            Patch(
                _RENEW,
                """\
    elif log.segments:
        newest = log.segments[-1]
        for damage in log.report.damages:
            if damage.kind is DamageKind.TAIL and damage.file == newest.name:
                filesystem.truncate(newest.name, damage.offset)
                newest.size_bytes = damage.offset
        log.appendable, log.to_renew = True, None
"""
                + _RENEW,
            ),
        ),
        found_by=("tests/test_traps.py::test_t3_entries_of_an_unclean_file_are_written_anew_before_they_are_replayed",),
        scenarios=("nested-recovery-1", "torn-tail-bytes"),
    ),
    Mutant(
        name="copied-files-removed-oldest-first",
        mistake="what recovery copied is removed oldest first: a crash leaves a hole before it",
        module=_RECOVERY,
        patches=(Patch("    for segment in reversed(old):\n", "    for segment in list(old):\n"),),
        found_by=(
            _REGRESSIONS + "test_a_crash_between_removing_two_copied_files_loses_nothing",
        ),
        scenarios=("nested-recovery-1",),
    ),
    Mutant(
        name="copied-files-removed-before-the-slots",
        mistake="what recovery copied is removed although the slots could not be written",
        module=_RECOVERY,
        patches=(
            Patch(
                "_remove_copied(log, old) if _keep_floor(log, settled) else []",
                "_remove_copied(log, old) if _keep_floor(log, settled) in (True, False) else []",
            ),
        ),
        found_by=(
            _REGRESSIONS
            + "test_copied_files_stay_until_the_slots_that_their_copy_refers_to_are_durable",
        ),
        scenarios=("nested-recovery-1", "fsync-eio-once"),
    ),
    Mutant(
        name="old-file-goes-before-its-copy",
        mistake="recovery removes the old file before it has written the new one",
        module=_RECOVERY,
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
            Patch("lambda: _copy_to_fresh(log, old, settled))",
                  "lambda: _copy_to_fresh(log, old, settled, entries))"),
            Patch("old: list[Segment], settled: WatermarkSet) -> Segment:",
                  "old: list[Segment], settled: WatermarkSet, entries: list) -> Segment:"),
            Patch("create_copy(log.filesystem, header, _unsettled_payloads(log, old, settled))",
                  "create_copy(log.filesystem, header, entries)"),
        ),
        found_by=("tests/test_traps.py::test_t3_entries_of_an_unclean_file_are_written_anew_before_they_are_replayed",),
        scenarios=("nested-recovery-1", "unsynced-all-subsets"),
    ),
    Mutant(
        name="only-the-newest-was-open",
        mistake="the newest file is taken for the one that was written, also if it has no record",
        trap="T9",
        module=_RECOVERY,
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
            _TRAPS + "test_t9_a_rotation_that_failed_and_left_its_file_does_not_hide_the_older_one",
            _REGRESSIONS + "test_a_file_written_behind_two_failed_rotations_counts_as_open",
        ),
        scenarios=(),
    ),
    Mutant(
        name="clean-mark-not-withdrawn",
        mistake="the mark that a file is complete stays when the file is written to again",
        trap="T8",
        module="reference.retention",
        patches=(
            Patch(
                "        if self._log.clean_mark is None:\n",
                "        if self._log.clean_mark is None or self._log.clean_mark:\n",
            ),
        ),
        found_by=(
            "tests/test_recovery.py::"
            "test_the_clean_mark_is_withdrawn_durably_before_the_file_grows",
        ),
        scenarios=("enospc-every-op",),
    ),
    Mutant(
        name="swap-not-completed",
        mistake="a swap of acknowledgement files that a crash cut short is forgotten",
        module=_RECOVERY,
        patches=(Patch("    _finish_salvage(filesystem)\n    _finish_swap(filesystem)\n",
                       "    _finish_salvage(filesystem)\n"),),
        found_by=(
            _REGRESSIONS
            + "test_a_swap_of_acknowledgement_files_that_is_cut_short_keeps_the_floor",
        ),
        scenarios=("kill-every-call",),
    ),
    Mutant(
        name="copies-of-evidence-at-every-open",
        mistake="damage is copied aside again at every open",
        trap="T14",
        module="reference.quarantine",
        patches=(
            Patch(
                "        name = quarantine_name(file, offset, length_bytes, crc)\n",
                "        crc = (crc + len(self._sizes)) % 2**32\n"
                "        name = quarantine_name(file, offset, length_bytes, crc)\n",
            ),
        ),
        found_by=(_TRAPS + "test_t14_repeated_opens_copy_the_damage_once",),
        scenarios=("bitrot-body",),
    ),
    Mutant(
        name="no-room-refuses-the-open",
        mistake="a log that finds no room to recover in does not open, so nothing can be drained",
        trap="T14",
        module=_RECOVERY,
        patches=(
            Patch(
                "        log.report.degraded = describe(error)\n",
                "        log.report.degraded = describe(error)\n"
                '        raise DiskUnreadable("create", "procmond", 0, error) from error\n',
            ),
        ),
        found_by=(_TRAPS + "test_t14_recovery_on_a_full_disk_opens_degraded_and_can_drain",),
        scenarios=("enospc-heal",),
    ),
    Mutant(
        name="unreadable-file-refuses-the-open",
        mistake="a file whose header is destroyed refuses the open until somebody removes it",
        trap="T18",
        module="reference.directory",
        patches=(
            Patch(
                "    faults = [copy.value for copy in copies if isinstance(copy, HeaderFault)]\n",
                "    faults = [copy.value for copy in copies if isinstance(copy, HeaderFault)]\n"
                "    if size > FRAMES_OFFSET:\n"
                '        raise DiskUnreadable("read", entry.name, 0, OSError(faults[0]))\n',
            ),
        ),
        found_by=(
            _TRAPS
            + "test_t7_a_file_without_a_usable_header_is_moved_aside_and_its_numbers_burned",
        ),
        scenarios=("truncated-first-file", "bitrot-each-bit-header"),
    ),
    Mutant(
        name="any-name-is-a-segment",
        mistake="whatever is named like a segment is opened as one: a directory refuses the open",
        trap="T18",
        module="reference.directory",
        patches=(Patch("if number is not None and entry.is_regular:", "if number is not None:"),),
        found_by=(_TRAPS + "test_t18_names_that_are_no_segments_are_ignored_and_stepped_over",),
        scenarios=(),
    ),
    Mutant(
        name="entries-replayed-from-the-page-cache",
        mistake="a log that could not copy its open file replays what it read there all the same",
        trap="T3",
        module=_RECOVERY,
        patches=(
            Patch("log.replay_before = old[0].header.relocated_from", "log.replay_before = None"),
        ),
        found_by=(
            "tests/test_recovery.py::"
            "test_a_degraded_log_without_a_durable_floor_replays_only_what_is_surely_durable",
        ),
        scenarios=("fsync-eio-sticky",),
    ),
    Mutant(
        name="identity-kept-without-files",
        mistake="a wiped directory goes on under the identity that the acknowledgements name",
        trap="T16",
        module=_RECOVERY,
        patches=(
            Patch(
                "    log_id = random_bytes(ID_BYTES) if is_new else view.log_id\n",
                "    log_id = random_bytes(ID_BYTES) if is_new else view.log_id\n"
                "    if is_new and ACK_NAME in view.entries:\n"
                "        kept = decode_slot(filesystem.read(ACK_NAME, 0, HEADER_BYTES))\n"
                "        log_id = kept.log_id if kept else log_id\n",
            ),
        ),
        found_by=(
            _TRAPS
            + "test_t16_wiped_files_begin_a_new_identity_and_the_old_acknowledgements_do_not_count",
        ),
        scenarios=(),
    ),
    Mutant(
        name="foreign-files-replayed",
        mistake="files of another host in the directory are replayed as this log's",
        trap="T16",
        module="reference.directory",
        patches=(
            Patch("        if header.log_id not in view.chain:\n",
                  "        if header.log_id not in view.chain and not header.log_id:\n"),
        ),
        found_by=(
            _TRAPS + "test_t16_a_file_of_another_host_is_moved_aside_and_not_replayed",
        ),
        scenarios=(),
    ),
    Mutant(
        name="end-of-a-running-log-is-damage",
        mistake="a log that is looked at while it runs is judged as if it had ended",
        trap="T19",
        module="reference.survey",
        patches=(
            Patch("            if self._live and tail.kind is DamageKind.TAIL:\n",
                  "            if self._live and tail.kind is DamageKind.GAP:\n"),
        ),
        found_by=("tests/test_inspection.py::test_unfinished_tail_of_a_running_log_is_in_progress",),
        scenarios=(),
    ),
)  # fmt: skip
