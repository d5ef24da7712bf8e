"""The vectors put to a port: each wrong answer is found, and what is free is free."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fault_injection.ports import reference_adapter
from fault_injection.ports.adapter import PortError
from fault_injection.ports.comparing import (
    Different,
    dead_letters_in,
    same_error,
    same_event,
    same_letters,
    same_value,
)
from fault_injection.ports.errors import AdapterDied
from fault_injection.ports.vectors import VectorResult, try_vectors, vector_files
from reference.dead_letters import DeadLetter, encode_dead_letter
from reference.names import DEAD_LETTERS_NAME
from tests.in_process_adapter import InProcessAdapter, Reply

Change = Callable[[str, Reply], Reply | None]


def document(id: str) -> tuple[str, dict[str, Any]]:
    """The file of the vector, with it alone."""
    for path in vector_files():
        found = json.loads(path.read_text())
        tests = [test for test in found["tests"] if test["id"] == id]
        if tests:
            return path.name, {**found, "tests": tests}
    raise KeyError(id)


def tried(place: Path, id: str, change: Change, *, without: str = "") -> VectorResult:
    """What becomes of one vector, if replies are changed."""
    name, content = document(id)
    (place / name).write_text(json.dumps(content))
    (found,) = try_vectors(InProcessAdapter(change, without), place)
    return found


def set_to(op: str, value: object, *path: str) -> Change:
    """Change one place of what one operation replies."""

    def change(asked: str, reply: Reply) -> Reply | None:
        if asked == op:
            place = reply
            for name in path[:-1]:
                place = place[name]
            place[path[-1]] = value
        return None

    return change


# ---- What lies below an event -----------------------------------------------


@pytest.mark.req("PRT-1.3", "PRT-1.4")
@pytest.mark.parametrize(
    ("id", "change", "words"),
    [
        ("crc-check-value", set_to("crc", "00000000", "ok", "then", "crc"), "crc, crc: expected"),
        ("name-of-1", set_to("segment_name", "x", "ok", "then", "name"), "segment_name, name: exp"),
        ("name-read-1", set_to("segment_number", None, "ok", "then", "number"),
         "segment_number, number: expected 1, found null"),
        ("header-all-fields", set_to("header", "1", "ok", "then", "header", "first_sequence"),
         'header, header, first_sequence: expected "105", found "1"'),
        ("header-first-file", set_to("header", {}, "ok", "then"), 'found "(missing)"'),
        ("header-first-file", set_to("header", 1, "ok", "then", "more"), 'expected "(missing)"'),
        ("frame-first-of-two", set_to("frame", "tail", "ok", "then", "verdict"),
         'frame, verdict: expected "good", found "tail"'),
        ("frame-second-of-two", set_to("frame", 8392704, "ok", "then", "event", "memory_usage"),
         'frame, event, memory_usage: expected "8392704", found 8392704'),
        ("frame-second-of-two", set_to("frame", [], "ok", "then", "event", "command_line"),
         "frame, event, command_line, length: expected 2, found 0"),
        ("json-smallest", set_to("json_line", "", "ok", "then", "line"), "json_line, line: exp"),
        ("json-empty-line", set_to("json_line", "pid", "error", "field"),
         'error, field: expected null, found "pid"'),
        ("json-empty-line", set_to("json_line", 8, "error", "line_number"),
         "error, line_number: expected 7, found 8"),
        ("json-smallest", set_to("encode", "00", "ok", "event"), "encoded: 47 bytes expected"),
    ],
)  # fmt: skip
def test_a_wrong_answer_is_found(tmp_path: Path, id: str, change: Change, words: str) -> None:
    found = tried(tmp_path, id, change)
    assert found.status == "failed"
    assert words in found.text
    assert tried(tmp_path, id, lambda op, reply: None).status == "passed"


@pytest.mark.req("PRT-1.3", "PRT-1.4")
def test_a_port_that_refuses_bytes_is_found(tmp_path: Path) -> None:
    error = {"code": "BadRequest", "definite": True, "text": "what?"}
    found = tried(tmp_path, "crc-empty", lambda op, _: {"error": error} if op == "crc" else None)
    assert found.status == "failed"
    assert "found crc: BadRequest: what?" in found.text


@pytest.mark.req("PRT-1.4")
def test_a_port_that_claims_bytes_and_does_not_have_them_has_skipped_them(tmp_path: Path) -> None:
    found = tried(
        tmp_path, "crc-empty",
        lambda op, _: {"unsupported": {"capability": "bytes"}} if op == "crc" else None,
    )  # fmt: skip
    assert found.status == "skipped"


@pytest.mark.req("PRT-1.4")
def test_without_the_capability_bytes_nothing_below_an_event_is_asked() -> None:
    adapter = InProcessAdapter(without="bytes")
    found = list(try_vectors(adapter))
    assert set(adapter.asked) == {
        "hello", "decode", "encode", "recover", "open", "replay", "status", "close",
    }  # fmt: skip
    counts = Counter(each.status for each in found)
    assert set(counts) == {"passed", "not-applicable"}
    files = Counter(each.file for each in found if each.status == "not-applicable")
    whole = {path.name: json.loads(path.read_text())["count"] for path in vector_files()}
    names = ("crc.json", "names.json", "headers.json", "frames.json", "link.json")
    assert all(files[name] == whole[name] for name in names)
    assert 0 < files["codec.json"] < whole["codec.json"]  # the timestamps
    assert 0 < files["json_lines.json"] < whole["json_lines.json"]  # what is no object
    assert not any(files[name] for name in whole if name.startswith("directories"))


# ---- Values -----------------------------------------------------------------


@pytest.mark.req("PRT-1.3")
@pytest.mark.parametrize(
    ("expected", "found", "is_same"),
    [
        (2.0, 2, True), (2, 2.0, True), (1e16, 10**16, True), (0.0, -0.0, False), (0, -0.0, False),
        (1.0, True, False), (True, 1, False), (1, 2, False), (2**53 + 1, 2**53, False),
        (1e308, 10**400, False), (None, 0, False), ("2", 2, False), ([1, 2.0], [1.0, 2], True),
        ({"a": 1}, {"a": 1.0}, True), ({"a": 1}, {}, False), ({}, {"a": None}, False),
        ([1], [1, 1], False), ({}, [], False),
    ],
)  # fmt: skip
def test_numbers_are_compared_as_numbers(expected: object, found: object, is_same: bool) -> None:
    if is_same:
        same_value("x", expected, found)
    else:
        with pytest.raises(Different, match="x"):
            same_value("x", expected, found)


@pytest.mark.req("PRT-1.3")
@pytest.mark.parametrize(("usage", "is_same"), [(2.5, True), (2, False), ("2.5", False)])
def test_the_cpu_usage_of_an_event_is_a_number(usage: object, is_same: bool) -> None:
    expected = {"cpu_usage": 2.5, "memory_usage": "7"}
    found = {"cpu_usage": usage, "memory_usage": 7}
    if is_same:
        same_event(expected, found)
    else:
        with pytest.raises(Different, match="event, cpu_usage"):
            same_event(expected, found)


@pytest.mark.req("PRT-1.3")
def test_the_place_of_an_error_is_compared_if_the_port_says_one(tmp_path: Path) -> None:
    then = {"error": "EndOfBytes", "offset": 3}
    fields = {"code": "EndOfBytes", "text": "", "definite": True}
    same_error(then, PortError("decode", fields))
    same_error(then, PortError("decode", {**fields, "offset": 3}))
    with pytest.raises(Different, match="error, offset: expected 3, found 4"):
        same_error(then, PortError("decode", {**fields, "offset": 4}))
    same_error(then, PortError("decode", {**fields, "offset": 4}), left_out="offset")
    with pytest.raises(Different, match="expected none, found EndOfBytes"):
        same_error({}, PortError("decode", fields))
    assert tried(tmp_path, "codec-cut-at-0", set_to("decode", 1, "error", "offset")).text == (
        "error, offset: expected 0, found 1"
    )


# ---- Directories ------------------------------------------------------------


@pytest.mark.req("PRT-1.3", "REP-1.3", "REC-9.1")
@pytest.mark.parametrize(
    ("id", "change", "words"),
    [
        ("dir-torn-first-byte", set_to("recover", "9", "ok", "report", "lost"), "report, lost: ex"),
        ("dir-clean-nothing", set_to("recover", "0" * 32, "ok", "report", "log_id"),
         "report, log_id"),
        ("dir-torn-first-byte", set_to("recover", "9", "ok", "next_sequence"), "next_sequence: e"),
        ("dir-torn-first-byte", set_to("recover", [], "ok", "report", "damages"), "damages: exp"),
        ("dir-torn-first-byte", set_to("recover", ["7"], "ok", "dead_letters"),
         r"dead letters told: expected [], found [7]"),
        ("dir-torn-first-byte", set_to("replay", [], "ok", "entries"), "entries when opened again"),
        ("dir-torn-first-byte", set_to("status", "1", "ok", "next_sequence"),
         "next number when opened again"),
    ],
)  # fmt: skip
def test_a_wrong_directory_is_found(tmp_path: Path, id: str, change: Change, words: str) -> None:
    found = tried(tmp_path, id, change)
    assert found.status == "failed"
    assert words in found.text


@pytest.mark.req("PRT-1.3", "REP-1.3")
def test_words_and_their_order_are_free(tmp_path: Path) -> None:
    def change(op: str, reply: Reply) -> None:
        if op == "recover" and "ok" in reply:
            reply["ok"]["dead_letters"] = reply["ok"]["dead_letters"][::-1] * 2
            damages = reply["ok"]["report"]["damages"]
            reply["ok"]["report"]["damages"] = [{**each, "detail": "!"} for each in damages[::-1]]

    for id in ("dir-many-bad-bodies", "dir-undecodable-middle", "dir-torn-first-byte"):
        assert tried(tmp_path, id, change).status == "passed"
        for path in tmp_path.iterdir():
            path.unlink()


@pytest.mark.req("PRT-1.3", "REC-9.1")
@pytest.mark.parametrize("make", [Path.touch, Path.mkdir], ids=["file", "directory"])
def test_a_second_open_that_changes_a_file_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], None]
) -> None:
    right = reference_adapter.OPERATIONS["open"]

    def careless(dir: str, settings: dict[str, int]) -> dict[str, object]:
        make(Path(dir, "x"))
        return right(dir, settings)

    monkeypatch.setitem(reference_adapter.OPERATIONS, "open", careless)
    found = tried(tmp_path, "dir-torn-first-byte", lambda op, reply: None)
    assert found.status == "failed"
    assert "files that opening again changed: expected none, found x" in found.text
    assert reference_adapter._log == [], "it is closed, so that the next vector can be asked"
    degraded = set_to("open", "no room", "ok", "report", "degraded")
    assert tried(tmp_path, "dir-torn-first-byte", degraded).status == "passed", "REC-9.1 allows it"


@pytest.mark.req("PRT-1.2", "PRT-1.3")
def test_a_line_that_is_not_allowed_fails_a_vector_and_a_death_ends_them_all() -> None:
    adapter = InProcessAdapter(lambda op, reply: {"ok": {}} if op == "crc" else None)
    found = [each for each in try_vectors(adapter) if each.file == "crc.json"]
    assert {each.status for each in found} == {"failed"}
    assert "violation: ok: field 'then' is missing" in found[0].text

    def dies(op: str, reply: Reply) -> None:
        if op == "crc":
            adapter.process.returncode = 3
            raise AdapterDied(op, 3)

    adapter = InProcessAdapter(dies)
    with pytest.raises(AdapterDied, match="crc: the adapter ended with exit code 3"):
        list(try_vectors(adapter))


@pytest.mark.req("PRT-1.3", "DLQ-1.2")
def test_dead_letters_are_read_as_the_reference_does(tmp_path: Path) -> None:
    letters = [DeadLetter(bytes(16), number, "why\r", b"x") for number in (3, 2, 3)]
    lines = [encode_dead_letter(each) for each in letters]
    foreign = b'd0385d39 {"sequence":"8"}\n'
    path = tmp_path / DEAD_LETTERS_NAME
    path.write_bytes(lines[0] + b"\n" + lines[1][:-9] + b"\n" + foreign + lines[1] + lines[2])
    assert [each.sequence for each in dead_letters_in(tmp_path)] == [3, 2, 3]
    one, two = ({"log_id": "00" * 16, "sequence": n, "payload": "78"} for n in ("2", "3"))
    same_letters([two, one], tmp_path, ["2", "3", "2"])
    with pytest.raises(Different, match="dead letters: expected"):
        same_letters([two], tmp_path, ["3"])
    path.unlink()
    assert dead_letters_in(tmp_path) == []
    path.mkdir()
    assert dead_letters_in(tmp_path) == []
