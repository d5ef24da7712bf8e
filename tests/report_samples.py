"""A run for the tests of reports: every status, real failures of logs that are wrong on purpose.

The counts of the two scenarios that pass are those of a real run of them. `sample_result` is
the whole; `HOSTILE` is a text that would break a report which does not escape, and
`read_by_people` gives the three reports that are read and not parsed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from functools import cache

from fault_injection.cases import Tally
from fault_injection.exploring import explore_plan
from fault_injection.hex_difference import hex_difference
from fault_injection.invariants import INVARIANTS
from fault_injection.log_run import LogRun
from fault_injection.log_steps import Acknowledge, Append, Open
from fault_injection.reports.console import render_console
from fault_injection.reports.html_report import html_page
from fault_injection.reports.markdown import markdown_text
from fault_injection.result import (
    Failure,
    HexLine,
    MutantResult,
    RunResult,
    ScenarioResult,
    Status,
    TimelineEvent,
    Versions,
)
from fault_injection.scenarios import find
from fault_injection.spec_requirements import requirements
from fault_injection.story import tell
from fault_injection.subject import OpenLog, ReferenceLog
from fault_injection.workloads import log_plan
from reference.filesystem import Filesystem
from reference.limits import FRAMES_OFFSET
from simulators.faulty_filesystem import FaultyFilesystem

HOSTILE = '<script>alert("1")</script> & `|` ]]> \x1b[31m \u202e \ud800 @everyone\n\x00'


class _WithoutSync(FaultyFilesystem):
    def sync(self, name: str) -> None:
        """Make a new file durable, and never what is appended to it."""
        if self.inner.read(name, FRAMES_OFFSET, 1) == b"":
            self.inner.sync(name)


class ForgetfulLog(ReferenceLog):
    """The reference on a disk that syncs new files and no appends: a common first version."""

    name = "forgetful"

    def open(self, disk: Filesystem, settings: Mapping[str, int]) -> OpenLog:
        return super().open(_WithoutSync(disk), settings)


@cache
def explored_failure() -> tuple[LogRun, Failure]:
    """Return a failure that exploring a forgetful log found, and its run."""
    plan = log_plan(
        "power-cut-every-op", Open(), Append(1), Acknowledge(1), Append(2), Append(1)
    )  # fmt: skip
    found = explore_plan(plan, ForgetfulLog(), budget=60)
    assert found.failing is not None
    assert found.broken is not None
    run = LogRun(found.failing, ForgetfulLog()).run()
    assert run.broken == found.broken
    story = tell(run.done, run.broken)
    path = ".reports/plans/S02-power-cut-every-op-I1.json"
    return run, Failure(
        found.broken.invariant, found.broken.what, ("WAL-1.1", "DEL-1.1"),
        found.failing.as_json(), path, story.sentences, story.timeline,
        hex_difference(run.before, run.after), f"python3 -m fault_injection replay {path}", 11,
    )  # fmt: skip


def hostile_failure() -> Failure:
    """Return a failure all of whose texts are hostile."""
    return Failure(
        "I2", f"3 is an event that nobody offered: {HOSTILE}", ("FMT-5.4", "REC-3.3"),
        {"plan": 1, "scenario": HOSTILE, "world": "log", "steps": [{"do": "open", "x": HOSTILE}]},
        f"plans/{HOSTILE}.json", (f"Opened. {HOSTILE}", f"Broken. {HOSTILE}"),
        (
            TimelineEvent("process", f"open {HOSTILE}", "", 1),
            TimelineEvent("link", "connection is reset in the middle of a message", "fault", 2),
            TimelineEvent("broker", "takes 1 and 2, and answers nothing", "", 2),
            TimelineEvent("disk", "power fails", "crash", 3),
            TimelineEvent("promise", f"3 is strange {HOSTILE}", "broken", 4),
        ),
        (HexLine(f"procmond-00001.wal{HOSTILE}", 8192, b"abc", b"abd", HOSTILE),),
        f"python3 -m fault_injection replay '{HOSTILE}'", 9,
    )  # fmt: skip


def _scenario(name: str, tally: Tally, seconds: float) -> ScenarioResult:
    known = find(name)
    return ScenarioResult(
        known.id, known.title, Status.PASSED, "", known.requirements, known.invariants, tally,
        seconds, [], known.when, known.contract, known.why,
    )  # fmt: skip


def sample_result(*, hostile: bool = True) -> RunResult:
    """Return a run that holds every status, failures, mutants and both kinds of counts."""
    killed = Tally(cases=196, checks=316, fired=Counter({"kill": 343}))
    subsets = Tally(
        cases=6, checks=1286, moments=222, legal=3_146_147, explored=3619, distinct=1232,
        equivalents=66, fired=Counter({"power-cut": 1280}),
    )  # fmt: skip
    nested = Tally(
        cases=1, checks=5000, moments=90, legal=10**43, explored=40_000, distinct=4180,
        nested=3977, equivalents=41, is_lower_bound=True, fired=Counter({"power-cut": 5000}),
    )  # fmt: skip
    _, unsynced = explored_failure()
    lost = ScenarioResult(
        "S02-power-cut-every-op", "the power fails at every operation", Status.FAILED,
        f"I1 no loss: {unsynced.what}", ("WAL-1.1", "DEL-1.1"), ("I1",),
        Tally(6, 77, 14, 900, 77, 60, 0, 12, fired=Counter({"power-cut": 77})), 0.4, [unsynced],
    )  # fmt: skip
    scenarios = [
        _scenario("kill-every-call", killed, 0.18),
        lost,
        _scenario("unsynced-all-subsets", subsets, 0.61),
        ScenarioResult(
            "S04-torn-tail-bytes", "the last record is cut at each byte", Status.ERROR,
            "never struck: power-cut; this run shows nothing", ("REC-3.3", "FMT-5.4"), ("I2",),
            Tally(cases=12, checks=24), 0.05,
        ),
        ScenarioResult(
            "S16-nested-recovery", "the power fails during recovery, at each operation of it",
            Status.PARTIAL, "stopped after 3 of 8 parts", ("REC-9.1",), ("I5",), nested, 31.4,
        ),
        ScenarioResult(
            "S65-quota-reached", "the quota is reached", Status.KNOWN,
            "known: no quota yet (issue 1); I9 bounds hold: 9 files", ("WAL-4.4",), ("I9",),
            Tally(cases=3, checks=9, fired=Counter({"quota": 3})), 0.02,
            [replace(unsynced, invariant="I9", what="9 files, and the quota is 4")],
        ),
        ScenarioResult(
            "S43-real-filesystem", "ext4 and xfs are cut off while the log writes",
            Status.NOT_RUN, "needs root and /dev/loop", ("DSK-1.1", "WAL-1.1"), ("I1",),
        ),
    ]  # fmt: skip
    if hostile:
        scenarios.insert(4, ScenarioResult(
            "S08-size-before-data-garbage", f"hostile {HOSTILE}", Status.FAILED,
            f"I2 no phantom: {HOSTILE}", ("FMT-5.4",), ("I2",), Tally(cases=1, checks=1), 0.0,
            [hostile_failure()],
        ))  # fmt: skip
    texts = {each.id: each.text for each in requirements().values()}
    wanted = {name for each in scenarios for name in each.requirements}
    wanted |= {name for each in INVARIANTS.values() for name in each.requirements}
    mutants = [
        MutantResult(
            "no-sync", "the file is never synced, because close does it", "T1",
            ("S02-power-cut-every-op", "unsynced-all-subsets"), ("test_traps.py", "test_wal.py"),
        ),
        MutantResult(
            "retry-sync", "a failed sync is tried again, and believed", "T4",
            ("S18-sync-eio-once",), ("test_append_faults.py",),
        ),
        MutantResult("header-crc-unchecked", f"no CRC {HOSTILE if hostile else ''}", "", (), ()),
    ]  # fmt: skip
    return RunResult(
        "reference", Versions("1.0", "1.0", 1, "9f1c0a77d3b2e418", "3.12.3", "Linux-6.18-x86_64"),
        seed=0, is_deep=False, jobs=2, started="2025-06-01T12:00:00Z", seconds=18.25,
        scenarios=scenarios, mutants=mutants,
        requirement_texts={name: texts[name] for name in sorted(wanted) if name in texts},
    )  # fmt: skip


def read_by_people(result: RunResult) -> tuple[str, str, str]:
    """Return the page, the summary, and what a terminal shows."""
    return html_page(result), markdown_text(result), render_console(result, is_terminal=False)
