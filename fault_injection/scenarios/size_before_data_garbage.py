"""Files are as long as they should be, and show what was on those blocks before."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.cuts import SIZES_ONLY, picked_cuts
from fault_injection.log_steps import Check, Close, Damage, Kill, Open
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import LIFE_AFTER, disk_of, files, log_plan, segments_of, uses
from simulators.disk_image import PREVIOUS


def cases(effort: Effort) -> Iterator[Case]:
    """Bytes of no meaning, at every moment; and every sound record of the log, behind its end."""
    for steps in uses().values():
        plan = log_plan("size-before-data-garbage", *steps, seed=effort.seed)
        for filling in ("garbage", PREVIOUS):
            for cut in picked_cuts(disk_of(plan), SIZES_ONLY, filling=filling):
                yield Case(plan.then(cut, *LIFE_AFTER), twice=True)
    for ending in (Kill(), Close()):
        plan = log_plan("size-before-data-garbage", *files(3), ending, seed=effort.seed)
        for file, (_, _, places) in enumerate(segments_of(plan)):
            for record in range(len(places)):
                again = Damage("append", file=file, record=record)
                yield Case(plan.then(again, Open(), Check("said-once"), *LIFE_AFTER), twice=True)
                yield Case(plan.then(again, again, *LIFE_AFTER), twice=True)


SCENARIO = Scenario(
    name="size-before-data-garbage",
    number=8,
    title="sizes are durable before the bytes; old blocks show, a sound old record among them",
    when="the power fails after the filesystem has written a new size and before the bytes",
    effect="behind the last record there is what a deleted file had there, perhaps a whole record",
    contract="a record is one in its own place in its own file only; nothing is replayed twice, "
    "nothing that was returned is lost",
    why="pebble#580: a recycled file replayed old records; ext4 with data=writeback shows old "
    "blocks; trap T8",
    invariants=("I1", "I2", "I4", "I6"),
    requirements=("FMT-5.4", "REC-3.3", "REC-6.1", "REC-6.2"),
    cases=cases,
    strikes=("power-cut", "damage append"),
)
