"""The fake broker on a real Unix socket, inside a test's own event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from simulators.broker_answers import BrokerOptions
from simulators.broker_fault_text import parse_fault_plan
from simulators.broker_memory import ReceivedEvent
from simulators.broker_server import BrokerServer
from simulators.broker_session import Violation
from simulators.fake_broker import FakeBroker


class BrokerOnSocket:
    """A broker that a test starts, stops and starts again; it remembers what it took."""

    def __init__(
        self, path: Path, plan: Sequence[str] = (), *, seed: int = 0, window: int = 256
    ) -> None:
        self.path = path
        self.broker = FakeBroker(parse_fault_plan(plan, seed), options=BrokerOptions(window=window))
        self._server: BrokerServer | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def received(self) -> list[ReceivedEvent]:
        """What was recorded, in order, repeats dropped."""
        return self.broker.received

    @property
    def violations(self) -> list[Violation]:
        """What the connector did wrong."""
        return self.broker.violations

    async def start(self) -> None:
        """Listen."""
        if self._task is not None:
            return
        listening = asyncio.Event()
        self._server = BrokerServer(self.broker, self.path, lambda text: None)
        self._task = asyncio.create_task(self._server.run(listening.set))
        await listening.wait()

    async def stop(self) -> None:
        """Drop every connection and stop listening."""
        if self._server is not None and self._task is not None:
            self._server.stop()
            await self._task
            assert self._server.failure is None
        self._server = self._task = None

    async def __aenter__(self) -> BrokerOnSocket:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()
