"""Writes cut in flight, what earlier files left, and the log under both."""

from __future__ import annotations

import itertools
import json
import random

import pytest

from reference.report import Fate
from reference.segment_header import ID_BYTES
from reference.wal import WriteAheadLog
from simulators.crash_filesystem import CrashFilesystem
from simulators.crash_states import CrashState, crash_states, state_at
from simulators.disk_image import Image, garbage
from simulators.explorer import explore
from simulators.persistence import ADVERSARIES, PROFILES, Profile
from simulators.tears import Tear, parse_filling
from simulators.torn_writes import torn_states
from tests.crash_workloads import (
    CONFIG,
    Answer,
    Stored,
    append,
    check_log,
    open_log,
    recover_log,
    use_log,
    use_log_through_a_failed_sync,
)
from tests.wal_helpers import CLOCK_NS, ROOMY, small_event

pytestmark = pytest.mark.usefixtures("quiet")

POSIX_MIN = PROFILES["posix-min"]
TORN = ADVERSARIES["torn"]
PSOW_OFF = ADVERSARIES["psow-off"]
SECTOR = 512


def held(disk: CrashFilesystem, name: str = "f") -> set[bytes]:
    """What the file may hold after a cut now, with writes in flight."""
    disk.end()
    point, profile = disk.points[-1], disk.profile
    states = itertools.chain(crash_states(point, profile), torn_states(point, profile))
    return {state.image[name] for state in states if name in state.image}


def torn(disk: CrashFilesystem) -> list[CrashState]:
    disk.end()
    return list(torn_states(disk.points[-1], disk.profile))


# ---- Earlier files ----------------------------------------------------------


@pytest.mark.req("SIM-2.10", "SIM-2.2")
def test_a_new_file_may_show_what_a_deleted_one_held_at_the_same_offset() -> None:
    disk = CrashFilesystem(POSIX_MIN, {"e": b"earlier file"})
    disk.unlink("e")
    disk.create_exclusive("f")
    disk.append("f", b"new")
    disk.append("f", b"er")
    assert held(disk) >= {b"earli", b"ear", b"newer", bytes(5), garbage(5)}


@pytest.mark.req("SIM-2.10")
def test_beyond_the_end_of_the_earlier_file_is_garbage() -> None:
    disk = CrashFilesystem(POSIX_MIN, earlier={"e": b"old"})
    disk.create_exclusive("f")
    disk.append("f", b"newer")
    assert b"old" + garbage(5)[3:] in held(disk)


@pytest.mark.req("SIM-2.10")
def test_the_blocks_are_those_of_the_file_named_most_alike_and_the_latest_of_these() -> None:
    earlier = {"log-1": b"1", "log-2": b"2", "log-2.old": b"3", "ack": b"4"}
    disk = CrashFilesystem(POSIX_MIN, {"log-2": b"5"}, earlier=earlier)
    disk.unlink("log-2")
    disk.create_exclusive("log-2")
    disk.append("log-2", b"x")
    assert held(disk, "log-2") == {b"", b"5", b"x", b"\0", garbage(1)}
    disk.create_exclusive("b")
    disk.append("b", b"x")
    assert b"5" in held(disk, "b"), "none is alike: the latest"


@pytest.mark.req("SIM-2.10")
def test_a_file_that_still_has_a_name_keeps_its_blocks() -> None:
    disk = CrashFilesystem(POSIX_MIN, {"f": b"F", "g": b"G"})
    disk.link("f", "other")
    disk.unlink("f")
    disk.create_exclusive("f2")
    disk.append("f2", b"x")
    assert held(disk, "f2") == {b"", b"x", b"\0", garbage(1)}
    disk.unlink("other")
    disk.create_exclusive("f3")
    disk.append("f3", b"x")
    assert b"F" in held(disk, "f3"), "that was its last name"


@pytest.mark.req("SIM-2.10")
def test_a_file_that_a_rename_replaces_gives_its_blocks_back() -> None:
    disk = CrashFilesystem(POSIX_MIN, {"f": b"F", "g": b"G"})
    disk.rename_over("g", "f")
    disk.create_exclusive("f2")
    disk.append("f2", b"x")
    assert held(disk, "f2") == {b"", b"F", b"x", b"\0", garbage(1)}


@pytest.mark.req("SIM-2.10")
def test_blocks_that_a_truncation_freed_may_come_back_and_no_part_of_a_block() -> None:
    disk = CrashFilesystem(POSIX_MIN, {"f": b"a" * 4096 + b"b" * 512})
    disk.truncate("f", 4000)
    disk.sync("f")
    disk.append("f", b"x" * 608)
    found = held(disk)
    assert b"a" * 4000 + bytes(96) + b"b" * 512 in found
    assert not any(content[4000:4001] == b"a" for content in found)


