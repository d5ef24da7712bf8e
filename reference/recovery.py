"""Opens a directory: surveys it, then makes true what the log needs before it may run.

The order of steps is the promise. Each step is durable before the next begins, and a crash
between any two leaves a directory that recovers to the same entries:

    1  survey                     reads; undecodable entries go to the dead-letter file, synced
    2  damaged stretches          copied to quarantine (evidence only)
    3  a fresh end of the log     unless the last close was clean: the unsettled entries of
                                  the file that was open are copied to a new file, whose
                                  header declares the burned numbers
    4  acknowledgement slot       records that new file as clean
    5  the old file, leftovers    unlinked; foreign and unreadable files moved aside

Why step 3 copies instead of syncing: after a failed sync the kernel shows pages that are
not on disk, and a second sync succeeds without writing them (trap T3). Only bytes that
this process wrote and synced are known to be durable.

Steps 2 to 5 fail softly. Without space for step 3 the log opens *degraded*: it replays,
acknowledges and deletes, and every append tries step 3 again (trap T14).

Spec: REC-5 to REC-9.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from reference.acknowledgement_file import AcknowledgementFile
from reference.acknowledgement_slots import ACK_NAME, SLOT_OFFSETS, decode_slot
from reference.dead_letters import DeadLetter, DeadLetterFile
from reference.directory import list_directory
from reference.errors import DecodeError, DiskUnreadable, Locked, describe
from reference.filesystem import Filesystem, LockMode
from reference.frame import StoredFrame, payload_of
from reference.interval_set import WatermarkSet
from reference.limits import (
    FILE_NUMBER_MAX,
    HEADER_BYTES,
    SEQUENCE_MAX,
    WalConfig,
)
from reference.names import DEAD_LETTERS_NAME, LOCK_NAME, NEW_SUFFIX, SALVAGED_SUFFIX
from reference.quarantine import Quarantine, move_aside
from reference.report import DamageKind, RecoveryReport
from reference.segment_files import Segment, create_copy, discard, no_space, scan_stored
from reference.segment_header import ID_BYTES, NO_LOG_ID, SALT_BYTES, SegmentHeader, segment_number
from reference.survey import OnUndecodable, Survey, survey_log

LOGGER: Final = logging.getLogger("reference.wal")

NAMES_TRIED_MAX: Final = 1000

RandomBytes = Callable[[int], bytes]

_COPIED_ASIDE: Final = frozenset(
    (DamageKind.BODY, DamageKind.REGION, DamageKind.TAIL, DamageKind.GAP)
)


@dataclass(slots=True)
class OpenedLog:
    """A recovered directory, ready to run. The caller owns every part."""

    filesystem: Filesystem
    config: WalConfig
    random_bytes: RandomBytes
    survey: Survey
    report: RecoveryReport
    segments: list[Segment]
    """Numeric order; the last one is appended to if `appendable`."""
    acknowledgements: AcknowledgementFile
    dead_letters: DeadLetterFile
    log_id: bytes
    previous_log_id: bytes
    highest_number: int
    appendable: bool = False
    clean_mark: tuple[int, int] | None = None
    to_renew: list[Segment] | None = None
    """Segments whose entries are not known to be durable; None once they were copied."""
    replay_before: int | None = None
    """Degraded without a durable floor: entries from here on must not be published yet."""
    floor_is_durable: bool = False
    """Whether the slots hold the next number that recovery decided on."""
    quarantine_bytes: int = 0

    def next_header(self, continues_from: int, first_sequence: int) -> SegmentHeader:
        """Return the header of the next file, with a number never used before.

        Raises OSError if numbers have run out.
        """
        self.highest_number += 1
        if self.highest_number > FILE_NUMBER_MAX or first_sequence > SEQUENCE_MAX:
            raise no_space("procmond", "file numbers or sequences have run out")
        return SegmentHeader(
            self.highest_number, self.log_id, self.previous_log_id, self.random_bytes(SALT_BYTES),
            continues_from, continues_from, first_sequence,
        )  # fmt: skip


def open_directory(
    filesystem: Filesystem, config: WalConfig, random_bytes: RandomBytes
) -> OpenedLog:
    """Lock and recover the directory. Raises an OpenRefused; the lock is then released."""
    try:
        lock_directory(filesystem)
        return _recover(filesystem, config, random_bytes)
    except BaseException:
        filesystem.close()
        raise


def lock_directory(filesystem: Filesystem) -> None:
    """Hold the directory as a log does. Raises Locked, UnsafeDirectory, DiskUnreadable."""
    try:
        is_ours = filesystem.lock(LockMode.EXCLUSIVE)
    except OSError as error:
        raise DiskUnreadable("lock", LOCK_NAME, 0, error) from error
    if not is_ours:
        raise Locked(str(getattr(filesystem, "path", "the directory")))


def _recover(filesystem: Filesystem, config: WalConfig, random_bytes: RandomBytes) -> OpenedLog:
    _finish_salvage(filesystem)
    _finish_swap(filesystem)
    sizes = {entry.name: entry.size_bytes for entry in list_directory(filesystem)}
    dead_letters = DeadLetterFile(filesystem, sizes.get(DEAD_LETTERS_NAME))
    survey = survey_log(filesystem, on_undecodable=_bury_in(dead_letters))
    log = _describe(filesystem, config, random_bytes, survey, dead_letters)
    for damage in log.report.damages:
        LOGGER.warning("%s", damage)
    if log.report.damages_not_listed:
        LOGGER.warning("%d more damages are not listed", log.report.damages_not_listed)
    quarantine = Quarantine(filesystem, config, survey.view)
    for damage in log.report.damages:
        if damage.kind in _COPIED_ASIDE and damage.length_bytes:
            quarantine.keep(damage.file, damage.offset, damage.length_bytes)
    for name in survey.view.leftovers:
        discard(filesystem, name)
    if log.report.clean_shutdown and log.segments:
        log.appendable, log.to_renew = True, None
        log.clean_mark = (log.segments[-1].header.file_number, log.segments[-1].size_bytes)
    else:
        renew(log, survey.settled)
    # An unreadable file is what tells that its numbers are burned: it moves only when
    # something else does.
    burned_durably = log.appendable or log.floor_is_durable
    for found, suffix in (
        *((f, "foreign") for f in survey.view.foreign),
        *((f, "unreadable") for f in survey.view.unreadable if burned_durably),
    ):
        try:
            quarantine.kept.append(move_aside(filesystem, found.name, suffix))
        except OSError as error:
            LOGGER.warning("cannot move %s aside: %s", found.name, describe(error))
    log.report.quarantined, log.report.not_kept = quarantine.kept, quarantine.not_kept
    log.quarantine_bytes = quarantine.copied_bytes
    return log


def renew(log: OpenedLog, settled: WatermarkSet) -> None:
    """Give the log a fresh last file, holding copies of what the old one held unsettled.

    `settled` must not change meanwhile: the caller passes a copy once threads run.

    Sets `report.degraded` instead of raising if the disk has no room. Called again by
    every append until it succeeds.
    """
    # What was acknowledged meanwhile may have been deleted meanwhile.
    old = [segment for segment in log.to_renew or [] if segment in log.segments]
    try:
        fresh = under_a_free_name(lambda: _copy_to_fresh(log, old, settled))
    except OSError as error:
        log.report.degraded = describe(error)
        LOGGER.warning("degraded: no file can be appended to: %s", log.report.degraded)
        if _keep_floor(log, settled) or log.floor_is_durable:
            log.replay_before = None
        elif old:
            log.replay_before = old[0].header.relocated_from
        return
    log.report.degraded = ""
    log.replay_before = None
    log.appendable, log.to_renew = True, None
    log.clean_mark = (fresh.header.file_number, fresh.size_bytes)
    # Where the copies start follows from the slots: those must be durable first.
    gone = _remove_copied(log, old) if _keep_floor(log, settled) else []
    log.segments[:] = [segment for segment in log.segments if segment not in gone] + [fresh]


def _remove_copied(log: OpenedLog, old: list[Segment]) -> list[Segment]:
    """Unlink what was copied, newest first, each durably; return what is gone.

    Until the new name is durable the old file is the only copy. Newest first, because a
    crash in between must not leave an empty file that starts above copies behind it. The
    first one that stays keeps the ones before it. A file of another identity stays until
    it is settled: its header may be what ties older files to this log.
    """
    gone: list[Segment] = []
    for segment in reversed(old):
        if segment.header.log_id != log.log_id:
            break
        if not discard(log.filesystem, segment.name):
            LOGGER.warning("cannot remove %s, which was copied; later opens skip it", segment.name)
            break
        gone.append(segment)
        try:
            log.filesystem.sync_directory()
        except OSError as error:
            LOGGER.warning("cannot sync the directory: %s", describe(error))
            break
    return gone


def under_a_free_name(create: Callable[[], Segment]) -> Segment:
    """Call `create`, which takes the next file number, until that name is not taken.

    A directory or a link may stand at the name, or an unreadable file not yet moved aside.
    Raises OSError.
    """
    for _ in range(NAMES_TRIED_MAX):
        try:
            return create()
        except FileExistsError:
            continue
    raise no_space("procmond", f"{NAMES_TRIED_MAX} file names in a row are taken")


def _copy_to_fresh(log: OpenedLog, old: list[Segment], settled: WatermarkSet) -> Segment:
    survey = log.survey
    header = log.next_header(survey.known_end, survey.next_sequence)
    if old:
        newest = old[-1].header
        if survey.known_end == newest.first_sequence:  # it has no record of its own
            header = replace(header, continues_from=newest.continues_from)
        # Not below what the slots have as acknowledged: those numbers need no account.
        slot = survey.found.slot
        acknowledged = slot.acknowledged_through if slot else 0
        lowest = max(min(segment.header.relocated_from for segment in old), acknowledged + 1)
        header = replace(header, relocated_from=min(lowest, header.continues_from))
    return create_copy(log.filesystem, header, _unsettled_payloads(log, old, settled))


def _unsettled_payloads(
    log: OpenedLog, old: list[Segment], settled: WatermarkSet
) -> Iterator[tuple[int, bytes]]:
    last = 0
    for segment in old:
        for item in scan_stored(log.filesystem, segment):
            if not isinstance(item, StoredFrame):
                continue  # damage, reported by the survey
            if item.sequence > last and item.sequence not in settled:
                last = item.sequence
                yield item.sequence, payload_of(item.body)


def _keep_floor(log: OpenedLog, settled: WatermarkSet) -> bool:
    """Record watermark, next number and clean mark; return whether that is durable."""
    try:
        log.acknowledgements.write(settled.watermark, log.survey.next_sequence, log.clean_mark)
    except OSError as error:
        # The mark counts as written: it may be, and must then be withdrawn (trap T8).
        LOGGER.warning("cannot write the acknowledgement file: %s", describe(error))
        return False
    log.floor_is_durable = True
    return True


def _describe(
    filesystem: Filesystem,
    config: WalConfig,
    random_bytes: RandomBytes,
    survey: Survey,
    dead_letters: DeadLetterFile,
) -> OpenedLog:
    view = survey.view
    is_new = not view.segments
    log_id = random_bytes(ID_BYTES) if is_new else view.log_id
    survey.report.log_id = log_id.hex()
    acknowledgements = AcknowledgementFile(
        filesystem, log_id, survey.found.slot, intact=survey.found.both_slots_verify
    )
    return OpenedLog(
        filesystem, config, random_bytes, survey, survey.report, list(survey.segments),
        acknowledgements, dead_letters, log_id,
        NO_LOG_ID if is_new else view.previous_log_id,
        view.highest_number, to_renew=_open_at_the_end(survey.segments),
    )  # fmt: skip


def _open_at_the_end(segments: list[Segment]) -> list[Segment]:
    """Return the segments that may have been open for writing when the log ended.

    The newest; and those before it if they hold numbers that empty newer ones were to hand
    out: rotations that failed, whose files stayed although the older one was written on.
    """
    last = len(segments) - 1
    while last > 0 and segments[last].frames == 0:
        last -= 1
    empty = segments[last + 1 :]
    if empty and segments[last].end_sequence <= min(each.header.first_sequence for each in empty):
        return empty  # the older one was full, and synced before they were created
    return segments[max(0, last) :]


def _bury_in(dead_letters: DeadLetterFile) -> OnUndecodable:
    def bury(log_id: bytes, frame: StoredFrame, error: DecodeError) -> bool:
        reason = f"undecodable: {error}"
        letter = DeadLetter(log_id, frame.sequence, reason, payload_of(frame.body))
        try:
            dead_letters.append([letter])
        except OSError as failure:
            LOGGER.warning(
                "dead letter for sequence %d not stored: %s", frame.sequence, describe(failure)
            )
            return False
        return True

    return bury


def _finish_salvage(filesystem: Filesystem) -> None:
    """Complete the last step of a salvage that was interrupted (salvage.py)."""
    is_regular = {entry.name: entry.is_regular for entry in list_directory(filesystem)}
    for name in sorted(is_regular):
        target = name.removesuffix(SALVAGED_SUFFIX)
        if target == name or segment_number(target) is None or target in is_regular:
            continue  # whatever has the target's name, also a directory, stays
        if is_regular[name]:
            _rename_durably(filesystem, name, target)


def _finish_swap(filesystem: Filesystem) -> None:
    """Complete the swap of an acknowledgement file that was made anew.

    Its temporary name was durable before the old one was unlinked, so if the old one is gone
    this is where watermark and floor are.
    """
    temporary = ACK_NAME + NEW_SUFFIX
    entries = {entry.name: entry for entry in list_directory(filesystem)}
    if temporary in entries and entries[temporary].is_regular and ACK_NAME not in entries:
        try:
            slots = [
                decode_slot(filesystem.read(temporary, offset, HEADER_BYTES))
                for offset in SLOT_OFFSETS
            ]
        except OSError as error:
            raise DiskUnreadable("read", temporary, 0, error) from error
        if None not in slots:
            _rename_durably(filesystem, temporary, ACK_NAME)


def _rename_durably(filesystem: Filesystem, old: str, new: str) -> None:
    try:
        filesystem.rename_new(old, new)
        filesystem.sync_directory()
    except OSError as error:
        raise DiskUnreadable("rename", old, 0, error) from error
