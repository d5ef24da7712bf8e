"""Misbehaviours as short text, for the command line and for the names of tests.

    no-acknowledgement              every time
    refuse@5                        at the 5th publish of the broker's life
    no-welcome@2                    at the 2nd connection: it can strike nowhere else
    stall@c2                        at the 2nd connection, of one that can strike at both
    reset-before-acknowledgement%2  at each publish with a probability of 2 percent
    error%c10                       at each connection with a probability of 10 percent
    garbage@c*                      at every connection, of one that can strike at both
    late-acknowledgement@3:0.5      with a parameter, here seconds

Theory of operation. Reading is strict, and each error says what would be right: a plan that
was understood otherwise than meant is a test that tests nothing. `fault_text` writes the form
that `parse_fault` reads.

Not here: what the names mean (broker_faults.py).

Spec: SIM-1.2.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from simulators.broker_faults import (
    MISBEHAVIOURS,
    FaultPlan,
    FaultRule,
    Misbehaviour,
    Parameter,
    Place,
    When,
)

GRAMMAR: Final = "NAME[@K|@cK|@c*|%P|%cP][:PARAMETER]"
COUNT_MAX: Final = 10**12
NUMBER_CHARACTERS_MAX: Final = 40

_FORM: Final = re.compile(
    r"(?P<name>[^@%:]*)"
    r"(?:(?P<sign>[@%])(?P<letter>c?)(?P<number>[^:]*))?"
    r"(?::(?P<parameter>.*))?",
    re.DOTALL,
)
_NUMBER: Final = re.compile(r"[0-9]+(\.[0-9]+)?", re.ASCII)


class InvalidFault(ValueError):
    """The text is no misbehaviour. The message says what would be right."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(f"{text!r}: {reason}")
        self.text = text


def parse_fault_plan(texts: Iterable[str], seed: int = 0) -> FaultPlan:
    """Return the plan. Raises InvalidFault."""
    return FaultPlan(tuple(parse_fault(text) for text in texts), seed)


def parse_fault(text: str) -> FaultRule:
    """Return what the text says, in the form of GRAMMAR. Raises InvalidFault."""
    form = _FORM.fullmatch(text)
    assert form is not None  # every part but the name is optional, and the name may be empty
    misbehaviour = _named(text, form["name"])
    place = misbehaviour.places[0]
    if form["letter"]:
        place = Place.CONNECTION
        if place not in misbehaviour.places:
            raise InvalidFault(text, f"{misbehaviour.name} strikes only at a publish; drop the 'c'")
    when, number = _trigger(text, form["sign"], form["number"])
    value = _parameter(text, misbehaviour.parameter, misbehaviour.name, form["parameter"])
    return FaultRule(misbehaviour.name, place, when, number, value)


def fault_text(rule: FaultRule) -> str:
    """Return the text that `parse_fault` reads as this rule."""
    letter = "" if rule.place is MISBEHAVIOURS[rule.name].places[0] else "c"
    trigger = {
        When.AT: f"@{letter}{digits(rule.number)}",
        When.PERCENT: f"%{letter}{digits(rule.number)}",
        When.ALWAYS: "@c*" if letter else "",
    }[rule.when]
    return rule.name + trigger + ("" if rule.parameter is None else f":{digits(rule.parameter)}")


def _named(text: str, name: str) -> Misbehaviour:
    if name in MISBEHAVIOURS:
        return MISBEHAVIOURS[name]
    near = difflib.get_close_matches(name, MISBEHAVIOURS, n=1)
    hint = f"did you mean {near[0]}?" if near else "the names are " + ", ".join(MISBEHAVIOURS)
    raise InvalidFault(text, f"{name!r} is no misbehaviour; {hint}")


def _trigger(text: str, sign: str | None, number_text: str | None) -> tuple[When, float]:
    if sign is None or number_text is None or (sign == "@" and number_text == "*"):
        return When.ALWAYS, 0
    number = _number(number_text)
    if sign == "@":
        if isinstance(number, int) and 1 <= number <= COUNT_MAX:
            return When.AT, number
        raise InvalidFault(text, f"behind @ a count from 1 on (refuse@5), not {number_text!r}")
    if number is not None and 0 < number <= 100:
        return When.PERCENT, number
    raise InvalidFault(
        text, f"behind % a percentage above 0 and up to 100 (error%2), not {number_text!r}"
    )


def _parameter(
    text: str, parameter: Parameter | None, name: str, value_text: str | None
) -> float | None:
    if value_text is None:
        return None
    if parameter is None:
        raise InvalidFault(text, f"{name} takes no parameter; drop the ':' and what follows")
    value = _number(value_text)
    is_of_kind = isinstance(value, int) or (value is not None and not parameter.is_whole)
    if value is None or not is_of_kind or not parameter.low <= value <= parameter.high:
        kind = "a whole number" if parameter.is_whole else "a number"
        raise InvalidFault(
            text,
            f"{name} takes {kind} behind the ':', {parameter.meaning} "
            f"from {digits(parameter.low)} to {digits(parameter.high)}, not {value_text!r}",
        )
    return value


def _number(text: str) -> int | float | None:
    """Return what is written in digits, or None."""
    if len(text) > NUMBER_CHARACTERS_MAX or not _NUMBER.fullmatch(text):
        return None
    return float(text) if "." in text else int(text)


def digits(number: float) -> str:
    """Return the number in digits: no exponent, no needless fraction."""
    return str(int(number)) if number == int(number) else format(Decimal(repr(number)), "f")
