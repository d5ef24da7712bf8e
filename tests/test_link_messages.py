"""The link's messages and frames: inverse, canonical, bounded, whatever the bytes."""

from __future__ import annotations

import itertools
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.codec import encode_event, encode_timestamp
from reference.connector_errors import FrameLengthOutOfRange
from reference.errors import DecodeError, EndOfBytes, InvalidTag
from reference.events import LogEntry
from reference.limits import LINK_BODY_BYTES_MAX, SEQUENCE_MAX
from reference.link_dump import dump_link_frame
from reference.link_frames import FrameReader, encode_frame, encode_message_frame
from reference.link_messages import (
    TAGS,
    TOPICS,
    Acknowledge,
    Error,
    Goodbye,
    Hello,
    LinkMessage,
    Ping,
    Pong,
    Publish,
    Refuse,
    Welcome,
    decode_message,
    encode_message,
    encode_publish_frame,
    payload_offset,
    publish_frame_bytes,
)
from tests.strategies import events, texts, times_ns
from tests.wal_helpers import small_event

u32 = st.integers(0, 2**32 - 1)
u64 = st.integers(0, 2**64 - 1)
entries = st.builds(LogEntry, st.integers(1, SEQUENCE_MAX), times_ns, events())
messages: st.SearchStrategy[LinkMessage] = st.one_of(
    st.builds(Hello, st.just(1), texts, st.binary(min_size=16, max_size=16).filter(any), u64),
    st.builds(Publish, texts, entries),
    st.builds(Ping, u64),
    st.just(Goodbye()),
    st.builds(Welcome, st.just(1), u32, u64),
    st.builds(Acknowledge, u64),
    st.builds(Refuse, u64, texts),
    st.builds(Pong, u64),
    st.builds(Error, texts),
)
ONE_OF_EACH: tuple[LinkMessage, ...] = (
    Hello(1, "procmond", bytes(range(16)), 7),
    Publish("events.process.start", LogEntry(3, 10**18, small_event(1))),
    Ping(1), Goodbye(), Welcome(1, 256, 7), Acknowledge(9), Refuse(4, "no"), Pong(1), Error("x"),
)  # fmt: skip


@pytest.mark.req("LNK-1.3")
@given(messages)
def test_decoding_is_the_inverse_of_encoding(message: LinkMessage) -> None:
    assert decode_message(encode_message(message)) == message


@pytest.mark.req("LNK-1.3")
@pytest.mark.parametrize("message", ONE_OF_EACH, ids=lambda m: type(m).__name__)
def test_each_message_has_its_tag_and_comes_back(message: LinkMessage) -> None:
    body = encode_message(message)
    assert struct.unpack_from("<I", body)[0] == TAGS[type(message)]
    assert decode_message(body) == message


@pytest.mark.req("LNK-1.4", "BUF-1.1")
@given(entries)
def test_a_frame_made_of_the_logs_bytes_is_the_one_of_the_message(entry: LogEntry) -> None:
    payload = encode_timestamp(entry.timestamp_ns) + encode_event(entry.event)
    frame = encode_publish_frame(entry.sequence, payload)
    topic = TOPICS[entry.event.event_type]
    assert frame == encode_message_frame(Publish(topic, entry))
    assert publish_frame_bytes(payload) == len(frame)
    assert frame[payload_offset(payload) :] == payload


@pytest.mark.req("LNK-1.3", "LNK-4.1", "FMT-1.3")
@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_one_of_the_errors(body: bytes) -> None:
    try:
        message = decode_message(body)
    except DecodeError as error:
        assert 0 <= error.offset <= len(body)
    else:
        assert isinstance(message, Welcome | Hello) or encode_message(message) == body


@pytest.mark.req("LNK-1.3", "LNK-4.1")
@pytest.mark.parametrize("message", ONE_OF_EACH, ids=lambda m: type(m).__name__)
def test_every_small_change_is_another_message_or_an_error(message: LinkMessage) -> None:
    """Nothing that decodes is a second spelling of something else."""
    good = encode_message(message)
    for position in range(len(good)):
        for flip in (1, 0x80, 0xFF):
            changed = bytearray(good)
            changed[position] ^= flip
            try:
                found = decode_message(bytes(changed))
            except DecodeError:
                continue
            other_version = isinstance(found, Hello | Welcome) and found.protocol_version != 1
            assert other_version or encode_message(found) == changed


@pytest.mark.req("LNK-1.3")
@pytest.mark.parametrize("message", ONE_OF_EACH, ids=lambda m: type(m).__name__)
def test_every_shortening_is_an_error(message: LinkMessage) -> None:
    good = encode_message(message)
    for length in range(len(good)):
        with pytest.raises((DecodeError,)):
            decode_message(good[:length])


@pytest.mark.req("LNK-1.3")
def test_less_than_a_tag_is_too_short_and_an_unknown_tag_is_named() -> None:
    with pytest.raises(EndOfBytes):
        decode_message(b"\1\0\0")
    with pytest.raises(InvalidTag, match="message tag 9"):
        decode_message(b"\x09\0\0\0")


# ---- Frames -----------------------------------------------------------------


def cut(data: bytes, places: list[int]) -> list[bytes]:
    bounds = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(bounds)]


@pytest.mark.req("LNK-1.1", "LNK-1.2")
@given(st.lists(st.binary(min_size=4, max_size=60), max_size=6), st.lists(st.integers(0, 400)))
def test_a_stream_gives_the_same_bodies_in_any_pieces(
    bodies: list[bytes], places: list[int]
) -> None:
    stream = b"".join(encode_frame(body) for body in bodies)
    reader = FrameReader()
    found: list[bytes] = []
    longest = max((len(body) + 4 for body in bodies), default=0)
    for piece in cut(stream, places):
        found += reader.feed(piece)
        assert reader.held_bytes < max(longest, 1), "less than one frame is kept"
    assert found == bodies
    assert reader.held_bytes == 0


@pytest.mark.req("LNK-1.2", "FMT-1.3")
@pytest.mark.parametrize("length", [0, 3, LINK_BODY_BYTES_MAX + 1, 2**32 - 1])
def test_a_bad_length_is_refused_at_its_fourth_byte(length: int) -> None:
    reader = FrameReader()
    prefix = struct.pack("<I", length)
    for byte in prefix[:3]:
        assert list(reader.feed(bytes([byte]))) == []
    with pytest.raises(FrameLengthOutOfRange) as caught:
        list(reader.feed(prefix[3:]))
    assert caught.value.length_bytes == length
    assert reader.held_bytes == 4


@pytest.mark.req("LNK-1.2")
def test_good_frames_before_a_bad_length_are_given_out() -> None:
    stream = encode_frame(b"good") + encode_frame(b"also") + b"\0\0\0\0"
    found = []
    with pytest.raises(FrameLengthOutOfRange):
        for body in FrameReader().feed(stream):
            found.append(body)
    assert found == [b"good", b"also"]


@pytest.mark.req("LNK-1.3", "CLI-2.1")
@pytest.mark.parametrize("message", ONE_OF_EACH, ids=lambda m: type(m).__name__)
def test_a_dump_names_every_byte(message: LinkMessage) -> None:
    frame = encode_message_frame(message)
    lines = dump_link_frame(frame)
    shown = bytes.fromhex("".join(line[10:33] for line in lines if " x " not in line))
    assert frame == shown
    assert type(message).__name__ in lines[1]


@pytest.mark.req("LNK-1.3")
def test_what_is_no_message_is_not_dumped() -> None:
    with pytest.raises(InvalidTag):
        dump_link_frame(encode_frame(b"\x63\0\0\0"))
