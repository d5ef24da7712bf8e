"""The log on a disk that loses power and whose calls fail: a Hypothesis state machine.

The promises, each an invariant:

    no loss      what append returned and nobody settled is replayed               WAL-1.1
    no phantom   what is replayed was appended, and not after a definite error     ERR-1.2
    order        numbers rise and are never given twice                            WAL-1.2
    honest       nothing that is there, or was settled, is called lost             REP-1.2

The model is three collections: what was returned, what was settled, what a definite error
has refused.
"""

from __future__ import annotations

import itertools
import logging
from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from reference.errors import AppendError, DeadLetterFailed, OpenRefused, ReadFailed
from reference.limits import FRAMES_OFFSET, WalConfig
from reference.report import Fate
from reference.wal import WriteAheadLog
from simulators.clock import VirtualClock
from simulators.crash_filesystem import CrashFilesystem, PowerFailure
from simulators.crash_states import crash_states
from simulators.disk_image import Image
from simulators.faulty_filesystem import CALLS, ERRORS, CallFault, FaultyFilesystem
from simulators.persistence import PROFILES
from tests.wal_helpers import small_event

CONFIG = WalConfig(
    rotation_bytes=FRAMES_OFFSET + 300, acknowledge_count_max=2, quarantine_bytes_max=2000
)
FIRED: Counter[str] = Counter()


