"""The source of process events: fake /proc trees, seeds, and the command. Spec: EVT-3."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reference.codec import decode_event, encode_event
from reference.events import EventType, ProcessEvent, check_event
from reference.json_lines import decode_json_line, encode_json_line
from reference.limits import EVENT_BYTES_MAX, NS_PER_S
from simulators.proc_reader import (
    COMMAND_LINE_BYTES_MAX,
    KERNEL_THREAD_FLAG,
    ProcReader,
    ProcUnavailable,
    split_command_line,
)
from simulators.process_events import CUT_METADATA, EXIT_NO_PROC, main, scans
from simulators.synthetic_events import EPOCH_NS, LIVE_MAX, synthetic_events

REPOSITORY = Path(__file__).resolve().parent.parent
COMMAND = [sys.executable, "-B", "-m", "simulators.process_events"]
BOOT_TIME_S = 1_700_000_000
NOW_NS = (BOOT_TIME_S + 1000) * NS_PER_S
TICKS_PER_S = 100

real_proc = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="needs the /proc of Linux"
)


class FakeProc:
    """A /proc in a directory, and a look at it whenever the test asks."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()
        (root / "stat").write_text(f"cpu  1 2 3\nbtime {BOOT_TIME_S}\nprocesses 9\n")
        (root / "uptime").write_text("1000.00 1900.00\n")
        (root / "self").mkdir()  # not a pid

    def add(
        self,
        pid: int,
        *,
        name: bytes = b"sleep",
        arguments: bytes = b"sleep\x0060\x00",
        executable: str | None = "/usr/bin/sleep",
        start_ticks: int = 5000,
        state: str = "S",
        threads: int = 1,
        flags: int = 0,
        cpu_ticks: int = 0,
    ) -> None:
        directory = self.root / str(pid)
        directory.mkdir()
        (directory / "stat").write_bytes(
            b"%d (%s) %s 1 %d %d 0 -1 %d 0 0 0 0 %d 0 0 0 20 0 %d 0 %d 0 0\n"
            % (pid, name, state.encode(), pid, pid, flags, cpu_ticks, threads, start_ticks)
        )
        (directory / "status").write_text(
            "Name:\tsleep\nUid:\t1000\t0\t0\t0\nGroups:\t4 24 \nVmRSS:\t    1640 kB\n"
        )
        (directory / "cmdline").write_bytes(arguments)
        if executable is not None:
            (directory / "exe").symlink_to(executable)

    def remove(self, pid: int) -> None:
        shutil.rmtree(self.root / str(pid))

    def watch(self) -> Iterator[list[ProcessEvent]]:
        return scans(
            ProcReader(self.root, ticks_per_s=TICKS_PER_S),
            interval_s=1.0,
            wall_clock_ns=lambda: NOW_NS,
            sleep=lambda _: None,
        )

    def look(self) -> list[ProcessEvent]:
        return next(self.watch())

    def only_event(self) -> ProcessEvent:
        (event,) = self.look()
        check_event(event)
        return event


@pytest.fixture
def proc(tmp_path: Path) -> FakeProc:
    return FakeProc(tmp_path / "proc")


def kinds(events: list[ProcessEvent]) -> list[tuple[str, int]]:
    return [(event.event_type.name, event.pid) for event in events]


def fail_with(
    monkeypatch: pytest.MonkeyPatch, function: str, file: str, error: type[OSError]
) -> None:
    """Let os.`function` fail for `file`. Modes of files do not stop a test that runs as root."""
    real: Callable[..., object] = getattr(os, function)

    def failing(path: object, *arguments: object, **options: object) -> object:
        if os.fsdecode(path).endswith(file):  # type: ignore[arg-type]
            raise error
        return real(path, *arguments, **options)

    monkeypatch.setattr(os, function, failing)


# ---- One reading ------------------------------------------------------------


@pytest.mark.req("EVT-3.1")
def test_live_process_gives_a_start_event_with_all_facts(proc: FakeProc) -> None:
    proc.add(42, cpu_ticks=2375)

    assert proc.look() == [
        ProcessEvent(
            event_type=EventType.START,
            pid=42,
            ppid=1,
            name="sleep",
            executable_path="/usr/bin/sleep",
            command_line=("sleep", "60"),
            start_time_ns=(BOOT_TIME_S + 50) * NS_PER_S,
            cpu_usage=2.5,  # 23.75 s in the 950 s since its start
            memory_usage=1640 * 1024,
            executable_hash=None,
            hash_algorithm=None,
            user_id="1000",
            accessible=True,
            file_exists=True,
            timestamp_ns=NOW_NS,
            platform_metadata=None,
        )
    ]


