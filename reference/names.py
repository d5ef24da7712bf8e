"""The names in a log's directory, besides the segments (segment_header.py).

The directory is flat: one `sync_directory` covers every name. What recovery sets aside has
a suffix that no scanner matches, or its own evidence would be read as a log.

    procmond.lock                       held for the life of the log
    procmond.ack                        acknowledgement_slots.py
    procmond.dead                       dead_letters.py
    procmond-00007.wal.new              a file being written; renamed when it is complete
    procmond-00007.wal.salvaged         the same, made by the salvage tool
    procmond-00007.wal@8192+107-0badcafe.quarantine   a copy of damaged bytes
    procmond-00007.wal.foreign          moved aside whole, as are .unreadable
"""

from __future__ import annotations

import re
from typing import Final

LOCK_NAME: Final = "procmond.lock"
DEAD_LETTERS_NAME: Final = "procmond.dead"
NEW_SUFFIX: Final = ".new"
SALVAGED_SUFFIX: Final = ".salvaged"

_LEFTOVER: Final = re.compile(r"procmond-[0-9]{5,10}\.wal\.new|procmond\.ack\.new")
_EVIDENCE: Final = re.compile(
    r"procmond-[0-9]{5,10}\.wal"
    r"(@[0-9]+\+[0-9]+-[0-9a-f]{8}\.quarantine|\.(foreign|unreadable)(\.[0-9]+)?|\.salvaged)"
)


def is_leftover(name: str) -> bool:
    """Whether the name is that of a file whose writing was never finished."""
    return _LEFTOVER.fullmatch(name) is not None


def is_evidence(name: str) -> bool:
    """Whether recovery or salvage set this file aside."""
    return _EVIDENCE.fullmatch(name) is not None


def quarantine_name(file: str, offset: int, length_bytes: int, crc: int) -> str:
    """Return where a copy of these bytes is kept. The same bytes give the same name."""
    return f"{file}@{offset}+{length_bytes}-{crc:08x}.quarantine"
