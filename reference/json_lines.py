"""Events as JSON Lines: one object a line, for people, pipes and the command line.

Strict both ways. A line has exactly the sixteen fields; an unknown, missing or repeated
one, a wrong type or a number out of range is an error that names the line and the field,
because a tool that guesses turns a producer's mistake into silently wrong records.

    {"event_type":"start","pid":4711,"ppid":1,"name":"sshd", ... ,
     "timestamp":"2026-11-23T14:25:01.250Z","platform_metadata":null}

Times are RFC 3339 UTC in the canonical form of timestamps.py. An absent value is `null`.

Spec: EVT-2.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final, NoReturn

from reference.errors import InvalidEvent, InvalidJsonLine
from reference.events import U64_MAX, EventType, LogEntry, ProcessEvent, check_event
from reference.timestamps import format_rfc3339, parse_rfc3339

LINE_BYTES_MAX: Final = 8 * 2**20
"""An event of the largest size with every character as a \\u escape fits in this."""

INTEGER_TEXT_MAX: Final = 400
"""Python reads no integer of more than 4300 digits; the largest float has 309."""
HUGE_INTEGER: Final = 10**INTEGER_TEXT_MAX

_TYPE_NAMES: Final = {kind.name.lower(): kind for kind in EventType}

JsonValue = object


class _FieldError(ValueError):
    """A value is not what its field takes; the caller adds the line number."""


class _RepeatedField(ValueError):
    """An object has two members of one name, of which JSON readers pick one silently."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


def decode_json_line(line: str | bytes, line_number: int) -> ProcessEvent:
    """Return the event on the line. Raises InvalidJsonLine with line number and field."""
    if len(line) > LINE_BYTES_MAX:
        raise InvalidJsonLine(
            line_number, None, f"{len(line)} bytes, the limit is {LINE_BYTES_MAX}"
        )
    try:
        # Decoded here: json.loads would guess UTF-16, and let surrogates through.
        value = json.loads(
            line if isinstance(line, str) else line.decode(),
            object_pairs_hook=_object_without_repeats,
            parse_int=_parse_integer,
            parse_constant=_reject_constant,
        )
    except RecursionError as error:
        raise InvalidJsonLine(line_number, None, "nested too deeply") from error
    except _RepeatedField as error:
        raise InvalidJsonLine(line_number, error.field, "appears twice") from error
    except ValueError as error:  # JSONDecodeError, UnicodeDecodeError, and our own two hooks
        raise InvalidJsonLine(line_number, None, f"not JSON: {error}") from error
    if not isinstance(value, dict):
        raise InvalidJsonLine(line_number, None, "not a JSON object")
    for field in value:
        if field not in _READERS:
            raise InvalidJsonLine(line_number, field, "unknown field")
    values = []
    for field, read in _READERS.items():
        if field not in value:
            raise InvalidJsonLine(line_number, field, "missing; write null if unknown")
        try:
            values.append(read(value[field]))
        except _FieldError as error:
            raise InvalidJsonLine(line_number, field, str(error)) from error
    event = ProcessEvent(*values)  # type: ignore[arg-type]
    try:
        check_event(event)
    except InvalidEvent as error:
        raise InvalidJsonLine(line_number, error.field.removesuffix("_ns"), error.reason) from error
    return event


def event_as_json(event: ProcessEvent) -> dict[str, JsonValue]:
    """Return the event as a JSON object, fields in wire order. Raises InvalidEvent."""
    check_event(event)
    start_time_ns = event.start_time_ns
    return {
        "event_type": event.event_type.name.lower(),
        "pid": event.pid,
        "ppid": event.ppid,
        "name": event.name,
        "executable_path": event.executable_path,
        "command_line": list(event.command_line),
        "start_time": None if start_time_ns is None else format_rfc3339(start_time_ns),
        "cpu_usage": event.cpu_usage,
        "memory_usage": event.memory_usage,
        "executable_hash": event.executable_hash,
        "hash_algorithm": event.hash_algorithm,
        "user_id": event.user_id,
        "accessible": event.accessible,
        "file_exists": event.file_exists,
        "timestamp": format_rfc3339(event.timestamp_ns),
        "platform_metadata": event.platform_metadata,
    }