@pytest.mark.req("SIM-2.10")
def test_without_earlier_files_there_is_nothing_more_to_look_at() -> None:
    disk = CrashFilesystem(POSIX_MIN)
    disk.create_exclusive("f")
    disk.append("f", b"x")
    disk.end()
    assert {s.filling for s in crash_states(disk.points[-1], POSIX_MIN)} == {"zeros", "garbage"}


# ---- Tears ------------------------------------------------------------------


@pytest.mark.req("SIM-2.12")
def test_an_append_is_cut_at_bytes_and_the_rest_is_old_zeros_garbage_or_an_earlier_file() -> None:
    disk = CrashFilesystem(TORN, {"f": b"ab"}, earlier={"e": b"ABCDEFGHIJ"})
    disk.append("f", b"cdefgh")
    found = held(disk)
    blanks = (bytes(9), garbage(9), b"ABCDEFGHIJ")
    for cut in (2, 3, 5, 6, 7, 8):
        assert found >= {b"abcdefgh"[:cut] + blank[cut:8] for blank in blanks}
    assert {content[:2] for content in found} == {b"ab"}, "powersafe overwrite"
    assert b"ab" + bytes(5) + b"h" in found, "the last byte arrived first"


@pytest.mark.req("SIM-2.12")
def test_an_overwrite_is_cut_and_the_rest_may_be_old() -> None:
    disk = CrashFilesystem(TORN, {"f": b"abcdef"}, earlier={"e": b"ABCDEF"})
    disk.overwrite("f", 1, b"XYZ")
    found = held(disk)
    assert found >= {b"aXcdef", b"aXYdef", b"aX\0\0ef", b"abcZef"}
    assert all(content[0:1] == b"a" and content[4:] == b"ef" for content in found)
    assert not any(b"B" in content or b"C" in content for content in found), "long overwritten"


@pytest.mark.req("SIM-2.12")
@pytest.mark.parametrize("arrived", [3, 99, -3, -99])
def test_of_a_write_no_more_arrives_than_was_written(arrived: int) -> None:
    disk = CrashFilesystem(TORN, {"f": b"abcdef"})
    disk.overwrite("f", 2, b"XYZ")
    disk.end()
    assert state_at(disk.points[-1], 0, f"zeros 0:{arrived}:zeros").image == {"f": b"abXYZf"}


@pytest.mark.req("SIM-2.12")
def test_the_last_two_writes_of_a_file_are_torn_each_and_no_earlier_one() -> None:
    disk = CrashFilesystem(TORN, {"f": b"." * 3 * SECTOR})
    for number, letter in enumerate((b"a", b"b", b"c")):
        disk.overwrite("f", number * SECTOR, letter * SECTOR)
    half = SECTOR // 2
    sectors = [{content[at : at + SECTOR] for content in held(disk)} for at in (0, 512, 1024)]
    assert sectors[0] == {b"." * SECTOR, b"a" * SECTOR}
    assert b"b" * half + b"." * half in sectors[1]
    assert b"c" * half + b"." * half in sectors[2]
    before = b"a" * SECTOR + b"b" * half + b"." * half
    assert {before + b"." * SECTOR, before + b"c" * SECTOR} <= held(disk)


@pytest.mark.req("SIM-2.12")
def test_a_write_is_torn_also_where_nothing_but_the_size_was_kept() -> None:
    disk = CrashFilesystem(TORN, {"f": b""})
    disk.append("f", b"x" * SECTOR + b"y" * SECTOR)
    assert bytes(SECTOR) + b"y" * 4 + bytes(SECTOR - 4) in held(disk)


@pytest.mark.req("SIM-2.11", "SIM-2.12")
def test_what_a_failed_sync_gave_up_is_no_write_in_flight() -> None:
    disk = CrashFilesystem(TORN, {"f": b"."})
    disk.overwrite("f", 0, b"x")
    assert torn(disk) != []
    disk.fail_sync("f")
    with pytest.raises(OSError, match="Input/output"):
        disk.sync("f")
    assert torn(disk) == []


@pytest.mark.req("SIM-2.12")
def test_without_powersafe_overwrite_the_whole_sector_is_at_stake_and_no_other() -> None:
    disk = CrashFilesystem(PSOW_OFF, {"f": b"a" * SECTOR + b"b" * 10})
    disk.append("f", b"cd")
    found = held(disk)
    assert any(content[SECTOR : SECTOR + 10] == bytes(10) for content in found)
    assert {content[:SECTOR] for content in found} == {b"a" * SECTOR}


