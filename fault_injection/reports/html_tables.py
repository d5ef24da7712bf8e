"""The tables of the page: catalogue, crash states, requirements, mutants.

Spec: SCN-2.2.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

from fault_injection.reports.html_text import failure_anchor, status_chip, text
from fault_injection.reports.words import (
    COUNT_HEADS,
    GLYPHS,
    MEANINGS,
    count_cells,
    count_text,
    explored_text,
    failed,
    legal_text,
    mutants_sentence,
    port_sentence,
    requirement_ids,
    scenario_name,
    status_word,
    statuses,
    tier_rows,
)
from fault_injection.result import PortResult, RunResult, ScenarioResult, Status

_WORST_FIRST: Final = (
    Status.FAILED, Status.ERROR, Status.KNOWN, Status.PASSED, Status.PARTIAL, Status.NOT_RUN,
)  # fmt: skip
_SHOWN: Final = {
    Status.PASSED: "yes", Status.FAILED: "broken", Status.KNOWN: "broken", Status.ERROR: "no",
    Status.PARTIAL: "not shown", Status.NOT_RUN: "not shown",
}  # fmt: skip
"""Whether a requirement is shown, by the worst of the scenarios that carry it."""


def catalogue_table(result: RunResult) -> Iterator[str]:
    """Yield every scenario, with a filter that a script shows."""
    by = statuses(result)
    yield '<div class="filter" id="filter" hidden role="group" aria-label="Show by status">'
    yield f'<button type="button" aria-pressed="true" data-show="">all {len(result.scenarios)}'
    yield "</button>"
    for status in Status:
        if by[status]:
            yield (
                f'<button type="button" aria-pressed="false" data-show="{status.value}">'
                f"{GLYPHS[status]} {status_word(status)} {by[status]}</button>"
            )
    yield "</div>"
    yield '<div class="scroll"><table class="catalogue"><thead><tr>'
    yield '<th scope="col">scenario</th><th scope="col">status</th>'
    for name in COUNT_HEADS:
        yield f'<th scope="col" class="n">{name}</th>'
    yield "</tr></thead><tbody>"
    links: dict[str, int] = {}
    for number, (scenario, _) in enumerate(failed(result), 1):
        links.setdefault(scenario.id, number)
    for each in result.scenarios:
        yield from _catalogue_row(each, links.get(each.id))
    yield "</tbody></table></div>"


def _catalogue_row(scenario: ScenarioResult, failure: int | None) -> Iterator[str]:
    yield f'<tr data-status="{scenario.status.value}"><th scope="row">'
    yield f"<code>{text(scenario.id)}</code><p>{text(scenario.title)}</p>"
    if scenario.status is not Status.PASSED:
        reason = text(scenario.reason or "no reason was given")
        link = f' <a href="#{failure_anchor(failure)}">see how</a>' if failure else ""
        yield f'<p class="reason {scenario.status.value}">{reason}{link}</p>'
    told = [
        (name, words)
        for name, words in (
            ("When", scenario.when), ("Contract", scenario.contract), ("Seen", scenario.why),
        ) if words
    ]  # fmt: skip
    if told:
        yield "<details><summary>about</summary><dl>"
        for name, words in told:
            yield f"<div><dt>{name}</dt><dd>{text(words)}</dd></div>"
        yield "</dl></details>"
    yield f"</th><td>{status_chip(scenario.status)}</td>"
    for shown in count_cells(scenario):
        yield f'<td class="n">{text(shown)}</td>'
    yield "</tr>"


def tier_table(port: PortResult) -> Iterator[str]:
    """Yield how a port was crashed, and how it was not."""
    yield f'<p class="hint">{text(port_sentence(port))}; <code>{text(port.command)}</code></p>'
    yield '<div class="scroll"><table><thead><tr><th scope="col">tier</th>'
    yield '<th scope="col">what</th><th scope="col">run</th></tr></thead><tbody>'
    for name, title, run in tier_rows(port):
        yield f'<tr><th scope="row">{text(name)}</th>'
        yield f"<td>{text(title)}</td><td>{text(run)}</td></tr>"
    yield "</tbody></table></div>"


def coverage_table(result: RunResult) -> Iterator[str]:
    """Yield how much of what is legal each scenario has explored, on a logarithmic scale."""
    shown = [each for each in result.scenarios if each.tally.legal]
    if not shown:
        yield "<p>No scenario of this run explores crash states.</p>"
        return
    top = max(max(each.tally.legal, each.tally.explored) for each in shown)
    yield (
        '<p class="hint">The bar is logarithmic: its end is the number of legal states '
        f"(the longest is {text(count_text(top))}), the full part what was explored. "
        "Recovery-equivalent directories differ in their bytes and recover to the same "
        "answer.</p>"
    )
    yield '<div class="scroll"><table class="coverage"><thead><tr><th scope="col">scenario</th>'
    yield '<th scope="col" class="bar">explored of legal</th>'
    for name in ("explored", "legal", "distinct", "in recovery", "answers", "equivalent"):
        yield f'<th scope="col" class="n">{name}</th>'
    yield "</tr></thead><tbody>"
    for each in shown:
        tally = each.tally
        equivalent = max(0, tally.distinct - tally.equivalents)
        yield f'<tr><th scope="row"><code>{text(each.id)}</code></th><td class="bar">'
        yield (
            f'<span class="track" role="img" aria-label="{text(explored_text(tally))}" '
            f'style="width:{_share(tally.legal, top):.1f}%"><i '
            f'style="width:{_share(min(tally.explored, tally.legal), tally.legal):.1f}%"></i>'
            "</span></td>"
        )
        for number in (
            count_text(tally.explored), legal_text(tally),
            count_text(tally.distinct), count_text(tally.nested), count_text(tally.equivalents),
            count_text(equivalent),
        ):  # fmt: skip
            yield f'<td class="n">{text(number)}</td>'
        yield "</tr>"
    yield "</tbody></table></div>"


def _share(part: int, whole: int) -> float:
    """Return the share in percent of the digits that the whole has."""
    return 100 * math.log10(part + 1) / math.log10(whole + 1) if whole else 0.0


# ---- Matrices ---------------------------------------------------------------


def requirement_matrix(result: RunResult) -> Iterator[str]:
    """Yield which scenario shows which requirement, and whether it did."""
    yield (
        '<p class="hint">A requirement is shown if a scenario that carries it passed and none '
        "failed. What only a scenario that was stopped or not run carries is not shown.</p>"
    )
    yield from _matrix_head("requirement", "shown", [each.id for each in result.scenarios])
    for name in requirement_ids(result):
        carriers = [each.status for each in result.scenarios if name in each.requirements]
        worst = next(status for status in _WORST_FIRST if status in carriers)
        words = text(result.requirement_texts.get(name, ""))
        yield f'<tr><th scope="row" title="{words}">{text(name)}</th>'
        yield f"<td>{status_chip(worst, _SHOWN[worst])}</td>"
        for each in result.scenarios:
            yield _matrix_cell(each.status if name in each.requirements else None, each.id)
        yield "</tr>"
    yield "</tbody></table></div>"


def kill_matrix(result: RunResult) -> Iterator[str]:
    """Yield which mistake was found by what."""
    yield (
        f"<p>{text(mutants_sentence(result.mutants))}.</p>"
        '<p class="hint">An empty place: it was not found by that, or not tried.</p>'
    )
    killers = {m.name: {scenario_name(s) for s in m.killed_by_scenarios} for m in result.mutants}
    shown = {scenario_name(each.id): each.id for each in result.scenarios}
    for killer in (each for mutant in result.mutants for each in mutant.killed_by_scenarios):
        shown.setdefault(scenario_name(killer), killer)
    used = [name for name in shown if any(name in found for found in killers.values())]
    yield from _matrix_head("mistake", "result", [*(shown[name] for name in used), "tests"])
    for each in result.mutants:
        status = Status.PASSED if each.is_killed else Status.FAILED
        word = "killed" if each.is_killed else "survived"
        trap = f" <small>{text(each.trap)}</small>" if each.trap else ""
        yield f'<tr><th scope="row" class="mistake"><code>{text(each.name)}</code>{trap}'
        yield f"<p>{text(each.mistake)}</p>"
        if each.lacks:
            yield f'<p class="lacks">{text(", ".join(each.lacks))}</p>'
        yield "</th>"
        yield f"<td>{status_chip(status, word)}</td>"
        for name in used:
            yield _kill_cell(f"found by {shown[name]}" if name in killers[each.name] else "")
        tests = ", ".join(each.killed_by_tests)
        yield _kill_cell(f"found by {tests}" if tests else "", len(each.killed_by_tests))
        yield "</tr>"
    yield "</tbody></table></div>"


def _kill_cell(words: str, number: int = 0) -> str:
    if not words:
        return '<td class="m"></td>'
    shown = str(number) if number > 1 else "✓"
    return f'<td class="m passed" title="{text(words)}">{shown}</td>'


def _matrix_head(first: str, second: str, names: Sequence[str]) -> Iterator[str]:
    yield '<div class="scroll tall"><table class="matrix"><thead><tr>'
    yield f'<th scope="col" class="corner">{first}</th><th scope="col">{second}</th>'
    for name in names:
        yield f'<th scope="col" class="m"><span>{text(name)}</span></th>'
    yield "</tr></thead><tbody>"


def _matrix_cell(status: Status | None, name: str) -> str:
    if status is None:
        return '<td class="m"></td>'
    return (
        f'<td class="m {status.value}" title="{text(name)}: {text(MEANINGS[status])}">'
        f'<span aria-label="{status_word(status)}">{GLYPHS[status]}</span></td>'
    )
