"""Measuring in a process of its own: memory, and what begins with an open."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]


def run_child(module: str, *arguments: str) -> dict[str, Any]:
    """Run `python -m MODULE ARGUMENTS`; return the JSON object that it prints."""
    command: Sequence[str] = (sys.executable, "-m", module, *arguments)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def answer(**values: object) -> None:
    """Print what the parent wants to know."""
    print(json.dumps(values), flush=True)


def peak_mib() -> float:
    """Return the most memory that this process had resident, in MiB.

    Not getrusage's ru_maxrss: that begins with the parent's peak.
    """
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no VmHWM in /proc/self/status")
