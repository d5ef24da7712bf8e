"""Small pieces of HTML: the one place where a text of a run becomes part of the page.

Spec: SCN-2.2.
"""

from __future__ import annotations

import html
import re
from typing import Final

from fault_injection.reports.words import GLYPHS, status_word, visible
from fault_injection.result import Status

_CODE: Final = re.compile(r"`([^`]+)`")
_EMPHASIS: Final = re.compile(r"\*([A-Za-z][A-Za-z ]*)\*")


def text(words: str) -> str:
    """Return the words as text: also fit for an attribute in double quotes."""
    return html.escape(visible(words), quote=True)


def prose(words: str) -> str:
    """Return the words as text, with `code` and *emphasis* as SPEC.md and stories have them."""
    escaped = _CODE.sub(r"<code>\1</code>", text(words))
    return _EMPHASIS.sub(r"<em>\1</em>", escaped)


def status_chip(status: Status, word: str = "") -> str:
    """Return the status as a coloured word with its mark; another word for it, if one is given."""
    return (
        f'<span class="chip {status.value}"><i aria-hidden="true">{GLYPHS[status]}</i> '
        f"{text(word or status_word(status))}</span>"
    )


def failure_anchor(number: int) -> str:
    """Return the name of the failure's place on the page."""
    return f"failure-{number}"
