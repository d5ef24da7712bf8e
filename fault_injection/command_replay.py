"""`replay`: one plan from a file, step by step, with its story.

Spec: SCN-1.2, SCN-1.5.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from fault_injection.cases import Case, execute
from fault_injection.errors import PlanError
from fault_injection.explaining import explain_failure, story_of
from fault_injection.plan import parse_plan
from fault_injection.ports.opening import opened_subject, port_command
from fault_injection.reports.console import render_failure
from fault_injection.shrink import Shrunk


def run(options: argparse.Namespace) -> int:
    """Run the plan; return 1 if an invariant is broken, 0 if none is. Raises PlanError."""
    path: Path = options.plan
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError(f"{path} cannot be read: {error}") from error
    plan = parse_plan(text)
    port = port_command(options.port)
    with opened_subject(port) as subject:
        found = execute(Case(plan, twice=True), subject)
    if found.broken is None:
        print("\n".join(story_of(plan, port)))
        print("every invariant holds")
        return 0
    failure = explain_failure(Shrunk(plan, found.broken, 0, len(plan.steps)), None, "", port)
    print("\n".join(render_failure(failure, is_terminal=sys.stdout.isatty())))
    return 1
