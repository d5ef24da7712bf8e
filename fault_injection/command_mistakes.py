"""`port mistakes`: which of a port's deliberate mistakes the kit finds, and by what.

Spec: PRT-1.5.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from fault_injection import KIT_VERSION
from fault_injection.errors import UsageError
from fault_injection.ports.mistake_list import (
    Found,
    Mistake,
    MistakeList,
    read_mistakes,
    write_found,
)
from fault_injection.ports.mistake_matrix import AS_IT_IS, Matrix, RowFile, markdown, words
from fault_injection.ports.mistakes import WAYS, Trial, try_mistake
from fault_injection.ports.opening import introduced, port_command
from fault_injection.ports.ptrace import unavailable
from fault_injection.scenario import Effort
from fault_injection.spec_requirements import vectors_hash
from fault_injection.workers import in_workers

EPILOG: Final = """\
A kit that finds nothing in a sound port may also find nothing in a broken one. So give your port
a switch, an environment variable, that makes it wrong in one known way:

    if mistake("no-sync") { return Ok(()); }          # MY_MISTAKE=no-sync

and list the ways in a file:

    {"switch": "MY_MISTAKE",
     "mistakes": [
      {"name": "no-sync", "sentence": "Appends are answered without a sync.",
       "hints": ["power-cut-every-op"]}]}

`hints` are scenarios to try first, and may be left out. Each mistake goes through smoke, the
vectors, the contract and every scenario on a log, and ends at the first that finds it. A mistake
that nothing finds is a failure: it makes no difference that matters (take it out), or the kit has
a gap.

examples:
  port mistakes --port ./wal-rs --mistakes tests/ports/rust/mistakes.json
  port mistakes --port ./wal-rs --mistakes FILE --only no-sync --ways scenarios
  port mistakes --port ./wal-rs --mistakes FILE --resume         after Ctrl-C
  port mistakes --port ./wal-rs --mistakes FILE --write          keep what found each in FILE

exit codes: 0 every mistake was found, and nothing in the port as it is; 1 not so; 2 usage;
            3 nothing was tried
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Tell the parser what this command takes; --port it has."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    parser.add_argument(
        "--mistakes", type=Path, required=True, metavar="FILE", help="the list: JSON, see below"
    )
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME",
        help="this mistake; may be given several times",
    )  # fmt: skip
    parser.add_argument(
        "--ways", default=",".join(WAYS), metavar="LIST",
        help="of smoke,vectors,contract,scenarios (default: all, in this order)",
    )  # fmt: skip
    parser.add_argument(
        "--control", type=int, metavar="N",
        help="first the port without a mistake, with so many seeds: nothing may be found "
        "(default: 1, with --only 0)",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default 0")
    parser.add_argument("--deep", action="store_true", help="twenty times as many cases")
    parser.add_argument(
        "--jobs", type=int, default=1, metavar="N", help="mistakes at a time (default 1)"
    )
    parser.add_argument(
        "--report", type=Path, default=Path(".reports/port-mistakes"), metavar="DIR",
        help="where rows.jsonl, matrix.md and matrix.json go (default %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--resume", action="store_true",
        help="keep what rows.jsonl says was found, or not found, and try the rest",
    )  # fmt: skip
    parser.add_argument(
        "--write", action="store_true", help="write into FILE what found each: `found_by`"
    )


def run(options: argparse.Namespace) -> int:
    """Try them; return the exit code. Raises UsageError."""
    listed = read_mistakes(options.mistakes)
    port = port_command(options.port)
    ways = _ways(options.ways)
    if options.jobs < 1:
        raise UsageError("--jobs must be at least 1")
    if "scenarios" in ways and (why_not := unavailable()):
        print(f"not run: {why_not}", file=sys.stderr)
        return 3
    trials = _trials(listed, port, ways, options)
    hello = introduced(port)
    name = f"{hello.name} {hello.version} ({hello.language}), {shlex.join(port)}"
    matrix = Matrix(name, options.seed, options.deep, ways)
    file = RowFile(options.report, {
        "kit": KIT_VERSION, "vectors": vectors_hash(), "port": options.port, "ways": ways,
        "seed": options.seed, "deep": options.deep,
    })  # fmt: skip
    names = {each.mistake.name for each in trials}
    kept = [each for each in file.resume() if each.name in names] if options.resume else []
    file.start(kept)
    for row in kept:
        matrix.add(row)
    done = {each.name for each in kept}
    left = [each for each in trials if each.mistake.name not in done]
    try:
        for number, row in enumerate(_tried(left, options.jobs), len(kept) + 1):
            matrix.add(row)
            file.add(row)
            print("\r\x1b[K" if sys.stderr.isatty() else "", end="", file=sys.stderr)
            print(f"{number}/{len(trials)} {words(row)}", file=sys.stderr, flush=True)
    finally:
        order = {each.mistake.name: number for number, each in enumerate(trials)}
        matrix.rows.sort(key=lambda each: order[each.name])
        paths = file.finish(matrix)
        if options.write:
            write_found(options.mistakes, matrix.rows)
    print(markdown(matrix))
    print("written: " + ", ".join(map(str, paths)))
    return matrix.exit_code


def _ways(text: str) -> tuple[str, ...]:
    chosen = text.split(",")
    if unknown := [each for each in chosen if each not in WAYS]:
        raise UsageError(f"--ways {unknown[0]}: is none of {', '.join(WAYS)}")
    return tuple(each for each in WAYS if each in chosen)


def _trials(
    listed: MistakeList, port: tuple[str, ...], ways: tuple[str, ...], options: argparse.Namespace
) -> list[Trial]:
    """Return what is tried: the port as it is, and each mistake."""
    controls = options.control if options.control is not None else 0 if options.only else 1
    effort = Effort(options.seed, options.deep)
    found = []
    for seed in range(options.seed, options.seed + controls):
        name = Mistake(f"{AS_IT_IS} seed {seed}", "")
        found.append(Trial(name, "", port, replace(effort, seed=seed), ways))
    chosen = listed.chosen(options.only)
    return found + [Trial(each, listed.switch, port, effort, ways) for each in chosen]


def _tried(trials: Sequence[Trial], jobs: int) -> Iterator[Found]:
    """Yield the rows as they come."""
    if jobs == 1:
        for each in trials:
            yield try_mistake(each, _Line(each.mistake.name).show)
        return
    yield from in_workers(try_mistake, trials, jobs)


class _Line:
    """On a terminal: what is being tried."""

    def __init__(self, name: str) -> None:
        self._name = name

    def show(self, what: str, cases: int) -> None:
        if sys.stderr.isatty():
            print(f"\r\x1b[K{self._name}: {what}, {cases} cases", end="", file=sys.stderr,
                  flush=True)  # fmt: skip