@pytest.mark.req("EVT-3.1")
@pytest.mark.parametrize(
    "name", [b"a b", b"(sd-pam)", b") R 1", b"x) Z 7 (y", b"two\nlines", b"", b"))))"]
)
def test_odd_process_name_is_read_whole(proc: FakeProc, name: bytes) -> None:
    proc.add(42, name=name)

    event = proc.only_event()

    assert (event.name, event.ppid) == (name.decode(), 1)
    assert "\n" not in encode_json_line(event)


@pytest.mark.req("EVT-3.1")
def test_bytes_that_are_not_utf8_become_replacement_characters(proc: FakeProc) -> None:
    proc.add(42, name=b"caf\xe9", arguments=b"caf\xe9\0\xff\xfe\0", executable=None)
    (proc.root / "42" / "exe").symlink_to(os.fsdecode(b"/opt/caf\xe9"))

    event = proc.only_event()

    assert event.name == "caf\ufffd"
    assert event.command_line == ("caf\ufffd", "\ufffd\ufffd")
    assert event.executable_path == "/opt/caf\ufffd"


@pytest.mark.req("EVT-3.1")
def test_deleted_executable_keeps_its_path_and_no_file_exists(proc: FakeProc) -> None:
    proc.add(42, executable="/usr/bin/sleep (deleted)")

    event = proc.only_event()

    assert (event.executable_path, event.file_exists) == ("/usr/bin/sleep", False)


@pytest.mark.req("EVT-3.1")
def test_file_whose_own_name_ends_with_deleted_exists(proc: FakeProc, tmp_path: Path) -> None:
    program = tmp_path / "sshd (deleted)"
    program.touch()
    proc.add(42, executable=str(program))

    event = proc.only_event()

    assert (event.executable_path, event.file_exists) == (str(program), True)


@pytest.mark.req("EVT-3.1")
@pytest.mark.parametrize("error", [PermissionError, OSError])
def test_unreadable_executable_link_is_none_and_not_accessible(
    proc: FakeProc, monkeypatch: pytest.MonkeyPatch, error: type[OSError]
) -> None:
    proc.add(42)
    fail_with(monkeypatch, "readlink", "exe", error)

    event = proc.only_event()

    assert (event.executable_path, event.accessible, event.file_exists) == (None, False, False)
    assert event.command_line == ("sleep", "60")


@pytest.mark.req("EVT-3.1")
def test_denied_status_leaves_only_its_facts_unknown(
    proc: FakeProc, monkeypatch: pytest.MonkeyPatch
) -> None:
    proc.add(42)
    fail_with(monkeypatch, "open", "status", PermissionError)

    event = proc.only_event()

    assert (event.user_id, event.memory_usage, event.accessible) == (None, None, False)
    assert event.executable_path == "/usr/bin/sleep"


@pytest.mark.req("EVT-3.1")
def test_denied_command_line_is_empty(proc: FakeProc, monkeypatch: pytest.MonkeyPatch) -> None:
    proc.add(42)
    fail_with(monkeypatch, "open", "cmdline", PermissionError)

    event = proc.only_event()

    assert (event.command_line, event.accessible, event.name) == ((), False, "sleep")


