"""How often each contestant syncs for a batch: counted under strace, in a run of its own.

A child process opens the store, says so by a call that shows in the trace, stores so many
batches, and says so again. Between the two every fsync, fdatasync and msync(MS_SYNC) of any of
its threads is counted, and every write to a file that was opened with O_SYNC or O_DSYNC, which
is a sync too. Who comes to less than one a batch is not durable, and is not compared.

    python -m tests.benchmarks.sync_counts NAME DIRECTORY BATCH BATCHES   the child

Not here: speed (a traced program has none).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.benchmarks.child import ROOT
from tests.benchmarks.events import typical_events
from tests.benchmarks.peers import PEERS
from tests.benchmarks.stores import OURS, RawStore, Store

BATCH: Final = 8
BATCHES: Final = 60
BEGIN: Final = "/benchmark/begin"
END: Final = "/benchmark/end"
_TRACED: Final = "fsync,fdatasync,msync,?open,openat,close,?access,faccessat,?faccessat2"
_WRITES: Final = "write,pwrite64,writev,pwritev"
_CALL: Final = re.compile(r"^\d+ +(\w+)\((.*)$")
_RESULT: Final = re.compile(r"= (\d+)(?:<.*>)?$")
_DURABLE_FLAG: Final = re.compile(r"\bO_D?SYNC\b")


@dataclass(frozen=True, slots=True)
class SyncCount:
    """What was counted for so many units: batches, or events."""

    units: int
    syncs: int
    """fsync, fdatasync, msync(MS_SYNC)."""
    synced_writes: int = 0
    """Writes that return when they are durable."""

    @property
    def per_unit(self) -> float:
        """Syncs of any kind for one unit."""
        return (self.syncs + self.synced_writes) / self.units

    @property
    def is_durable(self) -> bool:
        """Whether every batch had its sync."""
        return self.syncs + self.synced_writes >= self.units


def count_trace(lines: Sequence[str], units: int) -> SyncCount:
    """Return what stands between the two marks of a trace.

    Raises ValueError if a mark is missing.
    """
    durable_files: set[str] = set()
    syncs = synced_writes = 0
    marks = 0
    for line in lines:
        found = _CALL.match(line)
        if found is None:
            continue  # the second half of a call that others interrupted, a signal, an exit
        name, rest = found.groups()
        if BEGIN in rest or END in rest:
            marks += 1
        elif name in ("open", "openat"):
            result = _RESULT.search(rest)
            if result is not None and _DURABLE_FLAG.search(rest):
                durable_files.add(result.group(1))
        elif name == "close":
            durable_files.discard(rest.split(")")[0])
        elif marks == 1:
            if name in ("fsync", "fdatasync") or (name == "msync" and "MS_SYNC" in rest):
                syncs += 1
            elif name in _WRITES.split(",") and rest.split(",")[0] in durable_files:
                synced_writes += 1
    if marks != 2:
        raise ValueError(f"{marks} of 2 marks in the trace")
    return SyncCount(units, syncs, synced_writes)


def traced(arguments: Sequence[str], units: int) -> SyncCount | None:
    """Run `python -m ARGUMENTS`, which makes both marks; None if it cannot be traced here."""
    strace = shutil.which("strace")
    if strace is None:
        return None
    with tempfile.NamedTemporaryFile("r") as trace:
        command = [
            strace, "-f", "-qq", "-s", "64", "-o", trace.name, "-e",
            f"trace={_TRACED},{_WRITES}", sys.executable, "-m", *arguments,
        ]  # fmt: skip
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            if "ptrace" in done.stderr:  # a container may forbid it
                return None
            raise RuntimeError(f"{' '.join(arguments)}: {done.stderr}")
        return count_trace(trace.read().splitlines(), units)


def mark(name: str) -> None:
    """Make a call that shows in a trace and does nothing."""
    os.access(name, os.F_OK)


def count_syncs(
    contestants: Sequence[type[Store]], directory: Path
) -> Mapping[str, SyncCount | None]:
    """Return the syncs of `BATCHES` batches of each; None for all if there is no strace."""
    counts = {}
    for contestant in contestants:
        with tempfile.TemporaryDirectory(dir=directory) as name:
            arguments = (__name__, contestant.name, f"{name}/store")
            counts[contestant.name] = traced(arguments, BATCHES)
    return counts


def main() -> int:
    """Store batches between two marks."""
    name, directory = sys.argv[1:]
    contestant = next(each for each in (*OURS, *PEERS) if each.name == name)
    events = typical_events(BATCH * (BATCHES + 1))
    batches = [events[start : start + BATCH] for start in range(0, len(events), BATCH)]
    store = contestant(Path(directory))
    if isinstance(store, RawStore):
        store.prepare(batches)
    store.append(batches[0])  # what a new file costs once is not counted
    mark(BEGIN)
    store.append_all(batches[1:])
    mark(END)
    store.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
