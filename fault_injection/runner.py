"""Runs scenarios on as many processors as there are, and gathers what they came to.

Theory of operation. The unit of work is a *slice* of a scenario: every n-th of its cases.
Workers are fresh processes that make the plans themselves, from the scenario's name, so
nothing but names and numbers is sent to them. A slice ends at its first failure, which it
shrinks; the other slices of the same scenario go on, and of failures of one invariant the one
with the smallest plan is reported.

What was tried does not depend on the number of workers, nor on how fast they are: budgets
are numbers of cases and states, never of seconds. Ctrl-C keeps what has come in.

Spec: SCN-2.3.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from typing import Final

from fault_injection.cases import Case, Tally, execute
from fault_injection.errors import PlanError
from fault_injection.ports.errors import AdapterError, Skipped, Unsupported
from fault_injection.ports.opening import opened_subject, port_cases
from fault_injection.recovering import place_of
from fault_injection.result import Failure, ScenarioResult, Status
from fault_injection.scenario import Effort
from fault_injection.scenarios import find
from fault_injection.shrink import ATTEMPTS_MAX, Shrunk, shrink
from fault_injection.subject import DEFECTS, Unreadable
from fault_injection.workers import in_workers

SLICES: Final = 4
"""Of a scenario: the parts of many scenarios spread evenly over any number of processors."""
PORT_ATTEMPTS_MAX: Final = 40
"""Of shrinking: each starts processes, and takes a good part of a second."""
NOT_A_LOG: Final = "its plans are on a connector inside one process; see `port connector`"
Explain = Callable[[Shrunk], Failure]


@dataclass(frozen=True, slots=True)
class Slice:
    """Every `of`-th case of a scenario, from `index`."""

    scenario: str
    index: int
    of: int
    effort: Effort
    port: tuple[str, ...] = ()
    """The command of a port's adapter; empty: the reference."""


@dataclass(slots=True)
class SliceResult:
    """What a slice came to."""

    slice: Slice
    tally: Tally = field(default_factory=Tally)
    seconds: float = 0.0
    """Of processor time."""
    shrunk: Shrunk | None = None
    error: str = ""
    """The scenario itself went wrong: an exception, with its place."""
    not_run: str = ""
    """Why this part was not tried: of a port that cannot do it, or says that it is broken."""


def run_slice(piece: Slice) -> SliceResult:
    """Try the cases of the slice, up to the first failure."""
    result = SliceResult(piece)
    began = time.process_time()
    try:
        cases = _cases(piece)
        if not cases:
            return result  # nothing to start a process for
        with opened_subject(piece.port) as subject:
            for case in cases:
                found = execute(case, subject)
                result.tally.add(found.tally)
                if found.broken is not None:
                    limit = PORT_ATTEMPTS_MAX if piece.port else ATTEMPTS_MAX
                    result.shrunk = shrink(case, found, subject, limit)
                    break
    except PlanError as error:
        result.error = f"a plan is wrong: {error}"
    except (Unsupported, Skipped) as error:
        result.not_run = str(error)
    except AdapterError as error:
        result.error = f"{error.status}: {error}"
    except (*DEFECTS, Unreadable) as error:
        result.error = f"the kit gives up: {place_of(error)}"
    result.seconds = time.process_time() - began
    return result


def _cases(piece: Slice) -> list[Case]:
    """Return the cases of the slice; of a port's, which take longer, fewer."""
    scenario = find(piece.scenario)
    every: Iterable[Case] = scenario.cases(piece.effort)
    if piece.port:
        every = port_cases(list(every), piece.effort, scenario)
    return [case for number, case in enumerate(every) if number % piece.of == piece.index]


# ---- Many slices ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Selection:
    """What to run, and how."""

    scenarios: tuple[str, ...]
    effort: Effort
    jobs: int = 1
    port: tuple[str, ...] = ()
    stop_early: bool = False
    """End with the first failure."""


Gathered = dict[str, list[SliceResult]]
"""What came in, by scenario."""
Progress = Callable[[int, int, Tally], None]
"""Told after each slice: how many of how many are done, and everything looked at so far."""


def run_slices(selection: Selection, progress: Progress) -> Gathered:
    """Run everything selected; return what came in, also after Ctrl-C."""
    pieces = [
        Slice(name, index, SLICES, selection.effort, selection.port)
        for name in selection.scenarios
        for index in range(SLICES)
    ]
    gathered: Gathered = {name: [] for name in selection.scenarios}
    total = Tally()
    results = (
        _in_this_process(pieces)
        if selection.jobs == 1
        else in_workers(run_slice, pieces, selection.jobs)
    )
    try:
        for count, result in enumerate(results, 1):
            gathered[result.slice.scenario].append(result)
            total.add(result.tally)
            progress(count, len(pieces), total)
            if selection.stop_early and (result.shrunk or result.error):
                return gathered
    except (KeyboardInterrupt, BrokenProcessPool):  # a worker may hear of Ctrl-C first
        return gathered
    finally:
        results.close()
    return gathered


def _in_this_process(pieces: Sequence[Slice]) -> Generator[SliceResult, None, None]:
    for piece in pieces:
        yield run_slice(piece)


# ---- What it came to --------------------------------------------------------


def scenario_result(name: str, slices: Sequence[SliceResult], explain: Explain) -> ScenarioResult:
    """Return what the slices of a scenario came to."""
    scenario = find(name)
    result = ScenarioResult(
        scenario.id, scenario.title, Status.PASSED, "", scenario.requirements,
        scenario.invariants, when=scenario.when, contract=scenario.contract, why=scenario.why,
    )  # fmt: skip
    for each in slices:
        result.tally.add(each.tally)
        result.seconds += each.seconds
    shrunk = [each.shrunk for each in slices if each.shrunk is not None]
    smallest: dict[str, Shrunk] = {}
    for found in sorted(shrunk, key=lambda found: len(found.plan.steps)):
        smallest.setdefault(found.broken.invariant, found)
    result.failures = [explain(found) for found in smallest.values()]
    errors = sorted({each.error for each in slices if each.error})
    not_run = sorted({each.not_run for each in slices if each.not_run})
    is_port = any(each.slice.port for each in slices)
    idle = [fault for fault in scenario.strikes if not result.tally.fired[fault]]
    if smallest:
        result.status = Status.FAILED
        result.reason = str(next(iter(smallest.values())).broken)
    elif errors:
        result.status, result.reason = Status.ERROR, errors[0]
    elif len(slices) < SLICES:
        result.status = Status.PARTIAL if slices else Status.NOT_RUN
        result.reason = f"stopped after {len(slices)} of {SLICES} parts"
    elif not_run:
        result.status, result.reason = Status.NOT_RUN, not_run[0]
    elif is_port and not result.tally.cases:
        result.status, result.reason = Status.NOT_RUN, NOT_A_LOG
    elif is_port and idle:
        result.status = Status.NOT_RUN
        result.reason = f"never struck on this port: {', '.join(idle)}"
    elif idle:
        result.status = Status.ERROR
        result.reason = f"never struck: {', '.join(idle)}; this run shows nothing"
    return result
