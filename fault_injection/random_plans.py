"""Plans on a log drawn from a seed: the same seed, the same plan.

Every plan uses the log for a while and ends in the middle of it. What kinds of fault may
strike is drawn first, for the whole plan (a swarm): a plan in which everything goes wrong at
once hides more than it shows, since a log that is down cannot lose much.

Spec: SCN-1.2, SCN-1.4.
"""

from __future__ import annotations

import random
from typing import Final

from fault_injection.log_steps import Acknowledge, Append, Close, Fault, Heal, Kill, Open, Refuse
from fault_injection.plan import Plan, Step
from reference.limits import FRAMES_OFFSET

STEPS_MIN: Final = 4
STEPS_MAX: Final = 12


def random_log_plan(scenario: str, seed: int, profile: str = "posix-min") -> Plan:
    """Return the plan that the seed draws."""
    draw = random.Random(f"{scenario} {seed}")
    settings = {
        "rotation_bytes": FRAMES_OFFSET + draw.choice((100, 200, 400, 2000)),
        "acknowledge_count_max": draw.choice((1, 1, 3, 1000)),
    }
    ends, faults = draw.random() < 0.6, draw.random() < 0.4
    steps: list[Step] = [Open()]
    for _ in range(draw.randrange(STEPS_MIN, STEPS_MAX)):
        steps += _some(draw, ends=ends, faults=faults)
    return Plan(scenario, "log", tuple(steps), profile, seed, settings)


def _some(draw: random.Random, *, ends: bool, faults: bool) -> list[Step]:
    """Draw what is done next."""
    kind = draw.randrange(10)
    if kind < 5:
        return [Append(draw.choice((1, 1, 2, 3)), draw.choice((0, 0, 40, 300, 600)))]
    if kind < 7:
        return [Acknowledge(draw.choice((1, 1, 2, 5)))]
    if kind == 7 and ends:
        return [draw.choice((Close(), Kill())), Open()]
    if kind == 8 and faults:
        call = draw.choice(("sync", "append", "create_exclusive", "sync_directory", "unlink"))
        error = "EIO" if call == "sync" else draw.choice(("ENOSPC", "EIO"))
        return [Fault(call, error, at=draw.choice((1, 2))), Append(1), Heal(), Kill(), Open()]
    return [Refuse()] if kind == 9 and faults else [Append(1)]
