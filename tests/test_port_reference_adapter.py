"""The reference's adapter keeps the rules of PROTOCOL.md: a template has to."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fault_injection.ports import reference_adapter
from fault_injection.ports.protocol import OPERATIONS, parse_reply
from fault_injection.ports.reference_adapter import answer, reply_to

PROSE = Path(reference_adapter.__file__).with_name("PROTOCOL.md")


@pytest.fixture(autouse=True)
def nothing_open() -> Iterator[None]:
    """No log is open, and nobody said bye, before and after."""
    for each in (reference_adapter._log, reference_adapter._is_over):
        each.clear()
    yield
    for each in (reference_adapter._log, reference_adapter._is_over):
        each.clear()


def said(op: str, **fields: object) -> dict[str, Any]:
    """The reply, which the protocol allows."""
    reply: dict[str, Any] = answer({"op": op, **fields})
    parse_reply(json.dumps({"id": 1, **reply}).encode() + b"\n", op, 1)
    return reply


def code(reply: dict[str, Any]) -> str:
    return str(reply["error"]["code"])


@pytest.mark.req("PRT-1.1")
@pytest.mark.parametrize(
    ("op", "fields"),
    [
        ("append", {"event": "00"}), ("append_batch", {"events": []}), ("status", {}),
        ("acknowledge", {"through": "1"}), ("refuse", {"sequence": "1", "reason": ""}),
        ("replay", {"after": "0"}), ("close", {}),
    ],
)  # fmt: skip
def test_without_a_log_an_operation_on_one_is_refused(op: str, fields: dict[str, Any]) -> None:
    reply = said(op, **fields)
    assert code(reply) == "WalClosed" if op != "append" else "EndOfBytes"
    assert reply["error"]["definite"]


@pytest.mark.req("PRT-1.1")
@pytest.mark.parametrize(
    ("op", "fields"),
    [
        ("open", {"dir": "x", "settings": {"rotation": 1}}),
        ("open", {"dir": "x", "settings": {"rotation_bytes": 1}}),
        ("open", {"dir": "x", "settings": {"rotation_bytes": "9000"}}),
        ("open", {"dir": "x"}),
        ("status", {"more": 1}),
        ("append", {"event": "0"}),
        ("append_batch", {"events": ["XX"]}),
        ("acknowledge", {"through": 1}),
        ("replay", {"after": "-1"}),
        ("crc", {"bytes": "00", "continues": "0"}),
        ("decode", {}),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(
    tmp_path: Path, op: str, fields: dict[str, Any]
) -> None:
    fields = {**fields, "dir": str(tmp_path)} if "dir" in fields else fields
    assert code(said(op, **fields)) == "BadRequest"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.req("PRT-1.1")
def test_one_log_at_a_time(tmp_path: Path) -> None:
    place = {"dir": str(tmp_path), "settings": {}}
    assert "ok" in said("open", **place)
    for op in ("open", "recover"):
        assert code(said(op, **place)) == "BadRequest"
    refused = said("append", event="")["error"]
    assert (refused["code"], refused["definite"], refused["offset"]) == ("EndOfBytes", True, 0)
    assert said("append_batch", events=["00"])["error"]["stored"] == []
    assert said("close")["ok"]["clean"]
    assert code(said("close")) == "WalClosed"
    assert "ok" in said("recover", **place)
    assert "ok" in said("open", **place), "after an error, and after recover, none is open"


@pytest.mark.req("PRT-1.1")
def test_what_it_does_not_know_is_unsupported() -> None:
    assert answer({"op": "x"}) == {"unsupported": {"capability": "x"}}


@pytest.mark.req("PRT-1.1")
@pytest.mark.parametrize(
    "line", ["", "{", "[1]", '{"op": "status"}', '{"id": 7}', '{"id": 7, "op": []}']
)
def test_a_line_that_is_no_request_is_answered(
    line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(line + '\n{"id": 8, "op": "bye"}\n'))
    reference_adapter.main()
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert code(first) == "BadRequest"
    assert first["id"] == (7 if "7" in line else None)
    assert second == {"id": 8, "ok": {}}


@pytest.mark.req("PRT-1.1")
def test_the_transcript_in_the_prose_is_what_it_says(tmp_path: Path) -> None:
    text = PROSE.read_text().replace("/tmp/wal", str(tmp_path))
    exchanges = re.findall(r"^kit  -> (\{.*\})\nport -> (\{.*\})$", text, re.MULTILINE)
    assert len(exchanges) > len(OPERATIONS) // 2
    for asked, answered in exchanges:
        reply = json.loads(json.dumps(reply_to(asked)))
        if '"hello"' in asked:
            run = reply["ok"]["limits"]["run"]
            assert run.endswith(reference_adapter.RUN.split(" ", 1)[1])
            reply["ok"]["limits"]["run"] = "python3 " + run.split(" ", 1)[1]
        assert reply == json.loads(answered)
