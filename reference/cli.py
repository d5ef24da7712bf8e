"""`python3 -m reference`: the log from the command line.

Exit codes (Spec: CLI-1.2): 0 clean or done, 1 damage found or something failed, 2 usage,
3 refused, could not tell, or not confirmed. Warnings and errors go to standard error.

Not here: the commands themselves (cli_append.py, cli_tools.py).
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TextIO

from reference.cli_append import append_lines, standard_input
from reference.cli_run import run
from reference.cli_tools import (
    EXIT_CLEAN,
    EXIT_DAMAGE,
    EXIT_REFUSED,
    run_dump,
    run_inspect,
    run_reidentify,
    run_salvage,
    run_verify,
)
from reference.connector_config import ConnectorConfig
from reference.connector_errors import BrokerAddressError
from reference.errors import OpenRefused, WalError, describe
from reference.filesystem import Filesystem
from reference.json_lines import encode_entry_line
from reference.limits import MIB, ConfigError, WalConfig
from reference.messages import ERASE_LINE, give_up_if_broken, say
from reference.os_filesystem import OsFilesystem
from reference.wal import WriteAheadLog

EXIT_USAGE: Final = 2

DESCRIPTION: Final = """\
A write-ahead log for process events: durable when a number is printed, replayed until
acknowledged, readable after any crash. The specification is reference/SPEC.md.

  python3 -m simulators.process_events --proc | python3 -m reference append --wal-dir wal
  DAEMONEYE_BROKER_SOCKET=broker.sock python3 -m reference run --wal-dir wal < events.jsonl
  python3 -m reference inspect --wal-dir wal
  python3 -m reference replay --wal-dir wal | head -n 3
  python3 -m reference acknowledge --wal-dir wal --through 100
"""

EPILOG: Final = """\
exit codes: 0 clean or done, 1 damage found or something failed, 2 usage,
            3 refused (locked, unsafe directory, unsupported version, I/O error),
              could not tell, or not confirmed with --yes
