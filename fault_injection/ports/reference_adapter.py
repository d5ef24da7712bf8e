"""The reference behind the adapter protocol: a template for Python, and the kit's own check.

    python3 -m fault_injection.ports.reference_adapter

A port's adapter looks like this file: a loop over lines, a table of operations, one log.
PROTOCOL.md has the rules. Spec: PRT-1.1.
"""

from __future__ import annotations

import random
import shlex
import sys
import time
from collections.abc import Callable
from json import dumps, loads
from typing import Any

from reference.codec import decode_event, encode_event
from reference.dead_letters import DeadLetterFile
from reference.errors import AppendError, WalError
from reference.json_lines import decode_json_line, event_as_json
from reference.limits import SPEC_VERSION, WalConfig
from reference.names import DEAD_LETTERS_NAME
from reference.os_filesystem import OsFilesystem
from reference.wal import WriteAheadLog

FIXED_CLOCK_NS = 1_700_000_000_250_000_000
RUN = (
    f"{shlex.quote(sys.executable)} -m reference run --wal-dir {{dir}} "
    "--buffer-bytes {buffer_bytes} --rotation-bytes {rotation_bytes}"
)
_log: list[WriteAheadLog] = []


class NotInLog(WalError):
    """The protocol's: the number is none that could be refused."""


def _open_log(directory: Any, settings: dict[str, int]) -> WriteAheadLog:
    limits = {name: value for name, value in settings.items() if name != "fixed"}
    if "fixed" not in settings:
        return WriteAheadLog.open(directory, WalConfig(**limits))
    return WriteAheadLog.open(
        directory, WalConfig(**limits), wall_clock_ns=lambda: FIXED_CLOCK_NS,
        monotonic_ns=time.monotonic_ns, random_bytes=random.Random(settings["fixed"]).randbytes,
    )  # fmt: skip


def _entries(log: WriteAheadLog, after: int = 0) -> list[dict[str, str]]:
    return [
        {
            "sequence": str(entry.sequence),
            "timestamp_ns": str(entry.timestamp_ns),
            "event": encode_event(entry.event).hex(),
        }
        for entry in log.replay(after)
    ]


def hello(protocol: int) -> dict[str, object]:
    return {
        "protocol": 1, "name": "reference", "language": "Python", "version": SPEC_VERSION,
        "capabilities": ["codec", "log", "connector"], "limits": {"run": RUN}, "issues_url": "",
    }  # fmt: skip


def decode(event: str) -> dict[str, object]:
    return {"json": event_as_json(decode_event(bytes.fromhex(event)))}


def encode(json: dict[str, object]) -> dict[str, object]:
    return {"event": encode_event(decode_json_line(dumps(json), 1)).hex()}


def open_log(dir: str, settings: dict[str, int]) -> dict[str, object]:
    assert not _log, "one log at a time"
    _log.append(_open_log(dir, settings))
    return {"report": _log[0].report.as_json(), "log_id": _log[0].log_id.hex()}


def append(event: str) -> dict[str, object]:
    return {"sequence": str(_log[0].append(decode_event(bytes.fromhex(event))))}


def append_batch(events: list[str]) -> dict[str, object]:
    sequences = _log[0].append_batch([decode_event(bytes.fromhex(each)) for each in events])
    return {"sequences": [str(each) for each in sequences]}


def acknowledge(through: str) -> dict[str, object]:
    _log[0].acknowledge(int(through))
    return {}


def refuse(sequence: str, reason: str) -> dict[str, object]:
    entries = (entry for entry in _log[0].replay() if entry.sequence == int(sequence))
    if (entry := next(entries, None)) is None:
        raise NotInLog(f"{sequence} is not in the log, or is a dead letter already")
    _log[0].refuse(entry, reason)
    return {}


def replay(after: str) -> dict[str, object]:
    return {"entries": _entries(_log[0], int(after))}


def status() -> dict[str, object]:
    log = _log[0]
    return {
        "next_sequence": str(log.next_sequence),
        "acknowledged_through": str(log.acknowledged_through),
        "hidden_from": None if log.hidden_from is None else str(log.hidden_from),
        "segments": log.segment_names,
        "used_bytes": str(log.used_bytes),
    }


def next_sequence() -> int:
    """Of the open log: for adapters that are made from this one."""
    return _log[0].next_sequence


def close() -> dict[str, object]:
    report = _log.pop().close()
    return {"clean": report.clean, "reason": report.reason}


def recover(dir: str, settings: dict[str, int]) -> dict[str, object]:
    disk = OsFilesystem(dir)
    try:
        log = _open_log(disk, settings)
        sizes = {entry.name: entry.size_bytes for entry in disk.list()}
        letters = DeadLetterFile(disk, sizes.get(DEAD_LETTERS_NAME)).letters()
        return {
            "report": log.report.as_json(), "next_sequence": str(log.next_sequence),
            "entries": _entries(log), "dead_letters": [str(each.sequence) for each in letters],
        }  # fmt: skip
    finally:
        disk.close()


OPERATIONS: dict[str, Callable[..., dict[str, object]]] = {
    "hello": hello, "decode": decode, "encode": encode, "open": open_log, "append": append,
    "append_batch": append_batch, "acknowledge": acknowledge, "refuse": refuse,
    "replay": replay, "status": status, "close": close, "recover": recover,
}  # fmt: skip

SKIPPED: dict[str, str] = {}
"""Operations that are known to be broken, and why. A port has some on its way; this has none."""


def answer(request: dict[str, Any]) -> dict[str, object]:
    """Return the reply without its id."""
    op = request.pop("op")
    if op == "bye":
        return {"ok": {}}
    if op not in OPERATIONS:
        return {"unsupported": {"capability": op}}
    if op in SKIPPED:
        return {"skipped": {"reason": SKIPPED[op], "issue_url": ""}}
    try:
        return {"ok": OPERATIONS[op](**request)}
    except OSError as error:  # of an open: the log is as it was
        return {"error": {"code": "OSError", "definite": True, "text": str(error)}}
    except WalError as error:
        code: dict[str, object] = {"code": type(error).__name__, "definite": error.definite}
        if op == "append_batch" and isinstance(error, AppendError):
            code["stored"] = [str(each) for each in error.stored]
        elif op == "append_batch":
            code["stored"] = []
        return {"error": {**code, "text": str(error)}}


def main() -> None:
    """Answer every line; end at the end of the input, without closing the log."""
    for line in sys.stdin:
        request = loads(line)
        number = request.pop("id")
        is_last = request["op"] == "bye"
        sys.stdout.write(dumps({"id": number, **answer(request)}) + "\n")
        sys.stdout.flush()
        if is_last:
            return


if __name__ == "__main__":
    main()
