"""The descriptors that a message on a socket takes with it (SCM_RIGHTS): out of sight, then.

Spec: PRT-2.1.
"""

from __future__ import annotations

import struct
from typing import Final

from fault_injection.ports.ptrace import read_memory
from fault_injection.ports.syscalls import SCM_RIGHTS, SENDMMSG, SOL_SOCKET

_MSGHDR: Final = struct.Struct("<QI4xQQQQi4x")
_MMSGHDR_BYTES: Final = _MSGHDR.size + 8
_CMSGHDR: Final = struct.Struct("<Qii")
_MESSAGES_MAX: Final = 1024
"""UIO_MAXIOV: the kernel takes no more."""


def sent_descriptors(tid: int, number: int, address: int, count: int) -> list[int]:
    """Return the descriptors in a call of sendmsg, or sendmmsg with so many messages."""
    if number != SENDMMSG:
        return _of_message(tid, address)
    found = []
    for index in range(min(count & 0xFFFFFFFF, _MESSAGES_MAX)):
        found += _of_message(tid, address + index * _MMSGHDR_BYTES)
    return found


def _of_message(tid: int, address: int) -> list[int]:
    head = read_memory(tid, address, _MSGHDR.size)
    if len(head) < _MSGHDR.size:
        return []
    _, _, _, _, control, length, _ = _MSGHDR.unpack(head)
    data = read_memory(tid, control, min(length, 1 << 20)) if control else b""
    found: list[int] = []
    offset = 0
    while offset + _CMSGHDR.size <= len(data):
        size, level, kind = _CMSGHDR.unpack_from(data, offset)
        if size < _CMSGHDR.size:
            break
        if (level, kind) == (SOL_SOCKET, SCM_RIGHTS):
            body = data[offset + _CMSGHDR.size : offset + size]
            found += [each for (each,) in struct.iter_unpack("<i", body[: len(body) // 4 * 4])]
        offset += (size + 7) & ~7
    return found
