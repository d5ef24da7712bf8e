"""Sorts the names of a directory: which segments are this log's, and what is the rest.

Only headers are read here, 128 bytes at two places of each segment. The result says for
every name what it is:

    segment      its header verifies, names this file, and belongs to this log
    unreadable   large enough to have held records, but no header copy can be used
    foreign      a sound segment of another log (another host's file, an old backup)
    leftover     an interrupted rotation or an unfinished copy: never held a record
    ignored      anything else; never touched

Identity. The `log_id` is that of the highest-numbered usable header, together with its
chain of `previous_log_id`. It continues only while a header carries it: a directory that
was wiped starts a new log, whose numbers begin at 1 (trap T16). But a file that was just
created may show, until its first sync, what was on its blocks before: the header of an older
log's file of that number. Believing it would make all other files foreign.

Raises errors.UnsupportedVersion and errors.DiskUnreadable, before anything is changed.

Spec: REC-1, REC-5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from reference.acknowledgement_slots import ACK_NAME, SLOT_OFFSETS, AckSlot, decode_slot
from reference.errors import DiskUnreadable, UnsupportedVersion
from reference.filesystem import DirectoryEntry, Filesystem
from reference.limits import FRAME_BYTES_MIN, FRAMES_OFFSET, HEADER_BYTES, SECOND_COPY_OFFSET
from reference.names import DEAD_LETTERS_NAME, LOCK_NAME, is_evidence, is_leftover
from reference.report import Damage, DamageKind, Fate
from reference.segment_header import (
    NO_LOG_ID,
    HeaderFault,
    SegmentHeader,
    UnsupportedHeader,
    decode_segment_header,
    segment_name,
    segment_number,
)

COPY_OFFSETS: Final = (0, SECOND_COPY_OFFSET)
_OWN_NAMES: Final = frozenset((ACK_NAME, DEAD_LETTERS_NAME, LOCK_NAME))


@dataclass(frozen=True, slots=True)
class FoundSegment:
    """A name that is a segment's, with its usable header, if there is one."""

    number: int
    size_bytes: int
    header: SegmentHeader | None
    bad_copies: tuple[int, ...]
    """Offsets of header copies that do not say what `header` says."""
    reason: str = ""
    """Why there is no usable header."""

    @property
    def name(self) -> str:
        return segment_name(self.number)

    @property
    def records_max(self) -> int:
        """How many records a file of this size may have held."""
        return -(-max(0, self.size_bytes - FRAMES_OFFSET) // FRAME_BYTES_MIN)


@dataclass(slots=True)
class DirectoryView:
    """Every name of the directory, sorted. Segments rise by number."""

    log_id: bytes = NO_LOG_ID
    """NO_LOG_ID if no usable header was found: a new log."""
    previous_log_id: bytes = NO_LOG_ID
    chain: set[bytes] = field(default_factory=set)
    """Every log_id whose segments belong to this log."""
    segments: list[FoundSegment] = field(default_factory=list)
    unreadable: list[FoundSegment] = field(default_factory=list)
    foreign: list[FoundSegment] = field(default_factory=list)
    leftovers: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    entries: dict[str, DirectoryEntry] = field(default_factory=dict)
    highest_number: int = 0
    """Of every usable header: the next file gets a higher one, whose name is free."""


def view_directory(filesystem: Filesystem, *, live: bool = False) -> DirectoryView:
    """Return the sorted directory. `live` allows files to vanish meanwhile."""
    view = DirectoryView()
    entries = sorted(list_directory(filesystem), key=lambda entry: entry.name)
    found: list[FoundSegment] = []
    for entry in entries:
        view.entries[entry.name] = entry
        number = segment_number(entry.name)
        if number is not None and entry.is_regular:
            segment = _read_header(filesystem, entry, number, live=live)
            if segment is not None:
                found.append(segment)
        elif entry.is_regular and is_leftover(entry.name):
            view.leftovers.append(entry.name)
        elif not entry.is_regular or not (entry.name in _OWN_NAMES or is_evidence(entry.name)):
            view.ignored.append(entry.name)
    found.sort(key=lambda segment: segment.number)
    _drop_interrupted_rotations(filesystem, view, found)
    _choose_identity(view, found)
    return view


def list_directory(filesystem: Filesystem) -> Sequence[DirectoryEntry]:
    """Return the listing. Raises DiskUnreadable."""
    try:
        return filesystem.list()
    except OSError as error:
        raise DiskUnreadable("list", ".", 0, error) from error


def _read_header(
    filesystem: Filesystem, entry: DirectoryEntry, number: int, *, live: bool
) -> FoundSegment | None:
    copies: list[SegmentHeader | UnsupportedHeader | HeaderFault] = []
    for offset in COPY_OFFSETS:
        try:
            copies.append(decode_segment_header(filesystem.read(entry.name, offset, HEADER_BYTES)))
        except OSError as error:
            if live and isinstance(error, FileNotFoundError):
                return None  # acknowledged and deleted since the listing
            raise DiskUnreadable("read", entry.name, offset, error) from error
    size = entry.size_bytes
    for copy in copies:
        if isinstance(copy, SegmentHeader) and copy.file_number == number:
            bad = tuple(o for o, c in zip(COPY_OFFSETS, copies, strict=True) if c != copy)
            return FoundSegment(number, size, copy, bad)
    for copy in copies:
        if isinstance(copy, UnsupportedHeader):
            raise UnsupportedVersion(entry.name, copy.major, copy.flags)
        if isinstance(copy, SegmentHeader):
            reason = f"the header is that of file {copy.file_number}"
            return FoundSegment(number, size, None, (), reason)
    faults = [copy.value for copy in copies if isinstance(copy, HeaderFault)]
    return FoundSegment(number, size, None, (), f"header copies: {'; '.join(faults)}")


def read_slots(filesystem: Filesystem) -> list[AckSlot | None]:
    """Return the acknowledgement file's slots that verify. Raises DiskUnreadable."""
    return [_read_slot(filesystem, offset) for offset in SLOT_OFFSETS]


def _read_slot(filesystem: Filesystem, offset: int) -> AckSlot | None:
    try:
        return decode_slot(filesystem.read(ACK_NAME, offset, HEADER_BYTES))
    except FileNotFoundError:
        return None  # a live log is making it anew
    except OSError as error:
        raise DiskUnreadable("read", ACK_NAME, offset, error) from error


def _drop_interrupted_rotations(
    filesystem: Filesystem, view: DirectoryView, found: list[FoundSegment]
) -> None:
    """Set aside newest files that a crash left before their header was synced (trap T9).

    They are no longer than the header block, so they hold no record, and the file before
    them is the newest for every rule.
    """
    while found and found[-1].size_bytes <= FRAMES_OFFSET:
        header = found[-1].header
        if header is not None and not _is_of_earlier_log(filesystem, view, header, found[:-1]):
            return
        view.leftovers.append(found.pop().name)


def _is_of_earlier_log(
    filesystem: Filesystem,
    view: DirectoryView,
    header: SegmentHeader,
    before: Sequence[FoundSegment],
) -> bool:
    """Whether this header of an empty newest file is what was on its blocks before it.

    Nothing ties it to the file before it: neither the same identity nor a new one that names
    the old. Nor does the acknowledgement file know it, as it would one that was once in use.
    """
    older = next((found.header for found in reversed(before) if found.header is not None), None)
    if older is None or older.log_id in (header.log_id, header.previous_log_id):
        return False
    entry = view.entries.get(ACK_NAME)
    if entry is None or not entry.is_regular:
        return True
    return all(slot is None or slot.log_id != header.log_id for slot in read_slots(filesystem))


def _choose_identity(view: DirectoryView, found: list[FoundSegment]) -> None:
    for segment in reversed(found):
        header = segment.header
        if header is None:
            view.unreadable.append(segment)
            continue
        view.highest_number = max(view.highest_number, segment.number)
        if view.log_id == NO_LOG_ID:
            view.log_id, view.previous_log_id = header.log_id, header.previous_log_id
            view.chain.add(header.log_id)
        if header.log_id not in view.chain:
            view.foreign.append(segment)
            continue
        view.segments.append(segment)
        if header.previous_log_id != NO_LOG_ID:
            view.chain.add(header.previous_log_id)
    for segments in (view.segments, view.unreadable, view.foreign):
        segments.reverse()


def header_damages(view: DirectoryView) -> list[Damage]:
    """Return the damage that shows in headers and names alone."""
    damages = [
        Damage(
            DamageKind.FOREIGN, segment.name, 0, segment.size_bytes, Fate.NONE,
            detail=f"belongs to log {segment.header.log_id.hex()}" if segment.header else "",
        )
        for segment in view.foreign
    ]  # fmt: skip
    for segment in view.segments:
        for offset in segment.bad_copies:
            damages.append(
                Damage(
                    DamageKind.HEADER_COPY, segment.name, offset, HEADER_BYTES, Fate.NONE,
                    detail="the other copy is used",
                )
            )  # fmt: skip
    return damages
