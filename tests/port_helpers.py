"""What tests of ports share: the reference's adapter, all vectors at once, a child that is gone."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from fault_injection.ports.adapter import Adapter
from fault_injection.ports.vectors import DIRECTORY, try_vectors

REFERENCE: Final = (sys.executable, "-m", "fault_injection.ports.reference_adapter")
"""The command of the reference behind the protocol."""


def asked_vectors(command: Sequence[str], directory: Path = DIRECTORY) -> tuple[list[str], int]:
    """Return the IDs of the vectors that apply and did not pass, and how many passed."""
    with Adapter(command) as adapter:
        results = list(try_vectors(adapter, directory))
    wrong = [each.id for each in results if each.status not in ("passed", "not-applicable")]
    return wrong, sum(each.status == "passed" for each in results)


def is_gone(pid: int) -> bool:
    """Whether nothing is done any more by the process, though init may not have buried it yet."""
    status = Path(f"/proc/{pid}/status")
    return not status.exists() or "State:\tZ" in status.read_text()