def encode_json_line(event: ProcessEvent) -> str:
    """Return the event's line, without the newline. Raises InvalidEvent."""
    return _dump(event_as_json(event))


def encode_entry_line(entry: LogEntry) -> str:
    """Return `{"sequence", "timestamp", "event"}` on one line, without the newline."""
    return _dump(
        {
            "sequence": entry.sequence,
            "timestamp": format_rfc3339(entry.timestamp_ns),
            "event": event_as_json(entry.event),
        }
    )


def _dump(value: JsonValue) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


# ---- Reading one field ------------------------------------------------------


def _read_event_type(value: JsonValue) -> EventType:
    if not isinstance(value, str) or value not in _TYPE_NAMES:
        raise _FieldError(f"{value!r} is not one of {', '.join(_TYPE_NAMES)}")
    return _TYPE_NAMES[value]


def _read_integer(value: JsonValue) -> int:
    if type(value) is not int:  # True is an int in Python, not in JSON
        raise _FieldError(f"{_kind(value)} where an integer belongs")
    if not 0 <= value <= U64_MAX:
        raise _FieldError("outside 0 to 2^64 - 1")
    return value


def _read_number(value: JsonValue) -> float:
    if type(value) is not int and type(value) is not float:
        raise _FieldError(f"{_kind(value)} where a number belongs")
    try:
        return float(value)
    except OverflowError as error:
        raise _FieldError("too large for a 64-bit float") from error


def _read_text(value: JsonValue) -> str:
    if not isinstance(value, str):
        raise _FieldError(f"{_kind(value)} where a string belongs")
    return value


def _read_texts(value: JsonValue) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _FieldError(f"{_kind(value)} where a list of strings belongs")
    return tuple(_read_text(item) for item in value)


def _read_bool(value: JsonValue) -> bool:
    if not isinstance(value, bool):
        raise _FieldError(f"{_kind(value)} where true or false belongs")
    return value


def _read_time(value: JsonValue) -> int:
    try:
        return parse_rfc3339(_read_text(value))
    except _FieldError:
        raise
    except ValueError as error:
        raise _FieldError(str(error)) from error


def _optional(read: Callable[[JsonValue], JsonValue]) -> Callable[[JsonValue], JsonValue]:
    return lambda value: None if value is None else read(value)


_READERS: Final[dict[str, Callable[[JsonValue], JsonValue]]] = {
    "event_type": _read_event_type,
    "pid": _read_integer,
    "ppid": _optional(_read_integer),
    "name": _read_text,
    "executable_path": _optional(_read_text),
    "command_line": _read_texts,
    "start_time": _optional(_read_time),
    "cpu_usage": _optional(_read_number),
    "memory_usage": _optional(_read_integer),
    "executable_hash": _optional(_read_text),
    "hash_algorithm": _optional(_read_text),
    "user_id": _optional(_read_text),
    "accessible": _read_bool,
    "file_exists": _read_bool,
    "timestamp": _read_time,
    "platform_metadata": _optional(_read_text),
}


def _kind(value: JsonValue) -> str:
    names = {bool: "a bool", int: "an integer", float: "a float", str: "a string"}
    return names.get(
        type(value), {type(None): "null", list: "a list"}.get(type(value), "an object")
    )


def _object_without_repeats(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    result = dict(pairs)
    if len(result) != len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise _RepeatedField(repeated)
    return result


def _parse_integer(text: str) -> int:
    """Return the integer; one too long for `int` as another that no field takes either."""
    if len(text) > INTEGER_TEXT_MAX:
        return -HUGE_INTEGER if text.startswith("-") else HUGE_INTEGER
    return int(text)


def _reject_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")
