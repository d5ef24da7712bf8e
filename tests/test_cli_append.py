"""`append`: numbers only when durable, bad lines by name, signals, closed pipes. Spec: CLI-1."""

from __future__ import annotations

import io
import os
import select
import signal
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reference.cli import main
from reference.cli_append import LineReader, append_lines
from reference.errors import DiskRejected
from reference.json_lines import LINE_BYTES_MAX, encode_json_line
from reference.limits import WalConfig
from reference.os_filesystem import OsFilesystem
from reference.stop_signals import StopSignals, stop_signals
from reference.wal import WriteAheadLog
from simulators.memory_filesystem import MemoryFilesystem
from tests.wal_helpers import FIRST, ROOMY, make_log, reopened, replayed, small_event

REPOSITORY = Path(__file__).resolve().parent.parent
COMMAND = [sys.executable, "-B", "-m", "reference"]
DEADLINE_S = 20


def line(number: int, text: str = "") -> bytes:
    """A small event's line, with its newline."""
    return encode_json_line(small_event(number, text)).encode() + b"\n"


def lines(count: int) -> bytes:
    return b"".join(line(number) for number in range(1, count + 1))


@contextmanager
def pipe_with(data: bytes) -> Iterator[int]:
    """The reading end of a pipe that gives the data, then its end."""
    reader, writer = os.pipe()

    def feed() -> None:
        with open(writer, "wb") as stream:
            stream.write(data)

    thread = threading.Thread(target=feed)
    thread.start()
    try:
        yield reader
    finally:
        os.close(reader)
        thread.join(DEADLINE_S)


class Appended:
    """What `append_lines` did with the data, on a log in memory."""

    def __init__(self, data: bytes, config: WalConfig = ROOMY) -> None:
        self.disk = MemoryFilesystem()
        output, errors = io.StringIO(), io.StringIO()
        with make_log(self.disk, config) as log, pipe_with(data) as reader:
            self.refused = append_lines(log, reader, output, errors)
        self.numbers = [int(number) for number in output.getvalue().split()]
        self.errors = errors.getvalue()


def run_append(directory: Path, data: bytes, *options: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*COMMAND, "append", "--wal-dir", str(directory), *options],
        cwd=REPOSITORY, input=data, capture_output=True, timeout=DEADLINE_S, check=False,
    )  # fmt: skip


def stored(directory: Path) -> list[int]:
    with WriteAheadLog.open(directory) as log:
        assert log.report.is_clean, log.report.damages
        return replayed(log)


# ---- Lines ------------------------------------------------------------------


@pytest.mark.req("CLI-1.1")
def test_every_line_gets_its_number() -> None:
    result = Appended(lines(5))
    assert (result.numbers, result.refused, result.errors) == ([1, 2, 3, 4, 5], 0, "")
    assert replayed(reopened(result.disk)) == [1, 2, 3, 4, 5]


@pytest.mark.req("CLI-1.1", "WAL-2.1")
def test_lines_that_wait_together_share_one_sync() -> None:
    result = Appended(lines(50))
    assert result.disk.journal.count(("sync", FIRST)) <= 3


@pytest.mark.req("CLI-1.1")
def test_empty_input_stores_nothing() -> None:
    result = Appended(b"")
    assert (result.numbers, result.refused, result.errors) == ([], 0, "")


@pytest.mark.req("CLI-1.1")
def test_last_line_needs_no_newline() -> None:
    assert Appended(lines(3)[:-1]).numbers == [1, 2, 3]


@pytest.mark.req("CLI-1.1")
def test_empty_lines_are_stepped_over_and_counted() -> None:
    result = Appended(b"\n  \n" + line(1) + b"\r\n\n" + b"nonsense\n")
    assert (result.numbers, result.refused) == ([1], 1)
    assert "line 6" in result.errors


@pytest.mark.req("CLI-1.1")
def test_line_that_ends_as_on_windows_is_read() -> None:
    assert Appended(line(1)[:-1] + b"\r\n").numbers == [1]


