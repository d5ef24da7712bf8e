"""The adapter protocol as JSON Schema, made from the table of protocol.py.

    python3 -m fault_injection.ports.protocol_schema > protocol.schema.json

Spec: PRT-1.1.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from fault_injection.ports.protocol import OPERATIONS, PROTOCOL_VERSION, Operation
from fault_injection.ports.shapes import BOOL, TEXT, Shape


def schema() -> dict[str, object]:
    """Return the schema: a request and a reply for each operation."""
    definitions: dict[str, object] = {}
    for operation in OPERATIONS.values():
        definitions[f"{operation.name}-request"] = _request(operation)
        definitions[f"{operation.name}-reply"] = _reply(operation)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"procmond WAL adapter protocol, version {PROTOCOL_VERSION}",
        "oneOf": [{"$ref": f"#/$defs/{name}"} for name in definitions],
        "$defs": definitions,
    }


def _request(operation: Operation) -> dict[str, object]:
    properties = {name: dict(shape.schema) for name, shape in operation.request.items()}
    return _object({"id": {"type": "integer"}, "op": {"const": operation.name}, **properties})


def _reply(operation: Operation) -> dict[str, object]:
    error = {"code": TEXT, "definite": BOOL, "text": TEXT, **operation.error}
    optional = {name: dict(shape.schema) for name, shape in operation.error_may_have.items()}
    kinds: dict[str, Mapping[str, Shape]] = {
        "ok": operation.ok,
        "error": error,
        "unsupported": {"capability": TEXT},
        "skipped": {"reason": TEXT, "issue_url": TEXT},
    }
    return {
        "oneOf": [
            _object(
                {
                    "id": {"type": "integer"},
                    kind: _object(
                        {name: dict(shape.schema) for name, shape in shapes.items()},
                        optional if kind == "error" else None,
                    ),
                }
            )
            for kind, shapes in kinds.items()
        ]
    }


def _object(
    properties: Mapping[str, object], optional: Mapping[str, object] | None = None
) -> dict[str, object]:
    return {
        "type": "object",
        "properties": {**properties, **(optional or {})},
        "required": list(properties),
        "additionalProperties": False,
    }


def main() -> None:
    """Print the schema."""
    print(json.dumps(schema(), indent=1))


if __name__ == "__main__":
    main()
