"""The test vectors put to a port: every one that an operation of the protocol can be asked.

The rules of comparison are those of tests/vectors/README.md: everything is compared, but for a
new log's identity, words for people, and the order of damages. What the protocol cannot ask
(the CRC of some bytes, a frame on its own, the link) is listed as not applicable, with the
reason. A checkout is needed: the kit as one file has no vectors.

Spec: PRT-1.3, PRT-1.4.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fault_injection.errors import UsageError
from fault_injection.ports.adapter import Adapter, PortError
from fault_injection.ports.errors import AdapterError, Skipped, Unsupported
from reference.codec import encode_event
from reference.dead_letters import decode_dead_letter
from reference.json_lines import decode_json_line
from reference.names import DEAD_LETTERS_NAME
from reference.timestamps import parse_rfc3339

DIRECTORY: Final = Path(__file__).parents[2] / "tests" / "vectors"
NOT_APPLICABLE: Final = {
    "crc": "the protocol has no operation for a bare CRC",
    "headers": "the protocol has no operation for a header on its own",
    "frames": "the protocol has no operation for a frame on its own",
    "names": "the protocol has no operation for a name on its own",
    "link": "the link is tried by `port connector`",
    "backpressure": "the level is tried by `port connector`",
}
_FREE: Final = "detail"
"""Words for people, with which a port may be sparing or not (REP-1.3)."""
_WORDS: Final = "degraded"
"""Empty or not is all that counts."""
_SHOWN_BYTES: Final = 24


@dataclass(frozen=True, slots=True)
class VectorResult:
    """What became of one vector."""

    id: str
    file: str
    status: str
    """"passed", "failed", "skipped" (the port says so) or "not-applicable"."""
    text: str = ""
    """Why, or what was expected and what was found."""


class _Different(Exception):
    """Expected and found are not the same."""


def vector_files(directory: Path = DIRECTORY) -> list[Path]:
    """Return the files of the checkout. Raises UsageError if there are none."""
    files = sorted(each for each in directory.glob("*.json") if each.name != "schema.json")
    if not files:
        raise UsageError(f"there are no vectors in {directory}: this needs a checkout")
    return files


def vector_ids(directory: Path = DIRECTORY) -> set[str]:
    """Return the IDs of all vectors; none outside a checkout."""
    files = (each for each in directory.glob("*.json") if each.name != "schema.json")
    return {test["id"] for file in files for test in json.loads(file.read_text("utf-8"))["tests"]}


def try_vectors(adapter: Adapter, directory: Path = DIRECTORY) -> Iterator[VectorResult]:
    """Put every vector to the port. Raises AdapterError if it does not answer."""
    for path in vector_files(directory):
        document = json.loads(path.read_text("utf-8"))
        for test in document["tests"]:
            yield _tried(adapter, path.name, document["kind"], test)


def _tried(adapter: Adapter, file: str, kind: str, test: Mapping[str, Any]) -> VectorResult:
    if reason := _why_not(kind, test["given"]):
        return VectorResult(test["id"], file, "not-applicable", reason)
    try:
        if kind == "codec":
            _codec(adapter, test["given"], test["then"])
        elif kind == "json_lines":
            _json_line(adapter, test["given"], test["then"])
        else:
            _directory(adapter, test["given"], test["then"])
    except _Different as difference:
        return VectorResult(test["id"], file, "failed", str(difference))
    except (Unsupported, Skipped) as skipped:
        return VectorResult(test["id"], file, "skipped", str(skipped))
    except AdapterError as error:
        if adapter.process.returncode is not None:
            raise
        return VectorResult(test["id"], file, "failed", f"{error.status}: {error}")
    return VectorResult(test["id"], file, "passed")


def _why_not(kind: str, given: Mapping[str, Any]) -> str:
    if kind == "codec" and given["type"] == "timestamp":
        return "the protocol has no operation for a timestamp on its own"
    if kind == "json_lines" and _plain_object(given) is None:
        return "the line is no JSON object that a request can carry"
    return NOT_APPLICABLE.get(kind, "")


# ---- One value --------------------------------------------------------------


def _codec(adapter: Adapter, given: Mapping[str, Any], then: Mapping[str, Any]) -> None:
    try:
        found = adapter.ask("decode", event=given["hex"])["json"]
    except PortError as error:
        _same("error", then.get("error", "none"), error.code)
        return
    if "error" in then:
        raise _Different(f"expected the error {then['error']}, found {json.dumps(found)}")
    _same_event(then["value"], found)
    _same_bytes("encoded", then["encoded"], adapter.ask("encode", json=found)["event"])


def _json_line(adapter: Adapter, given: Mapping[str, Any], then: Mapping[str, Any]) -> None:
    value = _plain_object(given)
    try:
        found = adapter.ask("encode", json=value)["event"]
    except PortError as error:
        _same("error", then.get("error", "none"), error.code)
        return
    if "error" in then:
        raise _Different(f"expected the error {then['error']}, found {found}")
    _same_bytes("encoded", then["encoded"], found)
    _same_event(then["event"], adapter.ask("decode", event=found)["json"])


def _plain_object(given: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the line's object, if a JSON line of the protocol says the same."""

    def refuse(text: str) -> float:
        raise ValueError(text)

    def without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise ValueError("a name stands twice")
        return dict(pairs)

    line = bytes.fromhex(given["hex"]) if "hex" in given else given["line"].encode()
    try:
        value = json.loads(line.decode(), parse_constant=refuse, object_pairs_hook=without_repeats)
        json.dumps(value, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _same_event(expected: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    """A vector spells memory_usage as a string, a JSON line as a number."""
    for name in sorted(expected.keys() | found.keys()):
        wanted, came = expected.get(name, "(missing)"), found.get(name, "(missing)")
        if name == "memory_usage":
            wanted, came = wanted and str(wanted), came and str(came)
        _same(name, json.dumps(wanted), json.dumps(came))


# ---- One directory ----------------------------------------------------------


def _directory(adapter: Adapter, given: Mapping[str, Any], then: Mapping[str, Any]) -> None:
    place = Path(tempfile.mkdtemp(prefix="procmond-vector-"))
    try:
        for file in given["files"]:
            if file["kind"] == "regular":
                (place / file["name"]).write_bytes(_content(file["parts"]))
            else:
                (place / file["name"]).mkdir()
        try:
            found = adapter.ask("recover", dir=str(place), settings={})
        except PortError as error:
            _same("error", then.get("error", "none"), error.code)
            return
        _same("outcome", then["outcome"], "opened")
        _same_report(then["report"], found["report"])
        _same("next_sequence", then["report"]["next_sequence"], found["next_sequence"])
        _same_entries(then["entries"], found["entries"])
        _same_letters(then.get("dead_letters", []), place, found["dead_letters"])
        again = adapter.ask("recover", dir=str(place), settings={})
        _same("entries when opened again", json.dumps(found["entries"]),
              json.dumps(again["entries"]))  # fmt: skip
        _same("next number when opened again", found["next_sequence"], again["next_sequence"])
    finally:
        shutil.rmtree(place)


def _content(parts: list[dict[str, Any]]) -> bytes:
    data = b""
    for part in parts:
        if "zero_bytes" in part:
            data += bytes(part["zero_bytes"])
        else:
            text = part.get("hex", part.get("repeat_hex", ""))
            data += bytes.fromhex(text) * part.get("times", 1)
    return data


def _same_report(expected: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    wanted, came = _comparable(expected), _comparable(found)
    if expected["log_id"] is None and any(bytes.fromhex(found["log_id"])):
        came["log_id"] = wanted["log_id"]
    for name in sorted(wanted.keys() | came.keys()):
        _same(f"report, {name}", json.dumps(wanted.get(name, "(missing)")),
              json.dumps(came.get(name, "(missing)")))  # fmt: skip


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


def _same_entries(expected: list[dict[str, Any]], found: list[dict[str, str]]) -> None:
    _same("entries, sequences", ", ".join(each["sequence"] for each in expected),
          ", ".join(each["sequence"] for each in found))  # fmt: skip
    for wanted, came in zip(expected, found, strict=True):
        name = f"entry {wanted['sequence']}"
        event = {**wanted["event"]}
        if event["memory_usage"] is not None:
            event["memory_usage"] = int(event["memory_usage"])
        encoded = encode_event(decode_json_line(json.dumps(event), 1)).hex()
        _same_bytes(name, encoded, came["event"])
        _same(f"{name}, timestamp", str(parse_rfc3339(wanted["timestamp"])), came["timestamp_ns"])


def _same_letters(expected: list[dict[str, str]], place: Path, told: list[str]) -> None:
    path = place / DEAD_LETTERS_NAME
    lines = path.read_bytes().splitlines() if path.is_file() else []
    letters = [letter for line in lines if (letter := decode_dead_letter(line)) is not None]
    _same("dead letters", json.dumps(expected), json.dumps([
        {"log_id": each.log_id.hex(), "sequence": str(each.sequence),
         "payload": each.payload.hex()} for each in letters
    ]))  # fmt: skip
    _same("dead letters told", ", ".join(each["sequence"] for each in expected), ", ".join(told))


# ---- Comparing --------------------------------------------------------------


def _same(name: str, expected: str, found: str) -> None:
    if expected != found:
        raise _Different(f"{name}: expected {expected}, found {found}")


def _same_bytes(name: str, expected: str, found: str) -> None:
    """Compare hexadecimal digits; show where they part."""
    if expected == found:
        return
    wanted, came = bytes.fromhex(expected), bytes.fromhex(found)
    pairs = zip(wanted, came, strict=False)
    same = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(wanted), len(came)))
    start = max(0, same - _SHOWN_BYTES // 2)
    raise _Different(
        f"{name}: {len(wanted)} bytes expected, {len(came)} found; the first that differs is "
        f"{same}\n    expected from {start}: {wanted[start : start + _SHOWN_BYTES].hex(' ')}"
        f"\n    found from {start}:    {came[start : start + _SHOWN_BYTES].hex(' ')}"
    )
