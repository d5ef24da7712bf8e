"""A rotation has left an empty file, or part of a header."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.log_steps import Acknowledge, Append, Check, Close, Damage, Fault, Kill, Open
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import LIFE_AFTER, files, log_plan, segments_of
from reference.segment_header import segment_name

SIZES = (0, 1, 128, 4096, 8191, 8192, 8300)


def cases(effort: Effort) -> Iterator[Case]:
    """One to three leftovers behind the newest file, as sizes that a crash leaves."""
    for ending in (Kill(), Close()):
        for settled in (0, 2):
            plan = log_plan(
                "interrupted-rotation", *files(2), Acknowledge(settled), ending, seed=effort.seed
            )
            newest = int(segments_of(plan)[-1][0][9:-4])
            for size in SIZES:
                for count in (1, 2, 3):
                    left = [
                        Damage("leftover", name=segment_name(newest + more), amount=size)
                        for more in range(1, count + 1)
                    ]
                    opened = plan.then(*left, Open(), Check("said-once"))
                    yield Case(opened.then(*LIFE_AFTER), twice=True)
                    yield Case(opened.then(Append(2), Append(2), Kill(), *LIFE_AFTER))
                    stuck = plan.then(*left, Fault("unlink", "EIO", times=0), Open(), Append(2))
                    yield Case(stuck.then(Append(2), Kill(), *LIFE_AFTER))
                    # And with a torn tail in the file before it, which is the newest.
                    torn = Damage("cut", file=-1, amount=9, lost_max=1)
                    yield Case(plan.then(torn, *left, Open(), Append(1), Kill(), *LIFE_AFTER))


SCENARIO = Scenario(
    name="interrupted-rotation",
    number=48,
    title="leftovers of a rotation behind the newest file",
    when="the process was killed, or had no room, between creating a file and writing its header",
    effect="one to three files of no record, whose header does not verify; perhaps they cannot be "
    "removed",
    contract="they are removed or skipped and never need an rm; the file before them is the "
    "newest for every rule, a torn tail included",
    why="Trap T9: exclusive create answers EEXIST for ever; nats#6600: the empty last file was "
    "all that knew the numbers",
    invariants=("I1", "I5", "I6", "I7", "I10"),
    requirements=("REC-5.2", "REC-1.1", "WAL-3.1", "REC-6.1"),
    cases=cases,
    strikes=("damage leftover", "damage cut", "unlink EIO"),
)
