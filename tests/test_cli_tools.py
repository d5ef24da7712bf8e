"""The other commands: exit codes, what they print, and that looking changes nothing. Spec: CLI."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from zlib import crc32

import pytest

from reference.cli import main
from reference.cli_tools import run_dump, run_inspect, run_verify
from reference.errors import DiskUnreadable
from reference.inspection import inspect_directory
from reference.json_lines import encode_json_line
from reference.os_filesystem import OsFilesystem
from reference.wal import WriteAheadLog
from simulators.memory_filesystem import MemoryFilesystem
from tests.vectors.two_records import HEADER, START_EVENT, two_record_log
from tests.wal_helpers import (
    FIRST,
    SECOND,
    disk_with,
    frames_of,
    rot_frame_body,
    small_config,
    small_event,
    without,
)

REPOSITORY = Path(__file__).resolve().parent.parent
COMMAND = [sys.executable, "-B", "-m", "reference"]
DEADLINE_S = 20
Out = pytest.CaptureFixture[str]

COMMANDS = (
    "append", "replay", "acknowledge", "inspect", "verify", "dump", "salvage", "reidentify",
)  # fmt: skip
LOOKING: tuple[tuple[str, ...], ...] = (
    ("inspect",), ("verify",), ("verify", "--json"), ("dump",), ("salvage",), ("reidentify",),
)  # fmt: skip
OPENING: tuple[tuple[str, ...], ...] = (
    ("append",), ("replay",), ("acknowledge", "--through", "0"), ("salvage",),
)  # fmt: skip


def run(command: str, directory: Path, *options: str) -> int:
    return main([command, "--wal-dir", str(directory), *options])


def log_in(directory: Path, records: int, *, acknowledged: int = 0) -> Path:
    """Make a log with so many small events, closed cleanly."""
    with WriteAheadLog.open(directory / "wal", small_config(5)) as log:
        for number in range(1, records + 1):
            log.append(small_event(number))
        log.acknowledge(acknowledged)
    return directory / "wal"


def content_of(directory: Path) -> dict[str, tuple[bytes, int]]:
    """Every file with its bytes and the time of its last change."""
    return {
        path.name: (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(directory.iterdir())
    }


def flip_bit_of(directory: Path, sequence: int, name: str = FIRST) -> None:
    """Flip a bit in the body of a record."""
    disk = MemoryFilesystem({name: bytearray((directory / name).read_bytes())})
    index = [frame.sequence for frame in frames_of(disk, name)].index(sequence)
    rot_frame_body(disk, index, name)
    (directory / name).write_bytes(disk.files[name])


def put_unsupported_version(directory: Path) -> None:
    data = bytearray((directory / FIRST).read_bytes())
    for offset in (0, 4096):
        data[offset + 8] = 9
        crc = crc32(data[offset : offset + 124])
        data[offset + 124 : offset + 128] = crc.to_bytes(4, "little")
    (directory / FIRST).write_bytes(data)


def replayed_by(directory: Path, out: Out, *options: str) -> list[int]:
    run("replay", directory, *options)
    return [json.loads(line)["sequence"] for line in out.readouterr().out.splitlines()]


# ---- Usage ------------------------------------------------------------------


@pytest.mark.req("CLI-1.2")
@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_says_what_it_does(command: str, capsys: Out) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    shown = capsys.readouterr().out
    assert ended.value.code == 0
    assert shown.startswith(f"usage: python3 -m reference {command} ")
    assert "--wal-dir DIR" in shown
    assert len(shown.splitlines()) > 6


@pytest.mark.req("CLI-1.2")
def test_help_lists_every_command_and_the_exit_codes(capsys: Out) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    shown = capsys.readouterr().out
    assert ended.value.code == 0
    for command in COMMANDS:
        assert f"\n    {command}" in shown
    assert "exit codes: 0 clean or done, 1 damage" in shown


@pytest.mark.req("CLI-1.2")
@pytest.mark.parametrize(
    "arguments",
    [
        [], ["nonsense"], ["verify"], ["acknowledge", "--wal-dir", "x"],
        ["acknowledge", "--wal-dir", "x", "--through", "-1"],
        ["acknowledge", "--wal-dir", "x", "--through", "many"],
        ["replay", "--wal-dir", "x", "--after", "-1"], ["dump", "--wal-dir", "x", "--sequence"],
        ["append", "--wal-dir", "x", "--rotation-bytes", "many"],
    ],
)  # fmt: skip
def test_wrong_usage_exits_with_2(arguments: list[str], capsys: Out) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: " in capsys.readouterr().err


@pytest.mark.req("CLI-1.2")
def test_module_runs_as_a_program_with_its_exit_code(tmp_path: Path) -> None:
    wal = log_in(tmp_path, 2)
    flip_bit_of(wal, 1)
    for command, code in (("verify", 1), ("reidentify", 3), ("nonsense", 2)):
        process = subprocess.run(
            [*COMMAND, command, "--wal-dir", str(wal)],
            cwd=REPOSITORY, capture_output=True, timeout=DEADLINE_S, check=False,
        )  # fmt: skip
        assert process.returncode == code


@pytest.mark.req("CLI-1.2")
def test_module_imported_as_main_exits_with_the_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wal = log_in(tmp_path, 1)
    monkeypatch.setattr(sys, "argv", ["reference", "verify", "--wal-dir", str(wal)])
    monkeypatch.delitem(sys.modules, "reference.__main__", raising=False)
    with pytest.raises(SystemExit) as ended:
        __import__("reference.__main__")
    assert ended.value.code == 0


# ---- Refusals ---------------------------------------------------------------


@pytest.mark.req("CLI-1.2", "CLI-2.1")
@pytest.mark.parametrize("command", [*LOOKING, *OPENING[1:]])
def test_missing_directory_exits_with_3_and_is_not_created(
    tmp_path: Path, command: tuple[str, ...], capsys: Out
) -> None:
    missing = tmp_path / "missing"
    assert run(command[0], missing, *command[1:]) == 3
    assert "refused: " in (errors := capsys.readouterr().err)
    assert "ENOENT" in errors
    assert list(tmp_path.iterdir()) == []


@pytest.mark.req("CLI-1.2")
def test_file_in_place_of_the_directory_exits_with_3(tmp_path: Path) -> None:
    (tmp_path / "wal").write_bytes(b"")
    assert {run(command, tmp_path / "wal") for command in ("append", "replay", "verify")} == {3}


@pytest.mark.req("CLI-1.2", "DSK-1.3")
@pytest.mark.parametrize("command", [OPENING[1], OPENING[3]])
def test_running_log_is_not_opened_twice_and_exits_with_3(
    tmp_path: Path, command: tuple[str, ...], capsys: Out
) -> None:
    with WriteAheadLog.open(tmp_path / "wal"):
        assert run(command[0], tmp_path / "wal", *command[1:]) == 3
    assert "locked by another process" in capsys.readouterr().err


@pytest.mark.req("CLI-1.2", "DSK-1.4")
@pytest.mark.parametrize("command", OPENING)
def test_unsafe_directory_exits_with_3(
    tmp_path: Path, command: tuple[str, ...], capsys: Out
) -> None:
    wal = log_in(tmp_path, 1)
    before = content_of(wal)
    wal.chmod(0o770)
    assert run(command[0], wal, *command[1:]) == 3
    assert "mode 0770 lets others write to it" in capsys.readouterr().err
    assert content_of(wal) == before


@pytest.mark.req("CLI-1.2", "FMT-4.3")
@pytest.mark.parametrize(
    "command", [*LOOKING[:4], *OPENING[:3], ("reidentify", "--yes")]
)  # fmt: skip
def test_unsupported_version_exits_with_3_and_changes_nothing(
    tmp_path: Path, command: tuple[str, ...], capsys: Out
) -> None:
    wal = log_in(tmp_path, 2)
    put_unsupported_version(wal)
    before = content_of(wal)
    assert run(command[0], wal, *command[1:]) == 3
    assert "format version 9" in capsys.readouterr().err
    assert content_of(wal) == before


# ---- replay and acknowledge -------------------------------------------------


@pytest.mark.req("REC-10.1", "EVT-2.1")
def test_replay_prints_the_unsettled_entries_in_order(tmp_path: Path, capsys: Out) -> None:
    wal = log_in(tmp_path, 7, acknowledged=2)
    assert run("replay", wal) == 0
    values = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [value["sequence"] for value in values] == [3, 4, 5, 6, 7]
    assert [value["event"]["name"] for value in values[:2]] == ["process-3", "process-4"]


@pytest.mark.req("REC-10.1")
def test_replay_leaves_out_what_the_caller_has(tmp_path: Path, capsys: Out) -> None:
    assert replayed_by(log_in(tmp_path, 7), capsys, "--after", "5") == [6, 7]


@pytest.mark.req("CLI-1.2", "REC-2.1", "REP-1.1")
def test_bit_flipped_in_the_middle_costs_one_record_one_warning_and_exit_code_1(
    tmp_path: Path, capsys: Out
) -> None:
    wal = log_in(tmp_path, 20)
    flip_bit_of(wal, 3)

    assert run("replay", wal) == 1

    output, errors = capsys.readouterr()
    assert [json.loads(line)["sequence"] for line in output.splitlines()] == without(
        range(1, 21), 3
    )
    (warning,) = errors.splitlines()
    assert warning.startswith(f"WARNING: damaged-body: {FIRST} at offset ")
    assert "sequences 3..3 lost" in warning


@pytest.mark.req("CLI-1.2")
def test_warnings_are_printed_once_however_often_main_is_called(
    tmp_path: Path, capsys: Out
) -> None:
    wal = log_in(tmp_path, 8)
    flip_bit_of(wal, 3)
    for _ in range(3):
        assert run("replay", wal) == 1
        assert capsys.readouterr().err.count("WARNING") == 1


@pytest.mark.req("CLI-1.2")
def test_reader_of_a_replay_that_leaves_ends_it_with_0(tmp_path: Path) -> None:
    with WriteAheadLog.open(tmp_path / "wal") as log:
        log.append_batch([small_event(number, "x" * 300) for number in range(1, 2000)])
    process = subprocess.run(
        ["/bin/sh", "-c", '("$@"; echo "code $?" >&2) | head -n 1', "sh", *COMMAND,
         "replay", "--wal-dir", str(tmp_path / "wal")],
        cwd=REPOSITORY, capture_output=True, timeout=DEADLINE_S, check=False,
    )  # fmt: skip
    assert json.loads(process.stdout)["sequence"] == 1
    assert process.stderr == b"code 0\n"


@pytest.mark.req("CLI-1.2")
@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
def test_output_that_cannot_be_written_exits_with_3(tmp_path: Path, unbuffered: str) -> None:
    wal = log_in(tmp_path, 2)
    with open("/dev/full", "w") as full:
        process = subprocess.run(
            [*COMMAND, "replay", "--wal-dir", str(wal)], cwd=REPOSITORY,
            stdout=full, stderr=subprocess.PIPE, timeout=DEADLINE_S, check=False,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        )  # fmt: skip
    assert process.returncode == 3
    assert b"ENOSPC" in process.stderr


@pytest.mark.req("ACK-2.1", "ACK-5.1")
def test_acknowledge_settles_entries_and_deletes_their_files(tmp_path: Path, capsys: Out) -> None:
    wal = log_in(tmp_path, 12)
    assert run("acknowledge", wal, "--through", "6") == 0
    said = capsys.readouterr().out
    assert said.startswith("acknowledged through 6, next sequence 13, files: procmond-")
    assert FIRST not in said
    assert not (wal / FIRST).exists()
    assert replayed_by(wal, capsys) == list(range(7, 13))


@pytest.mark.req("ACK-2.1", "CLI-1.2")
def test_acknowledging_beyond_the_log_exits_with_1_and_settles_nothing(
    tmp_path: Path, capsys: Out
) -> None:
    wal = log_in(tmp_path, 3)
    assert run("acknowledge", wal, "--through", "4") == 1
    assert capsys.readouterr().err == (
        "failed: acknowledgement through 4, but the log ends at 3\n"
    )  # fmt: skip
    assert replayed_by(wal, capsys) == [1, 2, 3]


@pytest.mark.req("ACK-4.1", "CLI-1.2")
def test_acknowledgement_that_is_not_durable_exits_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(disk: OsFilesystem, name: str, offset: int, data: bytes) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO), name)

    wal = log_in(tmp_path, 3)
    monkeypatch.setattr(OsFilesystem, "overwrite", fail)
    create = OsFilesystem.create_exclusive
    monkeypatch.setattr(
        OsFilesystem,
        "create_exclusive",
        lambda disk, name: create(disk, name) if "ack" not in name else fail(disk, name, 0, b""),
    )
    assert run("acknowledge", wal, "--through", "2") == 1


# ---- Looking changes nothing ------------------------------------------------


@pytest.mark.req("CLI-2.1")
@pytest.mark.parametrize("command", LOOKING[:4])
@pytest.mark.parametrize("state", ["clean", "damaged", "crashed", "empty", "foreign files"])
def test_looking_changes_no_byte_and_no_time_and_creates_no_file(
    tmp_path: Path, command: tuple[str, ...], state: str
) -> None:
    wal = log_in(tmp_path, 0 if state == "empty" else 12)
    match state:
        case "damaged":
            flip_bit_of(wal, 2)
        case "crashed":
            (wal / f"{SECOND}.new").write_bytes(b"leftover")
            with open(wal / SECOND, "ab") as segment:
                segment.write(b"torn")
        case "empty":
            for path in wal.iterdir():
                path.unlink()
        case "foreign files":
            (wal / "notes").mkdir()
            (wal / "procmond-00009.wal").symlink_to("/dev/zero")
    before = {path.name: path.lstat().st_mtime_ns for path in wal.iterdir()}
    bytes_before = {path.name: path.read_bytes() for path in wal.glob("*.wal*") if path.is_file()}
    directory_before = wal.stat().st_mtime_ns

    run(command[0], wal, *command[1:])

    assert {path.name: path.lstat().st_mtime_ns for path in wal.iterdir()} == before
    assert wal.stat().st_mtime_ns == directory_before
    for name, content in bytes_before.items():
        assert (wal / name).read_bytes() == content


@pytest.mark.req("CLI-2.1")
@pytest.mark.parametrize("command", LOOKING[:4])
def test_looking_does_not_keep_a_log_from_starting(tmp_path: Path, command: tuple[str]) -> None:
    wal = log_in(tmp_path, 2)
    assert run(command[0], wal, *command[1:]) == 0
    with WriteAheadLog.open(OsFilesystem(wal, lock_wait_s=0.0)) as log:
        assert log.append(small_event(3)) == 3


# ---- inspect and verify -----------------------------------------------------


@pytest.mark.req("CLI-2.1", "CLI-1.2")
def test_inspect_shows_the_table_and_exits_clean(tmp_path: Path, capsys: Out) -> None:
    assert run("inspect", log_in(tmp_path, 7)) == 0
    shown = capsys.readouterr().out
    assert f"{FIRST}  " in shown
    assert "closed cleanly" in shown


@pytest.mark.req("CLI-2.1", "CLI-1.2")
def test_inspect_of_a_damaged_log_exits_with_1(tmp_path: Path, capsys: Out) -> None:
    wal = log_in(tmp_path, 7)
    flip_bit_of(wal, 2)
    assert run("inspect", wal) == 1
    assert "  damaged-body: procmond-00001.wal" in capsys.readouterr().out


@pytest.mark.req("CLI-1.2")
def test_verify_of_a_clean_log_says_clean(tmp_path: Path, capsys: Out) -> None:
    assert run("verify", log_in(tmp_path, 7)) == 0
    assert capsys.readouterr().out == "clean: 7 entries to replay, next sequence 8\n"


@pytest.mark.req("CLI-1.2", "REC-2.1")
def test_verify_of_a_damaged_log_names_the_record(tmp_path: Path, capsys: Out) -> None:
    wal = log_in(tmp_path, 7)
    flip_bit_of(wal, 2)
    assert run("verify", wal) == 1
    damage, verdict = capsys.readouterr().out.splitlines()
    assert damage.startswith(f"damaged-body: {FIRST} at offset ")
    assert "sequences 2..2 lost" in damage
    assert verdict.startswith("damage: 1 found (damaged-body), 1 lost, 0 possibly lost, first at ")


@pytest.mark.req("REP-1.3", "CLI-1.2")
@pytest.mark.parametrize("damaged", [False, True])
def test_verify_prints_the_report_as_json(tmp_path: Path, capsys: Out, damaged: bool) -> None:
    wal = log_in(tmp_path, 7, acknowledged=1)
    if damaged:
        flip_bit_of(wal, 2)
    assert run("verify", wal, "--json") == int(damaged)
    printed = json.loads(capsys.readouterr().out)
    with OsFilesystem(wal, create=False) as disk:
        assert printed == inspect_directory(disk).report.as_json()
    assert printed["next_sequence"] == "8"
    assert len(printed["damages"]) == int(damaged)


@pytest.mark.req("CLI-2.2", "CLI-1.2")
def test_verify_of_a_running_log_with_an_unfinished_end_is_live_and_clean(
    tmp_path: Path, capsys: Out
) -> None:
    with WriteAheadLog.open(tmp_path / "wal") as log:
        log.append_batch([small_event(number) for number in range(1, 4)])
        path = tmp_path / "wal" / FIRST
        whole = path.read_bytes()
        path.write_bytes(whole + whole[8192:8250])  # half of a record
        code = run("verify", tmp_path / "wal", "--json")
        path.write_bytes(whole)
    report = json.loads(capsys.readouterr().out)
    assert (code, report["live"], report["damages"]) == (0, True, [])
    assert report["entries"] == 3


@pytest.mark.req("CLI-2.2", "CLI-1.2")
def test_verify_of_a_running_log_with_a_damaged_record_exits_with_1(
    tmp_path: Path, capsys: Out
) -> None:
    with WriteAheadLog.open(tmp_path / "wal") as log:
        log.append_batch([small_event(number) for number in range(1, 6)])
        flip_bit_of(tmp_path / "wal", 3)
        code = run("verify", tmp_path / "wal", "--json")
    report = json.loads(capsys.readouterr().out)
    assert (code, report["live"]) == (1, True)
    assert [(d["kind"], d["first_sequence"]) for d in report["damages"]] == [("damaged-body", "3")]


@pytest.mark.req("CLI-2.2")
def test_verify_of_a_log_that_another_process_runs_says_live(tmp_path: Path, capsys: Out) -> None:
    wal = tmp_path / "wal"
    with subprocess.Popen(
        [*COMMAND, "append", "--wal-dir", str(wal)],
        cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(encode_json_line(small_event(1)).encode() + b"\n")
        assert process.stdout.readline() == b"1\n"
        assert run("verify", wal, "--json") == 0
        process.stdin.close()
        assert process.wait(DEADLINE_S) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["live"], report["entries"]) == (True, 1)


@pytest.mark.req("CLI-1.2", "REC-1.1")
@pytest.mark.parametrize("command", [run_inspect, run_verify, run_dump])
def test_disk_that_fails_is_not_called_damage(command: Callable[..., int]) -> None:
    disk = disk_with(3)
    disk.fail("read", FIRST, errno.EIO)
    options = Namespace(json=False, sequence=None, file=None)
    with pytest.raises(DiskUnreadable, match="salvage"):
        command(disk, options, io.StringIO())


# ---- dump -------------------------------------------------------------------


def dumped(disk: MemoryFilesystem, **options: object) -> tuple[int, str]:
    output = io.StringIO()
    code = run_dump(disk, Namespace(**{"sequence": None, "file": None, **options}), output)
    return code, output.getvalue()


@pytest.mark.req("CLI-2.1")
def test_dump_shows_headers_and_records_with_their_offsets() -> None:
    disk = MemoryFilesystem({name: bytearray(data) for name, data in two_record_log().items()})
    code, shown = dumped(disk)
    headings = [line for line in shown.splitlines() if line.startswith("procmond")]
    second = frames_of(disk)[1].offset
    assert code == 0
    assert headings == [
        f"{FIRST}: header copy at offset 0", f"{FIRST}: header copy at offset 4096",
        f"{FIRST}: record 1 at offset 8192", f"{FIRST}: record 2 at offset {second}",
    ]  # fmt: skip
    assert f"00002000  {HEADER.salt[:4].hex(' ')}              sync word" in shown
    assert repr(START_EVENT.name) in shown


@pytest.mark.req("CLI-2.1")
def test_dump_of_one_record_shows_only_that() -> None:
    code, shown = dumped(disk_with(7, small_config()), sequence=5)
    assert code == 0
    assert [line for line in shown.splitlines() if line.startswith("procmond")] == [
        f"{SECOND}: record 5 at offset {frames_of(disk_with(7, small_config()), SECOND)[1].offset}"
    ]
    assert "'process-5'" in shown


@pytest.mark.req("CLI-2.1")
def test_dump_of_one_file_shows_only_that() -> None:
    code, shown = dumped(disk_with(7, small_config()), file=SECOND)
    assert code == 0
    assert FIRST not in shown
    assert shown.count(": record ") == 3


@pytest.mark.req("CLI-2.1")
def test_dump_shows_damage_between_records_and_at_the_end() -> None:
    disk = disk_with(3, close=False)
    offset = rot_frame_body(disk, 1)
    size = len(disk.files[FIRST])
    disk.write_at(FIRST, size, b"torn" * 200)
    code, shown = dumped(disk)
    assert code == 0
    assert f"bytes at offset {offset} are no record" in shown
    assert "damaged body" in shown
    assert f"{FIRST}: 800 bytes at offset {size} are no record" in shown
    shown_bytes = shown.split(f"offset {size} are no record\n")[1].split()
    assert shown_bytes.count("74") == 512 // 4  # each t of torn, as far as it is shown


@pytest.mark.req("CLI-2.1")
def test_dump_of_one_record_shows_no_damage() -> None:
    disk = disk_with(3, close=False)
    rot_frame_body(disk, 1)
    _, shown = dumped(disk, sequence=3)
    assert "no record" not in shown
    assert ": record 3 at" in shown


@pytest.mark.req("CLI-1.2")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sequence": 9}, "sequence 9 is not in the log\n"),
        ({"sequence": 0}, "sequence 0 is not in the log\n"),
        ({"file": SECOND}, f"{SECOND} is not in the log\n"),
        ({"file": FIRST, "sequence": 9}, "sequence 9 is not in the log\n"),
    ],
)
def test_dump_of_what_is_not_there_exits_with_1(options: dict[str, object], words: str) -> None:
    assert dumped(disk_with(3), **options) == (1, words)


@pytest.mark.req("CLI-1.2")
def test_dump_of_an_empty_directory_exits_with_1() -> None:
    assert dumped(MemoryFilesystem()) == (1, "a segment is not in the log\n")


@pytest.mark.req("CLI-2.2")
def test_dump_of_a_running_log_that_is_cut_back_meanwhile_is_an_error_and_no_crash() -> None:
    class Cutting(MemoryFilesystem):
        """The writer takes a failed write back after the tool has looked at the size."""

        reads = 0

        def read(self, name: str, offset: int, count: int) -> bytes:
            self.reads += name == FIRST and offset == 8192
            if self.reads == 3:
                self.cut(name, 8200)
            return super().read(name, offset, count)

    disk = Cutting(disk_with(3).files, locked=True)
    with pytest.raises(OSError, match="the file ends at 8200"):
        dumped(disk)


@pytest.mark.req("CLI-2.1")
def test_dump_through_the_command_line(tmp_path: Path, capsys: Out) -> None:
    wal = log_in(tmp_path, 3)
    assert run("dump", wal, "--sequence", "2", "--file", FIRST) == 0
    assert "'process-2'" in capsys.readouterr().out
    assert run("dump", wal, "--sequence", "9") == 1


# ---- salvage and reidentify, as commands ------------------------------------


@pytest.mark.req("CLI-3.1", "CLI-1.2")
def test_salvage_of_a_readable_log_exits_with_0(tmp_path: Path, capsys: Out) -> None:
    assert run("salvage", log_in(tmp_path, 3)) == 0
    assert "nothing to salvage" in capsys.readouterr().out


@pytest.mark.req("CLI-3.2", "CLI-1.2")
def test_reidentify_exits_with_3_until_it_is_confirmed(tmp_path: Path, capsys: Out) -> None:
    wal = log_in(tmp_path, 3)
    assert run("reidentify", wal) == 3
    assert run("reidentify", wal, "--yes") == 0
    assert " now\n" in capsys.readouterr().out
    assert replayed_by(wal, capsys) == [1, 2, 3]
    assert run("verify", wal) == 0
