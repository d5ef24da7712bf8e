"""`port`: a port's adapter on its own, tried in seven ways.

    port smoke      first contact: each operation once, and what came
    port vectors    every vector that an operation can be asked, compared byte for byte
    port contract   what SPEC.md says of calls and bytes when nothing goes wrong
    port tiers      in which ways it can be crashed here
    port connector  its `run` command against a broker on a real socket that misbehaves
    port kernel     on real filesystems whose power is cut, as root (command_kernel.py)
    port mistakes   deliberate mistakes of it, and what finds each (command_mistakes.py)

Exit codes are the command line's: 0 all is well, 1 something is not, 2 usage, 3 nothing was
tried. The scenarios are `run --port`. Spec: PRT-1.2, PRT-1.4, PRT-2.2.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Final

from fault_injection import command_kernel, command_mistakes
from fault_injection.ports.adapter import Adapter
from fault_injection.ports.black_box import SCENARIOS, run_box, run_command_of
from fault_injection.ports.contract import try_contract
from fault_injection.ports.errors import AdapterError
from fault_injection.ports.kernel_tier import probe_kernel
from fault_injection.ports.known import read_known, vector_known
from fault_injection.ports.opening import opened_subject, port_command
from fault_injection.ports.ptrace import unavailable
from fault_injection.ports.smoke import smoke
from fault_injection.ports.tiers import probe_tiers, tiers_of_run
from fault_injection.ports.vectors import VectorResult, try_vectors

STATUSES: Final = ("passed", "failed", "stale", "known", "skipped", "not-applicable")
_BAD: Final = frozenset({"failed", "stale"})


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what `port` takes."""
    commands = parser.add_subparsers(required=True, metavar="what")
    for name, function, text in (
        ("smoke", run_smoke, "first contact: each operation once"),
        ("vectors", run_vectors, "the test vectors (in a checkout)"),
        ("contract", run_contract, "rules of calls and bytes when nothing goes wrong"),
        ("tiers", run_tiers, "in which ways it can be crashed here"),
        ("connector", run_connector, "its `run` command against a broker that misbehaves"),
        ("kernel", command_kernel.run, "on real filesystems whose power is cut, as root"),
        ("mistakes", command_mistakes.run, "deliberate mistakes, and what finds each"),
    ):
        each = commands.add_parser(name, help=text)
        each.add_argument("--port", metavar="COMMAND", required=True, help="the adapter's command")
        if name == "smoke":
            each.add_argument("--transcript", type=Path, metavar="FILE", help="write all lines")
        if name == "vectors":
            each.add_argument("--known", type=Path, metavar="FILE", help="failures that are known")
        if name == "kernel":
            command_kernel.add_options(each)
        if name == "mistakes":
            command_mistakes.add_options(each)
        each.set_defaults(function=function)


def run_smoke(options: argparse.Namespace) -> int:
    """Print a line for each operation; return 1 if one did not come to what it has to."""
    try:
        adapter = Adapter(port_command(options.port))
    except AdapterError as error:
        _print_error(error)
        return 1
    is_good = True
    with adapter:
        for step in smoke(adapter):
            print(f"{'ok  ' if step.is_good else 'FAIL'}  {step.op:<13} {step.text}")
            is_good = is_good and step.is_good
        if not is_good and adapter.stderr:
            print(f"standard error, the end:\n{adapter.stderr}")
    if options.transcript is not None:
        options.transcript.write_text("\n".join(adapter.transcript) + "\n", "utf-8")
    return 0 if is_good else 1


def run_vectors(options: argparse.Namespace) -> int:
    """Print counts by file and every difference; return the exit code."""
    known = read_known(options.known)
    found: list[VectorResult] = []
    try:
        with Adapter(port_command(options.port)) as adapter:
            for each in try_vectors(adapter):
                found.append(vector_known(each, known))
    except AdapterError as error:
        _print_error(error)
        print(f"stopped after {len(found)} vectors")
        return 1
    for each in found:
        if each.status in ("failed", "stale", "known", "skipped"):
            print(f"{each.status}  {each.id}: {each.text}")
    by_file: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for each in found:
        by_file[each.file][each.status] += 1
        by_file["all"][each.status] += 1
    width = max(map(len, by_file))
    print(f"{'file':<{width}}  " + "  ".join(STATUSES))
    for file in [*sorted(by_file.keys() - {"all"}), "all"]:
        cells = (f"{by_file[file][status]:>{len(status)}}" for status in STATUSES)
        print(f"{file:<{width}}  " + "  ".join(cells))
    for reason in sorted({each.text for each in found if each.status == "not-applicable"}):
        print(f"not applicable: {reason}")
    counts = by_file["all"]
    if any(counts[status] for status in _BAD):
        return 1
    return 0 if counts["passed"] else 3


def run_contract(options: argparse.Namespace) -> int:
    """Print a line for each rule; return 1 if one does not hold, 3 if all were skipped."""
    found = []
    try:
        for each in try_contract(port_command(options.port)):
            found.append(each)
            words = {"passed": "ok  ", "failed": "FAIL", "skipped": "-   "}
            print(f"{words[each.status]}  {each.name:<30} {each.requirement:<8} {each.text}")
    except AdapterError as error:
        _print_error(error)
        return 1
    statuses = {each.status for each in found}
    return 1 if "failed" in statuses else 0 if "passed" in statuses else 3


def run_tiers(options: argparse.Namespace) -> int:
    """Print which tiers can be run; return 1 if a plan breaks one, 3 if none can be run."""
    command = port_command(options.port)
    try:
        with Adapter(command):
            pass  # one that does not say hello is told once, and is no tier's reason
    except AdapterError as error:
        _print_error(error)
        return 1
    if why_not := unavailable():
        *tiers, _ = tiers_of_run({}, why_not)  # T4 comes below
    else:
        with opened_subject(command) as subject:
            tiers = probe_tiers(subject)
    tiers.append(probe_kernel(command))  # it needs root, and no tracing
    for each in tiers:
        print(f"{each.name}  {each.title:<42}  {each.reason or f'run: struck {each.count} times'}")
    if any(each.reason.startswith("run, and broken") for each in tiers):
        return 1
    return 0 if any(not each.reason for each in tiers) else 3


def run_connector(options: argparse.Namespace) -> int:
    """Print a line for each scenario; return the exit code."""
    try:
        with Adapter(port_command(options.port)) as adapter:
            hello = adapter.hello
    except AdapterError as error:
        _print_error(error)
        return 1
    if "connector" not in hello.capabilities:
        print(f"not run: {hello.name} does not have the capability connector")
        return 3
    run = run_command_of(hello.limits)
    failed = 0
    for each in SCENARIOS:
        wrong = run_box(run, each)
        failed += bool(wrong)
        print(f"{'FAIL' if wrong else 'ok  '}  {each.name:<28} {each.title}", flush=True)
        if wrong:
            print(f"      {wrong}")
    print(f"{len(SCENARIOS) - failed} of {len(SCENARIOS)} passed")
    return 1 if failed else 0


def _print_error(error: AdapterError) -> None:
    print(f"{error.status}: {error.words}", file=sys.stderr)
