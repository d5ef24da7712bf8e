"""What logs are used for in scenarios: a few plans that everything else is built on.

Limits are small, so that rotation, acknowledgement and deletion happen within ten calls.
"""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.log_run import LogRun
from fault_injection.log_steps import Acknowledge, Append, Close, Fault, Open
from fault_injection.plan import Plan, Step
from fault_injection.subject import ReferenceLog


def log_plan(
    scenario: str, *steps: Step, profile: str = "posix-min", seed: int = 0, **settings: int
) -> Plan:
    """Return a plan on a log."""
    return Plan(scenario, "log", steps, profile, seed, settings)


def rotate_and_delete() -> list[Step]:
    """Five events over three files, the oldest ones acknowledged and deleted, a second life."""
    return [
        Open(), Append(1), Append(2), Append(1), Append(1), Acknowledge(3),
        Append(1), Acknowledge(1),
    ]  # fmt: skip


def two_lives() -> list[Step]:
    """A good end between two uses."""
    return [Open(), Append(2), Append(1), Acknowledge(1), Close(), Open(), Append(1)]


def calls_of(plan: Plan) -> int:
    """How many calls of the disk the plan makes, when nothing goes wrong."""
    return LogRun(plan, ReferenceLog()).run().disk.calls


def each_call(plan: Plan, call: str) -> Iterator[int]:
    """Yield 1, 2, ... for each time that the plan makes this call."""
    run = LogRun(plan.with_steps(Fault(call, "EIO", at=10**6), *plan.steps), ReferenceLog()).run()
    del run
    yield from range(1, calls_of(plan) + 1)