@pytest.mark.req("EVT-2.2", "CLI-1.1")
def test_bad_line_among_good_ones_costs_only_itself() -> None:
    result = Appended(line(1) + line(9).replace(b'"pid":9', b'"pid":-9') + line(2))
    assert (result.numbers, result.refused) == ([1, 2], 1)
    assert result.errors == "refused: line 2, field 'pid': outside 0 to 2^64 - 1\n"
    assert replayed(reopened(result.disk)) == [1, 2]


@pytest.mark.req("FMT-1.1", "WAL-1.3", "CLI-1.1")
def test_event_that_is_too_large_costs_only_itself_and_takes_no_number() -> None:
    result = Appended(line(1) + line(9, "x" * 2**20) + line(2) + line(3))
    assert (result.numbers, result.refused) == ([1, 2, 3], 1)
    assert result.errors.startswith("refused: line 2: the event is ")
    assert "limit is 1044480" in result.errors
    assert replayed(reopened(result.disk)) == [1, 2, 3]


@pytest.mark.req("FMT-1.1", "CLI-1.1")
def test_event_that_is_too_large_is_refused_among_others_of_its_batch() -> None:
    config = WalConfig(event_bytes_max=1000)
    result = Appended(line(1) + line(2, "y" * 5000) + line(2), config=config)
    assert (result.numbers, result.refused) == ([1, 2], 1)
    assert "refused: line 2" in result.errors


@pytest.mark.req("EVT-2.2", "CLI-1.1")
def test_line_longer_than_the_limit_costs_only_itself() -> None:
    endless = b"x" * (LINE_BYTES_MAX + 3 * 2**20) + b"\n"
    result = Appended(line(1) + endless + line(2))
    assert (result.numbers, result.refused) == ([1, 2], 1)
    assert result.errors.startswith("refused: line 2: ")
    assert f"the limit is {LINE_BYTES_MAX}" in result.errors


@pytest.mark.req("EVT-2.2")
def test_line_longer_than_the_limit_without_an_end_is_refused() -> None:
    result = Appended(line(1) + b"x" * (LINE_BYTES_MAX + 1))
    assert (result.numbers, result.refused) == ([1], 1)
    assert "line 2: 8388609 bytes" in result.errors


@pytest.mark.req("EVT-2.2")
def test_line_without_an_end_does_not_fill_memory() -> None:
    reader, chunk = LineReader(), b"x" * 2**20
    tracemalloc.start()
    try:
        for _ in range(40):
            assert list(reader.feed(chunk)) == []
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * LINE_BYTES_MAX + 4 * 2**20


@pytest.mark.req("WAL-1.4", "CLI-1.1")
def test_log_that_cannot_go_on_prints_the_numbers_that_are_durable() -> None:
    disk = MemoryFilesystem()
    output = io.StringIO()
    one_at_a_time = WalConfig(batch_bytes_max=1)
    with make_log(disk, one_at_a_time) as log, pipe_with(lines(3)) as reader:
        disk.fail("append", FIRST, skip=1)
        with pytest.raises(DiskRejected):
            append_lines(log, reader, output, io.StringIO())
    assert output.getvalue() == "1\n"


# ---- The command ------------------------------------------------------------


@pytest.mark.req("CLI-1.1", "CLI-1.2")
def test_command_prints_numbers_and_exits_clean(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pipe_with(lines(3)) as reader, open(reader, closefd=False) as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        assert main(["append", "--wal-dir", str(tmp_path / "wal")]) == 0
    assert capsys.readouterr() == ("1\n2\n3\n", "")
    assert stored(tmp_path / "wal") == [1, 2, 3]


@pytest.mark.req("CLI-1.2")
def test_command_exits_with_1_if_a_line_was_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pipe_with(line(1) + b"{}\n" + line(2)) as reader, open(reader, closefd=False) as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        assert main(["append", "--wal-dir", str(tmp_path / "wal")]) == 1
    output, errors = capsys.readouterr()
    assert output == "1\n2\n"
    assert "refused: line 2, field 'event_type': missing" in errors
    assert errors.endswith("1 lines were refused; the others are stored\n")


@pytest.mark.req("CLI-1.2")
@pytest.mark.parametrize(
    "options", [("--rotation-bytes", "0"), ("--rotation-bytes", "99999999999999")]
)
def test_command_with_an_impossible_limit_exits_with_2_and_creates_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, str]
) -> None:
    assert main(["append", "--wal-dir", str(tmp_path / "wal"), *options]) == 2
    assert "rotation_bytes" in capsys.readouterr().err or options[1] != "0"
    assert not (tmp_path / "wal").exists()


