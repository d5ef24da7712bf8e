"""Small pieces of HTML: the one place where a text of a run becomes part of the page.

Spec: SCN-2.2.
"""

from __future__ import annotations

import html

from fault_injection.reports.words import GLYPHS, status_word, visible
from fault_injection.result import Status


def text(words: str) -> str:
    """Return the words as text: also fit for an attribute in double quotes."""
    return html.escape(visible(words), quote=True)


def status_chip(status: Status) -> str:
    """Return the status as a coloured word with its mark."""
    return (
        f'<span class="chip {status.value}"><i aria-hidden="true">{GLYPHS[status]}</i> '
        f"{status_word(status)}</span>"
    )


def failure_anchor(number: int) -> str:
    """Return the name of the failure's place on the page."""
    return f"failure-{number}"
