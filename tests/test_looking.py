"""The reader of a running log: what it looks at, and that it finds what is wrong there."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import cast
from zlib import crc32

import pytest

from fault_injection.damage import record_places
from fault_injection.log_run import LogRun
from fault_injection.log_steps import Acknowledge, Append, Close, Inspect, Kill, Open
from fault_injection.looking import PARTS_MAX, Reader, states_between
from fault_injection.plan import Step
from fault_injection.story import tell
from fault_injection.subject import OpenLog, ReferenceLog, make_event
from fault_injection.workloads import image_of, log_plan
from reference.events import ProcessEvent
from reference.filesystem import Filesystem

FIRST = "procmond-00001.wal"
IMAGE = image_of(log_plan("x", Open(), Append(2)))
"""A log of two events in one file, killed."""
PLACES = record_places(IMAGE[FIRST])
OFFERED = {pid: make_event(pid) for pid in (1, 2)}
EMPTY = {**IMAGE, FIRST: IMAGE[FIRST][: PLACES[0][0]]}


def run(*steps: Step) -> LogRun:
    return LogRun(log_plan("x", *steps), ReferenceLog()).run()


# ---- What is looked at ------------------------------------------------------


@pytest.mark.req("CLI-2.2", "SCN-1.3")
def test_every_byte_of_a_short_append_is_an_end_that_a_reader_may_see() -> None:
    states = list(states_between({"a": b"xy"}, {"a": b"xy123"}))
    assert states == [{"a": b"xy1"}, {"a": b"xy12"}, {"a": b"xy123"}]


@pytest.mark.req("CLI-2.2", "SCN-1.3")
def test_a_write_in_place_is_seen_as_far_as_it_got() -> None:
    states = list(states_between({"a": b"0000000"}, {"a": b"0120300"}))
    assert [each["a"] for each in states] == [b"0100000", b"0120000", b"0120000", b"0120300"]


@pytest.mark.req("CLI-2.2", "SCN-1.3")
def test_a_long_write_is_seen_in_so_many_parts_and_whole() -> None:
    states = list(states_between({"a": b""}, {"a": b"x" * 100_000}))
    assert PARTS_MAX / 2 < len(states) <= PARTS_MAX + 1
    assert states[-1] == {"a": b"x" * 100_000}


@pytest.mark.req("CLI-2.2", "SCN-1.3")
@pytest.mark.parametrize(
    ("before", "after", "count"),
    [
        ({"a": b"x"}, {"a": b"x"}, 0),
        ({}, {"a": b""}, 1),
        ({"a": b"xyz"}, {}, 1),
        ({"a": b"xyz"}, {"a": b""}, 1),
        ({"a": b"xyz"}, {"b": b"xyz"}, 1),
    ],
)
def test_names_and_cuts_change_at_once(
    before: dict[str, bytes], after: dict[str, bytes], count: int
) -> None:
    assert list(states_between(before, after)) == [after] * count


# ---- What is found ----------------------------------------------------------


@pytest.mark.req("CLI-2.2", "SCN-1.3")
def test_a_write_that_is_under_way_is_no_damage() -> None:
    reader = Reader(OFFERED, EMPTY)
    reader.look(IMAGE)
    assert reader.broken is None
    assert reader.take_looks() > PLACES[0][1]
    assert reader.take_looks() == 0


@pytest.mark.req("CLI-2.2", "SCN-1.3")
def test_damage_that_a_reader_is_told_of_is_broken() -> None:
    content = bytearray(IMAGE[FIRST])
    content[PLACES[0][0] + 40] ^= 1
    reader = Reader(OFFERED, IMAGE)
    reader.look({**IMAGE, FIRST: bytes(content)})
    assert reader.broken is not None
    assert str(reader.broken).startswith("I7 damage is detected: a reader is told of damage: ")


@pytest.mark.req("CLI-2.2", "SCN-1.3")
def test_a_directory_that_a_reader_cannot_make_out_is_broken() -> None:
    content = bytearray(IMAGE[FIRST])
    content[8:10] = b"\x02\x00"
    header = bytes(content[:124])
    content[124:128] = crc32(header).to_bytes(4, "little")
    content[4096:4224] = content[:128]
    reader = Reader(OFFERED, {})
    reader.look({**IMAGE, FIRST: bytes(content)})
    assert reader.broken is not None
    assert "a reader of the running log is told" in str(reader.broken)


@pytest.mark.req("CLI-2.2", "SCN-1.3")
@pytest.mark.parametrize("offered", [{1: make_event(1)}, {1: make_event(1), 2: make_event(2, 5)}])
def test_a_record_that_nobody_offered_is_broken(offered: dict[int, ProcessEvent]) -> None:
    reader = Reader(offered, EMPTY)
    reader.look(IMAGE)
    assert str(reader.broken) == "I2 no phantom: a reader is shown 2, which nobody offered"


@pytest.mark.req("CLI-2.2", "SCN-1.3")
def test_the_first_thing_that_is_wrong_is_kept_and_ends_the_looking() -> None:
    reader = Reader({}, EMPTY)
    reader.look(IMAGE)
    first, _ = reader.broken, reader.take_looks()
    reader.look(EMPTY)
    assert reader.broken is first
    assert reader.take_looks() == 0


# ---- The step ---------------------------------------------------------------


@pytest.mark.req("CLI-2.2", "SCN-1.2", "SCN-1.5")
def test_a_reader_looks_until_its_process_ends() -> None:
    for end in (Close(), Kill()):
        looked = run(Open(), Inspect(), Append(1), end)
        longer = run(Open(), Inspect(), Append(1), end, Open(), Append(1), Acknowledge(2))
        assert looked.fired["look"] == longer.fired["look"] > 100
    assert run(Open(), Append(1)).fired["look"] == 0


class ClosesBadly(ReferenceLog):
    """The reference, but at its end a byte of a record is written over: first, or last of all."""

    def __init__(self, *, is_first: bool) -> None:
        self._is_first = is_first

    def open(self, disk: Filesystem, settings: Mapping[str, int]) -> OpenLog:
        log = super().open(disk, settings)

        def close() -> bool:
            is_clean = False if self._is_first else log.close()
            disk.overwrite(FIRST, PLACES[0][0] + 40, b"?")
            return log.close() if self._is_first else is_clean

        named = {name: getattr(log, name) for name in ("append", "acknowledge", "answer")}
        return cast(OpenLog, SimpleNamespace(**named, close=close))


@pytest.mark.req("CLI-2.2", "SCN-1.2", "SCN-1.3")
@pytest.mark.parametrize("is_first", [True, False])
def test_what_a_reader_sees_of_a_close_counts(is_first: bool) -> None:
    steps = (Open(), Inspect(), Append(2), Close())
    found = LogRun(log_plan("x", *steps), ClosesBadly(is_first=is_first)).run()
    assert str(found.broken).startswith("I7 damage is detected: a reader is told of damage: ")
    assert found.done[-1].step == Close()


@pytest.mark.req("CLI-2.2", "SCN-1.2", "SCN-1.5")
def test_a_reader_is_told_of_in_the_story() -> None:
    sentences = tell(run(Open(), Inspect(), Append(1)).done, None).sentences
    assert sentences[1].startswith("A reader looks at the directory from now on")
    (alone,) = tell(run(Inspect()).done, None).sentences
    assert alone == "A reader is to look at the directory of the running log: no log."
