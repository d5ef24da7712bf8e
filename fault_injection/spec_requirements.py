"""SPEC.md as data: each requirement's ID, level and text. Read wherever the kit runs from.

Spec: SCN-2.1.
"""

from __future__ import annotations

import hashlib
import importlib.resources
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

HASH_NAME: Final = "vectors.sha256"
"""In the kit's single file, where the vectors are not."""
_REQUIREMENT: Final = re.compile(
    r"^\*\*([A-Z]+-\d+\.\d+)\*\* \((MUST|SHOULD)\) (.*?)(?=\n\n|\n\||\n```|\Z)",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Requirement:
    """One requirement of SPEC.md."""

    id: str
    level: str
    text: str
    """In one line."""


@cache
def requirements() -> dict[str, Requirement]:
    """Return ID to requirement, in the order of the text."""
    text = importlib.resources.files("reference").joinpath("SPEC.md").read_text("utf-8")
    return {
        name: Requirement(name, level, " ".join(words.split()))
        for name, level, words in _REQUIREMENT.findall(text)
    }


def vectors_hash() -> str:
    """Return the first 16 digits of the SHA-256 over the vectors; empty if there are none."""
    written = importlib.resources.files("fault_injection").joinpath(HASH_NAME)
    if written.is_file():
        return written.read_text("utf-8")
    directory = Path(__file__).parents[1] / "tests" / "vectors"
    digest = hashlib.sha256()
    paths = sorted(directory.glob("*.json")) if directory.is_dir() else []
    for path in paths:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16] if paths else ""
