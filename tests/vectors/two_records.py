"""The log with two records that SPEC.md takes apart byte by byte, and that is vector 1.

    log_id 00 01 .. 0f    salt a1 a2 .. a8    file number 1    sequences 1 and 2

The first event is a START with few fields, the second a STOP with more of them. Times and
salts are fixed, so the bytes never change.

Spec: section 13.
"""

from __future__ import annotations

from typing import Final

from reference.codec import encode_event, encode_timestamp
from reference.events import EventType, LogEntry, ProcessEvent
from reference.frame import encode_frame
from reference.limits import FRAMES_OFFSET
from reference.segment_header import (
    NO_LOG_ID,
    SegmentHeader,
    encode_header_block,
    segment_name,
)

START_EVENT: Final = ProcessEvent(
    event_type=EventType.START,
    pid=4711,
    ppid=1,
    name="sshd",
    executable_path=None,
    command_line=("sshd", "-D"),
    start_time_ns=None,
    cpu_usage=None,
    memory_usage=None,
    executable_hash=None,
    hash_algorithm=None,
    user_id=None,
    accessible=True,
    file_exists=True,
    timestamp_ns=1_700_000_000_000_000_000,
    platform_metadata=None,
)
STOP_EVENT: Final = ProcessEvent(
    event_type=EventType.STOP,
    pid=4711,
    ppid=1,
    name="sshd",
    executable_path="/usr/sbin/sshd",
    command_line=("sshd", "-D"),
    start_time_ns=1_700_000_000_000_000_000,
    cpu_usage=1.5,
    memory_usage=8_392_704,
    executable_hash="9f86d081",
    hash_algorithm="xxh32",
    user_id="0",
    accessible=True,
    file_exists=False,
    timestamp_ns=1_700_000_060_250_000_000,
    platform_metadata='{"signal":15}',
)
ENTRIES: Final = (
    LogEntry(1, 1_700_000_000_000_500_000, START_EVENT),
    LogEntry(2, 1_700_000_060_250_000_000, STOP_EVENT),
)
HEADER: Final = SegmentHeader(
    file_number=1,
    log_id=bytes(range(16)),
    previous_log_id=NO_LOG_ID,
    salt=bytes(range(0xA1, 0xA9)),
    relocated_from=1,
    continues_from=1,
    first_sequence=1,
)


def two_record_log() -> dict[str, bytes]:
    """Return the directory: file name -> bytes. It has no acknowledgement file."""
    return {segment_name(HEADER.file_number): encode_header_block(HEADER) + b"".join(frames())}


def frames() -> list[bytes]:
    """Return the two frames; the first lies at 8192, the second right behind it."""
    result: list[bytes] = []
    offset = FRAMES_OFFSET
    for entry in ENTRIES:
        payload = encode_timestamp(entry.timestamp_ns) + encode_event(entry.event)
        result.append(encode_frame(HEADER.frame_key, offset, entry.sequence, payload))
        offset += len(result[-1])
    return result
