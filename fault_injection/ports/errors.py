"""What can go wrong between the kit and a port's adapter, each told apart.

None of them is an answer: an answer is a reply, and a refusal is an orderly one. Spec: PRT-1.2.
"""

from __future__ import annotations

import signal

from fault_injection.subject import Died


def signal_name(number: int) -> str:
    """Return the signal's name, or its number: those for real time have none."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


class AdapterError(Exception):
    """The adapter did not answer as the protocol says. `stderr` is the end of what it wrote."""

    status = "error"
    exit_code = 1
    """Of a command that ends with it (SCN-2.3)."""

    def __init__(self, text: str, stderr: str = "") -> None:
        super().__init__(text)
        self.stderr = stderr

    @property
    def words(self) -> str:
        """What went wrong, and the end of standard error, for a person."""
        return f"{self}" + (
            f"\nits standard error ended with:\n{self.stderr}" if self.stderr else ""
        )


class AdapterNotStarted(AdapterError):
    """The command could not be run, or what runs is not such an adapter: wrong usage."""

    exit_code = 2


class AdapterTimeout(AdapterError, Died):
    """No reply came in time; the process was killed."""

    status = "timeout"

    def __init__(self, op: str, seconds: float, stderr: str = "") -> None:
        super().__init__(
            f"{op}: no reply within {seconds:g} s; did the adapter flush its output?", stderr
        )


class AdapterDied(AdapterError, Died):
    """The process ended instead of answering."""

    status = "died"

    def __init__(self, op: str, code: int | None, stderr: str = "") -> None:
        if code is None:
            how = "closed its standard output and went on"
        elif code < 0:
            how = f"was killed by {signal_name(-code)}"
        else:
            how = f"ended with exit code {code}"
        super().__init__(f"{op}: the adapter {how} instead of answering", stderr)
        self.code = code


class ProtocolViolation(AdapterError):
    """A line came that the protocol does not allow."""

    status = "violation"

    def __init__(self, line: bytes, wrong: str, expected: str, cause: str = "") -> None:
        shown = line[:300].decode("utf-8", "backslashreplace").rstrip("\n")
        super().__init__(
            f"{wrong}\n  came:     {shown or '(an empty line)'}\n  expected: {expected}"
            + (f"\n  likely:   {cause}" if cause else "")
        )


class PortGaveUp(Died):
    """The port refused what a log may not refuse. A finding, not an error of the adapter."""


class TracerRefusal(AdapterError):
    """The port does something that the model cannot express, so nothing it shows would count."""

    status = "refused"


class Unsupported(AdapterError):
    """The port says that it does not have this. Reported as skipped."""

    status = "skipped"
    exit_code = 3


class Skipped(AdapterError):
    """The port has this and says that it is broken. Reported as skipped, with its reason."""

    status = "skipped"
    exit_code = 3
