"""`run`: JSON Lines on standard input to the log and, in the background, to the broker.

Theory of operation. A thread reads standard input and waits for each piece to be stored
before it reads the next, so a disk that is slow or full holds the producer up through the
pipe, and memory stays bounded. A refusal that may pass (no space, quota) is tried again: the
events wait in the pipe, none is dropped. The broker never holds the input up.

    the input ends         wait until everything is acknowledged, at most --drain-seconds
    SIGTERM or SIGINT      stop reading, wait only for answers that are outstanding
    a failed sync          stop: only a new start can tell what is on disk

Spec: CLI-4.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import threading
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TextIO

from reference.broker_socket import broker_path
from reference.cli_append import READ_BYTES, LineReader, standard_input
from reference.connector_config import ConnectorConfig
from reference.connector_status import ConnectorStatus, ShutdownReport
from reference.errors import AppendError, EventTooLarge, InvalidJsonLine
from reference.event_bus_connector import EventBusConnector
from reference.events import ProcessEvent
from reference.json_lines import decode_json_line
from reference.limits import WalConfig
from reference.messages import ERASE_LINE, give_up, say
from reference.stop_signals import StopSignals

RETRY_S: Final = 0.5
REDRAW_S: Final = 0.2
STATUS_S: Final = 1.0

Numbered = tuple[int, ProcessEvent]


def run(options: Namespace) -> int:
    """Run until the input ends or a signal comes; return 0 if nothing is left in the log.

    Raises BrokerAddressError, ConfigError, OpenRefused.
    """
    broker_path(os.environ)  # before the log is opened: a mistake in it is the caller's
    return asyncio.run(_Run(options).run())


@dataclass(slots=True)
class _Input:
    """What became of standard input."""

    refused: int = 0
    not_stored: int = 0
    failure: str = ""


class _Run:
    """One run of the command."""

    def __init__(self, options: Namespace) -> None:
        self._options = options
        self._input = _Input()
        self._stop_reader, self._stop_writer = os.pipe()
        self._ended = asyncio.Event()
        self._was_stopped = False

    async def run(self) -> int:
        options = self._options
        wal_config = WalConfig(
            rotation_bytes=options.rotation_bytes,
            file_bytes_max=max(options.rotation_bytes, WalConfig().file_bytes_max),
        )
        config = ConnectorConfig(buffer_bytes=options.buffer_bytes)
        try:
            async with await EventBusConnector.open(
                options.wal_dir, config, wal_config=wal_config
            ) as connector:
                connector.connect()
                for number in (signal.SIGTERM, signal.SIGINT):
                    asyncio.get_running_loop().add_signal_handler(number, self._stop)
                painter = asyncio.create_task(_show_status(connector, options.status_json))
                await self._read_all(connector)
                if not (self._was_stopped or self._input.failure):
                    await self._drain(connector)
                report = await connector.close()
                painter.cancel()
                await asyncio.wait((painter,))
        finally:
            self._tell_of_input()  # also if a defect ends it
        return self._conclude(report)

    def _stop(self) -> None:
        self._was_stopped = True
        os.write(self._stop_writer, b"x")
        self._ended.set()

    # ---- Input --------------------------------------------------------------

    async def _read_all(self, connector: EventBusConnector) -> None:
        """Return when the input has ended, or a signal came and its last piece is stored."""
        loop = asyncio.get_running_loop()
        done = loop.create_future()

        def store(batch: list[Numbered]) -> bool:
            return asyncio.run_coroutine_threadsafe(self._store(connector, batch), loop).result()

        def read() -> None:
            try:
                _read_lines(standard_input(), StopSignals(self._stop_reader), store, self._input)
            except BaseException as defect:
                # The thread shows where it was; the run ends as it does after any failure.
                self._input.failure = f"reading stopped: {defect!r}"
                raise
            finally:
                loop.call_soon_threadsafe(done.set_result, None)

        # A daemon: a read that never returns must not keep the process.
        thread = threading.Thread(target=read, name="standard-input", daemon=True)
        thread.start()
        await done
        thread.join()  # it has nothing left to do but to show a defect, which must not be cut off

    async def _store(self, connector: EventBusConnector, batch: list[Numbered]) -> bool:
        """Store the batch, taking out of it what is done; return False if no more can be stored."""
        told: type[AppendError] | None = None
        size = len(batch)
        while batch:
            size = min(size, len(batch))
            try:
                await connector.publish_batch([event for _, event in batch[:size]])
            except EventTooLarge as error:
                if size == 1:
                    self._input.refused += 1
                    say(f"refused: line {batch[0][0]}: {error}")
                    del batch[0]
                size = 1  # nothing was stored: find the one
            except AppendError as error:
                del batch[: len(error.stored)]
                if not error.retryable or self._was_stopped:
                    self._input.failure = str(error)
                    return False
                if type(error) is not told:
                    told = type(error)
                    say(f"waiting: {error}")
                # A disk that has no room for all may have some for a part, and delivering that
                # may be what frees more.
                if size == 1:
                    await self._pause(RETRY_S)
                size = max(1, size // 2)
            else:
                del batch[:size]
                size *= 2
        return True

    async def _pause(self, seconds: float) -> None:
        """Wait, but not longer than until a signal."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), seconds)

    async def _drain(self, connector: EventBusConnector) -> None:
        drained = asyncio.create_task(connector.drained(self._options.drain_seconds))
        stopped = asyncio.create_task(self._ended.wait())
        await asyncio.wait((drained, stopped), return_when=asyncio.FIRST_COMPLETED)
        for task in (drained, stopped):
            task.cancel()

    # ---- The end ------------------------------------------------------------

    def _tell_of_input(self) -> None:
        source = self._input
        if source.refused:
            say(f"lines refused: {source.refused}; the others are stored")
        if source.failure:
            say(f"failed: {source.failure}")
        if source.not_stored:
            say(f"events that were read and not stored: {source.not_stored}")

    def _conclude(self, report: ShutdownReport) -> int:
        source = self._input
        if not report.is_clean:
            say(
                f"not a clean end: {report.reason}; up to {report.repeats_possible} events may be "
                "sent again"
            )
        is_all_stored = not (source.failure or source.not_stored)
        if report.undelivered:
            say(f"{report.undelivered} events are left in the log; the next run sends them")
        else:
            say(f"everything{'' if is_all_stored else ' that was stored'} is acknowledged")
        return 0 if is_all_stored and not (report.undelivered or source.refused) else 1


