"""Vectors of JSON Lines: lines that are events, and lines that are rejected with the field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from reference.codec import encode_event
from reference.events import ProcessEvent
from reference.json_lines import encode_json_line
from tests.vectors.codec_values import FULL, SMALLEST
from tests.vectors.document import Json, Vector, event_json

LINE_NUMBER = 7
SMALL_LINE = encode_json_line(SMALLEST)


def vectors() -> Iterator[Vector]:
    yield from _valid()
    yield from _not_an_object()
    yield from _wrong_fields()
    yield from _wrong_types()
    yield from _out_of_range()


# ---- Lines that are events --------------------------------------------------


def _good(id: str, comment: str, line: str, event: ProcessEvent) -> Vector:
    return Vector(
        f"json-{id}", ["EVT-2.1"], ["json"], comment, {"line": line, "line_number": LINE_NUMBER},
        {
            "event": event_json(event), "encoded": encode_event(event).hex(),
            "line": encode_json_line(event),
        },
    )  # fmt: skip


def _valid() -> Iterator[Vector]:
    yield _good("smallest", "Every absent value is null.", SMALL_LINE, SMALLEST)
    yield _good("all-fields", "Every field present.", encode_json_line(FULL), FULL)
    fields = json.loads(encode_json_line(FULL))
    backwards = json.dumps(dict(reversed(fields.items())))
    yield _good("any-order", "Fields in another order, with spaces.", backwards, FULL)
    text = FULL._replace(name="żółw 🐍", command_line=('say "hi"', "a\\b", "tab\there"))
    escaped = json.dumps(json.loads(encode_json_line(text)), ensure_ascii=True)
    assert "\\ud83d\\udc0d" in escaped, "a pair of escapes for one character"
    yield _good("escapes", "Escapes, also in pairs, are the characters they stand for.", escaped,
                text)  # fmt: skip
    highest = SMALLEST._replace(pid=2**32 - 1, memory_usage=2**64 - 1)
    yield _good(
        "integers-highest", "memory_usage 2^64-1 is exact: no reader may go through a float.",
        encode_json_line(highest), highest,
    )  # fmt: skip
    whole = _with("cpu_usage", 2)
    yield _good("cpu-whole-number", "A whole number is a number.", whole,
                SMALLEST._replace(cpu_usage=2.0))  # fmt: skip
    tiny = SMALL_LINE.replace('"cpu_usage":null', '"cpu_usage":-5E-1')
    yield _good("cpu-exponent", "A sign and an exponent.", tiny, SMALLEST._replace(cpu_usage=-0.5))
    for name, spelled, written in (
        ("below-1e16", "9007199254740993.0", "9007199254740992.0"),
        ("from-1e16", "10000000000000000", "1e+16"),
        ("from-1e-4", "1e-4", "0.0001"),
        ("below-1e-4", "0.00001", "1e-05"),
        ("smallest", "4.9E-324", "5e-324"),
        ("largest", "1.7976931348623157e308", "1.7976931348623157e+308"),
        ("minus-zero", "-0.0", "-0.0"),
        ("shortest-digits", "0.1000000000000000055511151231257827", "0.1"),
    ):
        line = SMALL_LINE.replace('"cpu_usage":null', f'"cpu_usage":{spelled}')
        event = SMALLEST._replace(cpu_usage=float(written))
        assert f'"cpu_usage":{written},' in encode_json_line(event)
        yield _good(f"cpu-written-{name}", f"Written as {written}.", line, event)


def _with(field: str, value: Json) -> str:
    fields = json.loads(SMALL_LINE)
    assert field in fields
    fields[field] = value
    return json.dumps(fields, ensure_ascii=True)


# ---- Lines that are rejected ------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Bad:
    id: str
    comment: str
    line: str | bytes
    field: str | None = None

    def vector(self) -> Vector:
        given: dict[str, Json] = {"line_number": LINE_NUMBER}
        if isinstance(self.line, bytes):
            given["hex"] = self.line.hex()
        else:
            given["line"] = self.line
        return Vector(
            f"json-{self.id}", ["EVT-2.2"], ["json"], self.comment, given,
            {"error": "InvalidJsonLine", "line_number": LINE_NUMBER, "field": self.field},
        )  # fmt: skip


def _not_an_object() -> Iterator[Vector]:
    for id, comment, line in (
        ("empty-line", "An empty line is no event.", ""),
        ("array", "An array.", "[]"),
        ("null", "null.", "null"),
        ("cut", "The line ends early.", SMALL_LINE[:-1]),
        ("trailing-text", "Text behind the object.", SMALL_LINE + " x"),
        ("two-objects", "Two objects on a line.", SMALL_LINE * 2),
        ("single-quotes", "Single quotes.", SMALL_LINE.replace('"', "'")),
        ("trailing-comma", "A comma before the closing brace.", SMALL_LINE[:-1] + ",}"),
        ("nan", "NaN is no JSON.", SMALL_LINE.replace('"cpu_usage":null', '"cpu_usage":NaN')),
        ("control-character", "A raw tab inside a string.",
         SMALL_LINE.replace('"name":""', '"name":"\t"')),
    ):  # fmt: skip
        yield _Bad(id, comment, line).vector()
    bad = SMALL_LINE.replace('"name":""', '"name":"?"').encode().replace(b"?", b"\xff")
    yield _Bad("not-utf-8", "A byte FF inside a string.", bad).vector()
    yield _Bad(
        "utf-16", "JSON Lines is UTF-8. This line is UTF-16, which some readers guess.",
        SMALL_LINE.encode("utf-16-le"),
    ).vector()  # fmt: skip


def _wrong_fields() -> Iterator[Vector]:
    fields = json.loads(SMALL_LINE)
    for name in ("ppid", "command_line", "timestamp", "platform_metadata"):
        rest = {key: value for key, value in fields.items() if key != name}
        yield _Bad(
            f"missing-{name.replace('_', '-')}", "Absent is null; a missing field is an error.",
            json.dumps(rest), name,
        ).vector()  # fmt: skip
    yield _Bad(
        "unknown-field", "A field that no event has.",
        json.dumps({**fields, "hostname": "a"}), "hostname",
    ).vector()  # fmt: skip
    yield _Bad(
        "unknown-field-inherited", "A name that in JavaScript every object has.",
        json.dumps({**fields, "toString": None}), "toString",
    ).vector()  # fmt: skip
    yield _Bad(
        "field-in-capitals", "Names are exact.",
        SMALL_LINE.replace('"pid"', '"PID"'), "PID",
    ).vector()  # fmt: skip
    yield _Bad(
        "repeated-field", "pid twice: readers disagree about which counts.",
        SMALL_LINE.replace('"pid":0', '"pid":0,"pid":1'), "pid",
    ).vector()  # fmt: skip
    yield _Bad(
        "repeated-field-escaped", "pid twice, the second time written with an escape.",
        SMALL_LINE.replace('"pid":0', '"pid":0,"p\\u0069d":0'), "pid",
    ).vector()  # fmt: skip


def _wrong_types() -> Iterator[Vector]:
    for id, field, value in (
        ("pid-text", "pid", "1"),
        ("pid-bool", "pid", True),
        ("pid-null", "pid", None),
        ("pid-fraction", "pid", 1.0),
        ("ppid-list", "ppid", [1]),
        ("name-null", "name", None),
        ("name-number", "name", 5),
        ("command-line-text", "command_line", "sshd -D"),
        ("command-line-null", "command_line", None),
        ("command-line-of-numbers", "command_line", [1]),
        ("accessible-number", "accessible", 1),
        ("cpu-text", "cpu_usage", "1.5"),
        ("cpu-bool", "cpu_usage", True),
        ("metadata-object", "platform_metadata", {"a": 1}),
        ("timestamp-number", "timestamp", 1_700_000_000),
        ("event-type-number", "event_type", 0),
    ):
        yield _Bad(id, f"{field} of a wrong type.", _with(field, value), field).vector()
    yield _Bad(
        "pid-exponent", "1e3 is a float, not an integer.",
        SMALL_LINE.replace('"pid":0', '"pid":1e3'), "pid",
    ).vector()  # fmt: skip


def _out_of_range() -> Iterator[Vector]:
    for id, field, value, comment in (
        ("pid-negative", "pid", -1, "Negative."),
        ("pid-2-to-32", "pid", 2**32, "33 bits."),
        ("memory-2-to-64", "memory_usage", 2**64, "65 bits."),
        ("event-type-capitals", "event_type", "START", "Names are lowercase."),
        ("event-type-unknown", "event_type", "fork", "No such type."),
        ("timestamp-offset", "timestamp", "2023-11-14T22:13:20+00:00", "Z, not an offset."),
        ("start-time-before-1970", "start_time", "1969-12-31T23:59:59Z", "Before 1970."),
        ("name-lone-surrogate", "name", "\ud800", "An escape that is half of a character."),
        ("argument-lone-surrogate", "command_line", ["a", "\udc00"], "The other half."),
        ("hash-without-algorithm", "executable_hash", "ab", "Both or neither (EVT-1.3)."),
        ("algorithm-without-hash", "hash_algorithm", "md5", "Both or neither (EVT-1.3)."),
    ):
        named = "executable_hash" if field == "hash_algorithm" else field
        yield _Bad(f"{id}", comment, _with(field, value), named).vector()
    yield _Bad(
        "cpu-too-large", "1e400 is no finite 64-bit float.",
        SMALL_LINE.replace('"cpu_usage":null', '"cpu_usage":1e400'), "cpu_usage",
    ).vector()  # fmt: skip
