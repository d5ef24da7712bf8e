"""A told step, and the small words that stories are made of: "two events", "the third".

Spec: SCN-1.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

Event = tuple[str, str, str]
"""Lane, text, kind."""


@dataclass(frozen=True, slots=True)
class Words:
    """A step, told."""

    sentence: str
    """What was done and what came of it."""
    attempt: str
    """The same, unfinished: "One event is being appended"."""
    short: str
    """A word or two, for the drawing."""
    events: tuple[Event, ...]


_NUMBERS: Final = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def counted(number: int, noun: str) -> str:
    """Return "one event", "12 events"."""
    plural = "" if number == 1 or noun == "more" else "s"
    return f"{word(number)} {noun}{plural}"


def word(number: int) -> str:
    """Return a small number as a word."""
    return _NUMBERS[number] if 0 <= number < len(_NUMBERS) else f"{number:,}"


def ordinal(number: int) -> str:
    """Return "first", "4th"."""
    small = {1: "first", 2: "second", 3: "third"}
    return small.get(number) or f"{number}th"


def and_words(numbers: str) -> str:
    """Write "1, 2, 3" as "1, 2 and 3"."""
    head, comma, last = numbers.rpartition(", ")
    return f"{head} and {last}" if comma else numbers


def capital(text: str) -> str:
    """Return the text with its first letter large."""
    return text[:1].upper() + text[1:]
