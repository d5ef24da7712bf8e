"""Compares what a port answered with what a vector says: the rules of tests/vectors/README.md.

Everything is compared, but for a new log's identity, words for people, the order of damages,
and the order and repeats of dead letters. Numbers are compared as numbers: 2 and 2.0 are one,
0.0 and -0.0 are two. What differs is raised, with the place and both sides.

Spec: PRT-1.3.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from fault_injection.ports.adapter import PortError
from reference.codec import encode_event
from reference.dead_letters import DeadLetter, decode_dead_letter
from reference.json_lines import decode_json_line
from reference.names import DEAD_LETTERS_NAME
from reference.timestamps import parse_rfc3339

_FREE: Final = "detail"
"""Words for people, with which a port may be sparing or not (REP-1.3)."""
_WORDS: Final = "degraded"
"""Empty or not is all that counts."""
_SHOWN_BYTES: Final = 24
_MISSING: Final = "(missing)"


class Different(Exception):
    """Expected and found are not the same."""


def same(name: str, expected: str, found: str) -> None:
    """Compare two texts. Raises Different, like all of these."""
    if expected != found:
        raise Different(f"{name}: expected {expected}, found {found}")


def same_value(name: str, expected: object, found: object) -> None:
    """Compare two JSON values, place by place."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in sorted(expected.keys() | found.keys()):
            same_value(f"{name}, {key}", expected.get(key, _MISSING), found.get(key, _MISSING))
    elif isinstance(expected, list) and isinstance(found, list):
        same(f"{name}, length", str(len(expected)), str(len(found)))
        for index, (wanted, came) in enumerate(zip(expected, found, strict=True)):
            same_value(f"{name}, {index}", wanted, came)
    elif not _is_one_number(expected, found):
        same(name, json.dumps(expected), json.dumps(found))


def same_bytes(name: str, expected: str, found: str) -> None:
    """Compare hexadecimal digits; show where they part."""
    if expected == found:
        return
    wanted, came = bytes.fromhex(expected), bytes.fromhex(found)
    pairs = zip(wanted, came, strict=False)
    split = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(wanted), len(came)))
    start = max(0, split - _SHOWN_BYTES // 2)
    raise Different(
        f"{name}: {len(wanted)} bytes expected, {len(came)} found; the first that differs is "
        f"{split}\n    expected from {start}: {wanted[start : start + _SHOWN_BYTES].hex(' ')}"
        f"\n    found from {start}:    {came[start : start + _SHOWN_BYTES].hex(' ')}"
    )


def same_error(then: Mapping[str, Any], error: PortError, *, left_out: str = "") -> None:
    """Compare a refusal: its name, and of its place what the port says; not what is `left_out`."""
    same("error", then.get("error", "none"), error.code)
    for name in ("offset", "field", "line_number"):
        if name in then and name in error.fields and name != left_out:
            same_value(f"error, {name}", then[name], error.fields[name])


def same_event(expected: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    """Compare a vector's event with a JSON line, which spells memory_usage as a number."""
    same_value("event", json_line_of(expected), dict(found))


def json_line_of(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return a vector's event as the object of a JSON line."""
    memory = event["memory_usage"]
    return {**event, "memory_usage": None if memory is None else int(memory)}


def same_report(expected: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    """Compare two reports."""
    wanted, came = _comparable(expected), _comparable(found)
    if expected["log_id"] is None and any(bytes.fromhex(found["log_id"])):
        came["log_id"] = wanted["log_id"]
    for name in sorted(wanted):
        same(f"report, {name}", json.dumps(wanted[name]), json.dumps(came[name]))


def same_entries(expected: list[dict[str, Any]], found: list[dict[str, str]]) -> None:
    """Compare a replay with a vector's entries."""
    same("entries, sequences", ", ".join(each["sequence"] for each in expected),
         ", ".join(each["sequence"] for each in found))  # fmt: skip
    for wanted, came in zip(expected, found, strict=True):
        name = f"entry {wanted['sequence']}"
        line = json.dumps(json_line_of(wanted["event"]))
        same_bytes(name, encode_event(decode_json_line(line, 1)).hex(), came["event"])
        same(f"{name}, timestamp", str(parse_rfc3339(wanted["timestamp"])), came["timestamp_ns"])


def same_letters(expected: list[dict[str, str]], directory: Path, told: list[str]) -> None:
    """Compare dead letters with those in the directory, and with the sequences that were told."""
    letters = {
        json.dumps({"log_id": each.log_id.hex(), "payload": each.payload.hex(),
                    "sequence": str(each.sequence)})
        for each in dead_letters_in(directory)
    }  # fmt: skip
    wanted = {json.dumps(each, sort_keys=True) for each in expected}
    same("dead letters", ", ".join(sorted(wanted)), ", ".join(sorted(letters)))
    numbers = {int(each["sequence"]) for each in expected}
    same("dead letters told", str(sorted(numbers)), str(sorted({int(each) for each in told})))


def dead_letters_in(directory: Path) -> list[DeadLetter]:
    """Return the letters of all sound lines, in their order (DLQ-1.2)."""
    path = directory / DEAD_LETTERS_NAME
    lines = path.read_bytes().split(b"\n") if path.is_file() else []
    return [letter for line in lines if (letter := decode_dead_letter(line)) is not None]


# ---- Inside -----------------------------------------------------------------


def _is_one_number(one: object, other: object) -> bool:
    """Whether both are numbers, and the same to the bit of a double, or as whole numbers."""
    numbers = [each for each in (one, other) if isinstance(each, int | float)]
    if len(numbers) < 2 or isinstance(one, bool) or isinstance(other, bool):
        return False
    if isinstance(one, int) and isinstance(other, int):
        return one == other
    try:
        first, second = (struct.pack(">d", float(each)) for each in numbers)
    except OverflowError:  # a whole number that no double holds
        return False
    return first == second


def _comparable(report: Mapping[str, Any]) -> dict[str, Any]:
    plain = _without_words(report)
    damages = [_without_words(damage) for damage in report["damages"]]
    return {**plain, "damages": sorted(damages, key=json.dumps)}


def _without_words(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: bool(fields[name]) if name == _WORDS else fields[name]
        for name in sorted(fields)
        if name != _FREE
    }