class LogMachine(RuleBasedStateMachine):
    """One directory, one log after another."""

    @initialize(profile=st.sampled_from(("posix-min", "ext4-ordered", "btrfs")))
    def begin(self, profile: str) -> None:
        self.profile = PROFILES[profile]
        self.clock = VirtualClock()
        self.random = itertools.count(1)
        self.pid = 0
        self.returned: dict[int, int] = {}
        self.settled_through = 0
        self.buried: set[int] = set()
        self.refused: set[int] = set()
        self.start({})

    def start(self, image: Image) -> None:
        """Open what is on the medium; while it refuses, heal and try again."""
        self.disk = FaultyFilesystem(CrashFilesystem(self.profile, image))
        self.reopen()

    def reopen(self) -> None:
        for _ in range(3):
            self.disk.close()
            try:
                self.log = WriteAheadLog.open(
                    self.disk, CONFIG, wall_clock_ns=self.clock.wall_ns,
                    monotonic_ns=self.clock.monotonic_ns,
                    random_bytes=lambda n: next(self.random).to_bytes(4, "big") * (n // 4),
                )  # fmt: skip
            except OpenRefused:
                FIRED["refused"] += 1
                self.disk.heal()
            else:
                self.check_report()
                return
        raise AssertionError("it cannot be opened although nothing is wrong any more")

    # ---- What happens -------------------------------------------------------

    @rule(count=st.integers(1, 4))
    def append(self, count: int) -> None:
        pids = [self.pid + number for number in range(1, count + 1)]
        self.pid += count
        try:
            stored = self.log.append_batch([small_event(pid) for pid in pids])
        except AppendError as error:
            FIRED[type(error).__name__] += 1
            stored = list(error.stored)
            if error.definite:
                self.refused.update(pids[len(stored) :])
        for sequence, pid in zip(stored, pids, strict=False):
            assert sequence not in self.returned, "a number was given twice"
            assert sequence > max(self.returned, default=0)
            self.returned[sequence] = pid

    @precondition(lambda self: self.returned)
    @rule(back=st.integers(0, 3))
    def acknowledge(self, back: int) -> None:
        through = max(max(self.returned) - back, 0)
        self.settled_through = max(self.settled_through, through)
        self.log.acknowledge(through)

    @precondition(lambda self: self.returned)
    @rule()
    def refuse_the_next(self) -> None:
        entry = next((e for e in self.entries() or () if e[0] in self.returned), None)
        if entry is not None:
            try:
                self.log.refuse(next(e for e in self.log.replay() if e.sequence == entry[0]), "no")
            except (DeadLetterFailed, ReadFailed, StopIteration) as error:
                FIRED[type(error).__name__] += 1
            else:
                self.buried.add(entry[0])

    @rule()
    def close_and_open(self) -> None:
        self.log.close()
        self.reopen()

    @rule()
    def killed(self) -> None:
        inner = self.disk.inner
        assert isinstance(inner, CrashFilesystem)
        self.start(inner.process_image())

    @rule(
        what=st.sampled_from(("append", "acknowledge", "close_and_open", "reopen")),
        calls=st.integers(0, 20), choice=st.integers(0, 2**32 - 1),
    )  # fmt: skip
    def power_fails_during(self, what: str, calls: int, choice: int) -> None:
        disk = self.disk.inner
        assert isinstance(disk, CrashFilesystem)
        disk.fail_power(calls)
        try:
            if what == "append":
                self.append(3)
            elif what == "acknowledge" and self.returned:
                self.acknowledge(0)
            elif what == "close_and_open":
                self.close_and_open()
            else:
                self.reopen()
        except PowerFailure:
            FIRED["power"] += 1
        else:
            disk.fail_power(None)
            disk.end()
        states = list(crash_states(disk.points[-1], self.profile, budget=64, seed=choice))
        FIRED["several states"] += len(states) > 1
        self.start(states[choice % len(states)].image)

    @rule(
        call=st.sampled_from(CALLS), error=st.sampled_from(ERRORS), at=st.integers(1, 3),
        times=st.sampled_from((1, 3, 0)),
    )  # fmt: skip
    def call_will_fail(self, call: str, error: int, at: int, times: int) -> None:
        self.disk.arm(CallFault(call, error, at, times))

    @rule()
    def disk_heals(self) -> None:
        FIRED.update(word.rpartition(": ")[2] for word in self.disk.fired)
        self.disk.fired.clear()
        self.disk.heal()

    @rule(seconds=st.integers(-(10**9), 10**9))
    def wall_clock_jumps(self, seconds: int) -> None:
        self.clock.jump_wall(seconds * 10**9)
        self.clock.advance(2 * 10**9)

    # ---- What holds ---------------------------------------------------------

    def entries(self) -> list[tuple[int, int]] | None:
        """What replay yields; None if the disk cannot be read now."""
        try:
            return [(entry.sequence, entry.event.pid) for entry in self.log.replay()]
        except ReadFailed:
            return None

    @invariant()
    def what_was_returned_is_replayed_and_nothing_else(self) -> None:
        entries = self.entries()
        if entries is None:
            return
        numbers = [sequence for sequence, _ in entries]
        assert numbers == sorted(set(numbers))
        hidden = self.log.hidden_from
        wanted = {
            n for n in self.returned
            if n > self.settled_through and n not in self.buried and (hidden is None or n < hidden)
        }  # fmt: skip
        assert wanted <= set(numbers), f"lost: {wanted - set(numbers)}"
        for sequence, pid in entries:
            assert self.returned.get(sequence, pid) == pid
            assert pid not in self.refused, "a definite error, and it is there"

    def check_report(self) -> None:
        for damage in self.log.report.damages:
            if damage.fate is Fate.LOST:
                first, count = damage.first_sequence, damage.sequence_count
                assert not set(range(first, first + count)) & set(self.returned), str(damage)
            assert damage.fate is not Fate.DEAD_LETTERED, "nobody wrote such bytes"

    def teardown(self) -> None:
        if hasattr(self, "log"):
            self.disk.heal()
            self.killed()
            self.append(1)
            self.what_was_returned_is_replayed_and_nothing_else()


@pytest.mark.req(
    "WAL-1.1", "WAL-1.2", "WAL-1.4", "ERR-1.2", "REC-1.1", "REC-9.2", "REC-9.3", "REP-1.2",
    "ACK-5.1", "DLQ-1.1", "SIM-2.1", "SIM-2.7",
)  # fmt: skip
def test_the_log_under_power_cuts_failing_calls_and_jumping_clocks() -> None:
    logging.disable(logging.ERROR)
    try:
        run_state_machine_as_test(
            LogMachine,
            settings=settings(
                max_examples=2 * settings().max_examples, stateful_step_count=30, deadline=None
            ),
        )
    finally:
        logging.disable(logging.NOTSET)
    print(FIRED)
    assert FIRED["power"] > 0, "the power never failed"
    assert FIRED["several states"] > 0, "a cut never had a choice"
