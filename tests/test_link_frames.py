"""The link's envelope and its decoder under attack: any cut, any damage, bounded memory.

The oracle for frames cuts a stream with slices. Examples of each message are in
test_link_messages.py; vectors are fed here once more, in small pieces.

Spec: LNK-1, LNK-2.1.
"""

from __future__ import annotations

import struct
import tracemalloc
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fault_injection.ports.vectors import content_of
from reference.codec import encode_event, encode_timestamp
from reference.connector_config import ConnectorConfig
from reference.connector_errors import FrameLengthOutOfRange
from reference.errors import DecodeError, LengthOutOfRange, NumberOutOfRange
from reference.events import EventType, LogEntry
from reference.frame import encode_frame as encode_log_frame
from reference.frame import payload_of
from reference.limits import (
    EVENT_BYTES_MAX,
    FRAME_HEADER_BYTES,
    FRAMES_OFFSET,
    ConfigError,
)
from reference.link_frames import FrameReader, encode_frame, encode_message_frame
from reference.link_messages import (
    Hello,
    LinkMessage,
    Publish,
    Welcome,
    decode_message,
    encode_message,
    encode_publish_frame,
    payload_offset,
    publish_frame_bytes,
)
from reference.timestamps import TIME_NS_MAX
from tests import vector_tools
from tests.test_link_messages import ONE_OF_EACH, messages
from tests.vectors.two_records import ENTRIES, HEADER
from tests.wal_helpers import small_event

BODY_BYTES_MAX = 2**20
LOG_ID = bytes(range(1, 17))
BAD_LENGTHS = (0, 1, 3, BODY_BYTES_MAX + 1, 2**31, 2**32 - 1)
LINK_VECTORS: list[Any] = vector_tools.load("link.json")["tests"]


def cut_by_slices(stream: bytes) -> tuple[list[bytes], int, int | None]:
    """The oracle: bodies, the bytes that are left, and the length that is wrong, if one is."""
    bodies: list[bytes] = []
    while len(stream) >= 4:
        length = int.from_bytes(stream[:4], "little")
        if length < 4 or length > BODY_BYTES_MAX:
            return bodies, len(stream), length
        if len(stream) < 4 + length:
            break
        bodies.append(stream[4 : 4 + length])
        stream = stream[4 + length :]
    return bodies, len(stream), None


def cut_by_reader(stream: bytes, piece_bytes: int) -> tuple[list[bytes], int, int | None]:
    """The same, by the reader, fed in pieces of this size."""
    reader = FrameReader()
    bodies: list[bytes] = []
    try:
        for start in range(0, len(stream), piece_bytes):
            for body in reader.feed(stream[start : start + piece_bytes]):
                bodies.append(body)
    except FrameLengthOutOfRange as error:
        left = len(stream) - sum(4 + len(body) for body in bodies)
        return bodies, left, error.length_bytes
    return bodies, reader.held_bytes, None


# ---- Frames -----------------------------------------------------------------


@pytest.mark.req("LNK-1.1", "LNK-1.2")
@given(
    st.lists(
        st.one_of(
            st.binary(min_size=4, max_size=40).map(encode_frame),
            st.sampled_from(BAD_LENGTHS).map(lambda length: struct.pack("<I", length)),
            st.binary(max_size=9),
        ),
        max_size=8,
    ),
    st.integers(1, 50),
)
def test_reader_finds_what_slicing_finds(pieces: list[bytes], piece_bytes: int) -> None:
    """Good frames, bad lengths and noise in a row."""
    stream = b"".join(pieces)
    assert cut_by_reader(stream, piece_bytes) == cut_by_slices(stream)


