"""The fake broker as a program, and the front of its parts.

    python3 -m simulators.broker --socket broker.sock --received received.jsonl
    python3 -m simulators.broker --help                 # all misbehaviours, one line each

    topics            subscription patterns
    broker_memory     what is remembered of each log
    broker_faults, broker_fault_text, broker_dice, broker_misbehaviour     being bad, by plan
    broker_step, broker_answers, broker_session         one connection, sans-IO
    fake_broker       the broker whole, in memory
    broker_record, broker_server                        its file, its socket

Theory of operation. Standard output has `listening on PATH` once connecting works, then the
events of `--subscribe`, one JSON line each. Standard error has a line for everything that
happens unless `--quiet`, and always the summary at the end. SIGTERM and SIGINT end it. Who
pipes either of the two has to read it: a full pipe holds the broker up.

Spec: SIM-1.3.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Final, TextIO

from simulators.broker_answers import WINDOW_DEFAULT, BrokerOptions
from simulators.broker_fault_text import GRAMMAR, InvalidFault, digits, parse_fault
from simulators.broker_faults import MISBEHAVIOURS, FaultPlan, FaultRule, Misbehaviour
from simulators.broker_memory import ReceivedEvent
from simulators.broker_record import BrokerRecord, RecordError, encode_received_line
from simulators.broker_server import BrokerServer, SocketError
from simulators.fake_broker import BrokerConnection, FakeBroker
from simulators.topics import InvalidPattern, check_pattern

__all__ = ["BrokerConnection", "BrokerOptions", "FakeBroker", "FaultPlan", "main"]

EXIT_OK: Final = 0
EXIT_VIOLATIONS: Final = 1
EXIT_USAGE: Final = 2
EXIT_FAILED: Final = 3


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until a signal, and return the exit code. Raises SystemExit(2) for wrong usage."""
    if None in (sys.stdin, sys.stdout, sys.stderr):
        # The socket or the record would get the number of the closed stream, and prints with it.
        os.write(2, b"failed: a standard stream is closed; use /dev/null\n")
        return EXIT_FAILED
    options = _parser().parse_args(argv)
    try:
        return _serve(options)
    except (RecordError, SocketError) as error:
        print(f"failed: {error}", file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:  # while the record was read back
        return EXIT_OK


def _serve(options: argparse.Namespace) -> int:
    output, talk = _Lines(sys.stdout), _Lines(sys.stderr)
    record = BrokerRecord(options.received)
    try:
        broker = FakeBroker(
            FaultPlan(tuple(options.misbehave), options.seed),
            options=BrokerOptions(options.window, options.acknowledge_each),
            record=record.append,
            record_refused=record.append_refused,
        )
        count = record.read_back(None if options.forget else broker.memory)
        if record.cut_bytes:
            talk.say(f"{record.path}: cut off a last line of {record.cut_bytes} bytes")
        if count and not options.quiet:
            talk.say(f"{record.path}: {count} events {'forgotten' if options.forget else 'known'}")
        for pattern in options.subscribe:
            broker.subscribe(pattern, lambda event: output.say(_line(event)))
        asyncio.run(_run(broker, options, output, talk))
    finally:
        record.close()
    talk.say(
        f"{broker.received_count} events recorded, {broker.memory.repeats_dropped} repeats "
        f"dropped, {broker.violation_count} violations, {broker.connection_count} connections, "
        f"{sum(broker.dice.fired_count.values())} misbehaviours"
    )
    return EXIT_VIOLATIONS if broker.violation_count else EXIT_OK


async def _run(
    broker: FakeBroker, options: argparse.Namespace, output: _Lines, talk: _Lines
) -> None:
    server = BrokerServer(broker, options.socket, (lambda _: None) if options.quiet else talk.say)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, server.stop)
    await server.run(lambda: output.say(f"listening on {options.socket}"))
    if server.failure is not None:
        raise server.failure


def _line(event: ReceivedEvent) -> str:
    return encode_received_line(event).removesuffix("\n")


