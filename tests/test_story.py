"""The story of a failure: sentences that say what happened, and the events of its drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import pytest

from fault_injection.invariants import Broken
from fault_injection.log_run import LogRun
from fault_injection.log_steps import (
    Acknowledge,
    Append,
    Close,
    Damage,
    Drain,
    Fault,
    Heal,
    Kill,
    Open,
    PowerCut,
    Refuse,
)
from fault_injection.log_words import step_words
from fault_injection.pending_words import LISTED_MAX
from fault_injection.plan import STEPS, Step
from fault_injection.result import TimelineEvent
from fault_injection.steps_done import Done
from fault_injection.story import Story, tell
from fault_injection.subject import ReferenceLog
from fault_injection.workloads import log_plan
from tests.report_samples import ForgetfulLog, explored_failure


def told(*steps: Step, broken: Broken | None = None) -> Story:
    """Run the steps on the reference, and tell it."""
    return tell(LogRun(log_plan("x", *steps), ReferenceLog()).run().done, broken)


def moment_of(steps: Sequence[Step], call: str) -> int:
    """Return the last moment with this name when the steps have run."""
    points = LogRun(log_plan("x", *steps), ReferenceLog()).run().disk.points
    return max(index for index, point in enumerate(points) if point.step == call)


@pytest.mark.req("SCN-1.5")
def test_plain_use_is_told_in_sentences() -> None:
    story = told(Open(), Append(3), Acknowledge(2), Close(), Open())
    assert story.sentences == (
        "The log is opened on an empty disk.",
        "Three events are appended: 1, 2 and 3 are durable.",
        "The broker acknowledges everything up to 2: the log may forget it.",
        "The log is closed in good order.",
        "The log is opened again: it replays 3; the next number is 4.",
    )
    assert story.timeline[1:3] == (
        TimelineEvent("process", "append 3", "", 2),
        TimelineEvent("promise", "1, 2, 3 durable", "promise", 2),
    )


@pytest.mark.req("SCN-1.5")
def test_a_cut_that_looks_back_undoes_what_came_later() -> None:
    before = [Open(), Append(1)]
    moment = moment_of(before, "sync procmond-00001.wal")
    story = told(*before, Append(2), Acknowledge(1), PowerCut(moment), Open())
    assert story.sentences == (
        "The log is opened on an empty disk.",
        "One event is being appended; this never ends.",
        "The power fails before `sync procmond-00001.wal`. Of two pending operations all are "
        "lost: bytes 8192 to 8305 of procmond-00001.wal; the size 8305 of procmond-00001.wal. "
        "What the plan has after that moment never happens: append count 2, acknowledge.",
        "The log is opened again: it replays nothing; the next number is 1.",
    )
    assert not any("durable" in each.text for each in story.timeline)


@pytest.mark.req("SCN-1.5")
def test_a_cut_after_a_call_has_returned_keeps_its_promise() -> None:
    before = [Open(), Append(1)]
    moment = moment_of(before, "after mark")
    story = told(*before, Append(2), PowerCut(moment), Open())
    assert story.sentences[1] == "One event is appended: 1 is durable."
    assert "just after the call has returned" in story.sentences[2]
    assert story.sentences[2].endswith("never happens: append count 2.")
    assert "replays 1;" in story.sentences[3]


@pytest.mark.req("SCN-1.5")
def test_a_cut_inside_recovery_says_that_opening_was_under_way() -> None:
    before = [Open(), Append(2), PowerCut(), Open()]
    story = told(*before, Append(1), PowerCut(0), Open())
    assert story.sentences[3] == "The log is being opened; this never ends."


@pytest.mark.req("SCN-1.5")
def test_a_kill_inside_a_call_leaves_the_call_unfinished() -> None:
    story = told(Open(), Append(2), Append(1), Kill(26), Open())
    assert story.sentences[2] == "One event is being appended; this never ends."
    assert "follows 26 calls" in story.sentences[3]
    assert [each.kind for each in story.timeline if each.step == 4] == ["crash"]


@pytest.mark.req("SCN-1.5")
def test_faults_and_failing_appends_are_told() -> None:
    story = told(Open(), Append(1), Fault("sync", suffix=".wal"), Append(1), Heal(), Drain())
    assert (
        story.sentences[2]
        == "The first sync of a file whose name ends in `.wal` from now fails with EIO."
    )
    assert story.sentences[3].startswith(
        "One event is appended. The log says of it, without being sure, that it is not stored"
    )
    assert story.sentences[4] == "The disk works again."
    assert story.sentences[5].startswith("The faults are over.")
    assert TimelineEvent("process", "append 1 fails, indefinite", "fault", 4) in story.timeline


@pytest.mark.req("SCN-1.5")
def test_the_last_sentence_is_what_is_broken() -> None:
    story = told(Open(), broken=Broken("I6", "3 is next, and 3 was given before", 3))
    assert story.sentences[-1] == (
        "Broken, I6 (no number twice): 3 is next, and 3 was given before."
    )
    assert story.timeline[-1] == TimelineEvent(
        "promise", "3 is next, and 3 was given before", "broken", 2
    )


@pytest.mark.req("SCN-1.5")
def test_the_story_of_a_real_failure_names_the_lost_event_and_the_lost_bytes() -> None:
    run, failure = explored_failure()
    assert run.broken is not None
    assert "1 is durable" in failure.story[1]
    assert "the size 8305 of procmond-00001.wal" in failure.story[2]
    assert "it replays nothing" in failure.story[3]
    assert failure.story[-1] == f"Broken, I1 (no loss): {run.broken.what}."
    assert [each.kind for each in failure.timeline].count("crash") == 1
    assert run.before != run.after


@pytest.mark.req("SCN-1.5")
def test_long_lists_of_what_is_lost_are_counted() -> None:
    plan = log_plan("x", Open(), *[Append(1, 600)] * 8, PowerCut())
    notes = LogRun(plan, ForgetfulLog()).run().done[-1].notes
    assert len(notes) == LISTED_MAX + 1
    assert notes[-1].startswith("and ")


@dataclass(frozen=True, slots=True)
class _Reboot(Step):
    do: ClassVar[str] = "restart-broker"
    memory: str = "kept"


@pytest.mark.req("SCN-1.5")
def test_a_step_that_nobody_has_told_yet_speaks_for_itself() -> None:
    story = tell([Done(_Reboot("lost"), "3 forgotten", 0, 0)], None)
    assert story.sentences == ("Restart-broker memory lost: 3 forgotten.",)
    assert story.timeline == (TimelineEvent("broker", "restart-broker memory lost", "", 1),)


@pytest.mark.req("SCN-1.5")
@pytest.mark.parametrize("word", sorted(STEPS["log"]))
def test_every_step_of_a_log_is_told_and_quotes_an_outcome_that_it_does_not_know(
    word: str,
) -> None:
    step = STEPS["log"][word]()
    words = step_words(Done(step, "something new", 0, 0), is_first_open=False)
    assert words.sentence.endswith((".", ")"))
    assert words.events
    assert words.sentence[0].isupper()
    if not isinstance(step, Heal | Fault | Damage | Kill):
        assert "something new" in words.sentence


@pytest.mark.req("SCN-1.5")
@pytest.mark.parametrize(
    ("step", "words"),
    [
        (Fault("append", short=3, times=0), "From the first append to a file on, each writes 3"),
        (
            Fault("unlink", "ENOSPC", at=4, times=2),
            "The 4th removal of a file from now and one more",
        ),
        (
            Damage("flip", 1, record=2, place=9),
            "bit 9 of record 3 of file 2 from the oldest is turned",
        ),
        (Damage("cut", -1, amount=5), "the newest file ends five bytes earlier"),
        (Damage("remove", -2), "the acknowledgement file is removed"),
        (
            Damage("zeros", 0, record=0, place=4, amount=2, lost_max=2),
            "may cost two events, if it is reported",
        ),
    ],
)
def test_faults_say_where_and_what(step: Step, words: str) -> None:
    assert words in step_words(Done(step, "done", 0, 0), is_first_open=False).sentence


@pytest.mark.req("SCN-1.5")
@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ("3 is a dead letter", "The broker refuses event 3 for good; it becomes a dead letter."),
        ("3 stays", "The broker refuses event 3 for good; it stays in the log."),
    ],
)
def test_a_refusal_says_what_became_of_the_event(outcome: str, words: str) -> None:
    assert step_words(Done(Refuse(), outcome, 0, 0), is_first_open=False).sentence == words
