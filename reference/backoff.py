"""How long to wait before the next attempt: doubling, bounded, with jitter.

    attempt   1        2        3        ...   10 and on
    delay     100 ms   200 ms   400 ms         30 s          each +- 10 %

Random numbers are passed in.

Spec: CON-3.2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from reference.connector_config import ConnectorConfig

_DOUBLINGS_MAX: Final = 64
"""An hour is fewer doublings of a nanosecond; more attempts must not make larger integers."""


class Backoff:
    """The delays of one connector. `random` returns a number from 0 below 1."""

    def __init__(self, config: ConnectorConfig, random: Callable[[], float]) -> None:
        self._config = config
        self._random = random
        self._attempts = 0

    def next_delay_ns(self) -> int:
        """Return the delay before the next attempt, and count it."""
        doublings = min(self._attempts, _DOUBLINGS_MAX)
        self._attempts += 1
        return self._jittered(
            min(self._config.backoff_first_ns << doublings, self._config.backoff_max_ns)
        )

    def longest_delay_ns(self) -> int:
        """Return the longest delay: for what only a person can mend."""
        return self._jittered(self._config.backoff_max_ns)

    def reset(self) -> None:
        """Start again from the first delay: the link has proved itself."""
        self._attempts = 0

    def _jittered(self, delay_ns: int) -> int:
        spread = 2 * self._random() - 1
        return round(delay_ns * (1 + self._config.backoff_jitter * spread))
