"""The connector's disk threads, and what is under way on them.

    append(work, then)      one thread appends ...
    keep(work, then)        ... the other does all else that blocks
                            `work` runs on the thread, `then` gets its result on the event loop

Theory of operation. Each thread does its work in the order in which it was given. A job is
under way until `then` has returned, so whoever waits for `idle` has its consequences too.
Errors that are foreseen are results (connector_disk.py). Any other is a defect: it is told,
and goes on to the event loop, which shows it.

Spec: CON-2.2.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any, TypeVar

Result = TypeVar("Result")


class DiskThreads:
    """Two threads for blocking work, started when they are needed."""

    def __init__(self, on_defect: Callable[[BaseException], None]) -> None:
        self._on_defect = on_defect
        self._appender = ThreadPoolExecutor(1, "connector-append")
        self._keeper = ThreadPoolExecutor(1, "connector-keep")
        self._jobs: set[asyncio.Future[Any]] = set()

    def append(self, work: Callable[[], Result], then: Callable[[Result], None]) -> None:
        """Do work on the thread that appends."""
        self._run(self._appender, work, then)

    def keep(self, work: Callable[[], Result], then: Callable[[Result], None]) -> None:
        """Do work on the other thread."""
        self._run(self._keeper, work, then)

    def watch(
        self, job: asyncio.Future[Result], done: Callable[[asyncio.Future[Result]], None]
    ) -> None:
        """Count something on the loop as under way, until `done` has returned."""

        def finish(job: asyncio.Future[Result]) -> None:
            self._jobs.discard(job)
            try:
                done(job)
            except BaseException as error:
                self._on_defect(error)
                raise

        self._jobs.add(job)
        job.add_done_callback(finish)

    async def idle(self) -> None:
        """Wait until nothing is under way."""
        while self._jobs:
            await asyncio.wait(self._jobs)
            await asyncio.sleep(0)  # their callbacks may start others

    async def end_with(self, work: Callable[[], Result]) -> Result:
        """Do the last work and end the threads, whatever becomes of it."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._keeper, work)
        finally:
            self._appender.shutdown(wait=False)
            self._keeper.shutdown(wait=False)

    def _run(
        self, executor: Executor, work: Callable[[], Result], then: Callable[[Result], None]
    ) -> None:
        job = asyncio.get_running_loop().run_in_executor(executor, work)
        self.watch(job, lambda job: then(job.result()))
