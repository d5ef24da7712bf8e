"""Nanoseconds since 1970 as RFC 3339 text and back, in exactly one form.

The form is what chrono's serde writes for `DateTime<Utc>`: 0, 3, 6 or 9 fraction
digits, the fewest that lose nothing, and `Z`:

    2026-11-23T14:25:01Z            2026-11-23T14:25:01.250Z
    2026-11-23T14:25:01.250001Z     2026-11-23T14:25:01.250001007Z

Reading accepts that form only. Other spellings of the same instant (an offset, a
space, trailing zeros) are rejected, so that decoding and encoding are inverse.
The range is 1970 to 9999: four-digit years, and no sign.

Spec: FMT-2.6.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final

from reference.limits import NS_PER_S

SECONDS_MAX: Final = 253_402_300_799  # 9999-12-31T23:59:59Z
TIME_NS_MAX: Final = SECONDS_MAX * NS_PER_S + NS_PER_S - 1

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_SECONDS_PER_DAY: Final = 86_400
_LENGTHS: Final = (20, 24, 27, 30)  # with 0, 3, 6 and 9 fraction digits
_DIGITS_END: Final = 19


def format_rfc3339(time_ns: int) -> str:
    """Return the canonical text. Raises ValueError outside 1970 to 9999."""
    if not 0 <= time_ns <= TIME_NS_MAX:
        raise ValueError(f"{time_ns} ns is outside the years 1970 to 9999")
    seconds, fraction_ns = divmod(time_ns, NS_PER_S)
    text = _second_text(seconds)
    if fraction_ns == 0:
        return text + "Z"
    if fraction_ns % 1_000_000 == 0:
        return f"{text}.{fraction_ns // 1_000_000:03}Z"
    if fraction_ns % 1_000 == 0:
        return f"{text}.{fraction_ns // 1_000:06}Z"
    return f"{text}.{fraction_ns:09}Z"


@lru_cache(maxsize=16)
def _second_text(seconds: int) -> str:
    return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")


def parse_rfc3339(text: str) -> int:
    """Return nanoseconds since 1970. Raises ValueError unless the text is canonical."""
    if len(text) not in _LENGTHS or text[-1] != "Z" or text[10] != "T" or not text.isascii():
        raise ValueError(f"{text!r} is not of the form 2026-11-23T14:25:01.250Z")
    fraction = text[_DIGITS_END + 1 : -1]
    digits = text[11:13] + text[14:16] + text[17:_DIGITS_END] + fraction
    if text[13] != ":" or text[16] != ":" or not digits.isdigit():
        raise ValueError(f"{text!r} is not of the form 2026-11-23T14:25:01.250Z")
    hour, minute, second = int(text[11:13]), int(text[14:16]), int(text[17:_DIGITS_END])
    if hour > 23 or minute > 59 or second > 59:
        raise ValueError(f"{text!r} is no time of day")
    if fraction and (text[_DIGITS_END] != "." or fraction.endswith("000")):
        raise ValueError(f"{text!r} has more fraction digits than it needs")
    seconds = _days(text[:10]) * _SECONDS_PER_DAY + hour * 3600 + minute * 60 + second
    return seconds * NS_PER_S + int((fraction or "0").ljust(9, "0"))


@lru_cache(maxsize=64)
def _days(text: str) -> int:
    """Return days since 1970 of a date like 2026-11-23. Raises ValueError."""
    if text[4] != "-" or text[7] != "-":  # fromisoformat also knows week dates
        raise ValueError(f"{text!r} is not a date of the form 2026-11-23")
    days = date.fromisoformat(text).toordinal() - _EPOCH_DAY
    if days < 0:
        raise ValueError(f"{text!r} is before 1970")
    return days
