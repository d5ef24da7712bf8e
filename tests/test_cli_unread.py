"""Nobody reads what the tools say, or a thread of `run` dies: the exit code is the truth.

Real processes whose standard error or output has no reader, and defects inside this process.

Spec: CLI-1.2, CLI-4.1, CLI-4.2.
"""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from reference import messages
from reference.broker_socket import VARIABLE
from reference.connector_disk import Commit, ConnectorDisk
from reference.event_bus_connector import EventBusConnector
from reference.events import ProcessEvent
from reference.json_lines import decode_json_line
from reference.limits import EVENT_BYTES_MAX
from reference.os_filesystem import OsFilesystem
from reference.wal import WriteAheadLog
from tests.process_helpers import ROOT, BrokerProcess, recorded
from tests.test_cli_run_inside import Input, lines, run, source
from tests.wal_helpers import small_event

__all__ = ["source"]

DEADLINE_S = 60
HUGE = lines(9, 9, "x" * EVENT_BYTES_MAX)


def run_unread(
    tmp_path: Path, *options: str, data: bytes = b"", unread: str = "stderr", command: str = "run"
) -> subprocess.CompletedProcess[bytes]:
    """Run a command; whoever could read this stream of it has left before it began."""
    reader, writer = os.pipe()
    os.close(reader)
    streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    streams[unread] = writer
    try:
        return subprocess.run(
            [sys.executable, "-m", "reference", command, "--wal-dir", str(tmp_path / "wal"),
             *options],
            cwd=ROOT, input=data, timeout=DEADLINE_S, check=False,
            env={VARIABLE: str(tmp_path / "s"), "PATH": ""}, **streams,
        )  # fmt: skip
    finally:
        os.close(writer)


def stored(tmp_path: Path) -> list[int]:
    with WriteAheadLog.open(tmp_path / "wal") as log:
        return [entry.event.pid for entry in log.replay()]


# ---- Standard error ---------------------------------------------------------


@pytest.mark.req("CLI-4.1", "CLI-4.2")
@pytest.mark.parametrize("refused", [b"", b"{}\n"])
def test_events_that_are_left_are_1_also_if_nobody_reads_the_messages(
    tmp_path: Path, refused: bytes
) -> None:
    data = lines(1, 3) + refused + lines(4, 7)
    assert run_unread(tmp_path, "--drain-seconds", "0.2", data=data).returncode == 1
    assert stored(tmp_path) == list(range(1, 8))


@pytest.mark.req("CLI-4.1", "CLI-4.2", "CLI-4.3")
@pytest.mark.parametrize("options", [(), ("--status-json",)])
def test_everything_is_delivered_also_if_nobody_reads_the_messages(
    tmp_path: Path, options: Sequence[str]
) -> None:
    with BrokerProcess(tmp_path):
        assert run_unread(tmp_path, *options, data=lines(1, 50)).returncode == 0
        refused = lines(51, 60) + b"{}\n" + HUGE + lines(61, 70)
        assert run_unread(tmp_path, *options, data=refused).returncode == 1
    assert recorded(tmp_path) == list(range(1, 71))


@pytest.mark.req("CLI-1.2", "CLI-4.2")
@pytest.mark.parametrize(
    ("command", "options", "code"),
    [("run", (), 3), ("run", ("--buffer-bytes", "0"), 2), ("replay", (), 3), ("append", (), 3)],
)
def test_a_refusal_that_nobody_reads_has_its_own_code(
    tmp_path: Path, command: str, options: Sequence[str], code: int
) -> None:
    with WriteAheadLog.open(tmp_path / "wal"):
        assert run_unread(tmp_path, *options, command=command).returncode == code


@pytest.mark.req("CLI-1.2")
def test_append_whose_refusals_nobody_reads_stores_the_others(tmp_path: Path) -> None:
    data = b"{}\n" + lines(1, 2) + HUGE + lines(3, 4) + b"{}\n"
    process = run_unread(tmp_path, data=data, command="append")
    assert process.returncode == 1
    assert process.stdout == b"1\n2\n3\n4\n"
    assert stored(tmp_path) == [1, 2, 3, 4]


# ---- Standard output --------------------------------------------------------


@pytest.mark.req("CLI-4.2", "CLI-4.3")
def test_events_that_are_left_are_1_also_if_nobody_reads_the_status(tmp_path: Path) -> None:
    process = run_unread(
        tmp_path, "--status-json", "--drain-seconds", "0.2", data=lines(1, 7), unread="stdout"
    )
    assert process.returncode == 1
    assert b"7 events are left in the log" in process.stderr


@pytest.mark.req("CLI-1.2")
@pytest.mark.parametrize(
    ("command", "options", "code"),
    [
        ("replay", (), 0), ("inspect", (), 0), ("dump", (), 0),
        ("verify", (), 1), ("acknowledge", ("--through", "1"), 1), ("reidentify", (), 1),
    ],
)  # fmt: skip
def test_only_a_reader_may_have_had_enough(
    tmp_path: Path, command: str, options: Sequence[str], code: int
) -> None:
    """What else a command found or did is not known to whoever left."""
    with WriteAheadLog.open(tmp_path / "wal") as log:
        log.append(small_event(1))
    process = run_unread(tmp_path, *options, command=command, unread="stdout")
    assert process.returncode == code
    assert process.stderr == b""


# ---- Defects of the thread that reads the input -----------------------------


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[type[BaseException]]:
    """The errors by which threads ended."""
    errors: list[type[BaseException]] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: errors.append(args.exc_type))
    return errors


