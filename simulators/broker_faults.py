"""The fake broker's misbehaviours by name: what each does, and where it can strike.

Fault model. The broker is correct but for its plan: `MISBEHAVIOURS` lists all that it can do
wrong, what each does, and where it strikes. A publish or a connection is struck by one
misbehaviour at the most, so that each has the effect that is written here and no mixture of
two. Of several that would strike, the one with `@` comes before the one with `%`, and that
before one that strikes every time; then the order of the plan decides. A publish is counted
when the broker comes to it, a connection when it says Hello, both over the broker's whole
life, restarts included. An `@K` that cannot strike at the Kth strikes at the next one that
it can (a number that was taken before is never refused).

Not here: the text form of a plan (broker_fault_text.py), the dice (broker_dice.py), the
effects themselves (broker_misbehaviour.py); bytes that come late, in pieces or not at all on
a good broker's link (a simulated link's work).

Spec: SIM-1.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from reference.limits import LINK_BODY_BYTES_MAX

SECONDS_MAX: Final = 86_400.0
AHEAD_DEFAULT: Final = 1_000_000
"""Further than a connector can be with numbers that are on their way."""
REASON_CHARACTERS_MAX: Final = 2**20 - 1024
GARBAGE_BYTES_MAX: Final = 2**24


class Place(Enum):
    """Where a misbehaviour strikes."""

    PUBLISH = "publish"
    CONNECTION = "connection"
    """When Hello came, before or in place of Welcome."""


class When(Enum):
    """How often it strikes. The first strikes before the others."""

    AT = "at"
    PERCENT = "percent"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class Parameter:
    """The number that a misbehaviour takes."""

    meaning: str
    low: float
    high: float
    default: float
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """One way to be a bad broker. It strikes at `places[0]` unless its rule says otherwise."""

    name: str
    places: tuple[Place, ...]
    effect: str
    parameter: Parameter | None = None


@dataclass(frozen=True, slots=True)
class FaultRule:
    """One misbehaviour of a plan: which, where, when. `number` is K, or the percentage."""

    name: str
    place: Place
    when: When
    number: float
    parameter: float | None


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """All that a broker will do wrong, as data: the same plan gives the same choices."""

    rules: tuple[FaultRule, ...] = ()
    seed: int = 0


_PUBLISH: Final = (Place.PUBLISH,)
_CONNECTION: Final = (Place.CONNECTION,)
_EITHER: Final = (Place.PUBLISH, Place.CONNECTION)


def _seconds(default: float) -> Parameter:
    return Parameter("seconds", 0.0, SECONDS_MAX, default, is_whole=False)


def _ahead() -> Parameter:
    return Parameter("how far beyond", 1, 2**62, AHEAD_DEFAULT)


_ALL: Final = (
    Misbehaviour("no-acknowledgement", _PUBLISH,
        "records the event; sends no Acknowledge on this connection from here on"),
    Misbehaviour("late-acknowledgement", _PUBLISH,
        "sends the Acknowledge late, and later ones not before it", _seconds(0.5)),
    Misbehaviour("duplicate-acknowledgement", _PUBLISH, "sends the Acknowledge twice"),
    Misbehaviour("reordered-acknowledgement", _PUBLISH,
        "acknowledges n, then n - 1"),
    Misbehaviour("unknown-acknowledgement", _PUBLISH,
        "acknowledges a number beyond all that were sent", _ahead()),
    Misbehaviour("decreasing-acknowledgement", _PUBLISH,
        "acknowledges one less than it had acknowledged before"),
    Misbehaviour("refuse", _PUBLISH,
        "refuses the event for good, if it is new; not recorded",
        Parameter("characters of the reason", 0, REASON_CHARACTERS_MAX, 0)),
    Misbehaviour("reset-before-record", _PUBLISH,
        "drops the connection; event not recorded"),
    Misbehaviour("reset-before-acknowledgement", _PUBLISH,
        "records the event, then drops the connection with what was not sent yet"),
    Misbehaviour("reset-after-acknowledgement", _PUBLISH,
        "records and acknowledges the event, then drops the connection"),
    Misbehaviour("reset-before-welcome", _CONNECTION, "drops the connection"),
    Misbehaviour("stall", _EITHER,
        "reads and answers nothing any more, and keeps the connection open"),
    Misbehaviour("slow-consumer", _PUBLISH,
        "takes its time for the event, and reads nothing meanwhile", _seconds(0.1)),
    Misbehaviour("garbage", _EITHER,
        "sends random bytes in place of the answer",
        Parameter("bytes", 1, GARBAGE_BYTES_MAX, 64)),
    Misbehaviour("oversized-frame", _EITHER,
        "sends a frame's length that is over the limit in place of the answer",
        Parameter("bytes", LINK_BODY_BYTES_MAX + 1, 2**32 - 1, LINK_BODY_BYTES_MAX + 1)),
    Misbehaviour("undecodable-message", _EITHER,
        "sends a frame with an unknown tag in place of the answer"),
    Misbehaviour("wrong-version", _CONNECTION,
        "sends Welcome with a version that was not offered: one above, or the given one",
        Parameter("version", 0, 2**32 - 1, -1)),
    Misbehaviour("window-zero", _CONNECTION, "sends Welcome with a window of 0"),
    Misbehaviour("second-welcome", _PUBLISH, "sends Welcome again, then acknowledges"),
    Misbehaviour("welcome-ahead", _CONNECTION,
        "sends Welcome with a number beyond all that it ever got (divergence)", _ahead()),
    Misbehaviour("no-welcome", _CONNECTION, "sends nothing, and keeps the connection open"),
    Misbehaviour("error", _EITHER, "sends Error and closes; event not recorded"),
    Misbehaviour("forget", _EITHER,
        "forgets every log and closes all connections; event not recorded"),
    Misbehaviour("not-listening", _EITHER,
        "closes all connections and refuses new ones for a while; event not recorded",
        _seconds(1.0)),
)  # fmt: skip

MISBEHAVIOURS: Final = {each.name: each for each in _ALL}
