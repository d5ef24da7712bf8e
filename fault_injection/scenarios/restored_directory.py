"""The log's directory is replaced by an older copy, and the broker knows more than the log."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.connector_steps import (
    BrokerFault,
    BrokerRestart,
    ExpectDelivered,
    Flow,
    Kill,
    Publish,
    Quiesce,
    Restore,
    ShutDown,
    Snapshot,
    Start,
    Wait,
)
from fault_injection.connector_workloads import connector_plan
from fault_injection.scenario import Effort, Scenario


def cases(effort: Effort) -> Iterator[Case]:
    """Copy at one moment, restore at a later one, and take new events before or after linking."""
    for first, later, new in itertools.product((1, 5), (1, 4, 12), (0, 1, 3, 30)):
        for offline in (False, True):
            for keeps in (True, False) if effort.is_deep else (True,):
                copied = (Start(), Publish(first), Flow(), ShutDown(), Snapshot(), Start())
                lost = (Publish(later), Flow(), Kill(), Restore(), BrokerRestart(keeps), Start())
                publish = (Publish(new),) if new else ()
                link = (*publish, Flow()) if offline else (Flow(), *publish, Flow())
                steps = (*copied, *lost, *link, Wait(2), ExpectDelivered(), Quiesce())
                yield Case(connector_plan("restored-directory", *steps, window=3))
    for amount in (4, 1_000_000, 2**62):
        # A broker that lies. (Of a number that the log has, nobody could know: that one settles.)
        lie = BrokerFault(f"welcome-ahead@1:{amount}")
        for steps in ((lie, Start(), Publish(3)), (Start(), Publish(3), Kill(), lie, Start())):
            told = (*steps, Wait(2), ExpectDelivered(), Quiesce())
            yield Case(connector_plan("restored-directory", *told))


SCENARIO = Scenario(
    name="restored-directory",
    number=70,
    title="a broker that is ahead of the log",
    when="a directory is restored from a backup, a machine rolled back, or a broker lies",
    effect="the broker has events under numbers that the log is going to give again",
    contract="its Welcome settles nothing; the log goes on under a new log_id, and every event "
    "that was taken since is delivered",
    why="Trap T2: numbers that the broker knows were skipped as delivered, new events with them",
    invariants=("I1", "I2", "I10"),
    requirements=("LNK-2.4", "WAL-7.1", "DEL-1.1"),
    cases=cases,
    strikes=("restore", "welcome-ahead"),
)
