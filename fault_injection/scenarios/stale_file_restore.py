"""One file of the directory is as it was some time ago."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.log_steps import (
    Acknowledge,
    Append,
    Check,
    Close,
    Damage,
    Kill,
    Open,
    Snapshot,
)
from fault_injection.plan import Step
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import LIFE_AFTER, image_of, log_plan
from reference.segment_header import segment_name

FIRST = segment_name(1)


def cases(effort: Effort) -> Iterator[Case]:
    """The newest file, one before it, the acknowledgement file; after a good end."""
    for before in (1, 2):
        for after in (1, 2, 3):
            steps: list[Step] = [Open(), Append(before), Snapshot(), *[Append(1)] * after]
            for settled in (0, 1, 2):
                used = [*steps, Acknowledge(settled), Close()]
                for limit in (8192 + 200, 1 << 15):
                    plan = log_plan(
                        "stale-file-restore", *used, seed=effort.seed, rotation_bytes=limit
                    )
                    if FIRST not in image_of(plan):
                        continue  # settled and deleted
                    # What the file has gained since is gone; a later file is not touched.
                    stale = Damage("stale", file=0, lost_max=after)
                    yield Case(plan.then(stale, Open(), Check("said-once"), *LIFE_AFTER))
    for ending in (Close(), Kill()):
        for settled in range(4):
            plan = log_plan(
                "stale-file-restore", Open(), Append(1), Acknowledge(1), Snapshot(), Append(2),
                Append(2), Acknowledge(settled), ending, Damage("stale", file=-2), Open(),
                Check("said-once"), seed=effort.seed,
            )  # fmt: skip
            yield Case(plan.then(*LIFE_AFTER), twice=True)


SCENARIO = Scenario(
    name="stale-file-restore",
    number=29,
    title="one file is an older copy of itself",
    when="the log is not running: somebody restores a file, or a disk returns an old block map",
    effect="records that were appended since are not in the file; or old acknowledgements count",
    contract="missing records are reported where the acknowledgement file or a later file tells; "
    "old acknowledgements cost repeats only; no number is given again. Stated limit: after a kill "
    "a file cut just between two records looks like a shorter one",
    why="go-diskqueue#28: metadata behind the data made the writer overwrite what was unread",
    invariants=("I2", "I6", "I7"),
    requirements=("ACK-3.1", "REC-6.1", "REC-4.1", "WAL-1.2", "REP-1.2", "ACK-1.2"),
    cases=cases,
    strikes=("damage stale",),
)
