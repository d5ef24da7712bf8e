"""Mutants: the mistakes that the scenarios and the tests have to find.

    install("sync-tried-again")            before anything of `reference` is imported
    PROCMOND_MUTANT=sync-tried-again pytest tests/test_x.py

Each removes or alters one step that a promise depends on, and is named for what an engineer
would do. The naive rule of each trap T1 to T20 is among them. A check that finds none of
them checks nothing; one that every check misses is a hole in the kit.

Importing this imports nothing of `reference` or `simulators`. The kill matrix, which does, is
in matrix.py. Spec: SCN-3.1.
"""

from __future__ import annotations

import difflib
import os
from functools import cache

from fault_injection.errors import UnknownMutant
from fault_injection.mutants import (
    backpressure,
    buffering,
    deleting,
    directories,
    durability,
    failed_writes,
    frames,
    letters,
    link,
    recovery,
    sessions,
    surveying,
)
from fault_injection.mutants.applying import ENVIRONMENT, switch_on
from fault_injection.mutants.mutant import Mutant, Patch

_TOPICS = (
    durability, failed_writes, frames, recovery, directories, surveying, deleting, letters, link,
    sessions, buffering, backpressure,
)  # fmt: skip


@cache
def mutants() -> dict[str, Mutant]:
    """Return name to mutant, topic by topic."""
    found = [mutant for topic in _TOPICS for mutant in topic.MUTANTS]
    names = {mutant.name: mutant for mutant in found}
    assert len(names) == len(found), "a name twice"
    return names


def find(name: str) -> Mutant:
    """Return the mutant. Raises UnknownMutant."""
    if name in mutants():
        return mutants()[name]
    raise UnknownMutant(name, difflib.get_close_matches(name, mutants(), n=3))


def install(name: str) -> None:
    """Switch the mutant on for this process. Raises UnknownMutant, UsageError."""
    switch_on(find(name))


def install_from_environment() -> None:
    """Switch on what PROCMOND_MUTANT names, if it names anything."""
    if name := os.environ.get(ENVIRONMENT, ""):
        install(name)


__all__ = ["Mutant", "Patch", "find", "install", "install_from_environment", "mutants"]
