"""What a file and a directory are once some micro-operations have reached the medium.

Bytes inside a file's size that no operation has reached were never written there: a
filesystem shows zeros, or what was on those blocks before: garbage, or the bytes of an earlier
file (previous_content.py). Callers pass the filling. Durable bytes can be such *holes* too,
where a failed sync kept the size and not the bytes.

Spec: SIM-2.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from simulators.persistence import Kind, Operation

Image = dict[str, bytes]
"""Name to content: a directory."""


def changed_names(
    before: Mapping[str, bytes | None], after: Mapping[str, bytes | None]
) -> list[str]:
    """Return the names that only one of them has, or that do not have the same content.

    None is the content of what is no regular file: it is something, and not nothing.
    """
    one_sided = before.keys() ^ after.keys()
    return sorted(one_sided | {n for n in before.keys() - one_sided if before[n] != after[n]})


GARBAGE: Final = bytes((37 * index + 11) % 251 + 1 for index in range(251))
"""Never zero, no period that a format has."""


def zeros(count: int) -> bytes:
    """Blocks that the filesystem has cleared."""
    return bytes(count)


def garbage(count: int) -> bytes:
    """Blocks as some other file left them."""
    return (GARBAGE * (count // len(GARBAGE) + 1))[:count]


FILLINGS: Final = {"zeros": zeros, "garbage": garbage}
PREVIOUS: Final = "previous"
"""The third: what an earlier file left, and garbage where it left nothing."""
Holes = Sequence[tuple[int, int]]
"""Stretches [start, end) of a durable file that no write has reached."""


def fillings(previous: Mapping[int, bytes]) -> Sequence[str]:
    """Return the fillings that can differ, given what earlier files left."""
    return (*FILLINGS, PREVIOUS) if any(previous.values()) else tuple(FILLINGS)


def blank_bytes(filling: str, count: int, previous: bytes) -> bytes:
    """Return what a file's first bytes are where nothing was written."""
    if filling == PREVIOUS:
        return previous[:count] + garbage(count)[len(previous) :]
    return FILLINGS[filling](count)


def content_after(
    durable: bytes, operations: Iterable[Operation], filling: str, previous: bytes = b"",
    holes: Holes = (),
) -> bytes:  # fmt: skip
    """Return the file's content after the operations on it, in the order of issue.

    A WRITE beyond the size that is reached in the end does not show.
    """
    operations = list(operations)
    size = len(durable)
    reach = max([size, *(each.end for each in operations)])
    blank = blank_bytes(filling, reach, previous)
    content = bytearray(durable + blank[size:])
    for start, end in holes:
        content[start:end] = blank[start:end]
    for operation in operations:
        if operation.kind is Kind.WRITE:
            content[operation.offset : operation.end] = operation.data
        elif operation.kind is Kind.SIZE:
            if operation.offset < size:  # cut off; what grows there later is not the old content
                content[operation.offset :] = blank[operation.offset :]
            size = operation.offset
            content[size - len(operation.data) : size] = operation.data
    return bytes(content[:size])


def holes_after(size: int, operations: Iterable[Operation], holes: Holes) -> Holes:
    """Return which bytes are holes after the operations, in the order of issue."""
    operations = list(operations)
    reach = max([size, *(each.end for each in operations)])
    found = [*holes, (size, reach)]
    for operation in operations:
        end = operation.end
        if operation.kind is Kind.SIZE:
            if end < size:
                found.append((end, reach))
            size = end
        found = _without(found, end - len(operation.data), end)
    return [(start, min(end, size)) for start, end in found if start < min(end, size)]


def _without(stretches: Holes, start: int, end: int) -> list[tuple[int, int]]:
    kept: list[tuple[int, int]] = []
    for low, high in stretches:
        kept += [(low, min(high, start)), (max(low, end), high)]
    return [(low, high) for low, high in kept if low < high]


def names_after(names: Mapping[str, int], operations: Iterable[Operation]) -> dict[str, int]:
    """Return name to inode after the operations, in the order of issue."""
    result = dict(names)
    for operation in operations:
        if operation.kind is Kind.ADD:
            result[operation.name] = operation.inode
        elif operation.kind is Kind.DELETE:
            result.pop(operation.name, None)
    return result
