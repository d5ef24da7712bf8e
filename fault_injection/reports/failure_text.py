"""One failure as plain text: for a terminal, a CI log, JUnit and Markdown.

In the order in which a person asks: what was promised, what happened, when, in which bytes, and
how do I see it myself.

Spec: SCN-2.2, SCN-1.5.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from fault_injection.reports.timeline_text import timeline_text
from fault_injection.reports.words import invariant_words, shrunk_text, visible
from fault_injection.result import Failure, HexLine

WIDTH: Final = 100
ABSENT: Final = "--"


def failure_lines(failure: Failure, texts: Mapping[str, str]) -> list[str]:
    """Return the block, without colours. `texts` has what each requirement says."""
    title, promise = invariant_words(failure)
    lines = _wrapped(f"BROKEN  {title}: ", promise)
    for each in failure.requirements:
        text = visible(texts.get(each, ""))
        lines += _wrapped(f"        {each}  ", text)
    lines += _wrapped("BECAUSE ", visible(failure.what)) + ["", "WHAT HAPPENED"]
    for number, sentence in enumerate(failure.story, 1):
        lines += _wrapped(f"  {number:>2}. ", visible(sentence))
    if failure.timeline:
        lines += ["", "WHEN"]
        lines += [f"  {line}" for line in timeline_text(failure.timeline, WIDTH - 2)]
    if failure.hex_lines:
        lines += ["", "BYTES  + as they were written, - as they were found, ^ where they differ"]
        lines += [f"  {line}" for line in hex_text(failure.hex_lines)]
    lines += ["", "SEE IT AGAIN"]
    lines.append(f"  {visible(failure.replay_command)}")
    where = visible(failure.plan_file) or "not written to a file"
    lines.append(f"  plan: {where} ({shrunk_text(failure)})")
    return lines


def hex_text(lines: Sequence[HexLine]) -> Iterator[str]:
    """Yield two or three rows for each line: written, found, and marks under what differs."""
    file = ""
    for each in lines:
        if each.file != file:
            file = each.file
            yield visible(file)
        written = " ".join(one or ABSENT for one, _ in each.places)
        found = " ".join(two or ABSENT for _, two in each.places)
        marks = " ".join("  " if one == two else "^^" for one, two in each.places)
        shown = written if each.expected else "(nothing)"
        yield f"  {each.offset:08x} + {shown:<47}  {visible(each.note)}".rstrip()
        yield f"           - {found if each.found else '(nothing)'}"
        if each.found and each.expected:
            yield f"             {marks}".rstrip()


def _wrapped(head: str, text: str) -> list[str]:
    """Return the text behind its head, wrapped, and indented below it."""
    indent = " " * min(len(head), 10)
    return textwrap.wrap(
        text, WIDTH, initial_indent=head, subsequent_indent=indent, break_on_hyphens=False
    ) or [head.rstrip()]
