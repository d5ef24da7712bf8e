"""The drawing of a failure in characters: time goes down, a column for each lane.

    step  process                disk                   promise
       1  open                   │                      │
       2  append 2               │                      1, 2 durable
       3  ═══════════════════════ power fails ══════════════════════
       4  open: replays 1        │                      │
       5  │                      │                      ✕ 2 is gone

Spec: SCN-2.2.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from fault_injection.reports.words import visible
from fault_injection.result import TimelineEvent

LANES: Final = ("process", "disk", "link", "broker", "promise")
MARKS: Final = {"fault": "! ", "broken": "✕ "}


@dataclass(frozen=True, slots=True)
class Row:
    """What happens at the same time: at most one event in each lane."""

    step: int
    events: dict[str, TimelineEvent]

    @property
    def is_crash(self) -> bool:
        """Whether a process or a machine ends here."""
        return any(each.kind == "crash" for each in self.events.values())


def lanes_of(events: Sequence[TimelineEvent]) -> list[str]:
    """Return the lanes that are used, in their order; one that is unknown comes last."""
    used = dict.fromkeys(each.lane for each in events)
    return [lane for lane in LANES if lane in used] + [each for each in used if each not in LANES]


def rows_of(events: Sequence[TimelineEvent]) -> list[Row]:
    """Put events of the same sentence side by side."""
    rows: list[Row] = []
    for each in events:
        last = rows[-1] if rows else None
        if last and each.step and last.step == each.step and each.lane not in last.events:
            last.events[each.lane] = each
        else:
            rows.append(Row(each.step, {each.lane: each}))
    return rows


def timeline_text(events: Sequence[TimelineEvent], width: int = 96) -> list[str]:
    """Return the lines of the drawing."""
    lanes = lanes_of(events)
    if not lanes:
        return []
    column = max(16, (width - 6) // len(lanes))
    lines = ["step  " + "".join(lane.ljust(column) for lane in lanes).rstrip()]
    for row in rows_of(events):
        lines += _row_lines(row, lanes, column)
    return lines


def _row_lines(row: Row, lanes: Sequence[str], column: int) -> Iterator[str]:
    if row.is_crash and len(row.events) == 1:
        ((where, crash),) = row.events.items()
        head = "═" * (column * lanes.index(where)) + f" {visible(crash.text)} ".replace("\n", " ")
        yield f"{row.step or '':>4}  {head.ljust(column * len(lanes) - 2, '═')}"
        return
    cells = []
    for lane in lanes:
        event = row.events.get(lane)
        text = MARKS.get(event.kind, "") + visible(event.text) if event else ""
        cells.append(textwrap.wrap(text, column - 2) or [""])
    for index, pieces in enumerate(zip_longest(*cells, fillvalue="")):
        number = f"{row.step:>4}  " if row.step and not index else " " * 6
        line = "".join((piece or "│").ljust(column) for piece in pieces)
        yield (number + line).rstrip()
