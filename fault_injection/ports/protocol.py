"""The adapter protocol as data: operations, their fields, and the check of every reply.

PROTOCOL.md says the same in prose; `schema()` is the published JSON Schema, and a test
compares the file with it. A reply is checked field by field: what came, what was expected,
and, where that can be told, why it usually happens. Spec: PRT-1.1, PRT-1.2.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from fault_injection.ports.errors import ProtocolViolation

PROTOCOL_VERSION: Final = 1
CAPABILITIES: Final = ("codec", "log", "connector")
_DECIMAL: Final = re.compile(r"0|[1-9][0-9]{0,19}")
_HEX: Final = re.compile(r"([0-9a-f]{2})*")


@dataclass(frozen=True, slots=True)
class Shape:
    """What a field has to be."""

    words: str
    schema: Mapping[str, object]
    accepts: Callable[[Any], bool]


def _list_of(shape: Shape) -> Shape:
    return Shape(
        f"a list of {shape.words}",
        {"type": "array", "items": dict(shape.schema)},
        lambda value: isinstance(value, list) and all(map(shape.accepts, value)),
    )


TEXT: Final = Shape("a string", {"type": "string"}, lambda v: isinstance(v, str))
BOOL: Final = Shape("true or false", {"type": "boolean"}, lambda v: isinstance(v, bool))
OBJECT: Final = Shape("an object", {"type": "object"}, lambda v: isinstance(v, dict))
NUMBER: Final = Shape(
    "a number", {"type": "integer", "minimum": 0},
    lambda v: type(v) is int and v >= 0,
)  # fmt: skip
DECIMAL: Final = Shape(
    "a decimal string", {"type": "string", "pattern": "^(0|[1-9][0-9]{0,19})$"},
    lambda v: isinstance(v, str) and _DECIMAL.fullmatch(v) is not None and int(v) < 1 << 64,
)  # fmt: skip
HEX: Final = Shape(
    "a lowercase hexadecimal string", {"type": "string", "pattern": "^([0-9a-f]{2})*$"},
    lambda v: isinstance(v, str) and _HEX.fullmatch(v) is not None,
)  # fmt: skip
DECIMAL_OR_NULL: Final = Shape(
    "a decimal string or null",
    {"oneOf": [{"type": "string", "pattern": "^(0|[1-9][0-9]{0,19})$"}, {"type": "null"}]},
    lambda v: v is None or DECIMAL.accepts(v),
)  # fmt: skip
ENTRY: Final = Shape(
    "an entry {sequence, timestamp_ns, event}",
    {
        "type": "object",
        "required": ["sequence", "timestamp_ns", "event"],
        "properties": {
            "sequence": dict(DECIMAL.schema),
            "timestamp_ns": dict(DECIMAL.schema),
            "event": dict(HEX.schema),
        },
        "additionalProperties": False,
    },
    lambda v: (
        isinstance(v, dict)
        and set(v) == {"sequence", "timestamp_ns", "event"}
        and DECIMAL.accepts(v["sequence"])
        and DECIMAL.accepts(v["timestamp_ns"])
        and HEX.accepts(v["event"])
    ),
)


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation."""

    name: str
    request: Mapping[str, Shape]
    ok: Mapping[str, Shape]
    capability: str = ""
    """Empty: every adapter has it."""
    error: Mapping[str, Shape] = field(default_factory=dict)
    """Fields that an error carries besides code, definite and text."""


