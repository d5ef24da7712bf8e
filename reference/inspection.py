"""Looks at a directory without changing it: also while a log is running, also when damaged.

Theory of operation. A shared lock that cannot be had means that a log is live. Then the
end of the newest file is being written, its header block or a slot may be half-way, and files
vanish once they are acknowledged; none of that is damage. So on a live log an unexplained tail
is left out, and any damage must be seen by two surveys to count (trap T19).

Nothing here creates, changes or exclusively locks anything.

Spec: CLI-2.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from reference.acknowledgement_slots import ACK_NAME
from reference.errors import DiskUnreadable
from reference.filesystem import Filesystem, LockMode
from reference.limits import FRAMES_OFFSET
from reference.names import LOCK_NAME
from reference.report import DamageKind, Fate, RecoveryReport
from reference.survey import Survey, survey_log

_IN_PROGRESS: Final = frozenset((DamageKind.TAIL, DamageKind.MISSING_END))
"""What a running log leaves between two of its writes."""


@dataclass(frozen=True, slots=True)
class SegmentLine:
    """What the table of `inspect` says of one segment."""

    name: str
    size_bytes: int
    frames: int
    first_sequence: int
    last_sequence: int
    log_id: str


def inspect_directory(filesystem: Filesystem) -> Survey:
    """Return a survey of the directory as it is. Raises DiskUnreadable, UnsupportedVersion."""
    try:
        live = not filesystem.lock(LockMode.SHARED)
    except OSError as error:
        raise DiskUnreadable("lock", LOCK_NAME, 0, error) from error
    survey = survey_log(filesystem, live=live)
    if live:
        again = survey_log(filesystem, live=True)
        again.report = _confirmed(survey.report, again)
        survey = again
    return survey


def _confirmed(first: RecoveryReport, second: Survey) -> RecoveryReport:
    """Return the second report with only the damage that both surveys found."""
    seen = {(d.kind, d.file, d.offset, d.length_bytes) for d in first.damages}
    report = replace(
        second.report, damages=[], lost=0, possibly_lost=0, dead_lettered=0, damages_not_listed=0
    )
    # The header block of the newest file is one write, which may be seen half-way.
    being_made = {s.name for s in second.segments[-1:] if s.size_bytes < FRAMES_OFFSET}
    unfinished = {ACK_NAME, *being_made}
    for damage in second.report.damages:
        in_progress = damage.kind in _IN_PROGRESS or damage.file in unfinished
        place = (damage.kind, damage.file, damage.offset, damage.length_bytes)
        if place in seen and not in_progress:
            report.add(damage)
    return report


def segment_lines(survey: Survey) -> list[SegmentLine]:
    """Return one line for each segment of the log, oldest first."""
    lines = []
    for segment in survey.segments:
        header = segment.header
        lines.append(
            SegmentLine(
                segment.name, segment.size_bytes, segment.frames,
                header.relocated_from, segment.end_sequence - 1, header.log_id.hex(),
            )
        )  # fmt: skip
    return lines


def format_table(survey: Survey) -> str:
    """Return the text of `inspect`: segments, numbers, damage."""
    report = survey.report
    rows = [("file", "bytes", "records", "first", "last")]
    for line in segment_lines(survey):
        has_numbers = line.last_sequence >= line.first_sequence
        rows.append(
            (
                line.name, str(line.size_bytes), str(line.frames),
                str(line.first_sequence) if has_numbers else "-",
                str(line.last_sequence) if has_numbers else "-",
            )
        )  # fmt: skip
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    text = []
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        text.append("  ".join(cells))
    state = "live (a process holds the log)" if report.live else "not open"
    if not report.live:
        state += ", closed cleanly" if report.clean_shutdown else ", not closed cleanly"
    text += [
        "",
        f"log_id                {report.log_id or 'none: no log here'}",
        f"state                 {state}",
        f"acknowledged through  {report.acknowledged_through}",
        f"next sequence         {report.next_sequence}",
        f"to be replayed        {report.entries} entries",
        f"lost / possibly lost  {report.lost} / {report.possibly_lost}",
    ]
    text += [f"ignored               {name}" for name in report.ignored]
    text += [f"leftover              {name}" for name in report.removed]
    text.append(f"damage                {len(report.damages) + report.damages_not_listed}")
    text += [f"  {damage}" for damage in report.damages]
    if report.damages_not_listed:
        text.append(f"  ... and {report.damages_not_listed} more")
    return "\n".join(text)


def verdict(report: RecoveryReport) -> str:
    """Return the one line that `verify` ends with."""
    if report.is_clean:
        return f"clean: {report.entries} entries to replay, next sequence {report.next_sequence}"
    kinds = sorted({damage.kind.value for damage in report.damages})
    worst = [d for d in report.damages if d.fate in (Fate.LOST, Fate.POSSIBLY_LOST)]
    return (
        f"damage: {len(report.damages) + report.damages_not_listed} found ({', '.join(kinds)}), "
        f"{report.lost} lost, {report.possibly_lost} possibly lost"
        + (f", first at {worst[0].file} offset {worst[0].offset}" if worst else "")
    )
