"""`tox -e bench`: the log beside raw write+fdatasync of the same bytes, in one run.

Disks and processors drift, so the two take turns batch by batch, and only the ratio inside a
round counts; the median over the rounds is shown. Times of pure computation are the best of
several repeats. Peak memory is that of a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from reference.codec import decode_event, encode_event, encode_timestamp
from reference.events import ProcessEvent
from reference.frame import encode_frame
from reference.json_lines import encode_json_line
from reference.limits import FRAMES_OFFSET
from reference.segment_header import FrameKey
from reference.wal import WriteAheadLog
from simulators.synthetic_events import synthetic_events

ROOT = Path(__file__).parents[2]
BATCHES = (1, 8, 64, 512)
REPLAY_SCRIPT = """
import resource, sys, time
from reference.wal import WriteAheadLog
log = WriteAheadLog.open(sys.argv[1])
began = time.perf_counter()
count = sum(1 for _ in log.replay())
seconds = time.perf_counter() - began
print(count, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def typical_events(count: int) -> list[ProcessEvent]:
    """Return synthetic events of everyday size: the long tail is left out."""
    events = [event for event in synthetic_events(count * 2, 1) if len(encode_event(event)) < 600]
    return events[:count]


def framed(events: list[ProcessEvent]) -> list[bytes]:
    """Return the events as the frames that the log would write."""
    timestamp = encode_timestamp(time.time_ns())
    frames, offset = [], FRAMES_OFFSET
    for sequence, event in enumerate(events, 1):
        frame = encode_frame(FrameKey(1, 2), offset, sequence, timestamp + encode_event(event))
        frames.append(frame)
        offset += len(frame)
    return frames


def append_rounds(directory: Path, batch: int, rounds: int) -> tuple[float, float, float]:
    """Return medians: events/s of the log, events/s of raw writes, and their ratio."""
    count = min(max(600, batch * 60), 40_000) // batch * batch
    events = typical_events(count)
    frames = framed(events)
    rates: list[tuple[float, float]] = []
    log = WriteAheadLog.open(directory / f"log-{batch}")
    raw = os.open(directory / f"raw-{batch}", os.O_WRONLY | os.O_CREAT, 0o600)
    for _ in range(rounds):
        log_s = raw_s = 0.0
        for start in range(0, count, batch):
            part = slice(start, start + batch)
            began = time.perf_counter()
            log.append_batch(events[part])
            middle = time.perf_counter()
            os.write(raw, b"".join(frames[part]))
            os.fdatasync(raw)
            raw_s += time.perf_counter() - middle
            log_s += middle - began
        rates.append((count / log_s, count / raw_s))
    log.close()
    os.close(raw)
    ours, theirs = (statistics.median(rate[side] for rate in rates) for side in (0, 1))
    return ours, theirs, statistics.median(mine / raw_rate for mine, raw_rate in rates)


def microseconds(action: Callable[[], object], repeats: int, count: int) -> float:
    """Return the best time of one of `count` items, over the repeats."""
    best = float("inf")
    for _ in range(repeats):
        began = time.perf_counter()
        action()
        best = min(best, time.perf_counter() - began)
    return best / count * 1e6


def replay_once(directory: Path, size_bytes: int) -> tuple[int, float, int]:
    """Fill a log, then return (entries, events/s, peak KiB) of replaying it elsewhere."""
    events = typical_events(20_000)
    with WriteAheadLog.open(directory) as log:
        while sum(path.stat().st_size for path in directory.glob("*.wal")) < size_bytes:
            log.append_batch(events)
    command = [sys.executable, "-c", REPLAY_SCRIPT, str(directory)]
    output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    count, seconds, peak_kib = output.split()
    shutil.rmtree(directory)
    return int(count), int(count) / float(seconds), int(peak_kib)


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="wal_bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--directory", help="where the files go (default: a temporary directory)")
    options = parser.parse_args()
    events = typical_events(5_000)
    encoded = [encode_event(event) for event in events]
    frame_bytes = statistics.median(len(frame) for frame in framed(events))
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} processors, {options.rounds} rounds")
    print(f"events of {frame_bytes:.0f} bytes framed (median)\n")
    print(f"{'batch':>6} {'log events/s':>14} {'raw events/s':>14} {'ratio':>7}")
    with tempfile.TemporaryDirectory(dir=options.directory) as name:
        directory = Path(name)
        for batch in BATCHES:
            ours, raw, ratio = append_rounds(directory, batch, options.rounds)
            print(f"{batch:>6} {ours:>14,.0f} {raw:>14,.0f} {ratio:>7.2f}", flush=True)
        encode_us = microseconds(lambda: [encode_event(e) for e in events], 7, len(events))
        decode_us = microseconds(lambda: [decode_event(d) for d in encoded], 7, len(events))
        print(f"\nencode {encode_us:.1f} us, decode {decode_us:.1f} us an event")
        # A yardstick for the machine: the C json module on the same events.
        texts = [encode_json_line(event) for event in events]
        dumps_us = microseconds(lambda: [json.dumps(event) for event in events], 7, len(events))
        loads_us = microseconds(lambda: [json.loads(text) for text in texts], 7, len(events))
        print(f"json.dumps {dumps_us:.1f} us, json.loads {loads_us:.1f} us of the same events")
        print(f"\n{'replay of':>10} {'entries':>10} {'events/s':>10} {'peak MiB':>9}")
        for size_mb in (20, 200):
            count, rate, peak_kib = replay_once(directory / str(size_mb), size_mb * 10**6)
            print(
                f"{size_mb:>7} MB {count:>10,} {rate:>10,.0f} {peak_kib / 1024:>9.1f}", flush=True
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
