"""Processes that work for this one: fresh, quiet, and gone when they are not needed any more.

Spec: SCN-2.3.
"""

from __future__ import annotations

import logging
import multiprocessing
import signal
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


@contextmanager
def workers(jobs: int) -> Iterator[ProcessPoolExecutor]:
    """Give so many workers. At the end nobody waits for what they are in the middle of."""
    context = multiprocessing.get_context("spawn")  # nothing of this process is taken over
    pool = ProcessPoolExecutor(jobs, context, initializer=prepare_worker)
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in multiprocessing.active_children():
            worker.terminate()


def in_workers(
    function: Callable[[Task], Result], tasks: Iterable[Task], jobs: int
) -> Generator[Result, None, None]:
    """Yield what each task comes to, as they come. Raises BrokenProcessPool if a worker dies."""
    with workers(jobs) as pool:
        for future in as_completed([pool.submit(function, each) for each in tasks]):
            yield future.result()


def prepare_worker() -> None:
    """Be a worker: quiet, and gone with Ctrl-C. A mutant is there already (mutants/)."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    logging.disable(logging.ERROR)  # recovery warns of every torn tail, and there are thousands
