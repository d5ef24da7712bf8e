"""Messages to whoever reads standard error, and streams that nobody reads any more.

A message that cannot be told must never change what a command does, nor its exit code: events
go on, and the log is closed as it should be. So `say` raises nothing that the stream raises.

Spec: CLI-1, CLI-4.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Final, TextIO

ERASE_LINE: Final = "\r\x1b[K"
"""On a terminal `run` keeps a status line where the next text would go."""


def say(text: str, stream: TextIO | None = None) -> None:
    """Print a line on standard error, or on `stream`. After one that fails all is dropped."""
    output = sys.stderr if stream is None else stream
    try:
        print(f"{ERASE_LINE if output.isatty() else ''}{text}", file=output, flush=True)
    except OSError:
        give_up(output)


def give_up(stream: TextIO) -> None:
    """Drop what the stream holds and what follows.

    Else Python tries to flush it once more at the end, and the exit code is 120.
    """
    null = os.open(os.devnull, os.O_WRONLY)
    with contextlib.suppress(OSError):  # a stream without a descriptor: nobody flushes that
        os.dup2(null, stream.fileno())
    os.close(null)


def give_up_if_broken(stream: TextIO) -> None:
    """Flush the stream; give it up if that fails."""
    try:
        stream.flush()
    except OSError:
        give_up(stream)
