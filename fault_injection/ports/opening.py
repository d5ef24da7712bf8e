"""The subject that a run is about: the reference, or a port with a tracer and a scratch place.

A port is tried with fewer cases and smaller budgets than the reference, because each of its
processes takes milliseconds to start: what was left out is counted in no tally, and the number
of cases is in the report. Spec: PRT-1.3.
"""

from __future__ import annotations

import random
import shlex
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from fault_injection.cases import Case
from fault_injection.errors import UsageError
from fault_injection.log_steps import Damage, Fault
from fault_injection.ports.adapter import Adapter, Hello
from fault_injection.ports.errors import AdapterError
from fault_injection.ports.port_log import PortLog
from fault_injection.scenario import Effort, Scenario
from fault_injection.subject import LogSubject, ReferenceLog

CASES_MAX: Final = 24
"""Of a scenario."""
DEEP_CASES_MAX: Final = 480
CASES_OF_EACH_FAULT: Final = 4
EXPLORING_CASES: Final = 4
BUDGET_MAX: Final = 30
DEEP_BUDGET_MAX: Final = 600


@contextmanager
def opened_subject(port: Sequence[str]) -> Iterator[LogSubject]:
    """Give the reference, or the port with this command."""
    if not port:
        yield ReferenceLog()
        return
    memory = Path("/dev/shm")
    place = memory if memory.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="procmond-port-", dir=place) as scratch:
        log = PortLog(port, Path(scratch))
        try:
            yield log
        finally:
            log.close()


def port_command(text: str | None) -> tuple[str, ...]:
    """Return the words of a port's command; none for the reference. Raises UsageError."""
    if text is None:
        return ()
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise UsageError(f"--port {text}: {error}") from error
    if not words:
        raise UsageError("--port: a command is needed")
    return words


def introduced(port: Sequence[str]) -> Hello:
    """Ask the port who it is. Raises UsageError if it does not say."""
    try:
        with Adapter(port) as adapter:
            return adapter.hello
    except AdapterError as error:
        raise UsageError(f"--port {shlex.join(port)}: {error.words}") from error


def port_cases(cases: Sequence[Case], effort: Effort, scenario: Scenario) -> list[Case]:
    """Return some of the scenario's cases on a log, with budgets for a port.

    They are drawn, always the same for one seed: first some for each fault that has to strike,
    then some that explore, since their cuts are at moments of the port and not at those that the
    reference had, then any. Every n-th would be of one kind only where the kinds take turns.
    """
    count = effort.budget(CASES_MAX, DEEP_CASES_MAX)
    budget = effort.budget(BUDGET_MAX, DEEP_BUDGET_MAX)
    order = [case for case in cases if case.plan.world == "log"]
    random.Random(f"{scenario.name} {effort.seed}").shuffle(order)
    drawn: dict[int, Case] = {}
    for fault in scenario.strikes:
        those = [index for index, case in enumerate(order) if fault in _faults(case)]
        drawn |= {index: order[index] for index in those[:CASES_OF_EACH_FAULT]}
    exploring = [index for index, case in enumerate(order) if case.budget]
    drawn |= {index: order[index] for index in exploring[:EXPLORING_CASES]}
    for index, case in enumerate(order):
        if len(drawn) < count:
            drawn.setdefault(index, case)
    return [replace(case, budget=min(case.budget, budget), depth=1) for case in drawn.values()]


def _faults(case: Case) -> set[str]:
    """The faults of its plan, by their words in a tally."""
    words = set()
    for step in case.plan.steps:
        if isinstance(step, Fault):
            how = step.error if step.short < 0 else "short" if step.short else "nothing"
            words.add(f"{step.call} {how}")
        elif isinstance(step, Damage):
            words.add(f"damage {step.kind}")
    return words
