"""Published, stored durably, delivered and acknowledged: events a second by window.

The connector stores each event, sends it to the fake broker (which decodes it and writes it to
a file), is acknowledged, and settles it in the log. Beside it a bare asyncio echo of the same
Publish frames (echo.py), with the same number unanswered. Client and server are pinned to a
processor each, the disk's threads to the client's: left to themselves they wander, and that
alone changes the smallest window several-fold.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, Final

from reference.connector_config import ConnectorConfig
from reference.event_bus_connector import EventBusConnector
from reference.events import ProcessEvent
from reference.limits import MIB
from reference.link_messages import encode_publish_frame
from tests.benchmarks.child import ROOT
from tests.benchmarks.echo import EchoClient
from tests.benchmarks.events import payloads_of, typical_events
from tests.benchmarks.processors import both_ends, pin_process, pinned
from tests.benchmarks.results import CaseResult, Table, Target
from tests.benchmarks.rounds import ratios, take_turns
from tests.benchmarks.settings import Settings

EVENTS_A_PIECE: Final = {1: 300, 32: 2_500, 256: 5_000}
"""By window."""
PIECES: Final = 5
PUBLISHERS: Final = 256
CONNECTOR, BY_FRAME, BY_PIECE = "connector", "echo, frame by frame", "echo, piece by piece"
SHARE_OF_ECHO: Final = 0.3
TOGETHER: Final = "window 1, one processor"


def run(settings: Settings) -> CaseResult:
    """Measure."""
    ends = both_ends()
    result = CaseResult(
        "connector",
        "Published and acknowledged, by window",
        f"{PUBLISHERS} tasks publish; an event counts when the broker has acknowledged it. The "
        "echo does nothing else with the same frames. Client and server are pinned: to two "
        "processors, and once to the same one.",
    )
    if ends is None:
        result.notes.append("nothing is pinned: this machine has one processor, or no affinity")
    rates = Table("Acknowledged events a second", "1/s")
    for _ in settings.each_round("connector"):
        for window in EVENTS_A_PIECE:
            _round(settings, window, ends, rates, setting_of(window))
        if ends is not None:
            _round(settings, 1, (ends[0], ends[0]), rates, TOGETHER)
    result.tables = [rates, rates.compared("The connector's rate divided by the echo's", CONNECTOR)]
    widest = setting_of(max(EVENTS_A_PIECE))
    share = ratios(rates.values(CONNECTOR, widest), rates.values(BY_FRAME, widest))
    text = f"{widest}: the connector / a bare echo, frame by frame"
    result.targets = [Target(text, SHARE_OF_ECHO, share)]
    return result


def setting_of(window: int) -> str:
    """Return what the tables call a window."""
    return f"window {window}"


def _round(
    settings: Settings, window: int, ends: tuple[int, int] | None, rates: Table, setting: str
) -> None:
    client, server = ends or (None, None)
    size = settings.scaled(EVENTS_A_PIECE[window], 60)
    events = typical_events(size)
    frames = [
        encode_publish_frame(sequence, payload)
        for sequence, payload in enumerate(payloads_of(events), 1)
    ]
    with settings.place() as place, contextlib.ExitStack() as closing:
        broker, by_frame, by_piece = (str(place / name) for name in "bfp")
        for arguments in (
            ("simulators.broker", "--socket", broker, "--received", str(place / "received"),
             "--window", str(window), "--quiet"),
            ("tests.benchmarks.echo", "frames", by_frame),
            ("tests.benchmarks.echo", "pieces", by_piece),
        ):  # fmt: skip
            closing.enter_context(_server(server, *arguments))
        closing.enter_context(pinned(client))
        runner = closing.enter_context(asyncio.Runner())

        def later(close: Callable[[], Coroutine[Any, Any, object]]) -> None:
            closing.callback(lambda: runner.run(close()))

        connector = runner.run(_connected(place / "wal", broker))
        later(connector.close)
        echoes: dict[str, EchoClient] = {}
        for name, path in ((BY_FRAME, by_frame), (BY_PIECE, by_piece)):
            echoes[name] = echo = EchoClient(window, by_frame=name == BY_FRAME)
            runner.run(echo.connect(path))
            later(echo.close)

        def turn_of(echo: EchoClient) -> Callable[[int], object]:
            return lambda piece: runner.run(echo.exchange(frames))

        turns = {name: turn_of(echo) for name, echo in echoes.items()}
        turns[CONNECTOR] = lambda piece: runner.run(_deliver(connector, events))
        take_turns(turns, 1)
        pieces = settings.scaled(PIECES, 1)
        spent = take_turns(turns, pieces)
    for name in (CONNECTOR, BY_FRAME, BY_PIECE):
        rates.add(name, setting, pieces * size / spent[name].wall_s)


async def _connected(directory: Path, socket: str) -> EventBusConnector:
    config = ConnectorConfig(buffer_bytes=64 * MIB)  # so that nothing is read back
    connector = await EventBusConnector.open(directory, config)
    connector.connect(socket)
    while connector.status().link != "online":
        await connector.changed(connector.revision)
    return connector


async def _deliver(connector: EventBusConnector, events: list[ProcessEvent]) -> None:
    """Return when all events are acknowledged."""
    waiting = iter(events)

    async def publisher() -> None:
        for event in waiting:
            await connector.publish(event)

    await asyncio.gather(*(publisher() for _ in range(PUBLISHERS)))
    assert await connector.drained(120)


@contextlib.contextmanager
def _server(processor: int | None, *arguments: str) -> Iterator[None]:
    """A server in a process of its own, pinned and listening."""
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments], cwd=ROOT, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        if processor is not None:
            pin_process(process.pid, processor)
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"listening")
        yield
    finally:
        process.kill()
        process.communicate()
