"""One bit of a file's header rots; or both copies do."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.log_steps import Acknowledge, Append, Check, Close, Damage, Kill, Open
from fault_injection.scenario import Effort, Scenario
from fault_injection.workloads import LIFE_AFTER, files, log_plan
from reference.limits import HEADER_BYTES, SECOND_COPY_OFFSET


def cases(effort: Effort) -> Iterator[Case]:
    """Each bit of either copy; then pairs of them, in the first, a middle and the newest file."""
    for ending in (Close(), Kill()):
        plan = log_plan("rotten-segment-header", *files(3), ending, seed=effort.seed)
        for file in (0, 1, 2):
            for copy in (0, SECOND_COPY_OFFSET):
                for bit in range(0, 8 * HEADER_BYTES, effort.budget(29, 1)):
                    rot = Damage("flip", file=file, place=8 * copy + bit)
                    yield Case(plan.then(rot, Open(), Append(1), *LIFE_AFTER))
            for settled in (0, 1, 3):
                both = plan.with_steps(
                    *plan.steps[:-1], Acknowledge(settled), ending,
                    Damage("flip", file=-1, place=100, lost_max=2),
                    Damage("flip", file=-1, place=8 * SECOND_COPY_OFFSET + 300),
                )  # fmt: skip
                yield Case(both.then(Open(), Check("said-once"), *LIFE_AFTER), twice=True)
                yield Case(both.then(Open(), Kill(), Open(), Append(2), *LIFE_AFTER))


SCENARIO = Scenario(
    name="rotten-segment-header",
    number=45,
    title="bits of a segment's header flipped",
    when="the log is not running",
    effect="one copy of the header does not verify, or neither does",
    contract="one sound copy is enough and nothing is lost; without one the file's records are "
    "reported lost, the other files are whole, and numbers go on above what it may have held",
    why="Trap T7: salt and sync word are in the header only, and one bit would cost 80 MiB; "
    "fluent-bit#11847: one bad file, and nothing starts",
    invariants=("I1", "I5", "I6", "I7"),
    requirements=("FMT-4.2", "FMT-4.3", "REC-5.2", "REP-1.1", "REP-1.2"),
    cases=cases,
    strikes=("damage flip",),
)
