"""A port's adapter: a child process that is asked, and answers, one line at a time.

    with Adapter(["./my-adapter"]) as adapter:
        adapter.hello.name
        adapter.ask("open", dir="wal", settings={})      -> the fields of `ok`

`ask` returns what the port answered, or raises: PortError for an orderly refusal,
AdapterError for anything that is no answer. Every line is checked. `transcript` has the last
of them. Standard error is read all the time, so that a port that talks much is not held up.

Spec: PRT-1.2.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final

from fault_injection.ports.errors import (
    AdapterDied,
    AdapterNotStarted,
    AdapterTimeout,
    ProtocolViolation,
    Skipped,
    Unsupported,
)
from fault_injection.ports.protocol import (
    CAPABILITIES,
    OPERATIONS,
    PROTOCOL_VERSION,
    Reply,
    parse_reply,
)

TIMEOUT_SECONDS: Final = 30.0
STDERR_LINES: Final = 40
STDERR_LINE_BYTES: Final = 4096
"""Of a longer line the end is kept."""
LINE_BYTES_MAX: Final = 1 << 28
TRANSCRIPT_LINES: Final = 200
ENDING_SECONDS: Final = 5.0
"""How long a process that has closed its output may take to end."""


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
        self.transcript: deque[str] = deque(maxlen=TRANSCRIPT_LINES)
        self._timeout_seconds = timeout_seconds
        self._ids = 0
        self._outgoing = memoryview(b"")
        """Of the request, what the process has not taken yet."""
        self._pending = bytearray()
        self._stderr: deque[str] = deque(maxlen=STDERR_LINES)
        try:
            self.process = self._spawn()
        except OSError as error:
            raise AdapterNotStarted(f"{self.command[0]} cannot be run: {error}") from error
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        assert self.process.stdin is not None
        os.set_blocking(self.process.stdin.fileno(), False)
        try:
            self.hello = self._say_hello()
        except BaseException:
            self.kill()
            raise

    def _say_hello(self) -> Hello:
        found = self.ask("hello", protocol=PROTOCOL_VERSION)
        if found["protocol"] != PROTOCOL_VERSION:
            raise AdapterNotStarted(
                f"{found['name']} speaks protocol {found['protocol']}, the kit {PROTOCOL_VERSION}"
            )
        if unknown := sorted(set(found["capabilities"]) - set(CAPABILITIES)):
            raise AdapterNotStarted(
                f"{found['name']} has the capability {unknown[0]!r}, which is none of "
                f"{', '.join(CAPABILITIES)}"
            )
        return Hello(
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
        self._outgoing = memoryview(request)
        line = self._read_line(op)
        self.transcript.append(f"port -> {line.decode('utf-8', 'backslashreplace').rstrip()}")
        return self._answer(op, parse_reply(line, op, self._ids))

    def goodbye(self) -> None:
        """Say bye, and see that it ends in good order. Raises AdapterError."""
        self.ask("bye")
        assert self.process.stdout is not None
        rest = bytes(self._pending) + self._read_to_end(self.process.stdout.fileno())
        if rest:
            raise ProtocolViolation(
                rest, "output after the reply to bye", "nothing more",
                "an extra line, or output of a library",
            )  # fmt: skip
        code = self._exit_code()
        if code != 0:
            raise AdapterDied("bye", code, self._last_words())

    def _answer(self, op: str, reply: Reply) -> dict[str, Any]:
        if reply.ok is not None:
            return reply.ok
        if reply.error is not None:
            raise PortError(op, reply.error)
        if reply.unsupported:
            raise Unsupported(f"{op}: needs the capability {reply.unsupported}")
        raise Skipped(f"{op}: {reply.skipped}")

    def kill(self) -> None:
        """Kill the process and what it started, if they live, and wait for it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._close_streams()

    def _close_streams(self) -> None:
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()
        self._listener.join(ENDING_SECONDS)  # a child of its own may hold standard error open

    @property
    def stderr(self) -> str:
        """The end of what it wrote to standard error."""
        return "\n".join(self._stderr)

    # ---- What a tracer does otherwise ---------------------------------------

    def _spawn(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            bufsize=0, process_group=0,
        )  # fmt: skip

    def _wait_for_output(self, descriptor: int, op: str) -> None:
        """Return when there is something to read, or the process is gone. Raises AdapterTimeout."""
        deadline = time.monotonic() + self._timeout_seconds
        while True:
            left = max(0.0, deadline - time.monotonic())
            assert self.process.stdin is not None
            unsent = [self.process.stdin.fileno()] if self._outgoing else []
            readable, writable, _ = select.select([descriptor], unsent, [], left)
            if writable:
                self._send_pending()
            if readable:
                return
            if not writable:
                self.kill()
                raise AdapterTimeout(op, self._timeout_seconds, self.stderr)

    def _exit_code(self) -> int | None:
        """The exit code of a process that has closed its output; None if it goes on."""
        try:
            return self.process.wait(ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    # ---- Inside -------------------------------------------------------------

    def _send_pending(self) -> None:
        """Give the process as much of the request as it takes."""
        assert self.process.stdin is not None
        try:
            while self._outgoing and select.select([], [self.process.stdin], [], 0)[1]:
                self._outgoing = self._outgoing[self.process.stdin.write(self._outgoing) or 0 :]
        except BrokenPipeError:
            self._outgoing = memoryview(b"")  # it is gone, which reading will tell

    def _read_line(self, op: str) -> bytes:
        assert self.process.stdout is not None
        descriptor = self.process.stdout.fileno()
        self._send_pending()
        has_line = b"\n" in self._pending
        while not has_line:
            self._wait_for_output(descriptor, op)
            data = os.read(descriptor, 1 << 16)
            if not data:
                if self._pending:
                    parse_reply(bytes(self._pending), op, self._ids)  # says that it does not end
                raise AdapterDied(op, self._exit_code(), self._last_words())
            self._pending += data
            has_line = b"\n" in data  # what came before has been looked at
            if len(self._pending) > LINE_BYTES_MAX:
                self.kill()
                raise ProtocolViolation(
                    bytes(self._pending[:300]), f"a line longer than {LINE_BYTES_MAX} bytes",
                    "a reply in one line", "something else is printed to standard output",
                )  # fmt: skip
        cut = self._pending.index(b"\n") + 1
        line = bytes(self._pending[:cut])
        del self._pending[:cut]
        return line

    def _last_words(self) -> str:
        """Standard error to its end, which is still being read when the process is gone."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)  # a child may hold it open
        self._listener.join(ENDING_SECONDS)
        return self.stderr

    def _read_to_end(self, descriptor: int) -> bytes:
        found = b""
        while len(found) < 300:
            self._wait_for_output(descriptor, "bye")
            data = os.read(descriptor, 300)
            if not data:
                break
            found += data
        return found

    def _listen(self) -> None:
        stream = self.process.stderr
        assert stream is not None
        rest = b""
        with stream:
            # In large pieces: line by line, an unbuffered stream is read byte by byte.
            while data := os.read(stream.fileno(), 1 << 16):
                *lines, rest = (rest + data).split(b"\n")
                self._keep_stderr(lines)
                rest = rest[-STDERR_LINE_BYTES:]
            if rest:
                self._keep_stderr([rest])

    def _keep_stderr(self, lines: list[bytes]) -> None:
        for line in lines[-STDERR_LINES:]:
            text = line[-STDERR_LINE_BYTES:].decode("utf-8", "backslashreplace")
            self._stderr.append(text.rstrip())
