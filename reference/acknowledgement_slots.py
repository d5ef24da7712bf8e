"""The acknowledgement file's bytes: two slots, written alternately, the newest valid counts.

`procmond.ack` is 8192 bytes, written in full when it is created, so that later writes
allocate nothing where a filesystem overwrites in place: a full disk can still drain.

    offset 0      slot of even generations (128 bytes)   zeros to 4096
    offset 4096   slot of odd generations                zeros to 8192

    +0   8  magic 89 'P' 'M' 'A' 0D 0A 1A 0A
    +8   2  version_major      +10 2 version_minor      +12 4 incompatible_flags
    +16  8  generation         rises by one with every write
    +24 16  log_id
    +40  8  acknowledged_through   everything up to here is settled
    +48  8  next_sequence          a floor: no number below is handed out again
    +56  4  clean_file             0, or: this segment is durable at exactly this length
    +60  8  clean_length           and may be appended to
    +68 56  reserved, zero
    +124 4  CRC-32 of bytes 0..123

A write tears at most the slot that it replaces; the other still holds the state before.
Sequences, never offsets: a watermark cannot point into the middle of anything.

Not here: when slots are written (acknowledgement_file.py).

Spec: ACK-1.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from reference.crc import crc32
from reference.limits import CRC_BYTES, HEADER_BYTES, SECOND_COPY_OFFSET, SEQUENCE_MAX

ACK_NAME: Final = "procmond.ack"
ACK_MAGIC: Final = b"\x89PMA\r\n\x1a\n"
ACK_FILE_BYTES: Final = 2 * SECOND_COPY_OFFSET
SLOT_OFFSETS: Final = (0, SECOND_COPY_OFFSET)

# magic, major, minor, flags, generation, log_id, acknowledged_through, next_sequence,
# clean_file, clean_length, reserved
_FIELDS: Final = struct.Struct("<8sHHIQ16sQQIQ56s")
_CRC: Final = struct.Struct("<I")
assert _FIELDS.size + CRC_BYTES == HEADER_BYTES


@dataclass(frozen=True, slots=True)
class AckSlot:
    """What one slot says."""

    generation: int
    log_id: bytes
    acknowledged_through: int
    next_sequence: int
    clean_file: int = 0
    clean_length: int = 0


def encode_slot(slot: AckSlot) -> bytes:
    """Return the slot's 128 bytes."""
    fields = _FIELDS.pack(
        ACK_MAGIC, 1, 0, 0, slot.generation, slot.log_id, slot.acknowledged_through,
        slot.next_sequence, slot.clean_file, slot.clean_length, b"",
    )  # fmt: skip
    return fields + _CRC.pack(crc32(fields))


def decode_slot(data: bytes) -> AckSlot | None:
    """Return the slot, or None if it does not verify or is of another version.

    A version that this reader lacks counts as missing, not as a refusal: losing the
    watermark costs repeats and never an event.
    """
    if len(data) < HEADER_BYTES:
        return None
    fields = data[: _FIELDS.size]
    if crc32(fields) != _CRC.unpack_from(data, _FIELDS.size)[0]:
        return None
    (
        magic, major, _minor, flags, generation, log_id, acknowledged_through, next_sequence,
        clean_file, clean_length, _reserved,
    ) = _FIELDS.unpack(fields)  # fmt: skip
    if magic != ACK_MAGIC or major != 1 or flags != 0:
        return None
    if not acknowledged_through < next_sequence <= SEQUENCE_MAX + 1 or generation > SEQUENCE_MAX:
        return None
    return AckSlot(
        generation, log_id, acknowledged_through, next_sequence, clean_file, clean_length
    )


def slot_offset(generation: int) -> int:
    """Return where the slot of this generation lies."""
    return SLOT_OFFSETS[generation % 2]


def encode_ack_file(slot: AckSlot) -> bytes:
    """Return a whole new file: the slot twice, as this generation and as the one before it."""
    older = AckSlot(
        slot.generation - 1, slot.log_id, slot.acknowledged_through, slot.next_sequence,
        slot.clean_file, slot.clean_length,
    )  # fmt: skip
    block = bytearray(ACK_FILE_BYTES)
    for each in (older, slot):
        offset = slot_offset(each.generation)
        block[offset : offset + HEADER_BYTES] = encode_slot(each)
    return bytes(block)
