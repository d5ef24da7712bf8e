"""The fast path of `codec.decode_event`: the same bytes, inlined, for replay.

Replay decodes every record of a backlog, and calls per field were two thirds of its
cost. So this file spells the schema out once more without calls, and slices text from one
decoded copy instead of decoding every piece. It promises only this:

- a result that is not None is what the plain decoder would return (a property test
  compares the two on valid and on damaged bytes);
- None means "ask the plain decoder", which then returns the event or names the fault.

Every length is checked before its slice, as there. Only codec.py imports
this file. Reading order: the layout is explained in codec.py.
"""

from __future__ import annotations

import math
import struct
from typing import Final

from reference.events import EventType, ProcessEvent
from reference.limits import NS_PER_S
from reference.timestamps import SECONDS_MAX

_EVENT_TYPES: Final = tuple(EventType)
_unpack_head = struct.Struct("<IIB").unpack_from  # event_type, pid, tag of ppid
_unpack_u32 = struct.Struct("<I").unpack_from
_unpack_u64 = struct.Struct("<Q").unpack_from
_unpack_f64 = struct.Struct("<d").unpack_from
_unpack_time = struct.Struct("<QI").unpack_from
_unpack_tail = struct.Struct("<BBQIB").unpack_from  # two bools, timestamp, tag of metadata


def decode_event_fast(data: bytes, offset: int) -> tuple[ProcessEvent, int] | None:
    """Return the event at `offset` and the offset behind it, or None if anything is odd."""
    size = len(data)
    latin = data.decode("latin-1")  # one call; a slice of it is right where it is ASCII
    try:
        type_tag, pid, tag = _unpack_head(data, offset)
        event_type = _EVENT_TYPES[type_tag]
        ppid = None
        offset += 9
        if tag:
            (ppid,) = _unpack_u32(data, offset)
            offset += 4
        odd = tag > 1

        start = offset + 8
        offset = start + _unpack_u64(data, offset)[0]
        odd |= offset > size
        name = latin[start:offset]
        if not name.isascii():
            name = data[start:offset].decode()

        executable_path = None
        tag = data[offset]
        offset += 1
        if tag:
            start = offset + 8
            offset = start + _unpack_u64(data, offset)[0]
            executable_path = latin[start:offset]
            if not executable_path.isascii():
                executable_path = data[start:offset].decode()
            odd |= tag > 1 or offset > size

        (count,) = _unpack_u64(data, offset)
        offset += 8
        if odd or count * 8 > size - offset:
            return None
        command_line = []
        for _ in range(count):
            start = offset + 8
            offset = start + _unpack_u64(data, offset)[0]
            argument = latin[start:offset]
            if not argument.isascii():
                argument = data[start:offset].decode()
            command_line.append(argument)
        odd = offset > size

        start_time_ns = None
        tag = data[offset]
        offset += 1
        if tag:
            seconds, nanoseconds = _unpack_time(data, offset)
            start_time_ns = seconds * NS_PER_S + nanoseconds
            offset += 12
            odd |= tag > 1 or seconds > SECONDS_MAX or nanoseconds >= NS_PER_S
        cpu_usage = None
        tag = data[offset]
        offset += 1
        if tag:
            (cpu_usage,) = _unpack_f64(data, offset)
            offset += 8
            odd |= tag > 1 or not math.isfinite(cpu_usage)
        memory_usage = None
        tag = data[offset]
        offset += 1
        if tag:
            (memory_usage,) = _unpack_u64(data, offset)
            offset += 8
            odd |= tag > 1

        executable_hash = hash_algorithm = user_id = None
        hash_tag = data[offset]
        offset += 1
        if hash_tag:
            start = offset + 8
            offset = start + _unpack_u64(data, offset)[0]
            executable_hash = latin[start:offset]
            if not executable_hash.isascii():
                executable_hash = data[start:offset].decode()
        tag = data[offset]
        offset += 1
        if tag:
            start = offset + 8
            offset = start + _unpack_u64(data, offset)[0]
            hash_algorithm = latin[start:offset]
            if not hash_algorithm.isascii():
                hash_algorithm = data[start:offset].decode()
        odd |= tag > 1 or hash_tag != tag
        tag = data[offset]
        offset += 1
        if tag:
            start = offset + 8
            offset = start + _unpack_u64(data, offset)[0]
            user_id = latin[start:offset]
            if not user_id.isascii():
                user_id = data[start:offset].decode()
            odd |= tag > 1

        accessible, file_exists, seconds, nanoseconds, tag = _unpack_tail(data, offset)
        offset += 15
        odd |= accessible > 1 or file_exists > 1
        odd |= seconds > SECONDS_MAX or nanoseconds >= NS_PER_S
        platform_metadata = None
        if tag:
            start = offset + 8
            offset = start + _unpack_u64(data, offset)[0]
            platform_metadata = latin[start:offset]
            if not platform_metadata.isascii():
                platform_metadata = data[start:offset].decode()
            odd |= tag > 1
    except (struct.error, IndexError, OverflowError, UnicodeDecodeError):
        return None
    if odd or offset > size:
        return None
    return ProcessEvent(
        event_type, pid, ppid, name, executable_path, tuple(command_line), start_time_ns,
        cpu_usage, memory_usage, executable_hash, hash_algorithm, user_id, accessible == 1,
        file_exists == 1, seconds * NS_PER_S + nanoseconds, platform_metadata,
    ), offset  # fmt: skip
