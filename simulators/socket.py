"""A flaky Unix socket: a proxy between any connector and any broker, faults by plan.

    proxy = FlakySocket(Path("flaky.sock"), Path("broker.sock"), plan)
    async with proxy: ...                 # connectors use flaky.sock

Theory of operation. Each connection to the proxy becomes one to the broker; bytes are carried
over in both directions, each through its own `StreamFaults` (link_faults.py). A reset drops
both sides at once. While the broker does not listen, whoever connects is dropped: that looks
like a broker that dies at once. The same plan drives a stream that is moved by hand.

Not here: the broker's own misbehaviour (broker_faults.py).

Spec: SIM-2.9.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from simulators.link_faults import Deliver, Direction, LinkFault, Reset, StreamFaults, Wait

READ_BYTES: Final = 2**16


class FlakySocket:
    """Listens at `path` and carries what comes to `target`. `fired` lists what struck."""

    def __init__(self, path: Path, target: Path, plan: Sequence[LinkFault]) -> None:
        self.path = path
        self.connections = 0
        self.fired: list[LinkFault] = []
        self._target = target
        self._plan = tuple(plan)
        self._server: asyncio.Server | None = None
        self._handlers: set[asyncio.Task[None]] = set()
        self._carriers: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_unix_server(self._accept, self.path)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        for carrier in self._carriers:
            carrier.cancel()
        await asyncio.gather(*self._handlers)  # each ends when its carriers have
        self.path.unlink(missing_ok=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._handlers.add(task)
        task.add_done_callback(self._handlers.discard)
        self.connections += 1
        number = self.connections
        try:
            broker_reader, broker_writer = await asyncio.open_unix_connection(self._target)
        except OSError:
            await _drop(writer)  # nobody listens: the other side sees the end
            return
        ways = [
            self._carry(reader, broker_writer, number, Direction.TO_BROKER),
            self._carry(broker_reader, writer, number, Direction.TO_CONNECTOR),
        ]
        carriers = {asyncio.create_task(way) for way in ways}
        self._carriers |= carriers
        await asyncio.wait(carriers, return_when=asyncio.FIRST_COMPLETED)
        for carrier in carriers:
            carrier.cancel()
        await asyncio.wait(carriers)
        self._carriers -= carriers
        for end in (writer, broker_writer):
            await _drop(end)

    async def _carry(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        connection: int,
        direction: Direction,
    ) -> None:
        """Carry bytes until an end, or a reset."""
        faults = StreamFaults(self._plan, connection, direction)
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(READ_BYTES):
                for effect in faults.feed(data):
                    match effect:
                        case Deliver(piece):
                            writer.write(piece)
                            await writer.drain()
                        case Wait(seconds):
                            await asyncio.sleep(seconds)
                        case Reset():
                            self.fired += faults.fired
                            return
                self.fired += faults.fired
                faults.fired = []
            await writer.drain()


async def _drop(writer: asyncio.StreamWriter) -> None:
    """End the connection now, and wait until its socket is closed."""
    writer.transport.abort()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
