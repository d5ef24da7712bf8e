"""What a field of the adapter protocol has to be: its words, its JSON Schema, and its check.

A shape may be built of others (`list_of`, `object_of`); of a value that is wrong, `fault` names
the innermost place that is. Which operation has which fields is protocol.py's. Spec: PRT-1.1.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from reference.report import DamageKind, Fate

_DECIMAL: Final = "(0|[1-9][0-9]{0,19})"
_NANOSECONDS: Final = "(0|[1-9][0-9]{0,20})"
_HEX: Final = "([0-9a-f]{2})*"


@dataclass(frozen=True, slots=True)
class Shape:
    """What a field has to be."""

    words: str
    schema: Mapping[str, object]
    accepts: Callable[[Any], bool]
    """Of the value alone; what is in a list or an object is asked for by its own shape."""
    fields: Mapping[str, Shape] | None = None
    item: Shape | None = None


@dataclass(frozen=True, slots=True)
class ShapeFault:
    """The innermost place that is wrong."""

    at: str
    """Below the value that was looked at, like "damages[3].fate"; empty: the value itself."""
    text: str
    is_bare_number: bool = False
    """A number came where a decimal string has to be."""


def fault(shape: Shape, value: object, at: str = "") -> ShapeFault | None:
    """Return the first thing that is wrong with the value; None if nothing is."""
    if not shape.accepts(value):
        is_number = shape in (DECIMAL, DECIMAL_OR_NULL, NANOSECONDS) and isinstance(value, int)
        return ShapeFault(at, f"is not {shape.words}", is_number)
    if isinstance(value, list) and shape.item is not None:
        inside = ((f"{at}[{i}]", shape.item, each) for i, each in enumerate(value))
    elif isinstance(value, dict) and shape.fields is not None:
        if missing := sorted(shape.fields.keys() - value.keys()):
            return ShapeFault(at, f"has no field {missing[0]!r}")
        if unknown := sorted(value.keys() - shape.fields.keys()):
            return ShapeFault(at, f"has the unknown field {unknown[0]!r}")
        prefix = f"{at}." if at else ""
        inside = ((prefix + name, each, value[name]) for name, each in shape.fields.items())
    else:
        return None
    return next((found for where, of, each in inside if (found := fault(of, each, where))), None)


def list_of(shape: Shape) -> Shape:
    """A list in which each has this shape."""
    return Shape(
        f"a list of {shape.words}",
        {"type": "array", "items": dict(shape.schema)},
        lambda value: isinstance(value, list),
        item=shape,
    )


def object_of(words: str, fields: Mapping[str, Shape]) -> Shape:
    """An object with exactly these fields."""
    return Shape(
        words,
        {
            "type": "object",
            "required": list(fields),
            "properties": {name: dict(shape.schema) for name, shape in fields.items()},
            "additionalProperties": False,
        },
        lambda value: isinstance(value, dict),
        fields=fields,
    )


def _matching(words: str, pattern: str, below: int | None = None) -> Shape:
    """A string that matches; as a number, if there is a bound, below it."""
    compiled = re.compile(pattern)
    return Shape(
        words,
        {"type": "string", "pattern": f"^{pattern}$"},
        lambda value: (
            isinstance(value, str)
            and compiled.fullmatch(value) is not None
            and (below is None or int(value) < below)
        ),
    )


def _or_null(shape: Shape) -> Shape:
    return Shape(
        f"{shape.words} or null",
        {"oneOf": [dict(shape.schema), {"type": "null"}]},
        lambda value: value is None or shape.accepts(value),
    )


def _one_of(words: list[str]) -> Shape:
    return Shape(
        f"one of {', '.join(words)}", {"enum": words},
        lambda value: isinstance(value, str) and value in words,
    )  # fmt: skip


TEXT: Final = Shape("a string", {"type": "string"}, lambda v: isinstance(v, str))
BOOL: Final = Shape("true or false", {"type": "boolean"}, lambda v: isinstance(v, bool))
OBJECT: Final = Shape("an object", {"type": "object"}, lambda v: isinstance(v, dict))
NUMBER: Final = Shape(
    "a number", {"type": "integer", "minimum": 0},
    lambda v: type(v) is int and v >= 0,
)  # fmt: skip
DECIMAL: Final = _matching("a decimal string", _DECIMAL, 1 << 64)
NANOSECONDS: Final = _matching("nanoseconds in a decimal string", _NANOSECONDS)
"""Since 1970: more than 64 bits from the year 2554 on."""
HEX: Final = _matching("a lowercase hexadecimal string", _HEX)
LOG_ID: Final = _matching("32 lowercase hexadecimal digits", "[0-9a-f]{32}")
LOG_ID_OR_EMPTY: Final = _matching("32 hexadecimal digits or empty", "([0-9a-f]{32})?")
DECIMAL_OR_NULL: Final = _or_null(DECIMAL)
TEXT_OR_NULL: Final = _or_null(TEXT)
ENTRY: Final = object_of(
    "an entry {sequence, timestamp_ns, event}",
    {"sequence": DECIMAL, "timestamp_ns": NANOSECONDS, "event": HEX},
)
_DAMAGE: Final = object_of(
    "a damage of a report",
    {
        "kind": _one_of([each.value for each in DamageKind]), "file": TEXT, "offset": NUMBER,
        "length_bytes": NUMBER, "fate": _one_of([each.value for each in Fate]),
        "first_sequence": DECIMAL_OR_NULL, "sequence_count": DECIMAL, "detail": TEXT,
    },
)  # fmt: skip
REPORT: Final = object_of(
    "a report (SPEC.md, REP-1.3)",
    {
        "log_id": LOG_ID, "previous_log_id": LOG_ID_OR_EMPTY, "clean_shutdown": BOOL,
        "segments": NUMBER, "entries": NUMBER, "acknowledged_through": DECIMAL,
        "next_sequence": DECIMAL, "lost": DECIMAL, "possibly_lost": DECIMAL,
        "dead_lettered": DECIMAL, "damages": list_of(_DAMAGE), "damages_not_listed": NUMBER,
        "ignored": list_of(TEXT), "removed": list_of(TEXT), "quarantined": list_of(TEXT),
        "not_kept": NUMBER, "degraded": TEXT, "live": BOOL,
    },
)  # fmt: skip
