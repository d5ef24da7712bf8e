"""`replay`: one plan from a file, step by step, with its story.

Spec: SCN-1.2, SCN-1.5.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from fault_injection.errors import PlanError
from fault_injection.explaining import explain_failure, run_again
from fault_injection.mutants.applying import switched_on
from fault_injection.plan import parse_plan
from fault_injection.ports.adapter import Adapter
from fault_injection.ports.opening import port_command
from fault_injection.ports.ptrace import unavailable
from fault_injection.reports.console import render_failure
from fault_injection.runner import NOT_A_LOG
from fault_injection.shrink import Shrunk
from fault_injection.story import tell


def run(options: argparse.Namespace) -> int:
    """Run the plan; return 1 if an invariant is broken, 0 if none is, 3 if it cannot be tried.

    Raises PlanError, and AdapterError for a port that does not answer.
    """
    path: Path = options.plan
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError(f"{path} cannot be read: {error}") from error
    plan = parse_plan(text)
    port = port_command(options.port)
    if port and (why_not := NOT_A_LOG if plan.world == "connector" else unavailable()):
        print(f"not run: {why_not}")
        return 3
    if port:
        with Adapter(port):
            pass  # one that does not say hello is told as such, and is no finding
    ended = run_again(plan, port)
    if ended.broken is None:
        print("\n".join(tell(ended.done, None).sentences))
        print("every invariant holds")
        return 0
    found = Shrunk(plan, ended.broken, 0, len(plan.steps))
    failure = explain_failure(found, None, switched_on(), port)
    print("\n".join(render_failure(failure, is_terminal=sys.stdout.isatty())))
    return 1
