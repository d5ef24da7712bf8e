"""`run`: input to log and broker, status, signals, exit codes. Real processes. Spec: CLI-4."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from reference.broker_socket import VARIABLE
from reference.json_lines import encode_json_line
from reference.limits import EVENT_BYTES_MAX, FRAMES_OFFSET
from reference.wal import WriteAheadLog
from tests.process_helpers import BrokerProcess, RunProcess, recorded, wait_for
from tests.wal_helpers import small_event

ROOT = Path(__file__).parents[1]
DEADLINE_S = 30


def lines(first: int, last: int, text: str = "") -> bytes:
    return b"".join(
        encode_json_line(small_event(number, text)).encode() + b"\n"
        for number in range(first, last + 1)
    )


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[BrokerProcess]:
    with BrokerProcess(tmp_path) as process:
        yield process


@pytest.mark.req("CLI-4.1", "CLI-4.2", "CLI-4.4")
def test_everything_is_delivered_and_the_exit_code_says_so(
    tmp_path: Path, broker: BrokerProcess
) -> None:
    with RunProcess(tmp_path) as run:
        code, _, errors = run.finish(lines(1, 500))
    assert code == 0
    assert "everything is acknowledged" in errors
    assert recorded(tmp_path) == list(range(1, 501))


@pytest.mark.req("CLI-4.2", "CLI-4.4")
def test_without_a_broker_it_says_how_much_is_left(tmp_path: Path) -> None:
    with RunProcess(tmp_path, "--drain-seconds", "0.2") as run:
        code, _, errors = run.finish(lines(1, 7))
    assert code == 1
    assert "7 events are left in the log" in errors
    assert "there is no such socket" in errors
    with WriteAheadLog.open(tmp_path / "wal") as log:
        assert [entry.event.pid for entry in log.replay()] == list(range(1, 8))
        assert log.report.clean_shutdown


@pytest.mark.req("CLI-4.2", "CON-1.1")
@pytest.mark.parametrize(
    ("value", "words"), [(None, "is unset"), ("", "is empty"), ("x" * 200, "has 200 bytes")]
)
def test_an_address_that_cannot_be_one_is_a_usage_error_and_opens_nothing(
    tmp_path: Path, value: str | None, words: str
) -> None:
    environ = {} if value is None else {VARIABLE: value}
    with RunProcess(tmp_path, environ=environ) as run:
        code, _, errors = run.finish(lines(1, 1))
    assert code == 2
    assert words in errors
    assert not (tmp_path / "wal").exists()


@pytest.mark.req("CLI-4.2")
@pytest.mark.parametrize(
    "options", [("--buffer-bytes", "0"), ("--drain-seconds", "-1"), ("--drain-seconds", "soon")]
)
def test_a_wrong_option_is_a_usage_error(tmp_path: Path, options: tuple[str, ...]) -> None:
    with RunProcess(tmp_path, *options) as run:
        code, _, errors = run.finish(b"")
    assert code == 2
    assert options[0].strip("-").replace("-", "_") in errors.replace("-", "_")


@pytest.mark.req("CLI-4.2", "DSK-1.3")
def test_a_log_in_use_is_refused(tmp_path: Path) -> None:
    with WriteAheadLog.open(tmp_path / "wal"), RunProcess(tmp_path) as run:
        code, _, errors = run.finish(lines(1, 1))
    assert code == 3
    assert "refused" in errors
    assert "is locked" in errors


@pytest.mark.req("CLI-4.1", "CLI-4.2", "EVT-2.2", "FMT-1.1")
def test_bad_lines_cost_only_themselves(tmp_path: Path, broker: BrokerProcess) -> None:
    huge = encode_json_line(small_event(1, "x" * EVENT_BYTES_MAX)).encode() + b"\n"
    with RunProcess(tmp_path) as run:
        code, _, errors = run.finish(lines(1, 2) + b"{}\n" + lines(3, 3) + huge + lines(4, 4)[:-1])
    assert code == 1
    assert "line 3" in errors
    assert "line 5: the event is" in errors
    assert "lines refused: 2" in errors
    assert "everything is acknowledged" in errors
    assert recorded(tmp_path) == [1, 2, 3, 4]


@pytest.mark.req("CLI-4.3")
def test_status_lines_are_for_machines(tmp_path: Path, broker: BrokerProcess) -> None:
    with RunProcess(tmp_path, "--status-json") as run:
        run.write(lines(1, 10))
        online = run.until_status(lambda s: s["link"] == "online" and s["acknowledged"] != "0")
        assert online["acknowledged"] == "10"
        assert online["backpressure"] == "released"
        broker.kill()
        down = run.until_status(lambda s: s["link"] != "online")
        assert down["problem"] != ""
        code, _, _ = run.finish(b"")
    assert code == 0


@pytest.mark.req("CLI-4.3")
def test_on_a_terminal_one_line_is_kept_current(tmp_path: Path, broker: BrokerProcess) -> None:
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "reference", "run", "--wal-dir", str(tmp_path / "wal")],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=slave,
        env={VARIABLE: str(tmp_path / "s"), "PATH": ""},
    )  # fmt: skip
    os.close(slave)
    assert process.stdin is not None
    process.stdin.write(lines(1, 3) + b"{}\n")
    process.stdin.flush()
    screen = b""
    end = time.monotonic() + DEADLINE_S
    with contextlib.suppress(OSError):  # EIO: the other side closed the terminal
        while time.monotonic() < end and select.select([master], [], [], DEADLINE_S)[0]:
            screen += os.read(master, 65536)
            if b"acknowledged 3" in screen:
                process.stdin.close()
    os.close(master)
    assert process.wait(DEADLINE_S) == 1
    text = screen.decode()
    assert "\r\x1b[K" in text
    assert "online | sequence" in text
    assert "\x1b[Krefused: line 4" in text
    assert "\x1b[Keverything is acknowledged" in text


@pytest.mark.req("CLI-4.3")
def test_a_reader_of_the_status_that_leaves_stops_nothing(
    tmp_path: Path, broker: BrokerProcess
) -> None:
    with RunProcess(tmp_path, "--status-json") as run:
        assert run.process.stdout is not None
        run.write(lines(1, 3))
        run.until_status(lambda s: s["acknowledged"] == "3")
        run.process.stdout.close()
        broker.kill()  # a change that would be told
        run.write(lines(4, 6))
        wait_for(lambda: "not shown any more" in run.errors())
        with BrokerProcess(tmp_path):
            assert run.process.stdin is not None
            run.process.stdin.close()
            assert run.process.wait(DEADLINE_S) == 0
        assert recorded(tmp_path) == [1, 2, 3, 4, 5, 6]


@pytest.mark.req("CLI-4.4", "CON-3.4")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_reading_and_closes_cleanly(
    tmp_path: Path, broker: BrokerProcess, number: signal.Signals
) -> None:
    with RunProcess(tmp_path, "--status-json") as run:
        run.write(lines(1, 20))
        run.until_status(lambda s: s["acknowledged"] == "20")
        run.process.send_signal(number)
        assert run.process.wait(DEADLINE_S) == 0
    assert recorded(tmp_path) == list(range(1, 21))
    with WriteAheadLog.open(tmp_path / "wal") as log:
        assert log.report.clean_shutdown
        assert log.acknowledged_through == 20


@pytest.mark.req("CLI-4.4")
def test_a_signal_ends_the_waiting_for_acknowledgement(tmp_path: Path) -> None:
    with RunProcess(tmp_path, "--status-json", "--drain-seconds", "600") as run:
        assert run.process.stdin is not None
        run.write(lines(1, 5))
        run.process.stdin.close()
        run.until_status(lambda s: s["backlog"] == 5)
        run.process.send_signal(signal.SIGTERM)
        assert run.process.wait(DEADLINE_S) == 1
        assert "5 events are left" in run.errors()


@pytest.mark.req("CLI-4.1", "WAL-4.4", "DEL-1.1")
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small filesystem needs root")
def test_on_a_full_disk_the_input_waits_and_nothing_is_dropped(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400k,mode=0700", "tmpfs", str(small)]
    result = subprocess.run(mount, capture_output=True, text=True, check=False)
    if result.returncode:
        pytest.skip(f"cannot mount a tmpfs: {result.stderr.strip()}")
    try:
        ballast = small / "ballast"
        ballast.write_bytes(bytes(200_000))
        with RunProcess(tmp_path, "--status-json", wal=small / "wal") as run:
            # The pipe fills while the disk is full, so somebody else has to write.
            writer = threading.Thread(target=run.write, args=(lines(1, 100, "y" * 3000),))
            writer.start()
            wait_for(lambda: "waiting: " in run.errors())
            assert "ENOSPC" in run.errors()
            ballast.unlink()
            with BrokerProcess(tmp_path):
                writer.join(DEADLINE_S)
                code, _, errors = run.finish(b"")
        assert code == 0, errors
        assert recorded(tmp_path) == list(range(1, 101))
    finally:
        subprocess.run(["umount", "--lazy", str(small)], check=True)


@pytest.mark.req("CLI-4.1", "BUF-1.2", "BUF-2.1", "BPR-1.2", "ACK-5.1")
def test_a_backlog_larger_than_memory_is_delivered_when_the_broker_comes(tmp_path: Path) -> None:
    options = (
        "--buffer-bytes", "20000", "--rotation-bytes", str(FRAMES_OFFSET + 50_000), "--status-json",
    )  # fmt: skip
    with RunProcess(tmp_path, *options) as run:
        run.write(lines(1, 2000))
        spilled = run.until_status(lambda s: s["sequence"] == "2000")
        assert spilled["spilled"] is True
        assert spilled["backpressure"] == "triggered"
        assert spilled["buffer_used_bytes"] <= 20_000
        with BrokerProcess(tmp_path):
            done = run.until_status(lambda s: s["acknowledged"] == "2000")
            assert done["backpressure"] == "released"
            code, _, _ = run.finish(b"")
    assert code == 0
    assert recorded(tmp_path) == list(range(1, 2001))
    assert len(list((tmp_path / "wal").glob("*.wal"))) == 1


@pytest.mark.req("CLI-4.2", "WAL-4.3")
def test_help_teaches(capfd: pytest.CaptureFixture[str]) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "reference", "run", "--help"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for word in (VARIABLE, "--buffer-bytes", "--drain-seconds", "--status-json", "Exit 0"):
        assert word in result.stdout
    assert json.loads("[]") == []
