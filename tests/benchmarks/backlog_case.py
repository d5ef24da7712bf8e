"""A crash with a backlog: how long opening takes, and that memory does not grow with it.

A child fills a log and ends without closing it. Others open it, open a connector on it, and
once replay all of it, and end the same way, so that each finds what a crash leaves. Opening
verifies every record; the yardstick is a process that reads all bytes and computes their CRC.

    python -m tests.benchmarks.backlog_case fill DIRECTORY BYTES
    python -m tests.benchmarks.backlog_case open|replay|connector|crc DIRECTORY     the children
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final, NoReturn

from reference.event_bus_connector import EventBusConnector
from reference.limits import MIB
from reference.wal import WriteAheadLog
from tests.benchmarks.child import answer, peak_mib, run_child
from tests.benchmarks.events import typical_events
from tests.benchmarks.results import CaseResult, Table, Target
from tests.benchmarks.settings import Settings

SIZES: Final = {"10 MB": 10**7, "100 MB": 10**8, "1 GB": 10**9}
GROWTH_MIB_AT_MOST: Final = 10
KINDS: Final = 1_000
LOG, REPLAY, CONNECTOR, CRC = "log", "log, open and replay", "connector", "read and crc32"
STEPS: Final = {"open": LOG, "connector": CONNECTOR, "crc": CRC}


def run(settings: Settings) -> CaseResult:
    """Measure."""
    result = CaseResult(
        "backlog",
        "After a crash, with a backlog",
        "A log that nobody closed is opened, which verifies every record and copies what is "
        "unsettled in the newest file to a new one; a connector is opened on it, which holds the "
        "first 10 MiB; and once, the log is replayed to its end. Each in a process of its own; "
        "files in the page cache.",
    )
    seconds = Table("Until it is open", "s")
    replayed = Table("Replayed", "entries/s")
    memory = Table("Peak of resident memory", "MiB")
    smallest = 100_000 if settings.is_quick else SIZES["10 MB"]
    sizes = {name: size * smallest // SIZES["10 MB"] for name, size in SIZES.items()}
    with settings.place() as place:
        for setting, size in sizes.items():
            settings.say(f"backlog: filling {size / 10**6:,.1f} MB")
            run_child(__name__, "fill", str(place / setting), str(size))
        for _ in settings.each_round("backlog"):
            for setting in sizes:
                for step, name in STEPS.items():
                    child = run_child(__name__, step, str(place / setting))
                    seconds.add(name, setting, child["seconds"])
                    if step == "connector":
                        memory.add(name, setting, child["peak_mib"])
        for setting in sizes:
            settings.say(f"backlog: replaying {setting}")
            child = run_child(__name__, "replay", str(place / setting))
            replayed.add(REPLAY, setting, child["rate"])
            memory.add(REPLAY, setting, child["peak_mib"])
    result.tables = [seconds, replayed, memory]
    first, *_, last = sizes
    for name in memory.contestants():
        pairs = zip(memory.values(name, last), memory.values(name, first), strict=True)
        growth = tuple(most - least for most, least in pairs)
        text = f"{name}: memory at {last} above that at {first}"
        result.targets.append(Target(text, GROWTH_MIB_AT_MOST, growth, at_least=False, unit="MiB"))
    return result


# ---- The child --------------------------------------------------------------


def _fill(directory: Path, size_bytes: str) -> None:
    log = WriteAheadLog.open(directory)
    events = typical_events(KINDS)
    while log.used_bytes < int(size_bytes):
        log.append_batch(events)
    answer(entries=log.next_sequence - 1)


def _open(directory: Path) -> None:
    began = time.perf_counter()
    log = WriteAheadLog.open(directory)
    answer(seconds=time.perf_counter() - began)
    assert log.next_sequence > 1


def _replay(directory: Path) -> None:
    log = WriteAheadLog.open(directory)
    began = time.perf_counter()
    count = sum(1 for _ in log.replay())
    rate = count / (time.perf_counter() - began)
    assert count == log.next_sequence - 1
    answer(rate=rate, peak_mib=peak_mib())


def _connector(directory: Path) -> None:
    async def until_open() -> None:
        began = time.perf_counter()
        connector = await EventBusConnector.open(directory)
        seconds = time.perf_counter() - began
        assert connector.status().backlog > 0
        answer(seconds=seconds, peak_mib=peak_mib())
        os._exit(0)  # a crash: closing would make the next open an easy one

    asyncio.run(until_open())


def _crc(directory: Path) -> None:
    began = time.perf_counter()
    crc = 0
    for path in sorted(directory.glob("*.wal")):
        with path.open("rb", buffering=0) as file:
            while data := file.read(MIB):
                crc = zlib.crc32(data, crc)
    answer(seconds=time.perf_counter() - began, crc=crc)


CHILDREN: Final[dict[str, Callable[..., None]]] = {
    "fill": _fill, "open": _open, "replay": _replay, "connector": _connector, "crc": _crc,
}  # fmt: skip


def main() -> NoReturn:
    """Do one step and end as a crash does."""
    step, directory, *more = sys.argv[1:]
    CHILDREN[step](Path(directory), *more)
    os._exit(0)


if __name__ == "__main__":
    main()
