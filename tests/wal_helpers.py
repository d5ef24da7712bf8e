"""The words that log tests are written in: small events, small logs, damage by name.

`make_log` opens a log in memory with tiny limits, a clock that stands still and bytes that
are not random, so that the same test writes the same bytes every time.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable

from reference.events import EventType, ProcessEvent
from reference.frame import StoredFrame
from reference.limits import FRAMES_OFFSET, WalConfig
from reference.scanner import scan_segment
from reference.segment_header import SegmentHeader, decode_segment_header
from reference.wal import WriteAheadLog
from simulators.memory_filesystem import MemoryFilesystem

FIRST = "procmond-00001.wal"
SECOND = "procmond-00002.wal"
THIRD = "procmond-00003.wal"
CLOCK_NS = 1_700_000_000_250_000_000
ROOMY = WalConfig()


def small_event(number: int, text: str = "") -> ProcessEvent:
    """An event that differs from others by its pid and its name."""
    return ProcessEvent(
        event_type=EventType.START, pid=number, ppid=None, name=f"process-{number}{text}",
        executable_path=None, command_line=(), start_time_ns=None, cpu_usage=None,
        memory_usage=None, executable_hash=None, hash_algorithm=None, user_id=None,
        accessible=True, file_exists=True, timestamp_ns=CLOCK_NS, platform_metadata=None,
    )  # fmt: skip


def counting_bytes(start: int = 1) -> Callable[[int], bytes]:
    """A source of bytes that are different at every call and the same in every run."""
    numbers = itertools.count(start)
    return lambda count: next(numbers).to_bytes(4, "big") * (count // 4)


def small_config(records_per_file: int = 3, **limits: int) -> WalConfig:
    """Limits at which a file rotates after so many small events."""
    return WalConfig(rotation_bytes=FRAMES_OFFSET + 130 * records_per_file - 60, **limits)


def make_log(
    disk: MemoryFilesystem,
    config: WalConfig = ROOMY,
    *,
    random_bytes: Callable[[int], bytes] | None = None,
    monotonic_ns: Callable[[], int] = lambda: 0,
    wall_clock_ns: Callable[[], int] = lambda: CLOCK_NS,
) -> WriteAheadLog:
    """Open a log on the disk."""
    return WriteAheadLog.open(
        disk, config, wall_clock_ns=wall_clock_ns, monotonic_ns=monotonic_ns,
        random_bytes=random_bytes or counting_bytes(1 + len(disk.files) * 1000),
    )  # fmt: skip


def disk_with(records: int, config: WalConfig = ROOMY, *, close: bool = True) -> MemoryFilesystem:
    """A disk with a log of so many small events, closed cleanly or killed."""
    disk = MemoryFilesystem()
    log = make_log(disk, config)
    for number in range(1, records + 1):
        assert log.append(small_event(number)) == number
    if close:
        assert log.close().clean
        return disk
    return disk.copy()


def replayed(log: WriteAheadLog) -> list[int]:
    """The sequences that replay yields; each event is checked to be the one appended."""
    sequences = []
    for entry in log.replay():
        assert entry.event.pid == entry.sequence, entry
        sequences.append(entry.sequence)
    return sequences


def reopened(disk: MemoryFilesystem, config: WalConfig = ROOMY) -> WriteAheadLog:
    """The log after a kill: the same files, no lock, no memory."""
    return make_log(disk.copy(), config)


def header_of(disk: MemoryFilesystem, name: str = FIRST) -> SegmentHeader:
    """The header of a segment."""
    header = decode_segment_header(bytes(disk.files[name][:128]))
    assert isinstance(header, SegmentHeader), header
    return header


def frames_of(disk: MemoryFilesystem, name: str = FIRST) -> list[StoredFrame]:
    """The frames of a segment that verify."""
    content = bytes(disk.files[name])
    items = scan_segment(
        lambda offset, count: content[offset : offset + count], len(content), header_of(disk, name)
    )
    return [item for item in items if isinstance(item, StoredFrame)]


def rot_frame_header(disk: MemoryFilesystem, index: int, name: str = FIRST) -> int:
    """Flip a bit in the header of the index-th frame; return the frame's offset."""
    offset = frames_of(disk, name)[index].offset
    disk.flip_bit(name, (offset + 5) * 8)
    return offset


def rot_frame_body(disk: MemoryFilesystem, index: int, name: str = FIRST) -> int:
    """Flip a bit in the body of the index-th frame; return the frame's offset."""
    offset = frames_of(disk, name)[index].offset
    disk.flip_bit(name, (offset + 60) * 8)
    return offset


def without(numbers: Iterable[int], *missing: int) -> list[int]:
    """The numbers less those that are missing."""
    return [number for number in numbers if number not in missing]
