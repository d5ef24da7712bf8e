"""The connector and the broker as real processes: started, read, killed, with deadlines."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from reference.broker_socket import VARIABLE

ROOT = Path(__file__).parents[1]
DEADLINE_S = 30.0


def wait_for(condition: Callable[[], bool]) -> None:
    """Return once it holds. Fails after the deadline."""
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


def records(directory: Path) -> list[dict[str, Any]]:
    """What the broker recorded, in order."""
    path = directory / "received.jsonl"
    text = path.read_text() if path.exists() else ""
    return [json.loads(line) for line in text.splitlines()]


def recorded(directory: Path) -> list[int]:
    """The pids of the recorded events, in order."""
    return [record["event"]["pid"] for record in records(directory)]


class _Process:
    """A child that is gone when the block ends, and whose errors can be read meanwhile."""

    def __init__(self, arguments: list[str], environ: Mapping[str, str]) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, "-m", *arguments], cwd=ROOT, env={"PATH": "", **environ},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors,
        )  # fmt: skip

    def errors(self) -> str:
        """What it has said on standard error so far."""
        size = os.fstat(self._errors.fileno()).st_size
        return os.pread(self._errors.fileno(), size, 0).decode()

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self.process.kill()
        self.process.wait(DEADLINE_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.kill()
        for stream in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(BrokenPipeError):
                assert stream is not None
                stream.close()
        self._errors.close()


class BrokerProcess(_Process):
    """`python3 -m simulators.broker`, listening."""

    def __init__(self, directory: Path, *options: str) -> None:
        super().__init__(
            [
                "simulators.broker", "--socket", str(directory / "s"),
                "--received", str(directory / "received.jsonl"), *options,
            ],
            {},
        )  # fmt: skip
        assert self.process.stdout is not None
        first = self.process.stdout.readline()
        assert first.startswith(b"listening"), self.errors()
        # What else it says is not wanted, but it must not fill the pipe.
        threading.Thread(target=self.process.stdout.read, daemon=True).start()


class RunProcess(_Process):
    """`python3 -m reference run`."""

    def __init__(
        self,
        directory: Path,
        *options: str,
        wal: Path | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(
            ["reference", "run", "--wal-dir", str(wal or directory / "wal"), *options],
            {VARIABLE: str(directory / "s")} if environ is None else environ,
        )

    def write(self, data: bytes) -> None:
        """Give input; a process that is gone does not take it."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(data)
            self.process.stdin.flush()

    def until_status(self, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Read status lines until one fulfils the condition; return it."""
        assert self.process.stdout is not None
        end = time.monotonic() + DEADLINE_S
        while line := self.process.stdout.readline():
            status: dict[str, Any] = json.loads(line)
            if condition(status):
                return status
            assert time.monotonic() < end, f"it did not happen in time: {status}"
        raise AssertionError(f"it ended: {self.errors()}")

    def finish(self, data: bytes) -> tuple[int, str, str]:
        """Give the last input; return exit code, output and errors."""
        output, _ = self.process.communicate(data, DEADLINE_S)
        return self.process.returncode, output.decode(), self.errors()
