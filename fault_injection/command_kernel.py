"""`port kernel`: a port on real filesystems whose power is cut: tier T4.

Spec: PRT-2.3.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

from fault_injection.errors import UsageError
from fault_injection.plan import parse_plan
from fault_injection.ports.kernel_tier import KernelResult, try_filesystem, try_plan
from fault_injection.ports.opening import port_command
from fault_injection.ports.real_disk import KINDS
from fault_injection.scenario import Effort

DEFAULT: Final = ("ext4", "xfs", "btrfs")
EPILOG: Final = """\
An image file is made a filesystem, mounted, and used by the port. Its power is cut by an ioctl
that stops it where it is (ext4, xfs), or by going on with a copy of the image (btrfs); the port
is killed, the filesystem mounted again, which replays its journal, and the port has to have what
it promised. The first failure on a filesystem is told, and its plan written: run it again with

  port kernel --port COMMAND --filesystem ext4 --plan PLAN.json

It needs root, /dev/loop-control and mkfs; what is missing is said, and counts as not run. At the
end, also after Ctrl-C, nothing is left mounted.

exit codes: 0 everything that was run passed, 1 something failed, 2 usage, 3 nothing was run
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Tell the parser what this command takes; --port it has."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    parser.add_argument(
        "--filesystem", action="append", choices=list(KINDS), default=[],
        help=f"may be given several times (default: {', '.join(DEFAULT)})",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default 0")
    parser.add_argument("--deep", action="store_true", help="many more cuts inside of calls")
    parser.add_argument("--plan", type=Path, metavar="FILE", help="this plan alone")
    parser.add_argument(
        "--report", type=Path, default=Path(".reports/port-kernel"), metavar="DIR",
        help="where plans that failed go (default %(default)s)",
    )  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Try each filesystem; return the exit code. Raises UsageError."""
    command = port_command(options.port)
    plan = None
    if options.plan is not None:
        try:
            plan = parse_plan(options.plan.read_text("utf-8"))
        except OSError as error:
            raise UsageError(f"--plan {options.plan}: {error}") from error
    found = []
    for name in options.filesystem or DEFAULT:
        print(f"{name}...", file=sys.stderr, flush=True)
        result = (
            try_filesystem(command, name, Effort(options.seed, options.deep)) if plan is None
            else try_plan(command, name, plan)
        )  # fmt: skip
        found.append(result)
        _show(result, options.report)
    if any(each.broken or each.error for each in found):
        return 1
    return 0 if any(not each.reason for each in found) else 3


def _show(result: KernelResult, directory: Path) -> None:
    if result.reason:
        print(f"-     {result.filesystem:<20} {result.reason}", flush=True)
        return
    word = "FAIL" if result.broken or result.error else "ok"
    text = f"{result.plans} plans, the power was cut {result.cuts} times"
    print(f"{word:<5} {result.filesystem:<20} {text}", flush=True)
    if result.error:
        print(f"      {result.error}")
    if result.broken is None or result.failing is None:
        return
    for each in result.told:
        print(f"      {each}")
    print(f"      broken: {result.broken}")
    path = directory / f"{result.filesystem}-{result.broken.invariant}.json"
    directory.mkdir(parents=True, exist_ok=True)
    path.write_text(result.failing.as_text(), "utf-8")
    print(f"      plan: {path}")
