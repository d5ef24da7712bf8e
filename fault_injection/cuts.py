"""Power cuts as data: the directory that one leaves, and which cuts there are to try.

What a cut keeps of what was pending is a bit mask, `none`, `all`, or a *pick*: a word for the
operations that are wanted, so that it means the same for a log that makes other calls.

    names, adds, deletes          changes of the directory; new names; removals
    sizes, sizes+adds, sizes+names    files as long as they should be, of bytes never written
    all-but-names, all-but-adds, all-but-deletes
    both-names                    all but the removals that belong to renames
    file:N, all-but-file:N        names, and the bytes of the N-th file that has some pending

What a pick cannot be without is kept too, or, for a pick that leaves something out, lost too.
With `nearest` the same is done with a mask, and a boot that had fewer moments is cut at its
last one: plans that were listed on the reference are tried on logs that make other calls.

Spec: SCN-1.2, SCN-1.4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from fault_injection.errors import PlanError
from fault_injection.log_steps import PowerCut
from simulators.crash_filesystem import CrashFilesystem
from simulators.crash_point import CrashPoint
from simulators.crash_states import state_at
from simulators.disk_image import FILLINGS, PREVIOUS, Image
from simulators.distinct_states import distinct_cuts
from simulators.legal_sets import closed
from simulators.persistence import Kind, Operation, Profile, predecessors
from simulators.tears import OLD, parse_filling

Pick = Callable[[Operation], bool]
"""Which pending operations are wanted."""


def _of(*kinds: Kind) -> Pick:
    return lambda each: each.kind in kinds


_WORDS: Final[dict[str, Pick]] = {
    "names": lambda each: each.is_name,
    "adds": _of(Kind.ADD),
    "deletes": _of(Kind.DELETE),
    "sizes": _of(Kind.SIZE),
    "sizes+adds": _of(Kind.SIZE, Kind.ADD),
    "sizes+names": _of(Kind.SIZE, Kind.ADD, Kind.DELETE),
    "all-but-names": _of(Kind.WRITE, Kind.SIZE),
    "all-but-adds": _of(Kind.WRITE, Kind.SIZE, Kind.DELETE),
    "all-but-deletes": _of(Kind.WRITE, Kind.SIZE, Kind.ADD),
    "both-names": lambda each: each.after == -1,
}
SIZES_ONLY: Final = ("sizes", "sizes+adds", "sizes+names")


def image_after(disk: CrashFilesystem, step: PowerCut) -> tuple[Image, int]:
    """Return the directory that the cut leaves, and what was kept, as a bit mask.

    Raises PlanError if the disk cannot be left so.
    """
    point = disk.points[moment_of(disk, step)]
    filling = _filling(step, point)
    kept = _kept(point, disk.profile, step)
    return state_at(point, kept, filling).image, kept


def moment_of(disk: CrashFilesystem, step: PowerCut) -> int:
    """Return the index of the moment. Raises PlanError if there is no such."""
    if -len(disk.points) <= step.moment < len(disk.points):
        return step.moment
    if not step.nearest:
        raise PlanError(f"moment {step.moment}: there were {len(disk.points)}")
    return len(disk.points) - 1


def _kept(point: CrashPoint, profile: Profile, step: PowerCut) -> int:
    everything = (1 << len(point.pending)) - 1
    if step.kept in ("none", "all"):
        return everything if step.kept == "all" else 0
    before = predecessors(point.pending, profile)
    pick = _pick(point, step.kept)
    if pick is not None:
        wanted = sum(1 << index for index, each in enumerate(point.pending) if pick(each))
        leaves_out = step.kept.startswith(("all-but", "both", "file:"))
        return closed(wanted, before, grow=not leaves_out)
    try:
        kept = int(step.kept, 16)
    except ValueError as error:
        raise PlanError(
            f'kept {step.kept!r} is not "none", "all" or hexadecimal, and no pick: '
            f"{', '.join(_WORDS)}, file:N, all-but-file:N"
        ) from error
    legal = closed(kept & everything, before, grow=False)
    if kept != legal and not step.nearest:
        raise PlanError(
            f"kept {step.kept}: the profile {profile.name} does not allow this at {step.moment}"
        )
    return legal


def _pick(point: CrashPoint, word: str) -> Pick | None:
    """Return what the word means at this moment; None if it is no pick."""
    if word in _WORDS:
        return _WORDS[word]
    start, _, number = word.rpartition(":")
    if start not in ("file", "all-but-file") or not number.isdecimal():
        return None
    inodes = _written(point)
    wanted = inodes[int(number)] if int(number) < len(inodes) else -1
    is_in = start == "file"
    return lambda each: each.is_name or (each.inode == wanted) is is_in


def _written(point: CrashPoint) -> list[int]:
    return sorted({each.inode for each in point.pending if not each.is_name})


def _filling(step: PowerCut, point: CrashPoint) -> str:
    """Return the filling, and the writes in flight behind it: with `nearest` only if they can be.

    Raises PlanError.
    """
    text, known = step.filling, (*FILLINGS, PREVIOUS)
    try:
        filling, torn = parse_filling(text)
    except ValueError as error:
        raise PlanError(f"filling {text!r}: a write in flight is like 7:12:zeros") from error
    if filling not in known:
        raise PlanError(f"filling {text!r} is none of {sorted(known)}")
    for tear in torn.values():
        is_write = (
            0 <= tear.index < len(point.pending) and point.pending[tear.index].kind is Kind.WRITE
        )
        if not is_write or tear.rest not in (OLD, *known):
            if step.nearest:
                return filling  # no such write is in flight here
            raise PlanError(f"filling {text!r}: {tear} is no write that was pending")
    return text


def cuts(
    disk: CrashFilesystem, budget: int, seed: int = 0, *, first: int = 0
) -> Iterator[PowerCut]:
    """Yield every cut of every moment from `first` on; of a moment with many, `budget`."""
    for moment, state in distinct_cuts(disk, budget=budget, seed=seed, first=first):
        yield PowerCut(moment, f"{state.kept:x}", state.filling, nearest=True)


def picked_cuts(
    disk: CrashFilesystem, picks: Iterable[str], *, filling: str = "zeros"
) -> Iterator[PowerCut]:
    """Yield for each moment and pick the cut that keeps just that, but no cut twice."""
    picks = tuple(picks)
    for moment, point in enumerate(disk.points):
        seen: set[int] = set()
        for pick in picks:
            cut = PowerCut(moment, pick, filling, nearest=True)
            kept = _kept(point, disk.profile, cut)
            if point.pending and kept not in seen:
                seen.add(kept)
                yield cut


def file_picks(disk: CrashFilesystem) -> list[str]:
    """Return picks of one file, and of all but one, for as many as ever had bytes pending."""
    most = max(len(_written(point)) for point in disk.points)
    return [f"{word}:{number}" for number in range(most) for word in ("file", "all-but-file")]
