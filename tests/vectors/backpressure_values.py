"""Vectors of the backpressure level: what is used of which limit, and the level that follows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.vectors.document import Vector

MIB_10 = 10 * 2**20
ON, OFF = "triggered", "released"

Step = tuple[int, str]
"""Bytes used, and the level that follows."""


def vectors() -> Iterator[Vector]:
    # 70 % and 50 % of 10 MiB are whole bytes: 7340032 and 5242880.
    assert 7 * MIB_10 == 10 * 7340032
    assert MIB_10 == 2 * 5242880
    yield _levels("below-70", "One byte below 70 %.", MIB_10, [(7340031, OFF)])
    yield _levels("at-70", "At 70 %.", MIB_10, [(7340032, ON)])
    yield _levels("above-70", "One byte above 70 %.", MIB_10, [(7340033, ON)])
    yield _levels("above-50", "Still one byte above 50 %.", MIB_10, [(MIB_10, ON), (5242881, ON)])
    yield _levels("at-50", "At 50 %.", MIB_10, [(MIB_10, ON), (5242880, OFF)])
    yield _levels("below-50", "One byte below 50 %.", MIB_10, [(MIB_10, ON), (5242879, OFF)])
    for limit, on, off in ((1001, 701, 500), (7, 5, 3), (3, 3, 1), (1, 1, 0), (999, 700, 499)):
        # The first byte count that is 70 % or more, the last that is 50 % or less.
        assert 10 * (on - 1) < 7 * limit <= 10 * on
        assert 10 * off <= 5 * limit < 10 * (off + 1)
        yield _levels(
            f"limit-{limit}", "A limit that ten does not divide: no rounding either way.", limit,
            [(on - 1, OFF), (on, ON), (off + 1, ON), (off, OFF)],
        )  # fmt: skip
    yield _levels(
        "from-60-to-40", "Crossing 50 % downwards without a trigger before: nothing to release.",
        100, [(60, OFF), (40, OFF)],
    )  # fmt: skip
    yield _levels(
        "around-70", "Up and down around 70 %: one trigger, no chatter.", 100,
        [(72, ON), (60, ON), (71, ON), (69, ON), (70, ON)],
    )  # fmt: skip
    yield _levels(
        "around-50", "Up and down around 50 %: one release, no chatter.", 100,
        [(70, ON), (50, OFF), (51, OFF), (49, OFF), (69, OFF)],
    )  # fmt: skip
    yield _levels("beyond", "One event larger than the buffer.", 100, [(250, ON), (0, OFF)])
    for id, spilled, blocked in (("spilled", True, False), ("blocked", False, True)):
        yield Vector(
            f"bpr-{id}", ["BPR-1.2"], ["backpressure"],
            "Held on whatever is used; then released at once, because 50 % or less are used.",
            {
                "limit_bytes": "100",
                "steps": [
                    _step(0, spilled=spilled, blocked=blocked),
                    _step(40, spilled=spilled, blocked=blocked),
                    _step(40),
                    _step(60, spilled=spilled, blocked=blocked),
                    _step(60),
                    _step(50),
                ],
            },
            {"levels": [ON, ON, OFF, ON, ON, OFF]},
        )  # fmt: skip


def _step(used: int, *, spilled: bool = False, blocked: bool = False) -> dict[str, object]:
    return {"used_bytes": str(used), "spilled": spilled, "blocked": blocked}


def _levels(id: str, comment: str, limit: int, steps: Sequence[Step]) -> Vector:
    return Vector(
        f"bpr-{id}", ["BPR-1.1"], ["backpressure"], comment,
        {"limit_bytes": str(limit), "steps": [_step(used) for used, _ in steps]},
        {"levels": [level for _, level in steps]},
    )  # fmt: skip
