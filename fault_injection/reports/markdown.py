"""The report as Markdown, for a step summary of GitHub or a comment.

Texts are escaped for a table's cell; a block of code has a fence that its content cannot close.

Spec: SCN-2.2.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import Final

from fault_injection.reports.failure_text import failure_lines
from fault_injection.reports.words import (
    COUNT_HEADS,
    GLYPHS,
    count_cells,
    coverage_sentences,
    exit_sentence,
    failed,
    mutants_sentence,
    port_sentence,
    status_word,
    tier_rows,
    verdict,
    visible,
)
from fault_injection.result import RunResult, Status

_ICONS: Final = {
    "passed": "✅", "incomplete": "🟡", "stopped": "🟠", "failed": "❌", "nothing run": "⚪",
}  # fmt: skip
_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]|#~@])")


def markdown_text(result: RunResult) -> str:
    """Return the document."""
    found = verdict(result)
    versions = result.versions
    lines = [
        f"## {_ICONS[found.word]} Fault injection: {found.word}",
        "",
        f"{cell(result.subject)}, seed {result.seed}. {cell(found.sentence)}. "
        f"{_sentence(exit_sentence(result))}",
        "",
    ]
    if result.mutant:
        lines += [f"The mistake `{cell(result.mutant)}` is switched on: it has to be found.", ""]
    lines += [*(f"- {cell(each)}" for each in coverage_sentences(result)), ""]
    if result.port is not None:
        lines += [cell(port_sentence(result.port)), ""]
        rows = [[cell(each) for each in row] for row in tier_rows(result.port)]
        lines += _table(["tier", "what", "run"], rows, "---")
    if result.scenarios:
        lines += _scenario_table(result)
    for scenario, failure in failed(result):
        summary = f"<b>{_html(scenario.id)}</b>: {_html(failure.invariant)}, {_html(failure.what)}"
        lines += [f"<details><summary>{summary}</summary>", ""]
        lines += _fenced(failure_lines(failure, result.requirement_texts))
        lines += ["", "</details>", ""]
    if result.mutants:
        lines += [f"{cell(mutants_sentence(result.mutants))}.", ""]
        lines += _mutant_table(result)
    lines.append(
        f"<sub>kit {cell(versions.kit)}, spec {cell(versions.spec)}, plans {versions.plan}, "
        f"vectors {cell(versions.vectors or 'not there')}, Python {cell(versions.python)}, "
        f"{cell(versions.platform)}, {cell(result.started)}</sub>"
    )
    return "\n".join(lines) + "\n"


def _scenario_table(result: RunResult) -> list[str]:
    rows = [
        [
            cell(each.id), f"{GLYPHS[each.status]} {status_word(each.status)}",
            *count_cells(each),
            cell(each.title if each.status is Status.PASSED else f"{each.title}: {each.reason}"),
        ]
        for each in result.scenarios
    ]  # fmt: skip
    heads = ["scenario", "status", *COUNT_HEADS, "what"]
    return _table(heads, rows, f"--{'r' * len(COUNT_HEADS)}-")


def _mutant_table(result: RunResult) -> list[str]:
    rows = [
        [
            cell(each.name), cell(each.trap), "✓ killed" if each.is_killed else "✕ **survived**",
            cell(", ".join(each.killed_by_scenarios) or "-"),
            cell(", ".join(each.killed_by_tests) or "-"), cell(", ".join(each.lacks) or "-"),
            cell(each.mistake),
        ]
        for each in result.mutants
    ]  # fmt: skip
    heads = ["mutant", "trap", "result", "scenarios", "tests", "lacks", "mistake"]
    return _table(heads, rows, "-------")


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], alignment: str) -> list[str]:
    marks = ["--:" if each == "r" else "---" for each in alignment]
    return [f"| {' | '.join(row)} |" for row in (heads, marks, *rows)] + [""]


def cell(text: str) -> str:
    """Return the text so that it is only text, in one cell of a table."""
    one_line = " ".join(visible(text).split())
    return _SPECIAL.sub(r"\\\1", one_line).replace("&", "&amp;").replace("<", "&lt;")


def _html(text: str) -> str:
    """Escape for a line that begins with a tag: no Markdown is read there."""
    return html.escape(" ".join(visible(text).split()), quote=False)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _fenced(lines: Sequence[str]) -> list[str]:
    runs = [len(each) for line in lines for each in re.findall("`+", line)]
    fence = "`" * max(3, 1 + max(runs, default=0))
    return [f"{fence}text", *lines, fence]
