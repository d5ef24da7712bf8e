"""Frames of the broker link with the name and value of every field beside the bytes.

    00000000  24 00 00 00              length             36
    00000004  00 00 00 00              tag                0 Hello
    ...

The transcript of section 18 of SPEC.md is made by this file.

Spec: LNK-1.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from reference.dump import Field, event_fields, format_fields
from reference.limits import LINK_LENGTH_BYTES
from reference.link_messages import TAGS, decode_message

_LAYOUTS: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "Hello": (
        ("protocol_version", "u32"), ("client_id", "text"), ("log_id", "id"),
        ("settled_through", "u64"),
    ),
    "Publish": (
        ("sequence", "u64"), ("topic", "text"), ("timestamp", "text"), ("event", "event"),
    ),
    "Ping": (("nonce", "u64"),),
    "Goodbye": (),
    "Welcome": (
        ("protocol_version", "u32"), ("window", "u32"), ("acknowledged_through", "u64"),
    ),
    "Acknowledge": (("through", "u64"),),
    "Refuse": (("sequence", "u64"), ("reason", "text")),
    "Pong": (("nonce", "u64"),),
    "Error": (("reason", "text"),),
}  # fmt: skip
_NAMES: Final = {tag: kind.__name__ for kind, tag in TAGS.items()}
_SIZES: Final = {"u32": 4, "u64": 8, "id": 16}


def dump_link_frame(frame: bytes) -> list[str]:
    """Return the lines for one whole frame. Raises a DecodeError subclass if it is no message."""
    decode_message(frame[LINK_LENGTH_BYTES:])
    return list(format_fields(_fields(frame), 0))


def _fields(frame: bytes) -> Iterator[Field]:
    """Yield the frame's fields. Its body is known to decode, in this version."""
    length, tag = (int.from_bytes(frame[at : at + 4], "little") for at in (0, 4))
    yield Field(frame[:4], "length", str(length))
    yield Field(frame[4:8], "tag", f"{tag} {_NAMES[tag]}")
    offset = 8
    for name, kind in _LAYOUTS[_NAMES[tag]]:
        if kind == "event":
            yield from event_fields(frame, offset)
        elif kind == "text":
            size = int.from_bytes(frame[offset : offset + 8], "little")
            yield Field(frame[offset : offset + 8], name, f"{size} bytes")
            text = frame[offset + 8 : offset + 8 + size]
            yield Field(text, "", repr(text.decode()))
            offset += 8 + size
        else:
            piece = frame[offset : offset + _SIZES[kind]]
            value = piece.hex() if kind == "id" else str(int.from_bytes(piece, "little"))
            yield Field(piece, name, value)
            offset += _SIZES[kind]
