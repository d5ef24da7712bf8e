"""A failed append is cut back to just the length at which the file was closed."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.log_steps import Append, Close, Fault, Heal, Kill, Open
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import log_plan, segments_of
from simulators.previous_content import BLOCK_BYTES


def cases(effort: Effort) -> Iterator[Case]:
    """The file ends at a block's end, so that the cut frees what was written behind it."""
    record_bytes = segments_of(log_plan("cut-back-to-clean", Open(), Append(1)))[0][2][0][1]
    for records in (1, 2):
        padding = BLOCK_BYTES - record_bytes * records
        begin = [Open(), Append(1, padding), *[Append(1)] * (records - 1), Close(), Open()]
        for short in (record_bytes, record_bytes + 40):
            plan = log_plan(
                "cut-back-to-clean", *begin, Fault("append", suffix=".wal", short=short),
                Fault("append", "ENOSPC", at=2, suffix=".wal"), Append(2), Kill(), Heal(), Open(),
                Append(1), seed=effort.seed, rotation_bytes=1 << 15,
            )  # fmt: skip
            yield Case(plan, budget=effort.budget(32, 4096))


SCENARIO = Scenario(
    name="cut-back-to-clean",
    number=94,
    title="a failed append is cut back to the clean length",
    when="a log that was closed in good order is opened, its first append fails and is cut away, "
    "the process is killed; the next one appends, and the power fails",
    effect="the file is as long as its clean mark says, and a size that is on the medium before "
    "its bytes shows the rejected record on its old block",
    contract="the mark is withdrawn durably before the file grows: no offset is written twice, "
    "and what was rejected stays so",
    why="Trap T8: same file, salt, offset and number: the old record verifies",
    invariants=("I1", "I2", "I11"),
    requirements=("REC-7.2", "WAL-4.3", "ACK-4.1"),
    cases=cases,
    strikes=("append short", "append ENOSPC", "kill", "power-cut"),
)
