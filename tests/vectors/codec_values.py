"""Vectors of the encoding: events, in both directions."""

from __future__ import annotations

from collections.abc import Iterator

from reference.codec import encode_event
from reference.events import EventType, ProcessEvent
from reference.timestamps import TIME_NS_MAX
from tests.vectors.document import Vector, event_json

SECOND_NS = 1_000_000_000
NOW_NS = 1_700_000_000 * SECOND_NS

SMALLEST = ProcessEvent(
    event_type=EventType.START, pid=0, ppid=None, name="", executable_path=None,
    command_line=(), start_time_ns=None, cpu_usage=None, memory_usage=None,
    executable_hash=None, hash_algorithm=None, user_id=None, accessible=False,
    file_exists=False, timestamp_ns=0, platform_metadata=None,
)  # fmt: skip
FULL = ProcessEvent(
    event_type=EventType.MODIFY, pid=4711, ppid=1, name="sshd", executable_path="/usr/sbin/sshd",
    command_line=("sshd", "-D", ""), start_time_ns=NOW_NS + 1, cpu_usage=12.5,
    memory_usage=8_392_704, executable_hash="9f86d081", hash_algorithm="sha256", user_id="0",
    accessible=True, file_exists=True, timestamp_ns=NOW_NS + 250_000_000,
    platform_metadata='{"a":1}',
)  # fmt: skip


def vectors() -> Iterator[Vector]:
    yield from _events()
    yield from _optional_fields()
    yield from _text()
    yield from _numbers()


def _event(id: str, comment: str, event: ProcessEvent, flags: str = "") -> Vector:
    data = encode_event(event)
    return Vector(
        f"codec-{id}", ["FMT-2.1", "EVT-1.1"], ["codec", *flags.split()], comment,
        {"type": "event", "hex": data.hex()},
        {"value": event_json(event), "encoded": data.hex()},
    )  # fmt: skip


def _events() -> Iterator[Vector]:
    assert len(encode_event(SMALLEST)) == 47
    assert encode_event(SMALLEST) == bytes(47)
    yield _event("smallest", "The smallest event: 47 zero bytes.", SMALLEST)
    yield _event("all-fields", "Every field present.", FULL)
    for kind, tag in ((EventType.START, 0), (EventType.STOP, 1), (EventType.MODIFY, 2)):
        event = SMALLEST._replace(event_type=kind, pid=1)
        assert encode_event(event)[:8] == bytes([tag, 0, 0, 0, 1, 0, 0, 0])
        yield _event(
            f"type-{kind.name.lower()}", f"event_type is a u32 tag: {tag}.", event
        )  # fmt: skip
    for accessible in (False, True):
        event = SMALLEST._replace(accessible=accessible, file_exists=not accessible)
        word = "accessible" if accessible else "file-exists"
        assert encode_event(event)[32:34] == bytes([accessible, not accessible])
        yield _event(f"only-{word}", "The two bools, one set: their order shows.", event)


def _optional_fields() -> Iterator[Vector]:
    pair = {"executable_hash": "ab", "hash_algorithm": "md5"}
    for name, fields in (
        ("ppid", {"ppid": 1}),
        ("executable-path", {"executable_path": "/bin/sh"}),
        ("start-time", {"start_time_ns": NOW_NS + 999_999_999}),
        ("cpu-usage", {"cpu_usage": 0.5}),
        ("memory-usage", {"memory_usage": 4096}),
        ("hash", pair),
        ("user-id", {"user_id": "S-1-5-18"}),
        ("metadata", {"platform_metadata": "{}"}),
    ):  # fmt: skip
        event = SMALLEST._replace(**fields)
        assert len(encode_event(event)) > 47
        yield _event(f"only-{name}", f"Only {', '.join(fields)} present: 01, then it.", event)
    empty = SMALLEST._replace(executable_path="", user_id="", platform_metadata="")
    yield _event(
        "present-and-empty", "An empty text that is present is not an absent one.", empty, "text"
    )  # fmt: skip


def _text() -> Iterator[Vector]:
    yield _event(
        "text-multi-byte", "Two, three and four bytes a character: lengths count bytes.",
        SMALLEST._replace(name="żółw 雪 🐍", command_line=("é", "\u0301")), "text",
    )  # fmt: skip
    yield _event(
        "text-nul-and-controls", "NUL, line feed and DEL are characters like others.",
        SMALLEST._replace(name="a\0b\n\x7f"), "text",
    )  # fmt: skip
    yield _event(
        "arguments-none", "A command line of no arguments.",
        SMALLEST._replace(name="kthreadd"), "text",
    )  # fmt: skip
    yield _event(
        "arguments-empty-and-spaces", "Empty arguments and spaces keep their borders.",
        SMALLEST._replace(command_line=("", "a b", "", " ")), "text",
    )  # fmt: skip
    yield _event(
        "arguments-100", "A hundred arguments.",
        SMALLEST._replace(command_line=tuple(str(n) for n in range(100))), "text",
    )  # fmt: skip


def _numbers() -> Iterator[Vector]:
    yield _event(
        "integers-highest", "The highest integers, none of which may turn negative.",
        SMALLEST._replace(pid=2**32 - 1, ppid=2**32 - 1, memory_usage=2**64 - 1), "number",
    )  # fmt: skip
    yield _event(
        "memory-above-2-to-53", "2^53 + 1 does not fit into a float.",
        SMALLEST._replace(memory_usage=2**53 + 1), "number",
    )  # fmt: skip
    for name, value, comment in (
        ("zero", 0.0, "+0.0."),
        ("minus-zero", -0.0, "-0.0 keeps its sign: the last byte is 80."),
        ("subnormal", 5e-324, "The smallest number above zero."),
        ("highest", 1.7976931348623157e308, "The highest finite number."),
        ("lowest", -1.7976931348623157e308, "The lowest finite number. No range is imposed."),
        ("third", 0.1 + 0.2, "17 digits are needed to write it."),
    ):
        yield _event(
            f"cpu-{name}", comment, SMALLEST._replace(cpu_usage=value), "number"
        )  # fmt: skip
    for name, time_ns in (("highest", TIME_NS_MAX), ("last-nanosecond", NOW_NS + 999_999_999)):
        yield _event(
            f"times-{name}", "SystemTime is u64 seconds and u32 nanoseconds.",
            SMALLEST._replace(start_time_ns=time_ns, timestamp_ns=time_ns), "number",
        )  # fmt: skip
