"""The settings of a connector's plan: names, small defaults, and how they are taken apart.

Integer fields of WalConfig and ConnectorConfig by their names, and `window`, the broker's.
The defaults are small, so that files rotate after five events and the buffer fills with twenty.

Spec: SCN-4.1.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from fault_injection.errors import PlanError
from reference.connector_config import ConnectorConfig
from reference.limits import FRAMES_OFFSET, ConfigError, WalConfig
from simulators.broker_answers import BrokerOptions

_WAL: Final = set(WalConfig.__dataclass_fields__)
_CONNECTOR: Final = set(ConnectorConfig.__dataclass_fields__) - {"client_id", "backoff_jitter"}
WINDOW: Final = "window"
_DEFAULTS: Final = {
    "rotation_bytes": FRAMES_OFFSET + 600, "acknowledge_count_max": 3,
    "quarantine_bytes_max": 1000, "buffer_bytes": 3000, WINDOW: 8,
}  # fmt: skip


def connector_limits(
    settings: Mapping[str, int],
) -> tuple[WalConfig, ConnectorConfig, BrokerOptions]:
    """Return the configurations of the log, the connector and the broker. Raises PlanError."""
    if unknown := sorted(set(settings) - _WAL - _CONNECTOR - {WINDOW}):
        raise PlanError(f"setting {unknown[0]!r} is none of the log, the connector or the broker")
    chosen = {**_DEFAULTS, **settings}
    try:
        return (
            dataclasses.replace(WalConfig(), **_only(_WAL, chosen)),
            dataclasses.replace(ConnectorConfig(), **_only(_CONNECTOR, chosen)),
            BrokerOptions(chosen[WINDOW]),
        )
    except (ConfigError, ValueError) as error:
        raise PlanError(str(error)) from error


def _only(names: set[str], chosen: Mapping[str, int]) -> dict[str, Any]:
    return {name: value for name, value in chosen.items() if name in names}
