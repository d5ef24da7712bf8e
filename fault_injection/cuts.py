"""Power cuts as data: the directory that one leaves, and which cuts there are to try.

A cut is a moment and a bit mask over what was pending then. `cuts` lists them as steps, so
that a scenario can go on after each; it looks at a sample where there are many. `Picks` are
cuts with a meaning: sizes without bytes, names without files, one file without the others.

Spec: SCN-1.2, SCN-1.4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from fault_injection.errors import PlanError
from fault_injection.log_steps import PowerCut
from simulators.crash_filesystem import CrashFilesystem, CrashPoint
from simulators.crash_states import crash_states, state_at
from simulators.disk_image import FILLINGS, Image
from simulators.persistence import Kind, Operation, Profile, predecessors

Pick = Callable[[Operation], bool]
"""Which pending operations are wanted."""


def image_after(disk: CrashFilesystem, step: PowerCut) -> tuple[Image, int]:
    """Return the directory that the cut leaves, and what was kept, as a bit mask.

    Raises PlanError if the disk cannot be left so.
    """
    if not -len(disk.points) <= step.moment < len(disk.points):
        raise PlanError(f"moment {step.moment}: there were {len(disk.points)}")
    if step.filling not in FILLINGS:
        raise PlanError(f"filling {step.filling!r} is none of {sorted(FILLINGS)}")
    point = disk.points[step.moment]
    everything = (1 << len(point.pending)) - 1
    words = {"none": 0, "all": everything}
    try:
        kept = words[step.kept] if step.kept in words else int(step.kept, 16)
    except ValueError as error:
        raise PlanError(f'kept {step.kept!r} is not "none", "all" or hexadecimal') from error
    if kept > everything or not _is_legal(point, disk.profile, kept):
        raise PlanError(
            f"kept {step.kept}: the profile {disk.profile.name} does not allow this at "
            f"{step.moment}"
        )
    return state_at(point, kept, step.filling).image, kept


def _is_legal(point: CrashPoint, profile: Profile, kept: int) -> bool:
    masks = predecessors(point.pending, profile)
    return all(mask & ~kept == 0 for index, mask in enumerate(masks) if kept >> index & 1)


def closed_under(point: CrashPoint, profile: Profile, wanted: int, *, grow: bool) -> int:
    """Return the legal set nearest to the wanted one: what is needed is added, or what cannot
    be without it dropped."""
    masks = predecessors(point.pending, profile)
    kept = wanted
    order = range(len(masks))
    for index in reversed(order) if grow else order:
        if kept >> index & 1 and masks[index] & ~kept:
            kept = kept | masks[index] if grow else kept & ~(1 << index)
    return kept


def cuts(
    disk: CrashFilesystem, budget: int, seed: int = 0, *, first: int = 0
) -> Iterator[PowerCut]:
    """Yield every cut of every moment from `first` on; of a moment with many, `budget`."""
    seen: set[tuple[int, frozenset[tuple[str, bytes]]]] = set()
    for moment in range(first, len(disk.points)):
        for state in crash_states(disk.points[moment], disk.profile, budget=budget, seed=seed):
            # The same directory is another case once more was promised.
            key = disk.points[moment].mark, frozenset(state.image.items())
            if key not in seen:
                seen.add(key)
                yield PowerCut(moment, f"{state.kept:x}", state.filling)


def picked_cuts(
    disk: CrashFilesystem, picks: Iterable[Pick], *, fillings: Iterable[str] = ("zeros",),
    first: int = 0, grow: bool = False,
) -> Iterator[PowerCut]:  # fmt: skip
    """Yield for each moment and pick the cut that keeps just those operations, where legal.

    What they cannot be kept without is kept too (`grow`), or they are lost.
    """
    picks, fillings = tuple(picks), tuple(fillings)
    for moment in range(first, len(disk.points)):
        pending = disk.points[moment].pending
        seen: set[int] = set()
        for pick in picks:
            wanted = sum(1 << index for index, each in enumerate(pending) if pick(each))
            kept = closed_under(disk.points[moment], disk.profile, wanted, grow=grow)
            if pending and kept not in seen:
                seen.add(kept)
                for filling in fillings:
                    yield PowerCut(moment, f"{kept:x}", filling)


def is_name(operation: Operation) -> bool:
    """Whether it changes the directory, not a file."""
    return operation.kind in (Kind.ADD, Kind.DELETE)


def of_kind(*kinds: Kind) -> Pick:
    """Pick operations of these kinds."""
    return lambda each: each.kind in kinds


def all_but(pick: Pick) -> Pick:
    """Pick the others."""
    return lambda each: not pick(each)


def either(first: Pick, second: Pick) -> Pick:
    """Pick what one of them picks."""
    return lambda each: first(each) or second(each)


def of_file(disk: CrashFilesystem) -> list[Pick]:
    """Return a pick for each file that ever had something pending: its bytes and its sizes."""
    inodes = sorted({each.inode for point in disk.points for each in point.pending})

    def pick(inode: int) -> Pick:
        return lambda each: each.inode == inode and not is_name(each)

    return [pick(inode) for inode in inodes]


SIZES_ONLY: Final[tuple[Pick, ...]] = (
    of_kind(Kind.SIZE), of_kind(Kind.SIZE, Kind.ADD), of_kind(Kind.SIZE, Kind.ADD, Kind.DELETE),
)  # fmt: skip
"""Files that are as long as they should be, and hold what was never written there."""
