"""What a scenario is: a named thing that goes wrong, why it matters, and the cases that try it.

A scenario's file reads in one order: when it happens, what the fault does, what the contract
is, where it was seen, and the plans. `cases` yields the same plans every time it is asked
with the same depth and seed. Spec: SCN-1.1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from fault_injection.cases import Case


@dataclass(frozen=True, slots=True)
class Effort:
    """How much to try."""

    seed: int = 0
    is_deep: bool = False

    def budget(self, normal: int, deep: int) -> int:
        """Return the one or the other."""
        return deep if self.is_deep else normal


@dataclass(frozen=True, slots=True)
class Scenario:
    """One entry of the catalogue."""

    name: str
    number: int
    """Stable: never given to another."""
    title: str
    when: str
    effect: str
    contract: str
    why: str
    """The failure that really happened, or the trap, that it comes from."""
    invariants: tuple[str, ...]
    requirements: tuple[str, ...]
    cases: Callable[[Effort], Iterator[Case]]
    strikes: tuple[str, ...]
    """Faults, by their words in a tally, of which each has to have struck at least once."""

    @property
    def id(self) -> str:
        """How reports name it: S01-kill-every-call."""
        return f"S{self.number:02d}-{self.name}"
