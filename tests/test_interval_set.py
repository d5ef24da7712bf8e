"""The watermark set against a plain set of numbers. Spec: ACK-2."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.interval_set import WatermarkSet

ranges = st.tuples(st.integers(-2, 30), st.integers(-2, 34))


@pytest.mark.req("ACK-2.2", "ACK-2.1")
@given(st.integers(0, 8), st.lists(ranges, max_size=30))
def test_set_agrees_with_a_plain_set(start: int, added: list[tuple[int, int]]) -> None:
    watermarks = WatermarkSet(start)
    model = set(range(-5, start + 1))

    for first, end in added:
        watermarks.add(first, end)
        model |= set(range(first, end))

        held = {number for number in range(-5, 40) if number in watermarks}
        assert held == {number for number in model if -5 <= number < 40}
        prefix = start
        while prefix + 1 in model:
            prefix += 1
        assert watermarks.watermark == prefix


@pytest.mark.req("ACK-2.2")
@given(st.integers(0, 8), st.lists(ranges, max_size=30))
def test_ranges_rise_and_neither_touch_nor_reach_the_watermark(
    start: int, added: list[tuple[int, int]]
) -> None:
    watermarks = WatermarkSet(start)
    for first, end in added:
        watermarks.add(first, end)

    last_end = watermarks.watermark + 1
    for first, end in watermarks.ranges_above():
        assert last_end < first < end
        last_end = end


@pytest.mark.req("ACK-2.2")
@given(st.permutations(range(1, 12)))
def test_numbers_in_any_order_end_as_one_watermark(order: list[int]) -> None:
    watermarks = WatermarkSet(0)
    for number in order:
        watermarks.add(number, number + 1)
    assert (watermarks.watermark, watermarks.ranges_above()) == (11, [])


@pytest.mark.req("ACK-2.2")
def test_hole_holds_the_watermark_back_until_it_is_filled() -> None:
    watermarks = WatermarkSet(4)
    watermarks.add(6, 7)
    assert (watermarks.watermark, watermarks.ranges_above()) == (4, [(6, 7)])
    assert 5 not in watermarks
    watermarks.add(5, 6)
    assert (watermarks.watermark, watermarks.ranges_above()) == (6, [])


@pytest.mark.req("ACK-2.2")
def test_range_that_touches_two_others_joins_them() -> None:
    watermarks = WatermarkSet(0)
    for first, end in ((10, 12), (20, 22), (30, 32), (12, 20)):
        watermarks.add(first, end)
    assert watermarks.ranges_above() == [(10, 22), (30, 32)]


@pytest.mark.req("ACK-2.2")
def test_empty_range_adds_nothing() -> None:
    watermarks = WatermarkSet(4)
    for first, end in ((7, 7), (9, 8), (1, 5), (-3, 0)):
        watermarks.add(first, end)
    assert (watermarks.watermark, watermarks.ranges_above()) == (4, [])


@pytest.mark.req("ACK-2.2")
def test_copy_holds_the_same_numbers_and_changes_alone() -> None:
    watermarks = WatermarkSet(4)
    watermarks.add(6, 8)
    twin = watermarks.copy()
    twin.add(5, 6)
    watermarks.add(9, 10)
    assert (watermarks.watermark, watermarks.ranges_above()) == (4, [(6, 8), (9, 10)])
    assert (twin.watermark, twin.ranges_above()) == (7, [])


@pytest.mark.req("ACK-2.2", "WAL-6.1")
def test_memory_grows_with_the_holes_and_not_with_the_numbers() -> None:
    watermarks = WatermarkSet(0)
    watermarks.add(2, 2**63)
    watermarks.add(2**63, 2**64 - 1)
    assert watermarks.ranges_above() == [(2, 2**64 - 1)]