@pytest.mark.req("LNK-1.1", "LNK-1.2")
@pytest.mark.parametrize("last", [b"", b"\5", encode_frame(b"rest")[:-1], b"\0\0\0\0", b"\xff" * 4])
def test_stream_cut_anywhere_gives_the_same(last: bytes) -> None:
    stream = b"".join(encode_message_frame(message) for message in ONE_OF_EACH[2:5]) + last
    wanted, _, wrong = cut_by_slices(stream)
    for place in range(len(stream) + 1):
        reader = FrameReader()
        bodies: list[bytes] = []
        bad: int | None = None
        for piece in (stream[:place], b"", stream[place:]):
            try:
                for body in reader.feed(piece):
                    bodies.append(body)
            except FrameLengthOutOfRange as error:
                bad = error.length_bytes
        assert (bodies, bad) == (wanted, wrong), place


@pytest.mark.req("LNK-1.1", "LNK-1.3")
@pytest.mark.parametrize("test", LINK_VECTORS, ids=lambda test: str(test["id"]))
def test_vector_in_small_pieces_gives_the_same_messages(test: Any) -> None:
    stream = content_of(test["given"]["parts"])
    then = test["then"]
    for piece_bytes in (1, 2, 3, 5) if len(stream) <= 4096 else (4096, 65_537):
        bodies, left, bad = cut_by_reader(stream, piece_bytes)
        kinds = []
        error = None if bad is None else "FrameLengthOutOfRange"
        for body in bodies:
            try:
                kinds.append(type(decode_message(body)).__name__)
            except DecodeError as found:
                error = type(found).__name__
                break
        assert kinds == [message["type"] for message in then["messages"]]
        assert error == then.get("error")
        assert error or left == then["rest_bytes"]


@pytest.mark.req("LNK-1.1")
@pytest.mark.parametrize("length", [4, 5, BODY_BYTES_MAX - 1, BODY_BYTES_MAX])
def test_frame_of_a_length_within_the_bounds_is_read(length: int) -> None:
    stream = encode_frame(b"b" * length) + encode_frame(b"next")
    assert cut_by_reader(stream, 65_536) == ([b"b" * length, b"next"], 0, None)


@pytest.mark.req("LNK-1.1")
@pytest.mark.parametrize("length", [0, 3, BODY_BYTES_MAX + 1])
def test_frame_that_no_reader_takes_is_never_written(length: int) -> None:
    with pytest.raises(AssertionError):
        encode_frame(bytes(length))


@pytest.mark.req("LNK-1.2")
@pytest.mark.parametrize("piece_bytes", [1, 7, 4096, 100_000])
def test_reader_holds_less_than_one_frame_and_the_piece(piece_bytes: int) -> None:
    body_bytes = 50_000
    stream = encode_frame(bytes(body_bytes)) * 3
    reader = FrameReader()
    count = 0
    for start in range(0, len(stream), piece_bytes):
        count += sum(1 for _ in reader.feed(stream[start : start + piece_bytes]))
        assert reader.held_bytes < body_bytes + 4
    assert count == 3


@pytest.mark.req("LNK-1.2", "FMT-1.3")
@pytest.mark.parametrize("length", [BODY_BYTES_MAX + 1, 2**31, 2**32 - 1])
def test_hostile_length_takes_no_memory(length: int) -> None:
    prefix = struct.pack("<I", length)
    tracemalloc.start()
    try:
        for _ in range(50):
            reader = FrameReader()
            for byte in prefix[:3]:
                assert list(reader.feed(bytes([byte]))) == []
            with pytest.raises(FrameLengthOutOfRange):
                list(reader.feed(prefix[3:]))
            assert reader.held_bytes == 4
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 500_000


@pytest.mark.req("LNK-1.2")
def test_legal_length_takes_no_memory_before_its_body_comes() -> None:
    tracemalloc.start()
    try:
        readers = [FrameReader() for _ in range(50)]
        for reader in readers:
            assert list(reader.feed(struct.pack("<I", BODY_BYTES_MAX))) == []
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 500_000
    assert [reader.held_bytes for reader in readers] == [4] * 50


