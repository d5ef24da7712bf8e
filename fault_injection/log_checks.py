"""What a plan can ask beyond what every open is asked: the words of the step `check`.

    said-once    the last open calls nothing lost that an earlier open had called lost
    degraded     an open that could not make a file to append to says so, and is no refusal if
                 the disk was full
    goes-on      the faults are over: an append works, and the log need not be opened again but
                 for a failed sync of an append
    deletes      once all is acknowledged one file stays, whatever the disk has room for
    refused      the broker has refused the last one that was wanted: one file stays
    bounded      copies of damaged bytes, and the log as a whole, stay within their limits
    untouched    files that are not the log's (damage `stranger`) are as they were

Each holds in any plan, so that a plan with fewer steps asks nothing that is not so. The first
two speak of the last open. Spec: SCN-1.3.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from fault_injection.damage import STRANGER_TEXT, segment_names
from fault_injection.errors import PlanError
from fault_injection.invariants import Broken
from fault_injection.log_steps import CHECKS
from fault_injection.promises import Answer
from fault_injection.subject import OpenLog, small_limits
from reference.limits import FRAMES_OFFSET
from reference.names import DEAD_LETTERS_NAME as DEAD
from simulators.disk_image import Image

_SEGMENT_NOT_MADE: Final = re.compile(r"create_exclusive procmond-\d+\.wal(\.new)?:")


@dataclass(frozen=True, slots=True)
class Asked:
    """The last open: what it answered, and what was known before."""

    answer: Answer = field(default_factory=Answer)
    reported: frozenset[int] = frozenset()
    """What earlier opens had called lost."""
    fired: tuple[str, ...] = ()
    """What struck while it ran."""
    strangers: frozenset[str] = frozenset()
    """Names of files that are not the log's."""


def check_more(
    what: str, asked: Asked, log: OpenLog, image: Image, settings: Mapping[str, int]
) -> Broken | None:
    """Return what is broken, or None. Raises PlanError for an unknown word."""
    match what:
        case "said-once":
            again = sorted(asked.reported & set(asked.answer.lost))
            return Broken("I7", f"{again} are reported once more", again[0]) if again else None
        case "degraded":
            failed = any(_SEGMENT_NOT_MADE.match(each) for each in asked.fired)
            if failed and not asked.answer.is_degraded:
                return Broken("I11", "no file could be made, and the log does not say so")
            return None
        case "deletes" | "refused":
            names = log.segments()
            return Broken("I10", f"all is settled, and {names} stay") if names[1:] else None
        case "bounded":
            return _bounded(image, settings)
        case "untouched":
            changed = [each for each in sorted(asked.strangers) if image.get(each) != STRANGER_TEXT]
            return Broken("I12", f"{changed} are not the log's, and changed") if changed else None
    raise PlanError(f"check {what!r} is none of {', '.join(CHECKS)}")


def refused_for_room(asked: Asked) -> Broken | None:
    """Return what is broken if the last open refused only because no file could be made."""
    growing = ("create_exclusive", "append")
    if asked.answer.refused and all(
        each.startswith(growing) and each.endswith("ENOSPC") for each in asked.fired
    ):
        return Broken("I10", f"the disk is full, and the log cannot be opened to drain it: "
                             f"{asked.answer.refused}")  # fmt: skip
    return None


def _bounded(image: Image, settings: Mapping[str, int]) -> Broken | None:
    limits = small_limits(settings)
    copies = {name: content for name, content in image.items() if name.endswith(".quarantine")}
    size = sum(map(len, copies.values()))
    if len(copies) > limits.quarantine_files_max or size > limits.quarantine_bytes_max:
        return Broken("I9", f"{len(copies)} copies of damaged bytes, {size} bytes")
    size += sum(map(len, (image[name] for name in (*segment_names(image), DEAD) if name in image)))
    if size > limits.quota_bytes + FRAMES_OFFSET:  # the header block of a new file is exempt
        return Broken("I9", f"the log has {size} bytes; its quota is {limits.quota_bytes}")
    return None
