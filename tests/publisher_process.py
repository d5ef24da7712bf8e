"""A program that publishes without end and prints what is durable: to be killed.

    python3 -m tests.publisher_process WAL_DIR FIRST_PID

Events carry rising pids. `PID SEQUENCE` is printed when the publish of that event returned.
With FIRST_PID 0 it publishes nothing and ends when everything is acknowledged.
"""

from __future__ import annotations

import asyncio
import os
import sys

from reference.connector_config import ConnectorConfig
from reference.event_bus_connector import EventBusConnector
from reference.limits import FRAMES_OFFSET, WalConfig
from tests.wal_helpers import small_event

PUBLISHERS = 8
CONFIG = ConnectorConfig(buffer_bytes=5000, backoff_first_ns=10**6, backoff_max_ns=20 * 10**6)
WAL_CONFIG = WalConfig(rotation_bytes=FRAMES_OFFSET + 20_000)


async def main(directory: str, first_pid: int) -> None:
    async with await EventBusConnector.open(directory, CONFIG, wal_config=WAL_CONFIG) as connector:
        connector.connect()
        if not first_pid:
            assert await connector.drained(60)
            return
        pids = iter(range(first_pid, first_pid + 1_000_000))

        async def publish_for_ever() -> None:
            for pid in pids:
                sequence = await connector.publish(small_event(pid))
                os.write(1, f"{pid} {sequence}\n".encode())
                await asyncio.sleep(0.0005)

        await asyncio.gather(*(publish_for_ever() for _ in range(PUBLISHERS)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
