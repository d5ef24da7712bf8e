"""Replay: all entries again, in order, decoded; and the same as bytes.

The log checks two CRCs of every record on the way; what a peer checks is its own affair. Files
are in the page cache: this is about processors. A peer that has no way to read without taking
does not take part.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Final

from tests.benchmarks.events import typical_events
from tests.benchmarks.results import OURS as LOG
from tests.benchmarks.results import CaseResult, Table, Target
from tests.benchmarks.rounds import ratios, take_turns
from tests.benchmarks.settings import Settings
from tests.benchmarks.stores import LogStore, Store

ENTRIES: Final = 60_000
ENTRIES_A_PIECE: Final = 2_000
FILLED_BY: Final = 500
KINDS: Final = 20_000
"""Different events. This, and all that is stored, is a multiple of FILLED_BY."""
DECODED, BYTES = "entries, decoded", "payloads, as bytes"


def run(settings: Settings) -> CaseResult:
    """Measure."""
    result = CaseResult(
        "replay",
        "Replay",
        "Stores with the same entries, opened anew, give all of them back in order: decoded to "
        "the same `LogEntry` by the same codec, and as the bytes that were stored. In the page "
        "cache. persist-queue and litequeue cannot read without taking, in pieces.",
    )
    rates = Table("Entries a second", "entries/s")
    count = settings.scaled(ENTRIES, ENTRIES_A_PIECE)
    with settings.place() as place, ExitStack() as closing:
        settings.say(f"replay: filling the stores with {count:,} entries")
        stores = _filled_stores(settings, place, count)
        for store in stores:
            closing.callback(store.close)
        for _ in settings.each_round("replay"):
            _round(stores, count, rates, DECODED, lambda store: store.entries())
            _round(stores, count, rates, BYTES, lambda store: store.payloads())
    result.tables = [rates, settings.compared(rates, "The log's rate divided by the other's")]
    best = rates.best(DECODED, settings.durable_peers())
    if best is not None:
        measured = ratios(rates.values(LOG, DECODED), rates.values(best, DECODED))
        result.targets = [Target(f"replay: the log / the best peer ({best})", 1.0, measured)]
    return result


def can_replay(contestant: type[Store]) -> bool:
    """Whether it gives its entries back without taking them away."""
    return contestant.payloads is not Store.payloads


def _filled_stores(settings: Settings, place: Path, count: int) -> list[Store]:
    contestants: list[type[Store]] = [LogStore, *filter(can_replay, settings.peers)]
    events = typical_events(min(count, KINDS))
    for contestant in contestants:
        store = contestant(place / contestant.name)
        for start in range(0, count, FILLED_BY):
            first = start % len(events)
            store.append(events[first : first + FILLED_BY])
        store.close()
    return [contestant(place / contestant.name) for contestant in contestants]


def _round(
    stores: list[Store],
    count: int,
    rates: Table,
    setting: str,
    begin: Callable[[Store], Iterator[object]],
) -> None:
    reading = {store.name: begin(store) for store in stores}
    given = dict.fromkeys(reading, 0)

    def turn_of(name: str) -> Callable[[int], object]:
        def turn(piece: int) -> None:
            numbered = enumerate(islice(reading[name], ENTRIES_A_PIECE), 1)
            last = deque(numbered, maxlen=1)  # the fastest way to walk through an iterator
            given[name] += last[0][0] if last else 0

        return turn

    spent = take_turns({name: turn_of(name) for name in reading}, count // ENTRIES_A_PIECE)
    assert set(given.values()) == {count}, given
    for name, took in spent.items():
        rates.add(name, setting, count / took.wall_s)
