"""The report for a terminal or a CI log: a table, the failures, the totals.

Plain when the stream is not a terminal, or NO_COLOR is set (https://no-color.org). Colour says
nothing that the words do not.

Spec: SCN-2.2.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

from fault_injection.reports.failure_text import WIDTH, failure_lines
from fault_injection.reports.words import (
    COUNT_HEADS,
    GLYPHS,
    count_cells,
    coverage_sentences,
    exit_sentence,
    failed,
    killers_text,
    mutants_sentence,
    port_sentence,
    seconds_text,
    status_word,
    tier_rows,
    verdict,
    visible,
)
from fault_injection.result import Failure, RunResult, ScenarioResult, Status
from fault_injection.spec_requirements import requirements

_COLOURS: Final = {
    Status.PASSED: "32", Status.FAILED: "31;1", Status.ERROR: "35;1", Status.PARTIAL: "33;1",
    Status.KNOWN: "33;1", Status.NOT_RUN: "33",
}  # fmt: skip
_VERDICT_COLOURS: Final = {
    "passed": "32;1", "incomplete": "33;1", "stopped": "33;1", "failed": "31;1",
    "nothing run": "33;1",
}  # fmt: skip


def wants_colour(is_terminal: bool, environment: Mapping[str, str]) -> bool:
    """Whether a report for this stream is to be coloured."""
    return is_terminal and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"


def render_console(result: RunResult, *, is_terminal: bool) -> str:
    """Return the whole report, without a newline at its end."""
    colour = wants_colour(is_terminal, os.environ)
    lines = _head(result) + [""]
    if result.scenarios:
        lines += _table(result.scenarios, colour)
    if result.port is not None:
        lines += ["", visible(port_sentence(result.port))]
        lines += [f"  {visible('  '.join(row))}" for row in tier_rows(result.port)]
    if result.mutants:
        lines += ["", *_mutants(result, colour)]
    for scenario, failure in failed(result):
        lines += ["", _painted("─" * WIDTH, "31", colour)]
        lines += [f"{visible(scenario.id)}  {visible(scenario.title)}".replace("\n", " "), ""]
        lines += failure_lines(failure, result.requirement_texts)
    if failed(result):
        lines.append(_painted("─" * WIDTH, "31", colour))
    lines += ["", *coverage_sentences(result)]
    found = verdict(result)
    word = _painted(found.word.upper(), _VERDICT_COLOURS[found.word], colour)
    lines += ["", f"{word}  {found.sentence}  ({exit_sentence(result)})"]
    return "\n".join(lines)


def render_failure(failure: Failure, *, is_terminal: bool) -> list[str]:
    """Return the lines that explain one failure, as a replayed plan shows it."""
    colour = wants_colour(is_terminal, os.environ)
    known = requirements()
    texts = {each: known[each].text for each in failure.requirements if each in known}
    return [
        _painted(line, "31;1", colour) if line.startswith("BROKEN") else line
        for line in failure_lines(failure, texts)
    ]


def _head(result: RunResult) -> list[str]:
    versions = result.versions
    depth = "deep" if result.is_deep else "normal"
    shard = f", part {result.shard}" if result.shard else ""
    lines = [
        f"fault injection on {visible(result.subject)}, seed {result.seed}, {depth} depth{shard}",
        f"kit {versions.kit}, spec {versions.spec}, plans {versions.plan}, "
        f"vectors {versions.vectors or 'not there'}, Python {versions.python}, "
        f"{versions.platform}; {result.started}, {seconds_text(result.seconds)}, "
        f"{result.jobs} {'job' if result.jobs == 1 else 'jobs'}",
    ]
    if result.mutant:
        lines.append(f"with the mistake {visible(result.mutant)} switched on: it has to be found")
    return lines


def _table(scenarios: list[ScenarioResult], colour: bool) -> list[str]:
    heads = ["scenario", "status", *COUNT_HEADS]
    rows = [
        [
            visible(each.id), f"{GLYPHS[each.status]} {status_word(each.status)}",
            *count_cells(each),
        ]
        for each in scenarios
    ]  # fmt: skip
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]

    def line(cells: list[str]) -> str:
        return "  ".join(
            cell.rjust(size) if head in COUNT_HEADS else cell.ljust(size)
            for cell, size, head in zip(cells, widths, heads, strict=True)
        )

    lines = [f"{line(heads)}  what", "  ".join("-" * size for size in widths) + "  ----"]
    for each, row in zip(scenarios, rows, strict=True):
        text = line(row).replace(row[1], _painted(row[1], _COLOURS[each.status], colour), 1)
        lines.append(f"{text}  {visible(each.title)}".replace("\n", " "))
        if each.status is not Status.PASSED:
            lines.append(f"    {visible(each.reason) or 'no reason was given'}".replace("\n", " "))
    return lines


def _mutants(result: RunResult, colour: bool) -> list[str]:
    size = max(len(visible(each.name)) for each in result.mutants)
    lines = [mutants_sentence(result.mutants)]
    for each in result.mutants:
        word = "✓ killed" if each.is_killed else "✕ SURVIVED"
        painted = _painted(f"{word:<10}", "32" if each.is_killed else "31;1", colour)
        lacking = f" ({', '.join(each.lacks)})" if each.lacks else ""
        lines.append(
            f"  {visible(each.name):<{size}}  {painted}  {visible(killers_text(each))}{lacking}"
        )
    return lines


def _painted(text: str, code: str, colour: bool) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if colour else text
