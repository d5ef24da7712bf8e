"""Topics and subscription patterns: dot-separated levels, wildcards as in MQTT.

    pattern              matches                              does not match
    events.process.stop  events.process.stop                  events.process.start
    events.+.start       events.process.start                 events.start, events.a.b.start
    events.#             events, events.a, events.a.b         event, other.events
    #                    everything

Theory of operation. `+` stands for exactly one level, whatever it is. `#` stands for zero or
more levels and can only be the last one. Both are whole levels: `proc+` is no pattern. A
pattern is checked once, when somebody subscribes, because one that silently matches nothing
looks like a broker that lost everything.

Not here: who subscribed to what, and what is delivered (broker_memory.py, fake_broker.py).

Spec: SIM-1.1.
"""

from __future__ import annotations

from typing import Final

LEVEL_SEPARATOR: Final = "."
ONE_LEVEL: Final = "+"
ANY_LEVELS: Final = "#"
PATTERN_LEVELS_MAX: Final = 64
"""Far more than any hierarchy has; a pattern comes from a command line."""


class InvalidPattern(ValueError):
    """A subscription pattern that can match nothing, or not what its author meant."""

    def __init__(self, pattern: str, reason: str) -> None:
        super().__init__(
            f"{pattern!r} is no subscription pattern: {reason}; "
            "write levels with dots between them, '+' for exactly one level, "
            "'#' as the last one for all below (events.process.+, events.#)"
        )
        self.pattern = pattern
        self.reason = reason


def check_pattern(pattern: str) -> None:
    """Return if `pattern` can be subscribed to. Raises InvalidPattern, which says what is wrong."""
    if not pattern:
        raise InvalidPattern(pattern, "it is empty")
    levels = pattern.split(LEVEL_SEPARATOR)
    if len(levels) > PATTERN_LEVELS_MAX:
        raise InvalidPattern(pattern, f"{len(levels)} levels, the limit is {PATTERN_LEVELS_MAX}")
    for number, level in enumerate(levels, 1):
        if not level:
            raise InvalidPattern(pattern, f"level {number} is empty")
        if level == ANY_LEVELS and number != len(levels):
            raise InvalidPattern(pattern, f"'#' is level {number} of {len(levels)}, not the last")
        if level not in (ONE_LEVEL, ANY_LEVELS):
            for wildcard in (ONE_LEVEL, ANY_LEVELS):
                if wildcard in level:
                    raise InvalidPattern(
                        pattern, f"{wildcard!r} stands inside level {number}, {level!r}"
                    )


def matches(pattern: str, topic: str) -> bool:
    """Return whether a subscriber to `pattern` gets what is published to `topic`.

    Raises InvalidPattern.
    """
    check_pattern(pattern)
    wanted = pattern.split(LEVEL_SEPARATOR)
    levels = topic.split(LEVEL_SEPARATOR)
    if wanted[-1] == ANY_LEVELS:
        wanted.pop()
        levels = levels[: len(wanted)]  # what '#' stands for; it may be nothing
    return len(wanted) == len(levels) and all(
        level in (ONE_LEVEL, found) for level, found in zip(wanted, levels, strict=True)
    )
