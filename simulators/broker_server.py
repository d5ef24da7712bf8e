"""The fake broker behind a real Unix socket: it moves bytes, and decides nothing.

Theory of operation. One asyncio loop, one thread. Each connection has a BrokerConnection of
the same FakeBroker that tests drive in memory; here bytes come from a socket and time from
the monotonic clock. A slow or stalled connection is not read, so that its connector feels a
full pipe; one whose own pipe is full is not read either, so that answers to somebody who
never reads them do not pile up in memory.

The socket is created with mode 0600. A socket file that nobody answers on was left by a
broker that was killed, and is replaced; anything else at the path is an error. While the
plan says `not-listening`, the listening socket is closed and its file gone.

A reset on a Unix socket has no packet of its own. The other side sees the end of the input,
or ECONNRESET if it had sent something that was never read.

Not here: options, signals and exit codes (broker.py), the record (broker_record.py).

Spec: SIM-1.3.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, cast

from reference.limits import NS_PER_S
from simulators.broker_record import RecordError
from simulators.fake_broker import BrokerConnection, FakeBroker

SOCKET_UMASK: Final = 0o177
BACKLOG: Final = 128
"""Connections that wait to be accepted; asyncio also accepts at most so many at once."""
PROBE_TIMEOUT_S: Final = 5.0
"""How long to wait for whoever may listen at the path."""

Say = Callable[[str], None]


class SocketError(Exception):
    """The socket cannot be had at this path."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")


class BrokerServer:
    """Serves one broker at one path. `say` is told a line of each thing that happens."""

    def __init__(self, broker: FakeBroker, path: Path, say: Say) -> None:
        self.broker = broker
        self.say = say
        self.failure: BaseException | None = None
        """Why it stopped, if nobody asked it to."""
        self.links: set[_Link] = set()
        self._path = path
        self._server: asyncio.Server | None = None
        self._inode: tuple[int, int] | None = None
        self._is_stopped = False
        self._news = asyncio.Event()
        self._said = 0
        self._complaint = ""

    async def run(self, on_listening: Callable[[], None]) -> None:
        """Serve until `stop`, or until something fails. Raises SocketError."""
        asyncio.get_running_loop().set_exception_handler(self._on_exception)
        _remove_stale_socket(self._path)
        await self._listen()
        on_listening()
        try:
            while not self._is_stopped:
                self._news.clear()
                deaf_s = (self.broker.deaf_until_ns - time.monotonic_ns()) / NS_PER_S
                if self._server is not None and deaf_s > 0:
                    self._stop_listening()
                    self.say(f"not listening for {deaf_s:.3f} s")
                elif self._server is None and deaf_s <= 0:
                    await self._listen()
                    self.say("listening again")
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(None if self._server is not None else deaf_s):
                        await self._news.wait()
        finally:
            self._stop_listening()
            for link in list(self.links):
                link.drop()
            await asyncio.sleep(0)  # the transports close in the loop's next turn

    def stop(self, failure: BaseException | None = None) -> None:
        """Let `run` return."""
        self._is_stopped = True
        self.failure = self.failure or failure
        self._news.set()

    def after_step(self) -> None:
        """Look at what a step of one connection changed for all."""
        if self._server is not None and not self.broker.is_listening(time.monotonic_ns()):
            self._news.set()
        fired = self.broker.dice.fired
        for strike in fired[self._said :]:
            self.say(f"connection {strike.connection}: {strike}")
        self._said = len(fired)

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        umask = os.umask(SOCKET_UMASK)
        try:
            listener.bind(str(self._path))
        except OSError as error:  # also a path that is too long
            listener.close()
            raise SocketError(self._path, f"cannot listen: {error.strerror or error}") from error
        finally:
            os.umask(umask)
        status = self._path.lstat()
        self._inode = (status.st_dev, status.st_ino)
        self._server = await loop.create_unix_server(
            lambda: _Link(self), sock=listener, backlog=BACKLOG
        )

    def _stop_listening(self) -> None:
        if self._server is None:
            return
        with contextlib.suppress(FileNotFoundError):
            status = self._path.lstat()
            if (status.st_dev, status.st_ino) == self._inode:  # not another broker's by now
                self._path.unlink()
        self._server.close()
        self._server = None

    def _on_exception(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, OSError) or error is None:
            # Without descriptors, asyncio complains BACKLOG times a second.
            complaint = f"{context['message']}: {error}"
            if complaint != self._complaint:
                self.say(complaint)
            self._complaint = complaint
        else:  # a defect of this program
            loop.default_exception_handler(context)
            self.stop(error)


