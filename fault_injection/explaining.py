"""A failing run as a `Failure` of the result model: with its story, its drawing and its bytes.

The plan is run once more; what it leaves is what is told. Whoever calls says where the plan was
written and how it is replayed.

Spec: SCN-1.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from fault_injection.hex_difference import hex_difference
from fault_injection.invariants import INVARIANTS, Broken
from fault_injection.log_run import Done
from fault_injection.plan import Plan
from fault_injection.result import Failure
from fault_injection.story import tell
from simulators.disk_image import Image


class FailedRun(Protocol):
    """What a run of any world has to show."""

    @property
    def plan(self) -> Plan: ...
    @property
    def done(self) -> Sequence[Done]: ...
    @property
    def before(self) -> Image: ...
    @property
    def after(self) -> Image: ...


def explained(
    run: FailedRun, broken: Broken, *, plan_file: str, replay_command: str, shrunk_from: int
) -> Failure:
    """Return the failure, told. `broken` is what the run, or whoever found it, says."""
    story = tell(run.done, broken)
    invariant = INVARIANTS.get(broken.invariant)
    return Failure(
        broken.invariant, broken.what, invariant.requirements if invariant else (),
        run.plan.as_json(), plan_file, story.sentences, story.timeline,
        hex_difference(run.before, run.after), replay_command, shrunk_from,
    )  # fmt: skip
