"""Subscription patterns: MQTT's wildcards over dots. Spec: SIM-1.1."""

from __future__ import annotations

import pytest

from simulators.topics import PATTERN_LEVELS_MAX, InvalidPattern, check_pattern, matches


@pytest.mark.req("SIM-1.1")
@pytest.mark.parametrize(
    ("pattern", "topic", "expected"),
    [
        ("events.process.start", "events.process.start", True),
        ("events.process.start", "events.process.stop", False),
        ("events.process.start", "events.process", False),
        ("events.process", "events.process.start", False),
        ("events.process.start", "EVENTS.process.start", False),
        ("+", "events", True),
        ("+", "events.process", False),
        ("events.+", "events.process", True),
        ("events.+", "events", False),
        ("events.+", "events.process.start", False),
        ("events.+.start", "events.process.start", True),
        ("events.+.start", "events.process.stop", False),
        ("events.+.start", "events.start", False),
        ("+.+.+", "events.process.start", True),
        ("#", "events", True),
        ("#", "events.process.start", True),
        ("events.#", "events", True),
        ("events.#", "events.process", True),
        ("events.#", "events.process.start", True),
        ("events.#", "event", False),
        ("events.#", "other.events", False),
        ("events.process.#", "events", False),
        ("events.+.#", "events", False),
        ("events.+.#", "events.process", True),
        ("+.#", "events.process.start", True),
        ("events.+", "events.", True),  # an empty level of a topic is a level
    ],
)
def test_a_pattern_matches_exactly_these_topics(pattern: str, topic: str, expected: bool) -> None:
    assert matches(pattern, topic) is expected


@pytest.mark.req("SIM-1.1")
@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("", "it is empty"),
        (".", "level 1 is empty"),
        ("events..start", "level 2 is empty"),
        ("events.", "level 2 is empty"),
        (".events", "level 1 is empty"),
        ("#.start", "'#' is level 1 of 2, not the last"),
        ("events.#.#", "'#' is level 2 of 3, not the last"),
        ("events.proc+", "'+' stands inside level 2, 'proc+'"),
        ("events.++", "'+' stands inside level 2"),
        ("events#", "'#' stands inside level 1"),
        (".".join("x" * (PATTERN_LEVELS_MAX + 1)), f"{PATTERN_LEVELS_MAX + 1} levels"),
    ],
)
def test_an_invalid_pattern_says_what_is_wrong_and_what_is_right(pattern: str, said: str) -> None:
    for use in (check_pattern, lambda pattern: matches(pattern, "events")):
        with pytest.raises(InvalidPattern) as caught:
            use(pattern)
        assert said in str(caught.value)
        assert "events.process.+" in str(caught.value)
