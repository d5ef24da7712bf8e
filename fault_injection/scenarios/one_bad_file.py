"""One file of five is ruined, again and again."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.log_steps import Append, Check, Close, Damage, Drain, Kill, Open
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import files, log_plan, segments_of
from reference.limits import FRAMES_OFFSET


def cases(effort: Effort) -> Iterator[Case]:
    """Each file of five: its records, its header, all of it; room for one copy of the damage."""
    for ending in (Kill(), Close()):
        for copies in (0, 1, 64):
            plan = log_plan(
                "one-bad-file", *files(5), ending, seed=effort.seed, quarantine_files_max=copies,
                quarantine_bytes_max=500,
            )  # fmt: skip
            for file, (_, content, places) in enumerate(segments_of(plan)):
                lost = len(places)
                for start in (0, FRAMES_OFFSET):
                    ruin = Damage(
                        "garbage",
                        file=file,
                        place=start,
                        amount=len(content) - start,
                        lost_max=lost,
                    )
                    opened = plan.then(ruin, Open(), Check("bounded"), Append(1), ending, Open())
                    again = opened.then(
                        Damage("garbage", file=-1, place=-1, amount=200), Open(), Check("bounded"),
                        Close(), Open(), Check("bounded"),
                    )  # fmt: skip
                    yield Case(again.then(Drain()))


SCENARIO = Scenario(
    name="one-bad-file",
    number=66,
    title="one bad file of five",
    when="the log is not running",
    effect="a whole file, or all its records, are garbage; more damage follows",
    contract="the other four are replayed; what is kept of the damage stays within its bounds; "
    "every open succeeds",
    why="fluent-bit#11847, #5265, #2472: the agent does not start, or collects nothing, or 6000 "
    "bad files pile up; nats#7549",
    invariants=("I1", "I6", "I7", "I9", "I10"),
    requirements=("REC-1.1", "REC-5.2", "REC-8.1", "REP-1.2"),
    cases=cases,
    strikes=("damage garbage",),
)
