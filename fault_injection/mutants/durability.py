"""Mistakes about when bytes and names are on the medium. Spec: SCN-3.1."""

from __future__ import annotations

from typing import Final

from fault_injection.mutants.mutant import Mutant, Patch

MUTANTS: Final = (
    Mutant(
        name="no-sync",
        mistake="append returns when the bytes are written; nobody syncs them",
        module="reference.segment_writer",
        patches=(
            Patch(
                """\
            self._filesystem.sync(segment.name)
        except OSError as error:
            self._failure""",
                """\
            pass
        except OSError as error:
            self._failure""",
            ),
        ),
        found_by=("tests/test_explorer.py::test_a_clean_close_between_two_lives",),
        scenarios=("power-cut-every-op", "unsynced-all-subsets"),
    ),
    Mutant(
        name="every-other-sync",
        mistake="syncs are spread: some batches are answered before the sync that covers them",
        module="reference.segment_writer",
        patches=(
            Patch(
                """\
            self._filesystem.sync(segment.name)
        except OSError as error:
            self._failure""",
                """\
            if first_sequence % 2:
                self._filesystem.sync(segment.name)
        except OSError as error:
            self._failure""",
            ),
        ),
        found_by=("tests/test_explorer.py::test_a_clean_close_between_two_lives",),
        scenarios=("power-cut-every-op", "unsynced-all-subsets"),
    ),
    Mutant(
        name="sync-tried-again",
        mistake="a failed sync is tried again, and the second answer believed",
        trap="T3",
        module="reference.segment_writer",
        patches=(
            Patch(
                """\
            self._filesystem.sync(segment.name)
        except OSError as error:
            self._failure""",
                """\
            try:
                self._filesystem.sync(segment.name)
            except OSError:
                self._filesystem.sync(segment.name)
        except OSError as error:
            self._failure""",
            ),
        ),
        found_by=(
            "tests/test_traps.py::test_t3_failed_sync_is_not_retried_and_the_log_stays_failed",
        ),
        scenarios=("fsync-eio-once",),
    ),
    Mutant(
        name="failed-sync-is-one-appends-error",
        mistake="a failed sync is the error of one append, and the next one goes on in the file",
        trap="T3",
        module="reference.segment_writer",
        patches=(
            Patch(
                """\
            self._failure = f"sync {segment.name}: {describe(error)}"
            self._log.appendable = False
            LOGGER.error("the log is failed until it is reopened: %s", self._failure)
""",
                "",
            ),
        ),
        found_by=(
            "tests/test_traps.py::test_t3_failed_sync_is_not_retried_and_the_log_stays_failed",
        ),
        scenarios=("fsync-eio-once",),
    ),
    Mutant(
        name="no-directory-sync",
        mistake="a new file is synced and its name is not",
        trap="T17",
        module="reference.segment_files",
        patches=(
            Patch(
                """\
        filesystem.sync(name)
        filesystem.sync_directory()
    except""",
                """\
        filesystem.sync(name)
    except""",
            ),
        ),
        found_by=(
            "tests/test_traps.py::"
            "test_t17_a_new_file_has_its_name_and_bytes_durable_before_a_record",
        ),
        scenarios=("rotate-dirent-lost", "unsynced-all-subsets"),
    ),
    Mutant(
        name="header-not-synced",
        mistake="the name of a new file is synced, its header only with the first record",
        module="reference.segment_files",
        patches=(
            Patch(
                """\
        filesystem.sync(name)
        filesystem.sync_directory()
    except""",
                """\
        filesystem.sync_directory()
    except""",
            ),
        ),
        found_by=(
            "tests/test_traps.py::"
            "test_t17_a_new_file_has_its_name_and_bytes_durable_before_a_record",
        ),
        scenarios=("eintr-every-op",),
    ),
    Mutant(
        name="copy-not-synced",
        mistake="recovery renames its copy without having synced it",
        module="reference.segment_files",
        patches=(
            Patch(
                """\
        filesystem.sync(temporary)
""",
                "",
            ),
        ),
        found_by=(
            "tests/test_explorer.py::test_every_crash_and_every_crash_of_its_recovery[strict]",
        ),
        scenarios=("nested-recovery-1",),
    ),
    Mutant(
        name="rename-is-durable",
        mistake="a rename is taken for durable: what was copied goes before its new name is synced",
        trap="T17",
        module="reference.segment_files",
        patches=(
            Patch(
                """\
    try:
        filesystem.sync_directory()
    except""",
                """\
    try:
        pass
    except""",
            ),
            Patch(
                """\
        if not self._name_is_durable:
            self._filesystem.sync_directory()
            self._name_is_durable = True
""",
                "",
                "reference.acknowledgement_file",
            ),
        ),
        found_by=(
            "tests/test_traps.py::"
            "test_t3_entries_of_an_unclean_file_are_written_anew_before_they_are_replayed",
        ),
        scenarios=("nested-recovery-1",),
    ),
    Mutant(
        name="watermark-not-synced",
        mistake="the acknowledgement is written and not synced before files go",
        module="reference.acknowledgement_file",
        patches=(
            Patch(
                """\
encode_slot(slot))
            self._filesystem.sync(ACK_NAME)
        else""",
                """\
encode_slot(slot))
        else""",
            ),
        ),
        found_by=(
            "tests/test_acknowledging.py::"
            "test_the_watermark_is_durable_before_a_file_goes_and_the_directory_synced_after",
        ),
        scenarios=("unlink-before-mark", "unsynced-all-subsets"),
    ),
    Mutant(
        name="acknowledgement-file-swapped-too-early",
        mistake="the old acknowledgement file goes before the new one is durable under any name",
        module="reference.acknowledgement_file",
        patches=(
            Patch(
                """\
        discard(self._filesystem, TEMPORARY_NAME)
        self._filesystem.create""",
                """\
        discard(self._filesystem, TEMPORARY_NAME)
        discard(self._filesystem, ACK_NAME)
        self._filesystem.create""",
            ),
        ),
        found_by=(
            "tests/test_regressions.py::"
            "test_a_new_acknowledgement_file_is_durable_before_the_old_one_goes",
        ),
        scenarios=("random-histories",),
    ),
    Mutant(
        name="dead-letter-not-synced",
        mistake="a refused event is settled when its letter is written, not when it is synced",
        trap="T4",
        module="reference.dead_letters",
        patches=(
            Patch(
                """\
            self._filesystem.sync(DEAD_LETTERS_NAME)
""",
                "",
            ),
        ),
        found_by=(
            "tests/test_dead_letters.py::test_first_letter_makes_the_file_and_its_name_durable",
        ),
        scenarios=("dead-letter-fails", "refused-then-crash"),
    ),
    Mutant(
        name="dead-letter-name-not-synced",
        mistake="the dead-letter file is synced, its name is not",
        module="reference.dead_letters",
        patches=(
            Patch(
                """\
                self._filesystem.sync_directory()
                self._name_is_durable = True
        finally""",
                """\
                self._name_is_durable = True
        finally""",
            ),
        ),
        found_by=(
            "tests/test_dead_letters.py::test_first_letter_makes_the_file_and_its_name_durable",
        ),
        scenarios=("size-before-data-garbage", "rotate-dirent-lost"),
    ),
)
