"""Every number of the format and of the log, in one place, each with its source.

Two kinds live here and must not be confused:

- *Format constants* say what bytes mean. Readers always use these, never a
  configured value: a limit that was lowered after a record was written must
  not turn that record into damage (Spec: FMT-1.4).
- `WalConfig` holds what an operator may choose. Tests scale it down so that
  rotation and quota happen within a few records.

Not here: the byte layouts themselves (segment_header.py, frame.py,
acknowledgement_file.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

KIB: Final = 2**10
MIB: Final = 2**20
NS_PER_S: Final = 10**9

# ---- Format constants -------------------------------------------------------

SPEC_VERSION: Final = "1.0"
"""MAJOR.MINOR of SPEC.md. A new MAJOR means that a conforming port may fail."""

SEQUENCE_FIRST: Final = 1
SEQUENCE_MAX: Final = 2**64 - 1 - 2**16
"""Numbers above are `unreadable`: a crafted maximum must leave room for a successor."""
FILE_NUMBER_MAX: Final = 2**32 - 1 - 2**16

HEADER_BYTES: Final = 128
"""One copy of a segment header, or one acknowledgement slot."""
SECOND_COPY_OFFSET: Final = 4096
"""Far enough that one bad 4096-byte block cannot take both copies."""
FRAMES_OFFSET: Final = 8192

FRAME_HEADER_BYTES: Final = 4 + 4 + 8 + 4  # sync word, body length, sequence, header CRC
CRC_BYTES: Final = 4

EVENT_BYTES_MAX: Final = MIB - 4096
"""The log frame and the broker's Publish frame must both stay under 2^20 (trap T6)."""
BODY_BYTES_MAX: Final = MIB
"""What a reader accepts as a frame body. Writers stay below: EVENT_BYTES_MAX + 50."""

TIMESTAMP_TEXT_BYTES_MIN: Final = len("1970-01-01T00:00:00Z")
TIMESTAMP_TEXT_BYTES_MAX: Final = len("1970-01-01T00:00:00.000000000Z")

EVENT_BYTES_MIN: Final = (
    4 + 4 + 1 + 8  # event_type, pid, ppid absent, name empty
    + 1 + 8 + 1 + 1  # executable_path, command_line, start_time, cpu_usage
    + 1 + 1 + 1 + 1  # memory_usage, executable_hash, hash_algorithm, user_id
    + 1 + 1 + 12 + 1  # accessible, file_exists, timestamp, platform_metadata
)  # fmt: skip
BODY_BYTES_MIN: Final = 8 + 8 + TIMESTAMP_TEXT_BYTES_MIN + EVENT_BYTES_MIN + CRC_BYTES
FRAME_BYTES_MIN: Final = FRAME_HEADER_BYTES + BODY_BYTES_MIN
"""Divides a damaged stretch into the most records that it may have held (trap T1)."""

# ---- The broker link --------------------------------------------------------

LINK_VERSION: Final = 1
"""The highest protocol version that Hello offers; also the lowest that Welcome may answer."""
LINK_LENGTH_BYTES: Final = 4
LINK_BODY_BYTES_MAX: Final = MIB
"""daemoneye-eventbus' transport limit, for the bytes after the length."""
CLIENT_ID_BYTES_MAX: Final = 255
REFUSAL_TEXT_MAX: Final = 1000
"""Characters of a broker's reason that are kept: a dead letter must stay a short line."""

SHOWN_TEXT_MAX: Final = 200
"""Characters of a broker's text in a log line or a status."""

BACKPRESSURE_ON_TENTHS: Final = 7
"""Ticket: "Trigger at 70% buffer capacity". Tenths, so that the arithmetic is exact."""
BACKPRESSURE_OFF_TENTHS: Final = 5
"""Ticket: "Release at 50% buffer capacity"."""

# ---- What an operator may choose --------------------------------------------

READ_CHUNK_BYTES: Final = MIB
"""Recovery and replay hold at most two of these, whatever the backlog (Spec: WAL-6.1)."""

DAMAGES_LISTED_MAX: Final = 1000
"""A report lists this many; the rest are counted. A rotten gigabyte must not fill memory."""


CONFIG_BOUNDS: Final[tuple[tuple[str, int, int | str, str], ...]] = (
    ("rotation_bytes", FRAMES_OFFSET + 1, "file_bytes_max", "WAL-3.1"),
    ("file_bytes_max", FRAMES_OFFSET + 1, 2**40, "WAL-3.3"),
    ("batch_bytes_max", 1, 2**30, "WAL-3.2"),
    ("event_bytes_max", EVENT_BYTES_MIN, EVENT_BYTES_MAX, "FMT-1.1"),
    ("quota_bytes", 2 * FRAMES_OFFSET, 2**50, "WAL-5.1"),
    ("quarantine_bytes_max", 0, "quota_bytes", "REC-8.1"),
    ("quarantine_files_max", 0, 10_000, "REC-8.1"),
    ("acknowledge_interval_ns", 0, 3600 * NS_PER_S, "ACK-5.2"),
    ("acknowledge_count_max", 1, 10**9, "ACK-5.2"),
)
"""Field of `WalConfig`, lowest and highest value (or the field that is the highest), and the
requirement that says what it is for."""


class ConfigError(ValueError):
    """A `WalConfig` value contradicts another or the format. Nothing was opened."""


@dataclass(frozen=True, slots=True)
class WalConfig:
    """Limits of one log. The defaults are the ticket's; all may be scaled down.

    Raises ConfigError, naming the field, the value and the bound.
    """

    rotation_bytes: int = 80 * MIB
    """Ticket: "Rotate when file reaches 80MB (80% of 100MB max)". MB is 2^20 here."""
    file_bytes_max: int = 100 * MIB
    """While rotation keeps failing, appends go on up to here."""
    batch_bytes_max: int = 4 * MIB
    """One write call; bounds what a failed write leaves behind and the memory of a batch."""
    event_bytes_max: int = EVENT_BYTES_MAX
    """May be lowered for appends. Readers keep the format's constant."""
    quota_bytes: int = 10 * 100 * MIB
    """Segments, dead letters and quarantine together."""
    quarantine_bytes_max: int = 64 * MIB
    quarantine_files_max: int = 64
    acknowledge_interval_ns: int = NS_PER_S
    """A watermark is written at most this late ... """
    acknowledge_count_max: int = 1000
    """... or after this many acknowledged records, whichever is first."""

    def __post_init__(self) -> None:
        for field, low, high, _requirement in CONFIG_BOUNDS:
            value = getattr(self, field)
            most = getattr(self, high) if isinstance(high, str) else high
            if not low <= value <= most:
                raise ConfigError(f"{field} is {value}; it must be from {low} to {most}")
