"""The dump shows every byte once, in place, with its name. Spec: CLI-2, section 13."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.codec import encode_event, encode_timestamp
from reference.dump import (
    Field,
    dump_frame,
    dump_header_copy,
    format_fields,
    frame_fields,
    header_fields,
)
from reference.events import ProcessEvent
from reference.frame import encode_frame
from reference.limits import FRAMES_OFFSET
from reference.segment_header import encode_segment_header
from tests.strategies import events, times_ns
from tests.vectors.two_records import HEADER, STOP_EVENT, frames

LINE = re.compile(r"([0-9a-f]{8})  (00 x [0-9]+|(?:[0-9a-f]{2} ?)+)")


def bytes_shown(lines: list[str], offset: int) -> bytes:
    """The bytes that a dump shows; each line must stand at the offset that it names."""
    data = b""
    for line in lines:
        match = LINE.fullmatch(line[:33].rstrip())
        assert match is not None, line
        assert int(match[1], 16) == offset + len(data), line
        shown = match[2].strip()
        data += bytes(int(shown[5:])) if shown.startswith("00 x") else bytes.fromhex(shown)
    return data


def values(data: bytes, offset: int = FRAMES_OFFSET) -> dict[str, str]:
    """Name to value of the fields of a frame; a name without one belongs to the line before."""
    return {each.name: each.value for each in frame_fields(data, offset, HEADER) if each.name}


@pytest.mark.req("CLI-2.1")
@given(st.integers(0, 2**30), times_ns, events())
def test_dump_of_a_frame_shows_every_byte_in_its_place(
    offset: int, time_ns: int, event: ProcessEvent
) -> None:
    payload = encode_timestamp(time_ns) + encode_event(event)
    frame = encode_frame(HEADER.frame_key, offset, 7, payload)
    assert b"".join(each.data for each in frame_fields(frame, offset, HEADER)) == frame
    assert bytes_shown(list(dump_frame(frame, offset, HEADER)), offset) == frame


@pytest.mark.req("CLI-2.1", "FMT-4.1")
def test_dump_of_a_header_shows_every_byte_in_its_place() -> None:
    data = encode_segment_header(HEADER)
    assert bytes_shown(list(dump_header_copy(data + b"more", 4096)), 4096) == data


@pytest.mark.req("CLI-2.1", "FMT-4.1")
def test_fields_of_a_header_have_the_names_and_values_of_the_text() -> None:
    data = encode_segment_header(HEADER)
    shown = {each.name: each.value for each in header_fields(data)}
    crc = int.from_bytes(data[-4:], "little")
    assert shown == {
        "magic": "", "version_major": "1", "version_minor": "0", "incompatible_flags": "0",
        "file_number": "1", "log_id": "", "previous_log_id": "", "salt": "",
        "relocated_from": "1", "continues_from": "1", "first_sequence": "1", "reserved": "",
        "CRC": f"{crc:08x}",
    }  # fmt: skip


@pytest.mark.req("CLI-2.1", "FMT-5.1")
def test_fields_of_a_rich_record_have_their_values() -> None:
    first, second = frames()
    offset = FRAMES_OFFSET + len(first)
    fields = list(frame_fields(second, offset, HEADER))
    shown = [(each.name, each.value) for each in fields]

    assert ("sequence", "2") in shown
    assert ("body length", str(len(second) - 20)) in shown
    assert ("timestamp", "2023-11-14T22:14:20.250Z") in shown
    names = [name for name, _ in shown if name in (
        "event_type", "pid", "ppid", "name", "executable_path", "command_line", "start_time",
        "cpu_usage", "memory_usage", "executable_hash", "hash_algorithm", "user_id",
        "accessible", "file_exists", "platform_metadata")]  # fmt: skip
    assert len(names) == 15
    for text in (
        "'sshd'", "'/usr/sbin/sshd'", "2 items", "1700000000s + 0ns", "1.5", "8392704",
        "'9f86d081'", "'xxh32'", "'0'", "1700000060s + 250000000ns",
    ):  # fmt: skip
        assert text in [value for _, value in shown], text
    assert repr(STOP_EVENT.platform_metadata) == shown[-2][1]
    assert shown[-1] == ("crc32", f"{int.from_bytes(second[-4:], 'little'):08x}")


@pytest.mark.req("CLI-2.1")
def test_absent_fields_are_shown_as_none() -> None:
    (frame, _) = frames()
    shown = values(frame)
    assert {shown[name] for name in ("executable_path", "start_time", "user_id")} == {"none"}
    assert shown["ppid"] == "some"


@pytest.mark.req("CLI-2.1")
def test_long_field_runs_over_lines_of_eight_bytes_and_is_named_once() -> None:
    lines = list(format_fields(iter([Field(b"0123456789", "text", "'0123456789'")]), 0x2000))
    assert lines == [
        "00002000  30 31 32 33 34 35 36 37  text               '0123456789'",
        "00002008  38 39",
    ]


@pytest.mark.req("CLI-2.1")
def test_many_zeros_are_one_line() -> None:
    fields = [Field(bytes(40), "reserved"), Field(bytes(8), "number", "0"), Field(b"", "nothing")]
    lines = list(format_fields(iter(fields), 0x54))
    assert [line.split()[0] for line in lines] == ["00000054", "0000007c"]
    assert lines[0].split() == ["00000054", "00", "x", "40", "reserved"]
    assert lines[1].endswith("number             0")


@pytest.mark.req("CLI-2.1")
@pytest.mark.parametrize("offset", [FRAMES_OFFSET + 1, 0])
def test_bytes_that_are_no_frame_are_shown_as_such(offset: int) -> None:
    (frame, _) = frames()
    assert values(frame, offset) == {"not a frame": "its header does not verify"}
    assert bytes_shown(list(dump_frame(frame, offset, HEADER)), offset) == frame


@pytest.mark.req("CLI-2.1")
@pytest.mark.parametrize("length", [1, 19])
def test_bytes_shorter_than_a_frame_header_are_shown_as_such(length: int) -> None:
    (frame, _) = frames()
    assert list(values(frame[:length])) == ["not a frame"]


@pytest.mark.req("CLI-2.1")
def test_damaged_body_is_shown_behind_its_header() -> None:
    (frame, _) = frames()
    damaged = frame[:60] + b"\xff" + frame[61:]
    assert values(damaged)["sequence"] == "1"
    assert values(damaged)["damaged body"] == "its CRC does not hold"
    assert bytes_shown(list(dump_frame(damaged, FRAMES_OFFSET, HEADER)), FRAMES_OFFSET) == damaged


@pytest.mark.req("CLI-2.1")
def test_body_cut_short_is_shown_as_damaged() -> None:
    (frame, _) = frames()
    assert "damaged body" in values(frame[:60])


@pytest.mark.req("CLI-2.1", "REC-11.1")
def test_body_that_verifies_and_cannot_be_decoded_is_shown_with_the_reason() -> None:
    payload = encode_timestamp(0) + b"\3" + encode_event(STOP_EVENT)[1:]
    frame = encode_frame(HEADER.frame_key, FRAMES_OFFSET, 1, payload)
    assert "event_type 3 is not 0, 1 or 2" in values(frame)["undecodable"]
    assert bytes_shown(list(dump_frame(frame, FRAMES_OFFSET, HEADER)), FRAMES_OFFSET) == frame
