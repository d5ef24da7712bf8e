"""A set of sequence numbers as ranges, with its contiguous prefix: the watermark.

Numbers are settled in any order; the log may forget only the prefix without a hole.
`WatermarkSet(4)` holds 1..4. Adding 6 changes nothing about the watermark, adding 5 then
moves it to 6. Memory grows with the number of holes, not of numbers.

Spec: ACK-2.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right


class WatermarkSet:
    """All numbers up to `watermark`, and disjoint, non-adjacent ranges above it."""

    def __init__(self, watermark: int) -> None:
        self.watermark = watermark
        self._starts: list[int] = []
        self._ends: list[int] = []  # exclusive, parallel to _starts

    def __contains__(self, number: int) -> bool:
        if number <= self.watermark:
            return True
        index = bisect_right(self._starts, number) - 1
        return index >= 0 and number < self._ends[index]

    def copy(self) -> WatermarkSet:
        """Return the same numbers, independent of later changes."""
        twin = WatermarkSet(self.watermark)
        twin._starts, twin._ends = list(self._starts), list(self._ends)
        return twin

    @property
    def has_ranges(self) -> bool:
        """Whether there are numbers above the watermark."""
        return bool(self._starts)

    def add(self, first: int, end: int) -> None:
        """Add the numbers [first, end)."""
        first = max(first, self.watermark + 1)
        if first >= end:
            return
        # All ranges that overlap or touch [first, end) merge into one.
        low = bisect_left(self._ends, first)
        high = bisect_right(self._starts, end)
        if low < high:
            first = min(first, self._starts[low])
            end = max(end, self._ends[high - 1])
        self._starts[low:high] = [first]
        self._ends[low:high] = [end]
        if self._starts[0] == self.watermark + 1:
            self.watermark = self._ends[0] - 1
            del self._starts[0], self._ends[0]

    def missing(self, first: int, end: int) -> list[tuple[int, int]]:
        """Return the ranges [first, end) of numbers inside the given one that are not here."""
        missing = []
        first = max(first, self.watermark + 1)
        for start, stop in zip(self._starts, self._ends, strict=True):
            if start >= end:
                break
            if first < start:
                missing.append((first, start))
            first = max(first, stop)
        if first < end:
            missing.append((first, end))
        return missing

    def ranges_above(self) -> list[tuple[int, int]]:
        """Return the ranges [first, end) above the watermark, rising."""
        return list(zip(self._starts, self._ends, strict=True))
