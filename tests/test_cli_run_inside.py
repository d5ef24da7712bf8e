"""`run` inside this process: what is hard to bring about from outside, and each branch of it."""

from __future__ import annotations

import contextlib
import errno
import os
import pty
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reference.broker_socket import VARIABLE
from reference.cli import main
from reference.json_lines import encode_json_line
from reference.limits import EVENT_BYTES_MAX
from reference.os_filesystem import OsFilesystem
from reference.wal import WriteAheadLog
from tests.process_helpers import BrokerProcess, recorded, wait_for
from tests.wal_helpers import small_event


def lines(first: int, last: int, text: str = "") -> bytes:
    return b"".join(
        encode_json_line(small_event(number, text)).encode() + b"\n"
        for number in range(first, last + 1)
    )


class Input:
    """Standard input as a pipe that the test fills from a thread."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        self._threads: list[threading.Thread] = []

    def fileno(self) -> int:
        return self._reader

    def write(self, data: bytes) -> None:
        with contextlib.suppress(BrokenPipeError):  # the command has ended
            os.write(self._writer, data)

    def become_file(self, path: Path, data: bytes) -> None:
        """Be a file, which gives as much at once as is asked for."""
        path.write_bytes(data)
        self.close()
        self.end()
        self._reader = os.open(path, os.O_RDONLY)

    def end(self) -> None:
        os.close(self._writer)

    def soon(self, action: Any) -> None:
        """Do something while the command runs."""
        thread = threading.Thread(target=action)
        thread.start()
        self._threads.append(thread)

    def close(self) -> None:
        os.close(self._reader)
        for thread in self._threads:
            thread.join(20)


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Input]:
    """Standard input, and an address at which nobody is."""
    given = Input()
    monkeypatch.setattr(sys, "stdin", given)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "s"))
    yield given
    given.close()


def run(tmp_path: Path, *options: str) -> int:
    return main(["run", "--wal-dir", str(tmp_path / "wal"), *options])


@pytest.mark.req("CLI-4.1", "CLI-4.2", "CLI-4.4")
def test_all_the_input_is_delivered(
    tmp_path: Path, source: Input, capsys: pytest.CaptureFixture[str]
) -> None:
    source.write(lines(1, 50) + b"{}\n")
    source.end()
    with BrokerProcess(tmp_path):
        assert run(tmp_path) == 1, "a line was refused"
    errors = capsys.readouterr().err
    assert "refused: line 51" in errors
    assert "lines refused: 1" in errors
    assert "everything is acknowledged" in errors
    assert recorded(tmp_path) == list(range(1, 51))


@pytest.mark.req("CLI-4.1", "FMT-1.1")
@pytest.mark.parametrize("neighbours", [0, 2])
def test_a_line_that_is_too_large_costs_only_itself(
    tmp_path: Path, source: Input, neighbours: int, capsys: pytest.CaptureFixture[str]
) -> None:
    data = lines(1, neighbours) + lines(9, 9, "x" * EVENT_BYTES_MAX) + lines(3, 2 + neighbours)
    source.become_file(tmp_path / "input", data)
    with BrokerProcess(tmp_path):
        assert run(tmp_path) == 1
    assert f"refused: line {neighbours + 1}: the event is" in capsys.readouterr().err
    assert recorded(tmp_path) == [*range(1, neighbours + 1), *range(3, 3 + neighbours)]


class Faults:
    """Makes appends to the real disk fail, the next few or from now on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.appends = 0
        self.syncs = 0
        append, sync = OsFilesystem.append, OsFilesystem.sync

        def failing_append(disk: OsFilesystem, name: str, data: bytes) -> int:
            if ".wal" in name and len(data) != 8192 and self.appends > 0:
                self.appends -= 1
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), name)
            return append(disk, name, data)

        def failing_sync(disk: OsFilesystem, name: str) -> None:
            if ".wal" in name and self.syncs > 0:
                self.syncs -= 1
                raise OSError(errno.EIO, os.strerror(errno.EIO), name)
            sync(disk, name)

        monkeypatch.setattr(OsFilesystem, "append", failing_append)
        monkeypatch.setattr(OsFilesystem, "sync", failing_sync)


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Faults:
    """A log that is there already, on a disk whose calls can be made to fail."""
    WriteAheadLog.open(tmp_path / "wal").close()
    return Faults(monkeypatch)


@pytest.mark.req("CLI-4.1", "WAL-4.4", "DEL-1.1")
def test_a_refusal_that_passes_is_waited_for(
    tmp_path: Path, source: Input, faults: Faults, capsys: pytest.CaptureFixture[str]
) -> None:
    faults.appends = 2
    source.write(lines(1, 20))
    source.end()
    with BrokerProcess(tmp_path):
        assert run(tmp_path) == 0
    assert capsys.readouterr().err.count("waiting: append procmond-00001.wal: ENOSPC") == 1
    assert recorded(tmp_path) == list(range(1, 21))


@pytest.mark.req("CLI-4.1", "CLI-4.2", "WAL-4.3")
def test_a_failed_sync_ends_it_and_says_what_is_not_stored(
    tmp_path: Path, source: Input, faults: Faults, capsys: pytest.CaptureFixture[str]
) -> None:
    faults.syncs = 1
    source.write(lines(1, 20))
    source.end()
    assert run(tmp_path) == 1
    errors = capsys.readouterr().err
    assert "failed: sync procmond-00001.wal: EIO" in errors
    assert "events that were read and not stored: 20" in errors


