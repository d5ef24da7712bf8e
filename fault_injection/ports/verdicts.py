"""What becomes of a system call, once it is known what it means. Spec: PRT-2.1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


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
