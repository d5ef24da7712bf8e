"""What a file and a directory are once some micro-operations have reached the medium.

Bytes inside a file's size that no operation has reached were never written there: a
filesystem shows zeros, or what was on those blocks before. Callers pass the filling.

Spec: SIM-2.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from simulators.persistence import Kind, Operation

Image = dict[str, bytes]
"""Name to content: a directory."""

GARBAGE: Final = bytes((37 * index + 11) % 251 + 1 for index in range(251))
"""Never zero, no period that a format has."""


def zeros(count: int) -> bytes:
    """Blocks that the filesystem has cleared."""
    return bytes(count)


def garbage(count: int) -> bytes:
    """Blocks as some other file left them."""
    return (GARBAGE * (count // len(GARBAGE) + 1))[:count]


FILLINGS: Final = {"zeros": zeros, "garbage": garbage}


def content_after(durable: bytes, operations: Iterable[Operation], filling: str) -> bytes:
    """Return the file's content after the operations on it, in the order of issue.

    A WRITE beyond the size that is reached in the end does not show.
    """
    operations = list(operations)
    fill = FILLINGS[filling]
    size = len(durable)
    reach = max([size, *map(_end, operations)])
    content = bytearray(durable + fill(reach - size))
    for operation in operations:
        if operation.kind is Kind.WRITE:
            content[operation.offset : operation.offset + len(operation.data)] = operation.data
        elif operation.kind is Kind.SIZE:
            if operation.offset < size:  # cut off; what grows there later is not the old content
                content[operation.offset :] = fill(len(content) - operation.offset)
            size = operation.offset
            content[size - len(operation.data) : size] = operation.data
    return bytes(content[:size])


def _end(operation: Operation) -> int:
    if operation.kind is Kind.WRITE:
        return operation.offset + len(operation.data)
    return operation.offset


def names_after(names: Mapping[str, int], operations: Iterable[Operation]) -> dict[str, int]:
    """Return name to inode after the operations, in the order of issue."""
    result = dict(names)
    for operation in operations:
        if operation.kind is Kind.ADD:
            result[operation.name] = operation.inode
        elif operation.kind is Kind.DELETE:
            result.pop(operation.name, None)
    return result
