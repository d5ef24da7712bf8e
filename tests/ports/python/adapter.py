#!/usr/bin/env python3
"""A template for adapters in Python: the reference log behind fault_injection/ports/PROTOCOL.md:
    PYTHONPATH=. python3 -m fault_injection port smoke --port "python3 tests/ports/python/adapter.py"
Copy it and change what is marked YOURS. An operation that your log does not have you delete: it is then
`unsupported`, and reported as skipped. Everything an operation does has to be done when it returns.
"""

import random
import sys
from json import dumps, loads

# YOURS: the log.
from reference.codec import decode_event, encode_event
from reference.dead_letters import DeadLetterFile
from reference.errors import WalClosed, WalError
from reference.json_lines import decode_json_line, event_as_json
from reference.limits import WalConfig
from reference.names import DEAD_LETTERS_NAME
from reference.os_filesystem import OsFilesystem
from reference.wal import WriteAheadLog

# YOURS: claim only what you have.
HELLO = {"protocol": 1, "name": "template", "language": "Python", "version": "1.0",
         "capabilities": ["codec", "log"], "limits": {}, "issues_url": ""}  # fmt: skip
logs = []  # the log that is open, or none
event_of = lambda text: decode_event(bytes.fromhex(text))  # noqa: E731: bytes travel as hexadecimal


class NotInLog(WalError): ...  # the protocol's own name: the number cannot be refused


def the_log():
    if not logs:
        raise WalClosed("no log is open")
    return logs[0]


def opened(place, fixed=None, **settings):  # `fixed` may be ignored; with it a plan writes the same bytes again
    if fixed is None:
        return WriteAheadLog.open(place, WalConfig(**settings))
    chance = {"random_bytes": random.Random(fixed).randbytes, "wall_clock_ns": lambda: 1_700_000_000_250_000_000}
    return WriteAheadLog.open(place, WalConfig(**settings), **chance)


def entries_of(log, after=0):  # numbers that may pass 2^53 travel as decimal strings
    return [{"sequence": str(e.sequence), "timestamp_ns": str(e.timestamp_ns), "event": encode_event(e.event).hex()}
            for e in log.replay(after)]  # fmt: skip


def open_log(dir, settings):
    logs.append(opened(dir, **settings))
    return {"report": logs[0].report.as_json(), "log_id": logs[0].log_id.hex()}


def refuse(sequence, reason):
    entry = next((e for e in the_log().replay() if e.sequence == int(sequence)), None)
    if entry is None:
        raise NotInLog(f"{sequence} is not in the log, or is a dead letter already")
    the_log().refuse(entry, reason)


def status():
    log = the_log()
    hidden = None if log.hidden_from is None else str(log.hidden_from)
    return {"next_sequence": str(log.next_sequence), "acknowledged_through": str(log.acknowledged_through),
            "hidden_from": hidden, "segments": log.segment_names, "used_bytes": str(log.used_bytes)}  # fmt: skip


def close():
    closed = the_log().close()
    logs.clear()
    return {"clean": closed.clean, "reason": closed.reason}


def recover(dir, settings):
    disk = OsFilesystem(dir)
    try:
        log = opened(disk, **settings)
        size = next((e.size_bytes for e in disk.list() if e.name == DEAD_LETTERS_NAME), None)
        letters = [str(each.sequence) for each in DeadLetterFile(disk, size).letters()]
        return {"report": log.report.as_json(), "next_sequence": str(log.next_sequence),
                "entries": entries_of(log), "dead_letters": letters}  # fmt: skip
    finally:
        disk.close()  # not log.close(), which would write: a crash does not


# YOURS: what each operation calls. Names, fields and results are the protocol's.
OPERATIONS = {
    "hello": lambda protocol: HELLO,
    "decode": lambda event: {"json": event_as_json(event_of(event))},
    "encode": lambda json: {"event": encode_event(decode_json_line(dumps(json), 1)).hex()},
    "open": open_log,
    "append": lambda event: {"sequence": str(the_log().append(event_of(event)))},
    "append_batch": lambda events: {"sequences": [str(n) for n in the_log().append_batch([event_of(e) for e in events])]},
    "acknowledge": lambda through: the_log().acknowledge(int(through)),
    "replay": lambda after: {"entries": entries_of(the_log(), int(after))},
    "refuse": refuse, "status": status, "close": close, "recover": recover, "bye": dict,
}  # fmt: skip


def answer(op, fields):
    if op not in OPERATIONS:
        return {"unsupported": {"capability": op}}
    try:
        return {"ok": OPERATIONS[op](**fields) or {}}
    except WalError as error:  # YOURS: the names of SPEC.md, section 11. Anything else is a defect, and ends this
        stored = {"stored": [str(n) for n in getattr(error, "stored", ())]} if op == "append_batch" else {}
        return {"error": {"code": type(error).__name__, "definite": error.definite, "text": str(error), **stored}}


for line in sys.stdin:
    request = loads(line)
    number, op = request.pop("id"), request.pop("op")
    # One write for a whole line, and a flush: its place among the system calls is the promise.
    sys.stdout.write(dumps({"id": number, **answer(op, request)}) + "\n")
    sys.stdout.flush()
    if op == "bye":  # nothing is closed: a process that goes away is no clean shutdown
        break
