"""The acceptance boxes of the ticket's WriteAheadLog section, by name."""

from __future__ import annotations

import logging

import pytest

from reference.codec import encode_event
from reference.limits import FRAMES_OFFSET
from simulators.memory_filesystem import MemoryFilesystem
from tests.wal_helpers import (
    FIRST,
    SECOND,
    disk_with,
    frames_of,
    make_log,
    reopened,
    replayed,
    rot_frame_body,
    small_config,
    small_event,
    without,
)


@pytest.mark.req("FMT-2.1", "FMT-5.1", "WAL-1.1")
def test_events_persisted_to_disk_using_bincode_serialization() -> None:
    disk = MemoryFilesystem()
    event = small_event(1)
    make_log(disk).append(event)
    # WalEntry {sequence: 1, timestamp, event, crc32}, spelled out by hand.
    timestamp = b"2023-11-14T22:13:20.250Z"
    body = (1).to_bytes(8, "little") + len(timestamp).to_bytes(8, "little") + timestamp
    body += encode_event(event)
    content = bytes(disk.files[FIRST])
    assert content[FRAMES_OFFSET + 20 : -4] == body
    assert disk.journal[-1] == ("sync", FIRST)


@pytest.mark.req("FMT-3.1")
def test_sequence_numbered_files_created() -> None:
    disk = disk_with(7, small_config(3))
    names = sorted(name for name in disk.files if name.endswith(".wal"))
    assert names == ["procmond-00001.wal", "procmond-00002.wal", "procmond-00003.wal"]


@pytest.mark.req("WAL-3.1", "WAL-3.2")
def test_file_rotation_occurs_at_the_threshold() -> None:
    config = small_config(3)
    disk = disk_with(4, config)
    sizes = {name: len(content) for name, content in disk.files.items() if ".wal" in name}
    assert sizes[FIRST] >= config.rotation_bytes
    last_frame = frames_of(disk, FIRST)[-1]
    assert last_frame.offset < config.rotation_bytes, "the record that reaches it is the last"
    assert [frame.sequence for frame in frames_of(disk, SECOND)] == [4]


@pytest.mark.req("REC-1.1", "REC-10.1")
@pytest.mark.parametrize("close", [True, False], ids=["closed", "killed"])
def test_wal_replay_recovers_all_unpublished_events_on_startup(close: bool) -> None:
    config = small_config(3)
    disk = MemoryFilesystem()
    log = make_log(disk, config)
    log.append_batch([small_event(number) for number in range(1, 11)])
    log.acknowledge(4)
    log.flush()
    if close:
        log.close()
    assert replayed(reopened(disk, config)) == [5, 6, 7, 8, 9, 10]


@pytest.mark.req("FMT-5.4", "REC-2.1", "REP-1.1")
def test_corrupted_entries_detected_via_crc32_and_skipped_with_warning_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    disk = disk_with(5)
    offset = rot_frame_body(disk, 2)
    with caplog.at_level(logging.WARNING, "reference.wal"):
        log = make_log(disk)
    assert replayed(log) == without(range(1, 6), 3)
    (warning,) = caplog.messages
    length = frames_of(disk_with(5))[2].body
    assert warning == (
        f"damaged-body: {FIRST} at offset {offset}, {len(length) + 20} bytes, sequences 3..3 lost"
    )


@pytest.mark.req("ACK-5.1")
def test_wal_files_deleted_after_all_events_successfully_published() -> None:
    config = small_config(3)
    disk = disk_with(10, config)
    log = make_log(disk, config)
    log.acknowledge(10)
    assert log.segment_names == ["procmond-00004.wal"]
    assert [name for name in disk.files if ".wal" in name] == ["procmond-00004.wal"]


@pytest.mark.req("WAL-1.2")
def test_numbering_continues_after_everything_was_deleted_by_acknowledgement() -> None:
    config = small_config(3)
    disk = disk_with(10, config)
    with make_log(disk, config) as log:
        log.acknowledge(10)
    with make_log(disk, config) as log:
        assert replayed(log) == []
        assert log.append(small_event(11)) == 11
    assert [entry.sequence for entry in reopened(disk).replay()] == [11]
