"""What all reports say in the same words: verdict, counts, coverage, exit codes.

A number that two reports show is made here, so that they cannot disagree. Texts of a failure may
hold anything (a process chooses its own name and command line), so each report passes them
through `visible` before its own escaping.

Spec: SCN-2.2.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from fault_injection.cases import Tally
from fault_injection.invariants import INVARIANTS
from fault_injection.result import (
    Failure,
    MutantResult,
    PortResult,
    RunResult,
    ScenarioResult,
    Status,
)

GLYPHS: Final = {
    Status.PASSED: "✓", Status.FAILED: "✕", Status.ERROR: "!", Status.PARTIAL: "◐",
    Status.KNOWN: "≈", Status.NOT_RUN: "○",
}  # fmt: skip
MEANINGS: Final = {
    Status.PASSED: "every case was tried, its faults struck, and nothing is broken",
    Status.FAILED: "an invariant does not hold",
    Status.ERROR: "the scenario itself is wrong: its faults never struck, or it raised",
    Status.PARTIAL: "stopped before the end; nothing was found until then",
    Status.KNOWN: "fails, and stands in the list of known failures",
    Status.NOT_RUN: "not tried, with the reason",
}
_NUMBER: Final = re.compile(r"^S\d+-")
EXIT_MEANINGS: Final = {
    0: "everything that was run passed, or is known to fail",
    1: "something failed, was stopped, or a mutant survived",
    2: "the command was used in a way that it does not know",
    3: "nothing was executed, so nothing is shown",
}

COUNT_HEADS: Final = ("cases", "checks", "crash states", "distinct", "seconds")
"""Of the columns that count_cells fills, in every table of scenarios."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The run in a word and a sentence."""

    word: str
    """"passed", "incomplete", "stopped", "failed" or "nothing run": only the first is green."""
    sentence: str


def verdict(result: RunResult) -> Verdict:
    """Return what the run comes to."""
    by = statuses(result)
    bad = by[Status.FAILED] + by[Status.ERROR]
    survivors = [each for each in result.mutants if not each.is_killed]
    sentences = []
    if result.scenarios:
        words = [f"{by[s]} {status_word(s)}" for s in Status if by[s]]
        sentences.append(f"{_plural(len(result.scenarios), 'scenario')}: {', '.join(words)}")
    if result.mutants:
        killed = len(result.mutants) - len(survivors)
        sentences.append(f"{killed} of {_plural(len(result.mutants), 'mutant')} killed")
    sentence = "; ".join(sentences) or "no scenario was selected"
    if bad or survivors:
        return Verdict("failed", sentence)
    if by[Status.PARTIAL]:
        return Verdict("stopped", sentence)
    if result.exit_code == 3:
        return Verdict("nothing run", sentence)
    if by[Status.NOT_RUN] or by[Status.KNOWN]:
        return Verdict("incomplete", sentence)
    return Verdict("passed", sentence)


def mutants_sentence(mutants: Sequence[MutantResult]) -> str:
    """Say how many were found, and by what of that which was tried."""
    killed = [each for each in mutants if each.is_killed]
    by = Counter((bool(m.killed_by_scenarios), bool(m.killed_by_tests)) for m in killed)
    parts = [
        f"{by[kind]} by {words}"
        for kind, words in (
            ((True, True), "a scenario and a test"), ((True, False), "a scenario alone"),
            ((False, True), "a test alone"),
        ) if by[kind]
    ]  # fmt: skip
    found = f"{len(killed)} of {_plural(len(mutants), 'mistake')} found"
    return f"{found}: {', '.join(parts)}" if parts else found


def killers_text(mutant: MutantResult) -> str:
    """Return what found the mutant, scenarios first, or "nothing"."""
    return ", ".join((*mutant.killed_by_scenarios, *mutant.killed_by_tests)) or "nothing"


def statuses(result: RunResult) -> Counter[Status]:
    """Count the scenarios by status."""
    return Counter(each.status for each in result.scenarios)


def tier_rows(port: PortResult) -> list[tuple[str, str, str]]:
    """Return tier, what it is, and whether it was run: how often it struck, or why not."""
    return [
        (each.name, each.title, each.reason or f"run: struck {count_text(each.count)} times")
        for each in port.tiers
    ]


def port_sentence(port: PortResult) -> str:
    """Say who the port is."""
    capabilities = ", ".join(port.capabilities) or "none"
    return (
        f"{port.name} {port.version} in {port.language}, protocol {port.protocol}, "
        f"capabilities: {capabilities}"
    )


def status_word(status: Status) -> str:
    """Return the status as it is read in a sentence."""
    return status.value.replace("-", " ")


def count_cells(scenario: ScenarioResult) -> tuple[str, ...]:
    """Return what was looked at, a cell for each of COUNT_HEADS."""
    tally = scenario.tally
    return (
        count_text(tally.cases), count_text(tally.checks), explored_text(tally),
        distinct_text(tally), f"{scenario.seconds:.1f}",
    )  # fmt: skip


def distinct_text(tally: Tally) -> str:
    """Return how many directories there were, or a dash if no crash states were looked at."""
    return count_text(tally.distinct) if tally.legal else "-"


