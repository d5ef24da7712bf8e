"""Where processes run. Two ends of a socket on one processor, or on two, differ several-fold."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

HAS_AFFINITY = hasattr(os, "sched_setaffinity")


def both_ends() -> tuple[int, int] | None:
    """Return the processors of client and server; None if they cannot be chosen here."""
    if not HAS_AFFINITY:
        return None
    usable = sorted(os.sched_getaffinity(0))
    return (usable[0], usable[-1]) if len(usable) > 1 else None


def pin_process(process: int, processor: int) -> None:
    """Keep a process that has one thread so far, and those that it will start, on a processor."""
    os.sched_setaffinity(process, {processor})


@contextlib.contextmanager
def pinned(processor: int | None) -> Iterator[None]:
    """Keep this thread, and those that it starts, on a processor; None: wherever."""
    if processor is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {processor})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
