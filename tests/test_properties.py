"""Properties: recovery converges, any bytes are a legal directory, no history loses an event.

Oracles are lists and sets written here; none calls the code under test.
"""

from __future__ import annotations

import pytest
from hypothesis import event as note
from hypothesis import given
from hypothesis import strategies as st

from reference.acknowledgement_slots import ACK_NAME, AckSlot, encode_ack_file
from reference.errors import AppendError, OpenRefused, UnsupportedVersion
from reference.events import ProcessEvent
from reference.limits import FRAMES_OFFSET, WalConfig
from reference.segment_header import SegmentHeader, encode_header_block, segment_name
from simulators.memory_filesystem import MemoryFilesystem
from tests.strategies import events, faker_event
from tests.wal_helpers import (
    FIRST,
    SECOND,
    disk_with,
    make_log,
    reopened,
    small_config,
    small_event,
)

CONFIG = small_config(3)


@st.composite
def damages(draw: st.DrawFn) -> list[tuple[str, int, int]]:
    """A few ways to harm a directory: (kind, a place in 0..999 of the file, a value)."""
    kinds = st.sampled_from(
        ("flip", "zero", "cut", "garbage", "delete", "extend", "duplicate", "swap")
    )
    return draw(st.lists(st.tuples(kinds, st.integers(0, 999), st.integers(0, 255)), max_size=5))


def harm(disk: MemoryFilesystem, harms: list[tuple[str, int, int]]) -> None:
    """Apply the damages to the disk's files."""
    for kind, place, value in harms:
        names = sorted(disk.files)
        if not names:
            return
        name = names[value % len(names)]
        content = disk.files[name]
        position = max(0, len(content) - 1) * place // 999
        if kind == "delete":
            del disk.files[name]
        elif kind == "cut":
            disk.cut(name, position)
        elif kind == "extend":
            content += bytes([value]) * place
        elif kind == "duplicate":
            disk.files.setdefault(segment_name(place % 9 + 1), bytearray(content))
        elif kind == "swap":
            other = names[place % len(names)]
            disk.files[name], disk.files[other] = disk.files[other], disk.files[name]
        elif content:
            fill = {"zero": 0, "garbage": value, "flip": content[position] ^ (1 << value % 8)}[kind]
            count = 1 if kind == "flip" else value
            content[position : position + count] = bytes([fill]) * min(
                count, len(content) - position
            )


@pytest.mark.req("REC-9.1", "REC-1.1", "REC-10.1")
@given(damages(), st.integers(0, 12), st.booleans())
def test_recovering_a_recovered_directory_finds_the_same_and_changes_nothing(
    harms: list[tuple[str, int, int]], records: int, close: bool
) -> None:
    disk = disk_with(records, CONFIG, close=close)
    harm(disk, harms)
    disk = disk.copy()
    first = make_log(disk, CONFIG)
    note(f"damages found: {min(len(first.report.damages), 4)}")
    image, entries = disk.image(), list(first.replay())
    again_disk = disk.copy()
    again = make_log(again_disk, CONFIG)
    assert list(again.replay()) == entries
    assert again.next_sequence == first.next_sequence
    assert again.acknowledged_through >= first.acknowledged_through
    assert again_disk.image() == image
    third = make_log(again_disk.copy(), CONFIG)
    assert third.report.as_json() == again.report.as_json()


@pytest.mark.req("REC-4.2", "REC-3.3", "REC-1.1")
@given(damages(), st.integers(0, 12), st.booleans())
def test_nothing_is_invented_whatever_happens_to_the_files(
    harms: list[tuple[str, int, int]], records: int, close: bool
) -> None:
    disk = disk_with(records, CONFIG, close=close)
    harm(disk, harms)
    log = make_log(disk.copy(), CONFIG)
    entries = [(entry.sequence, entry.event) for entry in log.replay()]
    assert [sequence for sequence, _ in entries] == sorted({sequence for sequence, _ in entries})
    assert all(event == small_event(sequence) for sequence, event in entries)
    assert log.append(small_event(0)) >= 1
    assert [entry.sequence for entry in log.replay()][-1] == log.next_sequence - 1


@pytest.mark.req("REC-1.1", "FMT-1.3", "REC-5.2")
@given(
    st.dictionaries(
        st.one_of(
            st.integers(1, 12).map(segment_name),
            st.sampled_from((ACK_NAME, "procmond.dead", "procmond-00003.wal.new", "x")),
        ),
        st.tuples(st.binary(max_size=300), st.integers(0, 3000), st.binary(max_size=300)),
        max_size=5,
    )
)
def test_any_byte_string_is_a_legal_directory(files: dict[str, tuple[bytes, int, bytes]]) -> None:
    disk = MemoryFilesystem(
        {
            name: bytearray(head + bytes(zeros * 7) + tail)
            for name, (head, zeros, tail) in files.items()
        }
    )
    log = make_log(disk)
    assert list(log.replay()) == []
    first = log.append(small_event(1))
    assert [entry.sequence for entry in reopened(disk).replay()] == [first]


