"""What the log stores: a `ProcessEvent`, and the rules that make one valid.

The fields stand in wire order (codec.py writes them so). Times are integers of
nanoseconds since 1970, UTC. `None` means that the operating system did not say.

`ProcessEvent` and `LogEntry` are named tuples, not frozen dataclasses: replay builds
one of each per record, and a frozen dataclass with sixteen fields costs 3.0 us to
build where a named tuple costs 0.4 us.

Not here: bytes (codec.py), JSON Lines (json_lines.py).

Spec: EVT-1.
"""

from __future__ import annotations

import math
from enum import IntEnum
from typing import Final, NamedTuple

from reference.errors import InvalidEvent
from reference.timestamps import TIME_NS_MAX

U32_MAX: Final = 2**32 - 1
U64_MAX: Final = 2**64 - 1


class EventType(IntEnum):
    """What happened to the process. The values are the wire's enum tags."""

    START = 0
    STOP = 1
    MODIFY = 2


class ProcessEvent(NamedTuple):
    """One observation of one process."""

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


class LogEntry(NamedTuple):
    """An event with the number and the time that the log gave it."""

    sequence: int
    timestamp_ns: int
    event: ProcessEvent


class StoredEntry(NamedTuple):
    """An entry as the bytes that the log holds: what is sent is what was stored."""

    sequence: int
    payload: bytes
    """The encoded timestamp and the encoded event behind it (codec.py)."""
    fault: str = ""
    """Why the payload cannot be decoded; empty if it can."""


def check_event(event: ProcessEvent) -> None:
    """Return if every field can be stored. Raises InvalidEvent naming the first that cannot.

    Spec: EVT-1.2, EVT-1.3.
    """
    if not isinstance(event.event_type, EventType):
        raise InvalidEvent("event_type", f"{event.event_type!r} is not an EventType")
    _check_integer("pid", event.pid, U32_MAX)
    if event.ppid is not None:
        _check_integer("ppid", event.ppid, U32_MAX)
    _check_text("name", event.name)
    if not isinstance(event.command_line, tuple):
        raise InvalidEvent("command_line", f"{event.command_line!r} is not a tuple of strings")
    for argument in event.command_line:
        _check_text("command_line", argument)
    if event.start_time_ns is not None:
        _check_integer("start_time_ns", event.start_time_ns, TIME_NS_MAX)
    if event.cpu_usage is not None:
        if not isinstance(event.cpu_usage, float):
            raise InvalidEvent("cpu_usage", f"{event.cpu_usage!r} is not a float")
        # NaN is not equal to itself: an event with one could never be compared.
        if not math.isfinite(event.cpu_usage):
            raise InvalidEvent("cpu_usage", f"{event.cpu_usage!r} is not finite")
    if event.memory_usage is not None:
        _check_integer("memory_usage", event.memory_usage, U64_MAX)
    for field in (
        "executable_path", "executable_hash", "hash_algorithm", "user_id", "platform_metadata",
    ):  # fmt: skip
        text = getattr(event, field)
        if text is not None:
            _check_text(field, text)
    if (event.executable_hash is None) != (event.hash_algorithm is None):
        raise InvalidEvent(
            "executable_hash", "executable_hash and hash_algorithm are present together or not"
        )
    for field in ("accessible", "file_exists"):
        if not isinstance(getattr(event, field), bool):
            raise InvalidEvent(field, f"{getattr(event, field)!r} is not a bool")
    _check_integer("timestamp_ns", event.timestamp_ns, TIME_NS_MAX)


def _check_integer(field: str, value: int, high: int) -> None:
    if type(value) is not int:
        raise InvalidEvent(field, f"{value!r} is not an integer")
    if not 0 <= value <= high:
        raise InvalidEvent(field, f"{value} is outside 0 to {high}")


def _check_text(field: str, value: str) -> None:
    if not isinstance(value, str):
        raise InvalidEvent(field, f"{value!r} is not a string")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidEvent(field, f"{value!r} has a lone surrogate, not UTF-8") from error
