"""Segments of the log: their names, and the header that each carries twice.

A *segment* is one file, `procmond-{number:05}.wal`: the number from 1, five digits at
least, in numeric order (99999 is followed by 100000). Only the canonical spelling of a
regular file counts; anything else in the directory is ignored and listed.

    offset 0      header copy 1 (128 bytes)      zeros to 4096
    offset 4096   header copy 2 (the same)       zeros to 8192
    offset 8192   frames (frame.py)

    +0   8  magic 89 'P' 'M' 'W' 0D 0A 1A 0A  first byte not ASCII; CR LF and ^Z show
    +8   2  version_major                     text-mode damage, as in PNG
    +10  2  version_minor
    +12  4  incompatible_flags
    +16  4  file_number
    +20 16  log_id                            random, one for a log's life
    +36 16  previous_log_id                   zeros if none
    +52  8  salt                              random, one per file
    +60  8  relocated_from                    first sequence of copies, see below
    +68  8  continues_from                    next number known when the file was created
    +76  8  first_sequence                    first number that this file hands out
    +84 40  reserved, zero
    +124 4  CRC-32 of bytes 0..123

One verifying copy is enough: a rotten bit here must not cost the 80 MiB behind it (trap
T7). The magic, the major version, the flags and the CRC keep their places for ever, and
the CRC is looked at first: only a header that verifies can be "unsupported".

Numbers in [continues_from, first_sequence) are a *declared gap*: burned by recovery,
already reported, settled. Frames with a sequence in [relocated_from, continues_from) are
*relocated*: recovery copied them here from the file that was open at a crash.
In an ordinary file relocated_from == continues_from.

Spec: FMT-3, FMT-4.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

from reference.crc import crc32
from reference.limits import (
    CRC_BYTES,
    FILE_NUMBER_MAX,
    FRAMES_OFFSET,
    HEADER_BYTES,
    SECOND_COPY_OFFSET,
    SEQUENCE_FIRST,
    SEQUENCE_MAX,
)

SEGMENT_MAGIC: Final = b"\x89PMW\r\n\x1a\n"
VERSION_MAJOR: Final = 1
VERSION_MINOR: Final = 0
ID_BYTES: Final = 16
SALT_BYTES: Final = 8
NO_LOG_ID: Final = bytes(ID_BYTES)

# magic, major, minor, flags, file number, log_id, previous_log_id, salt,
# relocated_from, continues_from, first_sequence, reserved
_FIELDS: Final = struct.Struct("<8sHHII16s16s8sQQQ40s")
_CRC: Final = struct.Struct("<I")
assert _FIELDS.size + CRC_BYTES == HEADER_BYTES

_SEGMENT_NAME: Final = re.compile(r"procmond-([0-9]{5,10})\.wal")


def segment_name(number: int) -> str:
    """Return the canonical file name of segment `number`. Spec: FMT-3.1."""
    return f"procmond-{number:05}.wal"


def segment_number(name: str) -> int | None:
    """Return the number if `name` is canonical and in range 1 to 2^32 - 1, else None."""
    match = _SEGMENT_NAME.fullmatch(name)
    if match is None:
        return None
    number = int(match[1])
    if not 1 <= number <= 2**32 - 1 or segment_name(number) != name:
        return None
    return number


class FrameKey(NamedTuple):
    """What ties a frame to its segment. Spec: FMT-5.2.

    The sync word is the salt's first four bytes; the other four reach a frame only through
    the CRC. So forging a frame needs all 64 bits of a salt that is nowhere but in a file of
    mode 0600.
    """

    sync_word: int
    """The first word of every frame here, never zero."""
    crc_seed: int
    """CRC-32 of salt and file number, with which the CRC of every frame begins."""


@dataclass(frozen=True, slots=True)
class SegmentHeader:
    """The fields of a header, in file order. Numbers are sequences unless named otherwise."""

    file_number: int
    log_id: bytes
    previous_log_id: bytes
    salt: bytes
    relocated_from: int
    continues_from: int
    first_sequence: int

    @property
    def frame_key(self) -> FrameKey:
        """What every frame of this segment is checked with."""
        sync_word = int.from_bytes(self.salt[:4], "little") or 0xFFFF_FFFF
        seed = crc32(self.salt + self.file_number.to_bytes(4, "little"))
        return FrameKey(sync_word, seed)

    @property
    def is_gapless(self) -> bool:
        """Whether no numbers are declared as burned."""
        return self.continues_from == self.first_sequence

    @property
    def has_relocated(self) -> bool:
        """Whether the file begins with frames copied by recovery."""
        return self.relocated_from < self.continues_from


class HeaderFault(Enum):
    """Why 128 bytes are not a usable header."""

    SHORT = "fewer than 128 bytes"
    CRC = "CRC mismatch"
    MAGIC = "wrong magic"
    FIELDS = "fields contradict each other or the format's limits"


@dataclass(frozen=True, slots=True)
class UnsupportedHeader:
    """A header that verifies and names a version or flags that this reader lacks."""

    major: int
    flags: int


def encode_segment_header(header: SegmentHeader) -> bytes:
    """Return one copy, 128 bytes."""
    fields = _FIELDS.pack(
        SEGMENT_MAGIC, VERSION_MAJOR, VERSION_MINOR, 0, header.file_number, header.log_id,
        header.previous_log_id, header.salt, header.relocated_from, header.continues_from,
        header.first_sequence, b"",
    )  # fmt: skip
    return fields + _CRC.pack(crc32(fields))


def encode_header_block(header: SegmentHeader) -> bytes:
    """Return the first 8192 bytes of a segment: both copies and the zeros around them."""
    copy = encode_segment_header(header)
    padded = copy + bytes(SECOND_COPY_OFFSET - HEADER_BYTES)
    return padded + copy + bytes(FRAMES_OFFSET - SECOND_COPY_OFFSET - HEADER_BYTES)


def decode_segment_header(data: bytes) -> SegmentHeader | UnsupportedHeader | HeaderFault:
    """Return what the first 128 bytes of `data` are. Never raises. Spec: FMT-4.3."""
    if len(data) < HEADER_BYTES:
        return HeaderFault.SHORT
    fields = data[: _FIELDS.size]
    (stored_crc,) = _CRC.unpack_from(data, _FIELDS.size)
    if crc32(fields) != stored_crc:
        return HeaderFault.CRC
    (
        magic, major, _minor, flags, file_number, log_id, previous_log_id, salt,
        relocated_from, continues_from, first_sequence, _reserved,
    ) = _FIELDS.unpack(fields)  # fmt: skip
    if magic != SEGMENT_MAGIC:
        return HeaderFault.MAGIC
    if major != VERSION_MAJOR or flags != 0:
        return UnsupportedHeader(major, flags)
    if (
        not 1 <= file_number <= FILE_NUMBER_MAX
        or log_id == NO_LOG_ID
        or not SEQUENCE_FIRST <= relocated_from <= continues_from <= first_sequence
        or first_sequence > SEQUENCE_MAX
    ):
        return HeaderFault.FIELDS
    return SegmentHeader(
        file_number, log_id, previous_log_id, salt,
        relocated_from, continues_from, first_sequence,
    )  # fmt: skip
