"""The adapter protocol: its schema and its prose agree with its table, every line is checked."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from fault_injection.ports.errors import ProtocolViolation
from fault_injection.ports.protocol import (
    CAPABILITIES,
    OPERATIONS,
    PROTOCOL_VERSION,
    Operation,
    parse_reply,
)
from fault_injection.ports.protocol_schema import schema
from tests.vectors.schema_check import schema_errors

PLACE = Path(__file__).parents[1] / "fault_injection" / "ports"
ENTRY = {"sequence": "7", "timestamp_ns": "1", "event": "00ff"}
DAMAGE = {
    "kind": "damaged-body", "file": "procmond-00001.wal", "offset": 8192, "length_bytes": 107,
    "fate": "lost", "first_sequence": "7", "sequence_count": "1", "detail": "",
}  # fmt: skip
REPORT = {
    "log_id": "0f" * 16, "previous_log_id": "", "clean_shutdown": False, "segments": 1,
    "entries": 1, "acknowledged_through": "0", "next_sequence": "8", "lost": "1",
    "possibly_lost": "0", "dead_lettered": "0", "damages": [DAMAGE], "damages_not_listed": 0,
    "ignored": ["x"], "removed": [], "quarantined": [], "not_kept": 0, "degraded": "",
    "live": False,
}  # fmt: skip
OKS: dict[str, dict[str, Any]] = {
    "hello": {
        "protocol": 1, "name": "x", "language": "C", "version": "1", "capabilities": ["log"],
        "limits": {}, "issues_url": "",
    },
    "decode": {"json": {}},
    "encode": {"event": "00"},
    "open": {"report": REPORT, "log_id": "00"},
    "append": {"sequence": "18446744073709551615"},
    "append_batch": {"sequences": ["1", "2"]},
    "acknowledge": {},
    "refuse": {},
    "replay": {"entries": [ENTRY]},
    "status": {
        "next_sequence": "1", "acknowledged_through": "0", "hidden_from": None, "segments": ["a"],
        "used_bytes": "0",
    },
    "close": {"clean": True, "reason": ""},
    "recover": {"report": REPORT, "next_sequence": "1", "entries": [], "dead_letters": ["3"]},
    "bye": {},
}  # fmt: skip
BYTES = [name for name, operation in OPERATIONS.items() if operation.capability == "bytes"]
OKS |= {name: {"then": {}} for name in BYTES}
REQUESTS: dict[str, dict[str, Any]] = {
    "hello": {"protocol": 1}, "decode": {"event": "00"}, "encode": {"json": {}},
    "open": {"dir": "/x", "settings": {"fixed": 1}}, "append": {"event": ""},
    "append_batch": {"events": ["00"]}, "acknowledge": {"through": "1"},
    "refuse": {"sequence": "1", "reason": "x"}, "replay": {"after": "0"}, "status": {},
    "close": {}, "recover": {"dir": "/x", "settings": {}}, "bye": {},
    "crc": {"bytes": "00", "continues": "00000000"}, "segment_name": {"number": 1},
    "segment_number": {"name": "procmond-00001.wal"}, "header": {"bytes": "00"},
    "slot": {"bytes": "00"},
    "frame": {"bytes": "00", "file_number": 1, "salt": "00", "offset": "8192"},
    "timestamp": {"bytes": "00"}, "json_line": {"bytes": "00", "line_number": 1},
}  # fmt: skip


def line(**fields: object) -> bytes:
    return json.dumps({"id": 7, **fields}).encode() + b"\n"


def violation(found: bytes, op: str = "append") -> str:
    """What is said of the line."""
    with pytest.raises(ProtocolViolation) as raised:
        parse_reply(found, op, 7)
    return str(raised.value)


# ---- What is published ------------------------------------------------------


@pytest.mark.req("PRT-1.1")
def test_the_published_schema_is_made_from_the_table() -> None:
    assert json.loads((PLACE / "protocol.schema.json").read_text()) == schema()


@pytest.mark.req("PRT-1.1")
@pytest.mark.parametrize("op", OPERATIONS)
def test_samples_are_valid_for_the_schema_and_for_the_check(op: str) -> None:
    root = schema()
    definitions: Any = root["$defs"]
    request = {"id": 7, "op": op, **REQUESTS[op]}
    assert list(schema_errors(request, definitions[f"{op}-request"], root)) == []
    reply = {"id": 7, "ok": OKS[op]}
    assert list(schema_errors(reply, definitions[f"{op}-reply"], root)) == []
    assert parse_reply(line(ok=OKS[op]), op, 7).ok == OKS[op]


@pytest.mark.req("PRT-1.1")
@pytest.mark.parametrize("op", OPERATIONS)
def test_the_schema_refuses_what_the_check_refuses(op: str) -> None:
    root = schema()
    definitions: Any = root["$defs"]
    for name in OKS[op]:
        wrong = {"id": 7, "ok": {**OKS[op], name: 7.5}}
        assert list(schema_errors(wrong, definitions[f"{op}-reply"], root)) != []
        assert f"'{name}' is not" in violation(json.dumps(wrong).encode() + b"\n", op)
    extra = {"id": 7, "ok": {**OKS[op], "more": 1}}
    assert list(schema_errors(extra, definitions[f"{op}-reply"], root)) != []
    assert "unknown field 'more'" in violation(json.dumps(extra).encode() + b"\n", op)


def _words(operation: Operation) -> tuple[list[str], list[str], str]:
    return list(operation.request), list(operation.ok), operation.capability


@pytest.mark.req("PRT-1.1")
def test_the_prose_has_the_operations_of_the_table() -> None:
    rows = {}
    for row in re.findall(r"^\| `(\w+)` \|(.*)\|(.*)\|(.*)\|$", (PLACE / "PROTOCOL.md").read_text(),
                          re.MULTILINE):  # fmt: skip
        name, request, ok, capability = row
        ok = re.sub(r"\(.*?\)", "", ok.split("; with `error`")[0].split(": opens")[0])
        rows[name] = (re.findall(r"`(\w+)`", request), re.findall(r"`(\w+)`", ok),
                      capability.strip())  # fmt: skip
    rows["decode"] = (["event"], ["json"], "codec")  # its field is explained in the row
    others = {name: rows.pop(name) for name in BYTES if name in rows}
    assert rows == {n: _words(each) for n, each in OPERATIONS.items() if n not in BYTES}
    for name, (request, _, _) in others.items():  # their table says which vectors, not what `ok` is
        assert set(OPERATIONS[name].request) <= set(request)
    text = (PLACE / "PROTOCOL.md").read_text()
    assert all(re.search(rf"^\|.*`{name}`.*\|$", text, re.MULTILINE) for name in BYTES)


@pytest.mark.req("PRT-1.1")
def test_the_prose_names_the_version_and_the_capabilities() -> None:
    text = (PLACE / "PROTOCOL.md").read_text()
    assert f"protocol, version {PROTOCOL_VERSION}" in text
    assert "optional capability `bytes`" in text
    for each in sorted(set(CAPABILITIES) - {"bytes"}):
        assert re.search(rf"^\| {each} \| (codec, )?{each} \|", text, re.MULTILINE)


@pytest.mark.req("PRT-1.1")
def test_the_transcript_in_the_prose_is_complete_and_allowed() -> None:
    text = (PLACE / "PROTOCOL.md").read_text()
    exchanges = re.findall(r"^kit  -> (\{.*\})\nport -> (\{.*\})$", text, re.MULTILINE)
    root = schema()
    definitions: Any = root["$defs"]
    shown = set()
    for asked, answered in exchanges:
        request = json.loads(asked)
        shown.add(request["op"])
        assert list(schema_errors(request, definitions[f"{request['op']}-request"], root)) == []
        parse_reply(answered.encode() + b"\n", request["op"], request["id"])
    assert shown == set(OPERATIONS) - set(BYTES)


# ---- Violations -------------------------------------------------------------


@pytest.mark.req("PRT-1.1")
@pytest.mark.parametrize(
    ("found", "words", "cause"),
    [
        (b'{"id": 7, "ok"', "the line does not end", "the output was cut off"),
        (b"opening the log ...\n", "not JSON", "use standard error"),
        (b"\n", "not JSON", "use standard error"),
        (b'\xff\xfe{\x00}\x00\n', "not JSON", "use standard error"),
        (b"[" * 100_000 + b"\n", "not JSON", "use standard error"),
        (b"[1]\n", "not an object", ""),
        (b'{"id": 6, "ok": {}}\n', "id is 6", "an extra line was written"),
        (b'{"id": "7", "ok": {}}\n', "id is '7'", "an extra line was written"),
        (b'{"ok": {}}\n', "id is None", "an extra line was written"),
        (line(), "fields []", ""),
        (line(result={}), "fields ['result']", ""),
        (line(ok={}, error={}), "fields ['error', 'ok']", ""),
        (line(ok=[]), "ok is not an object", ""),
        (line(ok={}), "ok: field 'sequence' is missing", ""),
        (line(ok={"sequence": "7", "more": 1}), "ok: unknown field 'more'", ""),
        (line(ok={"sequence": 7}), "'sequence' is not a decimal string", "travel as strings"),
        (line(ok={"sequence": "07"}), "'sequence' is not a decimal string", ""),
        (line(ok={"sequence": "-1"}), "'sequence' is not a decimal string", ""),
        (line(ok={"sequence": str(1 << 64)}), "'sequence' is not a decimal string", ""),
        (line(ok={"sequence": None}), "'sequence' is not a decimal string", ""),
        (line(error={"code": "X", "text": ""}), "error: field 'definite' is missing", ""),
        (line(error={"code": "X", "definite": 1, "text": ""}), "'definite' is not true", ""),
        (line(error={"code": "X", "definite": True, "text": "", "stored": []}),
         "error: unknown field 'stored'", ""),
        (line(unsupported={}), "unsupported: field 'capability' is missing", ""),
        (line(skipped={"reason": "later"}), "skipped: field 'issue_url' is missing", ""),
    ],
)  # fmt: skip
def test_a_line_that_is_not_allowed_is_explained(found: bytes, words: str, cause: str) -> None:
    text = violation(found)
    assert words in text
    assert "came:     " in text
    assert "expected: " in text
    assert cause in text


@pytest.mark.req("PRT-1.1")
def test_what_came_is_shown_and_what_was_expected() -> None:
    assert violation(b'{"id": 7, "ok": {"sequence": 3}}\n').splitlines() == [
        "ok: 'sequence' is not a decimal string",
        '  came:     {"id": 7, "ok": {"sequence": 3}}',
        '  expected: {"id": 7, "ok": {"sequence": a decimal string}}',
        "  likely:   numbers of 64 bits travel as strings",
    ]


@pytest.mark.req("PRT-1.1")
@pytest.mark.parametrize(
    ("op", "field", "value"),
    [
        ("encode", "event", "0"),
        ("encode", "event", "AB"),
        ("encode", "event", None),
        ("replay", "entries", [{"sequence": "1", "timestamp_ns": "1"}]),
        ("replay", "entries", [{**ENTRY, "event": "x"}]),
        ("replay", "entries", [{**ENTRY, "sequence": 1}]),
        ("replay", "entries", {}),
        ("append_batch", "sequences", [1]),
        ("close", "clean", 1),
        ("hello", "protocol", True),
        ("hello", "protocol", -1),
        ("hello", "capabilities", "log"),
        ("status", "hidden_from", 3),
        ("status", "hidden_from", ""),
    ],
)
def test_values_of_the_wrong_shape(op: str, field: str, value: object) -> None:
    assert f"'{field}' is not" in violation(line(ok={**OKS[op], field: value}), op)


@pytest.mark.req("PRT-1.1", "REP-1.3")
@pytest.mark.parametrize("op", ["open", "recover"])
@pytest.mark.parametrize(
    ("report", "words"),
    [
        ({}, "it has no field 'acknowledged_through'"),
        ({**REPORT, "more": 1}, "it has the unknown field 'more'"),
        ({**REPORT, "log_id": "0f"}, "log_id is not 32 lowercase hexadecimal digits"),
        ({**REPORT, "previous_log_id": None}, "previous_log_id is not 32 hexadecimal digits or"),
        ({**REPORT, "entries": "1"}, "entries is not a number"),
        ({**REPORT, "lost": 1}, "lost is not a decimal string"),
        ({**REPORT, "degraded": False}, "degraded is not a string"),
        ({**REPORT, "removed": [1]}, "removed[0] is not a string"),
        ({**REPORT, "damages": {}}, "damages is not a list"),
        ({**REPORT, "damages": [DAMAGE, {}]}, "damages[1] has no field 'detail'"),
        ({**REPORT, "damages": [{**DAMAGE, "fate": "gone"}]}, "damages[0].fate is not one of lost"),
        ({**REPORT, "damages": [{**DAMAGE, "kind": []}]}, "damages[0].kind is not one of header-"),
        ({**REPORT, "damages": [{**DAMAGE, "first_sequence": 7}]},
         "damages[0].first_sequence is not a decimal string or null"),
        ({**REPORT, "damages": [{**DAMAGE, "sequence_count": "1.0"}]},
         "damages[0].sequence_count is not a decimal string"),
    ],
)  # fmt: skip
def test_a_report_that_is_not_one_is_a_violation_with_its_place(
    op: str, report: object, words: str
) -> None:
    root = schema()
    definitions: Any = root["$defs"]
    reply = {"id": 7, "ok": {**OKS[op], "report": report}}
    text = violation(json.dumps(reply).encode() + b"\n", op)
    assert f"'report' is not a report (SPEC.md, REP-1.3): {words}" in text
    assert ("travel as strings" in text) == ("lost is" in words or "first_sequence" in words)
    assert list(schema_errors(reply, definitions[f"{op}-reply"], root)) != []


@pytest.mark.req("PRT-1.1", "REP-1.3")
def test_a_damage_without_numbers_is_allowed_and_a_time_of_more_than_64_bits() -> None:
    nothing = {**DAMAGE, "fate": "none", "first_sequence": None, "sequence_count": "0"}
    ok = {**OKS["open"], "report": {**REPORT, "damages": [nothing]}}
    assert parse_reply(line(ok=ok), "open", 7).ok == ok
    late = {"entries": [{**ENTRY, "timestamp_ns": str(1 << 64)}]}  # in the year 2554
    assert parse_reply(line(ok=late), "replay", 7).ok == late


@pytest.mark.req("PRT-1.2")
def test_the_four_kinds_of_replies() -> None:
    error = {"code": "QuotaExceeded", "definite": True, "text": "full"}
    assert parse_reply(line(ok={"sequence": "1"}), "append", 7).ok == {"sequence": "1"}
    assert parse_reply(line(error=error), "append", 7).error == error
    assert parse_reply(line(unsupported={"capability": "log"}), "append", 7).unsupported == "log"
    skipped = {"reason": "wrong", "issue_url": "https://x"}
    assert parse_reply(line(skipped=skipped), "append", 7).skipped == "wrong https://x"
    partly = {**error, "stored": ["1"]}
    assert parse_reply(line(error=partly), "append_batch", 7).error == partly
