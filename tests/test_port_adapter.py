"""The adapter's process: whatever it does instead of answering, the kit says what, and goes on.

Each test is a small broken adapter. All of them run as they are, and traced.
"""

from __future__ import annotations

import shlex
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from fault_injection.disk_faults import DiskFaults
from fault_injection.ports import adapter as adapter_module
from fault_injection.ports.adapter import Adapter, PortError
from fault_injection.ports.carrier import Carrier
from fault_injection.ports.errors import (
    AdapterDied,
    AdapterError,
    AdapterNotStarted,
    AdapterTimeout,
    ProtocolViolation,
    Skipped,
    Unsupported,
)
from fault_injection.ports.tracing import TracedAdapter
from simulators.crash_filesystem import CrashFilesystem
from simulators.persistence import PROFILES
from tests.port_helpers import is_gone
from tests.traced import WHY_NOT, needs_ptrace

HELLO: Final = """
import json, os, sys, time
def say(text):
    sys.stdout.write(text); sys.stdout.flush()
def answer(request, **fields):
    say(json.dumps({"id": request["id"], **fields}) + "\\n")
def ask():
    return json.loads(sys.stdin.readline())
hello = dict(protocol=1, name="broken", language="Python", version="0", capabilities=["log"],
             limits={}, issues_url="")
"""
GREETING: Final = "answer(ask(), ok=hello)\n"
Start = Callable[..., Adapter]


@pytest.fixture(params=["plain", "traced"])
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Start:
    """Start the program as an adapter. With a greeting, unless it says hello itself."""
    if request.param == "traced" and WHY_NOT:
        pytest.skip(WHY_NOT)

    def start_it(script: str, *, greets: bool = True, timeout_seconds: float = 30.0) -> Adapter:
        text = HELLO + (GREETING if greets else "") + textwrap.dedent(script)
        command = [sys.executable, "-S", "-E", "-c", text]
        if request.param == "plain":
            return Adapter(command, timeout_seconds=timeout_seconds)
        disk = DiskFaults(CrashFilesystem(PROFILES["strict"]))
        return TracedAdapter(command, Carrier(tmp_path, disk), timeout_seconds=timeout_seconds)

    return start_it


def asked(start: Start, script: str) -> AdapterError:
    """What comes of asking for an append."""
    with start(script) as adapter, pytest.raises(AdapterError) as raised:
        adapter.ask("append", event="00")
    return raised.value


@pytest.mark.req("PRT-1.2")
def test_an_answer_is_an_answer(start: Start) -> None:
    with start("answer(ask(), ok={'sequence': '7'}); answer(ask(), ok={})") as adapter:
        assert adapter.ask("append", event="00") == {"sequence": "7"}
        assert adapter.hello.name == "broken"
        adapter.goodbye()
    assert adapter.process.returncode == 0
    assert list(adapter.transcript)[2:] == [
        'kit  -> {"id": 2, "op": "append", "event": "00"}',
        'port -> {"id": 2, "ok": {"sequence": "7"}}',
        'kit  -> {"id": 3, "op": "bye"}',
        'port -> {"id": 3, "ok": {}}',
    ]


@pytest.mark.req("PRT-1.2")
def test_a_refusal_is_orderly(start: Start) -> None:
    script = "answer(ask(), error={'code': 'X', 'definite': False, 'text': 'no room'})"
    with start(script) as adapter, pytest.raises(PortError, match="append: X: no room") as raised:
        adapter.ask("append", event="00")
    assert not raised.value.is_definite


@pytest.mark.req("PRT-1.2")
def test_what_a_port_does_not_have_and_what_it_knows_to_be_broken(start: Start) -> None:
    found = asked(start, "answer(ask(), unsupported={'capability': 'log'})")
    assert isinstance(found, Unsupported)
    assert str(found) == "append: needs the capability log"
    found = asked(start, "answer(ask(), skipped={'reason': 'soon', 'issue_url': 'https://x/1'})")
    assert isinstance(found, Skipped)
    assert str(found) == "append: soon https://x/1"
    assert found.status == "skipped"


@pytest.mark.req("PRT-1.1", "PRT-1.2")
@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("say('opening\\n'); answer(ask(), ok={'sequence': '7'})", "standard output"),
        ("ask(); answer({'id': 9}, ok={'sequence': '7'})", "id is 9"),
        ("answer(ask(), ok={'sequence': 7})", "numbers of 64 bits travel as strings"),
        ("ask(); say('{\"id\": 2'); os._exit(0)", "the output was cut off"),
        ("ask(); sys.stdout.buffer.write(b'\\xff\\n'); sys.stdout.flush()", "not JSON"),
    ],
)
def test_a_line_that_is_not_allowed(start: Start, script: str, words: str) -> None:
    found = asked(start, script)
    assert isinstance(found, ProtocolViolation)
    assert words in str(found)
    assert found.status == "violation"


