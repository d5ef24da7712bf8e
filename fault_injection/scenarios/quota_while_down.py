"""The log reaches its quota while the broker is away; it drains and takes events again."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.connector_steps import (
    BrokerListens,
    BrokerStopsListening,
    ExpectDelivered,
    ExpectStored,
    Flow,
    Kill,
    PowerCut,
    Publish,
    Quiesce,
    Start,
    Wait,
)
from fault_injection.connector_workloads import connector_plan
from fault_injection.plan import Step
from fault_injection.scenario import Effort, Scenario
from reference.limits import FRAMES_OFFSET

NO_ROOM = (Publish(1), ExpectStored(0))


def cases(effort: Effort) -> Iterator[Case]:
    """Fill it to the last byte; the broker comes back; kill it while it is full, or not."""
    ends: tuple[tuple[Step, ...], ...] = ((), (Kill(), Start()), (PowerCut(), Start()))
    for files, padding in itertools.product((3, 4, 6), range(0, 300, effort.budget(60, 7))):
        for end in ends:
            full = (BrokerStopsListening(), Start(), *(Publish(5, padding) for _ in range(12)))
            back = (Flow(), *end, *NO_ROOM, BrokerListens(), Wait(40), ExpectDelivered())
            again = (Publish(1), ExpectStored(1), Flow(), Quiesce())
            yield Case(
                connector_plan(
                    "quota-while-down", *full, *back, *again, quota_bytes=files * FRAMES_OFFSET,
                    rotation_bytes=FRAMES_OFFSET + 400, quarantine_bytes_max=0,
                )
            )  # fmt: skip


SCENARIO = Scenario(
    name="quota-while-down",
    number=84,
    title="the log is full of what nobody takes",
    when="the broker is away for so long that the log reaches its quota",
    effect="a publish is rejected: definite, and none of its events is stored",
    contract="what was stored is delivered when the broker is back; that frees files, and "
    "publishing works again without a restart",
    why="opentelemetry-collector#7198: a full queue could not even remove what it had delivered",
    invariants=("I1", "I10", "I11"),
    requirements=("WAL-5.1", "CON-2.1", "DEL-1.4"),
    cases=cases,
    strikes=("connection refused", "kill", "power-cut"),
)