@pytest.mark.req("LNK-1.1")
def test_iterator_that_was_left_early_keeps_the_frames_behind() -> None:
    reader = FrameReader()
    for body in reader.feed(encode_frame(b"one!") + encode_frame(b"two!") + b"\4\0"):
        assert body == b"one!"
        break
    assert list(reader.feed(b"\0\0last")) == [b"two!", b"last"]


# ---- Messages under damage --------------------------------------------------


def is_of_another_version(message: LinkMessage) -> bool:
    """What a message of another version further holds is dropped, so it cannot come back."""
    return isinstance(message, Hello | Welcome) and message.protocol_version != 1


def decodes_canonically_or_fails(body: bytes) -> None:
    """Anything but a DecodeError goes through, and fails the test that calls this."""
    try:
        message = decode_message(body)
    except DecodeError as error:
        assert type(error) is not DecodeError, "one of its subclasses"
        assert 0 <= error.offset <= len(body)
        return
    assert is_of_another_version(message) or encode_message(message) == body


@st.composite
def damaged_bodies(draw: st.DrawFn) -> bytes:
    """A valid body with bytes replaced, cut out, doubled or inserted, a few times."""
    body = encode_message(draw(messages))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(body)))
        end = draw(st.integers(start, min(len(body), start + 9)))
        new = draw(st.one_of(st.binary(max_size=9), st.just(body[start:end] * 2)))
        body = body[:start] + new + body[end:]
    return body


@pytest.mark.req("LNK-1.3", "LNK-4.1", "FMT-1.3")
@given(damaged_bodies())
def test_damaged_message_is_an_error_or_another_message(body: bytes) -> None:
    decodes_canonically_or_fails(body)


@pytest.mark.req("LNK-1.3", "LNK-4.1", "FMT-1.3")
@given(st.integers(0, 9), st.binary(max_size=120))
@example(9, b"")
def test_any_bytes_behind_a_tag_are_a_message_or_an_error(tag: int, rest: bytes) -> None:
    decodes_canonically_or_fails(struct.pack("<I", tag) + rest)


@pytest.mark.req("LNK-1.3", "LNK-4.1")
@given(messages, st.data())
def test_one_changed_byte_is_an_error_or_another_message(
    message: LinkMessage, data: st.DataObject
) -> None:
    body = bytearray(encode_message(message))
    place = data.draw(st.integers(0, len(body) - 1))
    body[place] ^= data.draw(st.integers(1, 255))
    decodes_canonically_or_fails(bytes(body))


@pytest.mark.req("LNK-1.3")
@given(messages, st.binary(min_size=1, max_size=9))
def test_bytes_behind_a_message_are_an_error(message: LinkMessage, rest: bytes) -> None:
    with pytest.raises(DecodeError):
        decode_message(encode_message(message) + rest)


@pytest.mark.req("LNK-1.3")
@pytest.mark.parametrize(
    ("message", "error", "offset"),
    [
        (Hello(0, "procmond", LOG_ID, 0), NumberOutOfRange, 4),
        (Hello(1, "ż" * 128, LOG_ID, 0), LengthOutOfRange, 8),
        (Hello(2, "c" * 256, LOG_ID, 0), LengthOutOfRange, 8),
        (Hello(1, "procmond", bytes(16), 0), NumberOutOfRange, 24),
        (Hello(2, "", bytes(16), 0), NumberOutOfRange, 16),
        (Publish("t", LogEntry(0, 0, small_event(1))), NumberOutOfRange, 4),
        (Publish("t", LogEntry(2**64 - 2**16, 0, small_event(1))), NumberOutOfRange, 4),
        (Publish("t", LogEntry(2**64 - 1, 0, small_event(1))), NumberOutOfRange, 4),
    ],
)
def test_number_or_length_outside_its_range_is_an_error_at_its_place(
    message: LinkMessage, error: type[DecodeError], offset: int
) -> None:
    with pytest.raises(error) as caught:
        decode_message(encode_message(message))
    assert caught.value.offset == offset


