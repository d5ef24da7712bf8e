"""Rounds and turns: how two speeds are compared on a machine whose speed drifts.

    round 1   A B C  C A B  B A C  ...    short pieces, all contestants in turn,
    round 2   A B C  C A B  B A C  ...    in an order drawn anew each time, from a fixed seed

A fixed order would favour who follows a light neighbour: a disk's queue outlives a turn.

Disks and processors drift by more than the contestants differ. So within a round all take
turns piece by piece, and the drift hits all alike; a ratio is taken inside a round only; and
the median over the rounds is shown with the lowest and the highest.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Values = tuple[float, ...]
"""One number for each round."""


@dataclass(frozen=True, slots=True)
class Spread:
    """The middle of the rounds, and how far they lie apart."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Return the spread of at least one value."""
        return cls(statistics.median(values), min(values), max(values))


@dataclass(slots=True)
class Spent:
    """What the pieces of one contestant took in one round."""

    wall_s: float = 0.0
    thread_s: float = 0.0
    """Processor time of the calling thread alone: others' background work is not in it."""


def take_turns(contestants: Mapping[str, Callable[[int], object]], pieces: int) -> dict[str, Spent]:
    """Call every contestant with 0 to `pieces - 1`, in turns; return what each took."""
    spent = {name: Spent() for name in contestants}
    names = list(contestants)
    shuffle = random.Random(len(names)).shuffle
    for piece in range(pieces):
        shuffle(names)
        for name in names:
            action = contestants[name]
            processor, began = time.thread_time(), time.perf_counter()
            action(piece)
            ended = time.perf_counter()
            spent[name].wall_s += ended - began
            spent[name].thread_s += time.thread_time() - processor
    return spent


def ratios(ours: Values, theirs: Values) -> Values:
    """Return the quotient of each round."""
    return tuple(mine / other for mine, other in zip(ours, theirs, strict=True))
