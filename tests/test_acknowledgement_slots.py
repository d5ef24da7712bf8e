"""The acknowledgement file's bytes, against SPEC.md by hand. Spec: ACK-1."""

from __future__ import annotations

from dataclasses import replace
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.acknowledgement_slots import (
    ACK_FILE_BYTES,
    AckSlot,
    decode_slot,
    encode_ack_file,
    encode_slot,
    slot_offset,
)

SEQUENCE_MAX = 2**64 - 1 - 2**16
SLOT = AckSlot(7, bytes(range(16)), 40, 43, 3, 9000)

u64s = st.integers(0, 2**64 - 1)
slots = st.builds(
    lambda generation, log_id, numbers, clean_file, clean_length: AckSlot(
        generation, log_id, min(numbers), max(numbers) + 1, clean_file, clean_length
    ),
    st.integers(0, SEQUENCE_MAX),
    st.binary(min_size=16, max_size=16),
    st.tuples(st.integers(0, SEQUENCE_MAX), st.integers(0, SEQUENCE_MAX)),
    st.integers(0, 2**32 - 1),
    u64s,
)


def by_the_text(slot: AckSlot, *, major: int = 1, minor: int = 0, flags: int = 0) -> bytes:
    """What section 8 of SPEC.md says that a slot's bytes are."""
    fields = (
        bytes.fromhex("89504d410d0a1a0a")
        + major.to_bytes(2, "little") + minor.to_bytes(2, "little") + flags.to_bytes(4, "little")
        + slot.generation.to_bytes(8, "little") + slot.log_id
        + slot.acknowledged_through.to_bytes(8, "little")
        + slot.next_sequence.to_bytes(8, "little")
        + slot.clean_file.to_bytes(4, "little") + slot.clean_length.to_bytes(8, "little")
        + bytes(56)
    )  # fmt: skip
    return fields + crc32(fields).to_bytes(4, "little")


def resealed(data: bytes) -> bytes:
    """The bytes with a CRC that holds."""
    return data[:124] + crc32(data[:124]).to_bytes(4, "little")


@pytest.mark.req("ACK-1.1")
@given(slots)
def test_bytes_are_those_that_the_text_gives_and_read_back(slot: AckSlot) -> None:
    data = encode_slot(slot)
    assert data == by_the_text(slot)
    assert len(data) == 128
    assert decode_slot(data) == slot


@pytest.mark.req("ACK-1.1")
@given(slots, st.integers(0, 128 * 8 - 1))
def test_slot_with_one_bit_flipped_does_not_verify(slot: AckSlot, bit: int) -> None:
    data = bytearray(encode_slot(slot))
    data[bit // 8] ^= 1 << (bit % 8)
    assert decode_slot(bytes(data)) is None


@pytest.mark.req("ACK-1.2")
@pytest.mark.parametrize("length", [0, 1, 124, 127])
def test_slot_cut_short_does_not_verify(length: int) -> None:
    assert decode_slot(encode_slot(SLOT)[:length]) is None


@pytest.mark.req("ACK-1.2")
@pytest.mark.parametrize("fill", [b"\x00", b"\xff"])
def test_slot_of_one_byte_value_does_not_verify(fill: bytes) -> None:
    assert decode_slot(fill * 128) is None


@pytest.mark.req("ACK-1.2")
@pytest.mark.parametrize(("major", "flags"), [(2, 0), (0, 0), (1, 1), (1, 2**31)])
def test_slot_of_an_unsupported_version_counts_as_missing(major: int, flags: int) -> None:
    assert decode_slot(by_the_text(SLOT, major=major, flags=flags)) is None


@pytest.mark.req("ACK-1.1")
def test_slot_of_a_higher_minor_version_is_read() -> None:
    assert decode_slot(by_the_text(SLOT, minor=9)) == SLOT


@pytest.mark.req("ACK-1.1")
def test_slot_with_something_in_the_reserved_bytes_is_read() -> None:
    data = bytearray(by_the_text(SLOT))
    data[100] = 1
    assert decode_slot(resealed(bytes(data))) == SLOT


@pytest.mark.req("ACK-1.2")
def test_slot_with_another_magic_does_not_verify() -> None:
    segment_magic = bytes.fromhex("89504d570d0a1a0a")
    assert decode_slot(resealed(segment_magic + by_the_text(SLOT)[8:])) is None


@pytest.mark.req("ACK-1.2")
@pytest.mark.parametrize(
    "slot",
    [
        replace(SLOT, acknowledged_through=43),  # as high as the next number
        replace(SLOT, acknowledged_through=44),
        replace(SLOT, next_sequence=0, acknowledged_through=0),
        replace(SLOT, next_sequence=SEQUENCE_MAX + 2),
        replace(SLOT, generation=SEQUENCE_MAX + 1),
    ],
)
def test_slot_whose_numbers_contradict_does_not_verify(slot: AckSlot) -> None:
    assert decode_slot(by_the_text(slot)) is None


@pytest.mark.req("ACK-1.1")
@pytest.mark.parametrize(
    "slot",
    [
        replace(SLOT, acknowledged_through=42),
        replace(SLOT, next_sequence=SEQUENCE_MAX + 1),
        replace(SLOT, generation=SEQUENCE_MAX),
        replace(SLOT, acknowledged_through=0, next_sequence=1),
    ],
)
def test_slot_whose_numbers_are_at_the_bound_verifies(slot: AckSlot) -> None:
    assert decode_slot(by_the_text(slot)) == slot


@pytest.mark.req("ACK-1.1")
@pytest.mark.parametrize(("generation", "offset"), [(0, 0), (1, 4096), (2, 0), (3, 4096)])
def test_generations_alternate_between_the_two_slots(generation: int, offset: int) -> None:
    assert slot_offset(generation) == offset


@pytest.mark.req("ACK-1.1")
@pytest.mark.parametrize("generation", [1, 2, 7, 8])
def test_new_file_holds_two_slots_that_verify_and_zeros(generation: int) -> None:
    slot = replace(SLOT, generation=generation)
    data = encode_ack_file(slot)
    here, other = slot_offset(generation), slot_offset(generation + 1)
    assert len(data) == ACK_FILE_BYTES == 8192
    assert decode_slot(data[here : here + 128]) == slot
    assert decode_slot(data[other : other + 128]) == replace(slot, generation=generation - 1)
    assert data[128:4096] == data[4096 + 128 :] == bytes(4096 - 128)
