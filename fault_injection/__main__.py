"""`python3 -m fault_injection`: installs a mutant if one is asked for, then the command line.

This has to come first: a mutant changes the reference as it is imported.
"""

from __future__ import annotations

import os
import sys

MUTANT_OPTION = "--mutant"


def _wanted_mutant(arguments: list[str]) -> str:
    """Take `--mutant NAME` out of the arguments; return NAME."""
    for index, argument in enumerate(arguments):
        if argument == MUTANT_OPTION and index + 1 < len(arguments):
            name = arguments[index + 1]
            del arguments[index : index + 2]
            return name
        if argument.startswith(MUTANT_OPTION + "="):
            del arguments[index]
            return argument.partition("=")[2]
    return ""


def main() -> int:
    """Run the command line; return its exit code."""
    arguments = sys.argv[1:]
    mutant = _wanted_mutant(arguments)
    if mutant:
        from fault_injection.errors import UsageError
        from fault_injection.mutants import install
        from fault_injection.options import single_file

        if single_file() is not None:
            print("error: --mutant changes source files: it needs a checkout", file=sys.stderr)
            return 2
        try:
            install(mutant)
        except UsageError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
        os.environ["PROCMOND_MUTANT"] = mutant  # for the workers
    from fault_injection.cli import run

    return run(arguments)


def exit_with_main() -> None:
    """Run the command line and end with its exit code: what the single file calls."""
    sys.exit(main())


if __name__ == "__main__":
    exit_with_main()
