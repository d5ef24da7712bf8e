"""Damage: each kind does what it says to the bytes, and only there."""

from __future__ import annotations

import pytest

from fault_injection.damage import (
    STRANGER_TEXT,
    damaged,
    record_places,
    records_touched,
    segment_names,
)
from fault_injection.errors import PlanError
from fault_injection.hex_difference import pieces
from fault_injection.log_steps import Append, Close, Damage, Open
from fault_injection.workloads import files, image_of, log_plan
from reference.limits import FRAMES_OFFSET
from reference.report import DamageKind, Fate
from reference.survey import survey_log
from simulators.crash_filesystem import CrashFilesystem
from simulators.disk_image import Image, garbage
from simulators.persistence import PROFILES

pytestmark = pytest.mark.req("SCN-1.2")
FIRST, SECOND = "procmond-00001.wal", "procmond-00002.wal"
ACK = "procmond.ack"


@pytest.fixture
def image() -> Image:
    """Two files of two records, and one whose record has room for another."""
    plan = log_plan("x", *files(2), Append(1, 400), Close())
    return image_of(plan)


def kinds_found(image: Image) -> list[tuple[DamageKind, Fate]]:
    """What a survey of the directory says."""
    report = survey_log(CrashFilesystem(PROFILES["posix-min"], image)).report
    return [(damage.kind, damage.fate) for damage in report.damages]


def changed(before: Image, after: Image) -> list[str]:
    """Names whose content is not as it was."""
    names = before.keys() | after.keys()
    return sorted(name for name in names if before.get(name) != after.get(name))


def test_an_undamaged_log_is_clean(image: Image) -> None:
    assert segment_names(image) == [FIRST, SECOND, "procmond-00003.wal"]
    assert [len(record_places(image[name])) for name in segment_names(image)] == [2, 2, 1]
    assert kinds_found(image) == []


def test_segments_are_in_the_order_of_numbers() -> None:
    names = ["procmond-100000.wal", "procmond-99999.wal", "procmond-00001.wal"]
    assert segment_names(dict.fromkeys(names, b"")) == names[::-1]


def test_names_that_are_no_segments_are_not_counted_as_some() -> None:
    strange = ["procmond-.wal", "procmond-1.wal", "procmond-000002.wal", "procmond-x.wal",
               "procmond-00000.wal", "procmond-99999999999.wal"]  # fmt: skip
    assert segment_names(dict.fromkeys([*strange, FIRST], b"")) == [FIRST]
    assert [piece.name for piece in pieces("procmond-1.wal", bytes(9))] == [""]


def test_a_flip_turns_one_bit_of_the_record(image: Image) -> None:
    offset, _ = record_places(image[SECOND])[1]
    after = damaged(image, Damage("flip", file=1, record=1, place=42), {})[SECOND]
    different = [at for at in range(len(after)) if after[at] != image[SECOND][at]]
    assert different == [offset + 5]
    assert after[offset + 5] ^ image[SECOND][offset + 5] == 1 << 2


def test_a_flip_without_a_record_counts_from_the_start(image: Image) -> None:
    after = damaged(image, Damage("flip", file=-2, place=8 * 128), {})
    assert changed(image, after) == [ACK]
    assert after[ACK][128] == image[ACK][128] ^ 1


def test_cut_zeros_and_garbage_change_lengths_only_past_the_end(image: Image) -> None:
    size = len(image[FIRST])
    assert damaged(image, Damage("cut", amount=10), {})[FIRST] == image[FIRST][:-10]
    assert damaged(image, Damage("cut", amount=10**6), {})[FIRST] == b""
    inside = damaged(image, Damage("zeros", place=8200, amount=50), {})[FIRST]
    assert inside == image[FIRST][:8200] + bytes(50) + image[FIRST][8250:]
    behind = damaged(image, Damage("garbage", place=-1, amount=7), {})[FIRST]
    assert behind == image[FIRST] + garbage(7)
    assert len(damaged(image, Damage("zeros", place=size - 5, amount=9), {})[FIRST]) == size + 4


@pytest.mark.req("FMT-5.4")
def test_a_record_at_another_place_is_a_damaged_one(image: Image) -> None:
    (first, length), (second, _) = record_places(image[FIRST])
    copied = damaged(image, Damage("copy", record=0, place=1), {})
    assert copied[FIRST][second : second + length] == image[FIRST][first : first + length]
    crossed = damaged(image, Damage("cross", record=0, place=1, other=1), {})
    assert changed(image, crossed) == [SECOND]
    behind = damaged(image, Damage("append", record=0), {})
    assert behind["procmond-00003.wal"].endswith(image[FIRST][first : first + length])
    for each in (copied, crossed):
        assert (DamageKind.GAP, Fate.LOST) in kinds_found(each)


@pytest.mark.req("REC-3.3")
def test_a_planted_record_is_inside_another_whose_header_rots(image: Image) -> None:
    plan = log_plan("x", Open(), Append(1), Append(1, 400), Append(1), Close(), rotation_bytes=9999)
    image = image_of(plan)
    (at, length), (start, _), _ = record_places(image[FIRST])
    after = damaged(image, Damage("plant", record=1, place=0), {})[FIRST]
    assert after.count(image[FIRST][at : at + length]) == 2
    assert after[start + 5] == image[FIRST][start + 5] ^ 1
    assert kinds_found({**image, FIRST: after}) == [(DamageKind.REGION, Fate.LOST)]
    with pytest.raises(PlanError, match="no room"):
        damaged(image, Damage("plant", record=0, place=1), {})


@pytest.mark.req("REC-11.1", "REC-5.1")
def test_forged_bytes_verify(image: Image) -> None:
    undecodable = damaged(image, Damage("undecodable", file=1, record=0), {})
    assert kinds_found(undecodable) == [(DamageKind.UNDECODABLE, Fate.DEAD_LETTERED)]
    high = damaged(image, Damage("renumbered", file=-1, amount=99_999), {})
    assert segment_names(high)[-1] == "procmond-99999.wal"
    assert kinds_found(high) == []
    foreign = damaged(image, Damage("foreign", file=1), {})
    assert (DamageKind.FOREIGN, Fate.NONE) in kinds_found(foreign)


def test_files_go_come_and_change_their_names(image: Image) -> None:
    assert FIRST not in damaged(image, Damage("remove"), {})
    moved = damaged(image, Damage("misnamed", file=1, amount=77), {})
    assert changed(image, moved) == [SECOND, "procmond-00077.wal"]
    old = {FIRST: b"as it was"}
    assert damaged(image, Damage("stale"), old)[FIRST] == b"as it was"
    left = damaged(image, Damage("leftover", name="x.new", amount=3), {})
    assert left["x.new"] == garbage(3)
    assert damaged(image, Damage("stranger", name="mine"), {})["mine"] == STRANGER_TEXT


def test_records_touched_counts_each_record_with_a_byte_in_the_stretch(image: Image) -> None:
    content = image[FIRST]
    (first, length), _ = record_places(content)
    assert records_touched(content, 0, FRAMES_OFFSET) == 0
    assert records_touched(content, first + length - 1, first + length) == 1
    assert records_touched(content, first + length - 1, first + length + 1) == 2


@pytest.mark.parametrize(
    "step",
    [
        Damage("rust"),
        Damage(file=3),
        Damage(record=2),
        Damage(place=10**6),
        Damage("stale"),
        Damage("cross", other=9),
        Damage(file=-3, name="procmond.log"),
    ],
    ids=str,
)
def test_what_does_not_exist_cannot_be_damaged(image: Image, step: Damage) -> None:
    with pytest.raises(PlanError):
        damaged(image, step, {})
