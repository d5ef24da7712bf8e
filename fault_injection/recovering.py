"""Opening what a crash has left, once or twice: the answer that the oracle is asked about.

Recovering twice has to be the same as once, in what is replayed and in every byte (I5): the
second time runs on a copy, as if the process had been killed as soon as the log was open.

Spec: SCN-1.3, REC-9.1.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

from fault_injection.plan import Plan
from fault_injection.promises import Answer
from fault_injection.subject import DEFECTS, Died, LogSubject, Refused, Unreadable
from reference.events import ProcessEvent
from simulators.crash_filesystem import CrashFilesystem
from simulators.disk_image import Image, changed_names
from simulators.persistence import DISKS

LATER: Final = 1000
"""Which process a recovery is: none that a plan has."""


def settings_of(plan: Plan, life: int) -> dict[str, int]:
    """Return the plan's limits, and what random bytes are drawn from."""
    return {**plan.settings, "life": life, "seed": plan.seed}


@runtime_checkable
class RecoversMany(Protocol):
    """A subject with a faster way to recover a directory than opening a log on its disk."""

    def recover(
        self, disk: CrashFilesystem, settings: Mapping[str, int],
        offered: Mapping[int, ProcessEvent], *, twice: bool,
    ) -> Answer:  # fmt: skip
        """Return what comes back, twice if asked. Raises Refused."""


def recovered(
    disk: CrashFilesystem,
    plan: Plan,
    subject: LogSubject,
    offered: Mapping[int, ProcessEvent],
    *,
    twice: bool,
    life: int = LATER,
) -> Answer:
    """Open what is on the disk, and say what came back."""
    settings = settings_of(plan, life)
    try:
        if isinstance(subject, RecoversMany):
            return subject.recover(disk, settings, offered, twice=twice)
        answer = subject.open(disk, settings).answer(offered)
    except (Refused, Unreadable) as refusal:
        return Answer(refused=str(refusal))
    except DEFECTS as error:
        return Answer(refused=defect(error))
    if not twice:
        return answer
    return replace(answer, unstable=difference(disk, plan, subject, offered, answer))


def difference(
    disk: CrashFilesystem,
    plan: Plan,
    subject: LogSubject,
    offered: Mapping[int, ProcessEvent],
    first: Answer,
) -> str:
    """Kill the process and recover again, on a copy; say what is not as it was."""
    image = disk.process_image()
    again = CrashFilesystem(DISKS[plan.profile], image)
    # A subject that recovers by itself does it twice: it alone sees the bytes in between.
    is_twice = isinstance(subject, RecoversMany)
    second = recovered(again, plan, subject, offered, twice=is_twice, life=LATER + 1)
    if second.refused:
        return f"the second recovery fails: {second.refused}"
    return second.unstable or unstable(first, second, image, again.process_image())


def unstable(first: Answer, second: Answer, before: Image, after: Image) -> str:
    """Say what the second recovery made different; empty if nothing."""
    if (first.replayed, first.next_sequence) != (second.replayed, second.next_sequence):
        return (
            f"replays {len(first.replayed)}, next {first.next_sequence}; "
            f"then {len(second.replayed)}, next {second.next_sequence}"
        )
    changed = changed_names(before, after)
    return f"the second recovery changed {', '.join(changed)}" if changed else ""


def defect(error: Exception) -> str:
    """Say what was raised by what is under test, and where. What the kit raised goes on upwards."""
    if isinstance(error, Died):
        return str(error)
    last = traceback.extract_tb(error.__traceback__)[-1]
    if Path(last.filename).is_relative_to(Path(__file__).parent):
        raise error
    return place_of(error)


def place_of(error: Exception) -> str:
    """Return what was raised, in which function of which file, and what it says."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {Path(last.filename).name}, {last.name}: {error}"
