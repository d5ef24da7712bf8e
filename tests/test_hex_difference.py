"""The bytes of a failure: which lines are shown, and what they are called."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fault_injection.hex_difference import LINE_BYTES, LINES_MAX, hex_difference, pieces
from fault_injection.log_run import LogRun
from fault_injection.log_steps import Append, Kill, Open
from fault_injection.result import HexLine
from fault_injection.subject import ReferenceLog
from fault_injection.workloads import log_plan
from simulators.disk_image import Image

FILE = "procmond-00001.wal"


def written() -> Image:
    """Two small records in one file, and acknowledgements."""
    return LogRun(log_plan("x", Open(), Append(2), Kill()), ReferenceLog()).run().before


def with_bytes(image: Image, name: str, offset: int, data: bytes) -> Image:
    content = bytearray(image[name])
    content[offset : offset + len(data)] = data
    return {**image, name: bytes(content)}


@pytest.mark.req("SCN-1.5")
def test_equal_directories_have_no_lines() -> None:
    assert hex_difference(written(), written()) == ()


@pytest.mark.req("SCN-1.5", "FMT-5.1")
def test_a_turned_byte_is_shown_with_its_record_and_field() -> None:
    image = written()
    found = with_bytes(image, FILE, 8192 + 9, b"\x07")
    assert hex_difference(image, found) == (
        HexLine(
            FILE, 8192, image[FILE][8192:8208], found[FILE][8192:8208],
            "record 1 (event 1), header: sequence",
        ),
    )  # fmt: skip


@pytest.mark.req("SCN-1.5", "FMT-4.1", "ACK-1.1")
@pytest.mark.parametrize(
    ("name", "offset", "note"),
    [
        (FILE, 0, "header copy 1: magic"),
        (FILE, 4096 + 52, "header copy 2: salt"),
        (FILE, 4000, "padding of the header"),
        (FILE, 8192 + 113 + 20, "record 2 (event 2), body: sequence"),
        (FILE, 8192 + 113 + 30, "record 2 (event 2), body: timestamp"),
        (FILE, 8192 + 113 + 70, "record 2 (event 2), body: event"),
        (FILE, 8192 + 113 + 112, "record 2 (event 2), body: CRC"),
        ("procmond.ack", 16, "slot of even generations: generation"),
        ("procmond.ack", 4096 + 40, "slot of odd generations: acknowledged through"),
        ("procmond.ack", 200, "padding of the acknowledgements"),
    ],
)
def test_each_part_of_the_format_has_its_name(name: str, offset: int, note: str) -> None:
    image = written()
    (line,) = hex_difference(image, with_bytes(image, name, offset, b"\xee"))
    assert line.note == note
    assert line.offset <= offset < line.offset + LINE_BYTES


@pytest.mark.req("SCN-1.5")
def test_a_line_on_the_border_names_both_sides() -> None:
    image = written()
    found = with_bytes(image, FILE, 8192 + 19, b"\xee\xee")
    (line,) = hex_difference(image, found)
    assert (
        line.note
        == "record 1 (event 1), header: header CRC, then record 1 (event 1), body: sequence"
    )


@pytest.mark.req("SCN-1.5")
def test_a_short_file_says_where_it_ends() -> None:
    image = written()
    lines = hex_difference(image, {**image, FILE: image[FILE][:8300]})
    assert lines[0].note == "record 1 (event 1), body: event, CRC; the file ends at 8300"
    assert lines[0].found == image[FILE][8288:8300]
    assert all(line.found == b"" for line in lines[1:])


@pytest.mark.req("SCN-1.5")
def test_a_missing_an_empty_and_a_strange_file_are_told_apart() -> None:
    image = written()
    found = {**image, FILE: b"", "stranger": b"hello"}
    del found["procmond.ack"]
    lines = hex_difference(image, found)
    first = {name: next(each for each in lines if each.file == name) for name in image | found}
    assert first[FILE].note.startswith("the file is empty; header copy 1")
    assert first["procmond.ack"].note.startswith("the file is not there; slot of even")
    assert first["stranger"] == HexLine(
        "stranger", 0, b"", b"hello", "nobody had written this file"
    )


@pytest.mark.req("SCN-1.5")
def test_zeros_are_called_zeros_and_the_rest_is_counted() -> None:
    image = written()
    found = with_bytes(image, FILE, 8192 + 20, bytes(93))
    lines = hex_difference(image, found)
    assert "zeros were found" in lines[1].note
    assert lines[-1].note.endswith("and 3 more lines")


@pytest.mark.req("SCN-1.5")
def test_what_was_added_behind_the_end_is_named() -> None:
    image = written()
    (line,) = hex_difference(image, {**image, FILE: image[FILE] + b"\x01\x02"})
    assert line.note == "beyond what was written"


@pytest.mark.req("SCN-1.5")
def test_not_more_lines_than_are_read() -> None:
    before = {f"file-{number}": bytes([1]) * 400 for number in range(40)}
    lines = hex_difference(before, {name: bytes(400) for name in before})
    assert len(lines) == LINES_MAX
    differing = dict.fromkeys(("a", "b"), b"\xff" * 90_000)
    assert len(hex_difference(differing, {})) < LINES_MAX


@pytest.mark.req("SCN-1.5")
@given(st.sampled_from((FILE, "procmond.ack", f"{FILE}.new", "x")), st.binary(max_size=9000),
       st.binary(max_size=9000))  # fmt: skip
def test_any_bytes_will_do(name: str, before: bytes, after: bytes) -> None:
    for line in hex_difference({name: before}, {name: after}):
        assert line.expected != line.found
        assert line.expected == before[line.offset : line.offset + LINE_BYTES]
        assert line.found == after[line.offset : line.offset + LINE_BYTES]


@pytest.mark.req("SCN-1.5")
@given(st.binary(max_size=400))
def test_pieces_cover_the_file_without_gaps(tail: bytes) -> None:
    content = written()[FILE] + tail
    found = pieces(FILE, content)
    assert found[0].start == 0
    assert found[-1].end >= len(content)
    assert all(one.end == two.start for one, two in pairwise(found))


@pytest.mark.req("SCN-1.5")
def test_added_zeros_are_beyond_what_was_written_and_no_zeros_in_place_of_bytes() -> None:
    image = written()
    (line,) = hex_difference(image, {**image, FILE: image[FILE] + bytes(2)})
    assert line.note == "beyond what was written"


@pytest.mark.req("SCN-1.5")
@pytest.mark.parametrize("found", [None, b""])
def test_of_a_file_that_is_gone_padding_is_not_shown(found: bytes | None) -> None:
    image = written()
    after = {name: content for name, content in image.items() if name != FILE}
    lines = hex_difference(image, after if found is None else {**after, FILE: found})
    assert lines
    assert not [line for line in lines if "padding" in line.note]
    assert not [line for line in lines if "the file ends" in line.note], "it is said that it is"


@pytest.mark.req("SCN-1.5")
def test_one_more_line_is_one_line() -> None:
    image = written()
    found = with_bytes(image, FILE, 8192 + 20, b"\xee" * (5 * LINE_BYTES - 4))
    assert hex_difference(image, found)[-1].note.endswith("and 1 more line")


@pytest.mark.req("SCN-1.5", "FMT-5.1")
@pytest.mark.parametrize(("body_bytes", "fields"), [(24, 0), (25, 4)])
def test_a_body_that_does_not_add_up_is_only_bytes(body_bytes: int, fields: int) -> None:
    body = bytes(8) + (5).to_bytes(8, "little") + bytes(body_bytes - 16)
    header = bytes(4) + body_bytes.to_bytes(4, "little") + bytes(12)
    last = pieces(FILE, bytes(8192) + header + body)[-1]
    assert last.name == "record 1 (event 0), body"
    assert len(last.fields) == fields