@pytest.mark.req("SIM-2.12")
def test_without_powersafe_overwrite_of_blocks_a_block_is_at_stake() -> None:
    disk = CrashFilesystem(ADVERSARIES["psow-off-blocks"], {"f": b"a" * 5000})
    disk.append("f", b"c")
    found = held(disk)
    assert {content[:4096] for content in found} == {b"a" * 4096}
    assert any(content[4096:5000] == bytes(904) for content in found)


@pytest.mark.req("SIM-2.12")
def test_two_writes_of_different_files_are_torn_at_once() -> None:
    disk = CrashFilesystem(TORN, {"f": b"", "g": b""})
    disk.append("f", b"abcd")
    disk.append("g", b"wxyz")
    images = [state.image for state in torn(disk)]
    assert {"f": b"ab\0\0", "g": b"wx\0\0"} in images


@pytest.mark.req("SIM-2.12")
def test_every_torn_state_is_rebuilt_from_its_data() -> None:
    disk = CrashFilesystem(PSOW_OFF, {"f": b"abc"}, earlier={"e": b"ABCDEFGH"})
    disk.append("f", b"defg")
    disk.create_exclusive("g")
    disk.append("g", b"x" * 700)
    found = torn(disk)
    for state in found:
        kept, filling = json.loads(json.dumps([state.kept, state.filling]))
        assert state_at(disk.points[-1], kept, filling).image == state.image
    assert len({frozenset(s.image.items()) for s in found}) == len(found), "no state twice"


@pytest.mark.req("SIM-2.12")
@pytest.mark.parametrize("tear", [Tear(7, 12, "zeros"), Tear(0, -1, "old", is_wide=True)])
def test_a_tear_is_a_text(tear: Tear) -> None:
    assert Tear.parse(str(tear)) == tear
    assert parse_filling(f"garbage {tear}") == ("garbage", {tear.index: tear})


@pytest.mark.req("SIM-2.12")
def test_what_has_to_come_before_a_torn_write_is_kept_and_nothing_that_comes_after() -> None:
    profile = Profile("ordered", everything_ordered=True, torn_writes=True)
    disk = CrashFilesystem(profile, {"f": b"...."})
    disk.create_exclusive("before")
    disk.overwrite("f", 0, b"abcd")
    disk.create_exclusive("after")
    images = [state.image for state in torn(disk)]
    assert images
    assert all("before" in image and "after" not in image for image in images)


@pytest.mark.req("SIM-2.12")
def test_other_profiles_have_no_torn_states() -> None:
    disk = CrashFilesystem(POSIX_MIN, {"f": b"...."})
    disk.overwrite("f", 0, b"abcd")
    assert held(disk) == {b"....", b"abcd"}


# ---- A sync that loses the size ---------------------------------------------


@pytest.mark.req("SIM-2.2")
def test_a_sync_that_loses_the_size_keeps_that_of_a_new_file_and_what_was_overwritten() -> None:
    disk = CrashFilesystem(ADVERSARIES["sync-loses-size"])
    disk.create_exclusive("f")
    disk.append("f", b"ab")
    disk.sync("f")
    disk.overwrite("f", 0, b"A")
    disk.append("f", b"c")
    disk.sync("f")
    disk.sync_directory()
    assert held(disk) >= {b"Ab", b"Abc"}
    assert all(content[:2] == b"Ab" for content in held(disk))


# ---- The log ----------------------------------------------------------------


def earlier_log(*, same_identity: bool = False, settled: int = 0) -> Image:
    """The files of a log that was in this directory once, with numbers 1 to 13 and more."""
    disk = CrashFilesystem(PROFILES["strict"])
    source = random.Random(500)
    identity = [random.Random(1).randbytes(ID_BYTES)] if same_identity else []
    log = WriteAheadLog.open(
        disk, CONFIG, wall_clock_ns=lambda: CLOCK_NS, monotonic_ns=lambda: 0,
        random_bytes=lambda count: identity.pop() if identity else source.randbytes(count),
    )  # fmt: skip
    files: Image = {}
    for number in range(13 + settled):
        log.append(small_event(1000 + number))
        files.update(disk.process_image())
        if number < settled:
            log.acknowledge(number + 1)
    return files


@pytest.mark.req("REC-3.3", "REC-5.2", "FMT-5.4", "WAL-1.1", "SIM-2.10", "SIM-2.12")
@pytest.mark.parametrize("profile", ["posix-min", "torn", "torn-blocks"])
@pytest.mark.parametrize("workload", [use_log, use_log_through_a_failed_sync])
@pytest.mark.parametrize("earlier", ["none", "another log", "the same log"])
def test_neither_torn_writes_nor_old_frames_and_headers_lose_or_invent_anything(
    profile: str, workload: object, earlier: str
) -> None:
    before = {
        "none": None, "another log": earlier_log(),
        "the same log": earlier_log(same_identity=True, settled=20),
    }[earlier]  # fmt: skip
    run = use_log if workload is use_log else use_log_through_a_failed_sync
    result = explore(
        run, recover_log, check_log, {**PROFILES, **ADVERSARIES}[profile], budget=60,
        earlier=before,
    )  # fmt: skip
    assert result.violations == []
    assert (result.torn > 100) == (profile != "posix-min")
    if result.torn:
        assert "torn states" in str(result)