@pytest.mark.req("PRT-1.1", "PRT-1.2")
def test_a_second_line_is_found_with_the_next_request(start: Start) -> None:
    script = """
    request = ask()
    answer(request, ok={'sequence': '7'}); answer(request, ok={'sequence': '7'})
    answer(ask(), ok={})
    """
    with start(script) as adapter:
        adapter.ask("append", event="00")
        with pytest.raises(ProtocolViolation, match="an extra line was written"):
            adapter.ask("acknowledge", through="1")


@pytest.mark.req("PRT-1.1", "PRT-1.2")
def test_a_second_line_of_one_write_is_found_too(start: Start) -> None:
    script = """
    line = '{"id": 2, "ok": {"sequence": "7"}}\\n'
    ask(); say(line + line)
    answer(ask(), ok={})
    """
    with start(script) as adapter:
        adapter.ask("append", event="00")
        with pytest.raises(ProtocolViolation, match="an extra line was written"):
            adapter.ask("acknowledge", through="1")


@pytest.mark.req("PRT-1.1", "PRT-1.2")
def test_a_line_without_end_is_not_read_for_ever(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter_module, "LINE_BYTES_MAX", 100_000)
    found = asked(start, "ask()\nwhile True: say('x' * 1000)")
    assert isinstance(found, ProtocolViolation)
    assert "a line longer than 100000 bytes" in str(found)


@pytest.mark.req("PRT-1.2")
def test_a_reply_in_two_pieces_is_one(start: Start) -> None:
    script = 'request = ask(); say(\'{"id": 2, "ok": \'); say(\'{"sequence": "1"}}\\n\')'
    with start(script) as adapter:
        assert adapter.ask("append", event="00") == {"sequence": "1"}


@pytest.mark.req("PRT-1.2")
def test_a_long_request_and_a_long_reply_do_not_block_each_other(start: Start) -> None:
    script = """
    request = ask()
    answer(request, ok={'event': request['json']['x']})
    """
    with start(script) as adapter:
        long = "00" * 300_000
        assert adapter.ask("encode", json={"x": long}) == {"event": long}


@pytest.mark.req("PRT-1.2")
@pytest.mark.parametrize(
    ("script", "words", "code"),
    [
        ("ask(); sys.exit(3)", "ended with exit code 3", 3),
        ("sys.exit(0)", "ended with exit code 0", 0),
        ("ask(); os.kill(os.getpid(), 11)", "was killed by SIGSEGV", -11),
        ("ask(); os.kill(os.getpid(), 40)", "was killed by signal 40", -40),
        ("ask(); raise ValueError('what is this')", "ended with exit code 1", 1),
    ],
)
def test_a_death_says_how(start: Start, script: str, words: str, code: int) -> None:
    found = asked(start, script)
    assert isinstance(found, AdapterDied)
    assert words in str(found)
    assert found.code == code
    assert found.status == "died"


@pytest.mark.req("PRT-1.2")
def test_what_it_wrote_to_standard_error_is_kept(start: Start) -> None:
    found = asked(start, "ask(); raise ValueError('what is this')")
    assert found.stderr.endswith("ValueError: what is this")


@pytest.mark.req("PRT-1.2")
def test_much_on_standard_error_holds_nothing_up(start: Start) -> None:
    script = "sys.stderr.write('x\\n' * 200_000); answer(ask(), ok={'sequence': '7'})"
    with start(script) as adapter:
        assert adapter.ask("append", event="00") == {"sequence": "7"}


@pytest.mark.req("PRT-1.2")
def test_of_a_long_line_on_standard_error_the_end_is_kept(start: Start) -> None:
    script = (
        "sys.stderr.write('first\\n' + 'x' * 300_000 + 'end\\n' + 'y' * 9000 + 'last'); ask()[0]"
    )
    lines = asked(start, script).stderr.splitlines()
    kept = adapter_module.STDERR_LINE_BYTES
    assert lines[0] == "first"
    assert lines[1] == "x" * (kept - 3) + "end"
    assert lines[2].startswith("yyy")
    assert all(len(line) <= kept for line in lines)


@pytest.mark.req("PRT-1.2")
def test_one_that_hangs_is_killed(start: Start) -> None:
    with start("ask(); time.sleep(1000)", timeout_seconds=0.3) as adapter:
        with pytest.raises(AdapterTimeout, match=r"no reply within 0\.3 s; did the adapter flush"):
            adapter.ask("append", event="00")
        assert adapter.process.returncode == -9


