"""The dead-letter file: what is stored, what is skipped, what a failing disk does. Spec: DLQ-1."""

from __future__ import annotations

import errno
import json
import tracemalloc
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.dead_letters import (
    LINE_BYTES_MAX,
    DeadLetter,
    DeadLetterFile,
    decode_dead_letter,
    encode_dead_letter,
)
from simulators.memory_filesystem import MemoryFilesystem
from tests.strategies import texts

NAME = "procmond.dead"
LOG_ID = bytes(range(16))

letters = st.builds(
    DeadLetter, st.binary(min_size=16, max_size=16), st.integers(1, 2**64 - 1),
    st.text(), st.binary(max_size=60),
)  # fmt: skip


def letter(sequence: int, reason: str = "refused") -> DeadLetter:
    return DeadLetter(LOG_ID, sequence, reason, bytes([sequence]) * 3)


def file_on(disk: MemoryFilesystem) -> DeadLetterFile:
    """The dead-letter file as recovery opens it."""
    content = disk.files.get(NAME)
    return DeadLetterFile(disk, None if content is None else len(content))


def sequences_on(disk: MemoryFilesystem) -> list[int]:
    return [each.sequence for each in file_on(disk).letters()]


# ---- Lines ------------------------------------------------------------------


@pytest.mark.req("DLQ-1.2")
@given(letters)
def test_letter_reads_back_from_its_line(original: DeadLetter) -> None:
    line = encode_dead_letter(original)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert decode_dead_letter(line) == decode_dead_letter(line[:-1]) == original


@pytest.mark.req("DLQ-1.2")
def test_line_is_a_crc_and_json_that_a_person_can_read() -> None:
    line = encode_dead_letter(letter(7, "the broker said: no"))
    crc, text = line[:8], line[9:-1]
    assert line[8:9] == b" "
    assert int(crc, 16) == crc32(text)
    assert json.loads(text) == {
        "log_id": "000102030405060708090a0b0c0d0e0f", "sequence": "7",
        "reason": "the broker said: no", "payload": "070707",
    }  # fmt: skip
    assert list(json.loads(text)) == ["log_id", "sequence", "reason", "payload"]


