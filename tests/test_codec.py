"""Events as bincode legacy bytes: against SPEC.md by hand, and against damage. Spec: FMT-1, FMT-2.

`encode_by_the_text` below is written from section 3 of SPEC.md and uses nothing of
reference/codec.py, so the two are independent.
"""

from __future__ import annotations

import ctypes
import random
import tracemalloc
from typing import Any, NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reference.codec import (
    decode_event,
    decode_event_at,
    decode_event_plainly_at,
    decode_timestamp_at,
    encode_event,
    encode_event_plainly,
    encode_timestamp,
)
from reference.crc import crc32
from reference.errors import (
    DecodeError,
    EndOfBytes,
    InvalidEvent,
    InvalidTag,
    InvalidText,
    LengthOutOfRange,
    NumberOutOfRange,
    TrailingBytes,
)
from reference.events import EventType, ProcessEvent
from reference.fast_decode import decode_event_fast
from reference.fast_encode import encode_event_fast
from reference.timestamps import SECONDS_MAX, TIME_NS_MAX
from tests.strategies import events, faker_event, times_ns
from tests.test_events import BAD_FIELDS
from tests.wal_helpers import small_event

# ---- The oracle -------------------------------------------------------------


def u32(number: int) -> bytes:
    return number.to_bytes(4, "little")


def u64(number: int) -> bytes:
    return number.to_bytes(8, "little")


def text(value: str) -> bytes:
    data = value.encode("utf-8")
    return u64(len(data)) + data


