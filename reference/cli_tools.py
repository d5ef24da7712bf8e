"""The commands that look at a log or repair a directory. Each returns its exit code.

Spec: CLI-2, CLI-3.
"""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterator
from typing import Final, TextIO

from reference.dump import dump_frame, dump_header_copy
from reference.errors import DiskUnreadable
from reference.filesystem import Filesystem
from reference.frame import StoredFrame
from reference.inspection import format_table, inspect_directory, verdict
from reference.limits import FRAME_HEADER_BYTES, HEADER_BYTES, SECOND_COPY_OFFSET
from reference.recovery import lock_directory
from reference.salvage import find_unreadable, salvage_segment
from reference.segment_files import Segment, scan_stored
from reference.survey import Survey
from reference.wal import WriteAheadLog

EXIT_CLEAN: Final = 0
EXIT_DAMAGE: Final = 1
EXIT_REFUSED: Final = 3


def run_inspect(filesystem: Filesystem, _options: Namespace, output: TextIO) -> int:
    """Print the table of segments, numbers and damage."""
    survey = inspect_directory(filesystem)
    print(format_table(survey), file=output)
    return EXIT_CLEAN if survey.report.is_clean else EXIT_DAMAGE


def run_verify(filesystem: Filesystem, options: Namespace, output: TextIO) -> int:
    """Print the damage, or the report as JSON."""
    report = inspect_directory(filesystem).report
    if options.json:
        print(json.dumps(report.as_json(), indent=2), file=output)
    else:
        for damage in report.damages:
            print(damage, file=output)
        print(verdict(report), file=output)
    return EXIT_CLEAN if report.is_clean else EXIT_DAMAGE


def run_dump(filesystem: Filesystem, options: Namespace, output: TextIO) -> int:
    """Print annotated bytes of one record or of a whole segment."""
    survey = inspect_directory(filesystem)
    found = False
    for segment in survey.segments:
        if options.file in (None, segment.name):
            for line in _dump_segment(filesystem, segment, options.sequence):
                found = True
                print(line, file=output)
    if not found:
        wanted = "a segment" if options.file is None else options.file
        if options.sequence is not None:
            wanted = f"sequence {options.sequence}"
        print(f"{wanted} is not in the log", file=output)
        return EXIT_DAMAGE
    return EXIT_CLEAN


def _dump_segment(filesystem: Filesystem, segment: Segment, sequence: int | None) -> Iterator[str]:
    name = segment.name

    def read(offset: int, count: int) -> bytes:
        return filesystem.read(name, offset, count)

    if sequence is None:
        for offset in (0, SECOND_COPY_OFFSET):
            yield f"{name}: header copy at offset {offset}"
            yield from dump_header_copy(read(offset, HEADER_BYTES), offset)
            yield ""
    for item in scan_stored(filesystem, segment):
        if isinstance(item, StoredFrame):
            if sequence in (None, item.sequence):
                yield f"{name}: record {item.sequence} at offset {item.offset}"
                data = read(item.offset, FRAME_HEADER_BYTES + len(item.body))
                yield from dump_frame(data, item.offset, segment.header)
                yield ""
        elif sequence is None:
            yield f"{name}: {item.length_bytes} bytes at offset {item.offset} are no record"
            data = read(item.offset, min(item.length_bytes, DAMAGE_SHOWN_BYTES))
            yield from dump_frame(data, item.offset, segment.header)
            yield ""


DAMAGE_SHOWN_BYTES: Final = 512


def run_salvage(filesystem: Filesystem, options: Namespace, output: TextIO) -> int:
    """Say which segments have unreadable blocks; with --yes, replace them by copies."""
    lock_directory(filesystem)
    unreadable = find_unreadable(filesystem)
    if not unreadable:
        print("every segment can be read: there is nothing to salvage", file=output)
        return EXIT_CLEAN
    for segment in unreadable:
        blocks = ", ".join(str(offset) for offset in segment.bad_offsets[:8])
        more = len(segment.bad_offsets) - 8
        print(
            f"{segment.name}: {len(segment.bad_offsets)} unreadable blocks of 4096 bytes, at "
            f"{blocks}{f' and {more} more' if more > 0 else ''}\n"
            f"  will copy the rest to a new file, keep the original as "
            f"{segment.name}.unreadable, and put the copy in its place;\n"
            f"  the next open reports the records that were in those blocks",
            file=output,
        )
    if not options.yes:
        print("nothing was changed; run again with --yes to do this", file=output)
        return EXIT_REFUSED
    for segment in unreadable:
        try:
            aside = salvage_segment(filesystem, segment)
        except OSError as error:
            raise DiskUnreadable("salvage", segment.name, 0, error) from error
        print(f"{segment.name}: salvaged, the original is {aside}", file=output)
    return EXIT_CLEAN


def run_reidentify(filesystem: Filesystem, options: Namespace, output: TextIO) -> int:
    """Say what a new identity means; with --yes, give the log one."""
    survey: Survey = inspect_directory(filesystem)
    report = survey.report
    if not report.log_id:
        print("there is no log here: nothing to do", file=output)
        return EXIT_CLEAN
    print(
        f"log {report.log_id} with {report.entries} entries to replay, next sequence "
        f"{report.next_sequence}\n"
        "  will start a new file under a new log_id that names the old one; the entries stay\n"
        "  where they are and keep their sequences. A broker then treats all of them as new:\n"
        "  right for a directory restored or cloned from a copy, repeats otherwise",
        file=output,
    )
    if not options.yes:
        print("nothing was changed; run again with --yes to do this", file=output)
        return EXIT_REFUSED
    filesystem.close()
    with WriteAheadLog.open(options.wal_dir) as log:
        print(f"the log is {log.start_new_identity().hex()} now", file=output)
    return EXIT_CLEAN
