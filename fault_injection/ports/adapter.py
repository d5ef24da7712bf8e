"""A port's adapter: a child process that is asked, and answers, one line at a time.

    with Adapter(["./my-adapter"]) as adapter:
        adapter.hello.name
        adapter.ask("open", dir="wal", settings={})      -> the fields of `ok`

`ask` returns what the port answered, or raises: PortError for an orderly refusal,
AdapterError for anything that is no answer. Every line is checked. `transcript` has all of
them. Standard error is read all the time, so that a port that talks much is not held up.

Spec: PRT-1.2.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final

from fault_injection.ports.errors import (
    AdapterDied,
    AdapterNotStarted,
    AdapterTimeout,
    Skipped,
    Unsupported,
)
from fault_injection.ports.protocol import OPERATIONS, PROTOCOL_VERSION, Reply, parse_reply

TIMEOUT_SECONDS: Final = 30.0
STDERR_LINES: Final = 40
LINE_BYTES_MAX: Final = 1 << 28


class PortError(Exception):
    """The port refused in good order."""

    def __init__(self, op: str, error: dict[str, Any]) -> None:
        super().__init__(f"{op}: {error['code']}: {error['text']}")
        self.code: str = error["code"]
        self.is_definite: bool = error["definite"]
        self.fields = error


@dataclass(frozen=True, slots=True)
class Hello:
    """Who the port is."""

    name: str
    language: str
    version: str
    capabilities: tuple[str, ...]
    limits: dict[str, Any]
    issues_url: str


class Adapter:
    """One child process."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        """Start it and say hello. Raises AdapterError."""
        self.command = list(command)
        self.transcript: list[str] = []
        self._timeout_seconds = timeout_seconds
        self._ids = 0
        self._pending = bytearray()
        self._stderr: deque[str] = deque(maxlen=STDERR_LINES)
        try:
            self.process = self._spawn()
        except OSError as error:
            raise AdapterNotStarted(f"{self.command[0]} cannot be run: {error}") from error
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        found = self.ask("hello", protocol=PROTOCOL_VERSION)
        if found["protocol"] != PROTOCOL_VERSION:
            self.kill()
            raise AdapterNotStarted(
                f"{found['name']} speaks protocol {found['protocol']}, the kit {PROTOCOL_VERSION}"
            )
        self.hello = Hello(
            found["name"], found["language"], found["version"], tuple(found["capabilities"]),
            found["limits"], found["issues_url"],
        )  # fmt: skip

    def __enter__(self) -> Adapter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    def ask(self, op: str, **fields: object) -> dict[str, Any]:
        """Return the fields of `ok`. Raises PortError, Unsupported, Skipped, AdapterError."""
        assert set(fields) == set(OPERATIONS[op].request), (op, sorted(fields))
        self._ids += 1
        request = json.dumps({"id": self._ids, "op": op, **fields}).encode() + b"\n"
        self.transcript.append(f"kit  -> {request.decode().rstrip()}")
        try:
            self._write(request)
        except BrokenPipeError:
            raise self._died(op) from None
        line = self._read_line(op)
        self.transcript.append(f"port -> {line.decode('utf-8', 'backslashreplace').rstrip()}")
        return self._answer(op, parse_reply(line, op, self._ids))

    def _answer(self, op: str, reply: Reply) -> dict[str, Any]:
        if reply.ok is not None:
            return reply.ok
        if reply.error is not None:
            raise PortError(op, reply.error)
        if reply.unsupported:
            raise Unsupported(f"{op}: needs the capability {reply.unsupported}")
        raise Skipped(f"{op}: {reply.skipped}")

    def kill(self) -> None:
        """Kill the process, if it lives, and wait for it."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()
        self._listener.join()

    @property
    def stderr(self) -> str:
        """The end of what it wrote to standard error."""
        return "\n".join(self._stderr)

    # ---- What a tracer does otherwise ---------------------------------------

    def _spawn(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            bufsize=0,
        )  # fmt: skip

    def _wait_for_output(self, descriptor: int, op: str) -> None:
        """Return when there is something to read, or the process is gone. Raises AdapterTimeout."""
        if not self._has_output(descriptor, self._timeout_seconds):
            self.kill()
            raise AdapterTimeout(op, self._timeout_seconds, self.stderr)

    # ---- Inside -------------------------------------------------------------

    def _write(self, data: bytes) -> None:
        assert self.process.stdin is not None
        view = memoryview(data)
        while view:
            view = view[self.process.stdin.write(view) or 0 :]

    def _read_line(self, op: str) -> bytes:
        assert self.process.stdout is not None
        descriptor = self.process.stdout.fileno()
        while b"\n" not in self._pending:
            self._wait_for_output(descriptor, op)
            data = os.read(descriptor, 1 << 16)
            if not data:
                raise self._died(op)
            self._pending += data
        cut = self._pending.index(b"\n") + 1
        line = bytes(self._pending[:cut])
        del self._pending[:cut]
        return line

    def _has_output(self, descriptor: int, seconds: float = 0.0) -> bool:
        readable, _, _ = select.select([descriptor], [], [], seconds)
        return bool(readable)

    def _died(self, op: str) -> AdapterDied:
        code = self.process.wait()
        self._listener.join()
        return AdapterDied(op, code, self.stderr)

    def _listen(self) -> None:
        stream = self.process.stderr
        assert stream is not None
        with stream:
            for line in stream:
                self._stderr.append(line.decode("utf-8", "backslashreplace").rstrip())
