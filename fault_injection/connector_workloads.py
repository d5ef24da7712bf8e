"""What connectors are used for in scenarios: plans, exact sizes, and counting a plan's calls.

Spec: SCN-4.1.
"""

from __future__ import annotations

from fault_injection.connector_run import ConnectorRun
from fault_injection.connector_steps import Flow, Kill, Publish, Quiesce, Start
from fault_injection.level_model import frame_bytes
from fault_injection.plan import Plan, Step
from fault_injection.subject import CLOCK_NS, make_event
from reference.events import LogEntry

HELLO_BYTES = 52
WELCOME_BYTES = 24
ACKNOWLEDGE_BYTES = 16
_NEVER = 10**6


def connector_plan(
    scenario: str, *steps: Step, profile: str = "posix-min", seed: int = 0, **settings: int
) -> Plan:
    """Return a plan on a connector."""
    return Plan(scenario, "connector", steps, profile, seed, settings)


def sized(pid: int, total_bytes: int) -> Publish:
    """Return the publish of one event, the `pid`-th of the plan, whose frame has this length.

    At the first instant of a plan: the length of a timestamp depends on the time.
    """
    return Publish(1, total_bytes - size_of(pid))


def size_of(pid: int) -> int:
    """Return the length of the shortest frame of the plan's `pid`-th event, at first."""
    return frame_bytes(LogEntry(1, CLOCK_NS, make_event(pid)))


def delivered(count: int, *faults: Step) -> tuple[Step, ...]:
    """Return steps that deliver events while things go wrong, and then in peace."""
    return Start(), *faults, Publish(count), Flow(), Quiesce()


def calls_of_disk(plan: Plan, *steps: Step) -> int:
    """How many calls of the disk `steps` make behind the plan, when nothing goes wrong."""
    run = ConnectorRun(plan.then(Kill(_NEVER), *steps)).run()
    assert run.broken is None, run.broken
    return _NEVER - run.process.calls_left
