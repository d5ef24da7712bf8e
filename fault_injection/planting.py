"""A record that another writer has put into the log: sound, and not as the reference writes it.

The log's readers take any body up to 2^20 bytes, and any bytes in it whose CRC holds. Its own
writer stays below that, so an entry that is too large for the link, or cannot be decoded, can
only come from another. It goes behind the last record of the newest file, under the next number.

Spec: SCN-4.1, BUF-2.3, REC-11.1.
"""

from __future__ import annotations

import struct
from typing import Final

from fault_injection.connector_steps import Plant
from fault_injection.damage import record_places, segment_names
from fault_injection.errors import PlanError
from fault_injection.subject import CLOCK_NS, make_event
from reference.codec import encode_event, encode_timestamp
from reference.events import ProcessEvent
from reference.frame import encode_frame
from reference.limits import HEADER_BYTES
from reference.segment_header import SegmentHeader, decode_segment_header
from simulators.disk_image import Image

_SEQUENCE: Final = struct.Struct("<Q")


def planted(image: Image, step: Plant, pid: int) -> tuple[Image, int, ProcessEvent | None]:
    """Return the image with the record, its number, and its event if it can be decoded."""
    names = segment_names(image)
    if not names:
        raise PlanError(f"{step}: there is no log yet")
    content = image[names[-1]]
    header = decode_segment_header(content[:HEADER_BYTES])
    places = record_places(content)
    if not isinstance(header, SegmentHeader):
        raise PlanError(f"{step}: {names[-1]} has no sound header")
    sequence = header.first_sequence
    if places:
        sequence = _SEQUENCE.unpack_from(content, places[-1][0] + 8)[0] + 1
    timestamp = encode_timestamp(CLOCK_NS)
    shortest = encode_event(make_event(pid))
    padding = step.payload_bytes - len(timestamp) - len(shortest)
    if padding < 0:
        raise PlanError(f"{step}: the least is {step.payload_bytes - padding} bytes")
    event = make_event(pid, padding) if step.is_decodable else None
    body = b"\xff" * (len(shortest) + padding) if event is None else encode_event(event)
    frame = encode_frame(header.frame_key, len(content), sequence, timestamp + body)
    return {**image, names[-1]: content + frame}, sequence, event
