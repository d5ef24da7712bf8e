"""One connection to the broker on asyncio: frames out, bytes in, and an end.

Theory of operation. What is sent waits here as the frames themselves, which the buffer holds
anyway, and goes to the transport only while that takes more: so a slow broker does not make
a second copy of the window in memory. Frames that were given in one go are one write. After
`close` nothing is delivered any more, whatever the loop still had in hand.

Not here: when to connect and what to say (connector_core.py).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from reference.connector_errors import LinkClosed

WRITE_BYTES: Final = 2**18
"""Frames are joined up to about this size: one system call, not one an event."""


class BrokerLink(asyncio.Protocol):
    """A connection that stands, or is being made."""

    def __init__(
        self,
        on_up: Callable[[], None],
        on_bytes: Callable[[bytes], None],
        on_lost: Callable[[LinkClosed], None],
    ) -> None:
        self._on_up = on_up
        self._on_bytes = on_bytes
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._waiting: deque[bytes] = deque()
        self._is_paused = False
        self._is_closed = False
        self.ended = asyncio.Event()
        """Set when the socket is gone."""

    def send(self, data: bytes) -> None:
        """Queue whole frames; `flush` hands them on."""
        self._waiting.append(data)

    def flush(self) -> None:
        """Give the transport what it takes."""
        while self._waiting and not self._is_paused and self._transport is not None:
            piece = [self._waiting.popleft()]
            size = len(piece[0])
            while self._waiting and size + len(self._waiting[0]) <= WRITE_BYTES:
                piece.append(self._waiting.popleft())
                size += len(piece[-1])
            self._transport.write(b"".join(piece))

    def close(self, *, flush: bool) -> None:
        """End the connection; with `flush` what was given to send goes first."""
        self._is_closed = True
        if self._transport is None:
            self.ended.set()  # nothing that would have to leave
        elif flush:
            self._is_paused = False  # the last few frames may well be copied
            self.flush()
            self._transport.close()
        else:
            self._waiting.clear()
            self._transport.abort()

    def abort(self) -> None:
        """End it now."""
        self.close(flush=False)

    # ---- asyncio's side -----------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if self._is_closed:  # given up while it was made
            transport.abort()
        else:
            self._on_up()

    def data_received(self, data: bytes) -> None:
        if not self._is_closed:
            self._on_bytes(data)

    def pause_writing(self) -> None:
        self._is_paused = True

    def resume_writing(self) -> None:
        self._is_paused = False
        self.flush()

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._waiting.clear()
        self.ended.set()
        if not self._is_closed:
            self._is_closed = True
            self._on_lost(LinkClosed(str(error) if error else "the broker closed the connection"))