"""

PRINTING_COMMANDS: Final = ("replay", "inspect", "dump")
"""What they are for is their output: who has read enough of it may leave."""

ToolCommand = Callable[[Filesystem, argparse.Namespace, TextIO], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    if None in (sys.stdin, sys.stdout, sys.stderr):
        # A file of the log would get the number of the closed stream, and messages with it.
        print("refused: a standard stream is closed; use /dev/null", file=sys.stderr)
        return EXIT_REFUSED
    options = _parser().parse_args(argv)
    handler = logging.StreamHandler(sys.stderr)
    erase = ERASE_LINE if options.command == "run" and sys.stderr.isatty() else ""
    handler.setFormatter(logging.Formatter(f"{erase}%(levelname)s: %(message)s"))
    logger = logging.getLogger("reference")
    logger.addHandler(handler)
    try:
        code: int = options.run(options)
        sys.stdout.flush()
    except OpenRefused as error:
        say(f"refused: {error}")
        return EXIT_REFUSED
    except (WalError, ConfigError) as error:
        say(f"failed: {error}")
        is_usage = isinstance(error, (ConfigError, BrokerAddressError))
        return EXIT_USAGE if is_usage else EXIT_DAMAGE
    except BrokenPipeError:  # the reader of our output left
        return EXIT_CLEAN if options.command in PRINTING_COMMANDS else EXIT_DAMAGE
    except OSError as error:
        say(f"refused: {options.wal_dir}: {describe(error)}")
        return EXIT_REFUSED
    finally:
        logger.removeHandler(handler)
        for stream in (sys.stdout, sys.stderr):
            give_up_if_broken(stream)
    return code


# ---- Commands that open the log ---------------------------------------------


def _append(options: argparse.Namespace) -> int:
    config = WalConfig(
        rotation_bytes=options.rotation_bytes,
        file_bytes_max=max(options.rotation_bytes, WalConfig().file_bytes_max),
    )
    with WriteAheadLog.open(options.wal_dir, config) as log:
        refused = append_lines(log, standard_input(), sys.stdout, sys.stderr)
    if refused:
        say(f"{refused} lines were refused; the others are stored")
    return EXIT_DAMAGE if refused else EXIT_CLEAN


def _replay(options: argparse.Namespace) -> int:
    _require_directory(options.wal_dir)
    with WriteAheadLog.open(options.wal_dir) as log:
        for entry in log.replay(options.after):
            sys.stdout.write(encode_entry_line(entry) + "\n")
        return EXIT_CLEAN if log.report.is_clean else EXIT_DAMAGE


def _acknowledge(options: argparse.Namespace) -> int:
    _require_directory(options.wal_dir)
    with WriteAheadLog.open(options.wal_dir) as log:
        log.acknowledge(options.through)
        is_durable = log.flush()
        print(
            f"acknowledged through {log.acknowledged_through}, "
            f"next sequence {log.next_sequence}, files: {', '.join(log.segment_names)}"
        )
    return EXIT_CLEAN if is_durable else EXIT_DAMAGE


def _tool(command: ToolCommand) -> Callable[[argparse.Namespace], int]:
    def run(options: argparse.Namespace) -> int:
        with OsFilesystem(options.wal_dir, create=False) as filesystem:
            return command(filesystem, options, sys.stdout)

    return run


def _require_directory(path: str) -> None:
    """Raise FileNotFoundError, rather than create a log where somebody mistyped a path."""
    if not Path(path).is_dir():
        raise FileNotFoundError(2, "no such directory", path)


# ---- Arguments --------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 -m reference", description=DESCRIPTION, epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(
        name: str, run: Callable[[argparse.Namespace], int], summary: str, details: str
    ) -> argparse.ArgumentParser:
        command = commands.add_parser(
            name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.\n\n{details}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )  # fmt: skip
        command.add_argument("--wal-dir", required=True, metavar="DIR", help="the log's directory")
        command.set_defaults(run=run)
        return command

    append = add(
        "append", _append, "store JSON Lines events from standard input",
        "Prints each event's sequence number on a line of its own, only once it is durable.\n"
        "What waits in the pipe shares one sync; a lone event is not delayed. A line that is\n"
        "no event is refused on standard error (exit 1 at the end) and costs only itself.\n"
        "SIGINT and SIGTERM stop reading and close the log cleanly.",
    )  # fmt: skip
    deliver = add(
        "run", run, "store JSON Lines events and deliver them to the broker",
        "The broker's Unix socket is named by DAEMONEYE_BROKER_SOCKET. Events are stored at once,\n"
        "broker or not, and delivered in order in the background. The end of the input waits for\n"
        "acknowledgement; SIGINT and SIGTERM only for answers that are outstanding. Exit 0 if\n"
        "everything is acknowledged, 1 if something is left in the log (and how much).",
    )  # fmt: skip
    deliver.add_argument(
        "--buffer-bytes", type=int, default=ConnectorConfig().buffer_bytes, metavar="N",
        help="keep undelivered events of N bytes in memory, the rest in the log (default: 10 MiB)",
    )  # fmt: skip
    deliver.add_argument(
        "--drain-seconds", type=_seconds, default=30.0, metavar="S",
        help="after the end of the input wait at most S seconds for acknowledgement (default: 30)",
    )  # fmt: skip
    deliver.add_argument(
        "--status-json", action="store_true",
        help="print the status as JSON Lines on standard output: at each change of link or\n"
        "backpressure, and every second",
    )  # fmt: skip
    for command in (append, deliver):
        command.add_argument(
            "--rotation-bytes", type=int, default=80 * MIB, metavar="N",
            help="start a new file once one has reached N bytes (default: 80 MiB)",
        )  # fmt: skip
    replay = add(
        "replay", _replay, "print the entries that are not acknowledged",
        "JSON Lines {sequence, timestamp, event}, in order. Opens the log, so recovery runs\n"
        "first: what is printed is durable. Exit 1 if recovery found damage.",
    )  # fmt: skip
    replay.add_argument(
        "--after", type=_sequence, default=0, metavar="N", help="only sequences above N"
    )
    acknowledge = add(
        "acknowledge", _acknowledge, "settle entries, so that their files can be deleted",
        "Settles every sequence up to and with N. Files that hold only settled entries go,\n"
        "except the newest.",
    )  # fmt: skip
    acknowledge.add_argument("--through", type=_sequence, required=True, metavar="N")
    add(
        "inspect", _tool(run_inspect), "show files, records, numbers and damage",
        "Changes nothing; works on a live or damaged directory.",
    )  # fmt: skip
    verify = add(
        "verify", _tool(run_verify), "check every byte and say what is damaged",
        "Changes nothing. On a live log an unfinished end is not damage. Exit 0 clean,\n"
        "1 damage, 3 if a read failed or the version is not supported.",
    )  # fmt: skip
    verify.add_argument("--json", action="store_true", help="print the report as JSON")
    dump = add(
        "dump", _tool(run_dump), "show bytes with the name of every field",
        "Changes nothing. One record (--sequence), one file (--file), or everything.",
    )  # fmt: skip
    dump.add_argument("--sequence", type=_sequence, metavar="N")
    dump.add_argument("--file", metavar="NAME", help="such as procmond-00001.wal")
    salvage = add(
        "salvage", _tool(run_salvage), "replace files with unreadable sectors by readable copies",
        "For a log that open refuses with an I/O error. Offline: stops if a log is running.\n"
        "Says what it will do; does it only with --yes. The original file is kept.",
    )  # fmt: skip
    reidentify = add(
        "reidentify", _tool(run_reidentify), "give a directory restored from a copy a new log_id",
        "Without it, a broker that knows the numbers of the original drops new events as\n"
        "repeats. Says what it will do; does it only with --yes.",
    )  # fmt: skip
    for command in (salvage, reidentify):
        command.add_argument("--yes", action="store_true", help="do it")
    return parser


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds <= 10**6:
        raise argparse.ArgumentTypeError(f"{text} is not from 0 to 1000000 seconds")
    return seconds


def _sequence(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{number} is not a sequence")
    return number
