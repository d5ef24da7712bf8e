"""A port driven by Hypothesis: any use of a log, compared with lists; failures shrink.

    tox -e port -- --port "./my-adapter"

Without --port it is the reference's own adapter, with few examples. The model is two lists:
what was stored and by which number, and what nobody needs any more. Promises:

    P1  what was stored and is not settled is replayed, in order, byte for byte (WAL-1.1)
    P2  numbers rise, and none is given twice (WAL-1.2)
    P3  a kill at any moment between two calls changes nothing of that (WAL-1.1)
    P4  a refused event is a dead letter, and is not replayed (DLQ-1.1)
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from fault_injection.ports.adapter import Adapter
from fault_injection.ports.comparing import dead_letters_in
from reference.codec import encode_event
from reference.events import ProcessEvent
from reference.limits import FRAMES_OFFSET
from tests.careless_adapter import command_with
from tests.conftest import port_command
from tests.strategies import events

SETTINGS = {"rotation_bytes": FRAMES_OFFSET + 400, "acknowledge_count_max": 1}
EXAMPLES_OF_THE_REFERENCE = 3
STEPS = 12


class PortMachine(RuleBasedStateMachine):
    """P1 to P4 on one log in one directory."""

    command: Sequence[str] = ()

    def __init__(self) -> None:
        super().__init__()
        self.stored: list[tuple[int, str]] = []
        self.settled_through = 0
        self.refused: list[int] = []
        self.is_open = False
        self.directory = Path(tempfile.mkdtemp(prefix="procmond-machine-"))
        self.adapter = Adapter(self.command)

    @property
    def wanted(self) -> list[tuple[int, str]]:
        """What has to be replayed."""
        return [
            (sequence, event) for sequence, event in self.stored
            if sequence > self.settled_through and sequence not in self.refused
        ]  # fmt: skip

    @initialize()
    def open_first(self) -> None:
        self.open()

    @precondition(lambda self: not self.is_open)
    @rule()
    def open(self) -> None:
        self.adapter.ask("open", dir=str(self.directory), settings=SETTINGS)
        self.is_open = True

    @precondition(lambda self: self.is_open)
    @rule(event=events())
    def append(self, event: ProcessEvent) -> None:
        encoded = encode_event(event).hex()
        self._was_stored([self.adapter.ask("append", event=encoded)["sequence"]], [encoded])

    @precondition(lambda self: self.is_open)
    @rule(batch=st.lists(events(), min_size=1, max_size=4))
    def append_batch(self, batch: list[ProcessEvent]) -> None:
        encoded = [encode_event(each).hex() for each in batch]
        self._was_stored(self.adapter.ask("append_batch", events=encoded)["sequences"], encoded)

    @precondition(lambda self: self.is_open and self.wanted)
    @rule(data=st.data())
    def acknowledge(self, data: st.DataObject) -> None:
        through = data.draw(st.sampled_from([sequence for sequence, _ in self.wanted]))
        self.adapter.ask("acknowledge", through=str(through))
        self.settled_through = through

    @precondition(lambda self: self.is_open and self.wanted)
    @rule()
    def refuse_the_oldest(self) -> None:
        sequence = self.wanted[0][0]
        self.adapter.ask("refuse", sequence=str(sequence), reason="refused by the machine")
        self.refused.append(sequence)

    @precondition(lambda self: self.is_open)
    @rule()
    def close(self) -> None:
        assert self.adapter.ask("close")["clean"]
        self.is_open = False

    @rule()
    def kill(self) -> None:
        self.adapter.kill()
        self.adapter = Adapter(self.command)
        self.is_open = False

    @invariant()
    def everything_wanted_is_replayed(self) -> None:
        if self.is_open:
            entries = self.adapter.ask("replay", after="0")["entries"]
            found = [(int(each["sequence"]), each["event"]) for each in entries]
            assert found == self.wanted

    @invariant()
    def what_was_refused_is_a_dead_letter(self) -> None:
        letters = dead_letters_in(self.directory)
        assert {each.sequence for each in letters} == set(self.refused)

    def teardown(self) -> None:
        self.adapter.kill()
        shutil.rmtree(self.directory)

    def _was_stored(self, sequences: list[str], encoded: list[str]) -> None:
        numbers = [int(each) for each in sequences]
        assert len(numbers) == len(encoded)
        last = self.stored[-1][0] if self.stored else 0
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert numbers[0] > last
        self.stored += zip(numbers, encoded, strict=True)


def try_machine(
    command: Sequence[str], examples: int, phases: Sequence[Phase] = tuple(Phase)
) -> None:
    """Run the machine on the port."""
    machine = type("PortMachine", (PortMachine,), {"command": command})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples, stateful_step_count=STEPS, deadline=None, derandomize=True,
            database=None, phases=phases, suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip


@pytest.mark.req("PRT-1.3")
def test_any_use_of_a_port(request: pytest.FixtureRequest) -> None:
    command = port_command(request.config)
    is_own = request.config.getoption("--port") is None
    try_machine(command, EXAMPLES_OF_THE_REFERENCE if is_own else settings().max_examples)


@pytest.mark.req("PRT-1.3")
@pytest.mark.parametrize("mistake", ["acknowledges-too-much", "forgets-at-kill"])
def test_a_careless_port_is_found(mistake: str) -> None:
    with pytest.raises(AssertionError):
        try_machine(command_with(mistake), 10, (Phase.generate,))
