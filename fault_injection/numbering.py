"""Which number an open log gives next, and when it may give none: WAL-1.2 and WAL-4.3, as checks.

Numbers are passed over only if they are burned, which an indefinite failure does: what comes
after one is not known until the log is opened again. A definite one takes no number. After a
failed sync of an append there is no next number before the log is opened again.

Spec: SCN-1.3.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass

from fault_injection.invariants import Broken
from fault_injection.subject import Appended


@dataclass(slots=True)
class Numbering:
    """One process of a log."""

    next_sequence: int = 0
    """0: not known."""
    has_failed: bool = False
    """A sync of an append failed."""

    def appended(
        self, found: Appended, returned: Container[int], struck: Sequence[str]
    ) -> Broken | None:
        """Take what an append came to, what was returned before, and what struck meanwhile.

        Return what is broken.
        """
        broken = self._given(found.sequences, returned) if found.sequences else None
        if found.failure == "indefinite":
            self.next_sequence = 0
            # If a write failed too, the sync may be that of cutting it back: numbers are burned.
            if struck and all(each.startswith("sync ") for each in struck):
                self.has_failed = True
        return broken

    def _given(self, sequences: Sequence[int], returned: Container[int]) -> Broken | None:
        first, expected = sequences[0], self.next_sequence or sequences[0]
        self.next_sequence = sequences[-1] + 1
        if again := [each for each in sequences if each in returned]:
            return Broken("I6", f"{again[0]} was given to a second event", again[0])
        if self.has_failed:
            return Broken(
                "I11", f"a sync failed, and {first} was given before the log was opened again",
                first,
            )  # fmt: skip
        if list(sequences) != list(range(expected, expected + len(sequences))):
            given = ", ".join(map(str, sequences))
            return Broken("I6", f"{expected} is the next number, and {given} was given", first)
        return None
