"""Real processes, real disks: SIGKILL at random moments, a full filesystem, full-size files.

Each randomised run prints its seed. The oracle is what the killed process had printed.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from reference.errors import DiskRejected, NoSegment
from reference.json_lines import encode_json_line
from reference.limits import FRAMES_OFFSET, MIB
from reference.os_filesystem import OsFilesystem
from reference.report import DamageKind
from reference.wal import WriteAheadLog
from tests.wal_helpers import ROOMY, small_event

ROOT = Path(__file__).parents[1]
KILLS = 20


def start_append(directory: Path, rotation_bytes: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [
            sys.executable, "-m", "reference", "append", "--wal-dir", str(directory),
            "--rotation-bytes", str(rotation_bytes),
        ],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


@pytest.mark.req("WAL-1.1", "WAL-1.2", "REC-1.1", "CLI-1.1")
def test_a_killed_process_never_loses_a_number_that_it_printed(tmp_path: Path) -> None:
    """The same directory survives many kills, with rotation, each at a random moment."""
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    source = random.Random(seed)
    directory = tmp_path / "wal"
    printed: list[int] = []
    sent = 0
    for _ in range(KILLS):
        process = start_append(directory, FRAMES_OFFSET + 20_000)
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        # Every event has its own pid, so a replayed entry tells which line it was.
        lines = [encode_json_line(small_event(sent + index)) for index in range(1, 801)]
        sent += len(lines)
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write("".join(f"{line}\n" for line in lines).encode())
            process.stdin.flush()
            if source.random() < 0.8:
                process.stdout.readline()  # started; else it may be killed while it opens
                time.sleep(source.random() * 0.02)
        process.send_signal(signal.SIGKILL)
        # What the process had written to the pipe counts: read it all.
        process.stdout.flush()
        output = process.stdout.read()
        process.wait()
        for stream in (process.stdout, process.stderr, process.stdin):
            with contextlib.suppress(BrokenPipeError):
                stream.close()
        complete = output[: output.rfind(b"\n") + 1]
        numbers = [int(line) for line in complete.split()]
        assert numbers == sorted(set(numbers))
        printed += numbers
        with WriteAheadLog.open(directory) as log:
            assert {damage.kind for damage in log.report.damages} <= {DamageKind.TAIL}
            replayed = [entry.sequence for entry in log.replay()]
            assert replayed == sorted(set(replayed))
            assert set(printed) <= set(replayed)
    with WriteAheadLog.open(directory) as log:
        pids = [entry.event.pid for entry in log.replay()]
        assert pids == sorted(set(pids)), "the order of the input, nothing twice"
        assert len(printed) > KILLS, "the kills came too early to show anything"
        log.acknowledge(log.next_sequence - 1)
        assert len(log.segment_names) == 1
        assert log.append(small_event(1)) > max(printed)


@pytest.mark.req("WAL-3.1", "WAL-3.2", "REC-10.1", "ACK-5.1")
def test_rotation_at_the_tickets_80_mib(tmp_path: Path) -> None:
    assert ROOMY.rotation_bytes == 80 * MIB
    events = [small_event(number, "x" * 500_000) for number in range(1, 9)]
    with WriteAheadLog.open(tmp_path / "wal") as log:
        while len(log.segment_names) < 3:
            log.append_batch(events)
        count = log.next_sequence - 1
        names = log.segment_names
        for name in names[:2]:
            size = (tmp_path / "wal" / name).stat().st_size
            assert 80 * MIB <= size < 80 * MIB + 500_700
        assert sum(1 for _ in log.replay()) == count
        log.acknowledge(count)
        assert log.segment_names == names[2:]
    assert {path.suffix for path in (tmp_path / "wal").glob("*.wal")} == {".wal"}
    assert len(list((tmp_path / "wal").glob("*.wal"))) == 1


@contextlib.contextmanager
def small_disk(size_bytes: int) -> Iterator[Path]:
    """A tmpfs of so many bytes. Skips, with the reason, where one cannot be mounted."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small filesystem needs root")
    with tempfile.TemporaryDirectory() as directory:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes},mode=0700", "tmpfs", directory]
        result = subprocess.run(mount, capture_output=True, text=True, check=False)
        if result.returncode:
            pytest.skip(f"cannot mount a tmpfs: {result.stderr.strip()}")
        try:
            yield Path(directory)
        finally:
            subprocess.run(["umount", "--lazy", directory], check=True)


@pytest.mark.req("WAL-4.4", "WAL-4.2", "ERR-1.2", "REC-9.3", "ACK-5.1")
def test_a_really_full_filesystem_rejects_definitely_drains_and_goes_on() -> None:
    with small_disk(512 * 1024) as directory:
        ballast = directory / "ballast"
        ballast.write_bytes(bytes(256 * 1024))
        log = WriteAheadLog.open(directory / "wal")
        stored: list[int] = []
        pid = 0
        with pytest.raises((DiskRejected, NoSegment)) as caught:
            while True:
                pid += 1
                stored.append(log.append(small_event(pid, "y" * 3000)))
        assert caught.value.definite
        assert len(stored) > 50
        assert [entry.sequence for entry in log.replay()] == stored
        # Killed on the full disk: it opens degraded, replays everything and can be drained.
        log._filesystem.close()
        log = WriteAheadLog.open(directory / "wal")
        assert log.report.degraded.startswith("ENOSPC")
        assert [entry.sequence for entry in log.replay()] == stored
        with pytest.raises(NoSegment):
            log.append(small_event(0))
        ballast.unlink()
        assert log.append(small_event(pid)) > stored[-1]
        log.acknowledge(stored[-1])
        assert len(log.segment_names) == 1
        log.close()


@pytest.mark.req("REC-10.1", "WAL-6.1", "REC-1.1")
def test_memory_does_not_grow_with_the_backlog(tmp_path: Path) -> None:
    """Peak memory of opening and replaying 8 MiB and 64 MiB, each in a process of its own."""
    script = (
        "import resource, sys\n"
        "from reference.wal import WriteAheadLog\n"
        "log = WriteAheadLog.open(sys.argv[1])\n"
        "count = sum(1 for _ in log.replay())\n"
        "print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    peaks = []
    for size_mib in (8, 64):
        directory = tmp_path / str(size_mib)
        with WriteAheadLog.open(directory) as log:
            batch = [small_event(number, "m" * 8000) for number in range(128)]
            for _ in range(size_mib):
                log.append_batch(batch)
        result = subprocess.run(
            [sys.executable, "-c", script, str(directory)],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        count, peak_kib = (int(word) for word in result.stdout.split())
        assert count == 128 * size_mib
        peaks.append(peak_kib)
    assert peaks[1] - peaks[0] < 8 * 1024, peaks


@pytest.mark.req("DSK-1.1", "REC-9.1")
def test_a_log_on_a_real_disk_closes_and_opens_without_changing_a_byte(tmp_path: Path) -> None:
    directory = tmp_path / "wal"
    with WriteAheadLog.open(directory) as log:
        log.append_batch([small_event(number) for number in range(1, 50)])

    def image() -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in directory.iterdir()}

    before = image()
    with WriteAheadLog.open(OsFilesystem(directory)) as log:
        assert log.report.clean_shutdown
    assert image() == before
