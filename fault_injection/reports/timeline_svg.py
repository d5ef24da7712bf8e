"""The drawing of a failure: time goes down, a vertical line for each lane.

Events of one sentence stand side by side, with the number of the sentence at the left. A crash
cuts through all lanes. Colours come from the page (`--ink`, ...); shapes and words say the same as
the colours.

Spec: SCN-2.2.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import Final

from fault_injection.reports.html_text import text
from fault_injection.reports.timeline_text import Row, lanes_of, rows_of
from fault_injection.reports.words import visible
from fault_injection.result import TimelineEvent

WIDTH: Final = 1040
LEFT: Final = 44.0
HEAD: Final = 44.0
LINE: Final = 16.0
GAP: Final = 20.0
CHARACTER: Final = 6.9
"""About the width of a character of 13 pixels; texts are wrapped by it."""
BOLD: Final = 7.6
_PAINTS: Final = {
    "": "var(--ink)", "fault": "var(--warn)", "crash": "var(--bad)", "promise": "var(--good)",
    "broken": "var(--bad)",
}  # fmt: skip


def timeline_svg(events: Sequence[TimelineEvent]) -> str:
    """Return the drawing, as part of a page; nothing if nothing is to be drawn."""
    lanes = lanes_of(events)
    if not lanes:
        return ""
    column = (WIDTH - LEFT) / len(lanes)
    places = {lane: LEFT + index * column + 14 for index, lane in enumerate(lanes)}
    parts: list[str] = []
    top = HEAD
    for row in rows_of(events):
        height, drawn = _row(row, places, column, top)
        parts += drawn
        top += height
    lines = [
        f'<line x1="{x:g}" y1="{HEAD - 12:g}" x2="{x:g}" y2="{top - 6:g}" stroke="var(--line)" '
        'stroke-width="2"/>'
        for x in places.values()
    ]
    heads = [
        f'<text x="{x - 5:g}" y="18" fill="var(--muted)" font-size="12" '
        f'font-weight="600" letter-spacing=".04em">{text(lane)}</text>'
        for lane, x in places.items()
    ]
    return (
        f'<svg class="timeline" viewBox="0 0 {WIDTH} {top:g}" role="img" '
        'aria-label="Timeline: the story above, drawn by where each thing happens" '
        'font-size="13">'
        f"{''.join(lines)}{''.join(heads)}{''.join(parts)}</svg>"
    )


def _row(row: Row, places: dict[str, float], column: float, top: float) -> tuple[float, list[str]]:
    """Return the height of a row, and what is drawn in it."""
    wrapped = {
        lane: textwrap.wrap(visible(each.text), max(8, int((column - 34) / _width(each)))) or [""]
        for lane, each in row.events.items()
    }
    height = GAP + LINE * max(map(len, wrapped.values()))
    middle = top + 4
    drawn = []
    if row.is_crash:
        drawn.append(
            f'<line x1="{LEFT - 10:g}" y1="{middle:g}" x2="{WIDTH}" y2="{middle:g}" '
            'stroke="var(--bad)" stroke-width="1.5" stroke-dasharray="7 5"/>'
        )
    if row.step:
        drawn.append(
            f'<text x="{LEFT - 18:g}" y="{middle + 5:g}" text-anchor="end" '
            f'fill="var(--muted)" font-size="12">{row.step}</text>'
        )
    for lane, event in row.events.items():
        drawn += _event(event, wrapped[lane], places[lane], middle)
    return height, drawn


def _event(event: TimelineEvent, lines: Sequence[str], x: float, y: float) -> Iterator[str]:
    paint = _PAINTS.get(event.kind, "var(--ink)")
    yield _mark(event.kind, x, y, paint)
    weight = ' font-weight="600"' if event.kind in ("crash", "broken") else ""
    for index, line in enumerate(lines):
        if event.kind == "crash" and not index:
            # the words stand in a gap of the dashed line
            yield (
                f'<rect x="{x + 8:g}" y="{y - 9:g}" width="{16 + _width(event) * len(line):g}" '
                'height="18" fill="var(--page)"/>'
            )
        yield (
            f'<text x="{x + 15:g}" y="{y + 5 + LINE * index:g}" fill="{paint}"{weight}>'
            f"{text(line)}</text>"
        )


def _width(event: TimelineEvent) -> float:
    return BOLD if event.kind in ("crash", "broken") else CHARACTER


def _mark(kind: str, x: float, y: float, paint: str) -> str:
    """Return the shape: a dot, a triangle, a cross, a full square."""
    if kind in ("crash", "broken"):
        return (
            f'<circle cx="{x:g}" cy="{y:g}" r="9" fill="{paint}"/>'
            f'<path d="M{x - 3.5:g} {y - 3.5:g}l7 7m0-7l-7 7" stroke="var(--page)" '
            'stroke-width="2.2" stroke-linecap="round"/>'
        )
    if kind == "fault":
        return f'<path d="M{x:g} {y - 8:g}l8.5 14.5h-17z" fill="{paint}"/>'
    if kind == "promise":
        return f'<rect x="{x - 6:g}" y="{y - 6:g}" width="12" height="12" rx="2" fill="{paint}"/>'
    return (
        f'<circle cx="{x:g}" cy="{y:g}" r="5.5" fill="var(--page)" stroke="{paint}" '
        'stroke-width="2.2"/>'
    )
