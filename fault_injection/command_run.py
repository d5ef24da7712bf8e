"""`run`: the selected scenarios, a progress line, the reports, the exit code.

Spec: SCN-2.3.
"""

from __future__ import annotations

import argparse
import platform
import shlex
import sys
import time
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from fault_injection import KIT_VERSION
from fault_injection.errors import UsageError
from fault_injection.explaining import explain_failure
from fault_injection.invariants import INVARIANTS
from fault_injection.mutants.applying import switched_on
from fault_injection.plan import PLAN_VERSION
from fault_injection.ports.errors import AdapterError
from fault_injection.ports.known import mark_known, read_known
from fault_injection.ports.opening import introduced, port_command
from fault_injection.ports.profiles import PROFILES, left_to_show, tried_for
from fault_injection.ports.protocol import PROTOCOL_VERSION
from fault_injection.ports.ptrace import unavailable
from fault_injection.ports.tiers import tiers_of_run
from fault_injection.progress import ProgressLine
from fault_injection.reports import write_reports
from fault_injection.reports.console import render_console
from fault_injection.result import PortResult, RunResult, Status, Versions
from fault_injection.runner import Gathered, Selection, run_slices, scenario_result
from fault_injection.scenario import Effort
from fault_injection.scenarios import catalogue, find
from fault_injection.spec_requirements import requirements, vectors_hash
from fault_injection.subject import ReferenceLog
from reference.limits import SPEC_VERSION


def run(options: argparse.Namespace) -> int:
    """Run what is selected; return the exit code. Raises UsageError."""
    selected = list(dict.fromkeys(find(name).name for name in options.names)) or list(catalogue())
    here = selected_here(selected, options.shard)
    effort = Effort(options.seed, options.deep)
    port = port_command(options.port)
    known = read_known(options.known)
    if not port and (known or options.profile is not None):
        raise UsageError("--known and --profile are of a port: --port is missing")
    result = new_result(effort, options.jobs)
    why_not = unavailable() if port else ""
    if port:
        result.port = _introduced(port)
        result.subject = f"{result.port.name} {result.port.version} ({result.port.language})"
    result.shard = "" if options.shard == "1/1" else options.shard
    began = time.monotonic()
    line = ProgressLine(sys.stderr)
    gathered = run_slices(
        Selection(() if why_not else tuple(here), effort, options.jobs, port, options.fail_fast),
        line.show,
    )
    line.end()
    plans = None if options.no_report else options.report / "plans"
    _gather(result, selected, here, gathered, plans, port)
    if result.port is not None:
        _finish_port(result, result.port, why_not)
    mark_known(result.scenarios, known)
    result.seconds = time.monotonic() - began
    print(render_console(result, is_terminal=sys.stdout.isatty()))
    if not options.no_report:
        paths = write_reports(result, options.report)
        print("reports: " + ", ".join(str(path) for path in paths))
    if options.profile is not None:
        is_whole = not options.names and not result.shard
        return max(result.exit_code, _claim(options.profile, result, port, is_whole))
    return result.exit_code


def _claim(profile: str, result: RunResult, port: tuple[str, ...], is_whole: bool) -> int:
    """Say whether the port may claim the profile; return 1 if not. Raises UsageError."""
    assert result.port is not None, "--profile without --port is refused before"
    try:
        vectors, box, contract = tried_for(profile, port)
    except AdapterError as error:
        raise UsageError(f"--port {shlex.join(port)}: {error.words}") from error
    left = left_to_show(profile, result.port, result.scenarios, vectors, box, contract)
    if "log" in PROFILES[profile] and not is_whole:
        left.insert(0, "the whole catalogue: only a part was selected")
    if not left:
        print(f"profile {profile}: everything in it passed, nothing was left out")
        return 0
    print(f"profile {profile}: cannot be claimed; {len(left)} to be shown:")
    print("\n".join(f"  {each}" for each in left))
    return 1


def selected_here(selected: list[str], shard: str) -> list[str]:
    """Return the names of this shard. Raises UsageError."""
    part, slash, parts = shard.partition("/")
    if not (slash and part.isdigit() and parts.isdigit() and 1 <= int(part) <= int(parts)):
        raise UsageError(f"--shard {shard}: write K/N with 1 <= K <= N, for example 2/4")
    return [name for i, name in enumerate(selected) if i % int(parts) == int(part) - 1]


def new_result(effort: Effort, jobs: int) -> RunResult:
    """Return an empty result that says what is run, and against what."""
    versions = Versions(
        KIT_VERSION, SPEC_VERSION, PLAN_VERSION, vectors_hash(), platform.python_version(),
        f"{platform.system()} {platform.machine()}",
    )  # fmt: skip
    started = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return RunResult(
        ReferenceLog.name, versions, effort.seed, effort.is_deep, jobs, started,
        mutant=switched_on(),
    )  # fmt: skip


def _introduced(port: tuple[str, ...]) -> PortResult:
    hello = introduced(port)
    return PortResult(
        hello.name, hello.version, hello.language, shlex.join(port), PROTOCOL_VERSION,
        hello.capabilities,
    )  # fmt: skip


def _finish_port(result: RunResult, port: PortResult, why_not: str) -> None:
    """Say which tiers were run, and why nothing was run where nothing could be."""
    result.port = replace(port, tiers=tiers_of_run(result.total.fired, why_not))
    for each in result.scenarios:
        if why_not and each.status is Status.NOT_RUN:
            each.reason = why_not


def _gather(
    result: RunResult, selected: list[str], here: list[str], gathered: Gathered,
    plans: Path | None, port: tuple[str, ...],
) -> None:  # fmt: skip
    for name in selected:
        scenario = find(name)
        each = scenario_result(
            name,
            gathered.get(name, []),  # none, if nothing can be run here
            lambda found: explain_failure(found, plans, result.mutant, port),
        )
        if name not in here:
            each.status, each.reason = Status.NOT_RUN, f"not in shard {result.shard}"
        result.scenarios.append(each)
        wanted = set(scenario.requirements)
        for invariant in scenario.invariants:
            wanted.update(INVARIANTS[invariant].requirements)
        result.requirement_texts |= {
            name: requirement.text for name, requirement in requirements().items()
            if name in wanted
        }  # fmt: skip
