"""First contact: each operation's answer is looked at, and the wrong one is pointed at."""

from __future__ import annotations

from itertools import islice

import pytest

from fault_injection.ports.smoke import SmokeStep, smoke
from tests.in_process_adapter import InProcessAdapter, Reply

STEPS_BEFORE_BYE = 13


def wrong(adapter: InProcessAdapter) -> list[SmokeStep]:
    """What was not as expected, up to `bye`: here no process ends."""
    return [step for step in islice(smoke(adapter), STEPS_BEFORE_BYE) if not step.is_good]


@pytest.mark.req("PRT-1.2")
@pytest.mark.parametrize(
    ("op", "field", "value"),
    [
        ("decode", "json", {"name": "p2"}), ("encode", "event", "00"), ("append", "sequence", "2"),
        ("append_batch", "sequences", ["1", "2"]), ("replay", "entries", []),
        ("status", "next_sequence", "3"), ("close", "clean", False), ("recover", "entries", []),
    ],
)  # fmt: skip
def test_a_wrong_answer_is_pointed_at(op: str, field: str, value: object) -> None:
    def change(asked: str, reply: Reply) -> None:
        if asked == op:
            reply["ok"][field] = value

    assert wrong(InProcessAdapter(change))[0].op == op
    assert wrong(InProcessAdapter()) == []
