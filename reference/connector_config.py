"""What an operator may choose about the connector, and what comes to it from outside.

Tests scale the one down and hold the other still.

The numbers of the format are in limits.py, those of the log in its `WalConfig`.

Spec: BUF-1.1, CON-3.
"""

from __future__ import annotations

import os
import random as random_module
import time
from collections.abc import Callable
from dataclasses import dataclass

from reference.limits import CLIENT_ID_BYTES_MAX, MIB, NS_PER_S, ConfigError


@dataclass(frozen=True, slots=True)
class ConnectorConfig:
    """Limits and times of one connector. Raises ConfigError, naming field, value and bound."""

    client_id: str = "procmond"
    """Who publishes, for the broker's own records."""
    buffer_bytes: int = 10 * MIB
    """Ticket: "Buffer events (10MB limit)": Publish frames in memory, exact."""
    backoff_first_ns: int = NS_PER_S // 10
    backoff_max_ns: int = 30 * NS_PER_S
    """daemoneye-eventbus client defaults: 100 ms, doubling to 30 s ..."""
    backoff_jitter: float = 0.1
    """... more or less by up to this part, so that a crowd does not come back as one."""
    connect_deadline_ns: int = 10 * NS_PER_S
    welcome_deadline_ns: int = 10 * NS_PER_S
    ping_after_ns: int = 10 * NS_PER_S
    """Of silence on an open link."""
    silence_deadline_ns: int = 30 * NS_PER_S
    """Without any message the link is closed: a half-open connection looks like this."""
    answer_deadline_ns: int = 30 * NS_PER_S
    """Without progress while events are unanswered the link is closed, Pongs or not."""
    retry_ns: int = NS_PER_S
    """Until a dead letter or a page that the disk refused is tried again."""

    def __post_init__(self) -> None:
        if not 1 <= len(self.client_id.encode()) <= CLIENT_ID_BYTES_MAX:
            raise ConfigError(f"client_id must have 1 to {CLIENT_ID_BYTES_MAX} bytes of UTF-8")
        if not 0 <= self.backoff_jitter < 1:
            raise ConfigError(f"backoff_jitter is {self.backoff_jitter}; it must be from 0 below 1")
        hour_ns = 3600 * NS_PER_S
        bounds = (
            ("buffer_bytes", 1, 2**40),
            ("backoff_first_ns", 1, self.backoff_max_ns),
            ("backoff_max_ns", 1, hour_ns),
            ("connect_deadline_ns", 1, hour_ns),
            ("welcome_deadline_ns", 1, hour_ns),
            ("ping_after_ns", 1, self.silence_deadline_ns - 1),
            ("silence_deadline_ns", 2, hour_ns),
            ("answer_deadline_ns", 1, hour_ns),
            ("retry_ns", 1, hour_ns),
        )
        for field, low, high in bounds:
            value = getattr(self, field)
            if not low <= value <= high:
                raise ConfigError(f"{field} is {value}; it must be from {low} to {high}")


@dataclass(frozen=True, slots=True)
class World:
    """What comes from outside: passed in, so that a test can hold it still."""

    monotonic_ns: Callable[[], int] = time.monotonic_ns
    wall_clock_ns: Callable[[], int] = time.time_ns
    random: Callable[[], float] = random_module.random
    random_bytes: Callable[[int], bytes] = os.urandom
