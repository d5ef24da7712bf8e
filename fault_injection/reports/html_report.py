"""The report as one page: no network, no framework, light and dark, on paper too.

The page is put together here; html_tables.py has the tables, html_failure.py a failure with its
story, drawing and bytes, page.css and page.js (beside this file) the looks and the filter.
Without a script everything is there, unfiltered. Every text that comes from a run is escaped by
`text`.

Spec: SCN-2.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import chain
from typing import Final

from fault_injection.reports.html_failure import failure_section
from fault_injection.reports.html_tables import (
    catalogue_table,
    coverage_table,
    kill_matrix,
    requirement_matrix,
    tier_table,
)
from fault_injection.reports.html_text import text
from fault_injection.reports.words import (
    GLYPHS,
    MEANINGS,
    count_text,
    coverage_sentences,
    exit_sentence,
    failed,
    legal_text,
    seconds_text,
    status_word,
    statuses,
    verdict,
)
from fault_injection.result import RunResult, Status

_HERE: Final = resources.files("fault_injection.reports")


@dataclass(frozen=True, slots=True)
class _Section:
    """A part of the page: what links to it, and what is in it."""

    anchor: str
    title: str
    link: str
    body: Iterable[str]


def html_page(result: RunResult) -> str:
    """Return the page."""
    found = verdict(result)
    style = _HERE.joinpath("page.css").read_text(encoding="utf-8")
    script = _HERE.joinpath("page.js").read_text(encoding="utf-8")
    sections = _sections(result)
    title = f"Fault injection: {found.word}, {result.subject}"
    return "\n".join(
        (
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            f"<title>{text(title)}</title>",
            f"<style>\n{style}</style>",
            "</head>",
            "<body>",
            *_header(result),
            *_navigation(sections),
            "<main>",
            *chain.from_iterable(map(_section, sections)),
            "</main>",
            *_footer(result),
            f"<script>\n{script}</script>",
            "</body>",
            "</html>\n",
        )
    )


def _header(result: RunResult) -> Iterator[str]:
    found = verdict(result)
    tone = found.word.replace(" ", "-")
    versions = result.versions
    facts = [
        ("seed", str(result.seed)),
        ("depth", "deep" if result.is_deep else "normal"),
        ("kit", versions.kit), ("spec", versions.spec), ("plans", str(versions.plan)),
        ("vectors", versions.vectors or "not there"), ("Python", versions.python),
        ("platform", versions.platform), ("started", result.started),
        ("took", seconds_text(result.seconds)), ("jobs", str(result.jobs)),
    ]  # fmt: skip
    if result.shard:
        facts.insert(2, ("part", result.shard))
    yield f'<header class="verdict {tone}"><div class="wide">'
    yield '<p class="kicker">Fault injection on the write-ahead log and its connector</p>'
    yield f"<h1><span>{text(found.word)}</span> {text(result.subject)}</h1>"
    yield f"<p>{text(found.sentence)}. <small>{text(exit_sentence(result))}.</small></p>"
    if result.mutant:
        yield (
            f"<p class=mutant>The mistake <code>{text(result.mutant)}</code> is switched on: "
            "this run has to find it.</p>"
        )
    yield "<dl>"
    for name, value in facts:
        yield f"<div><dt>{text(name)}</dt><dd>{text(value)}</dd></div>"
    yield "</dl></div></header>"


def _sections(result: RunResult) -> list[_Section]:
    """Return the parts that this run has, in their order."""
    sections = [_Section("totals", "Totals", "Totals", _totals(result))]
    if result.port is not None:
        sections.append(_Section("tiers", "The port", "The port", tier_table(result.port)))
    if result.scenarios:
        table = catalogue_table(result)
        sections.append(_Section("catalogue", "Catalogue", "Catalogue", table))
    if number := len(failed(result)):
        link = f"Failures ({number})"
        sections.append(_Section("failures", "Failures", link, _failures(result)))
    if result.scenarios:
        sections += [
            _Section("crash-states", "Crash states", "Crash states", coverage_table(result)),
            _Section(
                "requirements", "Requirements and scenarios", "Requirements",
                requirement_matrix(result),
            ),
        ]  # fmt: skip
    if result.mutants:
        sections.append(_Section("mutants", "Mutants", "Mutants", kill_matrix(result)))
    return sections


def _navigation(sections: Sequence[_Section]) -> Iterator[str]:
    yield '<nav aria-label="On this page"><div class="wide">'
    for each in sections:
        yield f'<a href="#{each.anchor}">{text(each.link)}</a>'
    yield "</div></nav>"


def _section(section: _Section) -> Iterator[str]:
    yield f'<section id="{section.anchor}"><h2>{text(section.title)}</h2>'
    yield from section.body
    yield "</section>"


def _totals(result: RunResult) -> Iterator[str]:
    by = statuses(result)
    total = result.total
    yield '<ul class="tiles">'
    for status in Status:
        tone = status.value if by[status] else "none"
        yield (
            f'<li class="tile {tone}" title="{text(MEANINGS[status])}"><b>{by[status]}</b>'
            f'<span><i aria-hidden="true">{GLYPHS[status]}</i> {status_word(status)}</span></li>'
        )
    yield '</ul><ul class="tiles numbers">'
    for number, name in (
        (count_text(total.cases), "cases tried"),
        (count_text(total.checks), "times the oracle was asked"),
        (count_text(total.explored), f"of {legal_text(total)} legal crash states"),
        (count_text(total.distinct), "distinct directories"),
        (count_text(total.equivalents), "different answers"),
    ):
        yield f'<li class="tile"><b>{text(number)}</b><span>{text(name)}</span></li>'
    yield '</ul><ul class="prose">'
    for sentence in coverage_sentences(result):
        yield f"<li>{text(sentence)}</li>"
    yield "</ul>"


def _failures(result: RunResult) -> Iterator[str]:
    for number, (scenario, failure) in enumerate(failed(result), 1):
        yield from failure_section(result, scenario, failure, number)


def _footer(result: RunResult) -> Iterator[str]:
    yield '<footer><div class="wide"><dl>'
    for status in Status:
        yield (
            f"<div><dt>{GLYPHS[status]} {status_word(status)}</dt>"
            f"<dd>{text(MEANINGS[status])}</dd></div>"
        )
    yield "</dl><p>The same for machines: <code>report.json</code>.</p></div></footer>"
