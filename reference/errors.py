"""Every error that the log raises: one class per broken rule.

Each says two things that a caller needs in order to act:

- `definite`: True means that the operation had no effect and never will have.
  False means that it may or may not have taken effect: an event may turn up at
  the next replay. Retrying an indefinite append may store the event twice.
- `retryable`: the same call may succeed later without reopening the log.

Damage found while opening is *reported* (report.py), never raised. Programmer
mistakes are assertions.

Spec: ERR-1.
"""

from __future__ import annotations

import errno as errno_names
from typing import ClassVar


class WalError(Exception):
    """Base of all errors that are expected in normal operation."""

    definite: ClassVar[bool] = True
    retryable: ClassVar[bool] = False


# ---- Events that cannot be taken --------------------------------------------


class InvalidEvent(WalError):
    """A field of an event is outside what the format can carry. Definite."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"event field {field!r}: {reason}")
        self.field = field
        self.reason = reason


class EventTooLarge(WalError):
    """The encoded event exceeds the limit. Definite; no sequence was taken (trap T6)."""

    def __init__(self, encoded_bytes: int, limit_bytes: int) -> None:
        super().__init__(
            f"the event is {encoded_bytes} bytes encoded, the limit is {limit_bytes}; "
            "shorten command_line or platform_metadata"
        )
        self.encoded_bytes = encoded_bytes
        self.limit_bytes = limit_bytes


class InvalidJsonLine(WalError):
    """A line of JSON Lines input is not an event. Definite."""

    def __init__(self, line_number: int, field: str | None, reason: str) -> None:
        where = f"line {line_number}" + (f", field {field!r}" if field else "")
        super().__init__(f"{where}: {reason}")
        self.line_number = line_number
        self.field = field
        self.reason = reason


# ---- Bytes that cannot be decoded -------------------------------------------


class DecodeError(WalError):
    """Base: bytes are not a bincode legacy value of the expected type. Definite."""

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(f"at byte {offset}: {reason}")
        self.offset = offset
        self.reason = reason


class EndOfBytes(DecodeError):
    """A value needs more bytes than there are."""


class LengthOutOfRange(DecodeError):
    """A length exceeds the bytes that remain or is one its field cannot have; nothing allocated."""


class InvalidTag(DecodeError):
    """An Option, bool or enum tag has a value that the type does not have."""


class InvalidText(DecodeError):
    """A string is not UTF-8, or a timestamp is not in the one canonical form."""


class NumberOutOfRange(DecodeError):
    """A number decodes but lies outside its field's range."""


class TrailingBytes(DecodeError):
    """Bytes remain after the value."""


# ---- Appending and acknowledging --------------------------------------------


