"""There are files in the directory that are not the log's, or look as if they were."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.log_steps import Acknowledge, Append, Check, Close, Damage, Drain, Kill, Open
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import LIFE_AFTER, files, log_plan
from reference.segment_header import segment_name

STRANGERS = (
    "notes.txt", "procmond-1.wal", "procmond-000002.wal", "procmond-+0001.wal",
    "procmond-00003.WAL",
    "procmond-00001.wal.bak", "procmond.log", "core", "procmond-99999999999.wal", "procmond-.wal",
)  # fmt: skip
LEFTOVERS = ("procmond-00002.wal.new", "procmond-00009.wal.new", "procmond.ack.new")
"""What an interrupted recovery of the log's own has left."""
DIRECTORIES = ((3,), (9,), (3, 4), (4, 7))
"""Numbers whose names are taken by directories: the next ones, and ones far above."""


def cases(effort: Effort) -> Iterator[Case]:
    """All strangers at once; each leftover, empty and large, beside them."""
    strangers = [Damage("stranger", name=name) for name in STRANGERS]
    for ending in (Kill(), Close()):
        for settled in (0, 3):
            plan = log_plan(
                "strange-files", *files(2), Acknowledge(settled), ending, *strangers,
                seed=effort.seed,
            )  # fmt: skip
            used = (Open(), Append(2), Append(2), Check("untouched"), Acknowledge(9))
            last = (Check("untouched"), Kill(), Open(), Drain(), Open(), Check("untouched"))
            yield Case(plan.then(*used, *last), twice=True)
            for name in LEFTOVERS:
                for amount in (0, 100, 9000):
                    left = Damage("leftover", name=name, amount=amount)
                    yield Case(plan.then(left, *used, *last), twice=True)
            named = log_plan(
                "strange-files", *files(2), Acknowledge(settled), ending, seed=effort.seed
            )
            for numbers in DIRECTORIES:
                there = [Damage("directory", name=segment_name(each)) for each in numbers]
                on = named.then(*there, Open(), Append(2), Append(2), Append(1))
                yield Case(on.then(Kill(), Open(), Drain()))
                yield Case(on.then(Acknowledge(9), Close(), Open(), Append(1), Kill(), *LIFE_AFTER))


SCENARIO = Scenario(
    name="strange-files",
    number=62,
    title="files that are not the log's",
    when="the log is not running: somebody keeps files there, or recovery was interrupted",
    effect="names like those of segments, in other spellings; directories under such names; "
    "unfinished copies",
    contract="only canonical names are the log's: the rest stays as it is, byte for byte; "
    "unfinished copies go and are in no one's way",
    why="Upstream reads procmond-1.wal and deletes procmond-00001.wal for it (W20); "
    "fluent-bit#11387: the scanner met what it had set aside",
    invariants=("I1", "I5", "I6", "I10", "I12"),
    requirements=("FMT-3.2", "FMT-3.1", "REC-1.1"),
    cases=cases,
    strikes=("damage stranger", "damage leftover", "damage directory"),
)