@pytest.mark.req("DLQ-1.2")
@given(letters, st.data())
def test_line_with_one_bit_flipped_is_no_letter(original: DeadLetter, data: st.DataObject) -> None:
    line = bytearray(encode_dead_letter(original)[:-1])
    bit = data.draw(st.integers(0, len(line) * 8 - 1))
    line[bit // 8] ^= 1 << (bit % 8)
    assert decode_dead_letter(bytes(line)) is None


@pytest.mark.req("DLQ-1.2")
@pytest.mark.parametrize(
    "text",
    [
        b"{}", b"[]", b"null", b"7", b"not json", b"\xff",
        b'{"log_id":"00","sequence":"x","reason":"r","payload":"00"}',
        b'{"log_id":"0","sequence":"1","reason":"r","payload":"00"}',
        b'{"log_id":"00","sequence":"1","reason":"r","payload":7}',
        b'{"log_id":"00","sequence":null,"reason":"r","payload":"00"}',
        b'{"log_id":"00","reason":"r","payload":"00"}',
    ],
)  # fmt: skip
def test_line_with_a_right_crc_and_other_content_is_no_letter(text: bytes) -> None:
    assert decode_dead_letter(b"%08x %s" % (crc32(text), text)) is None


@pytest.mark.req("DLQ-1.2")
def test_line_with_a_right_crc_and_deep_nesting_is_no_letter() -> None:
    text = b"[" * 100_000
    assert decode_dead_letter(b"%08x %s" % (crc32(text), text)) is None


@pytest.mark.req("DLQ-1.2")
@pytest.mark.parametrize("line", [b"", b" ", b"00000000", b"00000000 ", b"xyz {}"])
def test_line_without_crc_or_text_is_no_letter(line: bytes) -> None:
    # CRC-32 of nothing is 0, so "00000000 " verifies and is still no letter.
    assert decode_dead_letter(line) is None


# ---- The file ---------------------------------------------------------------


@pytest.mark.req("DLQ-1.1")
def test_first_letter_makes_the_file_and_its_name_durable() -> None:
    disk = MemoryFilesystem()
    file_on(disk).append([letter(1)])
    assert disk.journal == [
        ("create_exclusive", NAME), ("append", NAME), ("sync", NAME), ("sync_directory", ""),
    ]  # fmt: skip
    assert sequences_on(disk) == [1]


@pytest.mark.req("DLQ-1.1")
def test_second_letter_needs_no_directory_sync() -> None:
    disk = MemoryFilesystem()
    file = file_on(disk)
    file.append([letter(1)])
    disk.journal.clear()
    file.append([letter(2), letter(3)])
    assert disk.journal == [("append", NAME), ("sync", NAME)]
    assert list(file.letters()) == [letter(1), letter(2), letter(3)]


@pytest.mark.req("DLQ-1.1")
def test_file_found_at_open_has_its_name_synced_with_the_first_letter() -> None:
    disk = MemoryFilesystem()
    file_on(disk).append([letter(1)])
    disk.journal.clear()
    file_on(disk).append([letter(2)])
    assert disk.journal == [("append", NAME), ("sync", NAME), ("sync_directory", "")]
    assert sequences_on(disk) == [1, 2]


@pytest.mark.req("DLQ-1.2")
def test_missing_file_holds_no_letters() -> None:
    file = file_on(MemoryFilesystem())
    assert (list(file.letters()), file.size_bytes) == ([], 0)


@pytest.mark.req("DLQ-1.2")
def test_a_file_that_existed_is_appended_to_behind_a_newline_of_its_own() -> None:
    disk = MemoryFilesystem({NAME: bytearray()})
    file_on(disk).append([letter(1)])
    assert bytes(disk.files[NAME]) == b"\n" + encode_dead_letter(letter(1))


@pytest.mark.req("DLQ-1.2")
@pytest.mark.parametrize("kept", [1, 9, 30, -1])
def test_torn_last_line_costs_only_itself(kept: int) -> None:
    disk = MemoryFilesystem()
    file_on(disk).append([letter(1)])
    whole = len(disk.files[NAME])
    torn = encode_dead_letter(letter(2))[:kept]
    disk.write_at(NAME, whole, torn)

    assert sequences_on(disk) == [1]
    file_on(disk).append([letter(3)])

    # Without its newline a complete line is a torn one for readers; the next writer ends it.
    assert sequences_on(disk) == ([1, 2, 3] if kept == -1 else [1, 3])


@pytest.mark.req("DLQ-1.2")
def test_rotten_line_costs_only_itself() -> None:
    disk = MemoryFilesystem()
    file_on(disk).append([letter(1), letter(2), letter(3)])
    disk.flip_bit(NAME, (len(encode_dead_letter(letter(1))) + 20) * 8)
    assert sequences_on(disk) == [1, 3]


@pytest.mark.req("DLQ-1.2")
def test_repeated_letter_is_legal_and_read_twice() -> None:
    disk = MemoryFilesystem()
    for _ in range(2):
        file_on(disk).append([letter(1)])
    assert sequences_on(disk) == [1, 1]


@pytest.mark.req("DLQ-1.1")
def test_letter_whose_sync_failed_is_appended_again_as_a_whole() -> None:
    disk = MemoryFilesystem()
    file = file_on(disk)
    disk.fail("sync", NAME)
    with pytest.raises(OSError, match="Input/output"):
        file.append([letter(1)])
    disk.journal.clear()

    file.append([letter(1)])

    assert disk.journal == [("append", NAME), ("sync", NAME), ("sync_directory", "")]
    assert sequences_on(disk) == [1, 1]


@pytest.mark.req("DLQ-1.1")
def test_letter_whose_name_is_not_durable_counts_as_not_stored() -> None:
    disk = MemoryFilesystem()
    file = file_on(disk)
    disk.fail("sync_directory")
    with pytest.raises(OSError, match="Input/output"):
        file.append([letter(1)])
    disk.journal.clear()
    file.append([letter(1)])
    assert ("sync_directory", "") in disk.journal


@pytest.mark.req("DLQ-1.1")
def test_file_that_cannot_be_created_is_tried_again() -> None:
    disk = MemoryFilesystem()
    file = file_on(disk)
    disk.fail("create_exclusive", NAME, errno.ENOSPC)
    with pytest.raises(OSError, match="No space"):
        file.append([letter(1)])
    assert NAME not in disk.files
    file.append([letter(1)])
    assert sequences_on(disk) == [1]


@pytest.mark.req("DLQ-1.1", "DLQ-1.2")
def test_write_torn_by_a_full_disk_costs_no_later_letter() -> None:
    disk = MemoryFilesystem()
    file = file_on(disk)
    file.append([letter(1)])
    disk.free_bytes = 25
    with pytest.raises(OSError, match="No space"):
        file.append([letter(2)])
    disk.heal()

    assert file.size_bytes == len(disk.files[NAME])
    file.append([letter(2), letter(3)])

    assert sequences_on(disk) == [1, 2, 3]


@pytest.mark.req("DLQ-1.1")
def test_size_follows_the_file_and_is_zero_once_it_is_gone() -> None:
    disk = MemoryFilesystem({"other": bytearray(b"x")})
    file = file_on(disk)
    file.append([letter(1)])
    assert file.size_bytes == len(disk.files[NAME])
    disk.unlink(NAME)
    with pytest.raises(FileNotFoundError):
        file.append([letter(2)])


@pytest.mark.req("DLQ-1.1")
def test_file_that_vanished_while_it_was_written_counts_as_empty() -> None:
    class Vanishing(MemoryFilesystem):
        def sync(self, name: str) -> None:
            self.unlink(name)
            super().sync(name)

    disk = Vanishing()
    file = file_on(disk)
    with pytest.raises(FileNotFoundError):
        file.append([letter(1)])
    assert file.size_bytes == 0


@pytest.mark.req("DLQ-1.2", "WAL-6.1")
def test_letters_stream_across_chunks_and_step_over_a_line_too_long() -> None:
    disk = MemoryFilesystem()
    big = DeadLetter(LOG_ID, 2, "big", bytes(2**20))  # 2 MiB of hex: spans chunks
    file_on(disk).append([letter(1), big])
    disk.write_at(NAME, len(disk.files[NAME]), b"z" * (LINE_BYTES_MAX + 2**21) + b"\n")
    file_on(disk).append([letter(3)])
    assert sequences_on(disk) == [1, 2, 3]


@pytest.mark.req("DLQ-1.2", "WAL-6.1")
def test_line_without_an_end_does_not_fill_memory() -> None:
    disk = MemoryFilesystem({NAME: bytearray(b"z" * (24 * 2**20))})
    tracemalloc.start()
    try:
        assert sequences_on(disk) == []
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5 * LINE_BYTES_MAX


@pytest.mark.req("DLQ-1.2")
@given(st.lists(letters, max_size=4), st.text(st.sampled_from("ab\n {}"), max_size=20), texts)
def test_garbage_between_lines_costs_no_letter(
    stored: list[DeadLetter], garbage: str, other: str
) -> None:
    data = bytearray()
    for each in stored:
        data += garbage.encode() + other.encode() + b"\n" + encode_dead_letter(each)
    assert list(file_on(MemoryFilesystem({NAME: data})).letters()) == stored
