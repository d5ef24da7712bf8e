"""The result of a run: one model, from which every report is made.

    RunResult        versions, seed, selection, seconds
      ScenarioResult   a status, a reason if it is not "passed", how much was looked at
        Failure          the smallest plan that shows it, and what a reader needs

Statuses are told apart, and only `passed` is green:

    passed    every case was tried, and its faults struck
    failed    an invariant does not hold
    error     the scenario itself is wrong: its faults never struck, or it raised
    partial   stopped before the end (Ctrl-C); nothing was found until then
    known-failure  failed, and stands in the list of known failures (a port's)
    not-run   not tried, with the reason

Reports: reports/ (console, JSON, JUnit, Markdown, HTML, badge). What
`Failure` holds is made by story.py and hex_difference.py. Spec: SCN-2.1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from itertools import zip_longest

from fault_injection.cases import Tally


class Status(Enum):
    """What became of a scenario."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    PARTIAL = "partial"
    KNOWN = "known-failure"
    NOT_RUN = "not-run"


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """Something on the drawing of a failure."""

    lane: str
    """"process", "disk", "link", "broker" or "promise"."""
    text: str
    kind: str = ""
    """"" (normal), "fault", "crash", "promise" or "broken"."""
    step: int = 0
    """Number of the sentence that it belongs to, from 1; what has the same is side by side."""


@dataclass(frozen=True, slots=True)
class HexLine:
    """Sixteen bytes of a file as they were expected and as they were found."""

    file: str
    offset: int
    expected: bytes
    found: bytes
    note: str = ""
    """What the bytes are: "record 3, body", "size ends here"."""

    @property
    def places(self) -> list[tuple[str, str]]:
        """Each byte as expected and as found, in hex; empty where there is none."""
        pairs = zip_longest(self.expected, self.found)
        return [
            ("" if a is None else f"{a:02x}", "" if b is None else f"{b:02x}") for a, b in pairs
        ]


@dataclass(frozen=True, slots=True)
class Failure:
    """A broken invariant, with all that explains it."""

    invariant: str
    what: str
    requirements: tuple[str, ...]
    plan: dict[str, object]
    """The smallest plan found, in its JSON form."""
    plan_file: str
    """Where it was written; empty if it was not."""
    story: tuple[str, ...]
    """The steps in sentences, in order; the last one is what is wrong."""
    timeline: tuple[TimelineEvent, ...]
    hex_lines: tuple[HexLine, ...]
    replay_command: str
    shrunk_from: int
    """How many steps the plan had at first."""


@dataclass(slots=True)
class ScenarioResult:
    """What became of one scenario."""

    id: str
    title: str
    status: Status
    reason: str = ""
    """Why it is not "passed"; empty if it is."""
    requirements: tuple[str, ...] = ()
    invariants: tuple[str, ...] = ()
    tally: Tally = field(default_factory=Tally)
    seconds: float = 0.0
    """Of processor time, over all workers."""
    failures: list[Failure] = field(default_factory=list)
    when: str = ""
    """When it happens; this and the next two are the scenario's own words, for the reports."""
    contract: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Versions:
    """What was run against what."""

    kit: str
    spec: str
    plan: int
    vectors: str
    """The first 16 digits of the SHA-256 of the vectors' files; empty outside a checkout."""
    python: str
    platform: str


@dataclass(slots=True)
class MutantResult:
    """One row of the kill matrix."""

    name: str
    mistake: str
    """What an engineer got wrong, in a sentence."""
    trap: str
    """T1 to T20, or empty."""
    killed_by_scenarios: tuple[str, ...] = ()
    killed_by_tests: tuple[str, ...] = ()
    was_tested: bool = True
    """Whether its tests were run, too."""
    has_scenarios: bool = True
    """False: it names none, because none can reach what it changes (SCN-3.2)."""

    @property
    def is_killed(self) -> bool:
        """Whether all that was tried found it: a scenario and a test."""
        by_scenarios = bool(self.killed_by_scenarios) or not self.has_scenarios
        by_tests = bool(self.killed_by_tests) or not self.was_tested
        return by_scenarios and by_tests and bool(self.has_scenarios or self.was_tested)

    @property
    def lacks(self) -> tuple[str, ...]:
        """What did not find it, each in words: not tried is told apart from tried in vain."""
        words = []
        if not self.killed_by_scenarios:
            words.append("no scenario finds it" if self.has_scenarios else "no scenario reaches it")
        if not self.killed_by_tests:
            words.append("no test finds it" if self.was_tested else "tests not tried")
        return tuple(words)


@dataclass(frozen=True, slots=True)
class TierResult:
    """One way to crash a port, and whether it was tried."""

    name: str
    """"T0" to "T4"."""
    title: str
    count: int = 0
    """How often it struck; 0: it was not run."""
    reason: str = ""
    """Why it was not run; empty if it was."""


@dataclass(frozen=True, slots=True)
class PortResult:
    """The port that was run: who it is, what it can, and how it was crashed."""

    name: str
    version: str
    language: str
    command: str
    protocol: int
    capabilities: tuple[str, ...]
    tiers: tuple[TierResult, ...] = ()


@dataclass(slots=True)
class RunResult:
    """A whole run."""

    subject: str
    versions: Versions
    seed: int
    is_deep: bool
    jobs: int
    started: str
    """RFC 3339, UTC."""
    shard: str = ""
    """"2/3"; empty if everything selected was run here."""
    mutant: str = ""
    """Which mistake was switched on; empty for the code as it is."""
    seconds: float = 0.0
    """Of the clock on the wall."""
    scenarios: list[ScenarioResult] = field(default_factory=list)
    mutants: list[MutantResult] = field(default_factory=list)
    port: PortResult | None = None
    """None: the reference."""
    requirement_texts: dict[str, str] = field(default_factory=dict)
    """ID to the text of SPEC.md, for those that appear."""

    @property
    def exit_code(self) -> int:
        """0 passed or known to fail, 1 failed or stopped, 3 nothing was executed."""
        statuses = {each.status for each in self.scenarios}
        if statuses & {Status.FAILED, Status.ERROR, Status.PARTIAL}:
            return 1
        if any(mutant for mutant in self.mutants if not mutant.is_killed):
            return 1
        return 0 if statuses & {Status.PASSED, Status.KNOWN} or self.mutants else 3

    @property
    def total(self) -> Tally:
        """Everything that was looked at."""
        total = Tally()
        for each in self.scenarios:
            total.add(each.tally)
        return total
