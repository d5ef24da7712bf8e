"""The words that broker tests are written in: a connector by hand, and the program.

`Hand` says what the test tells it, right or wrong, and returns what the broker answers. It is
no connector: it keeps no rule, or the broker's own rules could not be tested.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from reference.events import EventType, LogEntry
from reference.limits import NS_PER_S
from reference.link_frames import FrameReader, encode_message_frame
from reference.link_messages import TOPICS, Hello, LinkMessage, Publish, decode_message
from simulators.broker_answers import BrokerOptions
from simulators.broker_fault_text import parse_fault_plan
from simulators.fake_broker import FakeBroker
from tests.wal_helpers import CLOCK_NS, small_event

ROOT = Path(__file__).parents[1]
LOG = bytes(range(1, 17))
OTHER_LOG = bytes(range(2, 18))
DEADLINE_S = 10.0
"""For every wait on a process; far longer than it takes."""


def publish(sequence: int, kind: EventType = EventType.START, topic: str | None = None) -> Publish:
    """A Publish whose event has the number as its pid."""
    event = small_event(sequence % 2**32)._replace(event_type=kind)
    return Publish(topic or TOPICS[kind], LogEntry(sequence, CLOCK_NS, event))


def make_broker(
    *misbehaviours: str, seed: int = 0, window: int = 256, acknowledge_each: bool = False
) -> FakeBroker:
    """A broker in memory with the plan."""
    return FakeBroker(
        parse_fault_plan(misbehaviours, seed), options=BrokerOptions(window, acknowledge_each)
    )


class Hand:
    """One connection in memory, and a clock that the test moves."""

    def __init__(self, broker: FakeBroker, *, log_id: bytes = LOG, now_ns: int = 0) -> None:
        self.broker = broker
        self.log_id = log_id
        self.now_ns = now_ns
        self.connection = broker.connect(now_ns)
        self._reader = FrameReader()

    def say(self, *messages: LinkMessage) -> list[LinkMessage]:
        """Send the messages in one piece; return the answers."""
        return self.say_bytes(b"".join(map(encode_message_frame, messages)))

    def say_bytes(self, data: bytes) -> list[LinkMessage]:
        """Send bytes; return the answers."""
        return self._decode(self.connection.receive(data, self.now_ns))

    def say_raw(self, *messages: LinkMessage) -> bytes:
        """Send the messages; return the answer undecoded."""
        data = b"".join(map(encode_message_frame, messages))
        return self.connection.receive(data, self.now_ns)

    def hello(self, settled_through: int = 0, version: int = 1) -> list[LinkMessage]:
        """Say Hello; return the answers."""
        return self.say(Hello(version, "procmond", self.log_id, settled_through))

    def publish(self, *sequences: int) -> list[LinkMessage]:
        """Publish the numbers in one piece; return the answers."""
        return self.say(*map(publish, sequences))

    def after(self, seconds: float) -> list[LinkMessage]:
        """Let time pass; return what comes by then."""
        self.now_ns += round(seconds * NS_PER_S)
        return self._decode(self.connection.poll(self.now_ns))

    def _decode(self, data: bytes) -> list[LinkMessage]:
        return [decode_message(body) for body in self._reader.feed(data)]


def greeted(broker: FakeBroker, settled_through: int = 0, *, log_id: bytes = LOG) -> Hand:
    """A connection on which Hello was said and answered."""
    hand = Hand(broker, log_id=log_id)
    hand.hello(settled_through)
    return hand


def recorded(broker: FakeBroker, log_id: bytes = LOG) -> list[int]:
    """The numbers that the broker has of the log, in the order of its record."""
    return [each.entry.sequence for each in broker.received if each.log_id == log_id]


# ---- The program ------------------------------------------------------------


class Socket:
    """A connection to the program, by hand; every wait has a deadline."""

    def __init__(self, path: Path, log_id: bytes = LOG) -> None:
        self.log_id = log_id
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(DEADLINE_S)
        try:
            self.socket.connect(str(path))
        except OSError:
            self.socket.close()
            raise
        self._reader = FrameReader()
        self._waiting: list[LinkMessage] = []

    def __enter__(self) -> Socket:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def say(self, *messages: LinkMessage) -> None:
        """Send the messages in one piece."""
        self.socket.sendall(b"".join(map(encode_message_frame, messages)))

    def hear(self) -> LinkMessage | None:
        """Return the next message; None at the end of the connection."""
        while not self._waiting:
            try:
                data = self.socket.recv(2**18)
            except ConnectionResetError:
                data = b""
            if not data:
                return None
            self._waiting += [decode_message(body) for body in self._reader.feed(data)]
        return self._waiting.pop(0)

    def hello(self, settled_through: int = 0) -> LinkMessage | None:
        """Say Hello; return the answer."""
        self.say(Hello(1, "procmond", self.log_id, settled_through))
        return self.hear()

    def publish(self, *sequences: int) -> None:
        """Publish the numbers in one piece."""
        self.say(*map(publish, sequences))


class BrokerProcess:
    """The program, listening."""

    def __init__(self, directory: Path, *options: str) -> None:
        self.path = directory / "broker.sock"
        self.received = directory / "received.jsonl"
        self.process = subprocess.Popen(
            [
                sys.executable, "-B", "-m", "simulators.broker",
                "--socket", str(self.path), "--received", str(self.received), *options,
            ],
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self._rest = b""
        self.is_listening = self.line() == f"listening on {self.path}"

    def line(self) -> str:
        """Return the next line of its standard output; "" at the end."""
        assert self.process.stdout is not None
        descriptor = self.process.stdout.fileno()
        end_s = time.monotonic() + DEADLINE_S
        while b"\n" not in self._rest:
            ready, _, _ = select.select([descriptor], [], [], max(0, end_s - time.monotonic()))
            assert ready, f"the broker printed no line within {DEADLINE_S} s"
            data = os.read(descriptor, 65536)
            if not data:
                return self._rest.decode()
            self._rest += data
        line, self._rest = self._rest.split(b"\n", 1)
        return line.decode()

    def connect(self, log_id: bytes = LOG) -> Socket:
        """Return a connection on which nothing was said yet."""
        return Socket(self.path, log_id)

    def kill(self) -> None:
        """kill -9, and wait for the end."""
        self.process.kill()
        self.process.communicate(timeout=DEADLINE_S)

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Ask it to end; return its exit code and what it said on standard error."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> tuple[int, str]:
        """Return its exit code and what it said on standard error, once it has ended."""
        _, said = self.process.communicate(timeout=DEADLINE_S)
        return self.process.returncode, said.decode()

    def sequences(self, log_id: bytes = LOG) -> list[int]:
        """The numbers of the log in its record."""
        lines = [json.loads(line) for line in self.received.read_text().splitlines()]
        return [int(line["sequence"]) for line in lines if line["log_id"] == log_id.hex()]


@contextlib.contextmanager
def broker_process(directory: Path, *options: str) -> Iterator[BrokerProcess]:
    """Run the program; it is listening when the block starts, and gone when it ends."""
    broker = BrokerProcess(directory, *options)
    try:
        if not broker.is_listening:
            raise AssertionError(f"it does not listen: {broker.wait()}")
        yield broker
    finally:
        broker.process.kill()
        broker.process.communicate(timeout=DEADLINE_S)
