"""The file in which the broker program records what it took: JSON Lines, appended.

    {"log_id":"<32 hex digits>","client_id":"procmond","sequence":"17",
     "topic":"events.process.start","timestamp":"2026-11-23T14:25:01.250Z","event":{...}}

`sequence` is a string of digits: many JSON readers hold numbers as floats, which are exact
up to 2^53 only.

What was refused is in a second file, named as the first with `.refused` behind it, which is
made at the first refusal: `{"log_id","sequence","reason"}`.

Theory of operation. The events of one step are written with one call, before any of them is
acknowledged, and a refusal before it is sent. A `kill -9` then loses nothing that was
answered; at worst the last line is cut. At start both files are read back, because a broker
that remembered what it took and not what it refused would claim an event that nobody has
(LNK-3.3). A last line without its newline was never answered, and is cut off; any other line
that cannot be read is an error, because dropping it would forget an answer.

A lock makes a second broker on the same file an error. Nothing is synced: the broker
survives its own death, not the machine's.

Not here: what is done with it (broker_server.py).

Spec: SIM-1.3, LNK-3.3.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from reference.json_lines import LINE_BYTES_MAX, event_as_json
from reference.limits import SEQUENCE_FIRST, SEQUENCE_MAX
from reference.segment_header import ID_BYTES
from reference.timestamps import format_rfc3339
from simulators.broker_memory import BrokerMemory, ReceivedEvent, RefusedEvent

REFUSALS_SUFFIX: Final = ".refused"
READ_BYTES: Final = 2**20
RECORD_LINE_BYTES_MAX: Final = LINE_BYTES_MAX + 2**16
_encode: Final = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), allow_nan=False, check_circular=False
).encode


class RecordError(Exception):
    """The file cannot be used. Nothing that could not be written was acknowledged."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")


def encode_received_line(received: ReceivedEvent) -> str:
    """Return the event's line, with its newline."""
    entry = received.entry
    value = {
        "log_id": received.log_id.hex(),
        "client_id": received.client_id,
        "sequence": str(entry.sequence),
        "topic": received.topic,
        "timestamp": format_rfc3339(entry.timestamp_ns),
        "event": event_as_json(entry.event),
    }
    return _encode(value) + "\n"


def encode_refused_line(refused: RefusedEvent) -> str:
    """Return the refusal's line, with its newline."""
    value = {
        "log_id": refused.log_id.hex(),
        "sequence": str(refused.sequence),
        "reason": refused.reason,
    }
    return _encode(value) + "\n"


class BrokerRecord:
    """Both files; the first is locked."""

    def __init__(self, path: Path) -> None:
        """Open the record, or create it for this user alone. Raises RecordError."""
        self.path = path
        self.cut_bytes = 0
        """How much of last lines `read_back` cut off."""
        self._events = _LinesFile(path)
        self._refusals: _LinesFile | None = None
        try:
            self._events.lock()
            if self._refusals_path.exists():
                self._refusals = _LinesFile(self._refusals_path)
        except RecordError:
            self.close()
            raise

    def read_back(self, memory: BrokerMemory | None) -> int:
        """Return how many events the record holds, and put its numbers into `memory`.

        Cuts off last lines without newline. Raises RecordError.
        """

        def take(line: bytes) -> None:
            log_id, sequence, _ = _decode_line(line)
            if memory is not None:
                memory.log(log_id).take(sequence)

        def refuse(line: bytes) -> None:
            log_id, sequence, reason = _decode_line(line)
            # Taken all the same: by a broker that was told to forget.
            if memory is not None and not memory.log(log_id).has_taken(sequence):
                memory.log(log_id).refuse(sequence, reason)

        count, self.cut_bytes = self._events.read_back(take)
        if self._refusals is not None:
            self.cut_bytes += self._refusals.read_back(refuse)[1]
        return count

    def append(self, events: Sequence[ReceivedEvent]) -> None:
        """Write the lines of the events, in one call. Raises RecordError."""
        self._events.append("".join(map(encode_received_line, events)))

    def append_refused(self, refusals: Sequence[RefusedEvent]) -> None:
        """Write the lines of the refusals. Raises RecordError."""
        if self._refusals is None:
            self._refusals = _LinesFile(self._refusals_path)
        self._refusals.append("".join(map(encode_refused_line, refusals)))

    def close(self) -> None:
        """Close the files, which unlocks them."""
        self._events.close()
        if self._refusals is not None:
            self._refusals.close()

    @property
    def _refusals_path(self) -> Path:
        return self.path.with_name(self.path.name + REFUSALS_SUFFIX)


def _decode_line(line: bytes) -> tuple[bytes, int, str]:
    """Return log_id, sequence and the reason, if any. Raises ValueError, KeyError, TypeError."""
    value = json.loads(line)
    log_id, sequence = bytes.fromhex(value["log_id"]), int(value["sequence"])
    if len(log_id) != ID_BYTES or not SEQUENCE_FIRST <= sequence <= SEQUENCE_MAX:
        raise ValueError(f"log_id {log_id.hex()}, sequence {sequence}")
    return log_id, sequence, str(value.get("reason", ""))


class _LinesFile:
    """A file of lines, open for appending."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            self._descriptor = os.open(path, flags, 0o600)
        except OSError as error:
            raise RecordError(path, f"cannot be opened: {error.strerror}") from error

    def lock(self) -> None:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise RecordError(
                self._path, "another broker records to it; give each its own --received"
            ) from error

    def read_back(self, use: Callable[[bytes], None]) -> tuple[int, int]:
        """Return how many lines there are, and how many bytes of a last one were cut off."""
        count = good_bytes = 0
        try:
            for line in self._lines():
                count += 1
                good_bytes += len(line) + 1
                try:
                    use(line)
                except (ValueError, KeyError, TypeError, RecursionError) as error:
                    raise RecordError(
                        self._path,
                        f"line {count} is no record of this broker ({repr(error)[:200]}); "
                        "name another file, or move this one away",
                    ) from error
            cut_bytes = os.fstat(self._descriptor).st_size - good_bytes
            if cut_bytes:
                os.ftruncate(self._descriptor, good_bytes)
        except OSError as error:
            raise RecordError(self._path, f"cannot be read back: {error.strerror}") from error
        return count, cut_bytes

    def append(self, lines: str) -> None:
        data = lines.encode()
        try:
            written = os.write(self._descriptor, data)
            while written < len(data):  # a disk that is nearly full
                written += os.write(self._descriptor, memoryview(data)[written:])
        except OSError as error:
            raise RecordError(self._path, f"cannot be written: {error.strerror}") from error

    def close(self) -> None:
        os.close(self._descriptor)

    def _lines(self) -> Iterator[bytes]:
        """Yield the lines that have their newline, without it."""
        rest, offset = b"", 0
        while chunk := os.pread(self._descriptor, READ_BYTES, offset):
            offset += len(chunk)
            *lines, rest = (rest + chunk).split(b"\n")
            yield from lines
            if len(rest) > RECORD_LINE_BYTES_MAX:
                raise RecordError(
                    self._path, f"a line of over {RECORD_LINE_BYTES_MAX} bytes is no record"
                )
