"""The numbers of the format, the limits an operator may choose, and what errors say."""

from __future__ import annotations

import errno
from collections.abc import Callable

import pytest

from reference import errors, limits
from reference.codec import encode_event, encode_timestamp
from reference.frame import encode_frame
from reference.limits import ConfigError, WalConfig
from reference.segment_header import FrameKey
from tests.wal_helpers import small_event

FULL = OSError(errno.ENOSPC, "No space left on device", "procmond-00001.wal")


@pytest.mark.req("FMT-5.1")
def test_smallest_frame_is_107_bytes() -> None:
    smallest = small_event(1)._replace(name="")
    payload = encode_timestamp(0) + encode_event(smallest)

    frame = encode_frame(FrameKey(1, 0), 8192, 1, payload)

    assert len(frame) == limits.FRAME_BYTES_MIN == 107
    assert limits.BODY_BYTES_MIN == 87


@pytest.mark.req("FMT-1.1")
def test_largest_event_leaves_its_frame_below_one_mebibyte() -> None:
    largest_frame = (
        limits.FRAME_HEADER_BYTES + 8 + 8 + limits.TIMESTAMP_TEXT_BYTES_MAX
        + limits.EVENT_BYTES_MAX + limits.CRC_BYTES
    )  # fmt: skip
    assert limits.EVENT_BYTES_MAX == 2**20 - 4096
    assert largest_frame < 2**20


@pytest.mark.req("FMT-4.1", "FMT-4.4", "FMT-5.1")
def test_format_constants_are_those_of_the_specification() -> None:
    assert (limits.HEADER_BYTES, limits.SECOND_COPY_OFFSET, limits.FRAMES_OFFSET) == (
        128, 4096, 8192,
    )  # fmt: skip
    assert limits.FRAME_HEADER_BYTES == 20
    assert limits.BODY_BYTES_MAX == 2**20
    assert limits.SEQUENCE_MAX == 2**64 - 1 - 2**16
    assert limits.FILE_NUMBER_MAX == 2**32 - 1 - 2**16


@pytest.mark.req("WAL-3.1", "WAL-3.2", "WAL-3.3", "WAL-5.1", "ACK-5.2")
def test_default_limits_are_those_of_the_ticket() -> None:
    config = WalConfig()
    mib = 2**20
    assert (config.rotation_bytes, config.file_bytes_max) == (80 * mib, 100 * mib)
    assert config.batch_bytes_max == 4 * mib
    assert config.quota_bytes == 1000 * mib
    assert (config.acknowledge_count_max, config.acknowledge_interval_ns) == (1000, 10**9)


BOUNDS = (
    ("rotation_bytes", 8193, 100 * 2**20),
    ("file_bytes_max", 80 * 2**20, 2**40),
    ("batch_bytes_max", 1, 2**30),
    ("event_bytes_max", 47, 2**20 - 4096),
    ("quota_bytes", 64 * 2**20, 2**50),
    ("quarantine_bytes_max", 0, 1000 * 2**20),
    ("quarantine_files_max", 0, 10_000),
    ("acknowledge_interval_ns", 0, 3600 * 10**9),
    ("acknowledge_count_max", 1, 10**9),
)


@pytest.mark.req("WAL-3.1")
@pytest.mark.parametrize(("field", "low", "high"), BOUNDS)
def test_limit_at_either_bound_is_accepted(field: str, low: int, high: int) -> None:
    for value in (low, high):
        assert getattr(WalConfig(**{field: value}), field) == value


@pytest.mark.req("WAL-3.1")
@pytest.mark.parametrize(("field", "low", "high"), BOUNDS)
def test_limit_beyond_a_bound_is_refused_with_its_numbers(field: str, low: int, high: int) -> None:
    for value in (low - 1, high + 1):
        with pytest.raises(ConfigError, match=rf"\w+ is \d+|{field} is -1; it must be from "):
            WalConfig(**{field: value})


@pytest.mark.req("WAL-3.1")
def test_refused_limit_names_field_value_and_bounds() -> None:
    with pytest.raises(ConfigError) as caught:
        WalConfig(batch_bytes_max=0)
    assert str(caught.value) == "batch_bytes_max is 0; it must be from 1 to 1073741824"


# ---- Errors -----------------------------------------------------------------


ErrorCase = tuple[Callable[[], errors.WalError], bool, bool, tuple[str, ...]]
"""How to make the error; definite, retryable; what its message must say."""

