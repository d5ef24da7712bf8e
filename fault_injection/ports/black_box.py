"""The connector as a black box: a program, a broker on a real socket, and what goes wrong between.

A scenario starts the broker of simulators/ with its misbehaviours as a process of its own, and
the port's `run` command with DAEMONEYE_BROKER_SOCKET. It feeds events, kills who it has to, and
in the end looks at what the broker recorded: every event, in order, once for each (log_id,
sequence), but for those that it refused for good, which have to be dead letters.

Deadlines are generous and no scenario depends on how fast anything is. Spec: PRT-3.1.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fault_injection.damage import record_places, segment_names
from fault_injection.errors import UsageError
from fault_injection.ports.comparing import dead_letters_in
from fault_injection.ports.port_log import read_files
from fault_injection.subject import make_event
from reference.broker_socket import VARIABLE
from reference.json_lines import encode_json_line

KIT: Final = str(Path(__file__).parents[2])
"""Where the kit's own modules are: a checkout, or the one file."""
DEADLINE_SECONDS: Final = 60.0
BUFFER_BYTES: Final = 4000
ROTATION_BYTES: Final = 12_000
EVENTS: Final = 30
PADDING_BYTES: Final = 100
"""Thirty events are more than the buffer holds."""


class BoxFailed(Exception):
    """A promise that was not kept."""


class Box:
    """One scenario's place: a directory, a socket, a broker and the port."""

    def __init__(self, run: str, place: Path) -> None:
        self._run = run
        self.wal = place / "wal"
        self.wal.mkdir(mode=0o700)
        self._socket = place / "s"
        self._received = place / "received.jsonl"
        self._errors = (place / "errors").open("ab")
        self._processes: list[subprocess.Popen[bytes]] = []
        self.fed = 0

    # ---- What a scenario does ----------------------------------------------

    def broker(self, *misbehaviours: str, forgets: bool = False) -> subprocess.Popen[bytes]:
        """Start a broker; it listens when this returns."""
        options = [word for each in misbehaviours for word in ("--misbehave", each)]
        process = self._start(
            [
                sys.executable, "-m", "simulators.broker", "--socket", str(self._socket),
                "--received", str(self._received), "--quiet", "--window", "4", *options,
                *(["--forget"] if forgets else []),
            ],
        )  # fmt: skip
        assert process.stdout is not None
        if not process.stdout.readline().startswith(b"listening"):
            raise BoxFailed("the kit's broker does not start: " + self.errors())
        threading.Thread(target=process.stdout.read, daemon=True).start()
        return process

    def port(self) -> subprocess.Popen[bytes]:
        """Start the port."""
        words = run_words(self._run, self.wal)
        paths = [*filter(None, [os.environ.get("PYTHONPATH")]), KIT]  # a Python port has its own
        try:
            process = self._start(words, os.pathsep.join(paths))
        except OSError as error:
            raise BoxFailed(f"{words[0]} cannot be run: {error}") from error
        assert process.stdout is not None
        threading.Thread(target=process.stdout.read, daemon=True).start()
        return process

    def feed(self, port: subprocess.Popen[bytes], count: int = EVENTS) -> None:
        """Give the port so many more events."""
        assert port.stdin is not None
        events = (make_event(self.fed + n, PADDING_BYTES) for n in range(1, count + 1))
        lines = "".join(encode_json_line(each) + "\n" for each in events)
        self.fed += count
        try:
            port.stdin.write(lines.encode())
            port.stdin.flush()
        except BrokenPipeError:
            raise BoxFailed(f"the port ended early: {self.errors()}") from None

    def finish(self, port: subprocess.Popen[bytes], code: int = 0) -> None:
        """End the input, and wait for the port to end with this exit code."""
        assert port.stdin is not None
        port.stdin.close()
        try:
            found = port.wait(DEADLINE_SECONDS)
        except subprocess.TimeoutExpired:
            raise BoxFailed(
                f"{len(self.delivered())} of {self.fed} events are there, and it does not end"
            ) from None
        if found != code:
            raise BoxFailed(f"it ended with exit code {found}, expected {code}: {self.errors()}")

    def until(self, what: str, condition: Callable[[], bool]) -> None:
        """Wait for it. Raises BoxFailed after the deadline."""
        end = time.monotonic() + DEADLINE_SECONDS
        while not condition():
            if time.monotonic() > end:
                raise BoxFailed(f"{what}: it did not happen in {DEADLINE_SECONDS:g} s")
            time.sleep(0.01)

    # ---- What is looked at -------------------------------------------------

    def delivered(self) -> list[int]:
        """The events that the broker recorded, in order. Raises BoxFailed for a second number."""
        text = self._received.read_text() if self._received.exists() else ""
        found: list[int] = []
        numbers: dict[tuple[str, str], int] = {}
        for line in text[: text.rfind("\n") + 1].splitlines():
            record: dict[str, Any] = json.loads(line)
            key, pid = (record["log_id"], record["sequence"]), record["event"]["pid"]
            if numbers.setdefault(key, pid) != pid:
                raise BoxFailed(f"number {key[1]} was given to events {numbers[key]} and {pid}")
            if pid not in found:  # a broker that forgets records a repeat again
                found.append(pid)
        return found

    def stored(self) -> int:
        """How many records the log's files have."""
        try:
            image = read_files(self.wal)
        except FileNotFoundError:  # the port deletes a file meanwhile: asked again soon
            return 0
        return sum(len(record_places(image[name])) for name in segment_names(image))

    def check(self, *, refused: int = 0) -> None:
        """See that everything arrived, in order, and the refused are dead letters."""
        found = self.delivered()
        if found != sorted(found):
            raise BoxFailed(f"out of order: {found}")
        missing = sorted(set(range(1, self.fed + 1)) - set(found))
        dead = sorted({each.sequence for each in dead_letters_in(self.wal)})
        if len(missing) != refused or len(dead) != refused:
            raise BoxFailed(
                f"events {missing} did not arrive, {refused} were refused; "
                f"dead letters have the numbers {dead}"
            )

    def errors(self) -> str:
        """The end of what was written to standard error."""
        return Path(self._errors.name).read_text("utf-8", "backslashreplace")[-1000:]

    def close(self) -> None:
        """End every process that was started."""
        for process in self._processes:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    try:
                        stream.close()
                    except BrokenPipeError:
                        continue  # what it had not taken is of no use any more
        self._errors.close()

    def _start(self, words: list[str], python_path: str = KIT) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors,
            env={**os.environ, "PYTHONPATH": python_path, VARIABLE: str(self._socket)},
        )  # fmt: skip
        self._processes.append(process)
        return process


