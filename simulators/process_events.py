"""A source of process events: the processes of this machine, or made-up ones.

    python3 -m simulators.process_events --proc --follow
    python3 -m simulators.process_events --count 1000 --seed 7

Theory of operation. `ProcessLifecycle` is told at each scan which processes live, and
compares that with what it remembers. A process is its pid *and* its start time:

    remembered, not seen any more                 stop
    same pid, other start time (reused pid)       stop of the old, start of the new
    not remembered                                start
    other executable, name or command line        modify

Stops come from the remembered processes, not from those that can still be listed, and
carry what was last known. A fact that cannot be read this time is not a change: the last
known one stays. Kernel threads never execute a program, but workers put their current job
into their name, so a changed name of a kernel thread is no event.

Within a scan, stops come first, then starts and modifications, each by start time and pid.
All events of one scan have the same timestamp.

Limits. Scanning sees states, not calls: a process that starts and ends between two scans
is never seen, and of several changes only the last is. Reading `cmdline` waits for the
memory lock of that process, so one stuck in the kernel can hold up a scan.

Not here: reading /proc (proc_reader.py), the generator (synthetic_events.py), and making
events durable: pipe them into `python3 -m reference append`.

Spec: EVT-3.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import itertools
import math
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, BinaryIO, Final

from reference.events import EventType, ProcessEvent
from reference.json_lines import encode_json_line
from simulators.proc_reader import ProcessFacts, ProcReader, ProcUnavailable, start_order
from simulators.synthetic_events import synthetic_events

EXIT_OK: Final = 0
EXIT_OUTPUT_FAILED: Final = 1
EXIT_NO_PROC: Final = 3  # 2 is argparse's, for usage

INTERVAL_DEFAULT_S: Final = 1.0
INTERVAL_MAX_S: Final = 86_400.0
"""A day. Far larger numbers overflow the sleep call."""
STOP_GRACE_S: Final = 1
"""A signal waits this long for the line that is being written, since half a line is an
error for the next program. Then it no longer waits: the reader may be stuck for good."""

CUT_METADATA: Final = '{"command_line_cut":true}'


# ---- From scans to events ---------------------------------------------------


class ProcessLifecycle:
    """Remembers the live processes, and turns each scan into the events since the last."""

    def __init__(self) -> None:
        self._live: dict[int, ProcessFacts] = {}

    def observe(self, processes: Iterable[ProcessFacts], timestamp_ns: int) -> list[ProcessEvent]:
        """Return the events of one scan: `processes` are all that live now. Spec: EVT-3.1."""
        stopped: list[ProcessFacts] = []
        seen: list[tuple[EventType, ProcessFacts]] = []
        live: dict[int, ProcessFacts] = {}
        for now in sorted(processes, key=start_order):
            last = self._live.pop(now.pid, None)
            if last is not None and _is_another_process(last, now):
                stopped.append(last)
                last = None
            if last is None:
                seen.append((EventType.START, now))
                live[now.pid] = now
                continue
            is_changed = _is_changed(last, now)
            live[now.pid] = merged = _with_last_known(last, now, is_changed=is_changed)
            if is_changed:
                seen.append((EventType.MODIFY, merged))
        stopped += self._live.values()  # remembered, and nobody asked for them
        self._live = live
        stopped.sort(key=start_order)
        return [
            _event(kind, facts, timestamp_ns)
            for kind, facts in [*((EventType.STOP, facts) for facts in stopped), *seen]
        ]


def scans(
    reader: ProcReader,
    *,
    interval_s: float,
    wall_clock_ns: Callable[[], int],
    sleep: Callable[[float], None],
) -> Iterator[list[ProcessEvent]]:
    """Yield the events of one scan after another, for ever; the first has only starts.

    The pause is between the end of a scan and the next. Raises ProcUnavailable.
    """
    lifecycle = ProcessLifecycle()
    while True:
        processes = reader.read()
        # Read the clock after the scan: nothing is seen before it happened.
        yield lifecycle.observe(processes, wall_clock_ns())
        sleep(interval_s)


def _is_another_process(last: ProcessFacts, now: ProcessFacts) -> bool:
    return None not in (last.start_ticks, now.start_ticks) and last.start_ticks != now.start_ticks


def _is_changed(last: ProcessFacts, now: ProcessFacts) -> bool:
    if now.is_kernel_thread:
        return False
    return (
        now.name not in (None, last.name)
        or now.executable_path not in (None, last.executable_path)
        or now.command_line not in (None, last.command_line)
    )


def _with_last_known(last: ProcessFacts, now: ProcessFacts, *, is_changed: bool) -> ProcessFacts:
    """Return `now`, with what it does not know taken from `last`."""
    program = ("executable_path", "command_line")
    known: dict[str, Any] = {
        field: getattr(last, field)
        for field, value in now._asdict().items()
        # After an exec the old program is no answer.
        if value is None and not (is_changed and field in program)
    }
    if "executable_path" in known:
        known["file_exists"] = last.file_exists
    if "command_line" in known:
        known["command_line_is_cut"] = last.command_line_is_cut
    return now._replace(**known)


def _event(event_type: EventType, facts: ProcessFacts, timestamp_ns: int) -> ProcessEvent:
    return ProcessEvent(
        event_type=event_type,
        pid=facts.pid,
        ppid=facts.ppid,
        name=facts.name or "",
        executable_path=facts.executable_path,
        command_line=facts.command_line or (),
        start_time_ns=facts.start_time_ns,
        cpu_usage=facts.cpu_usage,
        memory_usage=facts.memory_usage,
        executable_hash=None,
        hash_algorithm=None,
        user_id=facts.user_id,
        accessible=facts.accessible,
        file_exists=facts.file_exists,
        timestamp_ns=timestamp_ns,
        platform_metadata=CUT_METADATA if facts.command_line_is_cut else None,
    )


# ---- The command ------------------------------------------------------------


def main(
    argv: Sequence[str] | None = None,
    *,
    output: BinaryIO | None = None,
    proc_root: Path = Path("/proc"),
    wall_clock_ns: Callable[[], int] = time.time_ns,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Write the events that `argv` asks for to `output` and return the exit code.

    `output` is standard output unless given. Raises SystemExit(2) for wrong usage.
    """
    arguments = _parse_arguments(argv)
    if output is None:
        if sys.stdout is None:
            return _fail(EXIT_OUTPUT_FAILED, "standard output is closed")
        # Bytes, not text: JSON Lines are UTF-8 whatever the locale says.
        output = sys.stdout.buffer
    try:
        with _StopSignals(sleep) as stop:
            _write_scans(_chosen_scans(arguments, proc_root, wall_clock_ns, stop), output, stop)
    except (_Stopped, KeyboardInterrupt, BrokenPipeError):
        _abandon(output)
    except ProcUnavailable as error:
        return _fail(EXIT_NO_PROC, str(error))
    except OSError as error:
        _abandon(output)
        return _fail(EXIT_OUTPUT_FAILED, f"cannot write to standard output: {error}")
    return EXIT_OK


