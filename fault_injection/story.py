"""A failure told in sentences, and as events for its drawing: for a reader without the code.

    1. The log is opened on an empty disk.
    2. Two events are appended: 1 and 2 are durable.
    3. One event is appended: 3 is durable.
    4. The power fails before `sync procmond-00001.wal`. Of 6 pending operations 5 are lost: ...
    5. The log is opened again: it replays 1; the next number is 2.
    6. Broken, I1 (no loss): events 2..3 are gone; promised were 1..3.

A cut that looks back takes the boot to a moment inside one of its steps: that step was under
way, and the steps after it have not happened. They are left out, and the cut says so.

What a step of a log is called is in log_words.py. A step that is not known there is told by its
own words and its outcome, so that a new one is never silent.

Spec: SCN-1.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from fault_injection.invariants import INVARIANTS, Broken
from fault_injection.log_steps import Damage, PowerCut
from fault_injection.log_words import step_words
from fault_injection.result import TimelineEvent
from fault_injection.steps_done import Done
from fault_injection.words import Words


@dataclass(frozen=True, slots=True)
class Story:
    """What happened, for people."""

    sentences: tuple[str, ...]
    """In order; the last one is what is broken."""
    timeline: tuple[TimelineEvent, ...]
    """Each with the number of its sentence."""


class _Fate(Enum):
    DONE = "done"
    UNDER_WAY = "under way"
    NOT_REACHED = "not reached"


def tell(done: Sequence[Done], broken: Broken | None) -> Story:
    """Return the story of these steps, and of what is broken in the end."""
    fates = _fates(done)
    sentences: list[str] = []
    timeline: list[TimelineEvent] = []
    is_first = True
    for index, each in enumerate(done):
        if fates[index] is _Fate.NOT_REACHED:
            continue
        words = step_words(each, is_first_open=is_first)
        if each.step.do == "open":
            is_first = False
        sentence, events = words.sentence, words.events
        if fates[index] is _Fate.UNDER_WAY:
            sentence, events = _under_way(words)
        if isinstance(each.step, PowerCut):
            sentence += _not_reached(done, fates, index)
        sentences.append(sentence)
        timeline += [TimelineEvent(lane, text, kind, len(sentences)) for lane, text, kind in events]
    if broken is not None:
        sentences.append(_broken_sentence(broken))
        timeline.append(TimelineEvent("promise", broken.what, "broken", len(sentences)))
    return Story(tuple(sentences), tuple(timeline))


def _under_way(words: Words) -> tuple[str, tuple[tuple[str, str, str], ...]]:
    return f"{words.attempt}; this never ends.", (("process", f"{words.short} …", ""),)


def _broken_sentence(broken: Broken) -> str:
    title = INVARIANTS[broken.invariant].title if broken.invariant in INVARIANTS else "unknown"
    what = broken.what.rstrip(".")
    return f"Broken, {broken.invariant} ({title}): {what}."


# ---- Cuts that look back ----------------------------------------------------


def _fates(done: Sequence[Done]) -> list[_Fate]:
    """Say of each step whether it had happened when the power of its boot failed."""
    fates = [
        _Fate.UNDER_WAY if each.outcome == "the process is gone in the middle of this"
        else _Fate.DONE
        for each in done
    ]  # fmt: skip
    boot = 0
    for index, each in enumerate(done):
        if isinstance(each.step, PowerCut):
            _look_back(done, fates, boot, index)
        if isinstance(each.step, PowerCut | Damage):
            boot = index + 1
    return fates


def _look_back(done: Sequence[Done], fates: list[_Fate], boot: int, cut: int) -> None:
    step = done[cut].step
    assert isinstance(step, PowerCut)
    if step.moment < 0 or not done[cut].outcome.startswith("at "):
        return
    # The promise of a call is noted after all that the call did: it has returned.
    has_returned = done[cut].outcome.startswith("at after mark")
    began = 0
    for index in range(boot, cut):
        ended = done[index].moments
        if began > step.moment:
            fates[index] = _Fate.NOT_REACHED
        elif ended > step.moment + has_returned:
            fates[index] = _Fate.UNDER_WAY
        began = ended


def _not_reached(done: Sequence[Done], fates: Sequence[_Fate], cut: int) -> str:
    """Say which steps of the plan the cut has undone."""
    index = cut
    while index and fates[index - 1] is _Fate.NOT_REACHED:
        index -= 1
    if index == cut:
        return ""
    skipped = ", ".join(str(each.step) for each in done[index:cut])
    return f" What the plan has after that moment never happens: {skipped}."
