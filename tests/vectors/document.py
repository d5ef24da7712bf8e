"""What a vector is, and how a file of vectors is written: stable, readable, diffable.

A value is written on one line if that fits into 100 columns, else one item a line. Bytes
are lowercase hex, numbers of 64 bits are decimal strings, times are RFC 3339.

Not here: the vectors (one module per concern), the command (generate.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from reference.events import ProcessEvent
from reference.timestamps import format_rfc3339
from tests.vectors.flags import NOTES

Json = object
COLUMNS: Final = 100
ZERO_RUN_BYTES_MIN: Final = 32
"""Shorter runs of zeros stay in the hex: an encoded number has up to eight."""


@dataclass(frozen=True, slots=True)
class Vector:
    """One test: what is given, and what every implementation must answer."""

    id: str
    requirements: Sequence[str]
    flags: Sequence[str]
    comment: str
    """Why this is interesting, for a person whose port fails it."""
    given: Mapping[str, Json]
    then: Mapping[str, Json]
    level: str = "MUST"

    def as_json(self) -> dict[str, Json]:
        return {
            "id": self.id,
            "requirements": list(self.requirements),
            "level": self.level,
            "flags": list(self.flags),
            "comment": self.comment,
            "given": dict(self.given),
            "then": dict(self.then),
        }


def document(kind: str, vectors: Sequence[Vector]) -> str:
    """Return the text of the file of this kind."""
    used = {flag for vector in vectors for flag in vector.flags}
    content = {
        "schema": 1,
        "spec_version": "1.0",
        "kind": kind,
        "count": len(vectors),
        "notes": {flag: note for flag, note in NOTES.items() if flag in used},
        "tests": [vector.as_json() for vector in vectors],
    }
    return pretty(content) + "\n"


def pretty(value: Json, indent: int = 0) -> str:
    """Return JSON that a person can read and a diff can show."""
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, (dict, list)) or not value or indent + len(line) <= COLUMNS:
        return line
    pad = " " * (indent + 1)
    if isinstance(value, dict):
        items = [f"{json.dumps(key)}: {pretty(item, indent + 1)}" for key, item in value.items()]
        opening, closing = "{", "}"
    else:
        items = [pretty(item, indent + 1) for item in value]
        opening, closing = "[", "]"
    inner = ",\n".join(pad + item for item in items)
    return f"{opening}\n{inner}\n{' ' * indent}{closing}"


# ---- Values as vectors spell them -------------------------------------------


def event_json(event: ProcessEvent) -> dict[str, Json]:
    """Return the event as in a JSON line, but with the 64-bit field as a decimal string."""
    return {
        "event_type": event.event_type.name.lower(),
        "pid": event.pid,
        "ppid": event.ppid,
        "name": event.name,
        "executable_path": event.executable_path,
        "command_line": list(event.command_line),
        "start_time": _optional_time(event.start_time_ns),
        "cpu_usage": event.cpu_usage,
        "memory_usage": None if event.memory_usage is None else str(event.memory_usage),
        "executable_hash": event.executable_hash,
        "hash_algorithm": event.hash_algorithm,
        "user_id": event.user_id,
        "accessible": event.accessible,
        "file_exists": event.file_exists,
        "timestamp": format_rfc3339(event.timestamp_ns),
        "platform_metadata": event.platform_metadata,
    }


def _optional_time(time_ns: int | None) -> str | None:
    return None if time_ns is None else format_rfc3339(time_ns)


def content_json(data: bytes) -> list[Json]:
    """Return bytes as parts: hex, and the runs of zeros between them counted."""
    parts: list[Json] = []
    start = position = 0
    while position < len(data):
        run_end = position
        while run_end < len(data) and data[run_end] == 0:
            run_end += 1
        if run_end - position >= ZERO_RUN_BYTES_MIN:
            parts += _hex_part(data[start:position])
            parts.append({"zero_bytes": run_end - position})
            start = run_end
        position = max(run_end, position + 1)
    return parts + _hex_part(data[start:])


def _hex_part(data: bytes) -> list[Json]:
    if len(data) > 64 and data == data[:1] * len(data):
        return [{"repeat_hex": data[:1].hex(), "times": len(data)}]
    return [{"hex": data.hex()}] if data else []


def sorted_unique(ids: Iterable[str]) -> list[str]:
    """Return the IDs sorted. Raises ValueError if one appears twice."""
    result = sorted(ids)
    for one, other in pairwise(result):
        if one == other:
            raise ValueError(f"vector ID {one!r} appears twice")
    return result