def _chosen_scans(
    arguments: argparse.Namespace,
    proc_root: Path,
    wall_clock_ns: Callable[[], int],
    stop: _StopSignals,
) -> Iterator[Iterable[ProcessEvent]]:
    if not arguments.proc:
        yield synthetic_events(arguments.count, arguments.seed)
        return
    all_scans = scans(
        ProcReader(proc_root),
        interval_s=arguments.interval,
        wall_clock_ns=wall_clock_ns,
        sleep=stop.sleep,
    )
    yield from all_scans if arguments.follow else itertools.islice(all_scans, 1)


def _write_scans(
    chosen: Iterable[Iterable[ProcessEvent]], output: BinaryIO, stop: _StopSignals
) -> None:
    for events in chosen:
        for event in events:
            output.write(encode_json_line(event).encode() + b"\n")
            if stop.is_requested:
                break
        output.flush()
        if stop.is_requested or _reader_is_gone(output):
            return


def _reader_is_gone(output: BinaryIO) -> bool:
    """Return whether nobody can read `output` any more.

    Without this, a quiet machine would keep the program running long after the pipe closed.
    """
    try:
        poll = select.poll()
        poll.register(output.fileno(), 0)
        return bool(poll.poll(0))
    except (AttributeError, io.UnsupportedOperation):  # no poll on Windows; a BytesIO
        return False


def _abandon(output: BinaryIO) -> None:
    """Send what is still buffered nowhere, so that the flush at exit cannot fail or hang."""
    with contextlib.suppress(io.UnsupportedOperation):
        descriptor = output.fileno()
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, descriptor)
        os.close(null)


