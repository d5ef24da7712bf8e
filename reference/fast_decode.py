"""The fast path of `codec.decode_event`: the same bytes, inlined, for replay.

Replay decodes every record of a backlog, and calls per field were two thirds of its
cost. So this file spells the schema out once more without calls, takes what usually stands
side by side in one unpacking, and slices text from one decoded copy instead of decoding every
piece. It promises only this:

- a result that is not None is what the plain decoder would return (a property test
  compares the two on valid and on damaged bytes);
- None means "ask the plain decoder", which then returns the event or names the fault.

Every length is checked before its slice, as there. Only codec.py and frame.py import
this file. Reading order: the layout is explained in codec.py.
"""

from __future__ import annotations

import struct
from math import isfinite
from typing import Final

from reference.events import EventType, ProcessEvent
from reference.limits import NS_PER_S
from reference.timestamps import SECONDS_MAX

_EVENT_TYPES: Final = tuple(EventType)
_unpack_head = struct.Struct("<IIBIQ").unpack_from  # event_type, pid, tag, ppid, length of name
_unpack_head_without_ppid = struct.Struct("<IIBQ").unpack_from
_unpack_u64 = struct.Struct("<Q").unpack_from
_unpack_optional_u64 = struct.Struct("<BQ").unpack_from  # or a tag 0, and what lies behind it
# start_time, cpu_usage, memory_usage, each with its tag, and the tag of the hash
_unpack_numbers = struct.Struct("<BQIBdBQB").unpack_from
_NUMBERS_BYTES: Final = 32
_unpack_f64 = struct.Struct("<d").unpack_from
_unpack_time = struct.Struct("<QI").unpack_from
_unpack_tail = struct.Struct("<BBQIB").unpack_from  # two bools, timestamp, tag of metadata
_new = tuple.__new__  # of a named tuple, without the call that it puts before this one


def decode_event_fast(data: bytes, offset: int) -> tuple[ProcessEvent, int] | None:
    """Return the event at `offset` and the offset behind it, or None if anything is odd."""
    size = len(data)
    latin = data.decode("latin-1")  # one call; a slice of it is right where it is ASCII
    try:
        type_tag, pid, tag, ppid, length = _unpack_head(data, offset)
        offset += 21
        odd = tag > 1
        if not tag:
            _, _, _, length = _unpack_head_without_ppid(data, offset - 21)
            ppid = None
            offset -= 4
        start, offset = offset, offset + length
        name = latin[start:offset]
        if not name.isascii():
            name = data[start:offset].decode()

        executable_path = None
        tag, length = _unpack_optional_u64(data, offset)
        offset += 1
        if tag:
            start = offset + 8
            offset = start + length
            executable_path = latin[start:offset]
            if not executable_path.isascii():
                executable_path = data[start:offset].decode()
            odd |= tag > 1

        (count,) = _unpack_u64(data, offset)
        offset += 8
        if odd or count * 8 > size - offset:
            return None
        command_line = []
        for _ in range(count):
            (length,) = _unpack_u64(data, offset)
            start = offset + 8
            offset = start + length
            argument = latin[start:offset]
            if not argument.isascii():
                argument = data[start:offset].decode()
            command_line.append(argument)

        start_time_ns = cpu_usage = memory_usage = None
        time_tag = cpu_tag = memory_tag = 0
        if size - offset >= _NUMBERS_BYTES:  # else some are absent
            time_tag, seconds, nanoseconds, cpu_tag, cpu, memory_tag, memory, hash_tag = (
                _unpack_numbers(data, offset)
            )
        if time_tag == cpu_tag == memory_tag == 1:
            start_time_ns = seconds * NS_PER_S + nanoseconds
            cpu_usage, memory_usage = cpu, memory
            odd = seconds > SECONDS_MAX or nanoseconds >= NS_PER_S or not isfinite(cpu)
            offset += _NUMBERS_BYTES
        else:
            tag = data[offset]
            offset += 1
            if tag:
                seconds, nanoseconds = _unpack_time(data, offset)
                start_time_ns = seconds * NS_PER_S + nanoseconds
                offset += 12
                odd = tag > 1 or seconds > SECONDS_MAX or nanoseconds >= NS_PER_S
            tag = data[offset]
            offset += 1
            if tag:
                (cpu_usage,) = _unpack_f64(data, offset)
                offset += 8
                odd |= tag > 1 or not isfinite(cpu_usage)
            tag = data[offset]
            offset += 1
            if tag:
                (memory_usage,) = _unpack_u64(data, offset)
                offset += 8
                odd |= tag > 1
            hash_tag = data[offset]
            offset += 1

        executable_hash = hash_algorithm = user_id = None
        if hash_tag:
            start = offset + 8
            offset = start + _unpack_u64(data, offset)[0]
            executable_hash = latin[start:offset]
            if not executable_hash.isascii():
                executable_hash = data[start:offset].decode()
            tag, length = _unpack_optional_u64(data, offset)
            start = offset + 9
            offset = start + length
            hash_algorithm = latin[start:offset]
            if not hash_algorithm.isascii():
                hash_algorithm = data[start:offset].decode()
            odd |= not hash_tag == tag == 1
        else:
            odd |= data[offset] != 0  # the algorithm's tag
            offset += 1
        tag, length = _unpack_optional_u64(data, offset)
        offset += 1
        if tag:
            start = offset + 8
            offset = start + length
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
        event_type = _EVENT_TYPES[type_tag]
    except (struct.error, IndexError, OverflowError, UnicodeDecodeError):
        return None
    if odd or offset > size:
        return None
    event: ProcessEvent = _new(
        ProcessEvent,
        (
            event_type, pid, ppid, name, executable_path, tuple(command_line), start_time_ns,
            cpu_usage, memory_usage, executable_hash, hash_algorithm, user_id, accessible == 1,
            file_exists == 1, seconds * NS_PER_S + nanoseconds, platform_metadata,
        ),
    )  # fmt: skip
    return event, offset
