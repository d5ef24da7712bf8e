"""Every requirement has a test, every test names requirements that exist.

The matrix is written to `.reports/traceability.md`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import COLLECTED_EVERYTHING, COLLECTED_REQUIREMENTS
from tests.spec_text import requirement_levels

REPORT = Path(__file__).parents[1] / ".reports" / "traceability.md"


@pytest.mark.req("ARC-1.1")
def test_every_id_on_a_test_is_in_the_spec() -> None:
    unknown = set(COLLECTED_REQUIREMENTS) - set(requirement_levels())
    assert not unknown


@pytest.mark.req("ARC-1.1")
def test_every_requirement_has_a_test() -> None:
    if not COLLECTED_EVERYTHING[0]:
        pytest.skip("only part of the tests was collected, so a gap would mean nothing")
    levels = requirement_levels()
    lines = ["| requirement | level | tests |", "|---|---|---|"]
    for requirement, level in levels.items():
        tests = sorted(COLLECTED_REQUIREMENTS.get(requirement, ()))
        lines.append(f"| {requirement} | {level} | {len(tests)}: {', '.join(tests)} |")
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text("\n".join(lines) + "\n")
    gaps = [each for each in levels if each not in COLLECTED_REQUIREMENTS]
    assert not gaps, "requirements without a test"
