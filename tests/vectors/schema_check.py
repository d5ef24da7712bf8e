"""Checks a file against schema.json: as much of JSON Schema (2020-12) as that one uses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
# fmt: off
_KNOWN: Final = frozenset((
    "$schema", "$id", "$defs", "$comment", "$ref", "title", "description",
    "type", "enum", "const", "required", "properties", "additionalProperties", "propertyNames",
    "items", "oneOf", "pattern", "minItems", "minimum", "maximum", "minLength", "uniqueItems",
))
# fmt: on


def schema_errors(value: Any, schema: Any, root: Any, at: str = "$") -> Iterator[str]:
    """Yield what is wrong with `value`. Raises KeyError for a schema word it does not know."""
    unknown = schema.keys() - _KNOWN
    if unknown:
        raise KeyError(f"this validator does not know {sorted(unknown)}")
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/$defs/")
        yield from schema_errors(value, root["$defs"][name], root, at)
    if "oneOf" in schema:
        branches = [list(schema_errors(value, s, root, at)) for s in schema["oneOf"]]
        matching = sum(not errors for errors in branches)
        if matching != 1:
            nearest = min(branches, key=len)
            yield f"{at}: {matching} of {len(branches)} forms match; nearest: {nearest[:3]}"
    if "type" in schema and not _has_type(value, schema["type"]):
        yield f"{at}: {value!r:.60} is not of type {schema['type']}"
        return
    yield from _plain_errors(value, schema, at)
    if isinstance(value, dict):
        yield from _object_errors(value, schema, root, at)
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from schema_errors(item, schema.get("items", {}), root, f"{at}[{index}]")


def _has_type(value: Any, names: str | list[str]) -> bool:
    for name in [names] if isinstance(names, str) else names:
        if isinstance(value, _TYPES[name]) and not (
            isinstance(value, bool) and name in ("integer", "number")
        ):
            return True
    return False


def _plain_errors(value: Any, schema: Any, at: str) -> Iterator[str]:
    if "const" in schema and value != schema["const"]:
        yield f"{at}: {value!r:.60} is not {schema['const']!r}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r:.60} is not one of {schema['enum']}"
    if isinstance(value, str):
        if "pattern" in schema and not re.search(schema["pattern"], value):
            yield f"{at}: {value!r:.60} does not match {schema['pattern']}"
        if len(value) < schema.get("minLength", 0):
            yield f"{at}: {value!r:.60} is too short"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if value < schema.get("minimum", value):
            yield f"{at}: {value} is below {schema['minimum']}"
        if value > schema.get("maximum", value):
            yield f"{at}: {value} is above {schema['maximum']}"
    if isinstance(value, list):
        if len(value) < schema.get("minItems", 0):
            yield f"{at}: {len(value)} items are too few"
        if schema.get("uniqueItems") and any(item in value[:i] for i, item in enumerate(value)):
            yield f"{at}: an item is repeated"


def _object_errors(value: dict[str, Any], schema: Any, root: Any, at: str) -> Iterator[str]:
    properties = schema.get("properties", {})
    for name in schema.get("required", []):
        if name not in value:
            yield f"{at}: {name} is missing"
    for name, item in value.items():
        if "propertyNames" in schema:
            yield from schema_errors(name, schema["propertyNames"], root, f"{at}.{name}")
        if name in properties:
            yield from schema_errors(item, properties[name], root, f"{at}.{name}")
        elif schema.get("additionalProperties") is False:
            yield f"{at}: {name} is unknown"
        elif "additionalProperties" in schema:
            other = schema["additionalProperties"]
            yield from schema_errors(item, other, root, f"{at}.{name}")