@pytest.mark.req("FMT-5.3", "SIM-2.5", "SIM-2.10")
def test_if_a_new_file_had_the_salt_of_the_old_one_old_frames_would_be_replayed() -> None:
    """A control: the same random bytes in both lives, so that only the salt's lack is new."""
    earlier: Image = {}
    disk = CrashFilesystem(PROFILES["strict"])
    log = open_log(disk, 1)
    for number in range(1, 9):
        log.append(small_event(number)._replace(pid=1000 + number))  # as long as the new ones
        earlier.update(disk.process_image())
    result = explore(use_log, recover_log, check_log, POSIX_MIN, budget=60, earlier=earlier)
    assert any(violation.what.startswith("phantom: ") for violation in result.violations)


@pytest.mark.req("REC-9.2", "REC-5.2", "SIM-2.10")
def test_old_headers_in_a_recovery_that_loses_power_lose_nothing() -> None:
    result = explore(
        use_log, recover_log, check_log, POSIX_MIN, budget=20, depth=2, earlier=earlier_log()
    )
    assert result.violations == []
    assert result.nested > 100


def append_eight(disk: CrashFilesystem) -> None:
    """In one file, each with a sync of its own; 130 bytes or so."""
    source = random.Random(1)
    log = WriteAheadLog.open(
        disk, ROOMY, wall_clock_ns=lambda: CLOCK_NS, monotonic_ns=lambda: 0,
        random_bytes=source.randbytes,
    )  # fmt: skip
    for number in range(1, 9):
        append(disk, log, (number,))


def recover_and_report(disk: CrashFilesystem) -> Answer:
    """`lost` includes what is possibly lost."""
    log = open_log(disk, 7)
    damages = [d for d in log.report.damages if d.fate in (Fate.LOST, Fate.POSSIBLY_LOST)]
    numbers = [d.first_sequence + i for d in damages for i in range(d.sequence_count)]
    replayed = tuple((entry.sequence, entry.event.pid) for entry in log.replay())
    return Answer(replayed, log.next_sequence, tuple(numbers))


def check_one_sector(promises: list[object], answer: Answer) -> str:
    """Only records that have bytes in the last sector may be missing, and are reported."""
    returned = [n for p in promises if isinstance(p, Stored) for n in p.sequences]
    numbers = [sequence for sequence, _ in answer.replayed]
    missing = [n for n in returned if n not in numbers]
    if len(missing) > SECTOR // 107 + 1 or missing != returned[len(returned) - len(missing) :]:
        return f"more than a sector: {missing} of {returned}"
    if not set(missing) <= set(answer.lost):
        return f"not reported: {missing}, only {answer.lost}"
    wrong = check_log([], Answer(answer.replayed, answer.next_sequence))
    if returned and answer.next_sequence <= max(returned):
        wrong = wrong or f"reuse: {answer.next_sequence}"
    return wrong


@pytest.mark.req("REC-6.1", "WAL-1.2", "REP-1.1", "SIM-2.12")
def test_without_powersafe_overwrite_one_sector_is_lost_at_most_and_it_is_reported() -> None:
    """The stated limit of section 16, and how far it goes."""
    result = explore(append_eight, recover_and_report, check_one_sector, PSOW_OFF, budget=50)
    assert result.violations == []
    strict = explore(append_eight, recover_log, check_log, PSOW_OFF, budget=50)
    assert any(violation.what.startswith("lost: ") for violation in strict.violations)


def check_what_is_left(promises: list[object], answer: Answer) -> str:
    """In order and as it was; nothing is promised of what is there."""
    return check_log([], Answer(answer.replayed, answer.next_sequence, refused=answer.refused))


@pytest.mark.req("REC-1.1", "REC-10.1", "SIM-2.2")
def test_where_a_sync_loses_the_size_what_is_left_is_right_and_the_rest_is_gone() -> None:
    """The stated limit of section 16."""
    profile = ADVERSARIES["sync-loses-size"]
    result = explore(use_log, recover_log, check_what_is_left, profile, budget=100)
    assert result.violations == []
    strict = explore(use_log, recover_log, check_log, profile, budget=100)
    assert any(violation.what.startswith("lost: ") for violation in strict.violations)