def _read_lines(
    descriptor: int, stop: StopSignals, store: Callable[[list[Numbered]], bool], source: _Input
) -> None:
    """Read until the end, a signal, or a store that fails for good."""
    lines = LineReader()
    chunk = b"start"
    goes_on = True
    while chunk and goes_on and stop.wait_readable(descriptor):
        try:
            chunk = os.read(descriptor, READ_BYTES)
        except OSError as error:
            source.failure = f"standard input: {error}"
            return
        batch: list[Numbered] = []
        try:
            for number, line in lines.feed(chunk):
                try:
                    batch.append((number, decode_json_line(line, number)))
                except InvalidJsonLine as error:
                    source.refused += 1
                    say(f"refused: {error}")
            goes_on = store(batch)
        finally:
            source.not_stored += len(batch)  # what is left of it, whatever happened


# ---- Status -----------------------------------------------------------------


async def _show_status(connector: EventBusConnector, as_json: bool) -> None:
    """Keep whoever watches informed: a machine, a terminal, or a log of standard error."""
    output = sys.stdout if as_json else sys.stderr
    try:
        if as_json:
            await _print_status(
                connector, output, lambda status: json.dumps(status.as_json()), STATUS_S
            )
        elif output.isatty():
            await _draw_status(connector, output)
        else:
            await _print_status(connector, output, ConnectorStatus.as_line, None)
    except OSError as error:
        give_up(output)  # nobody reads it; events go on
        say(f"the status is not shown any more: {error}")


Notable = tuple[bool, str, str, bool]


def _notable(status: ConnectorStatus) -> Notable:
    """What is worth a line: not each attempt to connect, but why it fails."""
    return status.link == "online", status.problem, status.backpressure, status.spilled


async def _print_status(
    connector: EventBusConnector,
    output: TextIO,
    as_text: Callable[[ConnectorStatus], str],
    every_s: float | None,
) -> None:
    """Print a line when link or level change, and at least every so often if a time is given."""
    while True:
        status = connector.status()
        print(as_text(status), file=output, flush=True)
        await _next_notable(connector, _notable(status), every_s)


async def _next_notable(
    connector: EventBusConnector, notable: Notable, every_s: float | None
) -> None:
    async def wait() -> None:
        while _notable(connector.status()) == notable:
            await connector.changed(connector.revision)

    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(wait(), every_s)


async def _draw_status(connector: EventBusConnector, output: TextIO) -> None:
    """Keep one line of the terminal current."""
    try:
        while True:
            revision = connector.revision
            output.write(f"{ERASE_LINE}{connector.status().as_line()}")
            output.flush()
            await asyncio.sleep(REDRAW_S)
            await connector.changed(revision)
    finally:
        output.write(f"{ERASE_LINE}{connector.status().as_line()}\n")
        output.flush()
