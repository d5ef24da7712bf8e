"""The command line: what is asked for, told to the runner, shown by the reports.

Exit codes: 0 everything passed or is known to fail, 1 something failed or was stopped, 2 usage,
3 nothing was executed.
Without a command it is `run` with everything. Spec: SCN-2.3.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from fault_injection import (
    command_explore,
    command_mutants,
    command_port,
    command_replay,
    command_run,
)
from fault_injection.command_list import explain_scenario, list_scenarios
from fault_injection.errors import UsageError
from fault_injection.options import add_jobs, called_by
from fault_injection.ports.errors import AdapterError
from fault_injection.ports.profiles import PROFILES

COMMANDS: Final = ("run", "list", "explain", "explore", "replay", "mutants", "port")
EPILOG: Final = """\
examples:
  {0}                            every scenario, on all processors
  {0} run torn-tail-bytes 16     by name or number
  {0} run --deep --seed 7 --shard 2/4 --report out
  {0} run --mutant no-directory-sync     see a mistake found
  {0} replay .reports/faults/plans/S03-unsynced-all-subsets-I1.json
  {0} explore --deep             a million distinct crash images

exit codes: 0 everything passed, or stands in --known and fails, 1 something failed or was stopped,
            2 usage, 3 nothing was executed
"""


def run(arguments: Sequence[str]) -> int:
    """Do what the arguments ask for; return the exit code."""
    arguments = list(arguments)
    if arguments[:1] == ["--replay"]:
        arguments[0] = "replay"
    if not arguments or (arguments[0] not in COMMANDS and arguments[0] not in ("-h", "--help")):
        arguments.insert(0, "run")
    parser = _parser()
    try:
        options = parser.parse_args(arguments)
    except SystemExit as ended:  # argparse has said why; after --help it is 0
        return 2 if ended.code else 0
    logging.disable(logging.ERROR)
    command: Callable[[argparse.Namespace], int] = options.function
    try:
        return command(options)
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except AdapterError as error:
        print(f"{error.status}: {error.words}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # The reader has what it wanted; the interpreter must not complain at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=called_by(),
        description="Puts a write-ahead log and its connector through everything that goes wrong: "
        "kills, power cuts, failing disks, rotten bytes, broken links, a lying broker.",
        epilog=EPILOG.format(called_by()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--mutant", metavar="NAME", help="switch a mistake on in the reference (any command)"
    )
    commands = parser.add_subparsers(required=True, metavar="command")

    each = commands.add_parser("run", help="run scenarios (the default: all)")
    each.add_argument("names", nargs="*", metavar="ID", help="name, number or ID; none: all")
    _effort(each)
    each.add_argument("--shard", default="1/1", metavar="K/N", help="the K-th of N parts")
    each.add_argument(
        "--report", type=Path, default=Path(".reports/faults"), metavar="DIR",
        help="where report.json, junit.xml, summary.md, index.html, badge.json and the plans go "
        "(default %(default)s)",
    )  # fmt: skip
    each.add_argument("--no-report", action="store_true", help="write no files")
    _port(each, "run the log's scenarios on a port, through this adapter")
    each.add_argument(
        "--known", type=Path, metavar="FILE", help="failures of the port that are known: JSON"
    )
    each.add_argument(
        "--profile", choices=sorted(PROFILES), help="say what a claim of the port to this needs"
    )
    each.add_argument("--fail-fast", action="store_true", help="stop at the first failure")
    each.set_defaults(function=command_run.run)

    each = commands.add_parser("list", help="the catalogue")
    each.set_defaults(function=list_scenarios)

    each = commands.add_parser("explain", help="a scenario, an invariant, a requirement, a mutant")
    each.add_argument("name", metavar="ID")
    each.set_defaults(function=explain_scenario)

    each = commands.add_parser("replay", help="run a plan from a file, and tell its story")
    each.add_argument("plan", type=Path, metavar="PLAN.json")
    _port(each, "on a port, through this adapter")
    each.set_defaults(function=command_replay.run)

    each = commands.add_parser("explore", help="every crash of a log's use, to a budget")
    command_explore.add_options(each)
    _effort(each)
    each.set_defaults(function=command_explore.run)

    each = commands.add_parser(
        "port",
        help="a port's adapter: smoke, vectors, contract, tiers, connector, kernel, mistakes",
    )
    command_port.add_options(each)

    each = commands.add_parser("mutants", help="mistakes x scenarios and tests: the kill matrix")
    command_mutants.add_options(each)
    each.set_defaults(function=command_mutants.run)
    return parser


def _port(parser: argparse.ArgumentParser, help: str) -> None:
    parser.add_argument("--port", metavar="COMMAND", help=f"{help}: one quoted command line")


def _effort(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default 0")
    parser.add_argument("--deep", action="store_true", help="much more: minutes, for a night")
    add_jobs(parser)
