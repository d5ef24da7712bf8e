"""The dead-letter file: events that can never be delivered, with the reason.

An event comes here when the broker refused it for good, or when its bytes verify but
cannot be decoded. It counts as settled only after its line is durable (trap T5).

`procmond.dead` is text, one record a line, so that a person can read it with any tool:

    1c291ca3 {"log_id":"...","sequence":"7","reason":"...","payload":"<hex>"}
    ^ CRC-32 of the JSON, eight hex digits

`payload` is the encoded timestamp and event (frame.py). A torn or rotten line is skipped
by readers and costs only itself: a writer begins with a newline unless the file is new. The
same (log_id, sequence) may appear twice; readers drop the repeat.

Two consequences of failed syncs. A line whose sync failed is appended again as a whole, not
synced again. And letters that are found at open are not believed to be durable: an entry
that is still in the log then gets its line once more.

Spec: DLQ-1.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from reference.crc import crc32
from reference.filesystem import Filesystem
from reference.limits import MIB, READ_CHUNK_BYTES
from reference.names import DEAD_LETTERS_NAME
from reference.segment_files import write_fully

LINE_BYTES_MAX: Final = 4 * MIB
"""Twice the largest event in hex; what is longer between two newlines is no record."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that will not be delivered. `payload` is its encoded timestamp and event."""

    log_id: bytes
    sequence: int
    reason: str
    payload: bytes


def encode_dead_letter(letter: DeadLetter) -> bytes:
    """Return the letter's line, with its newline."""
    text = json.dumps(
        {
            "log_id": letter.log_id.hex(),
            "sequence": str(letter.sequence),
            "reason": letter.reason,
            "payload": letter.payload.hex(),
        },
        separators=(",", ":"),
    ).encode()
    return b"%08x %s\n" % (crc32(text), text)


def decode_dead_letter(line: bytes) -> DeadLetter | None:
    """Return the letter on a line, or None if its CRC does not hold."""
    crc, _, text = line.rstrip(b"\n").partition(b" ")
    if crc != b"%08x" % crc32(text):
        return None
    try:
        value = json.loads(text)
        return DeadLetter(
            bytes.fromhex(value["log_id"]),
            int(value["sequence"]),
            value["reason"],
            bytes.fromhex(value["payload"]),
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return None  # another program's line that happens to carry a right CRC


class DeadLetterFile:
    """The dead-letter file of one directory."""

    def __init__(self, filesystem: Filesystem, size_bytes: int | None) -> None:
        """`size_bytes` is what the directory listing said, None if there is no file."""
        self._filesystem = filesystem
        self._exists = size_bytes is not None
        self._name_is_durable = False
        self.size_bytes = size_bytes or 0

    def append(self, letters: Iterable[DeadLetter]) -> None:
        """Make the letters durable. Raises OSError: then they count as not stored."""
        data = b"".join(encode_dead_letter(letter) for letter in letters)
        if not self._exists:
            self._filesystem.create_exclusive(DEAD_LETTERS_NAME)
        else:
            # What the page cache shows of the last line may not be on disk, its newline
            # included: so never trust it, and never glue two lines together.
            data = b"\n" + data
        self._exists = True
        try:
            write_fully(self._filesystem, DEAD_LETTERS_NAME, data)
            self._filesystem.sync(DEAD_LETTERS_NAME)
            if not self._name_is_durable:
                self._filesystem.sync_directory()
                self._name_is_durable = True
        finally:
            self.size_bytes = self._current_size()

    def letters(self) -> Iterator[DeadLetter]:
        """Yield every sound letter in file order, streaming. Raises OSError."""
        rest = b""
        offset = 0
        while self._exists and (chunk := self._read(offset, READ_CHUNK_BYTES)):
            offset += len(chunk)
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > LINE_BYTES_MAX:
                rest = b""
            for line in lines:
                letter = decode_dead_letter(line)
                if letter is not None:
                    yield letter

    def _read(self, offset: int, count: int) -> bytes:
        return self._filesystem.read(DEAD_LETTERS_NAME, offset, count)

    def _current_size(self) -> int:
        for entry in self._filesystem.list():
            if entry.name == DEAD_LETTERS_NAME:
                return entry.size_bytes
        return 0
