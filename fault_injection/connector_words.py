"""The steps of a connector in words: a sentence, a short form, and where each is drawn.

What came of a step is its outcome (connector_run.py), set behind the sentence: a story may be
clumsy, it must not be wrong. Steps that log plans have too are told by log_words.py.

Spec: SCN-1.5, SCN-4.1.
"""

from __future__ import annotations

from fault_injection import connector_steps as steps
from fault_injection.plan import Step
from fault_injection.words import Words, capital, counted

_DIRECTIONS = {"to-broker": "to the broker", "to-connector": "to the connector"}


def connector_words(step: Step, outcome: str) -> Words | None:
    """Tell the step; None if it is not one of a connector's own."""
    told = _process(step, outcome) or _time_and_bytes(step) or _broker(step) or _rest(step)
    if told is None:
        return None
    lane, text, short, kind = told
    behind = f": {outcome}" if outcome not in ("", "armed", "healed", "listens", "copied") else ""
    drawn = f"{short}: {outcome}" if lane == "process" and behind else short
    return Words(capital(f"{text}{behind}."), capital(text), short, ((lane, drawn, kind),))


_Told = tuple[str, str, str, str]
"""Lane, text, short, kind."""


def _process(step: Step, outcome: str) -> _Told | None:
    match step:
        case steps.Start():
            kind = "fault" if "refused" in outcome else ""
            return "process", "a process opens the connector and asks for a link", "start", kind
        case steps.Publish(count, padding):
            long = f", {padding} bytes longer than the shortest" if padding else ""
            events = counted(count, "event")
            be = "is" if count == 1 else "are"
            return "process", f"{events} {be} published{long}", f"publish {count}", ""
        case steps.ShutDown(seconds):
            text = f"the connector is shut down, and answers are awaited for {seconds:g} s"
            return "process", text, "shut down", ""
        case steps.Kill(after_calls):
            text = f"the process is killed{_in_call(after_calls)}"
            return "process", text, "kill", "crash"
        case steps.PowerCut(kept, _, after_calls):
            what = {"none": "nothing that was pending is kept", "all": "all of it is kept"}.get(
                kept, f"of what was pending the set {kept} is kept"
            )
            text = f"the connector's machine loses power{_in_call(after_calls)}; {what}"
            return "disk", text, "power fails", "crash"
    return None


def _time_and_bytes(step: Step) -> _Told | None:
    match step:
        case steps.Flow():
            return "link", "all that can be done without time passing is done", "flow", ""
        case steps.Wait(seconds):
            return "process", f"everything works for {seconds:g} s", f"{seconds:g} s", ""
        case steps.Advance(seconds):
            text = f"{seconds:g} s pass in which no byte moves"
            return "process", text, f"{seconds:g} s without bytes", ""
        case steps.Link():
            return "link", "the connection that the connector wants is tried", "connect", ""
        case steps.MoveBytes(direction, count):
            how_many = "all bytes" if count < 0 else f"at most {counted(count, 'byte')}"
            where = _DIRECTIONS.get(direction, direction)
            return "link", f"{how_many} move {where}", f"bytes {where}", ""
        case steps.DiskWorks(count):
            text = f"the disk does {counted(count, 'thing')} that it was asked for"
            return "disk", text, "disk works", ""
        case steps.ExpectBacklog(most):
            text = f"the connector may wait for {counted(most, 'event')}"
            return "process", text, f"at most {most} left", ""
        case steps.Misread(_, record, bit, at, times):
            for_ever = "from then on" if times == 0 else counted(times, "time")
            text = f"read {at} of a segment shows bit {bit} of record {record} turned, {for_ever}"
            return "disk", text, "misread armed", "fault"
        case steps.WallClock(seconds):
            text = f"the wall clock jumps by {seconds} s"
            return "process", text, f"clock {seconds:+} s", "fault"
        case steps.Cut():
            text = "the connection breaks, and what is in the pipe is lost"
            return "link", text, "cut", "fault"
        case steps.HalfOpen(direction):
            where = f" {_DIRECTIONS.get(direction, direction)}" if direction else ""
            text = f"from here on nothing arrives{where}, and nobody is told"
            return "link", text, "half-open", "fault"
        case steps.LinkFault(kind, direction, offset, amount, connection):
            by = f" ({amount:g})" if amount else ""
            where = _DIRECTIONS.get(direction, direction)
            text = (
                f"at byte {offset} {where} of connection {connection} from now: {kind}{by} is armed"
            )
            return "link", text, f"{kind} armed", "fault"
    return None


def _broker(step: Step) -> _Told | None:
    match step:
        case steps.BrokerFault(fault):
            return "broker", f"the broker will misbehave: `{fault}`", fault, "fault"
        case steps.BrokerRestart(keeps):
            memory = "knows what it had taken" if keeps else "has forgotten everything"
            return (
                "broker",
                f"the broker ends, and another begins that {memory}",
                "restart",
                "crash",
            )
        case steps.BrokerStopsListening():
            return "broker", "the broker is gone: new connections are refused", "gone", "crash"
        case steps.BrokerListens():
            return "broker", "the broker is back, with all that it knew", "back", ""
    return None


def _rest(step: Step) -> _Told | None:
    match step:
        case steps.Snapshot():
            return "disk", "somebody copies the directory", "copy", ""
        case steps.Wipe():
            text = "somebody deletes the segments; the acknowledgement file stays"
            return "disk", text, "wiped", "fault"
        case steps.Restore():
            text = "the process is killed, and the directory is what the copy was"
            return "disk", text, "restored", "fault"
        case steps.Plant():
            text = "a sound record of another writer stands behind the newest one"
            return "disk", text, "planted", "fault"
        case steps.ExpectLevel(level):
            return "process", f"backpressure has to be {level}", f"expect {level}", ""
        case steps.ExpectDelivered(but_for):
            left = f", but for {counted(but_for, 'event')}" if but_for else ""
            return "broker", f"everything has to be delivered{left}", "expect delivered", ""
        case steps.ExpectStored(count):
            text = f"the last publish has to have stored {counted(count, 'event')}"
            return "process", text, f"expect {count} stored", ""
        case steps.ExpectRepeats(most):
            text = f"at most {counted(most, 'event')} may have been sent again"
            return "link", text, f"at most {most} again", ""
        case steps.ExpectAttempts(least, most):
            text = f"{least} to {most} links have to have been tried since"
            return "link", text, "expect attempts", ""
        case steps.Quiesce():
            text = "the faults are over; everything has to be delivered, and the log to shrink"
            return "process", text, "quiet", ""
    return None


def _in_call(after_calls: int) -> str:
    if after_calls < 0:
        return ""
    return f" in the call of the disk that follows {counted(after_calls, 'call')} from here"
