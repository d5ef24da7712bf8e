"""`explore`: every crash that a disk allows, of named workloads and of random ones.

    explore                      the named workloads under posix-min, exhaustively to the budget
    explore --profile btrfs      under another filesystem's promises
    explore --profile torn       where a write in flight may be cut at any byte
    explore --profile psow-off   where that damages synced bytes beside it: a promise is broken,
                                 as SPEC.md, section 16 says (`sync-loses-size` is the other)
    explore --deep               random plans too, to a million distinct crash images

An *image* is a directory that a power cut may leave, and one that a cut during recovery may
leave. Images are counted once for each plan, byte for byte. Plans write different events under
different salts, so what two have in common are the few directories without a header. What was
looked at does not depend on the number of processes. Spec: SCN-1.4, SIM-2.4.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final

from fault_injection.cases import Case, CaseResult, Tally, execute
from fault_injection.explaining import explain_failure
from fault_injection.mutants.applying import switched_on
from fault_injection.options import positive
from fault_injection.random_plans import random_log_plan
from fault_injection.reports.console import render_failure
from fault_injection.shrink import Shrunk, shrink
from fault_injection.subject import ReferenceLog
from fault_injection.workers import workers
from fault_injection.workloads import (
    failed_sync_and_on,
    log_plan,
    rotate_and_delete,
    torn_write_and_on,
    two_lives,
)
from simulators.persistence import DISKS

DEEP_IMAGES: Final = 1_000_000
NORMAL_BUDGET: Final = 4096
DEEP_BUDGET: Final = 32_768
NAME: Final = "explore"
_NAMED: Final = (rotate_and_delete, two_lives, failed_sync_and_on, torn_write_and_on)


@dataclass(frozen=True, slots=True)
class _Task:
    """A plan by its number: a worker makes it itself."""

    number: int
    profile: str
    seed: int
    budget: int
    depth: int


@dataclass(slots=True)
class _Done:
    task: _Task
    result: CaseResult
    shrunk: Shrunk | None
    seconds: float


def add_options(parser: argparse.ArgumentParser) -> None:
    """Tell the parser what this command takes."""
    parser.add_argument(
        "--profile", default="posix-min", choices=sorted(DISKS), help="default %(default)s"
    )
    parser.add_argument(
        "--budget", type=positive, metavar="N",
        help="legal sets looked at in one moment; beyond it a sample "
        f"(default {NORMAL_BUDGET:,}; --deep: {DEEP_BUDGET:,})",
    )  # fmt: skip
    parser.add_argument(
        "--exhaustive",
        action="store_true",
        help="no budget: every legal set of the named workloads",
    )
    parser.add_argument(
        "--depth", type=int, default=1, choices=(1, 2),
        help="2: the power fails during each recovery too",
    )  # fmt: skip
    parser.add_argument(
        "--images", type=positive, metavar="N",
        help=f"go on with random plans to so many distinct images (--deep: {DEEP_IMAGES:,})",
    )  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Explore; return 1 if something is broken, else 0."""
    chosen = options.budget or (DEEP_BUDGET if options.deep else NORMAL_BUDGET)
    target = options.images or (DEEP_IMAGES if options.deep else 0)
    budget = 1 << 40 if options.exhaustive else chosen
    tasks = (
        _Task(number, options.profile, options.seed, budget, options.depth)
        for number in itertools.count()
    )
    return _Show(target).all(_results(tasks, options.jobs, target))


def _results(tasks: Iterator[_Task], jobs: int, target: int) -> Iterator[_Done]:
    """Yield what each task came to, in the order of the tasks."""
    if not target:
        tasks = itertools.islice(tasks, len(_NAMED))
    if jobs == 1:
        yield from map(_explore, tasks)
        return
    with workers(jobs) as pool:
        waiting: deque[Future[_Done]] = deque()
        for task in tasks:
            waiting.append(pool.submit(_explore, task))
            if len(waiting) >= 2 * jobs:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _explore(task: _Task) -> _Done:
    if task.number < len(_NAMED):
        steps = _NAMED[task.number]()
        plan = log_plan(NAME, *steps, profile=task.profile, seed=task.seed)
    else:
        plan = random_log_plan(NAME, task.seed + task.number, task.profile)
    case = Case(plan, task.budget, task.depth)
    began = time.process_time()
    result = execute(case, ReferenceLog())
    seconds = time.process_time() - began
    shrunk = None if result.broken is None else shrink(case, result, ReferenceLog())
    return _Done(task, result, shrunk, seconds)


class _Show:
    """Adds up and shows."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._began = self._shown = time.monotonic()
        self._total = Tally()
        self._seconds = 0.0

    def all(self, results: Iterator[_Done]) -> int:
        """Show each result and the sum; return the exit code."""
        is_broken = False
        try:
            for done in results:
                self._add(done)
                if done.shrunk is not None:
                    failure = explain_failure(done.shrunk, None, switched_on())
                    print("\n".join(render_failure(failure, is_terminal=sys.stdout.isatty())))
                    is_broken = True
                    break
                if self._target and self._total.distinct >= self._target:
                    break
        except KeyboardInterrupt:
            print("stopped; until then:", file=sys.stderr)
            is_broken = True
        self._sum()
        return int(is_broken)

    def _add(self, done: _Done) -> None:
        tally = done.result.tally
        self._total.add(tally)
        self._seconds += done.seconds
        now = time.monotonic()
        if not self._target or now - self._shown > 5:
            self._shown = now
            print(
                f"plan {done.task.number}: {tally.moments:,} moments, explored "
                f"{_explored(tally)}, {tally.distinct:,} distinct images "
                f"({tally.nested:,} nested), {tally.equivalents:,} different answers; "
                f"{self._total.distinct:,} images in all",
                flush=True,
            )

    def _sum(self) -> None:
        total, seconds = self._total, self._seconds
        rates = [number / seconds if seconds else 0 for number in (total.explored, total.distinct)]
        share = 100 * total.explored / max(1, total.legal)
        print(
            f"{total.cases:,} plans, explored {_explored(total)} "
            f"({'at most ' * total.is_lower_bound}{share:.3g} %), "
            f"{total.distinct:,} distinct images\n"
            f"{seconds:.1f} s of processor time: {rates[0]:,.0f} legal sets and "
            f"{rates[1]:,.0f} distinct images a second and core; "
            f"{time.monotonic() - self._began:.1f} s on the clock"
        )


def _explored(tally: Tally) -> str:
    bound = "at least " * tally.is_lower_bound
    return f"{tally.explored:,} of {bound}{tally.legal:,} legal sets"