@pytest.mark.req("REC-1.1", "FMT-4.4", "ACK-1.2")
@given(
    st.tuples(*[st.one_of(st.integers(0, 9), st.integers(2**64 - 2**17, 2**64 - 1))] * 3),
    st.one_of(st.integers(0, 9), st.integers(2**32 - 2**17, 2**32 - 1)),
    st.tuples(*[st.one_of(st.integers(0, 9), st.integers(2**64 - 2**17, 2**64 - 1))] * 3),
    st.binary(max_size=200),
)
def test_crafted_headers_and_slots_with_right_crcs_leave_a_log_that_opens(
    numbers: tuple[int, int, int], file_number: int, slot: tuple[int, int, int], tail: bytes
) -> None:
    header = SegmentHeader(file_number, b"i" * 16, bytes(16), b"saltsalt", *numbers)
    disk = MemoryFilesystem()
    name = segment_name(file_number)
    disk.files[name] = bytearray(encode_header_block(header) + tail)
    generation, acknowledged, following = slot
    generation = max(1, min(generation, 2**64 - 1))
    disk.files[ACK_NAME] = bytearray(
        encode_ack_file(AckSlot(generation, header.log_id, acknowledged, following))
    )
    log = make_log(disk)
    assert list(log.replay()) == []
    for _ in range(2):
        try:
            sequence = log.append(small_event(1))
        except AppendError as error:
            assert error.definite
            assert "run out" in str(error)
        else:
            assert sequence < 2**64 - 2**16
        log = reopened(disk)


@pytest.mark.req("WAL-1.1", "WAL-1.2", "REC-10.1", "ACK-2.2")
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("append"), events()),
            st.tuples(st.just("faker"), st.integers(0, 2**32)),
            st.tuples(st.just("settle"), st.integers(0, 30)),
            st.tuples(st.just("acknowledge"), st.integers(0, 30)),
            st.tuples(st.just("close"), st.none()),
            st.tuples(st.just("kill"), st.none()),
        ),
        max_size=25,
    )
)
def test_any_history_keeps_every_unsettled_event_in_order(
    steps: list[tuple[str, object]],
) -> None:
    """The model is a dict of what was stored and a set of what was settled."""
    disk = MemoryFilesystem()
    log = make_log(disk, CONFIG)
    stored: dict[int, ProcessEvent] = {}
    settled: set[int] = set()
    durable: set[int] = set()
    for step, value in steps:
        if step == "append" and isinstance(value, ProcessEvent):
            stored[log.append(value)] = value
        elif step == "faker" and isinstance(value, int):
            made = faker_event(value)
            stored[log.append(made)] = made
        elif step in ("settle", "acknowledge") and isinstance(value, int):
            if value in stored:
                getattr(log, step)(value)
                settled |= {value} if step == "settle" else {n for n in stored if n <= value}
        elif step in ("close", "kill"):
            if step == "close":
                assert log.close().clean
                durable = set(range(1, log.acknowledged_through + 1))
                log = make_log(disk, CONFIG)
            else:
                durable = set(range(1, 0))
                log = reopened(disk, CONFIG)
                assert isinstance(log._filesystem, MemoryFilesystem)
                disk = log._filesystem
            assert log.report.is_clean
            # Settled numbers may come back (at least once), unsettled ones must.
            back = {entry.sequence: entry.event for entry in log.replay()}
            assert set(stored) - settled <= set(back) <= set(stored) - durable
            settled = set(stored) - set(back)
        unsettled = {n: event for n, event in stored.items() if n not in settled}
        assert [(e.sequence, e.event) for e in log.replay()] == sorted(unsettled.items())
    assert list(stored) == list(range(1, len(stored) + 1))


@pytest.mark.req("WAL-6.1", "REC-3.3")
@given(st.binary(min_size=20, max_size=400), st.integers(0, 19))
def test_a_command_line_that_looks_like_a_frame_is_never_taken_for_one(
    planted: bytes, record: int
) -> None:
    disk = disk_with(1)
    real = bytes(disk.files[FIRST][FRAMES_OFFSET:])
    log = make_log(disk)
    text = (real[:record] + planted + real).decode("latin-1")
    log.append(small_event(2)._replace(command_line=(text,)))
    log.append(small_event(3))
    log.close()
    disk.flip_bit(FIRST, (FRAMES_OFFSET + len(real) + 3) * 8)
    log = make_log(disk)
    assert [entry.sequence for entry in log.replay()] == [1, 3]


@pytest.mark.req("REC-1.2", "FMT-4.3")
@given(st.integers(0, 65_535), st.integers(0, 2**32 - 1))
def test_unsupported_versions_are_refused_and_minors_are_not(major: int, flags: int) -> None:
    from reference.crc import crc32

    disk = disk_with(1)
    header = bytearray(disk.files[FIRST][:128])
    header[8:10] = major.to_bytes(2, "little")
    header[10:12] = b"\x07\x00"
    header[12:16] = flags.to_bytes(4, "little")
    header[124:] = crc32(bytes(header[:124])).to_bytes(4, "little")
    for copy in (0, 4096):
        disk.write_at(FIRST, copy, bytes(header))
    try:
        log = make_log(disk, WalConfig())
    except OpenRefused as error:
        assert isinstance(error, UnsupportedVersion)
        assert (error.major, error.flags) == (major, flags) != (1, 0)
    else:
        assert (major, flags) == (1, 0)
        assert log.append(small_event(2)) == 2
    assert SECOND not in disk.files