@pytest.mark.req("EVT-3.1")
@pytest.mark.parametrize("file", ["/42", "stat"])
def test_process_that_hides_later_is_neither_stopped_nor_changed(
    proc: FakeProc, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    watch = proc.watch()  # reads /proc/stat, which the fault below would hit too
    proc.add(42)
    next(watch)
    fail_with(monkeypatch, "open", file, PermissionError)

    assert next(watch) == []
    monkeypatch.undo()
    proc.remove(42)
    assert kinds(next(watch)) == [("STOP", 42)]


@pytest.mark.req("EVT-3.1")
@pytest.mark.parametrize("file", ["/42", "42/stat", "status", "cmdline"])
@pytest.mark.parametrize("error", [FileNotFoundError, ProcessLookupError])
def test_process_that_vanishes_half_way_is_skipped(
    proc: FakeProc, monkeypatch: pytest.MonkeyPatch, file: str, error: type[OSError]
) -> None:
    watch = proc.watch()
    proc.add(42, start_ticks=1)
    if file == "42/stat":
        (proc.root / "42" / "stat").unlink()
    else:
        fail_with(monkeypatch, "open", file, error)

    assert next(watch) == []


@pytest.mark.req("EVT-3.1")
def test_too_many_open_files_is_an_error_and_not_the_end_of_all_processes(
    proc: FakeProc, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = proc.watch()
    proc.add(42)
    next(watch)
    fail_with(monkeypatch, "open", "cmdline", OSError)

    with pytest.raises(ProcUnavailable):
        next(watch)


@pytest.mark.req("EVT-3.1")
def test_reading_leaves_no_file_open(proc: FakeProc, monkeypatch: pytest.MonkeyPatch) -> None:
    for pid in range(1, 20):
        proc.add(pid)
    fail_with(monkeypatch, "open", "status", FileNotFoundError)
    before = os.dup(0)
    os.close(before)

    proc.look()

    after = os.dup(0)
    os.close(after)
    assert after == before


@pytest.mark.req("EVT-3.1")
def test_kernel_thread_has_no_command_line_and_no_executable(proc: FakeProc) -> None:
    proc.add(2, arguments=b"", executable=None, flags=KERNEL_THREAD_FLAG)

    event = proc.only_event()

    assert (event.command_line, event.executable_path) == ((), None)
    assert (event.accessible, event.file_exists) == (True, False)


@pytest.mark.req("EVT-3.1")
def test_zombie_is_no_live_process(proc: FakeProc) -> None:
    proc.add(42, state="Z")

    assert proc.look() == []


@pytest.mark.req("EVT-3.1")
def test_process_whose_first_thread_ended_lives_while_others_do(proc: FakeProc) -> None:
    proc.add(42, state="Z", threads=2, arguments=b"", executable=None)

    assert kinds(proc.look()) == [("START", 42)]


@pytest.mark.req("EVT-3.1")
@pytest.mark.parametrize("stat", [b"", b"42 (sleep", b"42 (sleep) S one", b"no parentheses"])
def test_malformed_stat_leaves_its_facts_unknown(proc: FakeProc, stat: bytes) -> None:
    proc.add(42)
    (proc.root / "42" / "stat").write_bytes(stat)

    event = proc.only_event()

    assert (event.name, event.ppid, event.start_time_ns, event.cpu_usage) == ("", None, None, None)


@pytest.mark.req("EVT-3.1")
def test_process_in_its_first_tick_has_no_cpu_usage(proc: FakeProc) -> None:
    proc.add(42, start_ticks=1000 * TICKS_PER_S)

    assert proc.only_event().cpu_usage is None


@pytest.mark.req("EVT-3.1")
def test_start_time_is_none_without_boot_time(proc: FakeProc) -> None:
    (proc.root / "stat").write_text("cpu 1 2 3\n")
    proc.add(42)

    assert proc.only_event().start_time_ns is None


# ---- Command lines ----------------------------------------------------------


@pytest.mark.req("EVT-3.1")
@pytest.mark.parametrize(
    ("data", "arguments"),
    [
        (b"", ()),
        (b"\0", ("",)),
        (b"a\0", ("a",)),
        (b"a\0\0b\0\0", ("a", "", "b", "")),
        (b"postgres: idle", ("postgres: idle",)),
    ],
)
def test_command_line_is_split_at_nul(data: bytes, arguments: tuple[str, ...]) -> None:
    assert split_command_line(data) == (arguments, False)


@pytest.mark.req("EVT-3.1")
def test_command_line_of_200_kb_is_kept_whole(proc: FakeProc) -> None:
    proc.add(42, arguments=b"sleep\0" + b"x" * 200_000 + b"\0")

    event = proc.only_event()

    assert event.command_line == ("sleep", "x" * 200_000)
    assert event.platform_metadata is None


@pytest.mark.req("EVT-3.1")
def test_command_line_that_just_fits_is_not_cut() -> None:
    fitting = COMMAND_LINE_BYTES_MAX - 8

    assert split_command_line(b"x" * fitting + b"\0") == (("x" * fitting,), False)
    assert split_command_line(b"x" * (fitting + 1) + b"\0") == (("x" * fitting,), True)


@pytest.mark.req("EVT-3.1")
@pytest.mark.parametrize(
    "arguments",
    [
        b"x" * 3_000_000,  # one huge argument
        b"\0" * 200_000,  # empty ones, 8 bytes each when encoded
        b"\0" * 3_000_000,
        b"\xff" * 900_000,  # 3 bytes each as U+FFFD
        "é".encode() * 600_000 + b"\0",  # the cut falls into a character
        b"\x01" * 3_000_000,  # 6 bytes each in JSON
    ],
    ids=["huge", "empty", "very empty", "not UTF-8", "two-byte", "control"],
)
def test_command_line_too_long_for_an_event_is_cut_and_marked(
    proc: FakeProc, arguments: bytes
) -> None:
    path = "/" + os.fsdecode(b"\xff" * 250 + b"/") * 16  # as long and costly as a path can be
    proc.add(42, name=b"\xff" * 15, arguments=arguments, executable=path[:4000])

    event = proc.only_event()

    assert EVENT_BYTES_MAX - 20_000 < len(encode_event(event)) <= EVENT_BYTES_MAX
    assert event.platform_metadata == CUT_METADATA
    assert decode_json_line(encode_json_line(event).encode(), 1) == event


# ---- Following --------------------------------------------------------------


@pytest.mark.req("EVT-3.1")
def test_unchanged_processes_give_no_event(proc: FakeProc) -> None:
    proc.add(42)
    watch = proc.watch()

    assert kinds(next(watch)) == [("START", 42)]
    assert next(watch) == []


@pytest.mark.req("EVT-3.1")
def test_vanished_process_stops_with_its_last_known_facts(proc: FakeProc) -> None:
    proc.add(42)
    watch = proc.watch()
    (started,) = next(watch)
    (proc.root / "42" / "status").write_text("Uid:\t0\t0\t0\t0\nVmRSS:\t 2000 kB\n")
    next(watch)

    proc.remove(42)

    assert next(watch) == [
        started._replace(event_type=EventType.STOP, user_id="0", memory_usage=2000 * 1024)
    ]
    assert next(watch) == []


@pytest.mark.req("EVT-3.1")
@pytest.mark.parametrize(
    "change",
    [{"name": b"new"}, {"arguments": b"new\0"}, {"executable": "/new"}],
    ids=["name", "command line", "executable"],
)
def test_exec_gives_one_modify_event(proc: FakeProc, change: dict[str, bytes]) -> None:
    proc.add(42)
    watch = proc.watch()
    (started,) = next(watch)

    proc.remove(42)
    proc.add(42, **change)  # type: ignore[arg-type]

    (event,) = next(watch)
    assert event.event_type is EventType.MODIFY
    assert event.start_time_ns == started.start_time_ns
    assert "new" in encode_json_line(event)
    assert next(watch) == []


@pytest.mark.req("EVT-3.1")
def test_reused_pid_is_stop_of_the_old_then_start_of_the_new(proc: FakeProc) -> None:
    proc.add(42, name=b"old")
    watch = proc.watch()
    next(watch)

    proc.remove(42)
    proc.add(42, name=b"new", start_ticks=6000)

    events = next(watch)
    assert kinds(events) == [("STOP", 42), ("START", 42)]
    assert [event.name for event in events] == ["old", "new"]


@pytest.mark.req("EVT-3.1")
def test_events_of_a_scan_are_stops_first_then_by_start_time_and_pid(proc: FakeProc) -> None:
    for pid, start_ticks in ((10, 300), (11, 100), (12, 200), (13, 50)):
        proc.add(pid, start_ticks=start_ticks)
    watch = proc.watch()
    assert [event.pid for event in next(watch)] == [13, 11, 12, 10]

    for pid in (10, 11, 12, 13):
        proc.remove(pid)
    proc.add(12, start_ticks=200, name=b"new")
    proc.add(9, start_ticks=900)
    proc.add(8, start_ticks=900)
    proc.add(13, start_ticks=800)

    assert kinds(next(watch)) == [
        ("STOP", 13), ("STOP", 11), ("STOP", 10),
        ("MODIFY", 12), ("START", 13), ("START", 8), ("START", 9),
    ]  # fmt: skip


@pytest.mark.req("EVT-3.1")
def test_process_that_becomes_a_zombie_stops_once(proc: FakeProc) -> None:
    proc.add(42)
    watch = proc.watch()
    next(watch)

    proc.remove(42)
    proc.add(42, state="Z", arguments=b"", executable=None)

    (event,) = next(watch)
    assert (event.event_type, event.executable_path) == (EventType.STOP, "/usr/bin/sleep")
    proc.remove(42)
    assert next(watch) == []


@pytest.mark.req("EVT-3.1")
def test_process_on_its_way_out_is_not_modified_and_stops_with_its_program(
    proc: FakeProc,
) -> None:
    proc.add(42)
    watch = proc.watch()
    (started,) = next(watch)

    proc.remove(42)
    proc.add(42, state="R", arguments=b"", executable=None)  # its memory is gone already
    assert next(watch) == []
    proc.remove(42)

    assert next(watch) == [started._replace(event_type=EventType.STOP)]


@pytest.mark.req("EVT-3.1")
def test_process_of_another_user_on_its_way_out_is_not_modified(
    proc: FakeProc, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_with(monkeypatch, "readlink", "exe", PermissionError)
    proc.add(42)
    watch = proc.watch()
    next(watch)

    (proc.root / "42" / "cmdline").write_bytes(b"")

    assert next(watch) == []


@pytest.mark.req("EVT-3.1")
def test_executable_that_gets_deleted_is_no_event_but_the_stop_tells(proc: FakeProc) -> None:
    proc.add(42)
    watch = proc.watch()
    next(watch)

    proc.remove(42)
    proc.add(42, executable="/usr/bin/sleep (deleted)")
    assert next(watch) == []
    proc.remove(42)

    (event,) = next(watch)
    assert (event.executable_path, event.file_exists) == ("/usr/bin/sleep", False)


@pytest.mark.req("EVT-3.1")
def test_exec_of_a_program_we_may_not_see_forgets_the_old_path(
    proc: FakeProc, monkeypatch: pytest.MonkeyPatch
) -> None:
    proc.add(42)
    watch = proc.watch()
    next(watch)

    proc.remove(42)
    proc.add(42, name=b"su", arguments=b"su\0")
    fail_with(monkeypatch, "readlink", "exe", PermissionError)

    (event,) = next(watch)
    assert (event.event_type, event.name) == (EventType.MODIFY, "su")
    assert (event.executable_path, event.accessible) == (None, False)


@pytest.mark.req("EVT-3.1")
def test_kernel_worker_that_renames_itself_is_no_event(proc: FakeProc) -> None:
    proc.add(7, name=b"kworker/0:1-events", flags=KERNEL_THREAD_FLAG, executable=None)
    watch = proc.watch()
    next(watch)

    proc.remove(7)
    proc.add(7, name=b"kworker/0:1+mm", flags=KERNEL_THREAD_FLAG, executable=None)

    assert next(watch) == []


@pytest.mark.req("EVT-3.1")
def test_same_cut_of_a_huge_command_line_is_no_change(proc: FakeProc) -> None:
    proc.add(42, arguments=b"x" * 3_000_000)
    watch = proc.watch()
    next(watch)

    assert next(watch) == []


# ---- Synthetic events -------------------------------------------------------


@pytest.mark.req("EVT-3.2")
def test_same_seed_gives_the_same_bytes_on_every_machine() -> None:
    digest = hashlib.sha256()
    for event in synthetic_events(2000, 7):
        digest.update(encode_json_line(event).encode() + b"\n")

    # Fixed here, because benches and vectors of different machines are compared.
    assert digest.hexdigest() == "55003a33bed39132854bf00f90a92e6ebad76d1fb350e7199b0b73a7f0dbfb71"


@pytest.mark.req("EVT-3.2")
def test_other_seed_gives_other_events() -> None:
    assert list(synthetic_events(100, 1)) != list(synthetic_events(100, 2))


@pytest.mark.req("EVT-3.2")
def test_fewer_events_are_a_prefix_of_more() -> None:
    assert list(synthetic_events(100, 1)) == list(synthetic_events(500, 1))[:100]


@pytest.mark.req("EVT-3.2")
def test_every_synthetic_event_round_trips_in_both_forms() -> None:
    for event in synthetic_events(5000, 3):
        check_event(event)
        encoded = encode_event(event)
        assert len(encoded) <= EVENT_BYTES_MAX
        assert decode_event(encoded) == event
        assert decode_json_line(encode_json_line(event), 1) == event


@pytest.mark.req("EVT-3.2")
def test_synthetic_sizes_are_those_of_real_processes() -> None:
    sizes = sorted(len(encode_event(event)) for event in synthetic_events(20_000, 1))

    assert 300 <= sizes[10_000] <= 400
    assert 2_000 <= sizes[19_800] <= 8_000
    assert sizes[-1] > 50_000


@pytest.mark.req("EVT-3.2")
def test_synthetic_events_show_every_type_and_every_absent_field() -> None:
    events = list(synthetic_events(5000, 1))

    assert {event.event_type for event in events} == set(EventType)
    for field in (
        "ppid", "executable_path", "start_time_ns", "cpu_usage", "memory_usage",
        "executable_hash", "hash_algorithm", "user_id", "platform_metadata",
    ):  # fmt: skip
        absent = sum(getattr(event, field) is None for event in events)
        assert 0 < absent < len(events), field
    assert any(not event.name.isascii() for event in events)


@pytest.mark.req("EVT-3.2")
def test_synthetic_metadata_is_canonical_json() -> None:
    texts = {event.platform_metadata for event in synthetic_events(5000, 1)} - {None}

    assert texts
    for text in texts:
        assert text is not None
        value = json.loads(text)
        assert json.dumps(value, sort_keys=True, separators=(",", ":")) == text


@pytest.mark.req("EVT-3.2")
def test_synthetic_processes_start_before_they_change_and_stop_once() -> None:
    live: set[int] = set()
    last_ns = EPOCH_NS
    for event in synthetic_events(20_000, 5):
        assert event.timestamp_ns >= last_ns
        last_ns = event.timestamp_ns
        assert (event.pid in live) == (event.event_type is not EventType.START)
        if event.event_type is EventType.START:
            live.add(event.pid)
        elif event.event_type is EventType.STOP:
            live.remove(event.pid)
        assert len(live) <= LIVE_MAX


# ---- The command, in process ------------------------------------------------


def run(*argv: str, **options: object) -> tuple[int, list[ProcessEvent]]:
    output = io.BytesIO()
    code = main(argv, output=output, **options)  # type: ignore[arg-type]
    lines = output.getvalue().splitlines()
    return code, [decode_json_line(line, number) for number, line in enumerate(lines, 1)]


@pytest.mark.req("EVT-3.2")
def test_count_and_seed_write_that_many_lines() -> None:
    assert run("--count", "25", "--seed", "9") == (0, list(synthetic_events(25, 9)))


@pytest.mark.req("EVT-3.2")
def test_count_zero_writes_nothing() -> None:
    assert run("--count", "0") == (0, [])


@pytest.mark.req("EVT-3.1")
def test_proc_writes_one_scan_without_sleeping(proc: FakeProc) -> None:
    proc.add(42)

    code, events = run("--proc", proc_root=proc.root, wall_clock_ns=lambda: NOW_NS, sleep=None)

    assert (code, kinds(events), events[0].timestamp_ns) == (0, [("START", 42)], NOW_NS)


@pytest.mark.req("EVT-3.1")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_follow_writes_each_scan_until_a_signal(proc: FakeProc, number: signal.Signals) -> None:
    pauses: list[float] = []

    def change_the_world(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 1:
            proc.add(42)
        elif len(pauses) == 2:
            proc.remove(42)
        else:
            signal.raise_signal(number)

    before = signal.getsignal(number)
    code, events = run(
        "--proc", "--follow", "--interval", "2.5", proc_root=proc.root, sleep=change_the_world
    )

    assert (code, kinds(events)) == (0, [("START", 42), ("STOP", 42)])
    assert pauses == [2.5, 2.5, 2.5]
    assert signal.getsignal(number) is before


@pytest.mark.req("EVT-3.1")
def test_signal_during_a_scan_ends_after_a_whole_line(proc: FakeProc) -> None:
    proc.add(42)
    proc.add(43)

    def clock() -> int:
        signal.raise_signal(signal.SIGTERM)
        return NOW_NS

    code, events = run("--proc", "--follow", proc_root=proc.root, wall_clock_ns=clock, sleep=None)

    assert (code, kinds(events)) == (0, [("START", 42)])


@pytest.mark.req("EVT-3.1")
def test_missing_proc_is_exit_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--proc", proc_root=tmp_path / "none") == (EXIT_NO_PROC, [])
    assert "none cannot be read" in capsys.readouterr().err


@pytest.mark.req("EVT-3.1")
def test_empty_mount_point_of_proc_is_exit_3(tmp_path: Path) -> None:
    assert run("--proc", proc_root=tmp_path) == (EXIT_NO_PROC, [])


@pytest.mark.req("EVT-3.1")
@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["--proc", "--count", "1"],
        ["--count", "-1"],
        ["--count", "1.5"],
        ["--count", "1", "--seed", "x"],
        ["--count", "1", "--follow"],
        ["--proc", "--seed", "1"],
        ["--proc", "--interval", "1"],
        ["--proc", "--follow", "--interval", "0"],
        ["--proc", "--follow", "--interval", "-1"],
        ["--proc", "--follow", "--interval", "nan"],
        ["--proc", "--follow", "--interval", "inf"],
        ["--proc", "--follow", "--interval", "1e300"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_exit_2(argv: list[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main(argv)

    assert raised.value.code == 2


@pytest.mark.req("EVT-3.1")
def test_help_teaches_with_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])

    assert "--proc --follow | python3 -m reference append --wal-dir wal" in capsys.readouterr().out


# ---- The command, as a process ----------------------------------------------


@real_proc
@pytest.mark.req("EVT-3.1")
def test_real_proc_shows_this_process() -> None:
    done = subprocess.run(
        [*COMMAND, "--proc"], cwd=REPOSITORY, capture_output=True, timeout=60, check=False
    )

    assert (done.returncode, done.stderr) == (0, b"")
    events = [decode_json_line(line, 1) for line in done.stdout.splitlines()]
    me = next(event for event in events if event.pid == os.getpid())
    assert me.executable_path == os.readlink("/proc/self/exe")
    assert me.user_id == str(os.getuid())
    assert me.start_time_ns is not None
    assert abs(time.time_ns() - me.start_time_ns) < 3600 * NS_PER_S


@real_proc
@pytest.mark.req("EVT-3.1")
def test_follow_on_real_proc_sees_a_child_come_and_go_and_ends_on_sigterm() -> None:
    with subprocess.Popen(
        [*COMMAND, "--proc", "--follow", "--interval", "0.05"],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as watcher:
        assert watcher.stdout is not None
        assert watcher.stderr is not None
        watcher.stdout.readline()  # the first scan is on its way
        seen = set()
        with subprocess.Popen(["sleep", "60"]) as child:
            for line in watcher.stdout:
                event = decode_json_line(line, 1)
                if event.pid == child.pid:
                    seen.add(event.event_type)
                    if event.event_type is EventType.STOP:
                        break
                    child.kill()
                    child.wait()
        watcher.send_signal(signal.SIGTERM)

        rest, errors = watcher.communicate(timeout=30)
    assert {EventType.START, EventType.STOP} <= seen
    assert (watcher.returncode, errors) == (0, b"")
    assert all(decode_json_line(line, 1) for line in rest.splitlines())


@pytest.mark.req("EVT-3.1")
@pytest.mark.parametrize("source", ["--count 200000", "--proc --follow --interval 0.01"])
def test_closed_pipe_ends_quietly(source: str) -> None:
    if "--proc" in source and not Path("/proc/self/stat").exists():
        pytest.skip("needs the /proc of Linux")
    pipeline = f'"$0" -B -m simulators.process_events {source} | head -n 1; echo ${{PIPESTATUS[0]}}'
    done = subprocess.run(
        ["bash", "-c", pipeline, sys.executable],
        cwd=REPOSITORY,
        capture_output=True,
        timeout=60,
        check=False,
    )

    line, code = done.stdout.splitlines()
    assert decode_json_line(line, 1).event_type is EventType.START
    assert (code, done.stderr) == (b"0", b"")


@pytest.mark.req("EVT-3.1")
@pytest.mark.skipif(not hasattr(signal, "alarm"), reason="needs SIGALRM")
def test_sigterm_ends_it_when_the_reader_of_the_pipe_is_stuck() -> None:
    with subprocess.Popen(
        [*COMMAND, "--count", "100000000"],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as writer:
        assert writer.stdout is not None
        assert writer.stderr is not None
        writer.stdout.read(1)  # then never again: the pipe fills up
        time.sleep(0.5)
        writer.send_signal(signal.SIGTERM)

        assert writer.wait(timeout=30) == 0
        assert writer.stderr.read() == b""