def count_text(number: int) -> str:
    """Return the number with commas; one too long to read by its magnitude."""
    return f"{number:,}" if number < 10**12 else f"about 10^{len(str(number)) - 1}"


def explored_text(tally: Tally) -> str:
    """Return "3,619 of 3,146,147", or a dash if no crash states were looked at."""
    if not tally.legal:
        return "-"
    if tally.explored >= tally.legal and not tally.is_lower_bound:
        return f"all {count_text(tally.legal)}"
    return f"{count_text(tally.explored)} of {legal_text(tally)}"


def legal_text(tally: Tally) -> str:
    """Return how many legal crash states there are, or that this is a lower bound."""
    if not tally.is_lower_bound:
        return count_text(tally.legal)
    return f"at least {count_text(tally.legal).removeprefix('about ')}"


def coverage_sentences(result: RunResult) -> list[str]:
    """Say how much was looked at, and how much was not."""
    total = result.total
    sentences = [
        f"{_plural(total.cases, 'case')} tried, the oracle asked {count_text(total.checks)} times."
    ]
    if total.legal:
        sentences.append(
            f"In {_plural(total.moments, 'moment')} {explored_text(total)} legal crash states "
            f"explored{_share(total)}: {count_text(total.distinct)} distinct directories "
            f"({count_text(total.nested)} after a crash during recovery), which recover to "
            f"{count_text(total.equivalents)} different answers (both counted case by case)."
        )
        if total.explored < total.legal:
            sentences.append("The others were sampled by seed, not tried: what they hide is open.")
    if total.fired:
        struck = ", ".join(f"{name} {count_text(n)}" for name, n in sorted(struck_by(total)))
        sentences.append(f"Faults that struck: {struck}.")
    if left := [each for each in result.scenarios if each.status is Status.NOT_RUN]:
        sentences.append(f"Not run, and so not shown: {', '.join(each.id for each in left)}.")
    if result.shard:
        sentences.append(f"This is part {result.shard} of a run: the others are reported apart.")
    return sentences


def struck_by(tally: Tally) -> list[tuple[str, int]]:
    """Return each kind of fault with its count; of a call of the disk, without the file."""
    kinds: Counter[str] = Counter()
    for name, number in tally.fired.items():
        words = name.split()
        kinds[words[0] if len(words) > 1 and "procmond" in words[1] else name] += number
    return list(kinds.items())


def _share(total: Tally) -> str:
    if total.is_lower_bound or total.explored >= total.legal:
        return ""
    percent = 100 * total.explored / total.legal
    return f" ({percent:.2g} %)" if percent >= 0.01 else " (less than 0.01 %)"


def exit_sentence(result: RunResult) -> str:
    """Say what the exit code is and means."""
    return f"exit code {result.exit_code}: {EXIT_MEANINGS[result.exit_code]}"


def invariant_words(failure: Failure) -> tuple[str, str]:
    """Return "I1 no loss" and the sentence that it stands for."""
    known = INVARIANTS.get(failure.invariant)
    if known is None:
        return failure.invariant, "an invariant that this report does not know"
    return f"{known.name} {known.title}", known.text


def shrunk_text(failure: Failure) -> str:
    """Say how small the plan was made."""
    steps = failure.plan.get("steps")
    number = len(steps) if isinstance(steps, list) else 0
    if number >= failure.shrunk_from:
        return _plural(number, "step")
    return f"{_plural(number, 'step')}, of {failure.shrunk_from} at first"


def scenario_name(name: str) -> str:
    """Return the name of a scenario that is given by its name or its ID (S01-kill-every-call)."""
    return _NUMBER.sub("", name)


def requirement_ids(result: RunResult) -> list[str]:
    """Return the requirements of all scenarios, in the order of SPEC.md's numbers."""
    return sorted({each for s in result.scenarios for each in s.requirements}, key=_natural)


def failed(result: RunResult) -> list[tuple[ScenarioResult, Failure]]:
    """Return every failure with its scenario."""
    return [(each, failure) for each in result.scenarios for failure in each.failures]


def visible(text: str) -> str:
    """Return the text with what would not be seen, or would move a cursor, written out."""
    return "".join(each if _is_visible(each) else _written(each) for each in text)


def seconds_text(seconds: float) -> str:
    """Return a duration for people."""
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s"


def _is_visible(character: str) -> bool:
    # Cc, Cf: controls, and what turns the direction of a text; Cs: half of a pair, not UTF-8
    return character == "\n" or unicodedata.category(character) not in (
        "Cc",
        "Cf",
        "Cs",
        "Zl",
        "Zp",
    )


def _written(character: str) -> str:
    number = ord(character)
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}"


def _plural(number: int, noun: str) -> str:
    return f"{count_text(number)} {noun}{'' if number == 1 else 's'}"


def _natural(name: str) -> list[tuple[int, str]]:
    """Order WAL-1.2 before WAL-1.10."""
    parts: Iterable[str] = name.replace("-", ".").split(".")
    return [(int(each), "") if each.isdecimal() else (-1, each) for each in parts]
