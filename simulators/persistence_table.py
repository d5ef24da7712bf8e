"""What each profile keeps and loses, found out by asking it: the table of SPEC.md, section 25.

Each row is a small program on a durable file or two, and a question about every directory
that a power cut right after it may leave. `ok`: the answer is always yes.

Spec: SIM-2.2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from simulators.crash_filesystem import CrashFilesystem
from simulators.crash_states import crash_states
from simulators.disk_image import Image
from simulators.persistence import PROFILES, Profile

SECTOR: Final = 512
BLOCK: Final = 4096
OLD: Final = {"a": b"A" * 2 * BLOCK, "b": b""}
"""What is on the medium before."""


@dataclass(frozen=True, slots=True)
class Property:
    """Something that a program may hope for."""

    name: str
    program: Callable[[CrashFilesystem], object]
    holds: Callable[[Image], bool]


def _overwrite(count: int) -> Callable[[CrashFilesystem], object]:
    return lambda disk: disk.overwrite("a", 0, b"X" * count)


def _append(count: int) -> Callable[[CrashFilesystem], object]:
    return lambda disk: disk.append("b", b"X" * count)


def _safe_rename(disk: CrashFilesystem) -> None:
    disk.create_exclusive("c.new")
    disk.append("c.new", b"X" * SECTOR)
    disk.rename_new("c.new", "c")


def _all_or_nothing(name: str, count: int) -> Callable[[Image], bool]:
    old = OLD[name]
    new = b"X" * count + old[count:]
    return lambda image: image[name] in (old, new)


def _then_create(first: Callable[[CrashFilesystem], object]) -> Callable[[CrashFilesystem], object]:
    def program(disk: CrashFilesystem) -> None:
        first(disk)
        disk.create_exclusive("later")

    return program


def _two_appends(disk: CrashFilesystem) -> None:
    disk.append("b", b"X" * SECTOR)
    disk.append("b", b"Y" * SECTOR)


def _two_names(disk: CrashFilesystem) -> None:
    disk.create_exclusive("first")
    disk.create_exclusive("second")


def _synced_file(disk: CrashFilesystem) -> None:
    disk.create_exclusive("c")
    disk.sync("c")


PROPERTIES: Final = (
    Property("1-sector overwrite is atomic", _overwrite(SECTOR), _all_or_nothing("a", SECTOR)),
    Property("1-sector append is atomic", _append(SECTOR), _all_or_nothing("b", SECTOR)),
    Property("1-block overwrite is atomic", _overwrite(BLOCK), _all_or_nothing("a", BLOCK)),
    Property("1-block append is atomic", _append(BLOCK), _all_or_nothing("b", BLOCK)),
    Property("2-block append is atomic", _append(2 * BLOCK), _all_or_nothing("b", 2 * BLOCK)),
    Property(
        "2-block append leaves a prefix", _append(2 * BLOCK),
        lambda image: set(image["b"]) <= {ord("X")},
    ),
    Property(
        "overwrite, then any operation", _then_create(_overwrite(SECTOR)),
        lambda image: "later" not in image or image["a"].startswith(b"X" * SECTOR),
    ),
    Property(
        "append, then rename of that file", _safe_rename,
        lambda image: "c" not in image or image["c"] == b"X" * SECTOR,
    ),
    Property(
        "append, then append to the same file", _two_appends,
        lambda image: (b"X" * SECTOR + b"Y" * SECTOR).startswith(image["b"]),
    ),
    Property(
        "append, then any other operation", _then_create(_append(SECTOR)),
        lambda image: "later" not in image or image["b"] == b"X" * SECTOR,
    ),
    Property(
        "name, then name", _two_names, lambda image: "second" not in image or "first" in image
    ),
    Property(
        "sync of a new file keeps its name",
        _synced_file,
        lambda image: "c" in image,
    ),
)  # fmt: skip


def holds(wanted: Property, profile: Profile) -> bool:
    """Whether the property holds in every state after the program."""
    disk = CrashFilesystem(profile, OLD)
    wanted.program(disk)
    disk.end()
    return all(
        wanted.holds(state.image)
        for state in crash_states(disk.points[-1], profile, budget=1 << 20)
    )


def table() -> Iterator[str]:
    """Yield the lines of the table, in Markdown."""
    names = [name for name in PROFILES if name != "hostile"]
    yield "| property | " + " | ".join(names) + " |"
    yield "|---|" + "---|" * len(names)
    for wanted in PROPERTIES:
        words = ["ok" if holds(wanted, PROFILES[name]) else "**no**" for name in names]
        yield f"| {wanted.name} | " + " | ".join(words) + " |"