ERRORS: tuple[ErrorCase, ...] = (
    (lambda: errors.InvalidEvent("pid", "-1 is low"), True, False, ("'pid'", "-1 is low")),
    (lambda: errors.EventTooLarge(20, 10), True, False, ("20 bytes", "limit is 10", "shorten")),
    (lambda: errors.InvalidJsonLine(7, "pid", "bad"), True, False, ("line 7, field 'pid'", "bad")),
    (lambda: errors.InvalidJsonLine(7, None, "bad"), True, False, ("line 7: bad",)),
    (lambda: errors.EndOfBytes(4, "short"), True, False, ("at byte 4", "short")),
    (errors.WalClosed, True, False, ("closed", "open it again")),
    (lambda: errors.LogFailed("sync: EIO"), True, False, ("sync: EIO", "open it again")),
    (lambda: errors.QuotaExceeded(9, 2, 10), True, True, ("9 bytes", "2 more", "limit is 10")),
    (lambda: errors.DiskRejected("append", "f", FULL), True, True, ("append f: ENOSPC", "stored")),
    (lambda: errors.NoSegment("ENOSPC"), True, True, ("ENOSPC", "free space")),
    (lambda: errors.AppendIndefinite("append", "f", FULL), False, True, ("ENOSPC", "may turn up")),
    (lambda: errors.SyncFailed("f", FULL), False, False, ("sync f: ENOSPC", "reopen")),
    (lambda: errors.AcknowledgedBeyondLog(9, 4), True, False, ("through 9", "ends at 4")),
    (lambda: errors.DeadLetterFailed(9, FULL), True, True, ("sequence 9", "ENOSPC", "stays")),
    (lambda: errors.ReadFailed("f", 8192, FULL), True, True, ("read f at offset 8192", "ENOSPC")),
    (lambda: errors.EntriesUnsteady(9), True, True, ("sequence 9", "at each look")),
    (lambda: errors.EntriesNotDurable(9), True, True, ("sequence 9", "finds space")),
    (lambda: errors.Locked("/wal"), True, False, ("/wal is locked", "inspect")),
    (lambda: errors.UnsafeDirectory("/wal", "why"), True, False, ("/wal is unsafe: why", "0700")),
    (lambda: errors.UnsupportedVersion("f", 2, 5), True, False, ("f: format version 2", "0x5")),
    (lambda: errors.DiskUnreadable("read", "f", 1, FULL), True, False, ("read f at", "salvage")),
)


@pytest.mark.req("ERR-1.1")
@pytest.mark.parametrize(("make", "definite", "retryable", "words"), ERRORS)
def test_error_says_what_happened_and_what_to_do(
    make: Callable[[], errors.WalError], definite: bool, retryable: bool, words: tuple[str, ...]
) -> None:
    error = make()
    assert (error.definite, error.retryable) == (definite, retryable)
    for word in words:
        assert word in str(error)


@pytest.mark.req("ERR-1.1")
def test_every_concrete_error_is_in_the_table_of_this_file() -> None:
    def leaves(kind: type[errors.WalError]) -> set[str]:
        below = kind.__subclasses__()
        return {kind.__name__} if not below else set().union(*map(leaves, below))

    decoding = {kind.__name__ for kind in errors.DecodeError.__subclasses__()}
    shown = {type(make()).__name__ for make, *_ in ERRORS} | decoding
    assert {name for name in leaves(errors.WalError) if name in vars(errors)} == shown


@pytest.mark.req("ERR-1.1")
@pytest.mark.parametrize(
    "make",
    [
        lambda: errors.DiskRejected("append", "f", FULL),
        lambda: errors.AppendIndefinite("append", "f", FULL),
        lambda: errors.SyncFailed("f", FULL),
        lambda: errors.DeadLetterFailed(9, FULL),
        lambda: errors.ReadFailed("f", 1, FULL),
        lambda: errors.DiskUnreadable("read", "f", 1, FULL),
    ],
)
def test_error_from_the_disk_keeps_its_errno(make: Callable[[], errors.SyncFailed]) -> None:
    assert make().errno == errno.ENOSPC


@pytest.mark.req("ERR-1.1", "WAL-1.4")
def test_error_of_a_shared_batch_is_given_to_each_caller_with_its_own_numbers() -> None:
    shared = errors.DiskRejected("append", "f", FULL)

    mine, theirs = shared.for_caller((4, 5)), shared.for_caller(())

    assert isinstance(mine, errors.DiskRejected)
    assert (mine.stored, theirs.stored, shared.stored) == ((4, 5), (), ())
    assert (str(mine), mine.errno, mine.definite) == (str(shared), errno.ENOSPC, True)


@pytest.mark.req("ERR-1.1")
def test_os_error_is_described_by_symbol_and_text() -> None:
    assert errors.describe(FULL) == "ENOSPC (No space left on device)"


@pytest.mark.req("ERR-1.1")
def test_os_error_without_errno_is_described_by_its_text() -> None:
    assert errors.describe(OSError("names are used up")) == "names are used up"


@pytest.mark.req("ERR-1.1")
def test_os_error_of_unknown_number_is_described_by_the_number() -> None:
    assert errors.describe(OSError(99_999, "odd")) == "99999 (odd)"
