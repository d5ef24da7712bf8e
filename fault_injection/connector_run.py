"""Runs a plan on a connector: to be written.

Spec: SCN-1.2, SCN-1.3.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from fault_injection.invariants import Broken
from fault_injection.plan import Plan


@dataclass(slots=True)
class ConnectorRun:
    """One run of a plan. `broken` is the first invariant that did not hold."""

    plan: Plan
    broken: Broken | None = None
    checks: int = 0
    fired: Counter[str] = field(default_factory=Counter)

    def run(self) -> ConnectorRun:
        """Do all steps, up to the first broken invariant; return the run itself."""
        return self
