"""`append`: JSON Lines on standard input to the log, sequence numbers on standard output.

Theory of operation. Whatever is waiting in the pipe is read at once and becomes one batch
with one sync, so a burst is batched and a lone line is not delayed. A number is printed
only after its event is durable. A line that is no event is refused by name on standard
error and costs only itself.

Spec: CLI-1.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Final, TextIO

from reference.errors import AppendError, EventTooLarge, InvalidJsonLine
from reference.events import ProcessEvent
from reference.json_lines import LINE_BYTES_MAX, decode_json_line
from reference.messages import say
from reference.stop_signals import StopSignals, stop_signals
from reference.wal import WriteAheadLog

READ_BYTES: Final = 2**20

Numbered = tuple[int, ProcessEvent]


def append_lines(log: WriteAheadLog, descriptor: int, output: TextIO, errors: TextIO) -> int:
    """Append every line until the input ends or a signal asks to stop.

    Returns how many lines were refused. Raises AppendError when the log cannot go on, after
    printing the numbers that are durable.
    """
    lines = LineReader()
    refused = 0
    with stop_signals() as stop:
        for chunk in _chunks(descriptor, stop):
            batch: list[Numbered] = []
            for number, line in lines.feed(chunk):
                try:
                    batch.append((number, decode_json_line(line, number)))
                except InvalidJsonLine as error:
                    refused += 1
                    say(f"refused: {error}", errors)
            refused += _append_batch(log, batch, output, errors)
    return refused


def _append_batch(log: WriteAheadLog, batch: list[Numbered], output: TextIO, errors: TextIO) -> int:
    """Append the batch and print its numbers; return how many events were too large."""
    refused = 0
    try:
        _print_all(log.append_batch([event for _, event in batch]), output)
    except EventTooLarge as error:
        if len(batch) == 1:
            say(f"refused: line {batch[0][0]}: {error}", errors)
            return 1
        # Nothing was stored: find the line by appending one at a time.
        for item in batch:
            refused += _append_batch(log, [item], output, errors)
    except AppendError as error:
        _print_all(error.stored, output)
        raise
    return refused


def _print_all(sequences: list[int] | tuple[int, ...], output: TextIO) -> None:
    if sequences:
        output.write("".join(f"{sequence}\n" for sequence in sequences))
        output.flush()


def _chunks(descriptor: int, stop: StopSignals) -> Iterator[bytes]:
    """Yield what is waiting; b"" once at the end of the input."""
    while stop.wait_readable(descriptor):
        chunk = os.read(descriptor, READ_BYTES)
        yield chunk
        if not chunk:
            return


class LineReader:
    """Cuts chunks into lines, numbered from 1; the last line needs no newline."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._number = 0

    def feed(self, chunk: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield the lines that are complete now. An empty chunk ends the last one."""
        searched = len(self._rest)
        self._rest += chunk
        start = 0
        while (end := self._rest.find(b"\n", max(start, searched))) >= 0:
            yield from self._line(bytes(self._rest[start:end]))
            start = end + 1
        del self._rest[:start]
        # A line without an end must not fill memory: what is kept is enough to be refused.
        del self._rest[LINE_BYTES_MAX + 1 :]
        if not chunk and self._rest:
            yield from self._line(bytes(self._rest))
            self._rest.clear()

    def _line(self, line: bytes) -> Iterator[tuple[int, bytes]]:
        self._number += 1
        if line.strip():
            yield self._number, line


def standard_input() -> int:
    """Return the descriptor of standard input."""
    return sys.stdin.fileno()
