"""Runs of frames that end in the middle: a scan takes no number that may not follow.

Not here: damage and its search (test_damage_sweep.py, test_recovery.py, the vectors).
"""

from __future__ import annotations

import itertools

import pytest

from reference.codec import encode_event, encode_timestamp
from reference.frame import StoredFrame, encode_frame
from reference.limits import FRAMES_OFFSET, SEQUENCE_MAX
from reference.scanner import (
    RUN_FRAMES_MAX,
    DamageShape,
    ScannedDamage,
    ScannedItem,
    ScannedTail,
    scan_segment,
)
from reference.segment_header import SegmentHeader, encode_header_block
from tests.wal_helpers import CLOCK_NS, small_event

PAYLOAD = encode_timestamp(CLOCK_NS) + encode_event(small_event(1))


def scanned(header: SegmentHeader, sequences: list[int]) -> list[ScannedItem]:
    """What a scan finds in a file of such frames."""
    content = encode_header_block(header)
    for sequence in sequences:
        content += encode_frame(header.frame_key, len(content), sequence, PAYLOAD)

    def read(offset: int, count: int) -> bytes:
        return content[offset : offset + count]

    return list(scan_segment(read, len(content), header))


def header_with(relocated_from: int, continues_from: int, first_sequence: int) -> SegmentHeader:
    numbers = (relocated_from, continues_from, first_sequence)
    return SegmentHeader(1, bytes(range(16)), bytes(16), b"saltsalt", *numbers)


def sequences_of(items: list[ScannedItem]) -> list[int]:
    return [item.sequence for item in items if isinstance(item, StoredFrame)]


@pytest.mark.req("FMT-4.5", "FMT-4.6", "REC-3.1")
def test_a_frame_numbered_inside_the_declared_gap_is_stale() -> None:
    items = scanned(header_with(3, 6, 9), [3, 4, 5, 6, 9, 10])
    assert sequences_of(items) == [3, 4, 5, 9, 10]
    damages = [item for item in items if isinstance(item, ScannedDamage)]
    assert [damage.shape for damage in damages] == [DamageShape.STALE]


@pytest.mark.req("FMT-5.4")
def test_a_frame_numbered_above_the_bound_is_none() -> None:
    items = scanned(header_with(SEQUENCE_MAX, SEQUENCE_MAX, SEQUENCE_MAX),
                    [SEQUENCE_MAX, SEQUENCE_MAX + 1])  # fmt: skip
    assert sequences_of(items) == [SEQUENCE_MAX]
    assert isinstance(items[-1], ScannedTail)


@pytest.mark.req("REC-10.1", "WAL-6.1")
def test_a_file_longer_than_a_run_is_read_whole_and_in_order() -> None:
    count = 2 * RUN_FRAMES_MAX + 3
    items = scanned(header_with(1, 1, 1), list(range(1, count + 1)))
    assert sequences_of(items) == list(range(1, count + 1))
    offsets = [item.offset for item in items]
    assert offsets[0] == FRAMES_OFFSET
    assert len({end - start for start, end in itertools.pairwise(offsets)}) == 1, "all are alike"
