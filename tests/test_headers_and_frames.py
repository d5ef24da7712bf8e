"""Names, segment headers and frames, against SPEC.md by hand. Spec: FMT-3, FMT-4, FMT-5."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple
from zlib import crc32

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reference.codec import encode_event, encode_timestamp
from reference.errors import DecodeError, EndOfBytes, InvalidTag, NumberOutOfRange, TrailingBytes
from reference.events import LogEntry, ProcessEvent
from reference.frame import (
    FrameHeader,
    StoredFrame,
    body_verifies,
    check_frame_header,
    decode_body,
    decode_body_plainly,
    encode_frame,
    encode_frames,
    payload_of,
    read_frames,
)
from reference.limits import FRAME_HEADER_BYTES, FRAMES_OFFSET
from reference.segment_header import (
    FrameKey,
    HeaderFault,
    SegmentHeader,
    UnsupportedHeader,
    decode_segment_header,
    encode_header_block,
    encode_segment_header,
    segment_name,
    segment_number,
)
from tests.strategies import events, times_ns
from tests.wal_helpers import CLOCK_NS, small_event

SEQUENCE_MAX = 2**64 - 1 - 2**16
FILE_NUMBER_MAX = 2**32 - 1 - 2**16
HEADER = SegmentHeader(7, bytes(range(1, 17)), bytes(16), bytes(range(0xA1, 0xA9)), 3, 5, 9)


@st.composite
def headers(draw: st.DrawFn) -> SegmentHeader:
    """Any usable header."""
    numbers = sorted(draw(st.lists(st.integers(1, SEQUENCE_MAX), min_size=3, max_size=3)))
    ids = st.binary(min_size=16, max_size=16)
    return SegmentHeader(
        draw(st.integers(1, FILE_NUMBER_MAX)), draw(ids.filter(any)), draw(ids),
        draw(st.binary(min_size=8, max_size=8)), numbers[0], numbers[1], numbers[2],
    )  # fmt: skip


def header_by_the_text(
    header: SegmentHeader, *, major: int = 1, minor: int = 0, flags: int = 0
) -> bytes:
    """What section 4 of SPEC.md says that a header copy's bytes are."""
    fields = (
        bytes.fromhex("89504d570d0a1a0a")
        + major.to_bytes(2, "little") + minor.to_bytes(2, "little") + flags.to_bytes(4, "little")
        + header.file_number.to_bytes(4, "little") + header.log_id + header.previous_log_id
        + header.salt + header.relocated_from.to_bytes(8, "little")
        + header.continues_from.to_bytes(8, "little")
        + header.first_sequence.to_bytes(8, "little") + bytes(40)
    )  # fmt: skip
    return fields + crc32(fields).to_bytes(4, "little")


def resealed(data: bytes) -> bytes:
    """The bytes with a CRC that holds."""
    return data[:124] + crc32(data[:124]).to_bytes(4, "little")


# ---- Names ------------------------------------------------------------------


@pytest.mark.req("FMT-3.1")
@pytest.mark.parametrize(
    ("number", "name"),
    [
        (1, "procmond-00001.wal"),
        (99_999, "procmond-99999.wal"),
        (100_000, "procmond-100000.wal"),
        (2**32 - 1, "procmond-4294967295.wal"),
    ],
)
def test_segment_number_has_its_name(number: int, name: str) -> None:
    assert segment_name(number) == name
    assert segment_number(name) == number


@pytest.mark.req("FMT-3.1")
@given(st.integers(1, 2**32 - 1))
def test_segment_name_reads_back_as_its_number(number: int) -> None:
    assert segment_number(segment_name(number)) == number


@pytest.mark.req("FMT-3.2")
@pytest.mark.parametrize(
    "name",
    [
        "procmond-00000.wal", "procmond-1.wal", "procmond-0001.wal", "procmond-000001.wal",
        "procmond-4294967296.wal", "procmond-99999999999.wal", "procmond--0001.wal",
        "procmond-00001.wal.new", "procmond-00001.WAL", "Procmond-00001.wal", "procmond-00001",
        "xprocmond-00001.wal", "procmond-00001.wal\n", "procmond-0000a.wal", "procmond-+0001.wal",
        "procmond-\u0660\u0660\u0660\u0660\u0661.wal", "procmond-00001.wal@1+1-00000000.quarantine",
        "",
    ],
)  # fmt: skip
def test_name_that_is_not_canonical_is_no_segment(name: str) -> None:
    assert segment_number(name) is None


