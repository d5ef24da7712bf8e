"""A bare asyncio echo: what a socket and an event loop cost when nothing is done with a frame.

*By frame*: both sides read and write frame by frame, as a program does that looks at each.
*By piece*: the server sends back whatever it has read, and the client writes together what the
window allows, which is the speed of copying.

    python -m tests.benchmarks.echo frames|pieces PATH   serves until it is killed
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Sequence
from typing import Final

from reference.link_frames import FrameReader

PIECE_BYTES: Final = 2**18


class EchoClient:
    """One connection to an echo, with at most `window` frames under way."""

    def __init__(self, window: int, *, by_frame: bool) -> None:
        self._window = window
        self._exchange = self._by_frame if by_frame else self._by_piece
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    async def connect(self, path: str) -> None:
        self._reader, self._writer = await asyncio.open_unix_connection(path)

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()

    async def exchange(self, frames: Sequence[bytes]) -> None:
        """Send all frames and read all of them back."""
        await self._exchange(frames)

    async def _by_frame(self, frames: Sequence[bytes]) -> None:
        for frame in frames[: self._window]:
            self._writer.write(frame)
        for index in range(len(frames)):
            length = await self._reader.readexactly(4)
            await self._reader.readexactly(int.from_bytes(length, "little"))
            for frame in frames[index + self._window : index + self._window + 1]:
                self._writer.write(frame)

    async def _by_piece(self, frames: Sequence[bytes]) -> None:
        cutter = FrameReader()
        sent = come_back = 0
        while come_back < len(frames):
            more = frames[sent : come_back + self._window]
            if more:
                self._writer.write(b"".join(more))
                sent += len(more)
            come_back += sum(1 for _ in cutter.feed(await self._reader.read(PIECE_BYTES)))


async def _serve_pieces(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(PIECE_BYTES):
        writer.write(data)
        await writer.drain()


async def _serve_frames(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(asyncio.IncompleteReadError):
        while True:
            length = await reader.readexactly(4)
            writer.write(length + await reader.readexactly(int.from_bytes(length, "little")))


async def _serve(kind: str, path: str) -> None:
    serve = _serve_frames if kind == "frames" else _serve_pieces
    server = await asyncio.start_unix_server(serve, path)
    print("listening", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(*sys.argv[1:]))
