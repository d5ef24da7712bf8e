"""What becomes of a system call, once it is known what it means, and who says it.

Spec: PRT-2.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from fault_injection.ports.ptrace import Registers


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a call."""

    is_carried: bool = True
    """The disk has done it, so no other thread may come in between."""
    result: int | None = None
    """What the kernel has to come to; None: no error."""
    error: int = 0
    """The process gets this, and the call is not made."""
    shorten_to: int | None = None
    """The kernel writes so many bytes only."""


PASS: Final = Verdict(is_carried=False)
"""It is none of the disk's business."""


class Watcher(Protocol):
    """Is asked before each call of a traced process."""

    def verdict(self, tid: int, registers: Registers) -> Verdict:
        """Say what becomes of the call. Raises TracerRefusal, PowerFailure."""

    def difference(self) -> str:
        """Say what of the directory is not as it has to be after a reply; empty if nothing."""
