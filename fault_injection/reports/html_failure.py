"""One failure on the page: promise, story, drawing, bytes side by side, plan, replay.

Spec: SCN-2.2, SCN-1.5.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from fault_injection.reports.html_text import failure_anchor, prose, status_chip, text
from fault_injection.reports.timeline_svg import timeline_svg
from fault_injection.reports.words import invariant_words, shrunk_text
from fault_injection.result import Failure, HexLine, RunResult, ScenarioResult

ABSENT: Final = "··"


def failure_section(
    result: RunResult, scenario: ScenarioResult, failure: Failure, number: int
) -> Iterator[str]:
    """Yield the article."""
    title, promise = invariant_words(failure)
    yield f'<article class="failure" id="{failure_anchor(number)}">'
    yield f"<h3>{text(scenario.id)} {status_chip(scenario.status)}</h3>"
    yield f'<p class="what">{text(failure.what[:1].upper() + failure.what[1:])}</p>'
    yield f'<div class="promise"><p><b>{text(title)}.</b> Promised is: {text(promise)}.</p>'
    if failure.requirements:
        yield "<dl>"
        for each in failure.requirements:
            words = result.requirement_texts.get(each, "")
            yield f"<div><dt>{text(each)}</dt><dd>{prose(words)}</dd></div>"
        yield "</dl>"
    yield "</div>"
    yield '<h4>What happened</h4><ol class="story">'
    for index, sentence in enumerate(failure.story, 1):
        last = ' class="broken"' if index == len(failure.story) else ""
        yield f"<li{last}>{prose(sentence)}</li>"
    yield "</ol>"
    if failure.timeline:
        yield '<h4>When, and where</h4><div class="drawing">'
        yield f"{timeline_svg(failure.timeline)}</div>"
    if failure.hex_lines:
        yield from _bytes(failure.hex_lines)
    yield "<h4>See it again</h4>"
    yield f'<div class="command"><pre><code>{text(failure.replay_command)}</code></pre></div>'
    where = f" In <code>{text(failure.plan_file)}</code>." if failure.plan_file else ""
    yield f"<p>The plan has {text(shrunk_text(failure))}.{where}</p>"
    yield f"<details><summary>The plan</summary><pre>{text(_plan_text(failure))}</pre></details>"
    yield "</article>"


def _plan_text(failure: Failure) -> str:
    """Return the plan with a step a line."""
    plan = dict(failure.plan)
    steps = plan.pop("steps", None)
    if not isinstance(steps, list):
        return json.dumps(failure.plan, indent=1)
    head = json.dumps(plan)[:-1]
    return f'{head},\n "steps": [\n  ' + ",\n  ".join(map(json.dumps, steps)) + "\n ]}"


# ---- Bytes ------------------------------------------------------------------


def _bytes(lines: Sequence[HexLine]) -> Iterator[str]:
    yield "<h4>Bytes</h4>"
    yield (
        '<p class="hint">Only lines that differ. What differs is <b class="d">marked</b>; '
        '<span class="gone">··</span> is no byte at all.</p>'
    )
    yield '<div class="scroll"><table class="hex"><thead><tr><th scope="col">offset</th>'
    yield '<th scope="col">as written</th><th scope="col">as found</th>'
    yield '<th scope="col">what it is</th></tr></thead>'
    file = ""
    for each in lines:
        if each.file != file:
            yield "</tbody>" if file else ""
            file = each.file
            yield f'<tbody><tr><th colspan="4" scope="rowgroup">{text(file)}</th></tr>'
        written = [(one, one != two) for one, two in each.places]
        found = [(two, one != two) for one, two in each.places]
        yield (
            f'<tr><td>{each.offset:08x}</td><td class="b">{_side(written)}</td>'
            f'<td class="b">{_side(found)}</td>'
            f'<td class="note">{text(each.note)}</td></tr>'
        )
    yield "</tbody></table></div>"


def _side(places: Sequence[tuple[str, bool]]) -> str:
    """Return the bytes, each with whether it differs; those in a row are drawn together."""
    words = []
    for differs, run in groupby(places, lambda place: place[1]):
        shown = [byte or ABSENT for byte, _ in run]
        words.append(_marked(shown) if differs else " ".join(shown))
    return " ".join(words)


def _marked(run: Sequence[str]) -> str:
    kind = "gone" if set(run) == {ABSENT} else "d"
    return f'<b class="{kind}">{" ".join(run)}</b>'
