"""The envelope of the broker link: a u32 length, little-endian, then that many bytes.

    +0  4  length of the body, 4 .. 2^20
    +4     body: one message (link_messages.py)

Theory of operation. A stream delivers bytes in any pieces; `FrameReader` is fed them and
gives back whole bodies. A length outside the bounds is an error as soon as its four bytes
are there, before anything is kept for it: a hostile length must not become memory. So a
reader holds one frame at the most, and the rest of what it was just fed.

There is no way to find the next frame after an error: the connection has to be closed.

Spec: LNK-1.1, LNK-1.2.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from reference.connector_errors import FrameLengthOutOfRange
from reference.limits import LINK_BODY_BYTES_MAX, LINK_LENGTH_BYTES
from reference.link_messages import LinkMessage, encode_message

_LENGTH: Final = struct.Struct("<I")
_BODY_BYTES_MIN: Final = 4
"""The tag."""


def encode_frame(body: bytes) -> bytes:
    """Return the frame around a body, which is not longer than the limit."""
    assert _BODY_BYTES_MIN <= len(body) <= LINK_BODY_BYTES_MAX, len(body)
    return _LENGTH.pack(len(body)) + body


def encode_message_frame(message: LinkMessage) -> bytes:
    """Return the message as it goes over the socket."""
    return encode_frame(encode_message(message))


class FrameReader:
    """Cuts a stream into bodies."""

    def __init__(self) -> None:
        self._held = bytearray()

    @property
    def held_bytes(self) -> int:
        """What was fed and is not part of a whole frame yet."""
        return len(self._held)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the bodies that are complete now, in order.

        Raises FrameLengthOutOfRange behind the last good one; the reader is of no use then.
        What is not consumed of the iterator is not cut: exhaust it before feeding again.
        """
        self._held += data
        start = 0
        try:
            while len(self._held) - start >= LINK_LENGTH_BYTES:
                (length,) = _LENGTH.unpack_from(self._held, start)
                if not _BODY_BYTES_MIN <= length <= LINK_BODY_BYTES_MAX:
                    raise FrameLengthOutOfRange(length, _BODY_BYTES_MIN, LINK_BODY_BYTES_MAX)
                end = start + LINK_LENGTH_BYTES + length
                if end > len(self._held):
                    return
                body = bytes(self._held[start + LINK_LENGTH_BYTES : end])
                start = end
                yield body
        finally:
            del self._held[:start]
