"""A medium that changes bytes: what each fault does, and what the log makes of it."""

from __future__ import annotations

import errno
import itertools

import pytest

from reference.errors import OpenRefused, ReadFailed
from reference.wal import WriteAheadLog
from simulators.crash_filesystem import CrashFilesystem
from simulators.disk_image import Image
from simulators.faulty_filesystem import CallFault, FaultyFilesystem
from simulators.medium_faults import (
    Erased,
    FlipBit,
    MediumFault,
    Misdirected,
    NamesSwapped,
    ReadFault,
    StaleFile,
    Truncated,
)
from simulators.memory_filesystem import MemoryFilesystem
from simulators.persistence import PROFILES
from tests.crash_workloads import open_log
from tests.wal_helpers import FIRST, SECOND, frames_of, small_event

pytestmark = pytest.mark.usefixtures("quiet")

IMAGE: Image = {"f": b"abcdef", "g": b"xyz"}
CASES: list[tuple[MediumFault, Image]] = [
    (FlipBit("f", 9), {"f": b"a`cdef", "g": b"xyz"}),
    (Erased("f", 4, 99), {"f": b"abcd\0\0", "g": b"xyz"}),
    (Misdirected("f", 1, 3, "g", 2), {"f": b"abcdef", "g": b"xybcd"}),
    (Misdirected("f", 0, 2, "f", 3), {"f": b"abcabf", "g": b"xyz"}),
    (Misdirected("g", 0, 1, "g", 5), {"f": b"abcdef", "g": b"xyz\0\0x"}),
    (StaleFile("g", b"x".hex()), {"f": b"abcdef", "g": b"x"}),
    (Truncated("f", 2), {"f": b"ab", "g": b"xyz"}),
    (NamesSwapped("f", "g"), {"f": b"xyz", "g": b"abcdef"}),
]
NOTHING: list[MediumFault] = [
    FlipBit("h", 0), FlipBit("f", 48), Erased("f", 6, 1), Erased("h", 0, 1),
    Misdirected("h", 0, 1, "f", 0), Misdirected("f", 9, 1, "f", 0), Misdirected("f", 0, 1, "h", 0),
    StaleFile("h", ""), Truncated("h", 0), Truncated("f", 6), NamesSwapped("f", "h"),
]  # fmt: skip


@pytest.mark.req("SIM-2.13")
@pytest.mark.parametrize(("fault", "after"), CASES)
def test_each_fault_changes_what_it_says_and_nothing_else(fault: MediumFault, after: Image) -> None:
    before = dict(IMAGE)
    assert fault.apply(before) == after
    assert before == IMAGE, "the directory that was given is as it was"


@pytest.mark.req("SIM-2.13")
@pytest.mark.parametrize("fault", NOTHING)
def test_a_fault_of_what_is_not_there_does_nothing(fault: MediumFault) -> None:
    assert fault.apply(IMAGE) == IMAGE


# ---- As a process reads it --------------------------------------------------


def reading(fault: ReadFault) -> FaultyFilesystem:
    disk = FaultyFilesystem(CrashFilesystem(PROFILES["posix-min"], IMAGE))
    disk.arm(fault)
    return disk


@pytest.mark.req("SIM-2.13")
def test_a_read_shows_the_change_once_and_the_medium_is_as_it_was() -> None:
    disk = reading(ReadFault(FlipBit("f", 9), at=2))
    found = [disk.read("f", 0, 3) for _ in range(3)]
    assert found == [b"abc", b"a`c", b"abc"]
    assert disk.fired == ["read f: FlipBit"]


@pytest.mark.req("SIM-2.13")
def test_a_read_shows_the_change_until_the_disk_heals() -> None:
    disk = reading(ReadFault(StaleFile("f", b"old".hex()), times=0))
    assert [disk.read("f", 0, 9), disk.read("f", 1, 9)] == [b"old", b"ld"]
    assert disk.read("g", 0, 9) == b"xyz", "another file"
    disk.heal()
    assert disk.read("f", 0, 9) == b"abcdef"


@pytest.mark.req("SIM-2.13")
def test_both_of_two_swapped_names_read_wrong() -> None:
    disk = reading(ReadFault(NamesSwapped("f", "g"), times=2))
    assert [disk.read("f", 0, 9), disk.read("g", 0, 9)] == [b"xyz", b"abcdef"]
    assert disk.read("f", 0, 9) == b"abcdef"


@pytest.mark.req("SIM-2.13", "SIM-2.7")
def test_a_read_that_fails_shows_nothing_and_an_oracle_that_looks_is_not_counted() -> None:
    disk = reading(ReadFault(Truncated("f", 1)))
    disk.arm(CallFault("read", errno.EIO))
    disk.is_held_off = True
    assert disk.read("f", 0, 9) == b"abcdef"
    disk.is_held_off = False
    with pytest.raises(OSError, match="Input/output"):
        disk.read("f", 0, 9)
    assert disk.read("f", 0, 9) == b"a"


