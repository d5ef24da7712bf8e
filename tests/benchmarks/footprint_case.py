"""What storing costs in memory and on disk: the log beside its peers.

Memory is the peak of a process of its own for each thing that is done. A memory-mapped store
counts the pages of its file that it touched; the kernel may take those back.

    python -m tests.benchmarks.footprint_case NAME DIRECTORY append|replay|acknowledge|import COUNT
                                                                        the child
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tests.benchmarks.acknowledge_case import TOGETHER, can_forget
from tests.benchmarks.child import answer, peak_mib, run_child
from tests.benchmarks.events import payloads_of, typical_events
from tests.benchmarks.peers import PEERS
from tests.benchmarks.replay_case import can_replay
from tests.benchmarks.results import CaseResult, Table
from tests.benchmarks.settings import Settings
from tests.benchmarks.stores import LogStore, Store

ENTRIES: Final = 40_000
BATCH: Final = 64
KINDS: Final = 1_000
"""Different events: so few that they do not count themselves."""
CONTESTANTS: Final[tuple[type[Store], ...]] = (LogStore, *PEERS)


def run(settings: Settings) -> CaseResult:
    """Measure."""
    count = settings.scaled(ENTRIES, TOGETHER)
    result = CaseResult(
        "footprint",
        "Memory and disk",
        f"{count:,} entries in batches of {BATCH}, each step in a process of its own. Memory is "
        "the most that was resident, with interpreter and libraries; `import` is those alone. "
        "Disk is what the files occupy when the store was closed, and what they occupy for each "
        "byte of payload (RocksDB and LevelDB compress).",
    )
    memory = Table("Peak of resident memory", "MiB")
    disk = Table("On disk for one event", "bytes")
    payload_bytes = sum(map(len, payloads_of(typical_events(KINDS)))) / KINDS
    settings.say("footprint: a process for each step of each store")
    contestants: list[type[Store]] = [LogStore, *settings.peers]
    for contestant in contestants:
        with settings.place() as place:
            directory = place / "store"
            for step in _steps_of(contestant):
                arguments = (contestant.name, str(directory), step, str(count))
                child = run_child(__name__, *arguments)
                memory.add(contestant.name, step, child["peak_mib"])
                if step == "append":
                    occupied = _occupied_bytes(directory.rglob("*")) / count
                    disk.add(contestant.name, "bytes an event", occupied)
                    disk.add(contestant.name, "times the payload", occupied / payload_bytes)
    result.tables = [memory, disk]
    return result


def _steps_of(contestant: type[Store]) -> list[str]:
    steps = ["import", "append"]
    steps += ["replay"] * can_replay(contestant)
    steps += ["acknowledge"] * can_forget(contestant)
    return steps


def _occupied_bytes(paths: Iterable[Path]) -> int:
    return sum(path.stat().st_blocks * 512 for path in paths if path.is_file())


def main() -> int:
    """Do one step, and say what it took."""
    name, directory, step, number = sys.argv[1:]
    count = int(number)
    contestant = next(each for each in CONTESTANTS if each.name == name)
    store = contestant(Path(directory))
    if step == "append":
        events = typical_events(KINDS)
        for start in range(0, count, BATCH):
            first = start % (KINDS - BATCH)
            store.append(events[first : first + min(BATCH, count - start)])
    elif step == "replay":
        assert sum(1 for _ in store.entries()) == count
    elif step == "acknowledge":
        for last in range(TOGETHER, count + 1, TOGETHER):
            store.acknowledge(last - TOGETHER + 1, last)
    peak = peak_mib()
    store.close()
    answer(peak_mib=peak)
    return 0


if __name__ == "__main__":
    sys.exit(main())
