"""What can be wrong with how the kit is used: a plan, a name, an option. Exit code 2.

Failures of what is under test are results (result.py), never exceptions.
"""

from __future__ import annotations


class UsageError(Exception):
    """The kit was asked for something that it cannot do. The message says what to do instead."""


class PlanError(UsageError):
    """A plan cannot be read, or asks for something that does not exist."""


class UnknownScenario(UsageError):
    """No scenario has this name."""

    def __init__(self, name: str, near: list[str]) -> None:
        hint = f"; did you mean {', '.join(near)}?" if near else "; `list` shows them all"
        super().__init__(f"no scenario is called {name!r}{hint}")


class UnknownMutant(UsageError):
    """No mutant has this name."""

    def __init__(self, name: str, near: list[str]) -> None:
        hint = f"; did you mean {', '.join(near)}?" if near else "; `mutants --list` shows them all"
        super().__init__(f"no mutant is called {name!r}{hint}")