@pytest.mark.req("WAL-3.1")
@pytest.mark.parametrize("rotation", [8300, 101 * 2**20])
def test_command_takes_the_size_at_which_files_rotate(tmp_path: Path, rotation: int) -> None:
    result = run_append(tmp_path / "wal", lines(5), "--rotation-bytes", str(rotation))
    assert (result.returncode, result.stdout) == (0, b"1\n2\n3\n4\n5\n")
    assert len(list((tmp_path / "wal").glob("*.wal"))) == (5 if rotation == 8300 else 1)


@contextmanager
def running_append(directory: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`append` with pipes on all sides; killed if the test leaves it running."""
    with subprocess.Popen(
        [*COMMAND, "append", "--wal-dir", str(directory)], cwd=REPOSITORY,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def send(process: subprocess.Popen[bytes], data: bytes) -> None:
    assert process.stdin is not None
    process.stdin.write(data)


def number_from(process: subprocess.Popen[bytes]) -> bytes:
    """The next line of output, which must come without more input."""
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], DEADLINE_S)
    assert ready, "no number came"
    return process.stdout.readline()


@pytest.mark.req("CLI-1.1", "WAL-1.1", "WAL-2.1")
def test_lone_line_is_durable_and_numbered_while_the_input_stays_open(tmp_path: Path) -> None:
    with running_append(tmp_path / "wal") as process:
        for number in (1, 2):
            send(process, line(number))
            assert number_from(process) == b"%d\n" % number
        process.kill()  # what was numbered survives this
        process.wait(DEADLINE_S)
    assert stored(tmp_path / "wal") == [1, 2]


@pytest.mark.req("CLI-1.1", "CLI-1.2")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_closes_the_log_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    with running_append(tmp_path / "wal") as process:
        send(process, line(1))
        assert number_from(process) == b"1\n"
        send(process, line(2)[:30])  # never finished: no event
        process.send_signal(number)
        output, errors = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, output, errors) == (0, b"", b"")
    with WriteAheadLog.open(tmp_path / "wal") as log:
        assert (log.report.clean_shutdown, log.report.damages) == (True, [])
        assert replayed(log) == [1]


@pytest.mark.req("CLI-1.1", "CLI-1.2")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_during_a_stream_of_lines_closes_the_log_cleanly(
    tmp_path: Path, number: signal.Signals
) -> None:
    with running_append(tmp_path / "wal") as process:
        send(process, line(1))
        first = number_from(process)
        for each in range(2, 200):
            send(process, line(each))
        process.send_signal(number)
        output, errors = process.communicate(timeout=DEADLINE_S)
    numbers = [int(each) for each in (first + output).split()]
    assert (process.returncode, errors) == (0, b"")
    assert numbers == list(range(1, len(numbers) + 1))
    with WriteAheadLog.open(tmp_path / "wal") as log:
        assert (log.report.clean_shutdown, log.report.damages) == (True, [])
        assert replayed(log) == numbers


@pytest.mark.req("CLI-1.2")
def test_reader_of_the_numbers_that_leaves_ends_the_command_with_1(tmp_path: Path) -> None:
    with running_append(tmp_path / "wal") as process:
        send(process, line(1))
        assert number_from(process) == b"1\n"
        assert process.stdout is not None
        process.stdout.close()
        send(process, line(2))
        assert process.stderr is not None
        errors = process.stderr.read()
        assert process.wait(DEADLINE_S) == 1
    assert b"Traceback" not in errors
    with WriteAheadLog.open(tmp_path / "wal") as log:
        assert log.report.clean_shutdown
        assert replayed(log) == [1, 2]  # durable, although nobody was told


@pytest.mark.req("CLI-1.2")
def test_closed_output_in_process_ends_the_command_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with (
        open(writer, "w") as output,
        pipe_with(line(1)) as source,
        open(source, closefd=False) as stream,
    ):
        monkeypatch.setattr(sys, "stdin", stream)
        monkeypatch.setattr(sys, "stdout", output)
        assert main(["append", "--wal-dir", str(tmp_path / "wal")]) == 1
    monkeypatch.undo()
    assert stored(tmp_path / "wal") == [1]


@pytest.mark.req("CLI-1.2")
@pytest.mark.parametrize("stream", ["stdin", "stdout"])
def test_stream_closed_before_the_start_is_refused_before_anything_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stream: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sys, stream, None)
        assert main(["append", "--wal-dir", str(tmp_path / "wal")]) == 3
    assert not (tmp_path / "wal").exists()


@pytest.mark.req("CLI-1.2")
def test_shell_that_closes_the_output_is_refused(tmp_path: Path) -> None:
    process = subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" >&-', "sh", *COMMAND, "append", "--wal-dir", "wal"],
        cwd=REPOSITORY, input=line(1), stderr=subprocess.PIPE, timeout=DEADLINE_S, check=False,
    )  # fmt: skip
    assert process.returncode == 3
    assert b"a standard stream is closed" in process.stderr
    assert not (REPOSITORY / "wal").exists()


@pytest.mark.req("DSK-1.3", "CLI-1.2")
def test_second_append_is_refused_with_3(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with WriteAheadLog.open(tmp_path / "wal"):
        assert main(["append", "--wal-dir", str(tmp_path / "wal")]) == 3
    assert "refused: " in (errors := capsys.readouterr().err)
    assert "locked by another process" in errors


# ---- Signals ----------------------------------------------------------------


@pytest.mark.req("CLI-1.1")
def test_signal_inside_the_block_ends_the_wait_and_is_restored_behind_it() -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    reader, writer = os.pipe()
    try:
        with stop_signals() as stop:
            os.write(writer, b"x")
            assert stop.wait_readable(reader)
            os.kill(os.getpid(), signal.SIGTERM)
            assert not stop.wait_readable(reader)  # although there is input
            assert stop.is_set
    finally:
        os.close(reader)
        os.close(writer)
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
    assert signal.set_wakeup_fd(-1) == -1


@pytest.mark.req("CLI-1.1")
def test_signal_ends_the_reading_although_the_input_goes_on() -> None:
    class Stopping(io.StringIO):
        """A reader of the numbers that stops the process at the first of them."""

        def flush(self) -> None:
            os.kill(os.getpid(), signal.SIGTERM)

    disk = MemoryFilesystem()
    reader, writer = os.pipe()
    try:
        os.write(writer, line(1))
        with make_log(disk) as log:
            output = Stopping()
            assert append_lines(log, reader, output, io.StringIO()) == 0
    finally:
        os.close(reader)
        os.close(writer)
    assert output.getvalue() == "1\n"
    assert reopened(disk).report.clean_shutdown


@pytest.mark.req("CLI-1.1")
def test_block_in_another_thread_only_waits_for_input() -> None:
    results: list[bool] = []

    def wait() -> None:
        with pipe_with(b"x") as reader, stop_signals() as stop:
            results.append(isinstance(stop, StopSignals) and stop.wait_readable(reader))

    thread = threading.Thread(target=wait)
    thread.start()
    thread.join(DEADLINE_S)
    assert results == [True]


@pytest.mark.req("CLI-1.1")
def test_log_on_a_real_disk_takes_lines_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_bytes(lines(20))
    output = io.StringIO()
    descriptor = os.open(tmp_path / "events.jsonl", os.O_RDONLY)
    try:
        with WriteAheadLog.open(OsFilesystem(tmp_path / "wal")) as log:
            assert append_lines(log, descriptor, output, io.StringIO()) == 0
    finally:
        os.close(descriptor)
    assert [int(each) for each in output.getvalue().split()] == stored(tmp_path / "wal")
