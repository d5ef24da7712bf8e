"""Vectors of the backpressure level: widths and roundings that go wrong, and what holds it on.

The thresholds of common limits are in backpressure_values.py.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from tests.vectors.document import Json, Vector

ON, OFF = "triggered", "released"


class Step(NamedTuple):
    """What the connector sees, and the level that must follow."""

    used_bytes: int
    level: str
    spilled: bool = False
    blocked: bool = False


def vectors() -> Iterator[Vector]:
    yield from _both_thresholds()
    yield from _widths()
    yield from _paths()
    yield from _held_on()


def _vector(
    id: str, requirements: str, flags: str, comment: str, limit: int, *steps: Step
) -> Vector:
    rows: list[Json] = [
        {"used_bytes": str(step.used_bytes), "spilled": step.spilled, "blocked": step.blocked}
        for step in steps
    ]
    return Vector(
        f"bpr-{id}", requirements.split(), flags.split(), comment,
        {"limit_bytes": str(limit), "steps": rows}, {"levels": [step.level for step in steps]},
    )  # fmt: skip


def _around_both(limit: int, on: int, off: int) -> tuple[Step, ...]:
    """One byte on either side of both; `on` and `off` are asserted, not computed."""
    assert 10 * (on - 1) < 7 * limit <= 10 * on
    assert 10 * off <= 5 * limit < 10 * (off + 1)
    return Step(on - 1, OFF), Step(on, ON), Step(off + 1, ON), Step(off, OFF)


def _both_thresholds() -> Iterator[Vector]:
    for limit, on, off in ((2, 2, 1), (10, 7, 5), (11, 8, 5), (2**40, 769_658_139_444, 2**39)):
        yield _vector(
            f"limit-{limit}", "BPR-1.1", "backpressure",
            f"70 % of {limit} is {7 * limit / 10:.1f}, 50 % is {limit / 2:.1f}.",
            limit, *_around_both(limit, on, off),
        )  # fmt: skip


def _f32(value: float) -> float:
    """Return the nearest number of 32 bits."""
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


def _widths() -> Iterator[Vector]:
    limit, on = 30_000_010, 21_000_007
    early = _f32(_f32(limit) * _f32(0.7))
    assert _f32(on - 1) >= early, "in f32 it triggers a byte early"
    yield _vector(
        "f32", "BPR-1.1", "backpressure extreme",
        "Above 2^24 not every number of bytes is an f32: there one byte less triggers, too.",
        limit, *_around_both(limit, on, 15_000_005),
    )  # fmt: skip
    limit, used = 700_000_000, 100_000_000
    assert 10 * used < 2**32 < 7 * limit
    assert 10 * used > 7 * limit % 2**32, "in u32 14 % would trigger"
    yield _vector(
        "u32", "BPR-1.1", "backpressure extreme",
        "Seven times the limit needs more than 32 bits; cut to 32 it is below ten times 14 %.",
        limit, Step(used, OFF), Step(490_000_000, ON), Step(350_000_001, ON), Step(used, OFF),
    )  # fmt: skip
    limit = 214_748_365
    assert 10 * limit > 2**31 > 10 * (limit - 1)
    yield _vector(
        "i32", "BPR-1.1", "backpressure extreme",
        "A full buffer times ten is negative in 32 bits with a sign.", limit,
        Step(limit - 1, ON), Step(limit, ON), Step(0, OFF), Step(limit, ON),
    )  # fmt: skip


def _paths() -> Iterator[Vector]:
    flags = "backpressure hysteresis"
    yield _vector(
        "between-keeps-both", "BPR-1.1", flags,
        "60 % is both: released on the way up, triggered on the way down.",
        100, Step(60, OFF), Step(70, ON), Step(60, ON), Step(50, OFF), Step(60, OFF), Step(70, ON),
    )  # fmt: skip
    yield _vector(
        "never-triggered", "BPR-1.1", flags,
        "Up to 69 % and down again: nothing is triggered, so nothing is released.",
        100, *(Step(used, OFF) for used in (0, 40, 60, 69, 60, 51, 50, 49, 0)),
    )  # fmt: skip
    yield _vector(
        "full-and-empty", "BPR-1.1", flags, "Each step passes both thresholds at once.",
        100, Step(100, ON), Step(0, OFF), Step(100, ON), Step(0, OFF),
    )  # fmt: skip


def _held_on() -> Iterator[Vector]:
    flags = "backpressure held-on"
    for word, is_spilled in (("spilled", True), ("blocked", False)):

        def held(used: int, is_spilled: bool = is_spilled) -> Step:
            return Step(used, ON, spilled=is_spilled, blocked=not is_spilled)

        yield _vector(
            f"{word}-after-a-trigger", "BPR-1.2", flags,
            f"Triggered at 80 %; {word} keeps it so down to 0 %, until that ends.",
            100, Step(80, ON), held(60), held(50), held(0), Step(0, OFF),
        )  # fmt: skip
        yield _vector(
            f"{word}-ends-above-50", "BPR-1.1 BPR-1.2", flags,
            f"{word} ends at 60 %: the trigger was its own, and 50 % releases it all the same.",
            100, held(60), Step(60, ON), Step(51, ON), Step(50, OFF),
        )  # fmt: skip
    yield _vector(
        "held-on-by-both", "BPR-1.2", flags, "It takes the end of both to release.",
        100, Step(0, ON, True, True), Step(0, ON, True, False), Step(0, ON, False, True),
        Step(0, OFF),
    )  # fmt: skip
    yield _vector(
        "held-on-above-70", "BPR-1.1 BPR-1.2", flags,
        "Spilled at 90 %: its end alone releases nothing.",
        100, Step(90, ON), Step(90, ON, True), Step(90, ON), Step(50, OFF),
    )  # fmt: skip
    yield _vector(
        "held-on-off-on", "BPR-1.2", flags, "With nothing used, the level is what holds it on.",
        100, Step(0, OFF), Step(0, ON, True), Step(0, OFF), Step(0, ON, False, True), Step(0, OFF),
    )  # fmt: skip
