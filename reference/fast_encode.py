"""The fast path of `codec.encode_event`: the same bytes, for the events that most are.

An append is mostly encoding, and a third of that was packing one number at a time. So this
file takes lengths from a table, packs the numbers in the middle at once, and leaves long texts
and everything wrong to the plain encoder. It promises only this:

- a result that is not None is what the plain encoder would return (a property test compares
  the two);
- None means "ask the plain encoder", which then returns the bytes or names the field that
  does not fit.

Only codec.py imports this file. Reading order: the layout is explained in codec.py.

Spec: FMT-2.
"""

from __future__ import annotations

import struct
from math import isfinite
from typing import Final

from reference.events import EventType, ProcessEvent
from reference.limits import NS_PER_S
from reference.timestamps import TIME_NS_MAX

_TABLE_LENGTHS: Final = 1024
"""A text of this many bytes or more is unusual."""
_LENGTH: Final = tuple(struct.pack("<Q", n) for n in range(_TABLE_LENGTHS))
_SOME_LENGTH: Final = tuple(struct.pack("<BQ", 1, n) for n in range(_TABLE_LENGTHS))
_NONE: Final = b"\x00"
_pack_head = struct.Struct("<IIBI").pack  # event_type, pid, tag, ppid
_pack_head_without_ppid = struct.Struct("<IIB").pack
_pack_time = struct.Struct("<BQI").pack
_pack_float = struct.Struct("<Bd").pack
_pack_u64 = struct.Struct("<BQ").pack
_pack_numbers = struct.Struct("<BQIBdBQ").pack  # start_time, cpu_usage, memory_usage
_pack_end = struct.Struct("<??QIB").pack  # accessible, file_exists, timestamp, tag of metadata


def encode_event_fast(event: ProcessEvent) -> bytes | None:
    """Return the event's bytes, or None if anything about it is unusual or wrong."""
    try:
        (
            event_type, pid, ppid, name, executable_path, command_line, start_time_ns, cpu_usage,
            memory_usage, executable_hash, hash_algorithm, user_id, accessible, file_exists,
            timestamp_ns, platform_metadata,
        ) = event  # fmt: skip
        if (
            type(event_type) is not EventType
            or type(accessible) is not bool
            or type(file_exists) is not bool
            or type(command_line) is not tuple  # a text would be stored as its letters
            or timestamp_ns > TIME_NS_MAX
        ):
            return None
        text = name.encode()
        if ppid is None:
            parts = [_pack_head_without_ppid(event_type, pid, 0), _LENGTH[len(text)], text]
        else:
            parts = [_pack_head(event_type, pid, 1, ppid), _LENGTH[len(text)], text]
        if executable_path is None:
            parts.append(_NONE)
        else:
            text = executable_path.encode()
            parts += (_SOME_LENGTH[len(text)], text)
        parts.append(_LENGTH[len(command_line)])
        for argument in command_line:
            text = argument.encode()
            parts += (_LENGTH[len(text)], text)
        if start_time_ns is None or cpu_usage is None or memory_usage is None:
            parts.append(_encode_numbers(start_time_ns, cpu_usage, memory_usage))
        elif type(cpu_usage) is float and isfinite(cpu_usage) and start_time_ns <= TIME_NS_MAX:
            seconds, nanoseconds = start_time_ns // NS_PER_S, start_time_ns % NS_PER_S
            parts.append(_pack_numbers(1, seconds, nanoseconds, 1, cpu_usage, 1, memory_usage))
        else:
            return None
        if executable_hash is None or hash_algorithm is None:
            if executable_hash is not hash_algorithm:
                return None
            parts.append(_NONE + _NONE)
        else:
            text, algorithm = executable_hash.encode(), hash_algorithm.encode()
            parts += (_SOME_LENGTH[len(text)], text, _SOME_LENGTH[len(algorithm)], algorithm)
        if user_id is None:
            parts.append(_NONE)
        else:
            text = user_id.encode()
            parts += (_SOME_LENGTH[len(text)], text)
        seconds, nanoseconds = timestamp_ns // NS_PER_S, timestamp_ns % NS_PER_S
        if platform_metadata is None:
            parts.append(_pack_end(accessible, file_exists, seconds, nanoseconds, 0))
        else:
            text = platform_metadata.encode()
            end = _pack_end(accessible, file_exists, seconds, nanoseconds, 1)
            parts += (end, _LENGTH[len(text)], text)
    except (struct.error, AttributeError, TypeError, ValueError, IndexError):
        return None
    return b"".join(parts)


def _encode_numbers(
    start_time_ns: int | None, cpu_usage: float | None, memory_usage: int | None
) -> bytes:
    """Return the three numbers of which one at least is absent. Raises ValueError, struct.error."""
    start_time = cpu = memory = _NONE
    if start_time_ns is not None:
        if start_time_ns > TIME_NS_MAX:
            raise ValueError(start_time_ns)
        start_time = _pack_time(1, start_time_ns // NS_PER_S, start_time_ns % NS_PER_S)
    if cpu_usage is not None:
        if type(cpu_usage) is not float or not isfinite(cpu_usage):
            raise ValueError(cpu_usage)
        cpu = _pack_float(1, cpu_usage)
    if memory_usage is not None:
        memory = _pack_u64(1, memory_usage)
    return start_time + cpu + memory
