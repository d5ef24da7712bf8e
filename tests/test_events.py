"""Which events are valid. Spec: EVT-1."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from reference.errors import InvalidEvent
from reference.events import EventType, ProcessEvent, check_event
from reference.timestamps import TIME_NS_MAX
from tests.strategies import events, faker_event
from tests.wal_helpers import small_event

WIRE_ORDER = (
    "event_type", "pid", "ppid", "name", "executable_path", "command_line", "start_time_ns",
    "cpu_usage", "memory_usage", "executable_hash", "hash_algorithm", "user_id", "accessible",
    "file_exists", "timestamp_ns", "platform_metadata",
)  # fmt: skip

BAD_FIELDS: tuple[tuple[str, Any], ...] = (
    ("event_type", 3), ("event_type", "start"), ("event_type", None),
    ("pid", -1), ("pid", 2**32), ("pid", None), ("pid", 1.0), ("pid", "1"),
    ("ppid", -1), ("ppid", 2**32), ("ppid", "1"),
    ("name", None), ("name", 7), ("name", b"sshd"), ("name", "\ud800"),
    ("executable_path", 7), ("executable_path", "a\udfff"),
    ("command_line", None), ("command_line", 7), ("command_line", (b"a",)),
    ("command_line", ("a", None)), ("command_line", ("\ud800",)),
    ("start_time_ns", -1), ("start_time_ns", TIME_NS_MAX + 1), ("start_time_ns", 2**70),
    ("start_time_ns", 1.5), ("start_time_ns", "now"),
    ("cpu_usage", float("nan")), ("cpu_usage", float("inf")), ("cpu_usage", float("-inf")),
    ("cpu_usage", "1.5"),
    ("memory_usage", -1), ("memory_usage", 2**64), ("memory_usage", 1.0),
    ("user_id", 0), ("user_id", "\udc80"),
    ("accessible", None), ("accessible", 2), ("accessible", "yes"),
    ("file_exists", None), ("file_exists", "no"),
    ("timestamp_ns", -1), ("timestamp_ns", TIME_NS_MAX + 1), ("timestamp_ns", None),
    ("timestamp_ns", 1.5),
    ("platform_metadata", {}), ("platform_metadata", "\ud800"),
)  # fmt: skip
"""A field and a value that it cannot have. test_codec.py and test_json_lines.py use it too."""

LOOSE_TYPES: tuple[tuple[str, Any], ...] = (
    ("event_type", 0), ("pid", True), ("command_line", "sshd -D"), ("command_line", ["sshd"]),
    ("cpu_usage", 1), ("cpu_usage", 10**400), ("accessible", 1), ("timestamp_ns", False),
)  # fmt: skip
"""Values of a neighbouring type, which Python would convert without a word."""


@pytest.mark.req("EVT-1.1")
def test_fields_stand_in_wire_order() -> None:
    assert ProcessEvent._fields == WIRE_ORDER
    assert [(kind.name, kind.value) for kind in EventType] == [
        ("START", 0), ("STOP", 1), ("MODIFY", 2),
    ]  # fmt: skip


@pytest.mark.req("EVT-1.2")
@given(events())
def test_event_within_the_ranges_is_accepted(event: ProcessEvent) -> None:
    before = event._asdict()
    check_event(event)
    assert event._asdict() == before


@pytest.mark.req("EVT-1.2")
@pytest.mark.parametrize(("field", "value"), [*BAD_FIELDS, *LOOSE_TYPES])
def test_value_outside_its_range_is_refused_by_name(field: str, value: Any) -> None:
    event = small_event(1)._replace(**{field: value})
    with pytest.raises(InvalidEvent) as caught:
        check_event(event)
    assert caught.value.field == field


@pytest.mark.req("EVT-1.2")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("pid", 0), ("pid", 2**32 - 1), ("ppid", 0), ("ppid", 2**32 - 1),
        ("memory_usage", 0), ("memory_usage", 2**64 - 1),
        ("start_time_ns", 0), ("start_time_ns", TIME_NS_MAX),
        ("timestamp_ns", 0), ("timestamp_ns", TIME_NS_MAX),
        ("cpu_usage", -0.0), ("cpu_usage", 1.7976931348623157e308),
        ("name", ""), ("name", "\U0010ffff"), ("command_line", ("",)),
    ],
)  # fmt: skip
def test_value_at_the_bound_is_accepted(field: str, value: Any) -> None:
    event = small_event(1)._replace(**{field: value})
    check_event(event)
    assert getattr(event, field) == value


@pytest.mark.req("EVT-1.3")
@pytest.mark.parametrize(
    ("executable_hash", "hash_algorithm"), [("9f86d081", None), (None, "sha256"), ("", None)]
)
def test_hash_without_its_algorithm_is_refused(
    executable_hash: str | None, hash_algorithm: str | None
) -> None:
    event = faker_event(1)._replace(
        executable_hash=executable_hash, hash_algorithm=hash_algorithm
    )  # fmt: skip
    with pytest.raises(InvalidEvent, match="together"):
        check_event(event)


@pytest.mark.req("EVT-1.3")
@pytest.mark.parametrize("pair", [(None, None), ("9f86d081", "sha256"), ("", "")])
def test_hash_with_its_algorithm_or_neither_is_accepted(pair: tuple[str | None, ...]) -> None:
    event = faker_event(1)._replace(executable_hash=pair[0], hash_algorithm=pair[1])
    check_event(event)
    assert (event.executable_hash, event.hash_algorithm) == pair