class _Link(asyncio.Protocol):
    """One socket and its BrokerConnection."""

    _transport: asyncio.Transport
    _connection: BrokerConnection

    def __init__(self, server: BrokerServer) -> None:
        self._server = server
        self._is_read = True
        self._is_full = False
        self._timer: asyncio.TimerHandle | None = None

    # ---- Called by asyncio ------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        try:
            self._connection = self._server.broker.connect(time.monotonic_ns())
        except ConnectionRefusedError:  # it was in the backlog when the broker went deaf
            self._transport.abort()
            return
        self._connection.on_dropped = self._transport.abort
        self._server.links.add(self)
        self._server.say(f"connection {self._connection.number}: opened")

    def data_received(self, data: bytes) -> None:
        if self in self._server.links:
            is_greeted = self._connection.hello is not None
            self._do(lambda now_ns: self._connection.receive(data, now_ns))
            hello = self._connection.hello
            if hello is not None and not is_greeted:
                self._server.say(
                    f"connection {self._connection.number}: {hello.client_id!r}, "
                    f"log {hello.log_id.hex()}, settled through {hello.settled_through}"
                )

    def pause_writing(self) -> None:
        self._is_full = True
        self._choose_reading()

    def resume_writing(self) -> None:
        self._is_full = False
        self._choose_reading()

    def connection_lost(self, error: Exception | None) -> None:
        if self not in self._server.links:
            return
        self._server.links.remove(self)
        if self._timer is not None:
            self._timer.cancel()
        connection = self._connection
        how = "lost"
        if connection.said_goodbye:
            how = "goodbye"
        elif connection.is_closed:
            how = "reset by the broker" if connection.was_reset else "closed by the broker"
        connection.lost()
        self._server.say(f"connection {connection.number}: {how}")

    # ---- Steps ------------------------------------------------------------------

    def drop(self) -> None:
        """End it at once."""
        self._transport.abort()

    def _do(self, step: Callable[[int], bytes]) -> None:
        """Do one step of the connection at this time, and what follows from it."""
        if self._server.failure is not None:  # what was not recorded must not count as known
            return
        connection, now_ns = self._connection, time.monotonic_ns()
        violations = len(self._server.broker.violations)
        try:
            answer = step(now_ns)
        except RecordError as error:
            self._server.stop(error)
            return
        if answer:
            self._transport.write(answer)
        if connection.was_reset:
            self._transport.abort()
        elif connection.is_closed:
            self._transport.close()
        for violation in self._server.broker.violations[violations:]:
            self._server.say(f"violation: {violation}")
        self._choose_reading()
        self._choose_timer(now_ns)
        self._server.after_step()

    def _wake(self) -> None:
        self._timer = None
        self._do(self._connection.poll)

    def _choose_reading(self) -> None:
        wanted = self._connection.is_reading and not self._is_full
        if wanted != self._is_read and not self._transport.is_closing():
            self._is_read = wanted
            if wanted:
                self._transport.resume_reading()
            else:
                self._transport.pause_reading()

    def _choose_timer(self, now_ns: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        wake_ns = self._connection.next_wake_ns
        if wake_ns is not None:
            delay_s = max(0, wake_ns - now_ns) / NS_PER_S
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._wake)


def _remove_stale_socket(path: Path) -> None:
    """Remove the file of a socket that nobody listens on. Raises SocketError."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise SocketError(path, f"cannot be looked at: {error.strerror}") from error
    if not stat.S_ISSOCK(mode):
        raise SocketError(path, "exists and is no socket; name another path, or move it away")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(PROBE_TIMEOUT_S)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)
            return
        except OSError as error:
            raise SocketError(path, f"cannot tell who listens there: {error}") from error
    raise SocketError(path, "somebody listens there already; stop it, or name another path")
