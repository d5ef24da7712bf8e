"""RFC 3339 in exactly one form. Spec: FMT-2.6."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.timestamps import SECONDS_MAX, TIME_NS_MAX, format_rfc3339, parse_rfc3339
from tests.strategies import times_ns

KNOWN = (
    (0, "1970-01-01T00:00:00Z"),
    (1, "1970-01-01T00:00:00.000000001Z"),
    (1_000, "1970-01-01T00:00:00.000001Z"),
    (1_000_000, "1970-01-01T00:00:00.001Z"),
    (999_999_999, "1970-01-01T00:00:00.999999999Z"),
    (951_782_400_000_000_000, "2000-02-29T00:00:00Z"),
    (1_700_000_000_250_000_000, "2023-11-14T22:13:20.250Z"),
    (1_700_000_000_250_001_000, "2023-11-14T22:13:20.250001Z"),
    (1_700_000_000_250_001_007, "2023-11-14T22:13:20.250001007Z"),
    (TIME_NS_MAX, "9999-12-31T23:59:59.999999999Z"),
)


@pytest.mark.req("FMT-2.6")
@pytest.mark.parametrize(("time_ns", "text"), KNOWN)
def test_known_instant_has_its_text(time_ns: int, text: str) -> None:
    assert format_rfc3339(time_ns) == text
    assert parse_rfc3339(text) == time_ns


@pytest.mark.req("FMT-2.6")
@given(times_ns)
def test_text_reads_back_as_the_same_instant(time_ns: int) -> None:
    text = format_rfc3339(time_ns)
    assert parse_rfc3339(text) == time_ns
    assert len(text) in (20, 24, 27, 30)


@pytest.mark.req("FMT-2.6")
@given(st.integers(0, SECONDS_MAX))
def test_whole_seconds_agree_with_datetime(seconds: int) -> None:
    expected = datetime.fromtimestamp(seconds, timezone.utc)
    text = format_rfc3339(seconds * 10**9)
    assert text == expected.isoformat().replace("+00:00", "Z")


@pytest.mark.req("FMT-2.6")
@given(times_ns, times_ns)
def test_texts_of_one_length_sort_like_their_instants(one_ns: int, other_ns: int) -> None:
    one, other = format_rfc3339(one_ns), format_rfc3339(other_ns)
    if len(one) == len(other):
        assert (one < other) == (one_ns < other_ns)


@pytest.mark.req("FMT-2.6", "EVT-1.2")
@pytest.mark.parametrize("time_ns", [-1, TIME_NS_MAX + 1])
def test_instant_outside_1970_to_9999_has_no_text(time_ns: int) -> None:
    with pytest.raises(ValueError, match="1970 to 9999"):
        format_rfc3339(time_ns)


@pytest.mark.req("FMT-2.6")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "2023-11-14T22:13:20",  # no zone
        "2023-11-14T22:13:20z",
        "2023-11-14t22:13:20Z",
        "2023-11-14 22:13:20Z",
        "2023-11-14T22:13:20+00:00",
        "2023-11-14T22:13:20.Z",
        "2023-11-14T22:13:20.2Z",
        "2023-11-14T22:13:20.25Z",
        "2023-11-14T22:13:20.2500Z",
        "2023-11-14T22:13:20.000Z",  # more digits than needed
        "2023-11-14T22:13:20.250000Z",
        "2023-11-14T22:13:20.250000000Z",
        "2023-11-14T22:13:20,250Z",
        "2023-11-14T22:13:20Z\n",
        " 2023-11-14T22:13:20Z",
        "2023-11-14T22:13Z",
        "20231114T221320Z",
        "2023-W46-2T22:13:20Z",
        "-023-11-14T22:13:20Z",
        "12023-11-14T22:13:20Z",
        "\u0662\u0660\u0662\u0663-11-14T22:13:20Z",  # digits, but not ASCII
        "2023-11-14T\u0662\u0662:13:20Z",
        "2023-11-14T22:13:20.25\u0660Z",
        "2023-11-14T22:13:20.25\u00b2Z",  # a digit to Python, and no number
        "2023-13-14T22:13:20Z",
        "2023-00-14T22:13:20Z",
        "2023-02-29T22:13:20Z",
        "1900-02-29T00:00:00Z",
        "2023-11-14T22-13:20Z",
        "2023-11-14T22:13-20Z",
        "2023-11-14T2x:13:20Z",
        "2023-11-14T24:00:00Z",
        "2023-11-14T22:60:00Z",
        "2016-12-31T23:59:60Z",  # a leap second
        "1969-12-31T23:59:59Z",
        "1969-12-31T23:59:59.999Z",
        "0000-01-01T00:00:00Z",
    ],
)
def test_other_spelling_or_impossible_instant_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_rfc3339(text)


@pytest.mark.req("FMT-2.6")
@given(st.text(st.sampled_from("0123456789-:.TZ+ "), max_size=31))
def test_whatever_is_read_is_in_the_one_form(text: str) -> None:
    try:
        time_ns = parse_rfc3339(text)
    except ValueError:
        return
    assert format_rfc3339(time_ns) == text


@pytest.mark.req("FMT-2.6")
@given(times_ns, st.integers(0, 29), st.sampled_from("0123456789"))
def test_changed_digit_is_refused_or_read_in_the_one_form(
    time_ns: int, position: int, digit: str
) -> None:
    text = format_rfc3339(time_ns)
    position %= len(text)
    changed = text[:position] + digit + text[position + 1 :]
    try:
        read_ns = parse_rfc3339(changed)
    except ValueError:
        return
    assert format_rfc3339(read_ns) == changed