# ---- Scenarios --------------------------------------------------------------


def _misbehaving(*misbehaviours: str, refused: int = 0) -> Callable[[Box], None]:
    def scenario(box: Box) -> None:
        box.broker(*misbehaviours)
        port = box.port()
        box.feed(port)
        box.finish(port)
        box.check(refused=refused)

    return scenario


def _broker_restarts(*, forgets: bool) -> Callable[[Box], None]:
    def scenario(box: Box) -> None:
        broker = box.broker()
        port = box.port()
        box.feed(port)
        box.until("ten events arrive", lambda: len(box.delivered()) >= 10)
        broker.kill()
        broker.wait()
        box.feed(port, 10)
        box.broker(forgets=forgets)
        box.finish(port)
        box.check()

    return scenario


def _port_killed(box: Box) -> None:
    box.broker()
    for _ in range(3):
        port = box.port()
        box.feed(port, 10)
        box.until("all events arrive", lambda: len(box.delivered()) == box.fed)
        port.kill()
        port.wait()
    port = box.port()
    box.feed(port, 10)
    box.finish(port)
    box.check()


def _overflow_while_down(box: Box) -> None:
    port = box.port()
    box.feed(port, 2 * EVENTS)
    box.until("all events are stored", lambda: box.stored() == box.fed)
    port.kill()
    port.wait()
    box.broker()
    port = box.port()
    box.feed(port, 5)
    box.finish(port)
    box.check()


@dataclass(frozen=True, slots=True)
class BoxScenario:
    """One thing that goes wrong."""

    name: str
    title: str
    run: Callable[[Box], None]


SCENARIOS: Final = (
    BoxScenario("in-order", "everything arrives, in order", _misbehaving()),
    BoxScenario("lost-acknowledgement", "an acknowledgement never comes, and the link goes",
                _misbehaving("reset-before-acknowledgement@5", "reset-before-acknowledgement@11")),
    BoxScenario("reset-after-acknowledgement", "the link goes behind an acknowledgement",
                _misbehaving("reset-after-acknowledgement@4", "reset-after-acknowledgement@9")),
    BoxScenario("garbage", "random bytes, a frame that is too long, an unknown message",
                _misbehaving("garbage@3", "oversized-frame@7", "undecodable-message@12")),
    BoxScenario("refused", "two events are refused for good",
                _misbehaving("refuse@3", "refuse@9", refused=2)),
    BoxScenario("broker-restart", "the broker is killed, and remembers",
                _broker_restarts(forgets=False)),
    BoxScenario("broker-amnesia", "the broker is killed, and has forgotten everything",
                _broker_restarts(forgets=True)),
    BoxScenario("port-killed", "the port is killed three times, all delivered", _port_killed),
    BoxScenario("overflow-while-down", "no broker, a full buffer, and the port is killed",
                _overflow_while_down),
)  # fmt: skip


def run_command_of(limits: dict[str, Any]) -> str:
    """Return the port's `run` command. Raises UsageError if hello has none."""
    run = limits.get("run")
    if not isinstance(run, str) or "{dir}" not in run:
        raise UsageError("hello has no `limits.run` with {dir} in it: see PROTOCOL.md")
    try:
        shlex.split(run)
    except ValueError as error:
        raise UsageError(f"`limits.run` of hello: {run}: {error}") from error
    return run


def run_words(run: str, directory: Path) -> list[str]:
    """Return the command line; braces that are none of the three stay as they are."""
    values = {
        "{dir}": directory, "{buffer_bytes}": BUFFER_BYTES, "{rotation_bytes}": ROTATION_BYTES
    }  # fmt: skip
    pattern = re.compile("|".join(map(re.escape, values)))
    return [pattern.sub(lambda found: str(values[found[0]]), word) for word in shlex.split(run)]


def run_box(run: str, scenario: BoxScenario) -> str:
    """Run the scenario; return what is wrong, or nothing."""
    with tempfile.TemporaryDirectory(prefix="procmond-box-") as place:
        box = Box(run, Path(place))
        try:
            scenario.run(box)
        except BoxFailed as failure:
            return str(failure)
        finally:
            box.close()
    return ""
