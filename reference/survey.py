"""Reads a whole log and says what it holds, without changing anything.

The one pass over the data that opening, `verify` and `inspect` share. Memory stays flat:
entries are judged as they stream by, and only ranges of numbers are kept.

Theory of operation. Segments are read in numeric order with one question: is this the
number that comes next? scanner.py answers for one file; this file joins the answers:

- A number below the expected one is a copy that recovery made, or stale: never delivered.
- A number above it leaves a gap. What a header *declares* as a gap was reported before.
- A tail (bytes behind the last complete frame) is held until a later file settles it:
    the next file starts above       -> those numbers are lost: a reported gap
    the next file declares them      -> burned and reported by an earlier recovery
    numbering goes on where it stood -> the writer knew that nothing was there
    nothing follows                  -> possibly lost: the numbers are burned (trap T1)
- A number without a deliverable entry counts as settled once it is reported (trap T5).

Not here: acting on what was found (recovery.py).

Spec: REC-2 to REC-6, ACK-3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from reference.directory import DirectoryView, FoundSegment, header_damages, view_directory
from reference.errors import DecodeError, DiskUnreadable
from reference.filesystem import Filesystem
from reference.frame import StoredFrame, decode_body
from reference.interval_set import WatermarkSet
from reference.limits import (
    FRAME_HEADER_BYTES,
    FRAMES_OFFSET,
    SEQUENCE_FIRST,
    SEQUENCE_MAX,
)
from reference.report import Damage, DamageKind, Fate, RecoveryReport
from reference.scanner import (
    DamageShape,
    FileShrank,
    ScannedDamage,
    ScannedTail,
)
from reference.segment_files import Segment, scan_stored
from reference.segment_header import SegmentHeader
from reference.watermark import FoundWatermark, find_watermark

OnUndecodable = Callable[[bytes, StoredFrame, DecodeError], bool]
"""Called per undecodable entry with the log_id; returns whether its bytes are safe elsewhere."""

_KIND_OF_SHAPE = {
    DamageShape.BODY: DamageKind.BODY,
    DamageShape.REGION: DamageKind.REGION,
    DamageShape.JUMP: DamageKind.JUMP,
    DamageShape.STALE: DamageKind.STALE,
}


@dataclass(slots=True)
class _HeldTail:
    kind: DamageKind
    file: str
    offset: int
    length_bytes: int
    end_sequence: int
    detail: str = ""


@dataclass(slots=True)
class Survey:
    """What a log holds. Numbers are sequences."""

    view: DirectoryView
    report: RecoveryReport
    segments: list[Segment] = field(default_factory=list)
    settled: WatermarkSet = field(default_factory=lambda: WatermarkSet(0))
    known_end: int = SEQUENCE_FIRST
    """One above the highest number found; `next_sequence` less what was burned."""
    next_sequence: int = SEQUENCE_FIRST
    found: FoundWatermark = field(default_factory=FoundWatermark)


def survey_log(
    filesystem: Filesystem,
    *,
    on_undecodable: OnUndecodable = lambda _log_id, _frame, _error: True,
    live: bool = False,
) -> Survey:
    """Return what the directory holds.

    Raises DiskUnreadable and UnsupportedVersion.
    """
    view = view_directory(filesystem, live=live)
    survey = Survey(view, RecoveryReport())
    found = survey.found = find_watermark(filesystem, view)
    survey.settled = WatermarkSet(found.watermark)
    reader = _Reader(filesystem, survey, on_undecodable, live=live)
    for damage in (*found.damages, *header_damages(view)):
        survey.report.add(damage)
    everything = sorted((*view.segments, *view.unreadable), key=lambda segment: segment.number)
    for segment in everything:
        reader.read_segment(segment)
    reader.finish()
    return survey


class _Reader:
    """The state of one pass: the expected number and the tails not yet explained."""

    def __init__(
        self, filesystem: Filesystem, survey: Survey, on_undecodable: OnUndecodable, *, live: bool
    ) -> None:
        self._filesystem = filesystem
        self._survey = survey
        self._report = survey.report
        self._on_undecodable = on_undecodable
        self._live = live
        self._expected = survey.found.first_expected
        self._held: list[_HeldTail] = []

    # ---- One segment --------------------------------------------------------

    def read_segment(self, found: FoundSegment) -> None:
        """Judge every frame of the segment and every hole before it."""
        header = found.header
        if header is None:
            # Behind other unexplained stretches it may have gone on where they may end.
            start = max([self._expected, *(tail.end_sequence for tail in self._held)])
            end = min(start + found.records_max, SEQUENCE_MAX + 1)
            self._held.append(
                _HeldTail(
                    DamageKind.UNREADABLE, found.name, 0, found.size_bytes, end, found.reason,
                )
            )  # fmt: skip
            return
        self._step_to(header, found.name)
        segment = Segment(header, found.name, found.size_bytes, header.first_sequence)
        self._survey.segments.append(segment)
        items = scan_stored(self._filesystem, segment)
        position = FRAMES_OFFSET
        try:
            for item in items:
                position = item.offset
                if isinstance(item, StoredFrame):
                    self._frame(segment, item)
                elif isinstance(item, ScannedDamage):
                    self._damage(segment, item)
                else:
                    self._tail(segment, item)
        except OSError as error:
            if not self._live or not isinstance(error, (FileNotFoundError, FileShrank)):
                raise DiskUnreadable("read", found.name, position, error) from error
        self._account_for_copies(segment)
        if self._held and self._held[-1].file == segment.name and header.is_gapless:
            return  # the tail may have held the last copies too: its report begins with them
        self._settle_to(declared_end=header.first_sequence)

    def _step_to(self, header: SegmentHeader, name: str) -> None:
        """Compare the expected number with where the next segment starts. Spec: REC-4."""
        start = header.relocated_from
        if start > self._expected:
            self._lose_before(start, name)
        else:
            # Declared as burned, or before a recovery that had read and reported all of it.
            declared = header.first_sequence
            is_recovery = header.has_relocated
            self._release([t for t in self._held if is_recovery or t.end_sequence <= declared])
        if not header.has_relocated:
            self._settle_to(declared_end=header.first_sequence)

    def _lose_before(self, start: int, name: str) -> None:
        held = self._held or [_HeldTail(DamageKind.GAP, name, 0, 0, start)]
        first = self._expected
        nothing_lost = start <= self._survey.settled.watermark + 1
        for index, tail in enumerate(held):
            # Acknowledged: files that were rightly deleted. A later one: the first has it all.
            if (nothing_lost or index > 0) and tail.kind is not DamageKind.UNREADABLE:
                continue
            kind = DamageKind.GAP if tail.kind is DamageKind.TAIL else tail.kind
            detail = tail.detail or f"{name} continues from {start}"
            self._add_numbers(
                kind, tail.file, tail.offset, tail.length_bytes, Fate.LOST, first, start, detail
            )
            first = start
        self._held.clear()
        self._expected = start

    def _frame(self, segment: Segment, frame: StoredFrame) -> None:
        sequence = frame.sequence
        segment.frames += 1
        segment.end_sequence = max(segment.end_sequence, sequence + 1)
        settled = self._survey.settled
        is_copy = sequence < segment.header.continues_from
        if sequence < self._expected:
            if not is_copy:
                self._add(DamageKind.STALE, segment.name, frame.offset, _length(frame), "")
            return
        if not is_copy:
            self._release(list(self._held))  # numbering goes on: the writer knew the end
        settled.add(self._expected, sequence)
        self._expected = sequence + 1
        if sequence in settled:
            return
        try:
            decode_body(frame.body, sequence)
        except DecodeError as error:
            self._undecodable(segment, frame, error)
        else:
            self._report.entries += 1

    def _undecodable(self, segment: Segment, frame: StoredFrame, error: DecodeError) -> None:
        fate = Fate.DEAD_LETTERED
        if self._on_undecodable(self._survey.view.log_id, frame, error):
            self._survey.settled.add(frame.sequence, frame.sequence + 1)
        else:
            fate = Fate.NONE  # its bytes are nowhere else: it stays unsettled
        self._report.add(
            Damage(
                DamageKind.UNDECODABLE, segment.name, frame.offset, _length(frame),
                fate, frame.sequence, 1, str(error),
            )
        )  # fmt: skip

    def _damage(self, segment: Segment, damage: ScannedDamage) -> None:
        if damage.shape is not DamageShape.STALE:
            segment.end_sequence = max(segment.end_sequence, damage.end_sequence)
        self._add_numbers(
            _KIND_OF_SHAPE[damage.shape], segment.name, damage.offset, damage.length_bytes,
            Fate.LOST, damage.first_sequence, damage.end_sequence, "",
        )  # fmt: skip
        self._expected = max(self._expected, damage.end_sequence)

    def _account_for_copies(self, segment: Segment) -> None:
        """Report a file that is shorter than its last clean mark, where copies are missing.

        Holes among copies are normal, so their end does not tell that some are gone.
        """
        ack, header = self._survey.found.slot, segment.header
        first = max(self._expected, self._survey.settled.watermark + 1)
        if (
            ack is not None
            and ack.clean_file == header.file_number
            and segment.size_bytes < ack.clean_length
            and first < header.continues_from
            and not self._live
        ):
            self._add_numbers(
                DamageKind.MISSING_END, segment.name, segment.size_bytes, 0, Fate.POSSIBLY_LOST,
                first, header.continues_from, "the file was longer when it was closed",
            )  # fmt: skip
            self._expected = header.continues_from

    def _tail(self, segment: Segment, tail: ScannedTail) -> None:
        copies_end = segment.header.continues_from
        if self._expected < copies_end and not segment.header.is_gapless and not self._live:
            # Copies may have been in it as well as the file's own records, and the declared
            # gap between the two is no loss: two reports.
            self._add_numbers(
                DamageKind.TAIL, segment.name, tail.offset, tail.length_bytes,
                Fate.POSSIBLY_LOST, self._expected, copies_end, "copies made by recovery",
            )  # fmt: skip
            self._expected = copies_end
        self._held.append(
            _HeldTail(
                DamageKind.TAIL,
                segment.name,
                tail.offset,
                tail.length_bytes,
                min(tail.end_sequence, SEQUENCE_MAX + 1),
            )
        )

    # ---- The end of the log -------------------------------------------------

    def finish(self) -> None:
        """Explain what no later file explained, and fix the next number. Spec: REC-6."""
        survey, report, view = self._survey, self._report, self._survey.view
        survey.known_end = self._expected
        for tail in self._held:
            if self._live and tail.kind is DamageKind.TAIL:
                continue  # a live log is writing it
            self._add_numbers(
                tail.kind, tail.file, tail.offset, tail.length_bytes,
                Fate.POSSIBLY_LOST, self._expected, tail.end_sequence, tail.detail,
            )  # fmt: skip
            self._expected = max(self._expected, tail.end_sequence)
        ack = survey.found.slot
        if ack is not None and ack.next_sequence > self._expected and not self._live:
            self._add_missing_end(ack.next_sequence)
            self._expected = ack.next_sequence
        if not view.segments:  # a new log_id: its numbers start at 1, whatever was lost
            self._expected = survey.known_end = SEQUENCE_FIRST
            survey.settled = WatermarkSet(0)
        survey.next_sequence = self._expected
        survey.settled.add(survey.known_end, survey.next_sequence)
        report.log_id = view.log_id.hex() if view.chain else ""
        report.previous_log_id = view.previous_log_id.hex() if any(view.previous_log_id) else ""
        report.segments = len(survey.segments)
        report.acknowledged_through = survey.settled.watermark
        report.next_sequence = survey.next_sequence
        report.ignored = list(view.ignored)
        report.removed = list(view.leftovers)
        report.live = self._live
        report.clean_shutdown = self._is_clean()

    def _add_missing_end(self, floor: int) -> None:
        newest = self._survey.segments[-1]
        first = max(self._expected, self._survey.settled.watermark + 1)
        if first < floor:
            self._add_numbers(
                DamageKind.MISSING_END, newest.name, newest.size_bytes, 0, Fate.POSSIBLY_LOST,
                first, floor, "the acknowledgement file knows higher numbers",
            )  # fmt: skip

    def _is_clean(self) -> bool:
        survey = self._survey
        if not survey.segments:
            return True
        newest, ack = survey.segments[-1], survey.found.slot
        return (
            ack is not None
            and survey.found.both_slots_verify
            and ack.clean_file == newest.header.file_number
            and ack.clean_length == newest.size_bytes
            and ack.next_sequence == survey.next_sequence == survey.known_end
        )

    # ---- Helpers ------------------------------------------------------------

    def _release(self, tails: list[_HeldTail]) -> None:
        """Stop holding these: they cost no number. A whole unreadable file is still damage."""
        for tail in tails:
            self._held.remove(tail)
            if tail.kind is DamageKind.UNREADABLE:
                self._add(tail.kind, tail.file, 0, tail.length_bytes, tail.detail)

    def _settle_to(self, *, declared_end: int) -> None:
        """Settle what a header declares as a gap and what recovery chose not to copy."""
        self._survey.settled.add(self._expected, declared_end)
        self._expected = max(self._expected, declared_end)

    def _add(
        self, kind: DamageKind, file: str, offset: int, length_bytes: int, detail: str
    ) -> None:
        self._report.add(Damage(kind, file, offset, length_bytes, Fate.NONE, detail=detail))

    def _add_numbers(
        self, kind: DamageKind, file: str, offset: int, length_bytes: int, fate: Fate,
        first: int, end: int, detail: str,
    ) -> None:  # fmt: skip
        """Report the stretch; numbers that were settled or found elsewhere are no loss."""
        settled = self._survey.settled
        first = max(first, self._expected, settled.watermark + 1)
        count = max(0, end - first)
        if count == 0:
            fate = Fate.NONE
        settled.add(first, end)
        self._report.add(Damage(kind, file, offset, length_bytes, fate, first, count, detail))


def _length(frame: StoredFrame) -> int:
    return FRAME_HEADER_BYTES + len(frame.body)