OPERATIONS: Final = {
    each.name: each
    for each in (
        Operation(
            "hello",
            {"protocol": NUMBER},
            {
                "protocol": NUMBER, "name": TEXT, "language": TEXT, "version": TEXT,
                "capabilities": _list_of(TEXT), "limits": OBJECT, "issues_url": TEXT,
            },
        ),
        Operation("decode", {"event": HEX}, {"json": OBJECT}, "codec"),
        Operation("encode", {"json": OBJECT}, {"event": HEX}, "codec"),
        Operation(
            "open", {"dir": TEXT, "settings": OBJECT}, {"report": OBJECT, "log_id": HEX}, "log"
        ),
        Operation("append", {"event": HEX}, {"sequence": DECIMAL}, "log"),
        Operation(
            "append_batch", {"events": _list_of(HEX)}, {"sequences": _list_of(DECIMAL)}, "log",
            {"stored": _list_of(DECIMAL)},
        ),
        Operation("acknowledge", {"through": DECIMAL}, {}, "log"),
        Operation("refuse", {"sequence": DECIMAL, "reason": TEXT}, {}, "log"),
        Operation("replay", {"after": DECIMAL}, {"entries": _list_of(ENTRY)}, "log"),
        Operation(
            "status",
            {},
            {
                "next_sequence": DECIMAL, "acknowledged_through": DECIMAL,
                "hidden_from": DECIMAL_OR_NULL, "segments": _list_of(TEXT), "used_bytes": DECIMAL,
            },
            "log",
        ),
        Operation("close", {}, {"clean": BOOL, "reason": TEXT}, "log"),
        Operation(
            "recover",
            {"dir": TEXT, "settings": OBJECT},
            {
                "report": OBJECT, "next_sequence": DECIMAL, "entries": _list_of(ENTRY),
                "dead_letters": _list_of(DECIMAL),
            },
            "log",
        ),
        Operation("bye", {}, {}),
    )
}  # fmt: skip


ERROR_MAY_HAVE: Final = {"offset": NUMBER, "field": TEXT, "line_number": NUMBER}
"""Where it went wrong, if the port knows: the byte, the field of the event, the line."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply that the protocol allows: one of the four is set."""

    ok: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    unsupported: str = ""
    skipped: str = ""


def parse_reply(line: bytes, op: str, request_id: int) -> Reply:
    """Return the reply. Raises ProtocolViolation."""
    expected = f'{{"id": {request_id}, "ok": {{{_fields(OPERATIONS[op].ok)}}}}}'
    if not line.endswith(b"\n"):
        raise ProtocolViolation(line, "the line does not end", expected, "the output was cut off")
    try:
        found = json.loads(line.decode())
    except (ValueError, RecursionError) as error:
        cause = "something else is printed to standard output; use standard error"
        raise ProtocolViolation(line, f"not JSON: {error}", expected, cause) from error
    if not isinstance(found, dict):
        raise ProtocolViolation(line, "not an object", expected)
    if type(found.get("id")) is not int or found["id"] != request_id:
        cause = "an extra line was written, or a reply was left out"
        raise ProtocolViolation(line, f"id is {found.get('id')!r}", expected, cause)
    kinds = sorted(set(found) - {"id"})
    match kinds:
        case ["ok"]:
            return Reply(ok=_checked(line, found["ok"], OPERATIONS[op].ok, "ok", expected))
        case ["error"]:
            wanted = {"code": TEXT, "definite": BOOL, "text": TEXT, **OPERATIONS[op].error}
            expected = f'{{"id": {request_id}, "error": {{{_fields(wanted)}}}}}'
            wanted |= {
                name: shape for name, shape in ERROR_MAY_HAVE.items() if name in found["error"]
            }
            return Reply(error=_checked(line, found["error"], wanted, "error", expected))
        case ["unsupported"]:
            wanted = {"capability": TEXT}
            return Reply(
                unsupported=_checked(line, found["unsupported"], wanted, "unsupported", expected)[
                    "capability"
                ]
            )
        case ["skipped"]:
            wanted = {"reason": TEXT, "issue_url": TEXT}
            why = _checked(line, found["skipped"], wanted, "skipped", expected)
            return Reply(skipped=f"{why['reason']} {why['issue_url']}".strip())
    raise ProtocolViolation(line, f"fields {kinds}", "one of ok, error, unsupported, skipped")


def _checked(
    line: bytes, found: object, wanted: Mapping[str, Shape], where: str, expected: str
) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise ProtocolViolation(line, f"{where} is not an object", expected)
    if missing := sorted(set(wanted) - set(found)):
        raise ProtocolViolation(line, f"{where}: field {missing[0]!r} is missing", expected)
    if unknown := sorted(set(found) - set(wanted)):
        raise ProtocolViolation(line, f"{where}: unknown field {unknown[0]!r}", expected)
    for name, shape in wanted.items():
        value = found[name]
        if not shape.accepts(value):
            is_number = shape is DECIMAL and isinstance(value, int)
            cause = "numbers of 64 bits travel as strings" if is_number else ""
            raise ProtocolViolation(
                line, f"{where}: {name!r} is not {shape.words}", expected, cause
            )
    return found


def _fields(shapes: Mapping[str, Shape]) -> str:
    return ", ".join(f'"{name}": {shape.words}' for name, shape in shapes.items())