class AppendError(WalError):
    """Base of append failures. `stored` holds the numbers of the call that are durable.

    Events of one call are stored in order, so the first `len(stored)` of them are
    durable, and `definite` speaks of the rest.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.stored: tuple[int, ...] = ()

    def for_caller(self, stored: tuple[int, ...]) -> AppendError:
        """Return this error for one of the callers that shared the failed batch."""
        own = type(self).__new__(type(self), *self.args)
        own.__dict__.update(self.__dict__)
        own.stored = stored
        return own


class WalClosed(AppendError):
    """The log was closed. Definite."""

    def __init__(self) -> None:
        super().__init__("the log is closed; open it again")


class LogFailed(AppendError):
    """An earlier sync failed, so this process cannot know what is on disk. Definite.

    Nothing was attempted. Only closing and reopening helps: recovery then writes the
    surviving entries anew instead of trusting the page cache (trap T3).
    """

    def __init__(self, cause: str) -> None:
        super().__init__(f"the log failed earlier ({cause}); close it and open it again")


class QuotaExceeded(AppendError):
    """Storing the event would exceed the quota. Definite; retry after acknowledging."""

    retryable = True

    def __init__(self, used_bytes: int, wanted_bytes: int, quota_bytes: int) -> None:
        super().__init__(
            f"quota: {used_bytes} bytes are used and {wanted_bytes} more are needed, "
            f"the limit is {quota_bytes}; acknowledge entries to free files"
        )
        self.used_bytes = used_bytes
        self.wanted_bytes = wanted_bytes
        self.quota_bytes = quota_bytes


class DiskRejected(AppendError):
    """The disk refused the write and the file was cut back durably. Definite, retryable."""

    retryable = True

    def __init__(self, operation: str, name: str, cause: OSError) -> None:
        super().__init__(
            f"{operation} {name}: {describe(cause)}; nothing of it was stored, "
            "the next append tries a new file"
        )
        self.errno = cause.errno


class NoSegment(AppendError):
    """No file can be appended to and none could be created. Definite, retryable."""

    retryable = True

    def __init__(self, cause: str) -> None:
        super().__init__(f"cannot start a new file: {cause}; free space and append again")


class AppendIndefinite(AppendError):
    """A write failed and could not be undone. The events may or may not be stored."""

    definite = False
    retryable = True

    def __init__(self, operation: str, name: str, cause: OSError) -> None:
        super().__init__(
            f"{operation} {name}: {describe(cause)}, and it could not be undone; "
            "the events may turn up at the next open"
        )
        self.errno = cause.errno


class SyncFailed(AppendError):
    """A sync failed: what was written may or may not survive. The log is failed now."""

    definite = False

    def __init__(self, name: str, cause: OSError) -> None:
        super().__init__(
            f"sync {name}: {describe(cause)}; it is never retried on this file, "
            "because a second sync may succeed without writing anything; reopen the log"
        )
        self.errno = cause.errno


class AcknowledgedBeyondLog(WalError):
    """An acknowledgement names a number that the log has not made durable. Definite."""

    def __init__(self, through: int, durable_through: int) -> None:
        super().__init__(
            f"acknowledgement through {through}, but the log ends at {durable_through}"
        )
        self.through = through
        self.durable_through = durable_through


class DeadLetterFailed(WalError):
    """A dead letter could not be stored; its entry stays unsettled in the log. Retryable."""

    retryable = True

    def __init__(self, sequence: int, cause: OSError) -> None:
        super().__init__(
            f"dead letter for sequence {sequence}: {describe(cause)}; the entry stays in the log"
        )
        self.sequence = sequence
        self.errno = cause.errno


class ReadFailed(WalError):
    """The disk failed while entries were read back. Nothing was changed. Retryable."""

    retryable = True

    def __init__(self, name: str, offset: int, cause: OSError) -> None:
        super().__init__(f"read {name} at offset {offset}: {describe(cause)}")
        self.name = name
        self.offset = offset
        self.errno = cause.errno


class EntriesUnsteady(WalError):
    """The medium gives other bytes at each look, so what is lost cannot be told. Retryable."""

    retryable = True

    def __init__(self, first: int) -> None:
        super().__init__(f"entries from sequence {first} on read differently at each look")
        self.first = first


class EntriesNotDurable(WalError):
    """Recovery could not make entries durable, so they must not be published yet. Retryable."""

    retryable = True

    def __init__(self, first: int) -> None:
        super().__init__(
            f"entries from sequence {first} on are not known to be durable; "
            "they follow once an append finds space"
        )
        self.first = first


# ---- The four refusals to open ----------------------------------------------


class OpenRefused(WalError):
    """Base of the four reasons not to open. Definite: no entry was changed."""


class Locked(OpenRefused):
    """Another process holds the log."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"{path} is locked by another process; stop it first "
            "(inspect, verify and dump work while it runs)"
        )


class UnsafeDirectory(OpenRefused):
    """The directory belongs to someone else, or others can write to it."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path} is unsafe: {reason}; use a directory of your own with mode 0700")


class UnsupportedVersion(OpenRefused):
    """A verified header names a version or a feature that this reader does not have."""

    def __init__(self, name: str, major: int, flags: int) -> None:
        super().__init__(
            f"{name}: format version {major}, incompatible flags {flags:#x}; this reader knows "
            "version 1 without flags; use the program that wrote it"
        )
        self.name = name
        self.major = major
        self.flags = flags


class DiskUnreadable(OpenRefused):
    """The disk failed while the log was read. This is not damage: nothing was changed."""

    def __init__(self, operation: str, name: str, offset: int, cause: OSError) -> None:
        if operation == "read":
            where = f"{name} at offset {offset}"
            hint = "if it stays unreadable, run `python3 -m reference salvage`"
        else:
            where, hint = name, "repair this and open again"
        super().__init__(f"{operation} {where}: {describe(cause)}; {hint}")
        self.name = name
        self.offset = offset
        self.errno = cause.errno


def describe(cause: OSError) -> str:
    """Return `ENOSPC (No space left on device)` for the error, or its own text."""
    if cause.errno is None:
        return str(cause)
    symbol = errno_names.errorcode.get(cause.errno, str(cause.errno))
    return f"{symbol} ({cause.strerror})"