def _fail(exit_code: int, message: str) -> int:
    print(f"process_events: {message}", file=sys.stderr)
    return exit_code


class _Stopped(Exception):
    """SIGINT or SIGTERM came, and nothing is half-done or it cannot be finished."""


class _StopSignals:
    """SIGINT and SIGTERM as a request to stop at the end of the line or the pause.

    Raising from the handler anywhere would leave half a line in the pipe. So it raises
    only during `sleep`; elsewhere it sets `is_requested`, and an alarm that raises after
    STOP_GRACE_S in case the writer is blocked.
    """

    def __init__(self, sleep: Callable[[float], None]) -> None:
        self.is_requested = False
        self._is_sleeping = False
        self._sleep = sleep
        self._replaced: list[tuple[int, signal._HANDLER]] = []

    def __enter__(self) -> _StopSignals:
        if threading.current_thread() is threading.main_thread():
            self._handle(signal.SIGTERM, self._on_stop)
            # A shell starts background jobs with SIGINT ignored, and means it.
            if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
                self._handle(signal.SIGINT, self._on_stop)
            if hasattr(signal, "SIGALRM"):
                self._handle(signal.SIGALRM, self._on_alarm)
        return self

    def __exit__(self, *_: object) -> None:
        if self.is_requested and hasattr(signal, "alarm"):
            signal.alarm(0)
        for number, handler in self._replaced:
            signal.signal(number, handler)

    def sleep(self, seconds: float) -> None:
        self._is_sleeping = True
        try:
            # In this order: a signal before the flag is set is seen here, one after raises.
            if self.is_requested:
                raise _Stopped
            self._sleep(seconds)
        finally:
            self._is_sleeping = False

    def _handle(self, number: int, handler: Callable[[int, FrameType | None], None]) -> None:
        self._replaced.append((number, signal.signal(number, handler)))

    def _on_stop(self, number: int, frame: FrameType | None) -> None:
        self.is_requested = True
        if self._is_sleeping:
            raise _Stopped
        if hasattr(signal, "alarm"):
            signal.alarm(STOP_GRACE_S)

    def _on_alarm(self, number: int, frame: FrameType | None) -> None:
        raise _Stopped


# ---- Usage ------------------------------------------------------------------

_EXAMPLES: Final = """\
examples:
  python3 -m simulators.process_events --proc
      one start event per live process
  python3 -m simulators.process_events --proc --follow | python3 -m reference append --wal-dir wal
      the agent in small: watch this machine and make every event durable
  python3 -m simulators.process_events --proc --follow --interval 0.2 | grep '"event_type":"stop"'
      what ends, looked at five times a second
  python3 -m simulators.process_events --count 100000 --seed 7 > events.jsonl
      made-up events, the same bytes each time

exit codes: 0 done, or stopped by SIGINT, SIGTERM or a closed pipe; 1 standard output
failed; 2 wrong usage; 3 /proc is not available
"""


def _parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python3 -m simulators.process_events",
        description="Write process events as JSON Lines to standard output.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--proc", action="store_true", help="the live processes in /proc")
    source.add_argument("--count", type=_natural, metavar="N", help="N made-up events")
    parser.add_argument(
        "--follow", action="store_true", help="with --proc: keep looking; start, stop, modify"
    )
    parser.add_argument(
        "--interval",
        type=_interval,
        metavar="SECONDS",
        help=f"with --follow: pause between two looks (default {INTERVAL_DEFAULT_S})",
    )
    parser.add_argument(
        "--seed", type=_natural, metavar="S", help="with --count: which events (default 0)"
    )
    arguments = parser.parse_args(argv)
    for option, is_given, needed, is_met in (
        ("--follow", arguments.follow, "--proc", arguments.proc),
        ("--interval", arguments.interval is not None, "--follow", arguments.follow),
        ("--seed", arguments.seed is not None, "--count", arguments.count is not None),
    ):
        if is_given and not is_met:
            parser.error(f"{option} goes with {needed}")
    if arguments.interval is None:
        arguments.interval = INTERVAL_DEFAULT_S
    if arguments.seed is None:
        arguments.seed = 0
    return arguments


def _natural(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to 10^18 - 1")
    return int(text)


def _interval(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= INTERVAL_MAX_S:  # false for NaN too
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a number of seconds above 0 and up to {INTERVAL_MAX_S:.0f}"
        )
    return seconds


if __name__ == "__main__":
    sys.exit(main())
