"""From a small plan to a failure that a person understands: it is run once more, and told.

The story is story.py's, the bytes are hex_difference.py's; this file runs the plan, writes it
to a file, and gathers what the reports show. Spec: SCN-1.5.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from fault_injection.connector_run import ConnectorRun
from fault_injection.hex_difference import hex_difference
from fault_injection.invariants import INVARIANTS
from fault_injection.log_run import LogRun
from fault_injection.options import called_by
from fault_injection.plan import Plan
from fault_injection.ports.errors import AdapterError
from fault_injection.ports.opening import opened_subject
from fault_injection.result import Failure, HexLine
from fault_injection.scenarios import catalogue
from fault_injection.shrink import Shrunk
from fault_injection.story import Story, tell


def run_again(plan: Plan, port: Sequence[str] = ()) -> LogRun | ConnectorRun:
    """Run the plan, on the port if there is one; return the run, which knows what was done."""
    if plan.world == "connector":
        return ConnectorRun(plan).run()
    with opened_subject(port) as subject:
        return LogRun(plan, subject, twice=True).run()


def explain_failure(
    found: Shrunk, plans: Path | None, mutant: str = "", port: Sequence[str] = ()
) -> Failure:
    """Return all that the reports show. The plan is written into the directory `plans`."""
    try:
        run = run_again(found.plan, port)
    except AdapterError as error:  # what was found stays found
        story = Story(
            (f"run once more, the port did not come so far: {error}", str(found.broken)), ()
        )
        difference: tuple[HexLine, ...] = ()
    else:
        story = tell(run.done, run.broken or found.broken)
        difference = hex_difference(run.before, run.after)
    path = _write(found, plans) if plans is not None else None
    where = str(path) if path is not None else "PLAN.json"
    switch = f"--mutant {mutant} " if mutant else ""
    on_port = f" --port {shlex.quote(shlex.join(port))}" if port else ""
    return Failure(
        found.broken.invariant,
        found.broken.what,
        _requirements(found),
        found.plan.as_json(),
        str(path or ""),
        story.sentences,
        story.timeline,
        difference,
        f"{called_by(Path(sys.executable).name)} {switch}replay {where}{on_port}",
        found.steps_before,
    )


def _requirements(found: Shrunk) -> tuple[str, ...]:
    """What is broken: the invariant's requirements, and the scenario's if they are the same."""
    mine = INVARIANTS[found.broken.invariant].requirements
    scenario = catalogue().get(found.plan.scenario)
    shown = [each for each in mine if scenario is None or each in scenario.requirements]
    return tuple(shown or mine)


def _write(found: Shrunk, directory: Path) -> Path:
    scenario = catalogue().get(found.plan.scenario)
    name = scenario.id if scenario is not None else found.plan.scenario
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{name}-{found.broken.invariant}.json"
    path.write_text(found.plan.as_text(), "utf-8")
    return path