@pytest.mark.req("SIM-2.13", "DSK-1.1")
@pytest.mark.parametrize("change", [FlipBit("f", 9), NamesSwapped("f", "g"), Truncated("f", 1)])
def test_a_file_that_is_gone_cannot_be_read_whatever_its_reads_were_to_show(
    change: MediumFault,
) -> None:
    disk = reading(ReadFault(change, times=0))
    disk.unlink("f")
    with pytest.raises(OSError, match="No such file") as caught:
        disk.read("f", 0, 3)
    assert caught.value.errno == errno.ENOENT
    assert disk.fired == []


# ---- The log ----------------------------------------------------------------


def history() -> list[Image]:
    """A directory after each of seven appends and one acknowledgement; the last is the present."""
    disk = CrashFilesystem(PROFILES["strict"])
    log = open_log(disk, 1)
    images = []
    for number in range(1, 8):
        log.append(small_event(number))
        images.append(disk.process_image())
    log.acknowledge(3)
    return [*images, disk.process_image()]


def replayed(image: Image) -> list[int] | None:
    """Open it: what is replayed is what was appended, in order. None: it refuses."""
    disk = MemoryFilesystem({name: bytearray(content) for name, content in image.items()})
    try:
        log = open_log(disk, 2)
    except OpenRefused:
        return None
    entries = list(log.replay())
    assert all(entry.event == small_event(entry.sequence) for entry in entries), "a phantom"
    numbers = [entry.sequence for entry in entries]
    assert numbers == sorted(set(numbers))
    assert set(numbers) <= set(range(1, 8))
    return numbers


@pytest.mark.req("SIM-2.13", "REC-1.1", "REC-3.3")
def test_older_versions_of_any_file_bring_back_nothing_that_was_not_appended() -> None:
    images = history()
    present = images[-1]
    for older, name in itertools.product(images, present):
        if name in older:
            assert replayed(StaleFile(name, older[name].hex()).apply(present)) is not None


@pytest.mark.req("SIM-2.13", "FMT-5.4", "REC-3.3")
def test_a_frame_at_any_frame_s_place_in_any_file_is_not_believed() -> None:
    present = history()[5]
    disk = MemoryFilesystem({name: bytearray(content) for name, content in present.items()})
    places = [
        (name, frame.offset, 20 + len(frame.body))
        for name in present if name.endswith(".wal") for frame in frames_of(disk, name)
    ]  # fmt: skip
    assert len(places) >= 5
    for (source, start, length), (target, offset, _) in itertools.permutations(places, 2):
        found = replayed(Misdirected(source, start, length, target, offset).apply(present))
        assert found is not None
        assert len(found) < 6, "the frame that was there is gone, and the other is not another one"


@pytest.mark.req("SIM-2.13", "FMT-4.4", "REC-1.1")
def test_files_under_each_other_s_name_are_not_believed() -> None:
    present = history()[-1]
    for one, other in itertools.combinations(present, 2):
        assert replayed(NamesSwapped(one, other).apply(present)) is not None


@pytest.mark.req("SIM-2.13", "REC-2.1")
@pytest.mark.parametrize("name", [FIRST, SECOND, "procmond.ack"])
def test_a_stretch_that_reads_as_zeros_costs_what_was_in_it(name: str) -> None:
    present = history()[5]
    for offset in range(0, len(present[name]), 512):
        found = replayed(Erased(name, offset, 512).apply(present))
        assert found is not None
        assert name != "procmond.ack" or found == [1, 2, 3, 4, 5, 6]


def running() -> tuple[FaultyFilesystem, WriteAheadLog]:
    disk = FaultyFilesystem(CrashFilesystem(PROFILES["strict"]))
    log = open_log(disk, 1)
    for number in range(1, 4):
        log.append(small_event(number))
    return disk, log


@pytest.mark.req("SIM-2.13", "REC-10.1")
def test_a_running_log_that_reads_a_rotten_byte_skips_that_record() -> None:
    disk, log = running()
    disk.arm(ReadFault(FlipBit(FIRST, 8 * (8192 + 60)), times=0))
    assert [entry.sequence for entry in log.replay()] == [2, 3]
    disk.heal()
    assert [entry.sequence for entry in log.replay()] == [1, 2, 3], "it was the reading"


@pytest.mark.req("SIM-2.13", "REC-10.1")
def test_a_running_log_that_reads_an_older_and_shorter_file_says_so() -> None:
    disk, log = running()
    older = disk.inner.read(FIRST, 0, 8192)
    disk.arm(ReadFault(StaleFile(FIRST, older.hex()), times=0))
    with pytest.raises(ReadFailed):
        list(log.replay())
    disk.heal()
    assert [entry.sequence for entry in log.replay()] == [1, 2, 3]
