"""Where a moment has more legal sets than the budget: the ones that tell most, then chance.

In this order, each kind thinned out evenly to its share of the budget:

    none, all
    groups      only the names, all but the names; the same for written bytes, for sizes, and
                for each file
    prefixes    in the order of issue: what a disk leaves that reorders nothing
    omit one    all but one operation and what needs it
    keep one    one operation and what it needs
    omit two    all but two; pairs are drawn if there are too many
    by chance   every part by itself, all its legal sets equally likely

"Only" and "all but" mean the largest legal set of that kind.

Spec: SIM-2.4.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from typing import Final

from simulators.legal_sets import LegalSets, bits
from simulators.persistence import Kind, Operation

GROUPS_SHARE: Final = 4
PREFIXES_SHARE: Final = 4
ONES_SHARE: Final = 8
PAIRS_SHARE: Final = 4
"""Each kind takes at most the budget divided by this; at least a quarter is left to chance
or, with few operations, more: the kinds have many sets in common, and each counts once."""
DRAWS_PER_SET: Final = 4
"""So often the dice may repeat themselves before the sample ends below the budget."""


def sample(
    legal: LegalSets, operations: Sequence[Operation], budget: int, seed: int
) -> Iterator[int]:
    """Yield different legal sets, at most `budget`. The same seed gives the same sets."""
    source = random.Random(seed)
    seen: set[int] = set()
    drawn = (_draw(legal, source) for _ in range(DRAWS_PER_SET * budget))
    for kept in itertools.chain(_telling(legal, operations, budget, source), drawn):
        if len(seen) >= budget:
            return
        if kept not in seen:
            seen.add(kept)
            yield kept


def _telling(
    legal: LegalSets, operations: Sequence[Operation], budget: int, source: random.Random
) -> Iterator[int]:
    count = len(operations)
    omit_one = legal.largest_without()
    keep_one = legal.smallest_with()
    yield 0
    yield legal.everything
    yield from _groups(legal, operations, omit_one, budget // GROUPS_SHARE)
    for length in _spread(count, budget // PREFIXES_SHARE):
        yield (1 << length) - 1  # a prefix in the order of issue is always legal
    for index in _spread(count, budget // ONES_SHARE):
        yield omit_one[index]
    for index in _spread(count, budget // ONES_SHARE):
        yield keep_one[index]
    for one, other in _pairs(count, budget // PAIRS_SHARE, source):
        yield omit_one[one] & omit_one[other]


def _groups(
    legal: LegalSets, operations: Sequence[Operation], omit_one: Sequence[int], most: int
) -> Iterator[int]:
    """Yield the sets that have only a group of operations, or all but that group."""
    groups: dict[object, int] = dict.fromkeys(("names", "bytes", "sizes"), 0)
    for index, operation in enumerate(operations):
        kind = {Kind.WRITE: "bytes", Kind.SIZE: "sizes"}.get(operation.kind, "names")
        groups[kind] |= 1 << index
        if kind != "names":
            groups[operation.inode] = groups.get(operation.inode, 0) | 1 << index
    masks = list(groups.values())
    for place in _spread(len(masks), most // 2):
        for unwanted in (masks[place], legal.everything & ~masks[place]):
            kept = legal.everything
            for index in bits(unwanted):
                kept &= omit_one[index]
            yield kept


def _pairs(count: int, most: int, source: random.Random) -> Iterator[tuple[int, int]]:
    if count * (count - 1) // 2 <= most:
        yield from itertools.combinations(range(count), 2)
    elif count > 1:
        for _ in range(most):
            one = source.randrange(count)
            yield one, (one + source.randrange(1, count)) % count


def _spread(count: int, most: int) -> Iterator[int]:
    """Yield indexes below `count`, all or `most` of them at even distances."""
    taken = min(count, most)
    for number in range(taken):
        yield number * count // taken


def _draw(legal: LegalSets, source: random.Random) -> int:
    """Return a legal set, each as likely as any other."""
    number, kept = source.randrange(legal.count), 0
    for part in legal.parts:  # one number with as many digits as there are parts
        number, digit = divmod(number, len(part.sets))
        kept |= part.sets[digit]
    return kept
