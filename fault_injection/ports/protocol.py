"""The adapter protocol as data: operations, their fields, and the check of every reply.

PROTOCOL.md says the same in prose, and protocol_schema.py makes the published JSON Schema of
it. A reply is checked field by field, what is inside a report or an entry too: what came, what
was expected, and, where that can be told, why it usually happens. What a field may be is
shapes.py's. Spec: PRT-1.1, PRT-1.2.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from fault_injection.ports.errors import ProtocolViolation
from fault_injection.ports.shapes import (
    BOOL,
    DECIMAL,
    DECIMAL_OR_NULL,
    ENTRY,
    HEX,
    NUMBER,
    OBJECT,
    REPORT,
    TEXT,
    TEXT_OR_NULL,
    Shape,
    fault,
    list_of,
)

PROTOCOL_VERSION: Final = 1
CAPABILITIES: Final = ("codec", "log", "connector", "bytes")


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
    error_may_have: Mapping[str, Shape] = field(default_factory=dict)
    """Fields that it may leave out."""


def _bytes_operation(
    name: str, request: Mapping[str, Shape], error_may_have: Mapping[str, Shape] | None = None
) -> Operation:
    """An operation that answers a vector with what its `then` is."""
    return Operation(
        name, request, {"then": OBJECT}, "bytes", error_may_have=error_may_have or {}
    )  # fmt: skip


_IN_A_LINE: Final = {"field": TEXT_OR_NULL, "line_number": NUMBER}


OPERATIONS: Final = {
    each.name: each
    for each in (
        Operation(
            "hello",
            {"protocol": NUMBER},
            {
                "protocol": NUMBER, "name": TEXT, "language": TEXT, "version": TEXT,
                "capabilities": list_of(TEXT), "limits": OBJECT, "issues_url": TEXT,
            },
        ),
        Operation(
            "decode", {"event": HEX}, {"json": OBJECT}, "codec", error_may_have={"offset": NUMBER}
        ),
        Operation(
            "encode", {"json": OBJECT}, {"event": HEX}, "codec", error_may_have=_IN_A_LINE
        ),
        Operation(
            "open", {"dir": TEXT, "settings": OBJECT}, {"report": REPORT, "log_id": HEX}, "log"
        ),
        Operation(
            "append", {"event": HEX}, {"sequence": DECIMAL}, "log",
            error_may_have={"offset": NUMBER},
        ),
        Operation(
            "append_batch", {"events": list_of(HEX)}, {"sequences": list_of(DECIMAL)}, "log",
            {"stored": list_of(DECIMAL)}, {"offset": NUMBER},
        ),
        Operation("acknowledge", {"through": DECIMAL}, {}, "log"),
        Operation("refuse", {"sequence": DECIMAL, "reason": TEXT}, {}, "log"),
        Operation("replay", {"after": DECIMAL}, {"entries": list_of(ENTRY)}, "log"),
        Operation(
            "status",
            {},
            {
                "next_sequence": DECIMAL, "acknowledged_through": DECIMAL,
                "hidden_from": DECIMAL_OR_NULL, "segments": list_of(TEXT), "used_bytes": DECIMAL,
            },
            "log",
        ),
        Operation("close", {}, {"clean": BOOL, "reason": TEXT}, "log"),
        Operation(
            "recover",
            {"dir": TEXT, "settings": OBJECT},
            {
                "report": REPORT, "next_sequence": DECIMAL, "entries": list_of(ENTRY),
                "dead_letters": list_of(DECIMAL),
            },
            "log",
        ),
        _bytes_operation("crc", {"bytes": HEX, "continues": HEX}),
        _bytes_operation("segment_name", {"number": NUMBER}),
        _bytes_operation("segment_number", {"name": TEXT}),
        _bytes_operation("header", {"bytes": HEX}),
        _bytes_operation("slot", {"bytes": HEX}),
        _bytes_operation(
            "frame", {"bytes": HEX, "file_number": NUMBER, "salt": HEX, "offset": DECIMAL}
        ),
        _bytes_operation("timestamp", {"bytes": HEX}, {"offset": NUMBER}),
        _bytes_operation("json_line", {"bytes": HEX, "line_number": NUMBER}, _IN_A_LINE),
        Operation("bye", {}, {}),
    )
}  # fmt: skip


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
                name: shape
                for name, shape in OPERATIONS[op].error_may_have.items()
                if isinstance(found["error"], dict) and name in found["error"]
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
        if (wrong := fault(shape, found[name])) is None:
            continue
        cause = "numbers of 64 bits travel as strings" if wrong.is_bare_number else ""
        text = f"{where}: {name!r} is not {shape.words}"
        if wrong.at:
            text += f": {wrong.at} {wrong.text}"
        elif not wrong.text.startswith("is not"):
            text += f": it {wrong.text}"
        raise ProtocolViolation(line, text, expected, cause)
    return found


def _fields(shapes: Mapping[str, Shape]) -> str:
    return ", ".join(f'"{name}": {shape.words}' for name, shape in shapes.items())
