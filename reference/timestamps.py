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

import re
from datetime import datetime, timedelta, timezone
from typing import Final

from reference.limits import NS_PER_S

SECONDS_MAX: Final = 253_402_300_799  # 9999-12-31T23:59:59Z
TIME_NS_MAX: Final = SECONDS_MAX * NS_PER_S + NS_PER_S - 1

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_FORM: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})"
    r"(?:\.([0-9]{3}|[0-9]{6}|[0-9]{9}))?Z"
)


def format_rfc3339(time_ns: int) -> str:
    """Return the canonical text. Raises ValueError outside 1970 to 9999."""
    if not 0 <= time_ns <= TIME_NS_MAX:
        raise ValueError(f"{time_ns} ns is outside the years 1970 to 9999")
    seconds, fraction_ns = divmod(time_ns, NS_PER_S)
    text = (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
    if fraction_ns == 0:
        return text + "Z"
    if fraction_ns % 1_000_000 == 0:
        return f"{text}.{fraction_ns // 1_000_000:03}Z"
    if fraction_ns % 1_000 == 0:
        return f"{text}.{fraction_ns // 1_000:06}Z"
    return f"{text}.{fraction_ns:09}Z"


def parse_rfc3339(text: str) -> int:
    """Return nanoseconds since 1970. Raises ValueError unless the text is canonical."""
    match = _FORM.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not of the form 2026-11-23T14:25:01.250Z")
    # fromisoformat raises ValueError for month 13, 30 February, hour 24 and second 60.
    moment = datetime.fromisoformat(match[1] + "+00:00")
    seconds = int((moment - _EPOCH).total_seconds())
    fraction_ns = int((match[2] or "0").ljust(9, "0"))
    time_ns = seconds * NS_PER_S + fraction_ns
    if time_ns < 0:
        raise ValueError(f"{text!r} is before 1970")
    if match[2] is not None and format_rfc3339(time_ns) != text:
        raise ValueError(f"{text!r} has more fraction digits than it needs")
    return time_ns
