"""Options that more than one command takes, and how the kit is called: from where it runs.

Spec: SCN-2.3, SCN-2.4.
"""

from __future__ import annotations

import argparse
import os
import shlex
from pathlib import Path


def positive(text: str) -> int:
    """Return the number, for argparse. Raises ArgumentTypeError."""
    if not text.isdecimal() or not (number := int(text)):
        raise argparse.ArgumentTypeError(f"{text!r}: a whole number is needed, at least 1")
    return number


def add_jobs(parser: argparse.ArgumentParser) -> None:
    """Let the command be told how many processes it may use."""
    parser.add_argument(
        "--jobs", type=positive, default=os.cpu_count() or 1, metavar="N",
        help="processes (default: one for each processor)",
    )  # fmt: skip


def called_by(python: str = "python3") -> str:
    """Return the words that call this kit: its module, or its single file if it runs from that."""
    home = single_file()
    return shlex.join([python, "-m", "fault_injection"] if home is None else [python, str(home)])


def single_file() -> Path | None:
    """Return the file that the kit is in as a whole; None in a checkout (single_file.py)."""
    home = Path(__file__).parents[1]
    return home if home.is_file() else None
