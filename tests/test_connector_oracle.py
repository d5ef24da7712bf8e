"""The oracle of a connector where it looks by itself: no answer, no end, no sound log."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from fault_injection.connector_run import ConnectorRun
from fault_injection.connector_steps import Flow, Publish, ShutDown, Start
from fault_injection.connector_words import connector_words
from fault_injection.invariants import Broken
from fault_injection.plan import STEPS, Plan, Step
from reference.events import ProcessEvent
from reference.wal import WriteAheadLog
from simulators.connector_driver import ConnectorDriver
from simulators.connector_world import ConnectorWorld

pytestmark = pytest.mark.req("SCN-1.3", "SCN-4.1")


def broken(*steps: Step) -> Broken:
    """What these steps break."""
    found = ConnectorRun(Plan("x", "connector", steps)).run().broken
    assert found is not None
    return found


@pytest.mark.parametrize("wrong", [-1, 1])
def test_an_event_without_a_number_and_without_an_error_is_lost(
    wrong: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = ConnectorWorld.publish

    def publish(world: ConnectorWorld, events: Sequence[ProcessEvent]) -> list[int]:
        numbers = real(world, events)
        return numbers[:wrong] if wrong < 0 else [*numbers, numbers[-1] + wrong]

    monkeypatch.setattr(ConnectorWorld, "publish", publish)
    assert broken(Start(), Publish(3)).invariant == "I11"


def test_a_shutdown_that_never_ends_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ConnectorDriver, "shut_down", lambda driver, timeout_ns: None)
    found = broken(Start(), Publish(), Flow(), ShutDown())
    assert (found.invariant, found.what) == (
        "I10", "the connector gives up: a shutdown that never ends",
    )  # fmt: skip


def test_a_log_that_cannot_be_looked_at_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def replay(log: WriteAheadLog, after: int = 0) -> list[object]:
        del log, after
        raise ValueError("a defect")

    run = ConnectorRun(Plan("x", "connector", (Start(), Publish(), Flow())))
    for step in run.plan.steps[:2]:
        run._do(step)
    monkeypatch.setattr(WriteAheadLog, "replay", replay)
    run._do(run.plan.steps[2])
    assert run.broken is not None
    assert run.broken.invariant == "I10"
    assert "the log cannot be looked at: ValueError in test_connector_oracle.py" in run.broken.what


@pytest.mark.req("SCN-1.5")
@pytest.mark.parametrize("word", sorted(STEPS["connector"]))
def test_each_step_is_told_in_words_of_its_own(word: str) -> None:
    kind = STEPS["connector"][word]
    assert connector_words(kind(), "") is not None or kind in STEPS["log"].values()
