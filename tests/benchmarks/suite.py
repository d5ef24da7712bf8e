"""`tox -e bench`, or `python -m tests.benchmarks.suite`: everything that is claimed about speed.

Each case compares contestants in one run, side by side, in several rounds. Progress goes to
standard error; bench.json, bench.md and bench.svg to the directory --output. Peers that are not
installed do not take part (`pip install --group bench`).

    python -m tests.benchmarks.suite                    all, about a quarter of an hour
    python -m tests.benchmarks.suite --only append      one case
    python -m tests.benchmarks.suite --quick            a minute: does all of it work?

Run it on a machine that does nothing else, with --directory on the disk that is to be measured.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from fault_injection.options import positive
from tests.benchmarks import (
    acknowledge_case,
    append_case,
    backlog_case,
    concurrent_case,
    connector_case,
    crash_case,
    footprint_case,
    replay_case,
)
from tests.benchmarks.machine import machine
from tests.benchmarks.peers import PEERS
from tests.benchmarks.plot import plot
from tests.benchmarks.results import CaseResult
from tests.benchmarks.settings import Case, Settings
from tests.benchmarks.stores import OURS
from tests.benchmarks.sync_counts import SyncCount, count_syncs
from tests.benchmarks.table import markdown, target_line

CASES: Final[dict[str, Case]] = {
    "append": append_case.run,
    "concurrent": concurrent_case.run,
    "replay": replay_case.run,
    "acknowledge": acknowledge_case.run,
    "connector": connector_case.run,
    "backlog": backlog_case.run,
    "footprint": footprint_case.run,
    "crash": crash_case.run,
}


def main(arguments: list[str] | None = None) -> int:
    """Run what was asked for; return 0, whatever was reached."""
    options = _parser().parse_args(arguments)
    rounds = options.rounds or (1 if options.quick else 5)
    peers = () if options.no_peers else tuple(peer for peer in PEERS if peer.is_installed())
    absent = [] if options.no_peers else [peer.name for peer in PEERS if peer not in peers]
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {text}", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(dir=options.directory, prefix="bench-") as name:
        settings = Settings(Path(name), rounds, options.quick, peers, say=say)
        say("counting syncs under strace")
        counts = count_syncs((*OURS, *peers), settings.directory)
        settings = dataclasses.replace(settings, syncs=counts)
        here = machine(settings.directory, peers)
        results: list[CaseResult] = []
        for case in options.only or CASES:
            results.append(CASES[case](settings))
            for target in results[-1].targets:
                say(target_line(target))
            # after each case: who stops a long run keeps what it has measured
            text = markdown(settings, here, absent, results)
            options.output.mkdir(parents=True, exist_ok=True)
            report = _report(settings, here, absent, results)
            (options.output / "bench.json").write_text(json.dumps(report, indent=1) + "\n")
            (options.output / "bench.md").write_text(text)
            (options.output / "bench.svg").write_text(plot(results))
    say(f"done; written to {options.output}")
    print(text)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.suite", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument(
        "--only", action="append", choices=sorted(CASES), metavar="CASE",
        help=f"this case; may be repeated ({', '.join(CASES)})",
    )  # fmt: skip
    parser.add_argument("--rounds", type=positive, help="default 5; with --quick 1")
    parser.add_argument(
        "--quick", action="store_true", help="so small that the numbers mean nothing"
    )
    parser.add_argument("--no-peers", action="store_true", help="as if none were installed")
    parser.add_argument(
        "--directory", help="where the stores are (default: the system's temporary directory)"
    )
    parser.add_argument(
        "--output", type=Path, default=Path(".reports/bench"), help="default %(default)s"
    )
    return parser


def _report(
    settings: Settings, here: dict[str, str], absent: list[str], results: list[CaseResult]
) -> dict[str, Any]:
    def syncs(count: SyncCount | None) -> dict[str, Any] | None:
        if count is None:
            return None
        return {**dataclasses.asdict(count), "per_unit": count.per_unit}

    return {
        "format": 1,
        "machine": here,
        "rounds": settings.rounds,
        "quick": settings.is_quick,
        "not_installed": absent,
        "syncs": {name: syncs(count) for name, count in settings.syncs.items()},
        "cases": [case.as_json() for case in results],
    }


if __name__ == "__main__":
    sys.exit(main())
