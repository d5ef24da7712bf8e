"""The first file, or its first record, is cut, rotten or empty: nothing gives a highest number."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.damage import records_touched
from fault_injection.log_steps import Acknowledge, Append, Check, Close, Damage, Kill, Open
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import LIFE_AFTER, files, log_plan, segments_of

SIZES = (0, 1, 127, 128, 4095, 4096, 4224, 8191, 8192, 8193, 8250)


def cases(effort: Effort) -> Iterator[Case]:
    """The oldest of one to three files: cut to a size, its header or its first record garbage."""
    for count in (1, 2, 3):
        for settled in (0, 1):
            for ending in (Close(), Kill()):
                plan = log_plan(
                    "corrupt-first-file", *files(count), Acknowledge(settled), ending,
                    seed=effort.seed,
                )  # fmt: skip
                _, content, places = segments_of(plan)[0]
                after = (Open(), Check("said-once"), *LIFE_AFTER)
                for size in SIZES:
                    lost = records_touched(content, size, len(content))
                    # Of a lone file that has no header nothing tells what it was; after a kill
                    # nothing tells how long it was.
                    if count == 1 and (size < 128 or (isinstance(ending, Kill) and lost > 1)):
                        continue
                    cut = Damage("cut", amount=len(content) - size, lost_max=lost)
                    yield Case(plan.then(cut, *after))
                headers = [Damage("garbage", place=at, amount=128) for at in (0, 4096)]
                # A lone file whose headers are gone leaves nothing that carries the log's identity.
                if count > 1:
                    whole = Damage("garbage", amount=8192, lost_max=len(places))
                    yield Case(plan.then(whole, *after, Open(), Append(1)))
                yield from (Case(plan.then(each, *after)) for each in headers)
                for kind in ("zeros", "garbage"):
                    first = Damage(kind, record=0, amount=places[0][1], lost_max=1)
                    yield Case(plan.then(first, *after))


SCENARIO = Scenario(
    name="corrupt-first-file",
    number=30,
    title="the first file or its first record is unusable",
    when="the log is not running",
    effect="the oldest file is empty, cut, without a header, or its first record is garbage",
    contract="the file is not taken for an empty one: what it held is reported lost, numbers go on "
    "above, and no other file is deleted for it. Stated limit: if the only file has lost both "
    "headers, the log's identity is gone, and another log begins; how long a file was is known "
    "after a good end only",
    why="Upstream's shipped WAL takes a file that yields no number for an empty one and deletes it "
    "(W4), and starts again at 1 (W11)",
    invariants=("I1", "I6", "I7", "I12"),
    requirements=("REC-5.2", "REC-4.1", "REC-6.1", "FMT-4.2", "WAL-1.2", "REP-1.2"),
    cases=cases,
    strikes=("damage cut", "damage garbage", "damage zeros"),
)
