"""Plans on a connector that are drawn from a seed: steps as data, so that a failure shrinks.

A *swarm*: each seed switches some kinds of fault on and leaves the others out, because a
history in which everything goes wrong at once rarely gets far enough for anything to matter.
Every plan ends with a quiet period (`quiesce`). The same seed gives the same plan for ever.

Spec: SCN-4.1.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

from fault_injection.connector_steps import (
    Advance,
    BrokerFault,
    BrokerListens,
    BrokerRestart,
    BrokerStopsListening,
    Cut,
    DiskWorks,
    Fault,
    Flow,
    HalfOpen,
    Heal,
    Kill,
    LinkFault,
    MoveBytes,
    PowerCut,
    Publish,
    Quiesce,
    ShutDown,
    Start,
    Wait,
    WallClock,
)
from fault_injection.plan import Plan, Step
from reference.limits import FRAMES_OFFSET
from simulators.broker_faults import MISBEHAVIOURS, Place
from simulators.faulty_filesystem import CALLS

PROFILES: Final = ("posix-min", "ext4-ordered", "ext4-writeback", "ext4-journal", "xfs", "btrfs")
ERRORS: Final = ("ENOSPC", "EDQUOT", "EIO", "EINTR", "EMFILE", "EROFS")
_AMOUNTS: Final = {"delay": (0.5, 40.0), "pieces": (1, 7, 50)}

Draw = Callable[[random.Random], list[Step]]


def drawn_plan(scenario: str, seed: int) -> Plan:
    """Return the plan of this seed."""
    draw = random.Random(f"{scenario} {seed}")
    kinds = [kind for kind in _FAULTS if draw.random() < 0.4] or [draw.choice(tuple(_FAULTS))]
    steps: list[Step] = [Start(), Publish(draw.randrange(1, 4))]
    for _ in range(draw.randrange(5, 45)):
        if draw.random() < 0.35:
            steps += _FAULTS[draw.choice(kinds)](draw)
        else:
            steps.append(_work(draw))
    settings = {
        "buffer_bytes": draw.choice((400, 1000, 3000)),
        "rotation_bytes": FRAMES_OFFSET + draw.choice((100, 600, 2000)),
        "acknowledge_count_max": draw.choice((1, 3, 1000)),
        "quota_bytes": draw.choice((10**9, 60_000)),
        "window": draw.choice((1, 3, 8)),
    }
    return Plan(scenario, "connector", (*steps, Quiesce()), draw.choice(PROFILES), seed, settings)


def _work(draw: random.Random) -> Step:
    return draw.choice((
        Publish(draw.randrange(1, 5), draw.choice((0, 0, 0, 40, 300, 1200))),
        Publish(1, draw.randrange(60)),
        Flow(draw.randrange(1, 6)),
        Flow(),
        MoveBytes("to-broker", draw.choice((1, 9, 200))),
        MoveBytes("to-connector", draw.choice((1, 5, 200))),
        DiskWorks(draw.randrange(1, 3), draw.randrange(3)),
        Advance(draw.choice((0.05, 1, 9, 31))),
        Wait(draw.choice((0.5, 5, 40))),
    ))  # fmt: skip


# ---- Kinds of fault ---------------------------------------------------------


def _link(draw: random.Random) -> list[Step]:
    kind = draw.choice(("reset", "reset", "half-open", "delay", "pieces"))
    direction = draw.choice(("to-broker", "to-connector"))
    amount = draw.choice(_AMOUNTS.get(kind, (0.0,)))
    fault = LinkFault(kind, direction, draw.randrange(400), amount, draw.randrange(1, 3))
    return [fault, Cut()] if draw.random() < 0.5 else [fault]


def _misbehaviour(draw: random.Random) -> list[Step]:
    found = MISBEHAVIOURS[draw.choice(tuple(MISBEHAVIOURS))]
    place = draw.choice(found.places)
    letter = "c" if place is Place.CONNECTION and len(found.places) > 1 else ""
    when = draw.choice((f"@{letter}{draw.randrange(1, 4)}", f"%{letter}{draw.choice((5, 20))}"))
    return [BrokerFault(f"{found.name}{when}")]


def _broker(draw: random.Random) -> list[Step]:
    if draw.random() < 0.6:
        return [BrokerRestart(draw.random() < 0.6)]
    return [BrokerStopsListening(), _work(draw), _work(draw), BrokerListens()]


def _disk(draw: random.Random) -> list[Step]:
    call, error = draw.choice(CALLS), draw.choice(ERRORS)
    times = draw.choice((1, 1, 2, 5, 0))
    short = draw.randrange(1, 50) if call == "append" and draw.random() < 0.3 else -1
    fault = Fault(call, error, draw.randrange(1, 4), times, short=short)
    steps: list[Step] = [fault, _work(draw), _work(draw)]
    return [*steps, Heal()] if draw.random() < 0.7 else steps


def _kill(draw: random.Random) -> list[Step]:
    if draw.random() < 0.5:
        return [Kill(), Start()]
    return [Kill(draw.randrange(25)), _work(draw), _work(draw), Start()]


def _power(draw: random.Random) -> list[Step]:
    kept = f"#{draw.randrange(10_000)}"
    if draw.random() < 0.4:
        return [PowerCut(kept), Start()]
    steps: list[Step] = [PowerCut(kept, after_calls=draw.randrange(25)), _work(draw), _work(draw)]
    again: list[Step] = [
        Kill(),
        PowerCut(f"#{draw.randrange(10_000)}", after_calls=draw.randrange(9)),
    ]
    return [*steps, Start()] if draw.random() < 0.7 else [*steps, *again, Start(), Start()]


_FAULTS: Final[dict[str, Draw]] = {
    "cut": lambda draw: [Cut()],
    "link": _link,
    "half-open": lambda draw: [HalfOpen(draw.choice(("", "to-broker", "to-connector")))],
    "misbehaviour": _misbehaviour,
    "broker": _broker,
    "disk": _disk,
    "kill": _kill,
    "power": _power,
    "shut-down": lambda draw: [ShutDown(draw.choice((0.0, 1.0, 5.0, 40.0))), Start()],
    "wall-clock": lambda draw: [WallClock(draw.choice((-86_400, -1, 3600)))],
}
