"""The steps of a log in words: a sentence, a short form, and where each is drawn.

Everything is taken from the step and its outcome (log_process.py). An outcome that has another
form than expected is quoted: a story may be clumsy, it must not be wrong.

Not here: the order of the story, cuts that look back (story.py).

Spec: SCN-1.5.
"""

from __future__ import annotations

import re
from typing import Final

from fault_injection.connector_words import connector_words
from fault_injection.log_steps import (
    Acknowledge,
    Append,
    Close,
    Damage,
    Drain,
    Fault,
    Heal,
    Inspect,
    Kill,
    Open,
    PowerCut,
    Refuse,
)
from fault_injection.steps_done import Done
from fault_injection.words import Event, Words, and_words, capital, counted, ordinal, word

_CALLS: Final = {
    "sync": "sync of a file", "sync_directory": "sync of the directory",
    "append": "append to a file", "overwrite": "write in place",
    "create_exclusive": "creation of a file", "rename_new": "rename",
    "truncate": "truncation", "unlink": "removal of a file", "read": "read", "list": "listing",
    "lock": "lock",
}  # fmt: skip
_SYNC: Final = re.compile(r"at (.+): (\d+) of (\d+) pending operations are lost")
_MOMENTS: Final = {
    "mark": "just before the call returns",
    "after mark": "just after the call has returned",
    "end": "now",
    "power failure": "in the middle of a call",
}


def step_words(done: Done, *, is_first_open: bool) -> Words:
    """Tell the step."""
    step, outcome = done.step, done.outcome
    match step:
        case Open():
            return _open(outcome, is_first_open)
        case Append():
            return _append(step, outcome)
        case Acknowledge() | Refuse():
            return _settled(step, outcome)
        case Close() | Heal() | Drain():
            return _plain(step, outcome)
        case Inspect():
            return _inspect(outcome)
        case Kill():
            return _kill(step, outcome)
        case PowerCut():
            return _power_cut(outcome, done.notes)
        case Fault():
            return _fault(step)
        case Damage():
            return _damage(step, outcome)
    return unknown_words(done)


def unknown_words(done: Done) -> Words:
    """Tell a step by its own words: of the other world, or newer than these files."""
    if told := connector_words(done.step, done.outcome):
        return told
    shown = str(done.step)
    sentence = f"{capital(shown)}: {done.outcome}." if done.outcome else f"{capital(shown)}."
    lane = next((lane for lane in ("broker", "link", "disk") if lane in done.step.do), "process")
    return Words(sentence, capital(shown), shown, ((lane, shown, ""),))


# ---- Calls of the log -------------------------------------------------------


def _open(outcome: str, is_first: bool) -> Words:
    attempt = "The log is being opened"
    if outcome == "is open":
        return Words("The log is open already.", attempt, "open", (("process", "open", ""),))
    if outcome == "replays nothing; next is 1" and is_first:
        sentence = "The log is opened on an empty disk."
        return Words(sentence, attempt, "open", (("process", "open", ""),))
    again = "" if is_first else " again"
    if found := re.fullmatch(r"replays (.+); next is (\d+)", outcome):
        return Words(
            f"The log is opened{again}: it replays {and_words(found[1])}; the next number is "
            f"{found[2]}.",
            attempt, "open", (("process", f"open: replays {found[1]}", ""),),
        )  # fmt: skip
    return Words(
        f"The log is to be opened{again}, and that is what happens: {outcome}.", attempt, "open",
        (("process", f"open: {outcome}", "fault"),),
    )  # fmt: skip


