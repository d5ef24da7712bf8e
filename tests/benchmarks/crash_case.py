"""Crash images a second and core: how fast the explorer tries what a power cut may leave.

An image is a directory that the weakest promises of a disk allow (posix-min: torn sectors, any
subset of what was not synced, sizes before data), byte for byte distinct; each is recovered by
the reference and judged by the oracle. Legal sets are what was tried to find them: two sets may
leave the same bytes. Processor time, one process.
"""

from __future__ import annotations

import logging
import time
from typing import Final

from fault_injection.cases import Case, Tally, execute
from fault_injection.subject import ReferenceLog
from fault_injection.workloads import (
    failed_sync_and_on,
    log_plan,
    rotate_and_delete,
    torn_write_and_on,
    two_lives,
)
from tests.benchmarks.results import CaseResult, Table, Target
from tests.benchmarks.settings import Settings

WORKLOADS: Final = (rotate_and_delete, two_lives, failed_sync_and_on, torn_write_and_on)
PROFILE: Final = "posix-min"
BUDGET: Final = 4096
IMAGES_A_SECOND: Final = 20_000


def run(settings: Settings) -> CaseResult:
    """Measure."""
    result = CaseResult(
        "crash",
        "Crash images",
        f"The four named workloads under {PROFILE}, up to {BUDGET:,} legal sets a moment, each "
        "image recovered and judged; another seed each round.",
    )
    table = Table("A second of one processor", "1/s")
    for number in settings.each_round("crash"):
        total, seconds = _round(settings, number)
        table.add("explorer", "distinct images", total.distinct / seconds)
        table.add("explorer", "legal sets", total.explored / seconds)
    result.tables = [table]
    images = table.values("explorer", "distinct images")
    result.targets = [Target("distinct crash images a second and core", IMAGES_A_SECOND, images)]
    return result


def _round(settings: Settings, seed: int) -> tuple[Tally, float]:
    """Return what was looked at, and the seconds of the processor that it took."""
    total = Tally()
    logging.disable(logging.ERROR)  # recovery warns of every torn tail, and there are thousands
    try:
        began = time.process_time()
        for workload in WORKLOADS:
            plan = log_plan("bench", *workload(), profile=PROFILE, seed=seed)
            done = execute(Case(plan, settings.scaled(BUDGET)), ReferenceLog())
            assert done.broken is None, done.broken
            total.add(done.tally)
        return total, time.process_time() - began
    finally:
        logging.disable(logging.NOTSET)
