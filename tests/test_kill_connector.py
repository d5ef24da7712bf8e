"""Real processes and a real socket: SIGKILL of the connector, the broker, or both, repeatedly.

The oracle is what the killed connectors had printed: an event whose publish returned. The
broker's record, repeats dropped, has to be exactly those, in order, once each; an event that
was in flight at a kill may be there too. Each run prints its seed.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reference.broker_socket import VARIABLE
from reference.wal import WriteAheadLog
from tests.process_helpers import DEADLINE_S, ROOT, BrokerProcess, records, wait_for

ROUNDS = 12
FAULTS = (
    "--misbehave", "reset-before-acknowledgement%2", "--misbehave", "reset-after-acknowledgement%1",
    "--misbehave", "reset-before-record%1", "--misbehave", "garbage%1", "--misbehave", "error%1",
)  # fmt: skip


class Publisher:
    """A connector in a process of its own, with what it has printed."""

    def __init__(self, directory: Path, first_pid: int) -> None:
        self._output = directory / "printed"
        with self._output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.publisher_process", str(directory / "wal"),
                 str(first_pid)],
                cwd=ROOT, stdout=output, stderr=subprocess.PIPE,
                env={VARIABLE: str(directory / "s"), "PATH": ""},
            )  # fmt: skip

    def kill(self) -> None:
        self.process.kill()
        _, errors = self.process.communicate()
        assert b"Traceback" not in errors, errors.decode()


def printed(directory: Path) -> dict[int, int]:
    """Pid to sequence, of each publish that returned. A line that was cut short never was."""
    text = (directory / "printed").read_text()
    complete = text[: text.rfind("\n") + 1]
    return {int(pid): int(sequence) for pid, sequence in map(str.split, complete.splitlines())}


def delivered(directory: Path) -> dict[int, int]:
    """Sequence to pid as the broker recorded them, repeats dropped; the order is checked."""
    by_sequence: dict[int, int] = {}
    log_ids = set()
    for record in records(directory):
        sequence, pid = int(record["sequence"]), record["event"]["pid"]
        assert by_sequence.setdefault(sequence, pid) == pid, "a repeat is the same event"
        log_ids.add(record["log_id"])
    assert list(by_sequence) == sorted(by_sequence)
    assert len(log_ids) == 1
    return by_sequence


@pytest.mark.req("DEL-1.1", "DEL-1.2", "DEL-1.4", "LNK-3.1", "CON-2.1", "SIM-1.3", "WAL-1.1")
@pytest.mark.parametrize("victim", ["connector", "broker", "both"])
def test_nothing_is_lost_whoever_is_killed(tmp_path: Path, victim: str) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    source = random.Random(seed)
    (tmp_path / "printed").touch()
    options = ("--quiet", *FAULTS, "--seed", str(seed))
    broker = BrokerProcess(tmp_path, *options)
    publisher = Publisher(tmp_path, 1)
    for number in range(1, ROUNDS + 1):
        known = len(printed(tmp_path))
        wait_for(lambda known=known: len(printed(tmp_path)) > known)  # type: ignore[misc]
        time.sleep(source.random() * 0.15)
        if victim in ("broker", "both"):
            broker.kill()
        if victim in ("connector", "both"):
            publisher.kill()
        time.sleep(source.random() * 0.05)
        if victim in ("broker", "both"):
            broker.__exit__()
            broker = BrokerProcess(tmp_path, *options)
        if victim in ("connector", "both"):
            publisher = Publisher(tmp_path, number * 1_000_000)
    publisher.kill()
    broker.__exit__()
    with BrokerProcess(tmp_path, "--quiet") as healthy:
        last = Publisher(tmp_path, 0)
        _, errors = last.process.communicate(timeout=DEADLINE_S)
        assert last.process.returncode == 0, errors.decode()
        healthy.process.terminate()
        assert healthy.process.wait(DEADLINE_S) == 0, "the connector broke a rule of the link"
    returned, by_sequence = printed(tmp_path), delivered(tmp_path)
    assert len(returned) > 10 * ROUNDS
    for pid, sequence in returned.items():
        assert by_sequence[sequence] == pid
    in_flight = set(by_sequence.values()) - set(returned)
    kills = ROUNDS + 1
    assert len(in_flight) <= 8 * kills, "only what was being published at a kill"
    assert len(set(by_sequence.values())) == len(by_sequence), "each event once"
    with WriteAheadLog.open(tmp_path / "wal") as log:
        assert list(log.replay()) == []
        assert log.report.lost == 0
