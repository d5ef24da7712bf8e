"""A step of a plan that was done: what stories are told from, and what two runs are compared by.

Spec: SCN-1.2, SCN-1.5.
"""

from __future__ import annotations

from dataclasses import dataclass

from fault_injection.plan import Step


@dataclass(slots=True)
class Done:
    """A step that was done, and what came of it."""

    step: Step
    outcome: str
    calls: int
    """How many calls the disk had seen by then, in this boot."""
    promises: int
    is_ending: bool = False
    """A process or a boot ended here."""
    moments: int = 0
    """How many moments this boot had recorded by then: what a cut that looks back refers to."""
    notes: tuple[str, ...] = ()
    """What was lost, of a power cut."""