# ---- Headers ----------------------------------------------------------------


@pytest.mark.req("FMT-4.1")
@given(headers())
def test_header_is_the_bytes_that_the_text_gives_and_reads_back(header: SegmentHeader) -> None:
    data = encode_segment_header(header)
    assert data == header_by_the_text(header)
    assert len(data) == 128
    assert decode_segment_header(data) == header
    assert decode_segment_header(data + b"rest") == header


@pytest.mark.req("FMT-4.1")
def test_block_holds_the_header_twice_and_zeros() -> None:
    block, copy = encode_header_block(HEADER), encode_segment_header(HEADER)
    assert len(block) == FRAMES_OFFSET
    assert block[:128] == block[4096 : 4096 + 128] == copy
    assert block[128:4096] == block[4096 + 128 :] == bytes(4096 - 128)


@pytest.mark.req("FMT-4.2", "FMT-4.3")
@given(headers(), st.integers(0, 128 * 8 - 1))
def test_header_with_one_bit_flipped_does_not_verify(header: SegmentHeader, bit: int) -> None:
    data = bytearray(encode_segment_header(header))
    data[bit // 8] ^= 1 << (bit % 8)
    assert decode_segment_header(bytes(data)) is HeaderFault.CRC


@pytest.mark.req("FMT-4.3")
@pytest.mark.parametrize("length", [0, 1, 124, 127])
def test_header_cut_short_is_said_to_be_short(length: int) -> None:
    assert decode_segment_header(encode_segment_header(HEADER)[:length]) is HeaderFault.SHORT


@pytest.mark.req("FMT-4.3")
def test_zeros_are_no_header() -> None:
    assert decode_segment_header(bytes(128)) is HeaderFault.CRC


@pytest.mark.req("FMT-4.3")
def test_magic_of_another_file_is_no_header_although_the_crc_holds() -> None:
    acknowledgement_magic = bytes.fromhex("89504d410d0a1a0a")
    data = resealed(acknowledgement_magic + encode_segment_header(HEADER)[8:])
    assert decode_segment_header(data) is HeaderFault.MAGIC


@pytest.mark.req("FMT-4.3")
@pytest.mark.parametrize(("major", "flags"), [(2, 0), (0, 0), (65_535, 0), (1, 1), (1, 2**31)])
def test_verifying_header_of_another_version_is_unsupported(major: int, flags: int) -> None:
    data = header_by_the_text(HEADER, major=major, flags=flags)
    assert decode_segment_header(data) == UnsupportedHeader(major, flags)


@pytest.mark.req("FMT-4.3")
def test_damaged_header_of_another_version_is_damaged_and_not_unsupported() -> None:
    data = bytearray(header_by_the_text(HEADER, major=2))
    data[20] ^= 1
    assert decode_segment_header(bytes(data)) is HeaderFault.CRC


@pytest.mark.req("FMT-4.3")
def test_header_of_another_version_is_unsupported_whatever_its_fields_say() -> None:
    data = header_by_the_text(replace(HEADER, log_id=bytes(16)), major=2)
    assert decode_segment_header(data) == UnsupportedHeader(2, 0)


@pytest.mark.req("FMT-4.3")
def test_header_of_a_higher_minor_version_is_read() -> None:
    assert decode_segment_header(header_by_the_text(HEADER, minor=9)) == HEADER


@pytest.mark.req("FMT-4.1")
def test_header_with_something_in_the_reserved_bytes_is_read() -> None:
    data = bytearray(encode_segment_header(HEADER))
    data[100] = 1
    assert decode_segment_header(resealed(bytes(data))) == HEADER


@pytest.mark.req("FMT-4.4")
@pytest.mark.parametrize(
    "header",
    [
        replace(HEADER, file_number=0),
        replace(HEADER, file_number=FILE_NUMBER_MAX + 1),
        replace(HEADER, file_number=2**32 - 1),
        replace(HEADER, log_id=bytes(16)),
        replace(HEADER, relocated_from=0),
        replace(HEADER, relocated_from=6),  # above continues_from
        replace(HEADER, continues_from=10),  # above first_sequence
        replace(HEADER, first_sequence=SEQUENCE_MAX + 1),
        replace(HEADER, first_sequence=2**64 - 1),
    ],
)
def test_verifying_header_whose_fields_contradict_is_unusable(header: SegmentHeader) -> None:
    assert decode_segment_header(header_by_the_text(header)) is HeaderFault.FIELDS


@pytest.mark.req("FMT-4.4")
@pytest.mark.parametrize(
    "header",
    [
        replace(HEADER, file_number=1),
        replace(HEADER, file_number=FILE_NUMBER_MAX),
        replace(HEADER, relocated_from=1, continues_from=1, first_sequence=1),
        replace(HEADER, first_sequence=SEQUENCE_MAX),
        replace(HEADER, log_id=bytes(15) + b"\1"),
    ],
)
def test_header_whose_fields_are_at_the_bound_is_usable(header: SegmentHeader) -> None:
    assert decode_segment_header(header_by_the_text(header)) == header


@pytest.mark.req("FMT-4.6")
@pytest.mark.parametrize(("relocated", "continues", "has"), [(3, 5, True), (5, 5, False)])
def test_header_says_whether_recovery_copied_frames(
    relocated: int, continues: int, has: bool
) -> None:
    header = replace(HEADER, relocated_from=relocated, continues_from=continues)
    assert header.has_relocated is has


@pytest.mark.req("FMT-4.3")
@given(st.binary(max_size=140))
def test_any_bytes_are_some_fault_and_never_raise(data: bytes) -> None:
    assert isinstance(decode_segment_header(data), HeaderFault)


# ---- Frames -----------------------------------------------------------------


@pytest.mark.req("FMT-5.2")
@given(headers())
def test_sync_word_is_the_first_half_of_the_salt_and_never_zero(header: SegmentHeader) -> None:
    expected = int.from_bytes(header.salt[:4], "little")
    assert header.frame_key.sync_word == (expected or 0xFFFFFFFF)


@pytest.mark.req("FMT-5.2")
@pytest.mark.parametrize("rest", [b"\0\0\0\0", b"\1\2\3\4"])
def test_salt_that_begins_with_zeros_has_a_sync_word_of_ones(rest: bytes) -> None:
    key = replace(HEADER, salt=bytes(4) + rest).frame_key
    frame = encode_frame(key, FRAMES_OFFSET, 1, payload(1))
    assert key.sync_word == 0xFFFFFFFF
    assert frame[:4] == b"\xff\xff\xff\xff"
    assert check_frame_header(frame, 0, FRAMES_OFFSET, key) is not None


def payload(number: int, text: str = "") -> bytes:
    """What a frame of the small event carries besides its sequence."""
    return encode_timestamp(CLOCK_NS) + encode_event(small_event(number, text))


def frame_by_the_text(
    header: SegmentHeader, offset: int, sequence: int, body_without_crc: bytes, length: int
) -> bytes:
    """What section 5 of SPEC.md says that a frame's bytes are, with any length field."""
    sync = header.salt[:4] if any(header.salt[:4]) else b"\xff" * 4
    start = sync + length.to_bytes(4, "little") + sequence.to_bytes(8, "little")
    crc = crc32(
        header.salt + header.file_number.to_bytes(4, "little") + offset.to_bytes(8, "little")
        + start
    )  # fmt: skip
    return (
        start + crc.to_bytes(4, "little") + body_without_crc
        + crc32(body_without_crc, crc).to_bytes(4, "little")
    )  # fmt: skip


class Placed(NamedTuple):
    """A frame and where it belongs."""

    header: SegmentHeader
    offset: int
    sequence: int
    data: bytes

    def verifies_as(self, header: SegmentHeader, offset: int) -> bool:
        """Whether a reader of that segment would take these bytes at that offset."""
        found = check_frame_header(self.data, 0, offset, header.frame_key)
        return found is not None and body_verifies(self.data[FRAME_HEADER_BYTES:], found)


@st.composite
def frames(draw: st.DrawFn) -> Placed:
    """A frame of any event, anywhere in any segment."""
    header, offset = draw(headers()), draw(st.integers(FRAMES_OFFSET, 2**40))
    sequence = draw(st.integers(1, SEQUENCE_MAX))
    body = encode_timestamp(draw(times_ns)) + encode_event(draw(events()))
    return Placed(header, offset, sequence, encode_frame(header.frame_key, offset, sequence, body))


@pytest.mark.req("FMT-5.1", "FMT-5.3")
@given(headers(), st.integers(0, 2**40), st.integers(1, SEQUENCE_MAX), times_ns, events())
def test_frame_is_the_bytes_that_the_text_gives(
    header: SegmentHeader, offset: int, sequence: int, time_ns: int, event: ProcessEvent
) -> None:
    rest = encode_timestamp(time_ns) + encode_event(event)
    body = sequence.to_bytes(8, "little") + rest
    frame = encode_frame(header.frame_key, offset, sequence, rest)
    assert frame == frame_by_the_text(header, offset, sequence, body, len(body) + 4)


@pytest.mark.req("FMT-5.1", "FMT-5.4")
@given(headers(), st.integers(0, 2**40), st.integers(1, SEQUENCE_MAX), times_ns, events())
def test_frame_reads_back_as_its_entry(
    header: SegmentHeader, offset: int, sequence: int, time_ns: int, event: ProcessEvent
) -> None:
    rest = encode_timestamp(time_ns) + encode_event(event)
    frame = b"before" + encode_frame(header.frame_key, offset, sequence, rest)

    found = check_frame_header(frame, 6, offset, header.frame_key)

    assert found is not None
    body = frame[6 + FRAME_HEADER_BYTES :]
    assert (found.body_bytes, found.sequence) == (len(body), sequence)
    assert body_verifies(body, found)
    assert decode_body(body, sequence) == LogEntry(sequence, time_ns, event)
    assert payload_of(body) == rest


@pytest.mark.req("FMT-5.4", "REC-3.3")
@given(frames(), st.integers(0, 2**40))
def test_frame_at_another_offset_does_not_verify(frame: Placed, offset: int) -> None:
    assert frame.verifies_as(frame.header, offset) == (offset == frame.offset)


@pytest.mark.req("FMT-5.4", "REC-3.3")
@given(frames(), st.integers(1, FILE_NUMBER_MAX))
def test_frame_in_another_file_does_not_verify(frame: Placed, number: int) -> None:
    other = replace(frame.header, file_number=number)
    assert frame.verifies_as(other, frame.offset) == (number == frame.header.file_number)


@pytest.mark.req("FMT-5.4", "REC-3.3")
@given(frames(), st.binary(min_size=8, max_size=8))
def test_frame_under_another_salt_does_not_verify(frame: Placed, salt: bytes) -> None:
    assume(salt != frame.header.salt)
    assert not frame.verifies_as(replace(frame.header, salt=salt), frame.offset)


@pytest.mark.req("FMT-5.3", "REC-3.3")
@given(frames(), st.integers(0, 31))
def test_frame_under_a_salt_of_another_second_half_does_not_verify(frame: Placed, bit: int) -> None:
    salt = bytearray(frame.header.salt)
    salt[4 + bit // 8] ^= 1 << (bit % 8)
    other = replace(frame.header, salt=bytes(salt))
    assert other.frame_key.sync_word == frame.header.frame_key.sync_word
    assert check_frame_header(frame.data, 0, frame.offset, other.frame_key) is None


@pytest.mark.req("FMT-5.3", "FMT-5.4")
@given(frames(), st.data())
def test_frame_with_one_bit_flipped_does_not_verify(frame: Placed, data: st.DataObject) -> None:
    bit = data.draw(st.integers(0, len(frame.data) * 8 - 1))
    damaged = bytearray(frame.data)
    damaged[bit // 8] ^= 1 << (bit % 8)
    assert not frame._replace(data=bytes(damaged)).verifies_as(frame.header, frame.offset)


@pytest.mark.req("FMT-5.3", "FMT-5.4")
def test_frame_header_with_any_bit_flipped_does_not_verify() -> None:
    frame = encode_frame(HEADER.frame_key, FRAMES_OFFSET, 1, payload(1))
    for bit in range(FRAME_HEADER_BYTES * 8):
        damaged = bytearray(frame)
        damaged[bit // 8] ^= 1 << (bit % 8)
        assert check_frame_header(bytes(damaged), 0, FRAMES_OFFSET, HEADER.frame_key) is None
        assert read_expected(bytes(damaged), FRAMES_OFFSET, 1) is None


@pytest.mark.req("FMT-5.2", "FMT-5.4")
def test_frame_of_another_sync_word_does_not_verify_although_its_crc_holds() -> None:
    sync = b"\1\2\3\4"
    start = sync + (87).to_bytes(4, "little") + (1).to_bytes(8, "little")
    place = HEADER.file_number.to_bytes(4, "little") + FRAMES_OFFSET.to_bytes(8, "little")
    frame = start + crc32(HEADER.salt + place + start).to_bytes(4, "little")
    assert check_frame_header(frame, 0, FRAMES_OFFSET, HEADER.frame_key) is None


# ---- The fast path ----------------------------------------------------------


def read_expected_frame(
    data: bytes, index: int, offset: int, sequence: int, key: FrameKey
) -> bytes | None:
    """The body of the first frame of a run, or None if there is none."""
    run = read_frames(data, index, offset, sequence, sequence + 1, key)
    return run[0].body if run else None


def read_expected(data: bytes, offset: int, sequence: int, index: int = 0) -> bytes | None:
    return read_expected_frame(data, index, offset, sequence, HEADER.frame_key)


@pytest.mark.req("FMT-5.4")
@given(frames(), st.binary(max_size=9), st.binary(max_size=9), st.data())
def test_fast_path_gives_the_body_of_exactly_the_frame_that_is_expected(
    frame: Placed, before: bytes, behind: bytes, data: st.DataObject
) -> None:
    key, index = frame.header.frame_key, len(before)
    whole = before + frame.data + behind
    body = frame.data[FRAME_HEADER_BYTES:]
    cut = data.draw(st.integers(index, index + len(frame.data) - 1))

    def read(text: bytes, offset: int, sequence: int) -> bytes | None:
        return read_expected_frame(text, index, offset, sequence, key)

    assert read(whole, frame.offset, frame.sequence) == body
    assert read(whole, frame.offset + 1, frame.sequence) is None
    assert read(whole, frame.offset, frame.sequence + 1) is None
    assert read(whole[:cut], frame.offset, frame.sequence) is None


@pytest.mark.req("FMT-5.4")
@given(frames(), st.data())
def test_fast_path_takes_no_frame_that_does_not_verify(frame: Placed, data: st.DataObject) -> None:
    bit = data.draw(st.integers(0, len(frame.data) * 8 - 1))
    damaged = bytearray(frame.data)
    damaged[bit // 8] ^= 1 << (bit % 8)
    key = frame.header.frame_key
    assert read_expected_frame(bytes(damaged), 0, frame.offset, frame.sequence, key) is None


@st.composite
def encoded_batches(draw: st.DrawFn) -> tuple[FrameKey, int, int, bytes, list[bytes]]:
    """A key, an offset, a sequence, an encoded timestamp, and bytes that stand for events."""
    header = draw(headers())
    offset = draw(st.integers(FRAMES_OFFSET, 2**40))
    events = draw(st.lists(st.binary(min_size=47, max_size=200), min_size=1, max_size=8))
    timestamp = encode_timestamp(draw(times_ns))
    return header.frame_key, offset, draw(st.integers(1, SEQUENCE_MAX - 9)), timestamp, events


@pytest.mark.req("FMT-5.1", "FMT-5.4", "WAL-3.2")
@given(encoded_batches(), st.data())
def test_many_frames_in_one_loop_are_those_made_and_read_one_by_one(
    batch: tuple[FrameKey, int, int, bytes, list[bytes]], data: st.DataObject
) -> None:
    key, offset, sequence, timestamp, events = batch
    places, at = [], offset
    for number, event in enumerate(events, sequence):
        frame = encode_frame(key, at, number, timestamp, event)
        places.append(StoredFrame(at, number, frame[FRAME_HEADER_BYTES:]))
        at += len(frame)
    ends = [place.offset + FRAME_HEADER_BYTES + len(place.body) for place in places]
    limits = st.one_of(st.sampled_from(ends), st.integers(offset, at + 9))  # often just met
    end_max, start_end = data.draw(limits), data.draw(limits)
    wanted = 1 + sum(
        end <= end_max and place.offset < start_end
        for place, end in zip(places[1:], ends[1:], strict=True)
    )
    pieces, count, end = encode_frames(
        key, offset, sequence, timestamp, events, end_max=end_max, start_end=start_end
    )
    assert (count, end) == (wanted, ends[wanted - 1])
    text = b"".join(pieces)
    before = data.draw(st.binary(max_size=9))
    run = read_frames(before + text + b"x", len(before), offset, sequence, 2**64, key)
    assert run == places[:wanted]
    last = data.draw(st.integers(sequence, sequence + 9))
    assert read_frames(text, 0, offset, sequence, last, key) == run[: last - sequence]
    bit = data.draw(st.integers(0, len(text) * 8 - 1))
    damaged = bytearray(text)
    damaged[bit // 8] ^= 1 << (bit % 8)
    good = sum(each <= offset + bit // 8 for each in ends[:wanted])
    assert read_frames(bytes(damaged), 0, offset, sequence, 2**64, key) == run[:good]


@pytest.mark.req("FMT-5.2", "FMT-5.4")
def test_fast_path_takes_no_frame_of_another_sync_word() -> None:
    frame = encode_frame(HEADER.frame_key, FRAMES_OFFSET, 1, payload(1))
    assert read_expected(frame, FRAMES_OFFSET, 1) == frame[FRAME_HEADER_BYTES:]
    assert read_expected(b"\1\2\3\4" + frame[4:], FRAMES_OFFSET, 1) is None


@pytest.mark.req("FMT-5.4")
@pytest.mark.parametrize("length", [86, 2**20 + 1])
def test_fast_path_takes_no_frame_of_a_length_outside_the_bounds(length: int) -> None:
    body = bytes(length - 4)
    frame = frame_by_the_text(HEADER, FRAMES_OFFSET, 1, body, length)
    assert read_expected(frame, FRAMES_OFFSET, 1) is None


@pytest.mark.req("FMT-5.1")
@given(st.integers(0, 200))
def test_payload_in_two_pieces_gives_the_same_frame(cut: int) -> None:
    text, key = payload(1, "long" * 9), HEADER.frame_key
    whole = encode_frame(key, FRAMES_OFFSET, 1, text)
    assert encode_frame(key, FRAMES_OFFSET, 1, text[:cut], text[cut:]) == whole


@pytest.mark.req("FMT-5.4")
@given(headers(), st.integers(0, 2**40))
def test_zeros_are_never_a_frame(header: SegmentHeader, offset: int) -> None:
    assert check_frame_header(bytes(20), 0, offset, header.frame_key) is None


@pytest.mark.req("FMT-5.3")
@given(headers(), st.integers(1, SEQUENCE_MAX - 1), st.integers(FRAMES_OFFSET, 2**30))
def test_bodies_of_two_equally_long_frames_do_not_verify_when_swapped(
    header: SegmentHeader, sequence: int, offset: int
) -> None:
    one = encode_frame(header.frame_key, offset, sequence, payload(1))
    other = encode_frame(header.frame_key, offset + len(one), sequence + 1, payload(2))
    assert len(one) == len(other)

    for place, frame, foreign in ((offset, one, other), (offset + len(one), other, one)):
        found = check_frame_header(frame, 0, place, header.frame_key)
        assert found is not None
        assert body_verifies(frame[FRAME_HEADER_BYTES:], found)
        assert not body_verifies(foreign[FRAME_HEADER_BYTES:], found)


@pytest.mark.req("FMT-5.3")
@given(st.binary(max_size=40))
def test_crc_that_covers_itself_forgets_what_came_before(data: bytes) -> None:
    own = crc32(data)
    assert crc32(own.to_bytes(4, "little"), own) == 0x2144DF1C


@pytest.mark.req("FMT-5.3", "FMT-5.4")
def test_body_whose_crc_does_not_continue_the_header_does_not_verify() -> None:
    body = (1).to_bytes(8, "little") + payload(1)
    frame = frame_by_the_text(HEADER, FRAMES_OFFSET, 1, body, len(body) + 4)
    found = check_frame_header(frame, 0, FRAMES_OFFSET, HEADER.frame_key)
    assert found is not None
    assert not body_verifies(body + crc32(body).to_bytes(4, "little"), found)


@pytest.mark.req("FMT-5.4")
@pytest.mark.parametrize("length", [0, 86, 2**20 + 1, 2**32 - 1])
def test_header_of_a_length_outside_the_bounds_does_not_verify(length: int) -> None:
    frame = frame_by_the_text(HEADER, FRAMES_OFFSET, 1, b"", length)
    assert check_frame_header(frame, 0, FRAMES_OFFSET, HEADER.frame_key) is None


@pytest.mark.req("FMT-5.4")
@pytest.mark.parametrize("sequence", [0, SEQUENCE_MAX + 1, 2**64 - 1])
def test_header_of_a_sequence_outside_the_bounds_does_not_verify(sequence: int) -> None:
    frame = frame_by_the_text(HEADER, FRAMES_OFFSET, sequence, b"", 87)
    assert check_frame_header(frame, 0, FRAMES_OFFSET, HEADER.frame_key) is None


@pytest.mark.req("FMT-5.1", "FMT-5.4")
@pytest.mark.parametrize(("length", "sequence"), [(87, 1), (2**20, SEQUENCE_MAX)])
def test_header_at_the_bounds_verifies(length: int, sequence: int) -> None:
    frame = frame_by_the_text(HEADER, FRAMES_OFFSET, sequence, b"", length)
    found = check_frame_header(frame, 0, FRAMES_OFFSET, HEADER.frame_key)
    assert found == FrameHeader(length, sequence, int.from_bytes(frame[16:20], "little"))


# ---- Bodies that verify and cannot be decoded -------------------------------


def decoded(decode: Callable[[bytes, int], LogEntry], body: bytes, sequence: int) -> object:
    """The entry, or the error with its place."""
    try:
        return decode(body, sequence)
    except DecodeError as error:
        return type(error), error.offset, str(error)


@pytest.mark.req("FMT-5.1", "FMT-2.2", "FMT-2.3", "FMT-2.6", "REC-11.1")
@given(frames(), st.data())
def test_a_damaged_body_is_decoded_as_step_by_step(frame: Placed, data: st.DataObject) -> None:
    body = bytearray(frame.data[FRAME_HEADER_BYTES:])
    for _ in range(data.draw(st.integers(0, 3))):
        place = st.one_of(st.integers(0, 50), st.integers(0, len(body) - 1))
        body[min(data.draw(place), len(body) - 1)] = data.draw(st.integers(0, 255))
    cut = data.draw(st.one_of(st.just(len(body)), st.integers(16, len(body))))
    text = bytes(body[:cut])
    sequence = data.draw(st.sampled_from([frame.sequence, frame.sequence + 1]))
    assert decoded(decode_body, text, sequence) == decoded(decode_body_plainly, text, sequence)


CRC = b"\0\0\0\0"


@pytest.mark.req("FMT-5.1", "REC-11.1")
def test_body_of_another_sequence_than_its_header_is_an_error() -> None:
    body = (2).to_bytes(8, "little") + payload(1) + CRC
    with pytest.raises(NumberOutOfRange, match="body says sequence 2, header 1") as caught:
        decode_body(body, 1)
    assert caught.value.offset == 0


@pytest.mark.req("FMT-2.5", "REC-11.1")
def test_body_with_bytes_between_event_and_crc_is_an_error() -> None:
    body = (1).to_bytes(8, "little") + payload(1)
    with pytest.raises(TrailingBytes, match="3 bytes") as caught:
        decode_body(body + b"abc" + CRC, 1)
    assert caught.value.offset == len(body)


@pytest.mark.req("FMT-2.3", "REC-11.1")
def test_body_whose_event_runs_into_the_crc_is_an_error() -> None:
    body = (1).to_bytes(8, "little") + payload(1)
    with pytest.raises(EndOfBytes, match="runs into the CRC") as caught:
        decode_body(body, 1)
    assert caught.value.offset == len(body) - 4


@pytest.mark.req("FMT-2.2", "REC-11.1")
def test_body_with_an_event_of_an_unknown_type_is_an_error_at_its_offset() -> None:
    timestamp = encode_timestamp(CLOCK_NS)
    event = b"\3" + encode_event(small_event(1))[1:]
    with pytest.raises(InvalidTag) as caught:
        decode_body((1).to_bytes(8, "little") + timestamp + event + CRC, 1)
    assert caught.value.offset == 8 + len(timestamp)
