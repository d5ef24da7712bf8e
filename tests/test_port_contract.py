"""`port contract`: the reference keeps each rule, and a port that breaks one is found by it."""

from __future__ import annotations

import shlex
import sys

import pytest

from fault_injection import cli
from fault_injection.ports import contract
from fault_injection.ports.contract import RULES, try_contract
from tests.port_helpers import REFERENCE


@pytest.mark.req("PRT-1.6", "ACK-2.1", "WAL-1.3", "WAL-3.1", "WAL-3.2", "FMT-4.1", "ACK-1.1",
                 "DSK-1.3")  # fmt: skip
def test_the_reference_keeps_the_contract() -> None:
    found = list(try_contract(REFERENCE))
    assert [each.name for each in found] == [name for name, _, _ in RULES]
    assert [each for each in found if each.status != "passed"] == []


WRONG = """
import sys
from pathlib import Path
from fault_injection.ports import reference_adapter as r
from reference.limits import WalConfig
{change}
r.main()
"""
CHANGES = {
    "acknowledged-beyond-the-log": """
right = r.OPERATIONS["acknowledge"]
r.OPERATIONS["acknowledge"] = lambda through: right(str(min(int(through), r.next_sequence() - 1)))
""",
    "refused-event-takes-no-number": """
right = r.OPERATIONS["append"]
def append(event):
    try:
        return right(event)
    except r.WalError:
        r._log[0].append(r.decode_event(bytes.fromhex(GOOD)))
        raise
from fault_injection.subject import make_event
GOOD = r.encode_event(make_event(1)).hex()
r.OPERATIONS["append"] = append
""",
    "batch-stays-in-its-file": """
right = r._open_log
r._open_log = lambda directory, settings: right(directory, {**settings, "rotation_bytes": 9000})
""",
    "header-copies-and-salts": """
right = r._open_log
r._open_log = lambda directory, settings: right(directory, {**settings, "fixed": 7})
import random
random.Random.randbytes = lambda self, count: bytes([7]) * count
""",
    "slots-take-turns": """
right = r.OPERATIONS["acknowledge"]
def acknowledge(through):
    found = right(through)
    path = Path(PLACE[0], "procmond.ack")
    content = path.read_bytes()
    path.write_bytes(content[:4096] * 2)
    return found
PLACE = []
opens = r.OPERATIONS["open"]
r.OPERATIONS["open"] = lambda dir, settings: (PLACE.append(dir), opens(dir, settings))[1]
r.OPERATIONS["acknowledge"] = acknowledge
""",
    "taken-names-are-left": """
right = r.OPERATIONS["append_batch"]
def append_batch(events):
    for path in Path(PLACE[0]).glob("procmond-0000[23].wal"):
        path.unlink()
    return right(events)
PLACE = []
opens = r.OPERATIONS["open"]
r.OPERATIONS["open"] = lambda dir, settings: (PLACE.append(dir), opens(dir, settings))[1]
r.OPERATIONS["append_batch"] = append_batch
""",
    "second-opener-is-refused": """
from reference.os_filesystem import OsFilesystem
OsFilesystem.lock = lambda self, mode: None
""",
}


@pytest.mark.req("PRT-1.6")
@pytest.mark.parametrize("rule", [name for name, _, _ in RULES])
def test_a_port_that_breaks_a_rule_is_found(rule: str) -> None:
    command = (sys.executable, "-c", WRONG.format(change=CHANGES[rule]))
    (found,) = try_contract(command, [rule])
    assert found.status == "failed"


ROTTEN_COPY = """
right = r.OPERATIONS["append_batch"]
def append_batch(events):
    found = right(events)
    for path in Path(PLACE[0]).glob("*.wal"):
        with path.open("r+b") as file:
            file.seek(4096)
            file.write(bytes(100))
    return found
PLACE = []
opens = r.OPERATIONS["open"]
r.OPERATIONS["open"] = lambda dir, settings: (PLACE.append(dir), opens(dir, settings))[1]
r.OPERATIONS["append_batch"] = append_batch
"""
FURTHER_THAN_ASKED = """
right = r.OPERATIONS["acknowledge"]
r.OPERATIONS["acknowledge"] = lambda through: right("3" if through == "2" else through)
"""


@pytest.mark.req("PRT-1.6", "FMT-4.1", "ACK-1.1")
@pytest.mark.parametrize(
    ("rule", "change", "words"),
    [
        ("header-copies-and-salts", CHANGES["header-copies-and-salts"], "has the salt of"),
        ("header-copies-and-salts", ROTTEN_COPY, "the second copy of the header is not as the"),
        ("slots-take-turns", CHANGES["slots-take-turns"], "the slots have the generations"),
        ("slots-take-turns", FURTHER_THAN_ASKED, "the slots say 1 and 3, expected 2 and 3"),
    ],
)
def test_each_part_of_a_rule_is_asked(rule: str, change: str, words: str) -> None:
    (found,) = try_contract((sys.executable, "-c", WRONG.format(change=change)), [rule])
    assert words in found.text


@pytest.mark.req("PRT-1.6", "PRT-1.2")
def test_the_command_shows_each_rule(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    few = [rule for rule in RULES if rule[0] in ("slots-take-turns", "header-copies-and-salts")]
    monkeypatch.setattr(contract, "RULES", few)
    assert cli.run(["port", "contract", "--port", shlex.join(REFERENCE)]) == 0
    assert capsys.readouterr().out.count("ok  ") == 2
    wrong = shlex.join([sys.executable, "-c", WRONG.format(change=CHANGES["slots-take-turns"])])
    assert cli.run(["port", "contract", "--port", wrong]) == 1
    assert "FAIL  slots-take-turns" in capsys.readouterr().out
