"""Vectors that the reference does not fulfil: each a known defect of it, with the reason.

A vector says what SPEC.md says, so it is not bent. Such a vector is expected to fail, and
the tests fail when it no longer does: then its line here must go.
"""

from __future__ import annotations

from typing import Final

DISAGREEMENTS: Final[dict[str, str]] = {}
