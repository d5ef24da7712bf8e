"""The test vectors put to a port: every one that an operation of the protocol can be asked.

What lies below an event (a CRC, a header, a frame, a name, a line) needs the optional
capability `bytes`; without it, and for the link, a vector is not applicable, with the reason.
How answers are compared is comparing.py's. A checkout is needed: the kit as one file has no
vectors.

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
from fault_injection.ports.comparing import (
    Different,
    same,
    same_bytes,
    same_entries,
    same_error,
    same_event,
    same_letters,
    same_report,
    same_value,
)
from fault_injection.ports.errors import AdapterError, Skipped, Unsupported
from reference.acknowledgement_slots import ACK_NAME
from reference.names import DEAD_LETTERS_NAME
from simulators.disk_image import changed_names

DIRECTORY: Final = Path(__file__).parents[2] / "tests" / "vectors"
NOT_APPLICABLE: Final = {
    "link": "the link is tried by `port connector`",
    "backpressure": "the level is tried by `port connector`",
}
NO_BYTES: Final = "the port does not have the capability bytes"
NO_OBJECT: Final = f"the line is no JSON object that a request can carry, and {NO_BYTES}"


@dataclass(frozen=True, slots=True)
class VectorResult:
    """What became of one vector."""

    id: str
    file: str
    status: str
    """"passed", "failed", "skipped" (the port says so) or "not-applicable"; of one that is in
    the list of known failures (known.py) also "known" or "stale"."""
    text: str = ""
    """Why, or what was expected and what was found."""


def vector_files(directory: Path = DIRECTORY) -> list[Path]:
    """Return the files of the checkout. Raises UsageError if there are none."""
    files = _files_with_vectors(directory)
    if not files:
        raise UsageError(f"there are no vectors in {directory}: this needs a checkout")
    return files


def vector_ids(directory: Path = DIRECTORY) -> list[str]:
    """Return the IDs of all vectors, in the order they are tried; none outside a checkout."""
    files = (json.loads(each.read_text("utf-8")) for each in _files_with_vectors(directory))
    return [test["id"] for each in files for test in each["tests"]]


def _files_with_vectors(directory: Path) -> list[Path]:
    return sorted(each for each in directory.glob("*.json") if each.name != "schema.json")


def try_vectors(adapter: Adapter, directory: Path = DIRECTORY) -> Iterator[VectorResult]:
    """Put every vector to the port. Raises AdapterError if it does not answer."""
    for path in vector_files(directory):
        document = json.loads(path.read_text("utf-8"))
        for test in document["tests"]:
            yield _tried(adapter, path.name, document["kind"], test)


def _tried(adapter: Adapter, file: str, kind: str, test: Mapping[str, Any]) -> VectorResult:
    given, then = test["given"], test["then"]
    below = below_an_event(kind, given)
    has_bytes = "bytes" in adapter.hello.capabilities
    line = _plain_object(given) if kind == "json_lines" else None
    if reason := _why_not(kind, below is not None and not has_bytes, line is not None):
        return VectorResult(test["id"], file, "not-applicable", reason)
    try:
        if below is not None and has_bytes:
            _below(adapter, *below, then)
        if line is not None:
            _encoded(adapter, line, then)
        elif kind == "codec" and below is None:
            _decoded(adapter, given["hex"], then)
        elif kind == "directories":
            _directory(adapter, given, then)
    except Different as difference:
        return VectorResult(test["id"], file, "failed", str(difference))
    except (Unsupported, Skipped) as skipped:
        return VectorResult(test["id"], file, "skipped", str(skipped))
    except AdapterError as error:
        if adapter.process.returncode is not None:
            raise
        return VectorResult(test["id"], file, "failed", f"{error.status}: {error}")
    return VectorResult(test["id"], file, "passed")


def _why_not(kind: str, lacks_bytes: bool, is_plain_object: bool) -> str:
    if kind in NOT_APPLICABLE:
        return NOT_APPLICABLE[kind]
    if not lacks_bytes or is_plain_object:
        return ""
    return NO_OBJECT if kind == "json_lines" else NO_BYTES


# ---- One value --------------------------------------------------------------


def below_an_event(kind: str, given: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """Return the operation of `bytes` that asks for this, and its fields; None if none does."""
    match kind:
        case "crc":
            return "crc", {"bytes": _hex(given), "continues": given["continues"]}
        case "names":
            return ("segment_name" if "number" in given else "segment_number"), dict(given)
        case "headers":
            op = "header" if given["type"] == "segment-header" else "slot"
            return op, {"bytes": _hex(given)}
        case "frames":
            others = {name: given[name] for name in ("file_number", "salt", "offset")}
            return "frame", {"bytes": _hex(given), **others}
        case "codec" if given["type"] == "timestamp":
            return "timestamp", {"bytes": given["hex"]}
        case "json_lines":
            fields = {"bytes": _line(given).hex(), "line_number": given["line_number"]}
            return "json_line", fields
    return None


def _below(adapter: Adapter, op: str, fields: dict[str, Any], then: Mapping[str, Any]) -> None:
    try:
        found = adapter.ask(op, **fields)["then"]
    except PortError as error:
        if op not in ("timestamp", "json_line"):
            raise Different(f"expected {json.dumps(then)}, found {error}") from error
        same_error(then, error)
        return
    same_value(op, dict(then), found)


def _decoded(adapter: Adapter, event: str, then: Mapping[str, Any]) -> None:
    try:
        found = adapter.ask("decode", event=event)["json"]
    except PortError as error:
        same_error(then, error)
        return
    if "error" in then:
        raise Different(f"expected the error {then['error']}, found {json.dumps(found)}")
    same_event(then["value"], found)
    same_bytes("encoded", then["encoded"], adapter.ask("encode", json=found)["event"])


def _encoded(adapter: Adapter, line: dict[str, Any], then: Mapping[str, Any]) -> None:
    try:
        found = adapter.ask("encode", json=line)["event"]
    except PortError as error:
        same_error(then, error, left_out="line_number")  # the request has no number of a line
        return
    if "error" in then:
        raise Different(f"expected the error {then['error']}, found {found}")
    same_bytes("encoded", then["encoded"], found)
    same_event(then["event"], adapter.ask("decode", event=found)["json"])


def _line(given: Mapping[str, Any]) -> bytes:
    return bytes.fromhex(given["hex"]) if "hex" in given else given["line"].encode()


def _plain_object(given: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the line's object, if a JSON line of the protocol says the same."""

    def refuse(text: str) -> float:
        raise ValueError(text)

    def without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise ValueError("a name stands twice")
        return dict(pairs)

    try:
        value = json.loads(
            _line(given).decode(), parse_constant=refuse, object_pairs_hook=without_repeats
        )
        json.dumps(value, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


# ---- One directory ----------------------------------------------------------


def _directory(adapter: Adapter, given: Mapping[str, Any], then: Mapping[str, Any]) -> None:
    place = Path(tempfile.mkdtemp(prefix="procmond-vector-"))
    try:
        for file in given["files"]:
            if file["kind"] == "regular":
                (place / file["name"]).write_bytes(content_of(file["parts"]))
            else:
                (place / file["name"]).mkdir()
        try:
            found = adapter.ask("recover", dir=str(place), settings={})
        except PortError as error:
            same_error(then, error)
            return
        same("outcome", then["outcome"], "opened")
        same_report(then["report"], found["report"])
        same("next_sequence", then["report"]["next_sequence"], found["next_sequence"])
        same_entries(then["entries"], found["entries"])
        same_letters(then.get("dead_letters", []), place, found["dead_letters"])
        _opened_again(adapter, place, found)
    finally:
        shutil.rmtree(place)


def _opened_again(adapter: Adapter, place: Path, first: Mapping[str, Any]) -> None:
    """Open the directory as a program that uses the log does; nothing is different (REC-9.1)."""
    before = _files(place)
    report = adapter.ask("open", dir=str(place), settings={})["report"]
    try:
        entries = adapter.ask("replay", after="0")["entries"]
        number = adapter.ask("status")["next_sequence"]
        after = _files(place)
    finally:
        adapter.ask("close")
    same_value("entries when opened again", first["entries"], entries)
    same("next number when opened again", first["next_sequence"], number)
    changed = changed_names(before, after)
    # An undecodable entry behind an unsettled one gets its line again, and without a clean
    # mark the newest file moves: these two are free.
    is_free = (
        DEAD_LETTERS_NAME in changed
        or (place / ACK_NAME).is_dir()
        or bool(first["report"]["degraded"] or report["degraded"])
    )
    if not is_free:
        same("files that opening again changed", "none", ", ".join(changed) or "none")


def _files(place: Path) -> dict[str, bytes | None]:
    return {each.name: each.read_bytes() if each.is_file() else None for each in place.iterdir()}


def _hex(given: Mapping[str, Any]) -> str:
    return content_of(given["parts"]).hex()


def content_of(parts: list[dict[str, Any]]) -> bytes:
    """Return the bytes that a list of parts stands for."""
    data = b""
    for part in parts:
        if "zero_bytes" in part:
            data += bytes(part["zero_bytes"])
        else:
            text = part.get("hex", part.get("repeat_hex", ""))
            data += bytes.fromhex(text) * part.get("times", 1)
    return data
