"""Waits for input or for SIGINT and SIGTERM, without a race between the two.

A handler that only sets a flag can be missed by a read that is just beginning. So the
signal writes to a pipe, and `wait_readable` watches the pipe and the input together.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
from collections.abc import Iterator


class StopSignals:
    """Whether the process was asked to stop."""

    def __init__(self, wakeup_descriptor: int) -> None:
        self._wakeup = wakeup_descriptor
        self.is_set = False

    def wait_readable(self, descriptor: int) -> bool:
        """Return True when there is input or its end, False when asked to stop."""
        select.select([descriptor, self._wakeup], [], [])
        # Asked again: a signal that came just before the input's end is delivered only when
        # the call above returns, which may have seen nothing but that end.
        signalled, _, _ = select.select([self._wakeup], [], [], 0)
        self.is_set = self.is_set or bool(signalled)
        return not self.is_set


@contextlib.contextmanager
def stop_signals() -> Iterator[StopSignals]:
    """Catch SIGINT and SIGTERM inside the block; restore what was there before.

    Outside the main thread signals cannot be caught, and the block only waits for input.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        if threading.current_thread() is not threading.main_thread():
            yield StopSignals(reader)
            return
        old_wakeup = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        old_handlers = {
            number: signal.signal(number, lambda _number, _frame: None)
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield StopSignals(reader)
        finally:
            for number, handler in old_handlers.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(old_wakeup)
    finally:
        os.close(reader)
        os.close(writer)
