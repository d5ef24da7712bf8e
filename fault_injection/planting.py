"""A record that another writer has put into the log: sound, and not as the reference writes it.

The log's readers take any body up to 2^20 bytes, and any bytes in it whose CRC holds. Its own
writer stays below that, so an entry that is too large for the link, or cannot be decoded, can
only come from another. It goes behind the last record of the newest file, under the next number.

Spec: SCN-4.1, BUF-2.3, REC-11.1.
"""

from __future__ import annotations

from fault_injection.connector_steps import Plant
from fault_injection.damage import record_places, segment_at, segment_names
from fault_injection.errors import PlanError
from fault_injection.forged import header_of, sequence_at
from fault_injection.subject import CLOCK_NS, make_event
from reference.codec import encode_event, encode_timestamp
from reference.events import ProcessEvent
from reference.frame import encode_frame
from simulators.disk_image import Image


def planted(image: Image, step: Plant, pid: int) -> tuple[Image, int, ProcessEvent | None]:
    """Return the image with the record, its number, and its event if it can be decoded."""
    newest = segment_at(step, segment_names(image), -1)
    content = image[newest]
    header = header_of(content)
    places = record_places(content)
    sequence = sequence_at(content, places[-1][0]) + 1 if places else header.first_sequence
    timestamp = encode_timestamp(CLOCK_NS)
    shortest = encode_event(make_event(pid))
    padding = step.payload_bytes - len(timestamp) - len(shortest)
    if padding < 0:
        raise PlanError(f"{step}: the least is {step.payload_bytes - padding} bytes")
    event = make_event(pid, padding) if step.is_decodable else None
    body = b"\xff" * (len(shortest) + padding) if event is None else encode_event(event)
    frame = encode_frame(header.frame_key, len(content), sequence, timestamp + body)
    return {**image, newest: content + frame}, sequence, event
