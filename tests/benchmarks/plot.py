"""The drawing for the README: six panels, what the tables say at a glance.

A panel whose case was not run is left out. Readable in light and in dark, as the reader's
system has it; who cannot tell the colours has the names and the kinds of stroke.

    python -m tests.benchmarks.plot bench.json > bench.svg    draws a run again

Not here: how a panel is drawn (svg_panels.py).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from tests.benchmarks import backlog_case, concurrent_case, connector_case, replay_case
from tests.benchmarks.results import OURS as LOG
from tests.benchmarks.results import CaseResult, Table
from tests.benchmarks.rounds import Spread, ratios
from tests.benchmarks.stores import OverlappedLogStore, RawStore
from tests.benchmarks.svg_panels import HEIGHT, WIDTH, Series, bar_panel, line_panel

COLUMNS: Final = 2
GAP: Final = 36.0
MARGIN: Final = 20.0
FIRST: Final = {LOG, concurrent_case.TASKS, connector_case.CONNECTOR, backlog_case.REPLAY}
SECOND: Final = {OverlappedLogStore.name, concurrent_case.THREADS, concurrent_case.BATCHED}
YARDSTICKS: Final = {RawStore.name, connector_case.BY_FRAME, connector_case.BY_PIECE}
_STYLE: Final = (
    "<style>"
    "svg{--ink:#1b1f24;--muted:#59636e;--line:#dde2e8;--peer:#9aa3ad;--ours:#0a58ca;"
    "--second:#5b8def;--raw:#9a5b00;--page:#fff;"
    "background:#fff;font-family:system-ui,-apple-system,'Segoe UI',sans-serif;font-size:12px}"
    "@media(prefers-color-scheme:dark){svg{--ink:#e6e9ee;--muted:#9aa4b0;--line:#2a323c;"
    "--peer:#6f7a87;--ours:#6cb0ff;--second:#4a86d6;--raw:#e3a341;--page:#11151a;"
    "background:#11151a}}"
    "text{fill:var(--muted)}.title{fill:var(--ink);font-size:14px;font-weight:600}"
    ".value{fill:var(--ink)}.tick,.unit{font-size:11.5px}"
    ".grid{stroke:var(--line);fill:none}.leader{stroke:var(--line);fill:none}"
    ".line{fill:none;stroke-width:1.4;stroke-linejoin:round}.whisker{stroke-width:1.4;opacity:.55}"
    ".range{stroke:var(--ink);stroke-width:1.2;opacity:.6}"
    ".line.ours{stroke-width:2.8}.line.second{stroke-width:2.2}.line.raw{stroke-dasharray:6 4}"
    ".line.raw{stroke-width:2}.dot{stroke:none}"
    + "".join(
        f".line.{paint},.whisker.{paint}{{stroke:var(--{paint})}}"
        f".dot.{paint},.bar.{paint}{{fill:var(--{paint})}}"
        for paint in ("ours", "second", "raw", "peer")
    )
    + "".join(f".name.{paint}{{fill:var(--{paint})}}" for paint in ("ours", "second", "raw"))
    + ".name.ours{font-weight:600}.name.peer{fill:var(--muted)}</style>"
)


def plot(cases: Sequence[CaseResult]) -> str:
    """Return the drawing of the cases that were run."""
    by_name = {case.name: case for case in cases}
    panels = [draw(by_name[name]) for name, draw in PANELS if name in by_name]
    rows = -(-len(panels) // COLUMNS)
    width = 2 * MARGIN + COLUMNS * WIDTH + (COLUMNS - 1) * GAP
    height = 2 * MARGIN + rows * HEIGHT + max(0, rows - 1) * GAP
    places = [
        f'<g transform="translate({MARGIN + index % COLUMNS * (WIDTH + GAP):g} '
        f'{MARGIN + index // COLUMNS * (HEIGHT + GAP):g})">{panel}</g>'
        for index, panel in enumerate(panels)
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'aria-label="Benchmarks: the same numbers are in bench.md">{_STYLE}'
        f'<rect width="{width:g}" height="{height:g}" fill="var(--page)"/>'
        f"{''.join(places)}</svg>\n"
    )


# ---- The panels -------------------------------------------------------------


def _append(case: CaseResult) -> str:
    rates = case.tables[0]
    shares = Table("share", "ratio")
    for (contestant, setting), values in rates.cells.items():
        raw = rates.values(RawStore.name, setting)
        shares.cells[contestant, setting] = list(ratios(tuple(values), raw))
    series, settings = _series(shares, "batch ")
    return line_panel(
        "Durable append", "1 is raw write+fdatasync of the same bytes; by events in a batch",
        settings, series, logarithmic=False,
    )  # fmt: skip


def _concurrent(case: CaseResult) -> str:
    series, settings = _series(case.tables[0], "")
    series = [each for each in series if each.name != concurrent_case.BATCHED]
    return line_panel(
        "Durable append, one event at a time", "events a second, by concurrent publishers",
        [setting.split()[0] for setting in settings], series, logarithmic=True,
    )  # fmt: skip


def _replay(case: CaseResult) -> str:
    table = case.tables[0]
    series, _ = _series(table, "", [replay_case.DECODED])
    return bar_panel("Replay", "decoded entries a second", series)


def _connector(case: CaseResult) -> str:
    windows = [connector_case.setting_of(window) for window in connector_case.EVENTS_A_PIECE]
    series, settings = _series(case.tables[0], "window ", windows)
    return line_panel(
        "Stored, delivered, acknowledged", "events a second, by window", settings, series,
        logarithmic=True,
    )  # fmt: skip


def _memory(case: CaseResult) -> str:
    series, settings = _series(case.tables[2], "", list(backlog_case.SIZES))
    return line_panel(
        "Memory", "peak MiB, by backlog after a crash", settings, series, logarithmic=False
    )


def _disk(case: CaseResult) -> str:
    series, _ = _series(case.tables[1], "", ["bytes an event"])
    return bar_panel("On disk", "bytes for one event", series, low_is_good=True)


PANELS: Final[tuple[tuple[str, Callable[[CaseResult], str]], ...]] = (
    ("append", _append),
    ("concurrent", _concurrent),
    ("replay", _replay),
    ("connector", _connector),
    ("backlog", _memory),
    ("footprint", _disk),
)


def _series(
    table: Table, prefix: str, settings: Sequence[str] | None = None
) -> tuple[list[Series], list[str]]:
    """Return the rows of a table, and its columns without the prefix that all of them have."""
    columns = list(settings or table.settings())
    series = []
    for name in table.contestants():
        values = [table.values(name, column) for column in columns]
        spreads = tuple(Spread.of(each) if each else None for each in values)
        if any(spreads):
            series.append(Series(name, spreads, _paint(name)))
    return series, [column.removeprefix(prefix) for column in columns]


def _paint(name: str) -> str:
    for paint, names in (("ours", FIRST), ("second", SECOND), ("raw", YARDSTICKS)):
        if name in names:
            return paint
    return "peer"


def main() -> int:
    """Draw the run of a bench.json."""
    report = json.loads(Path(sys.argv[1]).read_text())
    sys.stdout.write(plot([CaseResult.from_json(case) for case in report["cases"]]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
