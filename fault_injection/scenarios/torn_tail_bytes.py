"""The last record is cut short at each of its bytes."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.log_steps import Append, Check, Close, Damage, Drain, Kill, Open
from fault_injection.plan import Plan
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import files, log_plan, segments_of

STEP_BYTES = 3


def cases(effort: Effort) -> Iterator[Case]:
    """After a kill and after a good end; in a lone file and behind others."""
    for count in (1, 2):
        for ending in (Kill(), Close()):
            plan = log_plan("torn-tail-bytes", *files(count), ending, seed=effort.seed)
            # After a kill a cut just between two records looks like a shorter file: stated.
            whole = 1 if isinstance(ending, Close) else 0
            length = segments_of(plan)[-1][2][-1][1]
            for amount in range(1, length + whole, effort.budget(STEP_BYTES, 1)):
                yield Case(_torn(plan, amount), twice=True)


def _torn(plan: Plan, amount: int) -> Plan:
    return plan.then(
        Damage("cut", file=-1, amount=amount, lost_max=1), Open(), Append(2), Kill(), Open(),
        Check("said-once"), Close(), Open(), Check("said-once"), Drain(),
    )  # fmt: skip


SCENARIO = Scenario(
    name="torn-tail-bytes",
    number=4,
    title="the last record cut at each byte",
    when="the log is not running: a crash of a disk without powersafe writes, a copy cut short",
    effect="the newest file ends inside its last record",
    contract="that record may be gone and is reported, once; its number is not given again; what "
    "is appended afterwards is found",
    why="Upstream's shipped WAL goes on behind a torn record: everything later in the file was "
    "lost at 84 of 84 places (W5)",
    invariants=("I2", "I3", "I5", "I6", "I7"),
    requirements=("REC-6.1", "REC-6.2", "REC-9.1", "WAL-1.2", "REP-1.2", "ACK-3.1"),
    cases=cases,
    strikes=("damage cut",),
)
