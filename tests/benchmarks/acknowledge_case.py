"""Acknowledging: what it costs to say, one by one, that entries may be forgotten.

The log makes its watermark durable once in a thousand acknowledgements, and deletes files that
they cover. A peer deletes a thousand keys in one synced transaction, so a thousand share a sync
on either side. The log's calls to its directory are counted: none may read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from reference.filesystem import DirectoryEntry
from reference.os_filesystem import OsFilesystem
from tests.benchmarks.events import typical_events
from tests.benchmarks.peers import Peer
from tests.benchmarks.results import CaseResult, Table, Target
from tests.benchmarks.rounds import take_turns
from tests.benchmarks.settings import Settings
from tests.benchmarks.stores import LogStore, Store

TOGETHER: Final = 1_000
"""As WalConfig.acknowledge_count_max."""
ENTRIES: Final = 40_000
US_AT_MOST: Final = 5


class CountedReads(OsFilesystem):
    """A real directory that counts who looks into it."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.calls: Counter[str] = Counter()

    def read(self, name: str, offset: int, count: int) -> bytes:
        self.calls["read"] += 1
        return super().read(name, offset, count)

    def list(self) -> list[DirectoryEntry]:
        self.calls["list"] += 1
        return super().list()


def run(settings: Settings) -> CaseResult:
    """Measure."""
    count = settings.scaled(ENTRIES, 2 * TOGETHER)
    result = CaseResult(
        "acknowledge",
        "Acknowledging",
        f"{count:,} entries are acknowledged one by one; with the syncs, of which a thousand "
        "share one. Peers delete a thousand keys in a synced transaction.",
    )
    times = Table("For one entry, all in all", "us")
    reads = []
    for _ in settings.each_round("acknowledge"):
        reads.append(float(_round(settings, count, times)))
    title = "The log's time divided by the other's (low is good)"
    result.tables = [times, settings.compared(times, title)]
    result.targets = [
        Target(
            "one acknowledgement, amortised", US_AT_MOST,
            times.values(LogStore.name, "acknowledge"), at_least=False, unit="us",
        ),
        Target("files read by acknowledging", 0, tuple(reads), at_least=False),
    ]  # fmt: skip
    return result


def can_forget(contestant: type[Store]) -> bool:
    """Whether it can forget entries by their numbers."""
    return contestant.acknowledge is not Store.acknowledge


def _round(settings: Settings, count: int, times: Table) -> int:
    """Return how often the log's directory was looked into."""
    events = typical_events(TOGETHER)
    with settings.place() as place, ExitStack() as closing:
        filesystem = CountedReads(place / "log")
        ours = LogStore(place / "log", filesystem)
        stores: list[Store] = [ours]
        peers: list[type[Peer]] = [peer for peer in settings.peers if can_forget(peer)]
        stores += [peer(place / peer.name) for peer in peers]
        for store in stores:
            closing.callback(store.close)
            for _ in range(count // TOGETHER):
                store.append(events)
        filesystem.calls.clear()

        def turn_of(store: Store) -> Callable[[int], object]:
            return lambda piece: store.acknowledge(1 + piece * TOGETHER, (piece + 1) * TOGETHER)

        spent = take_turns({store.name: turn_of(store) for store in stores}, count // TOGETHER)
        assert ours.log.acknowledged_through == count
        looked = filesystem.calls.total()
    for name, took in spent.items():
        times.add(name, "acknowledge", took.wall_s / count * 1e6)
    return looked