def system_time(time_ns: int) -> bytes:
    return u64(time_ns // 1_000_000_000) + u32(time_ns % 1_000_000_000)


def f64(value: float) -> bytes:
    return bytes(ctypes.c_double.__ctype_le__(value))


def encode_by_the_text(event: ProcessEvent) -> bytes:
    """Return what section 3 of SPEC.md says that the event's bytes are."""
    parts = [
        u32({EventType.START: 0, EventType.STOP: 1, EventType.MODIFY: 2}[event.event_type]),
        u32(event.pid),
        b"\0" if event.ppid is None else b"\1" + u32(event.ppid),
        text(event.name),
        b"\0" if event.executable_path is None else b"\1" + text(event.executable_path),
        u64(len(event.command_line)),
        *(text(argument) for argument in event.command_line),
        b"\0" if event.start_time_ns is None else b"\1" + system_time(event.start_time_ns),
        b"\0" if event.cpu_usage is None else b"\1" + f64(event.cpu_usage),
        b"\0" if event.memory_usage is None else b"\1" + u64(event.memory_usage),
        b"\0" if event.executable_hash is None else b"\1" + text(event.executable_hash),
        b"\0" if event.hash_algorithm is None else b"\1" + text(event.hash_algorithm),
        b"\0" if event.user_id is None else b"\1" + text(event.user_id),
        b"\1" if event.accessible else b"\0",
        b"\1" if event.file_exists else b"\0",
        system_time(event.timestamp_ns),
        b"\0" if event.platform_metadata is None else b"\1" + text(event.platform_metadata),
    ]
    return b"".join(parts)


# ---- Encoding ---------------------------------------------------------------


@pytest.mark.req("FMT-2.1", "EVT-1.1")
@given(events())
def test_bytes_are_those_that_the_text_of_the_specification_gives(event: ProcessEvent) -> None:
    assert encode_event(event) == encode_by_the_text(event)


@pytest.mark.req("FMT-2.1")
@given(events())
def test_event_decodes_to_itself(event: ProcessEvent) -> None:
    decoded = decode_event(encode_event(event))
    assert decoded == event
    assert repr(decoded) == repr(event)  # 1 and True, 0.0 and -0.0 are equal to Python


@pytest.mark.req("FMT-2.1")
@given(st.integers(0, 2**32))
def test_plausible_event_decodes_to_itself(seed: int) -> None:
    event = faker_event(seed)
    assert decode_event(encode_event(event)) == event


@pytest.mark.req("EVT-1.2")
@pytest.mark.parametrize(("field", "value"), BAD_FIELDS)
def test_event_with_a_bad_field_is_refused_by_name(field: str, value: Any) -> None:
    event = small_event(1)._replace(**{field: value})
    with pytest.raises(InvalidEvent) as caught:
        encode_event(event)
    assert caught.value.field == field


@pytest.mark.req("EVT-1.2")
def test_command_line_that_is_one_text_is_refused_and_not_stored_as_its_letters() -> None:
    event = small_event(1)._replace(command_line="sshd -D")  # type: ignore[arg-type]
    with pytest.raises(InvalidEvent, match="command_line"):
        encode_event(event)


@pytest.mark.req("EVT-1.2")
def test_cpu_usage_that_is_an_integer_too_large_for_a_float_is_refused() -> None:
    event = small_event(1)._replace(cpu_usage=10**400)
    with pytest.raises(InvalidEvent, match="cpu_usage"):
        encode_event(event)


@pytest.mark.req("EVT-1.3")
@pytest.mark.parametrize("pair", [("9f86d081", None), (None, "sha256")])
def test_hash_without_algorithm_is_not_encoded(pair: tuple[str | None, str | None]) -> None:
    event = faker_event(1)._replace(executable_hash=pair[0], hash_algorithm=pair[1])
    with pytest.raises(InvalidEvent, match="together"):
        encode_event(event)


class _LaterEvent(NamedTuple):
    """An event of a later format: all the fields, and one more."""

    event_type: EventType
    pid: int
    ppid: int | None
    name: str
    executable_path: str | None
    command_line: tuple[str, ...]
    start_time_ns: int | None
    cpu_usage: float | None
    memory_usage: int | None
    executable_hash: str | None
    hash_algorithm: str | None
    user_id: str | None
    accessible: bool
    file_exists: bool
    timestamp_ns: int
    platform_metadata: str | None
    container_id: str


@pytest.mark.req("EVT-1.1")
def test_event_with_a_seventeenth_field_is_refused() -> None:
    later = _LaterEvent(*small_event(1), container_id="c0ffee")
    with pytest.raises(InvalidEvent, match="cannot be encoded"):
        encode_event(later)  # type: ignore[arg-type]


# ---- Decoding what is wrong -------------------------------------------------

SMALLEST = encode_by_the_text(small_event(7)._replace(name=""))
"""47 bytes: every option absent, every text empty. The offsets below are those of its fields."""
TYPE, PID, PPID, NAME, PATH, ARGUMENTS, START, CPU, MEMORY = 0, 4, 8, 9, 17, 18, 26, 27, 28
HASH, ALGORITHM, USER, ACCESSIBLE, EXISTS, TIME, METADATA = 29, 30, 31, 32, 33, 34, 46
HUGE = 2**64 - 1


def spliced(offset: int, removed: int, inserted: bytes) -> bytes:
    """The smallest event with some bytes replaced by others."""
    return SMALLEST[:offset] + inserted + SMALLEST[offset + removed :]


WRONG: tuple[tuple[str, bytes, type[DecodeError], int], ...] = (
    ("event_type", spliced(TYPE, 4, u32(3)), InvalidTag, TYPE),
    ("event_type", spliced(TYPE, 4, u32(2**32 - 1)), InvalidTag, TYPE),
    *(
        (name, spliced(offset, 1, bytes([tag])), InvalidTag, offset)
        for name, offset in (
            ("ppid", PPID), ("executable_path", PATH), ("start_time", START), ("cpu_usage", CPU),
            ("memory_usage", MEMORY), ("executable_hash", HASH), ("hash_algorithm", ALGORITHM),
            ("user_id", USER), ("accessible", ACCESSIBLE), ("file_exists", EXISTS),
            ("platform_metadata", METADATA),
        )
        for tag in (2, 255)
    ),
    ("name", spliced(NAME, 8, u64(31)), LengthOutOfRange, NAME),
    ("name", spliced(NAME, 8, u64(HUGE)), LengthOutOfRange, NAME),
    ("executable_path", spliced(PATH, 1, b"\1" + u64(30)), LengthOutOfRange, PATH + 1),
    ("command_line", spliced(ARGUMENTS, 8, u64(3)), LengthOutOfRange, ARGUMENTS),
    ("command_line", spliced(ARGUMENTS, 8, u64(2**61)), LengthOutOfRange, ARGUMENTS),
    ("command_line", spliced(ARGUMENTS, 8, u64(1) + u64(22)), LengthOutOfRange, ARGUMENTS + 8),
    ("executable_hash", spliced(HASH, 1, b"\1" + u64(2**63)), LengthOutOfRange, HASH + 1),
    ("hash_algorithm", spliced(HASH, 2, b"\1" + u64(0) + b"\1" + u64(99)), LengthOutOfRange, 39),
    ("user_id", spliced(USER, 1, b"\1" + u64(16)), LengthOutOfRange, USER + 1),
    ("platform_metadata", spliced(METADATA, 1, b"\1" + u64(1)), LengthOutOfRange, METADATA + 1),
    ("name", spliced(NAME, 8, u64(2) + b"a\xff"), InvalidText, NAME + 9),
    ("name", spliced(NAME, 8, u64(3) + b"\xed\xa0\x80"), InvalidText, NAME + 8),
    ("name", spliced(NAME, 8, u64(2) + b"\xc0\xaf"), InvalidText, NAME + 8),
    ("name", spliced(NAME, 8, u64(1) + b"\xe2"), InvalidText, NAME + 8),
    ("start_time", spliced(START, 1, b"\1" + u64(SECONDS_MAX + 1) + u32(0)), NumberOutOfRange, 27),
    ("start_time", spliced(START, 1, b"\1" + u64(0) + u32(10**9)), NumberOutOfRange, 35),
    ("timestamp", spliced(TIME, 8, u64(SECONDS_MAX + 1)), NumberOutOfRange, TIME),
    ("timestamp", spliced(TIME + 8, 4, u32(10**9)), NumberOutOfRange, TIME + 8),
    ("cpu_usage", spliced(CPU, 1, b"\1" + f64(float("nan"))), NumberOutOfRange, CPU + 1),
    ("cpu_usage", spliced(CPU, 1, b"\1" + f64(float("-inf"))), NumberOutOfRange, CPU + 1),
    ("executable_hash", spliced(HASH, 1, b"\1" + u64(0)), InvalidTag, HASH),
    ("executable_hash", spliced(ALGORITHM, 1, b"\1" + u64(0)), InvalidTag, HASH),
)  # fmt: skip
wrong_bytes = pytest.mark.parametrize(
    ("field", "data", "kind", "offset"),
    WRONG,
    ids=[f"{index}-{case[0]}-{case[2].__name__}" for index, case in enumerate(WRONG)],
)


@pytest.mark.req("FMT-2.2", "FMT-2.3", "FMT-2.4", "FMT-2.7", "FMT-1.3", "EVT-1.3")
@wrong_bytes
def test_wrong_bytes_are_an_error_of_their_kind_at_their_offset(
    field: str, data: bytes, kind: type[DecodeError], offset: int
) -> None:
    with pytest.raises(kind) as caught:
        decode_event(data)
    assert caught.value.offset == offset
    assert caught.value.definite


@pytest.mark.req("FMT-2.2", "FMT-2.3", "FMT-2.4", "FMT-2.7")
@wrong_bytes
def test_error_names_the_field_and_its_offset_inside_longer_bytes(
    field: str, data: bytes, kind: type[DecodeError], offset: int
) -> None:
    with pytest.raises(kind) as caught:
        decode_event_at(b"\xaa" * 5 + data, 5)
    assert caught.value.offset == offset + 5
    assert field in str(caught.value)


@pytest.mark.req("FMT-2.3")
@given(events(), st.data())
def test_event_cut_anywhere_is_an_error(event: ProcessEvent, data: st.DataObject) -> None:
    whole = encode_event(event)
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises((EndOfBytes, LengthOutOfRange)) as caught:
        decode_event(whole[:cut])
    assert caught.value.offset <= cut


@pytest.mark.req("FMT-2.3")
def test_smallest_event_cut_at_a_fixed_field_is_an_end_of_bytes() -> None:
    for cut in range(len(SMALLEST)):
        with pytest.raises(EndOfBytes):
            decode_event(SMALLEST[:cut])


@pytest.mark.req("FMT-2.5")
@given(events(), st.binary(min_size=1, max_size=9))
def test_bytes_after_the_event_are_an_error_at_its_end(event: ProcessEvent, rest: bytes) -> None:
    whole = encode_event(event)
    with pytest.raises(TrailingBytes) as caught:
        decode_event(whole + rest)
    assert caught.value.offset == len(whole)


@pytest.mark.req("FMT-2.5")
@given(events(), st.binary(max_size=9), st.binary(max_size=9))
def test_event_between_other_bytes_is_found_with_its_end(
    event: ProcessEvent, before: bytes, behind: bytes
) -> None:
    whole = encode_event(event)
    expected = (event, len(before) + len(whole))
    assert decode_event_at(before + whole + behind, len(before)) == expected


def varint(number: int) -> bytes:
    """Return a number as bincode 2 `standard()` writes it."""
    if number < 251:
        return bytes([number])
    for marker, size in ((251, 2), (252, 4)):
        if number < 256**size:
            return bytes([marker]) + number.to_bytes(size, "little")
    return b"\xfd" + u64(number)


def encode_as_varints(event: ProcessEvent) -> bytes:
    """Return the event in the form that a port with the wrong configuration would write."""

    def words(value: str | None) -> bytes:
        data = (value or "").encode()
        return b"\0" if value is None else b"\1" + varint(len(data)) + data

    def number(value: int | None) -> bytes:
        return b"\0" if value is None else b"\1" + varint(value)

    def instant(time_ns: int) -> bytes:
        return varint(time_ns // 10**9) + varint(time_ns % 10**9)

    start, cpu = event.start_time_ns, event.cpu_usage
    return b"".join(
        (
            varint(event.event_type), varint(event.pid), number(event.ppid),
            words(event.name)[1:], words(event.executable_path), varint(len(event.command_line)),
            *(words(argument)[1:] for argument in event.command_line),
            b"\0" if start is None else b"\1" + instant(start),
            b"\0" if cpu is None else b"\1" + f64(cpu), number(event.memory_usage),
            words(event.executable_hash), words(event.hash_algorithm), words(event.user_id),
            bytes([event.accessible, event.file_exists]), instant(event.timestamp_ns),
            words(event.platform_metadata),
        )
    )  # fmt: skip


@pytest.mark.req("FMT-2.5")
@given(st.integers(0, 2**32))
def test_varint_form_of_an_event_is_an_error(seed: int) -> None:
    with pytest.raises(DecodeError):
        decode_event(encode_as_varints(faker_event(seed)))


@pytest.mark.req("FMT-2.5")
def test_varint_form_of_the_smallest_event_is_an_error() -> None:
    data = encode_as_varints(small_event(7)._replace(name=""))
    assert data[:2] == b"\x00\x07"
    with pytest.raises(DecodeError):
        decode_event(data)


@pytest.mark.req("FMT-1.3")
@pytest.mark.parametrize("length", [2**20, 2**40, 2**61 - 1, 2**61, 2**63 - 1, 2**63, HUGE])
@pytest.mark.parametrize("offset", [NAME, ARGUMENTS])
def test_absurd_length_is_refused_before_anything_is_allocated(offset: int, length: int) -> None:
    data = spliced(offset, 8, u64(length))
    tracemalloc.start()
    try:
        with pytest.raises(LengthOutOfRange):
            decode_event(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 64 * 1024


# ---- The two decoders -------------------------------------------------------

INTERESTING = (0, 1, 2, 8, 255, 2**31, 2**32 - 1, 2**61, 2**63 - 1, 2**63, 2**64 - 1)


@st.composite
def damaged_bytes(draw: st.DrawFn) -> bytes:
    """An event's bytes after one to three accidents."""
    data = bytearray(encode_by_the_text(draw(events())))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        match draw(st.sampled_from(("flip", "length", "tag", "cut", "delete", "insert", "zero"))):
            case "flip" if at < len(data):
                data[at] ^= 1 << draw(st.integers(0, 7))
            case "length":
                data[at : at + 8] = u64(draw(st.sampled_from(INTERESTING)))
            case "tag" if at < len(data):
                data[at] = draw(st.integers(0, 3))
            case "cut":
                del data[at:]
            case "delete":
                del data[at : at + draw(st.integers(1, 9))]
            case "insert":
                data[at:at] = draw(st.binary(min_size=1, max_size=9))
            case _:
                data[at : at + 4] = bytes(4)
    return bytes(data)


def encoded_plainly(event: ProcessEvent) -> bytes | None:
    """What the plain encoder makes of it; None for its InvalidEvent."""
    try:
        return encode_event_plainly(event)
    except InvalidEvent:
        return None


@pytest.mark.req("FMT-2.1")
@given(events())
def test_fast_encoder_takes_every_event_without_long_texts_and_agrees(event: ProcessEvent) -> None:
    fast = encode_event_fast(event)
    assert fast == encode_by_the_text(event)
    assert fast == encode_event_plainly(event)


ANY_VALUE = st.one_of(
    st.none(), st.booleans(), st.integers(-1, 2**66), st.floats(), st.text(max_size=4),
    st.just("\ud800"), st.sampled_from(EventType), st.just("x" * 1023), st.just("x" * 1024),
    st.lists(st.text(max_size=3), max_size=3).map(tuple), st.just(("a", "y" * 1024)),
    st.binary(max_size=3), st.just(TIME_NS_MAX), st.just(TIME_NS_MAX + 1),
)  # fmt: skip


@pytest.mark.req("EVT-1.2", "EVT-1.3", "FMT-2.1")
@given(events(), st.dictionaries(st.sampled_from(ProcessEvent._fields), ANY_VALUE, max_size=3))
def test_fast_encoder_agrees_or_declines_whatever_the_fields_hold(
    event: ProcessEvent, changes: dict[str, object]
) -> None:
    changed = ProcessEvent._make({**event._asdict(), **changes}.values())
    fast = encode_event_fast(changed)
    assert fast is None or fast == encoded_plainly(changed)


@pytest.mark.req("EVT-1.2")
@pytest.mark.parametrize("cpu_usage", [float("nan"), float("inf"), 1])
@pytest.mark.parametrize("memory_usage", [None, 1])
def test_fast_encoder_declines_a_cpu_usage_that_is_no_finite_float(
    cpu_usage: float, memory_usage: int | None
) -> None:
    event = small_event(1)._replace(
        cpu_usage=cpu_usage, memory_usage=memory_usage, start_time_ns=TIME_NS_MAX
    )
    assert encode_event_fast(event) is None
    assert encoded_plainly(event) is None


@pytest.mark.req("EVT-1.2")
@pytest.mark.parametrize("memory_usage", [None, 1])
def test_fast_encoder_declines_a_start_after_the_year_9999(memory_usage: int | None) -> None:
    event = small_event(1)._replace(
        cpu_usage=1.0, memory_usage=memory_usage, start_time_ns=TIME_NS_MAX + 1
    )
    assert encode_event_fast(event) is None
    assert encoded_plainly(event) is None


@pytest.mark.req("EVT-1.3")
@pytest.mark.parametrize(("executable_hash", "hash_algorithm"), [("x", None), (None, "x")])
def test_fast_encoder_declines_one_half_of_a_hash(
    executable_hash: str | None, hash_algorithm: str | None
) -> None:
    event = small_event(1)._replace(executable_hash=executable_hash, hash_algorithm=hash_algorithm)
    assert encode_event_fast(event) is None


def plainly(data: bytes, offset: int) -> tuple[ProcessEvent, int] | None:
    """What the plain decoder says; None for its DecodeError. Anything else fails the test."""
    try:
        return decode_event_plainly_at(data, offset)
    except DecodeError:
        return None


def check_both_decoders(data: bytes, offset: int) -> None:
    """The fast decoder declines or agrees, and what is decoded encodes to the same bytes."""
    plain, fast = plainly(data, offset), decode_event_fast(data, offset)
    if fast is not None:
        assert repr(fast) == repr(plain)
    if plain is not None:
        event, end = plain
        assert encode_by_the_text(event) == data[offset:end]


@pytest.mark.req("FMT-2.1")
@given(events(), st.binary(max_size=5), st.binary(max_size=5))
def test_fast_decoder_takes_every_valid_event_and_agrees(
    event: ProcessEvent, before: bytes, behind: bytes
) -> None:
    data = before + encode_by_the_text(event) + behind
    fast = decode_event_fast(data, len(before))
    assert fast == (event, len(data) - len(behind))
    assert repr(fast) == repr(decode_event_plainly_at(data, len(before)))


@pytest.mark.req("FMT-2.2", "FMT-2.3", "FMT-2.4", "FMT-2.7")
@given(damaged_bytes())
def test_fast_decoder_agrees_or_declines_on_damaged_bytes(data: bytes) -> None:
    check_both_decoders(data, 0)


@pytest.mark.req("FMT-2.2", "FMT-2.3", "FMT-2.4", "FMT-2.7")
@given(st.binary(max_size=120), st.integers(0, 130))
@example(b"", 0)
@example(bytes(200), 0)
def test_fast_decoder_agrees_or_declines_on_any_bytes(data: bytes, offset: int) -> None:
    check_both_decoders(data, min(offset, len(data)))


@pytest.mark.req("FMT-2.2", "FMT-2.3", "FMT-2.4", "FMT-2.7", "EVT-1.3")
@wrong_bytes
def test_fast_decoder_declines_what_is_wrong(
    field: str, data: bytes, kind: type[DecodeError], offset: int
) -> None:
    assert decode_event_fast(data, 0) is None


RICH = encode_by_the_text(
    ProcessEvent(
        EventType.STOP, 4711, 1, "sshd", "/usr/sbin/sshd", ("sshd", "-D"), 10**18, 1.5, 2**33,
        "9f86d081", "xxh32", "0", True, False, 10**18 + 1, '{"signal":15}',
    )
)  # fmt: skip
"""An event with every field present."""


@pytest.mark.req("FMT-2.2", "FMT-2.3", "FMT-2.4", "FMT-2.7")
def test_decoders_agree_on_every_value_of_every_byte() -> None:
    for at in range(len(RICH)):
        for value in (0, 1, 2, 0x3B, 0x7F, 0x80, 0xFF):
            check_both_decoders(RICH[:at] + bytes([value]) + RICH[at + 1 :], 0)


@pytest.mark.req("FMT-2.3")
def test_decoders_agree_on_every_cut_and_every_eight_byte_value() -> None:
    chance = random.Random(1)
    for at in range(len(RICH)):
        check_both_decoders(RICH[:at], 0)
        for number in (*INTERESTING, chance.getrandbits(64)):
            check_both_decoders(RICH[:at] + u64(number) + RICH[at + 8 :], 0)


@pytest.mark.req("FMT-2.7")
@pytest.mark.parametrize("time_ns", [0, 999_999_999, TIME_NS_MAX])
def test_both_decoders_take_times_at_the_bounds(time_ns: int) -> None:
    event = small_event(1)._replace(timestamp_ns=time_ns, start_time_ns=time_ns)
    data = encode_by_the_text(event)
    expected = (event, len(data))
    assert decode_event_plainly_at(data, 0) == decode_event_fast(data, 0) == expected


# ---- The timestamp text -----------------------------------------------------


@pytest.mark.req("FMT-2.6")
@given(times_ns, st.binary(max_size=9), st.binary(max_size=9))
def test_timestamp_decodes_to_itself_with_its_end(
    time_ns: int, before: bytes, behind: bytes
) -> None:
    data = encode_timestamp(time_ns)
    end = len(before) + len(data)
    assert decode_timestamp_at(before + data + behind, len(before)) == (time_ns, end)


@pytest.mark.req("FMT-2.6")
@pytest.mark.parametrize(
    ("data", "kind", "offset"),
    [
        (b"", EndOfBytes, 0),
        (u64(20)[:7], EndOfBytes, 7),
        (u64(19) + b"2023-11-14T22:13:20", LengthOutOfRange, 0),
        (u64(31) + b"2023-11-14T22:13:20.0000000000Z", LengthOutOfRange, 0),
        (u64(HUGE), LengthOutOfRange, 0),
        (u64(20) + b"2023-11-14T22:13:20", LengthOutOfRange, 0),
        (u64(20) + b"2023-11-14T22:13:2\xffZ", InvalidText, 26),
        (text("2023-11-14T22:13:20.25Z"), InvalidText, 8),
        (text("2023-11-14T22:13:20.000Z"), InvalidText, 8),
        (text("2023-11-14T22:13:20+00:00"), InvalidText, 8),
        (text("2023-02-30T22:13:20Z"), InvalidText, 8),
        (text("1969-12-31T23:59:59Z"), InvalidText, 8),
    ],
)
def test_wrong_timestamp_is_an_error_of_its_kind_at_its_offset(
    data: bytes, kind: type[DecodeError], offset: int
) -> None:
    with pytest.raises(kind) as caught:
        decode_timestamp_at(data, 0)
    assert caught.value.offset == offset


# ---- CRC-32 -----------------------------------------------------------------


@pytest.mark.req("FMT-1.2")
def test_check_value_is_that_of_ieee_and_not_of_castagnoli() -> None:
    assert crc32(b"123456789") == 0xCBF43926
    assert crc32(b"123456789") != 0xE3069283


def crc32_bit_by_bit(data: bytes) -> int:
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = (register >> 1) ^ (0xEDB88320 if register & 1 else 0)
    return register ^ 0xFFFFFFFF


@pytest.mark.req("FMT-1.2")
@given(st.binary(max_size=60), st.binary(max_size=60))
def test_crc_is_the_polynomial_of_the_text_and_can_be_continued(one: bytes, other: bytes) -> None:
    assert crc32(one) == crc32_bit_by_bit(one)
    assert crc32(other, crc32(one)) == crc32_bit_by_bit(one + other)