class _Lines:
    """A standard stream, line by line. Nobody reading it is no reason to end the broker."""

    def __init__(self, stream: TextIO) -> None:
        self._descriptor: int | None = stream.fileno()

    def say(self, line: str) -> None:
        """Write the line at once."""
        if self._descriptor is None:
            return
        data = line.encode(errors="backslashreplace") + b"\n"
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError:
            self._descriptor = None


# ---- Usage ------------------------------------------------------------------

DESCRIPTION: Final = """\
A broker for the reference's link, on a Unix socket: it records every event that it takes,
drops repeats of (log_id, sequence), acknowledges, and misbehaves exactly as it is told.
"""

EPILOG_HEAD: Final = f"""\
--misbehave takes {GRAMMAR}, as often as you like:
  refuse@5                         at the 5th publish, counted over the broker's life
  no-welcome@2                     at the 2nd connection, for those that strike there only
  stall@c2                         at the 2nd connection, for those that strike at both
  reset-before-acknowledgement%2   at each publish with a probability of 2 percent
  error%c10                        at each connection with a probability of 10 percent
  late-acknowledgement@3:0.5       with a parameter, in square brackets below
  no-acknowledgement               every time
  garbage@c*                       every time at a connection, for those that strike at both
One misbehaviour at most strikes a publish or a connection: @ before % before every time,
then in the order given. The same --seed gives the same choices.

misbehaviours:
"""

EPILOG_TAIL: Final = """
--received has one JSON object a line: log_id, client_id, sequence (a string of digits),
topic, timestamp, event. FILE.jsonl.refused has what was refused: log_id, sequence, reason.
Both are read back at start, so that a broker that was killed goes on as if it had not been.

exit codes: 0 ended by SIGTERM or SIGINT, 1 the same and a connector broke a rule of the link,
            2 usage, 3 the socket or the record cannot be used
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 -m simulators.broker",
        description=DESCRIPTION,
        epilog=EPILOG_HEAD + _catalogue() + EPILOG_TAIL,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--socket", type=Path, required=True, metavar="PATH", help="where to listen")
    add("--received", type=Path, required=True, metavar="FILE.jsonl", help="where to record")
    add("--window", type=_window, default=WINDOW_DEFAULT, metavar="N",
        help="events in flight on each connection (default %(default)s)")  # fmt: skip
    add("--acknowledge-each", action="store_true",
        help="one Acknowledge for each event, not one for all that came together")  # fmt: skip
    add("--misbehave", type=_fault, action="append", default=[], metavar="SPEC",
        help="misbehave; see below")  # fmt: skip
    add("--seed", type=int, default=0, metavar="N", help="for the choices (default 0)")
    add("--subscribe", type=_pattern, action="append", default=[], metavar="PATTERN",
        help="print events as they are recorded; '+' is one level, '#' all below")  # fmt: skip
    add("--forget", action="store_true",
        help="start without what --received says, and append to it all the same")  # fmt: skip
    add("--quiet", action="store_true", help="say nothing but the summary")
    return parser


def _catalogue() -> str:
    return "".join(_described(each) for each in MISBEHAVIOURS.values())


def _described(misbehaviour: Misbehaviour) -> str:
    places = " or ".join(place.value for place in misbehaviour.places)
    text = f"at a {places}: {misbehaviour.effect}"
    parameter = misbehaviour.parameter
    if parameter is not None:
        default = "" if parameter.default < 0 else f", {digits(parameter.default)}"
        text += f" [{parameter.meaning}{default}]"
    indent = " " * 32
    lines = textwrap.wrap(text, 64)
    return f"  {misbehaviour.name:<30}" + f"\n{indent}".join(lines) + "\n"


def _window(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 10:
        try:
            return BrokerOptions(int(text)).window
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error
    raise argparse.ArgumentTypeError(f"{text!r} is not a number of events")


def _fault(text: str) -> FaultRule:
    try:
        return parse_fault(text)
    except InvalidFault as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _pattern(text: str) -> str:
    try:
        check_pattern(text)
    except InvalidPattern as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


if __name__ == "__main__":
    sys.exit(main())
