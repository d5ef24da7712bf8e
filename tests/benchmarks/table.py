"""The report as Markdown: who took part and how durably, a table for each case, the targets.

A cell is the median of the rounds, with the lowest and the highest behind it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tests.benchmarks.results import CaseResult, Table, Target
from tests.benchmarks.rounds import Spread, Values
from tests.benchmarks.settings import Settings
from tests.benchmarks.stores import OURS


def markdown(
    settings: Settings,
    machine: dict[str, Any],
    absent: Sequence[str],
    cases: Sequence[CaseResult],
) -> str:
    """Return the whole report."""
    lines = ["# How fast", ""]
    lines += [f"- {name}: {value}" for name, value in machine.items()]
    lines += [
        f"- {settings.rounds} round{'s' * (settings.rounds > 1)}; in each, where speeds are "
        "compared, all contestants take turns in short pieces; a cell is the median (lowest to "
        "highest of the rounds); a ratio is taken inside a round"
    ]
    if settings.is_quick:
        lines += ["- **a quick run: it shows that everything works; the numbers mean nothing**"]
    lines += ["", *_targets(cases), "", *_durability(settings, absent)]
    for case in cases:
        lines += ["", f"## {case.title}", "", case.what]
        for table in case.tables:
            lines += ["", *_table(table)]
        lines += ["", *[f"- {note}" for note in case.notes]] if case.notes else []
    return "\n".join(lines) + "\n"


def shown(value: float) -> str:
    """Return a number with about three digits that count."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    if abs(value) >= 100:
        return f"{value:.0f}"
    if abs(value) >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if abs(value) >= 1 else f"{value:.3g}"


def target_line(target: Target) -> str:
    """Return whether a target is reached, in a line."""
    spread = Spread.of(target.measured)
    bound = "at least" if target.at_least else "at most"
    verdict = "reached" if target.is_reached else "NOT REACHED"
    return (
        f"{verdict}: {target.text}: {shown(spread.median)} "
        f"({shown(spread.low)} to {shown(spread.high)}), {bound} {_bound(target.wanted)}"
        f"{' ' * bool(target.unit)}{target.unit}"
    )


def _bound(wanted: float) -> str:
    return f"{wanted:,.12g}"


def _targets(cases: Sequence[CaseResult]) -> Iterator[str]:
    yield "| target | wanted | measured | |"
    yield "|---|--:|--:|---|"
    for case in cases:
        for target in case.targets:
            bound = "≥" if target.at_least else "≤"
            verdict = "reached" if target.is_reached else "**not reached**"
            wanted = f"{bound} {_bound(target.wanted)} {target.unit}".rstrip()
            yield f"| {target.text} | {wanted} | {_cell(target.measured)} | {verdict} |"


def _durability(settings: Settings, absent: Sequence[str]) -> Iterator[str]:
    yield "| contestant | how a batch becomes durable | syncs a batch, counted |"
    yield "|---|---|--:|"
    for contestant in (*OURS, *settings.peers):
        count = settings.syncs.get(contestant.name)
        if count is None:
            text = "not counted"
        elif count.is_durable or contestant in OURS:
            text = f"{count.per_unit:.2f}"
        else:
            text = f"{count.per_unit:.2f}: **not durable**, compared with nobody"
        if count is not None and count.synced_writes:
            text += f" ({count.synced_writes / count.units:.2f} of them O_DSYNC writes)"
        yield f"| {contestant.name} | {contestant.how} | {text} |"
    for name in absent:
        yield f"| {name} | not installed | |"


def _table(table: Table) -> Iterator[str]:
    settings = table.settings()
    yield f"| {table.title} ({table.unit}) | {' | '.join(settings)} |"
    yield "|---" + "|--:" * len(settings) + "|"
    for contestant in table.contestants():
        cells = [_cell(table.values(contestant, setting)) for setting in settings]
        yield f"| {contestant} | {' | '.join(cells)} |"


def _cell(values: Values) -> str:
    if not values:
        return "-"
    spread = Spread.of(values)
    if len(values) == 1:
        return shown(spread.median)
    return f"{shown(spread.median)} ({shown(spread.low)} to {shown(spread.high)})"
