"""The reference behind the adapter protocol, whole and strict: the kit's own check.

    python3 -m fault_injection.ports.reference_adapter

A port's adapter looks like this file: a loop over lines, a table of operations, one log. To
begin with there is a shorter one, tests/ports/python/adapter.py. PROTOCOL.md has the rules.
Spec: PRT-1.1.
"""

from __future__ import annotations

import functools
import random
import shlex
import sys
import time
from collections.abc import Callable
from json import dumps, loads
from typing import Any

from fault_injection.ports import protocol, reference_bytes
from fault_injection.ports.shapes import fault, object_of
from reference.codec import decode_event, encode_event
from reference.dead_letters import DeadLetterFile
from reference.errors import AppendError, DecodeError, InvalidJsonLine, WalClosed, WalError
from reference.json_lines import decode_json_line, event_as_json
from reference.limits import SPEC_VERSION, ConfigError, WalConfig
from reference.names import DEAD_LETTERS_NAME
from reference.os_filesystem import OsFilesystem
from reference.wal import WriteAheadLog

FIXED_CLOCK_NS = 1_700_000_000_250_000_000
RUN = (
    f"{shlex.quote(sys.executable)} -m reference run --wal-dir {{dir}} "
    "--buffer-bytes {buffer_bytes} --rotation-bytes {rotation_bytes}"
)
_log: list[WriteAheadLog] = []
"""The one that is open."""
_is_over: list[bool] = []
"""Not empty after `bye`."""


class NotInLog(WalError):
    """The protocol's: the number is none that could be refused."""


class BadRequest(WalError):
    """The protocol's: a request that makes no sense."""


def _opened() -> WriteAheadLog:
    if not _log:
        raise WalClosed
    return _log[0]


def _open_log(directory: Any, settings: dict[str, int]) -> WriteAheadLog:
    if _log:
        raise BadRequest("a log is open: one at a time")
    try:
        config = WalConfig(**{name: n for name, n in settings.items() if name != "fixed"})
    except (ConfigError, TypeError) as error:
        raise BadRequest(f"settings: {error}") from error
    if "fixed" not in settings:
        return WriteAheadLog.open(directory, config)
    return WriteAheadLog.open(
        directory, config, wall_clock_ns=lambda: FIXED_CLOCK_NS,
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
        "capabilities": ["codec", "log", "connector", "bytes"], "limits": {"run": RUN},
        "issues_url": "",
    }  # fmt: skip


def decode(event: str) -> dict[str, object]:
    return {"json": event_as_json(decode_event(bytes.fromhex(event)))}


def encode(json: dict[str, object]) -> dict[str, object]:
    return {"event": encode_event(decode_json_line(dumps(json), 1)).hex()}


def open_log(dir: str, settings: dict[str, int]) -> dict[str, object]:
    log = _open_log(dir, settings)
    _log.append(log)
    return {"report": log.report.as_json(), "log_id": log.log_id.hex()}


def append(event: str) -> dict[str, object]:
    return {"sequence": str(_opened().append(decode_event(bytes.fromhex(event))))}


def append_batch(events: list[str]) -> dict[str, object]:
    sequences = _opened().append_batch([decode_event(bytes.fromhex(each)) for each in events])
    return {"sequences": [str(each) for each in sequences]}


def acknowledge(through: str) -> dict[str, object]:
    _opened().acknowledge(int(through))
    return {}


def refuse(sequence: str, reason: str) -> dict[str, object]:
    entries = (each for each in _opened().replay() if each.sequence == int(sequence))
    if (entry := next(entries, None)) is None:
        raise NotInLog(f"{sequence} is not in the log, or is a dead letter already")
    _opened().refuse(entry, reason)
    return {}


def replay(after: str) -> dict[str, object]:
    return {"entries": _entries(_opened(), int(after))}


def status() -> dict[str, object]:
    log = _opened()
    return {
        "next_sequence": str(log.next_sequence),
        "acknowledged_through": str(log.acknowledged_through),
        "hidden_from": None if log.hidden_from is None else str(log.hidden_from),
        "segments": log.segment_names,
        "used_bytes": str(log.used_bytes),
    }


def next_sequence() -> int:
    """Of the open log: for adapters that are made from this one."""
    return _opened().next_sequence


def close() -> dict[str, object]:
    report = _opened().close()
    _log.clear()
    return {"clean": report.clean, "reason": report.reason}


def recover(dir: str, settings: dict[str, int]) -> dict[str, object]:
    if _log:
        raise BadRequest("a log is open: recover after close")
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


def bye() -> dict[str, object]:
    _is_over.append(True)
    return {}


def _of_bytes(operation: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, object]]:
    @functools.wraps(operation)
    def asked(**fields: object) -> dict[str, object]:
        return {"then": operation(**fields)}

    return asked


OPERATIONS: dict[str, Callable[..., dict[str, object]]] = {
    "hello": hello, "decode": decode, "encode": encode, "open": open_log, "append": append,
    "append_batch": append_batch, "acknowledge": acknowledge, "refuse": refuse,
    "replay": replay, "status": status, "close": close, "recover": recover, "bye": bye,
    **{name: _of_bytes(each) for name, each in reference_bytes.OPERATIONS.items()},
}  # fmt: skip

SKIPPED: dict[str, str] = {}
"""Operations that are known to be broken, and why. A port has some on its way; this has none."""


def answer(request: dict[str, Any]) -> dict[str, object]:
    """Return the reply without its id."""
    op = request.pop("op")
    if op not in OPERATIONS:
        return {"unsupported": {"capability": op}}
    if op in SKIPPED:
        return {"skipped": {"reason": SKIPPED[op], "issue_url": ""}}
    try:
        shape = object_of(f"a request of {op}", protocol.OPERATIONS[op].request)
        if wrong := fault(shape, request):
            raise BadRequest(f"{op}: {wrong.at or 'it'} {wrong.text}")
        return {"ok": OPERATIONS[op](**request)}
    except OSError as error:  # of an open: the log is as it was
        return {"error": {"code": "OSError", "definite": True, "text": str(error)}}
    except WalError as error:
        fields: dict[str, object] = {}
        if op == "append_batch":
            stored = error.stored if isinstance(error, AppendError) else ()
            fields["stored"] = [str(each) for each in stored]
        return _error(error, **fields)


def _error(error: WalError, **fields: object) -> dict[str, object]:
    code = {"code": type(error).__name__, "definite": error.definite, "text": str(error)}
    if isinstance(error, DecodeError):
        fields["offset"] = error.offset
    if isinstance(error, InvalidJsonLine):
        fields |= {"field": error.field, "line_number": error.line_number}
    return {"error": {**code, **fields}}


def reply_to(line: str) -> dict[str, object]:
    """Return the whole reply to a line, whatever is on it."""
    try:
        request = loads(line)
    except (ValueError, RecursionError) as error:
        return {"id": None, **_error(BadRequest(f"not JSON: {error}"))}
    if not isinstance(request, dict) or "id" not in request:
        return {"id": None, **_error(BadRequest("not an object with an id"))}
    number = request.pop("id")
    if not isinstance(request.get("op"), str):
        return {"id": number, **_error(BadRequest("no op"))}
    return {"id": number, **answer(request)}


def main() -> None:
    """Answer every line; end after `bye` and at the end of the input, without closing the log."""
    for line in sys.stdin:
        sys.stdout.write(dumps(reply_to(line)) + "\n")
        sys.stdout.flush()
        if _is_over:
            return


if __name__ == "__main__":
    main()
