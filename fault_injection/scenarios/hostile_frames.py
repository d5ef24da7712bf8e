"""The broker sends what is no message: random bytes, impossible lengths, unknown tags."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.connector_steps import (
    BrokerFault,
    ExpectAttempts,
    ExpectDelivered,
    Flow,
    Publish,
    Quiesce,
    Start,
    Wait,
)
from fault_injection.connector_workloads import connector_plan
from fault_injection.scenario import Effort, Scenario
from reference.limits import LINK_BODY_BYTES_MAX

FAULTS = (
    *(f"garbage{{}}:{count}" for count in (1, 3, 4, 5, 8, 16, 64, 4096)),
    *(f"oversized-frame{{}}:{count}" for count in (LINK_BODY_BYTES_MAX + 1, 2**31, 2**32 - 1)),
    "undecodable-message{}",
)


def cases(effort: Effort) -> Iterator[Case]:
    """In place of Welcome and of an answer; once, and many times in a row."""
    for seed in range(effort.seed, effort.seed + effort.budget(3, 100)):
        for fault, place in itertools.product(FAULTS, ("@c1", "@1", "@3", "%c50", "%30")):
            strike = BrokerFault(fault.format(place))
            steps = (strike, Start(), Publish(6), Wait(40), Publish(3), Wait(40), Quiesce())
            yield Case(connector_plan("hostile-frames", *steps, seed=seed, window=3))
    # A message that nobody can read ends the link, whatever follows it.
    for at in range(1, 7):
        strike = BrokerFault(f"undecodable-message@{at}")
        again = (Start(), Publish(6), Wait(20), ExpectAttempts(2, 2), ExpectDelivered())
        yield Case(connector_plan("hostile-frames", strike, *again, Quiesce(), window=3))
    # All that an impossible length is followed by would be kept for it.
    for count in (LINK_BODY_BYTES_MAX + 1, 2**31, 2**32 - 1):
        strike = BrokerFault(f"oversized-frame@2:{count}")
        at_once = (strike, Start(), Publish(6), Flow(), ExpectAttempts(1, 2), Wait(20))
        told = (ExpectAttempts(1, 2), ExpectDelivered(), Quiesce())
        yield Case(connector_plan("hostile-frames", *at_once, *told, window=3))


SCENARIO = Scenario(
    name="hostile-frames",
    number=38,
    title="garbage, oversized and undecodable frames",
    when="something else answers on the socket, or the broker's memory is overwritten",
    effect="lengths up to 4 GiB, tags that nobody knows, random bytes",
    contract="nothing is kept or allocated for them; the link is closed, the breach is counted, "
    "nothing is settled by it, and the next link works",
    why="bookkeeper#2220 and memtrace#80: a length off the wire became an allocation of 192 GiB",
    invariants=("I1", "I9", "I10"),
    requirements=("LNK-1.2", "LNK-1.3", "LNK-4.1", "DEL-1.4"),
    cases=cases,
    strikes=("garbage", "oversized-frame", "undecodable-message"),
)
