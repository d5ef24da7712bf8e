"""Directories that recovery cannot tell apart, and recoveries that see more than they say."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from simulators.crash_filesystem import CrashFilesystem
from simulators.disk_image import Image
from simulators.file_pieces import BuiltFiles
from simulators.persistence import PROFILES
from simulators.recovery_memory import AUDIT, RecoveryMemory

POSIX_MIN = PROFILES["posix-min"]


class Memory(RecoveryMemory[str]):
    """Counts how often it runs recovery."""

    def __init__(self, recover: Callable[[CrashFilesystem], str]) -> None:
        self.runs = 0
        self._counted = recover
        super().__init__(self._count, POSIX_MIN)

    def _count(self, disk: CrashFilesystem) -> str:
        self.runs += 1
        return self._counted(disk)


def asked(known: Memory, image: Image) -> str:
    """What the memory answers for a directory, looked at in places."""
    return known.answer(BuiltFiles(image), 0, lambda: image)


def first_byte(disk: CrashFilesystem) -> str:
    """Follow a chain: the first byte of "a" says which file is looked at next."""
    name = disk.read("a", 0, 1).decode()
    return name + disk.read(name, 1, 1).decode()


@pytest.mark.req("SIM-2.5")
def test_what_is_not_read_makes_no_difference_and_what_is_read_does() -> None:
    known = Memory(first_byte)
    assert asked(known, {"a": b"bxx", "b": b"-1-"}) == "b1"
    assert asked(known, {"a": b"byy", "b": b"+1+"}) == "b1"
    assert known.runs == 1
    assert asked(known, {"a": b"bxx", "b": b"-2-"}) == "b2"
    assert asked(known, {"a": b"axx", "b": b"-1-"}) == "ax"
    assert asked(known, {"a": b"axy", "b": b"???"}) == "ax"
    assert known.runs == 3


@pytest.mark.req("SIM-2.5")
def test_names_and_sizes_make_a_difference() -> None:
    known = Memory(lambda disk: str(sorted(entry.size_bytes for entry in disk.list())))
    assert asked(known, {"a": b"x"}) == "[1]"
    assert asked(known, {"a": b"xx"}) == "[2]"
    assert asked(known, {"b": b"xx"}) == "[2]"
    assert asked(known, {"b": b"yy"}) == "[2]"
    assert known.runs == 3


@pytest.mark.req("SIM-2.5")
def test_what_recovery_wrote_itself_is_no_difference_of_the_directory() -> None:
    def recover(disk: CrashFilesystem) -> str:
        disk.create_exclusive("new")
        disk.append("new", disk.read("a", 0, 1))
        disk.rename_new("a", "old")
        return (disk.read("new", 0, 9) + disk.read("old", 1, 1)).decode()

    known = Memory(recover)
    assert asked(known, {"a": b"xyz"}) == "xy"
    assert asked(known, {"a": b"xyy"}) == "xy"
    assert asked(known, {"a": b"xzz"}) == "xz"
    assert known.runs == 2


@pytest.mark.req("SIM-2.5")
@pytest.mark.parametrize(
    "see",
    [
        lambda disk: disk.process_image(),
        lambda disk: disk.end() or disk.points[-1].contents,
        lambda disk: disk.fail_power(99) or disk.sync("a") or disk.points[-1].contents,
    ],
)
def test_whoever_may_see_everything_has_read_everything(
    see: Callable[[CrashFilesystem], object],
) -> None:
    known = Memory(lambda disk: str(see(disk)))
    assert asked(known, {"a": b"x"}) != asked(known, {"a": b"y"})
    assert known.runs == 2


@pytest.mark.req("SIM-2.5")
def test_a_recovery_that_sees_more_than_it_reads_is_found_out() -> None:
    def peeks(disk: CrashFilesystem) -> str:
        return disk._inodes[1].cached.decode()

    known = Memory(peeks)
    with pytest.raises(AssertionError, match="did not read"):
        for number in range(AUDIT + 2):
            asked(known, {"a": f"{number:09}".encode()})


@pytest.mark.req("SIM-2.5")
def test_a_recovery_that_does_something_else_each_time_is_found_out() -> None:
    offsets = iter(range(1000))
    known = Memory(lambda disk: disk.read("a", next(offsets), 1).decode())
    with pytest.raises(AssertionError, match="did not read"):
        for _ in range(AUDIT + 2):
            asked(known, {"a": b"x" * 1000})
