"""Events as JSON Lines: round trip, and every refusal by line and field. Spec: EVT-2."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.errors import InvalidEvent, InvalidJsonLine
from reference.events import LogEntry, ProcessEvent
from reference.json_lines import (
    LINE_BYTES_MAX,
    decode_json_line,
    encode_entry_line,
    encode_json_line,
    event_as_json,
)
from tests.strategies import events, faker_event, times_ns
from tests.test_events import BAD_FIELDS, LOOSE_TYPES
from tests.wal_helpers import small_event

FIELDS = (
    "event_type", "pid", "ppid", "name", "executable_path", "command_line", "start_time",
    "cpu_usage", "memory_usage", "executable_hash", "hash_algorithm", "user_id", "accessible",
    "file_exists", "timestamp", "platform_metadata",
)  # fmt: skip
NULLABLE = frozenset(
    ("ppid", "executable_path", "start_time", "cpu_usage", "memory_usage", "executable_hash",
     "hash_algorithm", "user_id", "platform_metadata")
)  # fmt: skip
GOOD: dict[str, Any] = {
    "event_type": "start", "pid": 4711, "ppid": 1, "name": "sshd",
    "executable_path": "/usr/sbin/sshd", "command_line": ["sshd", "-D"],
    "start_time": "2023-11-14T22:13:20Z", "cpu_usage": 1.5, "memory_usage": 8_392_704,
    "executable_hash": "9f86d081", "hash_algorithm": "xxh32", "user_id": "0",
    "accessible": True, "file_exists": False, "timestamp": "2023-11-14T22:14:20.250Z",
    "platform_metadata": '{"signal":15}',
}  # fmt: skip


def line_with(**changes: Any) -> str:
    """A good line with some values changed."""
    return json.dumps({**GOOD, **changes})


def refusal_of(line: str | bytes) -> InvalidJsonLine:
    """The error of the line, which is said to be line 7."""
    with pytest.raises(InvalidJsonLine) as caught:
        decode_json_line(line, 7)
    error = caught.value
    assert error.line_number == 7
    assert str(error).startswith("line 7")
    assert error.definite
    return error


# ---- What is written --------------------------------------------------------


@pytest.mark.req("EVT-2.1")
@given(events())
def test_event_reads_back_as_itself_from_text_and_from_bytes(event: ProcessEvent) -> None:
    line = encode_json_line(event)
    assert decode_json_line(line, 1) == event
    assert repr(decode_json_line(line.encode(), 1)) == repr(event)


@pytest.mark.req("EVT-2.1")
@given(events())
def test_line_is_one_object_with_the_sixteen_fields_and_no_newline(event: ProcessEvent) -> None:
    line = encode_json_line(event)
    assert tuple(json.loads(line)) == FIELDS
    assert "\n" not in line
    assert "\r" not in line


@pytest.mark.req("EVT-2.1")
def test_known_event_has_its_line() -> None:
    event = decode_json_line(line_with(), 1)
    assert json.loads(encode_json_line(event)) == GOOD
    assert encode_json_line(event).startswith('{"event_type":"start","pid":4711,"ppid":1,')


@pytest.mark.req("EVT-2.1")
@pytest.mark.parametrize("kind", ["start", "stop", "modify"])
def test_event_type_is_a_word(kind: str) -> None:
    event = decode_json_line(line_with(event_type=kind), 1)
    assert event.event_type.name == kind.upper()
    assert event_as_json(event)["event_type"] == kind


@pytest.mark.req("EVT-2.1")
@given(st.integers(1, 2**64 - 1), times_ns, events())
def test_entry_is_written_with_sequence_timestamp_and_event(
    sequence: int, time_ns: int, event: ProcessEvent
) -> None:
    value = json.loads(encode_entry_line(LogEntry(sequence, time_ns, event)))
    assert list(value) == ["sequence", "timestamp", "event"]
    assert value["sequence"] == sequence
    assert decode_json_line(json.dumps(value["event"]), 1) == event


@pytest.mark.req("EVT-1.2")
@pytest.mark.parametrize(("field", "value"), [*BAD_FIELDS, *LOOSE_TYPES])
def test_event_that_is_not_valid_is_not_written(field: str, value: Any) -> None:
    with pytest.raises(InvalidEvent) as caught:
        encode_json_line(small_event(1)._replace(**{field: value}))
    assert caught.value.field == field


# ---- What is refused --------------------------------------------------------


@pytest.mark.req("EVT-2.2")
@pytest.mark.parametrize("field", FIELDS)
def test_missing_field_is_refused_by_name(field: str) -> None:
    value = {name: each for name, each in GOOD.items() if name != field}
    error = refusal_of(json.dumps(value))
    assert error.field == field
    assert "missing" in error.reason


@pytest.mark.req("EVT-2.2")
@pytest.mark.parametrize("field", ["extra", "Pid", "start_time_ns", "", "\ud800"])
def test_unknown_field_is_refused_by_name(field: str) -> None:
    error = refusal_of(json.dumps({**GOOD, field: 1}))
    assert (error.field, error.reason) == (field, "unknown field")


@pytest.mark.req("EVT-2.2")
@pytest.mark.parametrize("field", FIELDS)
def test_repeated_field_is_refused_by_name(field: str) -> None:
    repeated = json.dumps({field: GOOD[field]})[1:-1]
    error = refusal_of(line_with()[:-1] + ", " + repeated + "}")
    assert (error.field, error.reason) == (field, "appears twice")


@pytest.mark.req("EVT-2.2")
@pytest.mark.parametrize("field", sorted(set(FIELDS) - NULLABLE))
def test_null_where_a_value_belongs_is_refused_by_name(field: str) -> None:
    assert refusal_of(line_with(**{field: None})).field == field


@pytest.mark.req("EVT-2.2")
@pytest.mark.parametrize("field", sorted(NULLABLE - {"executable_hash", "hash_algorithm"}))
def test_null_of_an_optional_field_is_none(field: str) -> None:
    event = decode_json_line(line_with(**{field: None}), 1)
    assert event_as_json(event)[field] is None


WRONG_TYPES: dict[str, tuple[Any, ...]] = {
    "event_type": (0, "START", "begin", None, ["start"], {}),
    "pid": ("1", 1.0, True, None, [1], {}),
    "ppid": ("1", 1.5, False, [], {}),
    "name": (1, None, True, ["sshd"], {}),
    "executable_path": (1, 1.5, []),
    "command_line": ("sshd", None, {}, [1], [None], ["a", ["b"]]),
    "start_time": (1_700_000_000, True, []),
    "cpu_usage": ("1.5", True, [], {}),
    "memory_usage": ("1", 1.0, True),
    "executable_hash": (7, []),
    "hash_algorithm": (7, []),
    "user_id": (0, []),
    "accessible": (1, 0, "true", None, []),
    "file_exists": (1, "false", None),
    "timestamp": (1_700_000_000, None, 1.5),
    "platform_metadata": ({}, [], 1),
}


@pytest.mark.req("EVT-2.2")
@pytest.mark.parametrize("field", FIELDS)
def test_wrong_type_is_refused_by_name(field: str) -> None:
    for value in WRONG_TYPES[field]:
        assert refusal_of(line_with(**{field: value})).field == field, value


@pytest.mark.req("EVT-2.2")
@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "null where"), ([], "a list where"), ({}, "an object where"), ("1", "a string"),
        (1.5, "a float where"), (True, "a bool where"),
    ],
)  # fmt: skip
def test_wrong_type_is_said_in_the_words_of_json(value: object, words: str) -> None:
    assert words in refusal_of(line_with(pid=value)).reason


OUT_OF_RANGE: tuple[tuple[str, Any], ...] = (
    ("pid", -1), ("pid", 2**32), ("pid", 2**64), ("ppid", 2**32), ("memory_usage", -1),
    ("memory_usage", 2**64), ("cpu_usage", 10**400), ("start_time", "1969-12-31T23:59:59Z"),
    ("start_time", "2023-02-30T00:00:00Z"), ("timestamp", "2023-11-14T22:13:20.25Z"),
    ("timestamp", "2023-11-14T22:13:20+00:00"), ("timestamp", "now"), ("name", "\ud800"),
    ("command_line", ["\udfff"]), ("platform_metadata", "\udc80"),
)  # fmt: skip


@pytest.mark.req("EVT-2.2", "EVT-1.2")
@pytest.mark.parametrize(("field", "value"), OUT_OF_RANGE)
def test_value_out_of_range_is_refused_by_name(field: str, value: Any) -> None:
    assert refusal_of(line_with(**{field: value})).field == field


@pytest.mark.req("EVT-2.2", "EVT-1.2")
@pytest.mark.parametrize("field", ["pid", "memory_usage", "cpu_usage"])
@pytest.mark.parametrize("sign", ["", "-"])
@pytest.mark.parametrize("digits", [399, 400, 401, 5000, 100_000])
def test_integer_of_very_many_digits_is_refused_by_name(field: str, sign: str, digits: int) -> None:
    line = line_with(**{field: 123}).replace(f'"{field}": 123', f'"{field}": {sign}{"9" * digits}')
    assert refusal_of(line).field == field


@pytest.mark.req("EVT-2.2", "EVT-1.2")
@pytest.mark.parametrize("text", ["1e309", "-1e309", "1e99999"])
def test_number_beyond_a_float_is_refused_by_name(text: str) -> None:
    line = line_with(cpu_usage=123).replace('"cpu_usage": 123', f'"cpu_usage": {text}')
    assert refusal_of(line).field == "cpu_usage"


@pytest.mark.req("EVT-2.2", "EVT-1.2")
@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_number_that_json_has_no_word_for_is_refused(word: str) -> None:
    line = line_with(cpu_usage=123).replace('"cpu_usage": 123', f'"cpu_usage": {word}')
    assert f"{word} is not JSON" in refusal_of(line).reason


@pytest.mark.req("EVT-2.1")
def test_integer_where_a_fraction_is_allowed_is_a_float() -> None:
    event = decode_json_line(line_with(cpu_usage=2), 1)
    assert repr(event.cpu_usage) == "2.0"


@pytest.mark.req("EVT-2.2", "EVT-1.3")
@pytest.mark.parametrize("field", ["executable_hash", "hash_algorithm"])
def test_hash_without_its_algorithm_is_refused(field: str) -> None:
    error = refusal_of(line_with(**{field: None}))
    assert error.field == "executable_hash"
    assert "together" in error.reason


@pytest.mark.req("EVT-2.2")
@pytest.mark.parametrize(
    "line",
    [
        "", " ", "{", "}", "nonsense", '{"event_type"}', line_with() + "x", line_with()[:-1],
        "'start'", '{"pid":01}', b"\xff", b"\xfe\xff", b'{"name":"\xff"}', b"\x00",
    ],
)  # fmt: skip
def test_text_that_is_not_json_is_refused(line: str | bytes) -> None:
    assert refusal_of(line).reason.startswith("not JSON")


@pytest.mark.req("EVT-2.2")
@pytest.mark.parametrize("line", ["null", "[]", "7", '"start"', "true", "[{}]"])
def test_json_that_is_no_object_is_refused(line: str) -> None:
    assert refusal_of(line).reason == "not a JSON object"


@pytest.mark.req("EVT-2.2")
@pytest.mark.parametrize("coding", ["utf-16", "utf-16-le", "utf-32", "utf-8-sig"])
def test_json_in_another_coding_than_utf_8_is_refused(coding: str) -> None:
    assert refusal_of(line_with().encode(coding)).reason.startswith("not JSON")


@pytest.mark.req("EVT-2.2")
def test_surrogate_in_bytes_is_refused_as_no_utf_8() -> None:
    line = line_with(name="?").encode().replace(b"?", b"\xed\xa0\x80")
    assert "utf-8" in refusal_of(line).reason


@pytest.mark.req("EVT-2.2")
@pytest.mark.parametrize("opening", ["[", '{"a":', '{"pid":['])
def test_deep_nesting_is_refused(opening: str) -> None:
    assert refusal_of(opening * 100_000).reason == "nested too deeply"


@pytest.mark.req("EVT-2.2")
def test_line_over_the_limit_is_refused_with_its_size() -> None:
    error = refusal_of(b" " * (LINE_BYTES_MAX + 1))
    assert error.reason == f"{LINE_BYTES_MAX + 1} bytes, the limit is {LINE_BYTES_MAX}"


@pytest.mark.req("EVT-2.2")
def test_line_at_the_limit_is_read() -> None:
    line = line_with().encode()
    padded = line + b" " * (LINE_BYTES_MAX - len(line))
    assert decode_json_line(padded, 1).pid == 4711


@pytest.mark.req("EVT-2.2")
@given(events(), st.data())
def test_line_cut_anywhere_is_refused(event: ProcessEvent, data: st.DataObject) -> None:
    line = encode_json_line(event).encode()
    refusal_of(line[: data.draw(st.integers(0, len(line) - 1))])


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(), below, max_size=3),
    max_leaves=5,
)


@pytest.mark.req("EVT-2.2")
@given(st.sampled_from(FIELDS), JSON_VALUES)
def test_any_value_of_a_field_is_stored_exactly_or_refused(field: str, value: Any) -> None:
    try:
        event = decode_json_line(line_with(**{field: value}), 7)
    except InvalidJsonLine as error:
        assert error.line_number == 7
        return
    assert event_as_json(event)[field] == value


@pytest.mark.req("EVT-2.2")
@given(st.binary(max_size=60))
def test_any_bytes_are_refused_and_nothing_else(line: bytes) -> None:
    assert refusal_of(line).definite


@pytest.mark.req("EVT-2.1")
def test_plausible_events_survive_a_file_of_lines() -> None:
    originals = [faker_event(seed) for seed in range(20)]
    text = "".join(encode_json_line(event) + "\n" for event in originals)
    lines = text.split("\n")[:-1]
    assert [decode_json_line(line, n) for n, line in enumerate(lines, 1)] == originals