@pytest.mark.req("CLI-4.2")
@pytest.mark.parametrize("huge", [b"", HUGE])
def test_events_that_a_defect_kept_from_the_log_are_counted(
    tmp_path: Path,
    source: Input,
    shown: list[type[BaseException]],
    huge: bytes,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A line that is too large makes the lines behind it go by one, by two, by four."""
    publish_batch = EventBusConnector.publish_batch

    async def defect(self: EventBusConnector, events: Sequence[ProcessEvent]) -> list[int]:
        if len(events) <= 8 and any(event.pid == 2 for event in events):
            raise MemoryError
        return await publish_batch(self, events)

    monkeypatch.setattr(EventBusConnector, "publish_batch", defect)
    source.become_file(tmp_path / "input", huge + lines(1, 8))
    with BrokerProcess(tmp_path):
        assert run(tmp_path) == 1
    said = capsys.readouterr().err
    kept = 1 if huge else 0
    assert f"events that were read and not stored: {8 - kept}" in said
    assert "failed: reading stopped: MemoryError()" in said
    assert "everything that was stored is acknowledged" in said
    assert recorded(tmp_path) == list(range(1, kept + 1))
    assert shown == [MemoryError]


@pytest.mark.req("CLI-4.2")
def test_a_piece_that_a_defect_broke_off_is_counted(
    tmp_path: Path,
    source: Input,
    shown: list[type[BaseException]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def decode(line: bytes, number: int) -> ProcessEvent:
        if number == 11:
            raise MemoryError
        return decode_json_line(line, number)

    monkeypatch.setattr("reference.cli_run.decode_json_line", decode)
    source.become_file(tmp_path / "input", lines(1, 20))
    assert run(tmp_path) == 1
    assert "events that were read and not stored: 10" in capsys.readouterr().err
    assert shown == [MemoryError]


@pytest.mark.req("CLI-4.2")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_defect_of_the_connector_goes_on_after_the_count(
    tmp_path: Path,
    source: Input,
    shown: list[type[BaseException]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def commit(disk: ConnectorDisk, encoded: list[bytes]) -> Commit:
        raise MemoryError

    monkeypatch.setattr(ConnectorDisk, "commit", commit)
    source.become_file(tmp_path / "input", lines(1, 20))
    with pytest.raises(MemoryError):
        run(tmp_path)
    assert "events that were read and not stored: 20" in capsys.readouterr().err
    assert shown == [MemoryError]
    assert stored(tmp_path) == [], "and the lock is free"


# ---- A disk that has room for a part ----------------------------------------


class SmallRoom:
    """A real disk on which no write of events may have more than so many bytes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, room_bytes: int, refusals: int) -> None:
        self.room_bytes = room_bytes
        self.refusals = refusals
        """After these the room is large."""
        self.written: list[int] = []
        append = OsFilesystem.append

        def limited(disk: OsFilesystem, name: str, data: bytes) -> int:
            if ".wal" in name and len(data) != 8192:
                if len(data) > self.room_bytes and self.refusals:
                    self.refusals -= 1
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), name)
                self.written.append(len(data))
            return append(disk, name, data)

        monkeypatch.setattr(OsFilesystem, "append", limited)


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that is there already, and a `run` that does not wait between its attempts."""
    WriteAheadLog.open(tmp_path / "wal").close()
    monkeypatch.setattr("reference.cli_run.RETRY_S", 0)


@pytest.mark.req("CLI-4.1", "WAL-4.4")
@pytest.mark.parametrize("room_bytes", [200, 400, 2000])
@pytest.mark.usefixtures("log")
def test_a_disk_without_room_for_a_piece_takes_it_in_parts(
    tmp_path: Path,
    source: Input,
    room_bytes: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    disk = SmallRoom(monkeypatch, room_bytes, refusals=200)
    source.become_file(tmp_path / "input", lines(1, 40))
    with BrokerProcess(tmp_path):
        assert run(tmp_path) == 0
    assert recorded(tmp_path) == list(range(1, 41))
    assert disk.refusals > 0, "it took all before the room was large"
    assert max(disk.written) > room_bytes / 3, "and as much at once as there is room for"
    assert capsys.readouterr().err.count("waiting: append ") == 1


@pytest.mark.req("CLI-4.1", "WAL-4.4")
@pytest.mark.usefixtures("log")
def test_when_there_is_room_again_the_parts_grow(
    tmp_path: Path, source: Input, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else each event of what is left of the piece would cost a sync of its own."""
    disk = SmallRoom(monkeypatch, 0, refusals=8)
    source.become_file(tmp_path / "input", lines(1, 63))
    with BrokerProcess(tmp_path):
        assert run(tmp_path) == 0
    assert recorded(tmp_path) == list(range(1, 64))
    assert len(disk.written) == 6, "1, 2, 4, 8, 16 and 32 events"


# ---- The words --------------------------------------------------------------


class Broken(io.StringIO):
    """A stream that takes nothing and has no descriptor."""

    def __init__(self) -> None:
        super().__init__()
        self.tries = 0

    def write(self, text: str) -> int:
        self.tries += 1
        raise OSError(errno.EIO, "gone")

    def flush(self) -> None:
        raise OSError(errno.EIO, "gone")


@pytest.mark.req("CLI-4.2")
@pytest.mark.parametrize("call", [messages.give_up, messages.give_up_if_broken])
def test_a_stream_without_a_descriptor_is_given_up_without_a_word(
    call: Callable[[Broken], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = Broken()
    call(stream)
    monkeypatch.setattr(sys, "stderr", stream)
    messages.say("nobody reads it")
    assert stream.tries == 1


@pytest.mark.req("CLI-4.2")
def test_after_the_first_message_that_fails_all_are_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        messages.say("nobody reads it")
        with open(os.devnull) as null:
            assert os.path.sameopenfile(stream.fileno(), null.fileno())
        messages.say("nor this")