@pytest.mark.req("PRT-1.2")
def test_one_that_closes_its_output_and_goes_on_is_killed(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("fault_injection.ports.adapter", "fault_injection.ports.tracing"):
        monkeypatch.setattr(f"{place}.ENDING_SECONDS", 0.3)
    found = asked(start, "ask(); os.close(1); time.sleep(1000)")
    assert isinstance(found, AdapterDied)
    assert "closed its standard output and went on" in str(found)
    assert found.code is None


@pytest.mark.req("PRT-1.2")
@pytest.mark.parametrize(
    ("script", "kind", "words"),
    [
        ("ask(); sys.exit(2)", AdapterDied, "hello: the adapter ended with exit code 2"),
        ("say('welcome\\n'); ask()", ProtocolViolation, "not JSON"),
        ("answer(ask(), ok={**hello, 'protocol': 2})", AdapterNotStarted, "speaks protocol 2"),
        ("answer(ask(), ok={**hello, 'capabilities': ['logs']})", AdapterNotStarted,
         "'logs', which is none of codec, log, connector"),
        ("del hello['name']; answer(ask(), ok=hello)", ProtocolViolation, "'name' is missing"),
    ],
)  # fmt: skip
def test_a_bad_hello(start: Start, script: str, kind: type[AdapterError], words: str) -> None:
    with pytest.raises(kind, match=words):
        start(script, greets=False)


@pytest.mark.req("PRT-1.2")
@pytest.mark.parametrize(
    ("script", "kind", "words"),
    [
        ("answer(ask(), ok={}); say('bye')", ProtocolViolation, "output after the reply to bye"),
        (
            'ask(); say(\'{"id": 2, "ok": {}}\\nbye\')',
            ProtocolViolation,
            "output after the reply to bye",
        ),
        ("answer(ask(), ok={}); sys.exit(4)", AdapterDied, "ended with exit code 4"),
    ],
)
def test_a_bad_end(start: Start, script: str, kind: type[AdapterError], words: str) -> None:
    with start(script) as adapter, pytest.raises(kind, match=words):
        adapter.goodbye()


@pytest.mark.req("PRT-1.2")
@pytest.mark.parametrize(
    ("command", "why"),
    [("./no-such-adapter", "No such file"), ("/etc/passwd", "Permission denied"),
     ("/etc", "Permission denied")],
)  # fmt: skip
def test_a_command_that_cannot_be_run(command: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(AdapterNotStarted, match=f"{command} cannot be run: .*{why}"):
        Adapter([command])
    if not WHY_NOT:
        disk = DiskFaults(CrashFilesystem(PROFILES["strict"]))
        with pytest.raises(AdapterNotStarted, match=f"{command} cannot be run: .*{why}"):
            TracedAdapter([command], Carrier(tmp_path, disk))


@pytest.mark.req("PRT-1.2")
def test_what_an_adapter_started_does_not_outlive_it(start: Start) -> None:
    """A shell that runs the adapter, say."""
    script = """
    pid = os.fork()
    if not pid: time.sleep(1000)
    answer(ask(), ok={'sequence': str(pid)})
    time.sleep(1000)
    """
    with start(script) as adapter:
        pid = int(adapter.ask("append", event="00")["sequence"])
    assert is_gone(pid)


@pytest.mark.req("PRT-1.2")
@pytest.mark.parametrize("ending", ["", "; exit $?", " | cat"])
def test_a_shell_may_stand_in_between(ending: str, tmp_path: Path) -> None:
    text = HELLO + GREETING + "answer(ask(), ok={'sequence': '7'}); answer(ask(), ok={})"
    inner = shlex.join([sys.executable, "-S", "-E", "-c", text])
    commands: list[Callable[[list[str]], Adapter]] = [Adapter]
    if not WHY_NOT:
        disk = DiskFaults(CrashFilesystem(PROFILES["strict"]))
        commands.append(lambda command: TracedAdapter(command, Carrier(tmp_path, disk)))
    for make in commands:
        with make(["sh", "-c", inner + ending]) as adapter:
            assert adapter.ask("append", event="00") == {"sequence": "7"}
            adapter.goodbye()


@needs_ptrace
@pytest.mark.req("PRT-1.2", "PRT-2.1")
def test_a_death_is_seen_though_a_child_holds_the_output_open(tmp_path: Path) -> None:
    text = HELLO + GREETING + "ask()\nif os.fork(): os._exit(3)\ntime.sleep(1000)"
    disk = DiskFaults(CrashFilesystem(PROFILES["strict"]))
    command = [sys.executable, "-S", "-E", "-c", text]
    with (
        TracedAdapter(command, Carrier(tmp_path, disk)) as adapter,
        pytest.raises(AdapterDied, match="exit code 3"),
    ):
        adapter.ask("append", event="00")