@pytest.mark.req("LNK-2.1")
@pytest.mark.parametrize(
    ("client_id", "is_sent"),
    [("", False), ("c", True), ("c" * 255, True), ("ż" * 127, True), ("c" * 256, False)],
)
def test_client_id_that_a_connector_may_have(client_id: str, is_sent: bool) -> None:
    """A reader takes an empty one nevertheless."""
    if is_sent:
        assert ConnectorConfig(client_id=client_id).client_id == client_id
    else:
        with pytest.raises(ConfigError, match="client_id must have 1 to 255 bytes"):
            ConnectorConfig(client_id=client_id)
    hello = Hello(1, client_id, LOG_ID, 0)
    if len(client_id) > 255:
        with pytest.raises(LengthOutOfRange):
            decode_message(encode_message(hello))
    else:
        assert decode_message(encode_message(hello)) == hello


@pytest.mark.req("LNK-2.1")
@given(st.integers(2, 2**32 - 1), st.binary(max_size=40))
def test_fields_behind_the_hello_of_a_higher_version_are_ignored(version: int, rest: bytes) -> None:
    hello = Hello(version, "procmond", LOG_ID, 7)
    assert decode_message(encode_message(hello) + rest) == hello


@pytest.mark.req("LNK-2.1")
@given(st.integers(0, 2**32 - 1).filter(lambda version: version != 1), st.binary(max_size=40))
def test_of_a_welcome_of_another_version_only_that_is_read(version: int, rest: bytes) -> None:
    assert decode_message(struct.pack("<II", 4, version) + rest) == Welcome(version, 0, 0)


# ---- Publish from the log's bytes -------------------------------------------


@pytest.mark.req("LNK-1.4", "BUF-1.1")
@pytest.mark.parametrize("kind", EventType)
@pytest.mark.parametrize(
    ("time_ns", "text_bytes"), [(0, 20), (10**6, 24), (10**3, 27), (TIME_NS_MAX, 30)]
)
def test_publish_frame_of_each_timestamp_length_and_type(
    kind: EventType, time_ns: int, text_bytes: int
) -> None:
    event = small_event(1)._replace(event_type=kind)
    payload = encode_timestamp(time_ns) + encode_event(event)
    topic = f"events.process.{kind.name.lower()}".encode()
    frame = encode_publish_frame(9, payload)
    head = struct.pack("<IQQ", 1, 9, len(topic)) + topic
    assert frame == struct.pack("<I", len(head) + len(payload)) + head + payload
    assert payload_offset(payload) == 4 + len(head)
    assert publish_frame_bytes(payload) == len(frame)
    assert len(payload) == 8 + text_bytes + len(encode_event(event))
    assert decode_message(frame[4:]) == Publish(topic.decode(), LogEntry(9, time_ns, event))


@pytest.mark.req("LNK-1.4", "FMT-5.1")
@pytest.mark.parametrize("entry", ENTRIES)
def test_publish_ends_with_the_bytes_of_the_log(entry: LogEntry) -> None:
    payload = encode_timestamp(entry.timestamp_ns) + encode_event(entry.event)
    stored = encode_log_frame(HEADER.frame_key, FRAMES_OFFSET, entry.sequence, payload)
    sent = encode_publish_frame(entry.sequence, payload)
    assert sent.endswith(payload_of(stored[FRAME_HEADER_BYTES:]))


@pytest.mark.req("LNK-1.1", "LNK-1.4")
def test_largest_event_that_a_log_takes_fits_into_a_frame() -> None:
    smallest = small_event(1)._replace(event_type=EventType.MODIFY, name="")
    event = smallest._replace(name="x" * (EVENT_BYTES_MAX - len(encode_event(smallest))))
    payload = encode_timestamp(TIME_NS_MAX) + encode_event(event)
    frame = encode_publish_frame(2**64 - 1 - 2**16, payload)
    assert len(encode_event(event)) == EVENT_BYTES_MAX
    assert len(frame) - 4 <= BODY_BYTES_MAX
    assert cut_by_reader(frame, 65_536) == ([frame[4:]], 0, None)
