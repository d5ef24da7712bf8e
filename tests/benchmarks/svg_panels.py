"""Two kinds of panel, drawn with the standard library: lines by setting, and bars.

A panel is a piece of SVG of a given width and height whose origin is its upper left corner.
Everything is labelled where it is: there is no legend. A thin stroke through a mark goes from
the lowest round to the highest. Colours are the page's (plot.py), in light and dark.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tests.benchmarks.rounds import Spread

WIDTH: Final = 500.0
HEIGHT: Final = 290.0
HEAD: Final = 48.0
LEFT: Final = 46.0
FOOT: Final = 42.0
LINE: Final = 14.0
NAME_WIDTH: Final = 132.0
"""For the names beside lines."""
BAR_NAMES: Final = 116.0
BAR_VALUES: Final = 62.0


@dataclass(frozen=True, slots=True)
class Series:
    """One contestant: a spread for each setting, None where it did not take part."""

    name: str
    spreads: tuple[Spread | None, ...]
    paint: str = "peer"
    """ours, second (ours too), raw, peer: which colour and stroke."""


def line_panel(
    title: str, unit: str, settings: Sequence[str], series: Sequence[Series], *, logarithmic: bool
) -> str:
    """Return lines over settings, each named at its right end."""
    spreads = [spread for each in series for spread in each.spreads if spread is not None]
    scale = _Scale.over(spreads, HEAD + 10, HEIGHT - FOOT, logarithmic=logarithmic)
    right = WIDTH - NAME_WIDTH
    step = (right - LEFT - 24) / max(1, len(settings) - 1)
    places = [LEFT + 12 + index * step for index in range(len(settings))]
    parts = list(_head(title, unit))
    for tick in scale.ticks():
        y = scale.y(tick)
        parts.append(f'<path class="grid" d="M{LEFT:g} {y:.1f}H{right:g}"/>')
        parts.append(_text(LEFT - 7, y + 4, _short(tick), "tick", "end"))
    for x, setting in zip(places, settings, strict=True):
        parts.append(_text(x, HEIGHT - FOOT + 20, setting, "tick", "middle"))
    names: list[tuple[float, float, Series]] = []
    for each in sorted(series, key=lambda each: each.paint != "peer"):  # ours on top
        points = [
            (x, spread)
            for x, spread in zip(places, each.spreads, strict=True)
            if spread is not None
        ]
        if not points:
            continue
        parts += _line(points, scale, each.paint)
        names.append((scale.y(points[-1][1].median), points[-1][0], each))
    parts += _names(names, right)
    return "".join(parts)


def bar_panel(title: str, unit: str, series: Sequence[Series], *, low_is_good: bool = False) -> str:
    """Return a bar for each contestant, the best one first, with its number."""
    bars = [(each, each.spreads[0]) for each in series]
    known = [(each, spread) for each, spread in bars if spread is not None]
    known.sort(key=lambda bar: bar[1].median, reverse=not low_is_good)
    top, left = HEAD + 8, BAR_NAMES
    row = min(28.0, (HEIGHT - top - 12) / max(1, len(known)))
    most = max((spread.high for _, spread in known), default=1.0) or 1.0
    room = WIDTH - left - BAR_VALUES
    parts = list(_head(title, unit))
    for index, (each, spread) in enumerate(known):
        middle = top + row * index + row / 2
        length = max(1.0, room * spread.median / most)
        low, high = (left + room * value / most for value in (spread.low, spread.high))
        parts.append(_text(left - 8, middle + 4, each.name, f"name {each.paint}", "end"))
        parts.append(
            f'<rect class="bar {each.paint}" x="{left:g}" y="{middle - row * 0.31:.1f}" '
            f'width="{length:.1f}" height="{row * 0.62:.1f}" rx="2"/>'
            f'<path class="range" d="M{low:.1f} {middle:.1f}H{high:.1f}"/>'
        )
        x = max(left + length, high) + 6
        parts.append(_text(x, middle + 4, _short(spread.median), "value", "start"))
    return "".join(parts)


# ---- Parts ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Scale:
    low: float
    high: float
    top: float
    bottom: float
    logarithmic: bool

    @classmethod
    def over(
        cls, spreads: Sequence[Spread], top: float, bottom: float, *, logarithmic: bool
    ) -> _Scale:
        high = max((spread.high for spread in spreads), default=1.0)
        if not logarithmic:
            return cls(0.0, high * 1.08 or 1.0, top, bottom, False)
        low = min(spread.low for spread in spreads)
        return cls(low / 1.15, high * 1.15, top, bottom, True)

    def y(self, value: float) -> float:
        if self.logarithmic:
            part = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            part = value / self.high
        return self.bottom - part * (self.bottom - self.top)

    def ticks(self) -> list[float]:
        if self.logarithmic:
            powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            candidates = [digit * 10.0**power for power in powers for digit in (1, 3)]
            return [tick for tick in candidates if self.low <= tick <= self.high]
        step = 10 ** math.floor(math.log10(self.high))
        step /= next(parts for parts in (1, 2, 5) if self.high / step * parts >= 3)
        return [index * step for index in range(int(self.high / step) + 1)]


def _line(points: Sequence[tuple[float, Spread]], scale: _Scale, paint: str) -> Iterator[str]:
    path = "L".join(f"{x:.1f} {scale.y(spread.median):.1f}" for x, spread in points)
    yield f'<path class="line {paint}" d="M{path}"/>'
    for x, spread in points:
        if paint != "peer":
            yield (
                f'<path class="whisker {paint}" '
                f'd="M{x:.1f} {scale.y(spread.low):.1f}V{scale.y(spread.high):.1f}"/>'
            )
        radius = 2.2 if paint == "peer" else 3.6
        yield (
            f'<circle class="dot {paint}" cx="{x:.1f}" cy="{scale.y(spread.median):.1f}" '
            f'r="{radius:g}"/>'
        )


def _names(names: Sequence[tuple[float, float, Series]], right: float) -> Iterator[str]:
    """Yield the names at the lines' ends, moved apart where they would overlap."""
    ordered = sorted(names, key=lambda name: name[0])
    places: list[float] = []
    for y, _, _ in ordered:
        places.append(max(y, places[-1] + LINE) if places else y)
    limit = HEIGHT - FOOT + 6
    for index in reversed(range(len(places))):  # who is too low pushes the others up
        places[index] = min(places[index], limit)
        limit = places[index] - LINE
    for place, (y, x, each) in zip(places, ordered, strict=True):
        yield f'<path class="leader" d="M{x + 6:.1f} {y:.1f}L{right + 2:g} {place:.1f}"/>'
        yield _text(right + 6, place + 4, each.name, f"name {each.paint}", "start")


def _head(title: str, unit: str) -> Iterator[str]:
    yield _text(0, 16, title, "title", "start")
    yield _text(0, 34, unit, "unit", "start")


def _text(x: float, y: float, text: str, style: str, anchor: str) -> str:
    return (
        f'<text class="{style}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">'
        f"{html.escape(text)}</text>"
    )


def _short(value: float) -> str:
    """Return a number as it stands beside a mark: 3 digits at most."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"
