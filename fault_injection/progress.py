"""Says how far a long run is: one line that changes on a terminal, plain lines in a log.

Spec: SCN-2.3.
"""

from __future__ import annotations

import time
from typing import Final, TextIO

from fault_injection.cases import Tally

PLAIN_SECONDS: Final = 10.0
"""A log gets a line this often."""
LINE_SECONDS: Final = 0.1


class ProgressLine:
    """Progress of one run, on the stream."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._began = self._shown = time.monotonic()
        self._has_line = False

    def show(self, done: int, of: int, total: Tally) -> None:
        """Show it, unless it was shown just now."""
        now = time.monotonic()
        wait = LINE_SECONDS if self._is_terminal else PLAIN_SECONDS
        if now - self._shown < wait:
            return
        self._shown = now
        elapsed = now - self._began
        rate = total.checks / elapsed
        left = elapsed / done * (of - done)
        text = f"{done}/{of} parts, {total.checks:,} checks, {rate:,.0f}/s, about {left:.0f} s left"
        if self._is_terminal:
            self._stream.write(f"\r\x1b[K{text}")
            self._has_line = True
        else:
            self._stream.write(text + "\n")
        self._stream.flush()

    def end(self) -> None:
        """Take the line away."""
        if self._has_line:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._has_line = False
