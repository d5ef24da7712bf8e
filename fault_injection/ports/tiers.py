"""The tiers: ways to crash a program that is not Python, each run, or not run with the reason.

    T0  killed at a call               any program
    T1  a power cut                    its calls are carried over to a disk that can lose some
    T2  calls that fail, short writes  the same disk says so, and the tracer makes it true
    T3  a failed sync, then a cut      nothing that it covered may be there
    T4  a real filesystem, shut down   `port kernel` (kernel_tier.py); root and a loop device

Spec: PRT-2.2.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

from fault_injection.errors import PlanError
from fault_injection.log_run import LogRun
from fault_injection.log_steps import Append, Fault, Heal, Kill, Open, PowerCut
from fault_injection.plan import Plan, Step
from fault_injection.ports.errors import AdapterError
from fault_injection.ports.kernel_tier import TITLE
from fault_injection.result import TierResult
from fault_injection.subject import LogSubject

TITLES: Final = {
    "T0": "killed at a call",
    "T1": "power cut, with all that the disk may keep",
    "T2": "calls that fail or write short",
    "T3": "a sync fails, then the power",
    "T4": TITLE,
}
_PROBES: Final[Mapping[str, tuple[Step, ...]]] = {
    "T0": (Open(), Append(1), Append(2), Kill(4), Open()),
    "T1": (Open(), Append(1), PowerCut(), Open()),
    "T2": (
        Open(), Fault("append", short=9), Append(1), Fault("append", "ENOSPC"), Append(1), Heal(),
        Append(1), Kill(), Open(),
    ),
    "T3": (Open(), Append(1), Fault("sync", "EIO"), Append(1), PowerCut(), Open()),
}  # fmt: skip


def counts(fired: Mapping[str, int]) -> Counter[str]:
    """Return how often each tier struck, from what a run says that did."""
    found = Counter({"T0": fired.get("kill", 0), "T1": fired.get("power-cut", 0)})
    for word, number in fired.items():
        call, _, error = word.partition(" ")
        if call in ("sync", "sync_directory") and error == "EIO":
            found["T3"] += number
        elif error and call != "damage":
            found["T2"] += number
    return found


def tiers_of_run(fired: Mapping[str, int], why_not: str) -> tuple[TierResult, ...]:
    """Return the tiers of a run. `why_not`: why nothing could be traced; empty if it could."""
    struck = counts(fired)
    found = []
    for name, title in TITLES.items():
        reason = ""
        if name == "T4":
            reason = "not run: `port kernel` does this"
        elif not struck[name]:
            reason = f"not run: {why_not or 'no scenario of this run did it'}"
        found.append(TierResult(name, title, struck[name], reason))
    return tuple(found)


def probe_tiers(subject: LogSubject) -> list[TierResult]:
    """Try T0 to T3 with one small plan each. T4 is kernel_tier.py's."""
    return [_probe(name, steps, subject) for name, steps in _PROBES.items()]


def _probe(name: str, steps: tuple[Step, ...], subject: LogSubject) -> TierResult:
    run = LogRun(Plan("port-tiers", "log", steps), subject)
    try:
        run.run()
    except (AdapterError, PlanError) as error:
        status = getattr(error, "status", "error")
        return TierResult(name, TITLES[name], 0, f"not run: {status}: {error}")
    if run.broken is not None:
        return TierResult(name, TITLES[name], 0, f"run, and broken: {run.broken}")
    number = counts(run.fired)[name]
    return TierResult(name, TITLES[name], number, "" if number else "not run: it never struck")
