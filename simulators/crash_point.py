"""A moment at which the power may fail: what is on the medium for sure, and what is pending.

crash_filesystem.py records such moments; crash_states.py says what a cut then leaves.

Spec: SIM-2.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from simulators.disk_image import Holes
from simulators.persistence import Operation


@dataclass(frozen=True, slots=True)
class CrashPoint:
    """A moment at which the power may fail."""

    step: str
    """The call that was about to return."""
    names: Mapping[str, int]
    """Durable: name to inode."""
    contents: Mapping[int, bytes]
    """Durable: inode to content."""
    pending: tuple[Operation, ...]
    mark: int
    """How many marks were set before."""
    previous: Mapping[int, bytes] = field(default_factory=dict)
    """What earlier files left on the blocks of an inode."""
    holes: Mapping[int, Holes] = field(default_factory=dict)
    """Durable: which stretches of an inode were never written."""
