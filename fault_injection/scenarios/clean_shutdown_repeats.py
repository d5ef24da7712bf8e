"""Five clean restarts in a row, to a broker that remembers nothing: no event comes twice."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.connector_steps import (
    BrokerFault,
    BrokerRestart,
    Fault,
    Flow,
    HalfOpen,
    Heal,
    Publish,
    Quiesce,
    ShutDown,
    Start,
)
from fault_injection.connector_workloads import connector_plan
from fault_injection.plan import Plan, Step
from fault_injection.scenario import Effort, Scenario


def cases(effort: Effort) -> Iterator[Case]:
    """With one, two and three files, answers missing or not, and watermarks written lazily."""
    for count, lazily, window in itertools.product((1, 6, 12), (1, 1000), (1, 3, 8)):
        for keeps, rounds in itertools.product((False, True), (2, 3, 1000)):
            work = (Start(), Flow(2), Publish(count), Flow(rounds))
            life = (*work, ShutDown(), BrokerRestart(keeps))
            yield Case(_plan(*life * 5, Quiesce(), window=window, lazily=lazily))
    # What ends without its answers, or without its disk, must not be called clean.
    unclean: tuple[tuple[Step, ...], ...] = (
        (HalfOpen("to-connector"),), (HalfOpen(),), (BrokerFault("no-acknowledgement@1"),),
        (BrokerFault("stall@1"),), (BrokerFault("late-acknowledgement@1:9"),),
        (Fault("overwrite", "EIO", times=0),), (Fault("sync", "EIO", times=0, suffix=".ack"),),
    )  # fmt: skip
    for trouble, seconds in itertools.product(unclean, (0.0, 1.0, 8.0, 40.0)):
        begin = (Start(), Publish(2), Flow(), *trouble, Publish(4), Flow(2))
        for keeps in (False, True):
            again = (ShutDown(seconds), Heal(), BrokerRestart(keeps), Start(), Flow(), Quiesce())
            yield Case(_plan(*begin, *again, window=3, lazily=1000))


def _plan(*steps: Step, window: int, lazily: int) -> Plan:
    return connector_plan(
        "clean-shutdown-repeats", *steps, window=window, acknowledge_count_max=lazily
    )


SCENARIO = Scenario(
    name="clean-shutdown-repeats",
    number=82,
    title="no repeats after a clean shutdown",
    when="an agent is restarted in good order, again and again, and the broker with it",
    effect="the watermark in memory is gone; what was sent is known from the disk alone",
    contract="after a shutdown that was called clean nothing that was sent is sent again; one that "
    "misses an answer, or its acknowledgement file, is not called clean",
    why="elastic/beats#32560: the last event was sent again at every restart with two segments",
    invariants=("I1", "I4"),
    requirements=("CON-3.4", "DEL-1.3", "ACK-5.1"),
    cases=cases,
    strikes=("shut-down", "broker-restart", "link half-open", "overwrite EIO"),
)
