"""A write takes only some of the bytes."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.log_steps import Append, Drain, Fault, Kill, Open, PowerCut, Replay
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import each_call, log_plan, segments_of, uses
from reference.limits import FRAMES_OFFSET


def cases(effort: Effort) -> Iterator[Case]:
    """Every write, after each of its bytes (each third if in a hurry); writes that take nothing."""
    for steps in uses().values():
        plan = log_plan("short-write-every-op", *steps, seed=effort.seed)
        longest = max(length for _, _, places in segments_of(plan) for _, length in places)
        lengths = [*range(0, 2 * longest, effort.budget(17, 1)), 4096, FRAMES_OFFSET - 1]
        for at in each_call(plan, "append"):
            for short in lengths:
                written = plan.with_steps(Fault("append", at=at, short=short), *steps, Append(1))
                yield Case(written.then(Replay(), PowerCut(), Open(), Drain()))
            twice = Fault("append", at=at, times=3, short=7)
            yield Case(plan.with_steps(twice, *steps, Append(1), Kill(), Open(), Drain()))


SCENARIO = Scenario(
    name="short-write-every-op",
    number=24,
    title="a write takes only some of the bytes",
    when="the k-th write, for every k: of a record, a header block, a copy, a slot, a dead letter",
    effect="it returns a smaller number, once or three times in a row, or zero",
    contract="the rest is written behind it; a write that takes nothing is an error",
    why="POSIX: write may return less. raft-wal#32 trusted the count that it asked for",
    invariants=("I1", "I2", "I11"),
    requirements=("WAL-4.1", "WAL-1.1", "ERR-1.2"),
    cases=cases,
    strikes=("append short", "append nothing", "power-cut"),
)
