"""Durable append by number of concurrent publishers: threads on the log and on peers, tasks on
the connector. Every publisher stores one event at a time.

    python -m tests.benchmarks.concurrent_case DIRECTORY EVENTS   100 tasks between two marks,
                                                                  to be traced (sync_counts.py)
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from reference.events import ProcessEvent
from tests.benchmarks.events import typical_events
from tests.benchmarks.peers import LevelPeer, RocksPeer, SqlitePeer
from tests.benchmarks.publishers import Publishers, Tasks, Threads
from tests.benchmarks.results import CaseResult, Table, Target
from tests.benchmarks.rounds import ratios, take_turns
from tests.benchmarks.settings import Settings
from tests.benchmarks.stores import LogStore, RawStore
from tests.benchmarks.sync_counts import BEGIN, END, SyncCount, mark, traced

PUBLISHERS: Final = (1, 10, 100)
EVENTS_A_PIECE: Final = {1: 32, 10: 320, 100: 1600}
PIECES: Final = 8
BATCH: Final = 64
TASKS, THREADS, BATCHED = "log, asyncio tasks", "log, threads", f"log, one caller, batch {BATCH}"
PEERS: Final = (RocksPeer, LevelPeer, SqlitePeer)
"""Two that make one sync of many threads' writes themselves, and one that needs a lock."""
COUNTED_TASKS: Final = 100
COUNTED_EVENTS: Final = 9_000


def run(settings: Settings) -> CaseResult:
    """Measure."""
    result = CaseResult(
        "concurrent",
        "Durable append by number of concurrent publishers",
        "Each publisher stores one event and, once it is durable, the next one. Threads call the "
        "log or the peer (one after the other where it is not made for threads); tasks call the "
        f"connector, which has no broker. Beside them, at {PUBLISHERS[-1]}, one caller with "
        f"batches of {BATCH}, and the time of one fdatasync of as many events as publishers.",
    )
    rates = Table("Durable events a second", "events/s")
    waits = Table("99 of 100 publishes waited at most", "us")
    sync = Table("One fdatasync", "us")
    for _ in settings.each_round("concurrent"):
        for count in PUBLISHERS:
            _round(settings, count, rates, waits, sync)
    result.tables = [rates, waits, sync]
    last = setting_of(PUBLISHERS[-1])
    in_syncs = ratios(waits.values(TASKS, last), sync.values(RawStore.name, last))
    share = ratios(rates.values(TASKS, last), rates.values(BATCHED, last))
    result.targets = [
        Target(f"{PUBLISHERS[-1]} tasks: events/s / those of batch {BATCH}", 0.8, share),
        Target(f"{PUBLISHERS[-1]} tasks: p99 / one fdatasync", 3, in_syncs, at_least=False),
        *_counted(settings, result),
    ]
    return result


def setting_of(count: int) -> str:
    """Return what the tables call a number of publishers."""
    return f"{count} publisher{'s' * (count > 1)}"


def _round(settings: Settings, count: int, rates: Table, waits: Table, sync: Table) -> None:
    size = settings.scaled(EVENTS_A_PIECE[count], 2 * count)
    pieces = settings.scaled(PIECES, 2)
    events = typical_events(size)
    batches = [events[start : start + BATCH] for start in range(0, size, BATCH)]
    groups = [events[start : start + count] for start in range(0, size, count)]
    with settings.place() as place, ExitStack() as closing:
        publishers: dict[str, Publishers] = {
            TASKS: Tasks(place / "tasks", count),
            THREADS: Threads(LogStore(place / "threads"), count),
        }
        for peer in PEERS:
            if peer in settings.peers:
                name = f"{peer.name}, threads"
                publishers[name] = Threads(peer(place / peer.name), count)
        raw, batched = RawStore(place / "raw"), LogStore(place / "batched")
        raw.prepare(groups)
        for each in publishers.values():
            closing.callback(each.close)
        closing.callback(raw.close)
        closing.callback(batched.close)
        turns = {name: _turn_of(each, events) for name, each in publishers.items()}
        turns[RawStore.name] = lambda piece: raw.append(groups[piece % len(groups)])
        if count == PUBLISHERS[-1]:
            turns[BATCHED] = lambda piece: batched.append_all(batches)
        take_turns(turns, 1)
        for each in publishers.values():
            each.waits_s.clear()
        raw.syncs_s.clear()
        spent = take_turns(turns, pieces)
    for name, took in spent.items():
        if name != RawStore.name:
            rates.add(name, setting_of(count), pieces * size / took.wall_s)
    for name, each in publishers.items():
        waits.add(name, setting_of(count), _percentile_99(each.waits_s) * 1e6)
    sync.add(RawStore.name, setting_of(count), statistics.median(raw.syncs_s) * 1e6)


def _turn_of(publishers: Publishers, events: list[ProcessEvent]) -> Callable[[int], object]:
    return lambda piece: publishers.publish(events)


def _percentile_99(values: list[float]) -> float:
    return sorted(values)[len(values) * 99 // 100]


# ---- Counting syncs ---------------------------------------------------------


def _counted(settings: Settings, result: CaseResult) -> list[Target]:
    """Return the target of how many events share a sync, if they can be counted here."""
    with settings.place() as place:
        events = settings.scaled(COUNTED_EVENTS, 10 * COUNTED_TASKS)
        arguments = (__name__, str(place / "log"), str(events))
        count = traced(arguments, events)
    if count is None:
        result.notes.append(f"syncs of {COUNTED_TASKS} tasks: not counted, there is no strace")
        return []
    result.notes.append(f"{COUNTED_TASKS} tasks under strace: {_words(count)}")
    text = f"{COUNTED_TASKS} tasks: events a sync, counted"
    return [Target(text, 90, (count.units / max(1, count.syncs),))]


def _words(count: SyncCount) -> str:
    return f"{count.units:,} events, {count.syncs} syncs"


def main() -> int:
    """Publish between two marks."""
    directory, count = sys.argv[1:]
    publishers = Tasks(Path(directory), COUNTED_TASKS)
    events = typical_events(int(count))
    publishers.publish(events[:1])
    mark(BEGIN)
    publishers.publish(events)
    mark(END)
    publishers.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
