"""The connector by window, beside a bare asyncio echo of the same frames, in one run.

All send the same Publish frames over a Unix socket to a process of its own, with at most
`window` unanswered. The echo does nothing else; it comes in two forms. *By frame*: both
sides read and write frame by frame, as a program does that looks at each. *By piece*: the
server sends back whatever bytes it has read, which is the speed of copying.

The connector stores each event durably first, sends it, is acknowledged by the fake broker
(which decodes it and writes it to a file), and settles it in the log. Rounds take turns, and
ratios are taken inside a round; medians over the rounds are shown.

Part of `tox -e bench`. Not here: the log alone (wal_bench.py).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from reference.codec import encode_event, encode_timestamp
from reference.connector_config import ConnectorConfig
from reference.event_bus_connector import EventBusConnector
from reference.events import ProcessEvent
from reference.limits import MIB
from reference.link_frames import FrameReader
from reference.link_messages import encode_publish_frame
from tests.benchmarks.wal_bench import typical_events

ROOT = Path(__file__).parents[2]
WINDOWS = (1, 32, 256)
PUBLISHERS = 256
EVENTS = {1: 3_000, 32: 20_000, 256: 20_000}


# ---- The echo ---------------------------------------------------------------


async def serve_echo(path: str, by_frame: bool) -> None:
    """Send back whatever comes, until killed."""

    async def serve_pieces(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(2**18):
            writer.write(data)
            await writer.drain()

    async def serve_frames(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                length = await reader.readexactly(4)
                body = await reader.readexactly(int.from_bytes(length, "little"))
                writer.write(length + body)

    server = await asyncio.start_unix_server(serve_frames if by_frame else serve_pieces, path)
    print("listening", flush=True)
    await server.serve_forever()


async def echo_frames(path: str, frames: list[bytes], window: int) -> float:
    """Return frames a second, each written and read by itself."""
    reader, writer = await asyncio.open_unix_connection(path)
    began = time.perf_counter()
    for frame in frames[:window]:
        writer.write(frame)
    for index in range(len(frames)):
        length = await reader.readexactly(4)
        await reader.readexactly(int.from_bytes(length, "little"))
        for frame in frames[index + window : index + window + 1]:
            writer.write(frame)
    seconds = time.perf_counter() - began
    writer.close()
    await writer.wait_closed()
    return len(frames) / seconds


async def echo_pieces(path: str, frames: list[bytes], window: int) -> float:
    """Return frames a second, written together as far as the window allows."""
    reader, writer = await asyncio.open_unix_connection(path)
    cutter = FrameReader()
    began = time.perf_counter()
    sent = come_back = 0
    while come_back < len(frames):
        more = frames[sent : come_back + window]
        if more:
            writer.write(b"".join(more))
            sent += len(more)
        come_back += sum(1 for _ in cutter.feed(await reader.read(2**18)))
    seconds = time.perf_counter() - began
    writer.close()
    await writer.wait_closed()
    return len(frames) / seconds


# ---- The connector ----------------------------------------------------------


async def deliver(directory: Path, socket: str, events: list[ProcessEvent]) -> float:
    """Return events a second, published by many tasks and all acknowledged."""
    config = ConnectorConfig(buffer_bytes=64 * MIB)  # so that nothing is read back
    async with await EventBusConnector.open(directory, config) as connector:
        connector.connect(socket)
        while connector.status().link != "online":
            await connector.changed(connector.revision)
        waiting = iter(events)

        async def publisher() -> None:
            for event in waiting:
                await connector.publish(event)

        began = time.perf_counter()
        await asyncio.gather(*(publisher() for _ in range(PUBLISHERS)))
        assert await connector.drained(120)
        return len(events) / (time.perf_counter() - began)


@contextlib.contextmanager
def server(*arguments: str) -> Iterator[None]:
    """A server in a process of its own, listening."""
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments], cwd=ROOT, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b"listening")
    try:
        yield
    finally:
        process.kill()
        process.communicate()


def one_round(
    directory: Path, window: int, events: list[ProcessEvent]
) -> tuple[float, float, float]:
    """Return the rates of the connector, the echo by frame, and the echo by piece."""
    timestamp = encode_timestamp(time.time_ns())
    frames = [
        encode_publish_frame(sequence, timestamp + encode_event(event))
        for sequence, event in enumerate(events, 1)
    ]
    socket = str(directory / "s")
    broker = (
        "simulators.broker", "--socket", socket, "--received", str(directory / "received.jsonl"),
        "--window", str(window), "--quiet",
    )  # fmt: skip
    with server(*broker):
        ours = asyncio.run(deliver(directory / "wal", socket, events))
    by_frame, by_piece = str(directory / "f"), str(directory / "p")
    with server("tests.benchmarks.connector_bench", "--serve-echo-frames", by_frame):
        framewise = asyncio.run(echo_frames(by_frame, frames, window))
    with server("tests.benchmarks.connector_bench", "--serve-echo-pieces", by_piece):
        piecewise = asyncio.run(echo_pieces(by_piece, frames, window))
    return ours, framewise, piecewise


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="connector_bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--directory", help="where the files go (default: a temporary directory)")
    parser.add_argument("--serve-echo-frames", metavar="PATH", help=argparse.SUPPRESS)
    parser.add_argument("--serve-echo-pieces", metavar="PATH", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if path := options.serve_echo_frames or options.serve_echo_pieces:
        asyncio.run(serve_echo(path, bool(options.serve_echo_frames)))
    print(f"\npublished and acknowledged, {PUBLISHERS} tasks; {options.rounds} rounds in turns\n")
    print(f"{'':>6} {'connector':>10} {'echo by frame':>20} {'echo by piece':>20}")
    print(f"{'window':>6} {'events/s':>10}" + 2 * f" {'frames/s':>12} {'ratio':>7}")
    for window in WINDOWS:
        events = typical_events(EVENTS[window])
        rates = []
        for _ in range(options.rounds):
            with tempfile.TemporaryDirectory(dir=options.directory) as name:
                rates.append(one_round(Path(name), window, events))
        ours, *bare = (statistics.median(rate[side] for rate in rates) for side in range(3))
        ratios = [statistics.median(rate[0] / rate[side] for rate in rates) for side in (1, 2)]
        columns = "".join(f" {b:>12,.0f} {r:>7.2f}" for b, r in zip(bare, ratios, strict=True))
        print(f"{window:>6} {ours:>10,.0f}{columns}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
