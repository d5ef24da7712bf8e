"""`mutants`: the kill matrix, which says of each mistake what found it.

    mutants --list
    mutants                        each mutant against its scenarios and its tests
    mutants --deep                 every scenario against each: the whole matrix
    mutants sync-tried-again       one of them

Spec: SCN-3.2.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from fault_injection.command_run import new_result
from fault_injection.mutants.matrix import fails_without_mutants, listing, try_mutants
from fault_injection.options import add_jobs
from fault_injection.reports import write_reports
from fault_injection.reports.console import render_console
from fault_injection.result import MutantResult
from fault_injection.scenario import Effort


def add_options(parser: argparse.ArgumentParser) -> None:
    """Tell the parser what this command takes."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="none: all")
    parser.add_argument("--list", action="store_true", help="what there is; nothing is run")
    parser.add_argument(
        "--scenarios-only", action="store_true", help="without the tests, which need pytest"
    )
    parser.add_argument(
        "--deep", action="store_true", help="every scenario against each mutant, for the matrix"
    )
    add_jobs(parser)
    parser.add_argument(
        "--report", type=Path, metavar="DIR", help="write the reports there too (default: none)"
    )


def run(options: argparse.Namespace) -> int:
    """Try the mutants; return 1 if one survives. Raises UsageError."""
    if options.list:
        print("\n".join(listing(options.names)))
        return 0
    if failing := fails_without_mutants(
        options.names, scenarios_only=options.scenarios_only, is_deep=options.deep
    ):
        print("without any mutant these fail: " + ", ".join(failing), file=sys.stderr)
        return 1
    result = new_result(Effort(is_deep=options.deep), options.jobs)
    began = time.monotonic()
    result.mutants = try_mutants(
        options.names, scenarios_only=options.scenarios_only, is_deep=options.deep,
        jobs=options.jobs, on_result=_show,
    )  # fmt: skip
    result.seconds = time.monotonic() - began
    print(render_console(result, is_terminal=sys.stdout.isatty()))
    if options.report is not None:
        paths = write_reports(result, options.report)
        print("reports: " + ", ".join(str(path) for path in paths))
    return result.exit_code


def _show(row: MutantResult) -> None:
    word = "found" if row.is_killed else "NOT FOUND"
    print(f"{word:9} {row.name}", file=sys.stderr, flush=True)
