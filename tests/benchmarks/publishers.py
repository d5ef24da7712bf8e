"""Many publishers at once: threads on a store, tasks on the connector.

Each takes the next event as soon as its last one is durable, so as many wait at any time as
there are publishers. How long each waited is kept.
"""

from __future__ import annotations

import asyncio
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from reference.connector_config import ConnectorConfig
from reference.event_bus_connector import EventBusConnector
from reference.events import ProcessEvent
from reference.limits import MIB
from tests.benchmarks.stores import Store


class Publishers(ABC):
    """So many publishers of one store."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.waits_s: list[float] = []
        """From offering an event to knowing that it is durable."""

    @abstractmethod
    def publish(self, events: Sequence[ProcessEvent]) -> None:
        """Make every event durable by itself; return when all are."""

    @abstractmethod
    def close(self) -> None:
        """Release everything."""


class Threads(Publishers):
    """Threads that append one event each time."""

    def __init__(self, store: Store, count: int) -> None:
        super().__init__(count)
        self._store = store
        self._threads = ThreadPoolExecutor(count)
        self._one_at_a_time: AbstractContextManager[object] = (
            nullcontext() if store.is_thread_safe else threading.Lock()
        )

    def publish(self, events: Sequence[ProcessEvent]) -> None:
        waiting = iter(events)  # the next of a list is one step, which no other thread divides
        for job in [self._threads.submit(self._publisher, waiting) for _ in range(self.count)]:
            job.result()

    def _publisher(self, events: Iterator[ProcessEvent]) -> None:
        for event in events:
            began = time.perf_counter()
            with self._one_at_a_time:
                self._store.append([event])
            self.waits_s.append(time.perf_counter() - began)

    def close(self) -> None:
        self._threads.shutdown()
        self._store.close()


class Tasks(Publishers):
    """Tasks on one event loop that publish to a connector without a broker."""

    def __init__(self, directory: Path, count: int) -> None:
        super().__init__(count)
        self._runner = asyncio.Runner()
        config = ConnectorConfig(buffer_bytes=64 * MIB)  # so that nothing spills
        self._connector = self._runner.run(EventBusConnector.open(directory, config))

    def publish(self, events: Sequence[ProcessEvent]) -> None:
        self._runner.run(self._publish(iter(events)))

    async def _publish(self, events: Iterator[ProcessEvent]) -> None:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(self.count):
                tasks.create_task(self._publisher(events))

    async def _publisher(self, events: Iterator[ProcessEvent]) -> None:
        for event in events:
            began = time.perf_counter()
            await self._connector.publish(event)
            self.waits_s.append(time.perf_counter() - began)

    def close(self) -> None:
        self._runner.run(self._connector.close())
        self._runner.close()