def _append(step: Append, outcome: str) -> Words:
    events = counted(step.count, "event")
    be = "is" if step.count == 1 else "are"
    long = f", {step.padding_bytes} bytes longer than the shortest" if step.padding_bytes else ""
    attempt = capital(f"{events} {be} being appended{long}")
    short = f"append {step.count}"
    found = re.fullmatch(r"returned ([^;]+)(?:; (\w+) failure: (.*))?", outcome, re.DOTALL)
    if found is None:
        sentence = capital(f"{events} {be} to be appended{long}: {outcome}.")
        return Words(sentence, attempt, short, (("process", f"{short}: {outcome}", ""),))
    sentence = capital(f"{events} {be} appended{long}")
    drawn: list[Event] = [("process", short, "fault" if found[2] else "")]
    if found[1] != "nothing":
        sentence += f": {and_words(found[1])} {'are' if ',' in found[1] else 'is'} durable"
        drawn.append(("promise", f"{found[1]} durable", "promise"))
    if found[2]:
        certain = {"definite": "for certain", "indefinite": "without being sure"}
        rest = "" if found[1] == "nothing" else "the rest of "
        sentence += (
            f". The log says of {rest}it, {certain.get(found[2], found[2])}, that it is not "
            f"stored ({found[3]})"
        )
        drawn[0] = ("process", f"{short} fails, {found[2]}", "fault")
    return Words(f"{sentence}.", attempt, short, tuple(drawn))


def _settled(step: Acknowledge | Refuse, outcome: str) -> Words:
    if isinstance(step, Refuse):
        attempt, short = "The broker's refusal of the oldest event is being noted", "refuse"
        found = re.fullmatch(r"(\d+) (is a dead letter|stays)", outcome)
        if found is None:
            sentence = f"The broker is to refuse the oldest event: {outcome}."
            return Words(sentence, attempt, short, (("broker", f"refuses: {outcome}", ""),))
        end = "it becomes a dead letter" if found[2] != "stays" else "it stays in the log"
        events: tuple[Event, ...] = (("broker", f"refuses {found[1]}", ""),)
        if found[2] != "stays":
            events += (("promise", f"{found[1]} settled", "promise"),)
        return Words(
            f"The broker refuses event {found[1]} for good; {end}.", attempt, short, events
        )
    attempt, short = "An acknowledgement of the broker is being noted", "acknowledge"
    through = outcome.removeprefix("through ")
    if not through.isdecimal():
        return Words(
            f"The broker is to acknowledge {counted(step.count, 'event')}: {outcome}.", attempt,
            short, (("broker", f"acknowledges: {outcome}", ""),),
        )  # fmt: skip
    return Words(
        f"The broker acknowledges everything up to {through}: the log may forget it.", attempt,
        short,
        (("broker", f"acknowledges up to {through}", ""),
         ("promise", f"up to {through} settled", "promise")),
    )  # fmt: skip


def _plain(step: Close | Heal | Drain, outcome: str) -> Words:
    match step:
        case Close():
            ends = {
                "clean": "The log is closed in good order.",
                "not clean": "The log is closed, and says that this was no clean end.",
                "no log": "The log is to be closed; it is not open.",
            }
            sentence = ends.get(outcome, f"The log is closed: {outcome}.")
            short = "close" if outcome == "clean" else f"close: {outcome}"
            return Words(sentence, "The log is being closed", short, (("process", short, ""),))
        case Heal():
            return Words(
                "The disk works again.", "The disk is being mended", "heal",
                (("disk", "works again", ""),),
            )  # fmt: skip
        case Drain():
            return Words(
                "The faults are over. The log is opened, one event is appended, everything is "
                f"acknowledged, and it is closed and opened once more: {outcome}.",
                "The faults are over and the log is being emptied", "drain",
                (("disk", "works again", ""), ("process", f"drain: {outcome}", "")),
            )  # fmt: skip


def _inspect(outcome: str) -> Words:
    attempt = "A reader begins to look at the directory"
    drawn: tuple[Event, ...] = (("disk", "a reader looks, amid each write", ""),)
    if outcome == "looks":
        return Words(
            "A reader looks at the directory from now on: after each call of the disk, and in the "
            "middle of each write.",
            attempt, "inspect", drawn,
        )  # fmt: skip
    return Words(
        f"A reader is to look at the directory of the running log: {outcome}.", attempt, "inspect",
        (("disk", f"a reader: {outcome}", ""),),
    )  # fmt: skip


