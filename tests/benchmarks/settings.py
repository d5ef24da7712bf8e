"""What all cases are told: how many rounds, how large, where, and who takes part."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.peers import Peer
from tests.benchmarks.results import CaseResult, Table
from tests.benchmarks.sync_counts import SyncCount


def _say_nothing(text: str) -> None:
    del text


@dataclass(frozen=True, slots=True)
class Settings:
    """One run of the suite."""

    directory: Path
    """On the disk that is measured."""
    rounds: int = 5
    is_quick: bool = False
    """So small that the numbers mean nothing: to see that all of it works."""
    peers: tuple[type[Peer], ...] = ()
    """Those that are installed."""
    syncs: Mapping[str, SyncCount | None] = field(default_factory=dict)
    """What strace counted, by contestant."""
    say: Callable[[str], None] = _say_nothing
    """Progress."""

    def scaled(self, count: int, least: int = 1) -> int:
        """Return a count, or the small one of a quick run."""
        return max(least, count // 50) if self.is_quick else count

    def each_round(self, case: str) -> Iterator[int]:
        """Yield the number of each round, from 0, and say that it begins."""
        for number in range(self.rounds):
            self.say(f"{case}: round {number + 1} of {self.rounds}")
            yield number

    @contextlib.contextmanager
    def place(self) -> Iterator[Path]:
        """A new directory on the disk that is measured."""
        with tempfile.TemporaryDirectory(dir=self.directory) as name:
            yield Path(name)

    def is_durable(self, contestant: str) -> bool:
        """Whether every batch was synced; what was not counted is believed."""
        count = self.syncs.get(contestant)
        return count is None or count.is_durable

    def durable_peers(self) -> list[str]:
        """Return the names of the peers that may be called the best one."""
        return [peer.name for peer in self.peers if self.is_durable(peer.name)]

    def compared(self, table: Table, title: str) -> Table:
        """Return the log divided by each other, but for peers that are not durable."""
        without = [peer.name for peer in self.peers if not self.is_durable(peer.name)]
        return table.compared(title, without=without)


Case = Callable[[Settings], CaseResult]
