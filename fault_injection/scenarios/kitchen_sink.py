"""Everything at once by chance: crashes, the disk, the link, the broker; then a quiet time."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.cases import Case
from fault_injection.drawn_plans import drawn_plan
from fault_injection.scenario import Effort, Scenario


def cases(effort: Effort) -> Iterator[Case]:
    """Draw plans from seeds; each has some kinds of fault and ends in peace."""
    first = effort.seed * 1_000_000
    for seed in range(first, first + effort.budget(500, 20_000)):
        yield Case(drawn_plan("kitchen-sink", seed))


SCENARIO = Scenario(
    name="kitchen-sink",
    number=42,
    title="crashes, disk, link and broker together",
    when="things go wrong while other things go wrong",
    effect="each history has a choice of all kinds of fault, at random places",
    contract="every promise holds after every step; in the end all is delivered, the log shrinks "
    "to one file, and backpressure is off",
    why="Antithesis and etcd's robustness tests found by chance what no list of cases had",
    invariants=("I1", "I2", "I3", "I4", "I6", "I8", "I9", "I10", "I11", "I12"),
    requirements=("DEL-1.1", "DEL-1.2", "DEL-1.3", "DEL-1.4", "BUF-1.1", "BPR-1.1", "WAL-1.2"),
    cases=cases,
    strikes=(
        "kill", "power-cut", "shut-down", "cut", "broker-restart", "link reset", "link half-open",
        "connection refused", "append short", "sync EIO", "refuse", "forget", "stall", "wall-clock",
    ),
)  # fmt: skip