# ---- Ends -------------------------------------------------------------------


def _kill(step: Kill, outcome: str) -> Words:
    where = ""
    if step.after_calls >= 0:
        calls = counted(step.after_calls, "call")
        where = f", in the call of the disk that follows {calls} since the log was opened"
    sentence = (
        f"The process is killed{where}. Its memory is gone; what it had written is what the "
        "next one finds."
    )
    text = f"killed ({outcome})" if outcome else "killed"
    return Words(sentence, "The process is being killed", "kill", (("process", text, "crash"),))


def _power_cut(outcome: str, notes: tuple[str, ...]) -> Words:
    found = _SYNC.fullmatch(outcome)
    if found is None:
        return Words(
            f"The power fails: {outcome}.", "The power fails", "power fails",
            (("disk", f"power fails: {outcome}", "crash"),),
        )  # fmt: skip
    moment, lost, pending = found[1], int(found[2]), int(found[3])
    place = _MOMENTS.get(moment, f"before `{moment}`")
    if not pending:
        rest = "Everything had been synced, so nothing is lost."
    elif not lost:
        rest = f"{capital(counted(pending, 'operation'))} had not been synced; none is lost."
    else:
        what = f": {'; '.join(notes)}" if notes else ""
        number = "all" if lost == pending else word(lost)
        be = "is" if lost == 1 and lost < pending else "are"
        rest = f"Of {counted(pending, 'pending operation')} {number} {be} lost{what}."
        if pending == 1:
            rest = f"One operation was pending and is lost{what}."
    if place == "now":
        place = "at this moment"
    events: tuple[Event, ...] = (
        ("disk", f"power fails: {lost} of {pending} pending lost", "crash"),
    )
    return Words(f"The power fails {place}. {rest}", "The power fails", "power fails", events)


# ---- Disks ------------------------------------------------------------------


def _fault(step: Fault) -> Words:
    call = _CALLS.get(step.call, f"`{step.call}`")
    named = f" whose name ends in `{step.suffix}`" if step.suffix else ""
    does = (
        f"writes {step.short} bytes and no more" if step.short >= 0 else f"fails with {step.error}"
    )
    which = f"the {ordinal(step.at)} {call}{named}"
    if step.times == 0:
        text = f"From {which} on, each {does}"
    elif step.times == 1:
        text = f"{capital(which)} from now {does}"
    else:
        text = f"{capital(which)} from now and {counted(step.times - 1, 'more')} behind it: {does}"
    result = f"writes {step.short}" if step.short >= 0 else step.error
    drawn = f"{step.call} no. {step.at}: {result}"
    return Words(f"{text}.", text, "fault", (("disk", drawn, "fault"),))


def _damage(step: Damage, outcome: str) -> Words:
    file = {0: "the oldest file", -1: "the newest file", -2: "the acknowledgement file"}.get(
        step.file, f"file {step.file + 1} from the oldest"
    )
    where = f"record {step.record + 1} of {file}" if step.record >= 0 else file
    amount = counted(step.amount, "byte")
    what = {
        "flip": f"bit {step.place} of {where} is turned",
        "cut": f"{file} ends {amount} earlier",
        "zeros": f"{amount} of {where}, from byte {step.place}, become zeros",
        "garbage": f"{amount} of {where}, from byte {step.place}, become garbage",
        "copy": f"{where} is written over record {step.place + 1} of the same file",
        "append": f"{where} is written once more, behind the end of the newest file",
        "remove": f"{file} is removed",
        "stale": f"{file} is as it was some time ago",
    }.get(step.kind, f"{step}: {outcome}")
    events = counted(step.lost_max, "event")
    cost = f" That may cost {events}, if it is reported." if step.lost_max else ""
    return Words(
        f"While nothing runs, the medium changes: {what}.{cost}", "The medium changes", "damage",
        (("disk", what, "fault"),),
    )  # fmt: skip
