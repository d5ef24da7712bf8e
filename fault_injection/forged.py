"""Bytes that verify and should not be there: what no accident makes, only a writer.

    undecodable   a record whose checksums hold and whose event has a type that does not exist:
                  what a newer writer, or one with a mistake, has left
    foreign       a segment of another log, with events that nobody offered to this one:
                  somebody's file in the wrong directory
    far           a sound record under a number that cannot stand at its place, the last of its file
    renumbered    a segment with the number `amount`, as a log that is old and long would have it

This needs the format as the reference has it; where records are it is told (damage.py).

Spec: SCN-1.2, REC-11.1, REC-5.1.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from fault_injection.errors import PlanError
from fault_injection.subject import CLOCK_NS, make_event
from reference.codec import encode_event, encode_timestamp
from reference.frame import encode_frame, payload_of
from reference.limits import FRAME_HEADER_BYTES
from reference.segment_header import SegmentHeader, decode_segment_header, encode_header_block

UNKNOWN_TYPE: Final = 9
OTHER_LOG: Final = bytes(range(200, 216))
OTHERS_PID: Final = 1_000_000
"""No plan has so many events."""
_TIMESTAMP_LENGTH_BYTES: Final = 8
_SEQUENCE: Final = struct.Struct("<Q")
Places = Sequence[tuple[int, int]]
"""Offset and length of each record, as damage.record_places has them."""


def undecodable(content: bytes, start: int, length: int) -> bytes:
    """Return the file with the event of the record at `start` changed, and its checksums right."""
    header = header_of(content)
    frame = content[start : start + length]
    sequence = sequence_at(content, start)
    payload = bytearray(payload_of(frame[FRAME_HEADER_BYTES:]))
    kind_at = _TIMESTAMP_LENGTH_BYTES + int.from_bytes(payload[:_TIMESTAMP_LENGTH_BYTES], "little")
    if kind_at >= len(payload):
        raise PlanError(f"the record at {start} has no event to change")  # a port's is shorter
    payload[kind_at] = UNKNOWN_TYPE
    forged = encode_frame(header.frame_key, start, sequence, bytes(payload))
    assert len(forged) == length
    return content[:start] + forged + content[start + length :]


def foreign(content: bytes, places: Places) -> bytes:
    """Return the file as another log would have written it: same numbers, its own events."""
    header = replace(header_of(content), log_id=OTHER_LOG)
    result = encode_header_block(header)
    for start, _ in places:
        # Not the events of this log: replaying them would look as if nothing was wrong.
        result += _frame_of_another(header, len(result), sequence_at(content, start))
    return result


def far(content: bytes, at: int, beyond: int) -> bytes:
    """Return the file with another's record in place of that at `at`, numbered far above it."""
    sequence = sequence_at(content, at) + beyond
    return content[:at] + _frame_of_another(header_of(content), at, sequence)


def _frame_of_another(header: SegmentHeader, offset: int, sequence: int) -> bytes:
    event = make_event(OTHERS_PID + sequence % OTHERS_PID)
    payload = encode_timestamp(CLOCK_NS) + encode_event(event)
    return encode_frame(header.frame_key, offset, sequence, payload)


def renumbered(content: bytes, places: Places, number: int) -> bytes:
    """Return the file as it would be if it had this number. A torn end stays as it is."""
    header = replace(header_of(content), file_number=number)
    result = encode_header_block(header)
    for start, length in places:
        body = content[start + FRAME_HEADER_BYTES : start + length]
        sequence = sequence_at(content, start)
        result += encode_frame(header.frame_key, start, sequence, payload_of(body))
    return result + content[len(result) :]


def header_of(content: bytes) -> SegmentHeader:
    """Return the segment's header. Raises PlanError if its first copy is not sound."""
    header = decode_segment_header(content)
    if not isinstance(header, SegmentHeader):
        raise PlanError("the segment has no header to forge from")
    return header


def sequence_at(content: bytes, start: int) -> int:
    """Return the number of the record that starts there."""
    sequence: int = _SEQUENCE.unpack_from(content, start + 8)[0]
    return sequence