@pytest.mark.req("CLI-4.1", "CLI-4.2", "WAL-4.3")
def test_what_follows_a_failure_of_single_lines_is_not_stored_either(
    tmp_path: Path, source: Input, faults: Faults, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line that is too large makes the lines of its piece go one by one."""
    faults.syncs = 1
    source.become_file(tmp_path / "input", lines(9, 9, "x" * EVENT_BYTES_MAX) + lines(1, 4))
    assert run(tmp_path) == 1
    assert "events that were read and not stored: 4" in capsys.readouterr().err


@pytest.mark.req("CLI-4.4", "CLI-4.1")
def test_a_signal_ends_the_waiting_for_space(
    tmp_path: Path, source: Input, faults: Faults, capsys: pytest.CaptureFixture[str]
) -> None:
    faults.appends = 1_000_000
    source.write(lines(1, 5))

    def stop() -> None:
        wait_for(lambda: faults.appends < 999_999)
        os.kill(os.getpid(), signal.SIGTERM)

    source.soon(stop)
    assert run(tmp_path) == 1
    errors = capsys.readouterr().err
    assert "events that were read and not stored: 5" in errors
    assert errors.count("waiting: ") == 1, "the same kind of refusal is told once"
    source.end()


@pytest.mark.req("CLI-4.4", "CLI-4.2")
def test_a_signal_ends_the_waiting_for_acknowledgement(
    tmp_path: Path,
    source: Input,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("reference.cli_run.STATUS_S", 0.01)
    source.write(lines(1, 5))
    source.end()

    def stop() -> None:
        segment = tmp_path / "wal" / "procmond-00001.wal"
        wait_for(lambda: segment.exists() and segment.stat().st_size > 8192)
        os.kill(os.getpid(), signal.SIGINT)

    source.soon(stop)
    assert run(tmp_path, "--drain-seconds", "600", "--status-json") == 1
    output = capsys.readouterr()
    assert "5 events are left in the log" in output.err
    assert '"link": ' in output.out


@pytest.mark.req("CLI-4.2")
def test_an_end_that_may_repeat_events_is_said_so(
    tmp_path: Path, source: Input, capsys: pytest.CaptureFixture[str]
) -> None:
    source.write(lines(1, 5))
    source.end()
    with BrokerProcess(tmp_path, "--misbehave", "no-acknowledgement"):
        threading.Timer(1.5, lambda: os.kill(os.getpid(), signal.SIGTERM)).start()
        assert run(tmp_path, "--drain-seconds", "600") == 1
    errors = capsys.readouterr().err
    assert "not a clean end" in errors
    assert "up to 5 events may be sent again" in errors


@pytest.mark.req("CLI-4.1", "CLI-4.2")
def test_an_input_that_cannot_be_read_is_a_failure(
    tmp_path: Path, source: Input, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    source.end()
    directory = os.open(tmp_path, os.O_RDONLY)
    monkeypatch.setattr(source, "fileno", lambda: directory)
    assert run(tmp_path) == 1
    assert "failed: standard input: " in capsys.readouterr().err
    os.close(directory)


def read_to_the_end(terminal: int, shown: list[bytes]) -> None:
    """Collect what is written to a terminal until nobody has it open."""
    with contextlib.suppress(OSError):  # EIO: the other end is closed
        while data := os.read(terminal, 4096):
            shown.append(data)


@pytest.mark.req("CLI-4.3")
def test_on_a_terminal_the_line_is_drawn_and_erased(
    tmp_path: Path, source: Input, monkeypatch: pytest.MonkeyPatch
) -> None:
    master, slave = pty.openpty()
    shown: list[bytes] = []
    watcher = threading.Thread(target=read_to_the_end, args=(master, shown))
    watcher.start()
    with os.fdopen(slave, "w", buffering=1) as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        monkeypatch.setattr("reference.cli_run.REDRAW_S", 0)  # also on a slow machine
        source.write(lines(1, 5))
        threading.Timer(0.7, source.end).start()
        with BrokerProcess(tmp_path):
            assert run(tmp_path) == 0
    watcher.join()
    os.close(master)
    screen = b"".join(shown).decode()
    assert screen.startswith("\r\x1b[K")
    assert "backpressure released" in screen
    assert "\r\x1b[Keverything is acknowledged" in screen


@pytest.mark.req("CLI-4.3")
def test_a_status_that_nobody_reads_ends_without_ending_the_run(
    tmp_path: Path,
    source: Input,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    source.write(lines(1, 5))
    source.end()
    with os.fdopen(writer, "w") as output, BrokerProcess(tmp_path):
        monkeypatch.setattr(sys, "stdout", output)
        code = run(tmp_path, "--status-json")
    assert code == 0
    assert "the status is not shown any more" in capsys.readouterr().err
    assert recorded(tmp_path) == [1, 2, 3, 4, 5]


@pytest.mark.req("CLI-4.2")
@pytest.mark.parametrize("text", ["-1", "nan", "1e7", "soon"])
def test_seconds_out_of_range_are_a_usage_error(tmp_path: Path, source: Input, text: str) -> None:
    source.end()
    with pytest.raises(SystemExit) as caught:
        run(tmp_path, "--drain-seconds", text)
    assert caught.value.code == 2
