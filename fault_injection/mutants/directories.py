"""Mistakes about what belongs to a log and what else lies in its directory. Spec: SCN-3.1."""

from __future__ import annotations

from typing import Final

from fault_injection.mutants.mutant import Mutant, Patch

MUTANTS: Final = (
    Mutant(
        name="copies-of-evidence-at-every-open",
        mistake="damage is copied aside again at every open",
        trap="T14",
        module="reference.quarantine",
        patches=(
            Patch(
                """\
        name = quarantine_name(file, offset, length_bytes, crc)
""",
                """\
        crc = (crc + len(self._sizes)) % 2**32
        name = quarantine_name(file, offset, length_bytes, crc)
""",
            ),
        ),
        found_by=("tests/test_traps.py::test_t14_repeated_opens_copy_the_damage_once",),
        scenarios=("psow-off",),
    ),
    Mutant(
        name="unreadable-file-refuses-the-open",
        mistake="a file whose header is destroyed refuses the open until somebody removes it",
        trap="T18",
        module="reference.directory",
        patches=(
            Patch(
                """\
    faults = [copy.value for copy in copies if isinstance(copy, HeaderFault)]
""",
                """\
    faults = [copy.value for copy in copies if isinstance(copy, HeaderFault)]
    if size > FRAMES_OFFSET:
        raise DiskUnreadable("read", entry.name, 0, OSError(faults[0]))
""",
            ),
        ),
        found_by=(
            "tests/test_traps.py::"
            "test_t7_a_file_without_a_usable_header_is_moved_aside_and_its_numbers_burned",
        ),
        scenarios=("one-bad-file",),
    ),
    Mutant(
        name="any-name-is-a-segment",
        mistake="whatever is named like a segment is opened as one: a directory refuses the open",
        trap="T18",
        module="reference.directory",
        patches=(
            Patch(
                "if number is not None and entry.is_regular:",
                "if number is not None:",
            ),
        ),
        found_by=(
            "tests/test_traps.py::test_t18_names_that_are_no_segments_are_ignored_and_stepped_over",
        ),
        scenarios=("strange-files",),
    ),
    Mutant(
        name="identity-kept-without-files",
        mistake="a wiped directory goes on under the identity that the acknowledgements name",
        trap="T16",
        module="reference.recovery",
        patches=(
            Patch(
                """\
    log_id = random_bytes(ID_BYTES) if is_new else view.log_id
""",
                """\
    log_id = random_bytes(ID_BYTES) if is_new else view.log_id
    if is_new and ACK_NAME in view.entries:
        kept = decode_slot(filesystem.read(ACK_NAME, 0, HEADER_BYTES))
        log_id = kept.log_id if kept else log_id
""",
            ),
        ),
        found_by=(
            "tests/test_traps.py::test_t16_wiped_files_begin_a_new_identity_and_the_old_"
            "acknowledgements_do_not_count",
        ),
        scenarios=("wiped-segments",),
    ),
    Mutant(
        name="foreign-files-replayed",
        mistake="files of another host in the directory are replayed as this log's",
        trap="T16",
        module="reference.directory",
        patches=(
            Patch(
                """\
        if header.log_id not in view.chain:
""",
                """\
        if header.log_id not in view.chain and not header.log_id:
""",
            ),
        ),
        found_by=(
            "tests/test_traps.py::test_t16_a_file_of_another_host_is_moved_aside_and_not_replayed",
        ),
        scenarios=("foreign-segment",),
    ),
    Mutant(
        name="end-of-a-running-log-is-damage",
        mistake="a log that is looked at while it runs is judged as if it had ended",
        trap="T19",
        module="reference.survey",
        patches=(
            Patch(
                """\
            if self._live and tail.kind is DamageKind.TAIL:
""",
                """\
            if self._live and tail.kind is DamageKind.GAP:
""",
            ),
        ),
        found_by=(
            "tests/test_inspection.py::test_unfinished_tail_of_a_running_log_is_in_progress",
        ),
        scenarios=("looked-at-while-written",),
    ),
)
