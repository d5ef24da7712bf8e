"""What is stored: events of everyday size, the same ones for every contestant.

A *payload* is what the log keeps of an entry: the encoded time of storing and the encoded
event behind it. The peers get the same bytes as the value, so that all store the same, and
all give back the same `LogEntry`.

Not here: who stores them (stores.py, peers.py).
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Final

from reference.codec import decode_event_at, decode_timestamp_at, encode_event, encode_timestamp
from reference.events import LogEntry, ProcessEvent
from reference.frame import encode_frame
from reference.limits import FRAMES_OFFSET
from reference.segment_header import FrameKey
from simulators.synthetic_events import synthetic_events

EVENT_BYTES_BELOW: Final = 600
"""The long tail is left out: one event of 100 KiB in a piece would be all that is measured."""


def typical_events(count: int) -> list[ProcessEvent]:
    """Return `count` synthetic events, the same ones each time."""
    events: list[ProcessEvent] = []
    for event in synthetic_events(count * 2 + 100, 1):
        if len(encode_event(event)) < EVENT_BYTES_BELOW:
            events.append(event)
        if len(events) == count:
            break
    assert len(events) == count
    return events


def payloads_of(events: Sequence[ProcessEvent]) -> list[bytes]:
    """Return what the log would keep of the events, stored together now."""
    timestamp = encode_timestamp(time.time_ns())
    return [timestamp + encode_event(event) for event in events]


def entry_of(sequence: int, payload: bytes) -> LogEntry:
    """Return the entry of a payload, as replay of the log does."""
    timestamp_ns, offset = decode_timestamp_at(payload, 0)
    event, _ = decode_event_at(payload, offset)
    return LogEntry(sequence, timestamp_ns, event)


def json_of(events: Sequence[ProcessEvent]) -> list[bytes]:
    """Return the events as most programs would store them."""
    return [json.dumps(event).encode() for event in events]


def frames_of(events: Sequence[ProcessEvent]) -> list[bytes]:
    """Return the bytes that the log writes for the events."""
    frames, offset = [], FRAMES_OFFSET
    for sequence, payload in enumerate(payloads_of(events), 1):
        frame = encode_frame(FrameKey(1, 2), offset, sequence, payload)
        frames.append(frame)
        offset += len(frame)
    return frames
