"""The badge: JSON that shields.io reads from wherever a project publishes it ("endpoint").

Green is for a run in which everything passed and nothing was left out.

Spec: SCN-2.2.
"""

from __future__ import annotations

import json
from typing import Final

from fault_injection.reports.words import statuses, verdict
from fault_injection.result import RunResult, Status

_COLOURS: Final = {
    "passed": "brightgreen", "incomplete": "yellow", "stopped": "orange", "failed": "red",
    "nothing run": "lightgrey",
}  # fmt: skip


def badge_json(result: RunResult) -> str:
    """Return the endpoint's JSON."""
    found = verdict(result)
    by = statuses(result)
    counts = f"{by[Status.PASSED]} of {len(result.scenarios)} passed"
    if result.mutants:
        killed = sum(each.is_killed for each in result.mutants)
        counts = f"{counts}, " if result.scenarios else ""
        counts += f"{killed} of {len(result.mutants)} mutants killed"
    if not result.scenarios and not result.mutants:
        counts = "nothing run"
    badge = {
        "schemaVersion": 1,
        "label": "fault injection",
        "message": counts,
        "color": _COLOURS[found.word],
        "isError": found.word == "failed",
    }
    return json.dumps(badge, indent=1) + "\n"
