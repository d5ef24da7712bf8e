"""What the numbers and words of a plan may be: checked before its first step is done.

A plan comes from anywhere, as a file. One that asks for a million million events, or for a level
that does not exist, would fill the memory or pass without having looked: it is refused, with
the step and the field. The bounds are wide; they keep one number from taking the machine.

Not here: the types of fields (plan.py); what depends on the moment, such as a record that is
not there, which is refused when its step is done. Spec: SCN-1.2.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Final

from fault_injection.errors import PlanError
from fault_injection.log_steps import CHECKS
from fault_injection.plan import Plan, Step
from fault_injection.subject import DRAWN_FROM, small_limits
from reference.backpressure import Level
from reference.codec import encode_event
from reference.events import ProcessEvent
from simulators.link_faults import Direction
from simulators.persistence import DISKS

COUNT_MAX: Final = 10**5
"""Of events in one batch, steps of a plan, rounds, files, records."""
BYTES_MAX: Final = 2**26
"""Of a batch's padding, of damage: what one step may put into memory."""
SECONDS_MAX: Final = 10**6
"""In which timers fire: more than eleven days."""
TEXT_MAX: Final = 4096
"""Characters: a mask of sixteen thousand pending operations."""
_FAR: Final = 2**40

_COUNT: Final = (0, COUNT_MAX)
_INDEX: Final = (-1, COUNT_MAX)
_BOUNDS: Final[Mapping[str, tuple[int, int]]] = {
    "count": _COUNT, "rounds": (0, COUNT_MAX - 1), "but_for": _COUNT, "least": _COUNT,
    "most": _COUNT, "lost_max": _COUNT, "index": _COUNT, "other": _COUNT,
    "file": (-3, COUNT_MAX), "record": _INDEX, "moment": _INDEX,
    "after_calls": (-1, 10**9), "at": (1, 10**9), "times": (0, 10**9), "connection": (1, 10**9),
    "padding_bytes": (0, BYTES_MAX), "payload_bytes": (0, BYTES_MAX), "short": (-1, BYTES_MAX),
    "place": (-1, _FAR), "bit": (0, _FAR), "offset": (0, _FAR), "amount": (0, _FAR),
    "seconds": (0, SECONDS_MAX), "wall-clock seconds": (-_FAR, _FAR),
    "move-bytes count": (-1, _FAR), "misread file": _INDEX, "misread record": _COUNT,
    "link-fault amount": (0, SECONDS_MAX),
}  # fmt: skip
"""Of a field, or of one in one kind of step: the least and the most."""
_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "move-bytes direction": tuple(each.value for each in Direction),
    "link-fault direction": tuple(each.value for each in Direction),
    "half-open direction": ("", *(each.value for each in Direction)),
    "expect-level level": tuple(each.value for each in Level),
    "check what": CHECKS,
}


def check_bounds(plan: Plan) -> None:
    """Raise PlanError for a disk, a number or a word that no plan may have."""
    if plan.profile not in DISKS:
        raise PlanError(f"profile {plan.profile!r} is none of {sorted(DISKS)}")
    if wrong := _wrong_text("scenario", plan.scenario):
        raise PlanError(wrong)
    if len(plan.steps) > COUNT_MAX:
        raise PlanError(f"{len(plan.steps)} steps; the most are {COUNT_MAX}")
    for number, step in enumerate(plan.steps, 1):
        for each in dataclasses.fields(step):
            wrong = _wrong(step.do, each.name, getattr(step, each.name))
            if wrong:
                raise PlanError(f"step {number}, {step.do}: {wrong}")
        if _batch_bytes(step) > BYTES_MAX:
            raise PlanError(f"step {number}, {step.do}: more than {BYTES_MAX} bytes at once")


def check_log_plan(plan: Plan) -> None:
    """Raise PlanError for what no plan on a log may have, its settings included."""
    check_bounds(plan)
    if drawn := sorted(set(DRAWN_FROM) & set(plan.settings)):
        raise PlanError(f"setting {drawn[0]!r} is none of the log's")  # settings_of sets it
    small_limits(plan.settings)


def check_sizes(events: Iterable[ProcessEvent], settings: Mapping[str, int]) -> None:
    """Raise PlanError for an event that no log with these settings may take."""
    limit = small_limits(settings).event_bytes_max
    for event in events:
        if (size := len(encode_event(event))) > limit:
            raise PlanError(f"an event has {size} bytes; the log takes {limit}")


def bounds_of(do: str, field: str) -> tuple[int, int]:
    """Return the least and the most of a number of a step."""
    return _BOUNDS.get(f"{do} {field}") or _BOUNDS[field]


def _wrong(do: str, field: str, value: object) -> str:
    """Say what is wrong with a value; empty if nothing is."""
    if isinstance(value, bool):
        return ""
    if isinstance(value, int | float):
        least, most = bounds_of(do, field)
        return "" if least <= value <= most else f"{field!r} is not from {least} to {most}"
    words = _WORDS.get(f"{do} {field}")
    if words is not None and value not in words:
        return f"{field} {value!r} is none of {list(words)}"
    return _wrong_text(field, str(value))


def _wrong_text(field: str, text: str) -> str:
    """Say why a text cannot be shown, in a story or on a terminal; empty if it can."""
    if len(text) > TEXT_MAX:
        return f"{field!r} has {len(text)} characters; the most are {TEXT_MAX}"
    return "" if text.isprintable() else f"{field} {text!r} cannot be printed"


def _batch_bytes(step: Step) -> int:
    padding: int = getattr(step, "padding_bytes", 0)
    count: int = getattr(step, "count", 0)
    return padding * count
