"""Plans on a connector: they are data, they replay, each step does what it says, mistakes show.

The scenarios themselves are run by the runner; here a thin sample of each, so that one that
cannot run at all is found at once.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable

import pytest

from fault_injection.cases import execute
from fault_injection.connector_oracle import ConnectorOracle
from fault_injection.connector_run import ConnectorRun
from fault_injection.connector_steps import (
    Advance,
    BrokerFault,
    BrokerListens,
    BrokerRestart,
    BrokerStopsListening,
    Cut,
    Damage,
    DiskWorks,
    ExpectAttempts,
    ExpectBacklog,
    ExpectDelivered,
    ExpectLevel,
    ExpectRepeats,
    ExpectStored,
    Fault,
    Flow,
    HalfOpen,
    Heal,
    Kill,
    Link,
    LinkFault,
    Misread,
    MoveBytes,
    Plant,
    PowerCut,
    Publish,
    Quiesce,
    Restore,
    ShutDown,
    Snapshot,
    Start,
    Wait,
    WallClock,
    Wipe,
)
from fault_injection.connector_workloads import calls_of_disk, connector_plan, size_of, sized
from fault_injection.drawn_plans import drawn_plan
from fault_injection.errors import PlanError
from fault_injection.invariants import INVARIANTS
from fault_injection.level_model import LevelModel, next_word
from fault_injection.plan import STEPS, Plan, Step, parse_plan
from fault_injection.scenario import Effort
from fault_injection.scenarios import catalogue
from fault_injection.spec_requirements import requirements
from fault_injection.subject import ReferenceLog
from reference.backpressure import BackpressureChannel, BackpressureState, Level

CONNECTOR_SCENARIOS = [
    scenario for scenario in catalogue().values()
    if next(scenario.cases(Effort())).plan.world == "connector"
]  # fmt: skip


def run(*steps: Step, **settings: int) -> ConnectorRun:
    """Run these steps."""
    return ConnectorRun(Plan("test", "connector", steps, settings=settings)).run()


def outcomes(*steps: Step, **settings: int) -> list[str]:
    """What each of these steps came to; nothing may be broken."""
    found = run(*steps, **settings)
    assert found.broken is None
    return [done.outcome for done in found.done]


# ---- Data -------------------------------------------------------------------


def filled(kind: type[Step]) -> Step:
    """Return a step with a value that is no default in every field."""
    values = {"int": 3, "str": "x", "bool": None, "float": 2.5}
    chosen = {}
    for each in dataclasses.fields(kind):
        value = values[str(each.type)]
        chosen[each.name] = not each.default if value is None else value
    return kind(**chosen)


@pytest.mark.req("SCN-1.2", "SCN-4.1")
@pytest.mark.parametrize("word", sorted(STEPS["connector"]))
def test_each_step_survives_json_with_and_without_its_defaults(word: str) -> None:
    kind = STEPS["connector"][word]
    plan = connector_plan("test", kind(), filled(kind), window=2)
    assert parse_plan(plan.as_text()) == plan


@pytest.mark.req("SCN-1.2", "SCN-4.1")
@pytest.mark.parametrize("seed", range(12))
def test_a_drawn_plan_is_data_and_does_the_same_every_time(seed: int) -> None:
    plan = drawn_plan("test", seed)
    assert parse_plan(plan.as_text()) == plan == drawn_plan("test", seed)
    first, second = ConnectorRun(plan).run(), ConnectorRun(parse_plan(plan.as_text())).run()
    assert first.done == second.done
    assert (first.fired, first.before, first.after) == (second.fired, second.before, second.after)
    assert len(first.done) == len(plan.steps)
    assert plan != drawn_plan("test", seed + 1)


@pytest.mark.req("SCN-1.2", "SCN-4.1")
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_plan_stays_a_plan_when_any_step_is_taken_out(seed: int) -> None:
    plan = drawn_plan("test", seed)
    for index in range(len(plan.steps)):
        steps = plan.steps[:index] + plan.steps[index + 1 :]
        assert ConnectorRun(plan.with_steps(*steps)).run().broken is None


@pytest.mark.req("SCN-1.2")
@pytest.mark.parametrize(
    "steps",
    [
        (Start(), MoveBytes("sideways")), (LinkFault("corrupt"),), (BrokerFault("lie@1"),),
        (Start(), PowerCut("#x")), (Start(), PowerCut("zz")), (Fault(error="EWHAT"),),
        (Plant(),), (Start(), Plant(10)),
    ],
)  # fmt: skip
def test_what_does_not_exist_is_refused(steps: tuple[Step, ...]) -> None:
    with pytest.raises(PlanError):
        run(*steps)


@pytest.mark.req("SCN-1.2")
@pytest.mark.parametrize("settings", [{"windows": 1}, {"window": 0}, {"buffer_bytes": 0}])
def test_a_setting_that_does_not_exist_or_cannot_be_is_refused(settings: dict[str, int]) -> None:
    with pytest.raises(PlanError):
        run(Start(), **settings)
    with pytest.raises(PlanError):
        ConnectorRun(Plan("test", "connector", (), profile="fat"))


# ---- Each step does what it says --------------------------------------------


@pytest.mark.req("SCN-4.1")
def test_without_a_process_nothing_happens() -> None:
    needing = [Publish(), Flow(), Wait(), Cut(), ShutDown(), ExpectLevel("triggered"), DiskWorks()]
    assert set(outcomes(*needing)) == {"nothing runs"}
    assert outcomes(Restore(), Start(), Start())[0::2] == ["there is no copy", "runs already"]


@pytest.mark.req("SCN-4.1")
def test_bytes_move_when_they_are_moved() -> None:
    found = outcomes(
        Start(), Publish(), Link(), MoveBytes(count=1), MoveBytes(), MoveBytes("to-connector"),
        MoveBytes(count=0), MoveBytes(), MoveBytes("to-connector"), DiskWorks(), Link(),
    )  # fmt: skip
    assert found[2:] == [
        "greeting, 1 undelivered, 0 in flight", "1 bytes; greeting, 1 undelivered, 0 in flight",
        "51 bytes; greeting, 1 undelivered, 0 in flight",
        "24 bytes; online, 1 undelivered, 1 in flight",
        "0 bytes; online, 1 undelivered, 1 in flight",
        f"{size_of(1)} bytes; online, 1 undelivered, 1 in flight",
        "16 bytes; online, 0 undelivered, 0 in flight", "0 things are left to do",
        "none is wanted",
    ]  # fmt: skip


@pytest.mark.req("SCN-4.1")
def test_time_passes_with_and_without_bytes() -> None:
    assert "greeting" in outcomes(Start(), Link(), Advance(9.9))[-1]
    assert "waiting" in outcomes(Start(), Link(), Advance(10.1))[-1]
    assert "online" in outcomes(Start(), Wait(0.0))[-1]


@pytest.mark.req("SCN-4.1")
def test_a_cut_a_restart_and_an_absence_are_told_apart() -> None:
    online = (Start(), Publish(), Flow())
    found = run(
        *online, Cut(), Wait(), BrokerRestart(), Wait(), BrokerStopsListening(), Wait(5),
        BrokerListens(), Wait(33.1), ExpectDelivered(),
    )  # fmt: skip
    assert found.broken is None
    assert [d.outcome.split(",")[0] for d in found.done if isinstance(d.step, Wait)] == [
        "online", "online", "waiting", "online",
    ]  # fmt: skip
    assert found.fired["cut"] == found.fired["broker-restart"] == 1
    assert found.fired["connection refused"] >= 3


@pytest.mark.req("SCN-4.1", "SIM-2.9")
@pytest.mark.parametrize(
    ("fault", "fired"),
    [
        (LinkFault("reset", "to-broker", 60), "link reset"),
        (LinkFault("reset", "to-connector", 23), "link reset"),
        (LinkFault("half-open", "to-connector", 24), "link half-open"),
        (LinkFault("delay", "to-broker", 5, 3.0), "link delay"),
        (LinkFault("pieces", "to-connector", 0, 1), "link pieces"),
    ],
)
def test_a_fault_of_the_link_strikes_at_its_byte(fault: Step, fired: str) -> None:
    found = run(fault, Start(), Publish(3), Flow(), Wait(45), ExpectDelivered())
    assert found.broken is None
    assert found.fired[fired] == 1


@pytest.mark.req("SCN-4.1", "SIM-2.9")
def test_a_delay_lasts_as_long_as_it_says_and_the_rest_is_not_lost() -> None:
    late = (LinkFault("delay", "to-connector", 30, 3.0), Start(), Publish(2), Flow())
    assert "2 undelivered" in outcomes(*late, Wait(2.9), window=1)[-1]
    assert "0 undelivered" in outcomes(*late, Wait(3.1), window=1)[-1]


@pytest.mark.req("SCN-4.1", "SIM-2.9")
def test_a_fault_counts_connections_from_where_it_stands() -> None:
    steps = (Start(), Flow(), LinkFault("reset", connection=2), Cut(), Wait(0.3))
    assert run(*steps).fired["link reset"] == 0
    assert run(*steps, Cut(), Wait(0.3)).fired["link reset"] == 1


@pytest.mark.req("SCN-4.1")
def test_half_open_is_told_to_nobody() -> None:
    assert "1 in flight" in outcomes(Start(), Flow(), HalfOpen(), Publish(), Wait(29))[-1]
    assert "0 undelivered" in outcomes(Start(), Flow(), HalfOpen(), Publish(), Wait(31))[-1]


@pytest.mark.req("SCN-4.1", "SIM-1.2")
def test_a_misbehaviour_is_counted_from_its_step() -> None:
    found = run(Start(), Publish(5), Flow(), BrokerFault("refuse@2"), Publish(3), Flow())
    assert [each.sequence for each in found.process.broker.refused] == [7]
    assert found.fired["refuse"] == 1
    assert sorted(found.process.oracle.letters) == [7]


@pytest.mark.req("SCN-4.1", "SIM-1.2")
def test_misbehaviours_end_with_the_quiet_period() -> None:
    found = run(Start(), BrokerFault("refuse%100"), Publish(), Flow(), Quiesce(), Publish(), Flow())
    assert len(found.process.broker.refused) == 1
    assert len(found.process.broker.received) == 2


@pytest.mark.req("SCN-4.1", "SIM-2.2")
def test_a_kill_keeps_the_page_cache_and_a_power_cut_does_not() -> None:
    written = (Start(), Fault("sync", "EIO", suffix=".wal", at=2), Publish(), Publish())
    killed, cut = run(*written, Kill()), run(*written, PowerCut())
    size = {name: len(content) for name, content in killed.process.disk.process_image().items()}
    assert cut.fired["power-cut"] == killed.fired["kill"] == 1
    assert size != {n: len(c) for n, c in cut.process.disk.process_image().items()}
    assert run(*written, PowerCut("all"), Start(), Quiesce()).broken is None


@pytest.mark.req("SCN-4.1")
def test_a_process_ends_in_the_call_that_was_chosen_and_looking_counts_nothing() -> None:
    plan = connector_plan("test", Start())
    calls = calls_of_disk(plan, Publish(), Flow())
    assert calls > 3
    for number in range(calls):
        found = ConnectorRun(plan.then(Kill(number), Publish(), Flow(), Start(), Quiesce())).run()
        assert found.broken is None
        assert found.fired["kill"] == 1, number
    spared = ConnectorRun(plan.then(Kill(calls), Publish(), Flow())).run()
    assert spared.fired["kill"] == 0


@pytest.mark.req("SCN-4.1")
def test_every_choice_of_a_power_cut_is_a_legal_state() -> None:
    for number in range(20):
        cut = PowerCut(f"#{number}", after_calls=4)
        assert run(Start(), cut, Publish(3), Flow(), Start(), Quiesce()).broken is None


@pytest.mark.req("SCN-4.1", "LNK-2.4")
def test_a_restored_directory_gives_its_numbers_again() -> None:
    found = run(
        Start(), Publish(2), Flow(), Snapshot(), Publish(3), Flow(), Restore(), Start(), Publish(),
        Flow(), Quiesce(),
    )  # fmt: skip
    assert found.broken is None
    received = [each.entry for each in found.process.broker.received]
    assert [entry.event.pid for entry in received if entry.sequence == 3] == [3, 6]


@pytest.mark.req("SCN-4.1", "BUF-2.3")
def test_a_planted_entry_is_delivered_or_buried() -> None:
    begin = (Start(), BrokerStopsListening(), Publish())
    end = (BrokerListens(), Start(), Publish(), Wait(1), ExpectDelivered(), Quiesce())
    good, bad = run(*begin, Plant(), *end), run(*begin, Plant(is_decodable=False), *end)
    assert good.broken is bad.broken is None
    assert [each.entry.event.pid for each in good.process.broker.received][:3] == [1, 2, 3]
    assert sorted(bad.process.oracle.letters) == [2]


@pytest.mark.req("SCN-4.1", "REC-2.1")
def test_damage_costs_what_it_may_cost_and_no_more() -> None:
    rotten = (Start(), BrokerStopsListening(), Publish(4), Damage(record=1, place=250, lost_max=1))
    assert run(*rotten, BrokerListens(), Start(), Quiesce()).broken is None
    denied = dataclasses.replace(rotten[-1], lost_max=0)
    broken = run(*rotten[:-1], denied, BrokerListens(), Start()).broken
    assert broken is not None
    assert broken.invariant == "I1"


@pytest.mark.req("SCN-4.1", "SIM-2.7")
def test_a_fault_of_the_disk_strikes_until_it_is_healed() -> None:
    full = Fault("append", "ENOSPC", times=0, suffix=".wal")
    nothing = (Publish(), ExpectStored(0))
    found = run(Start(), full, *nothing, *nothing, Heal(), Publish(), ExpectStored(1))
    assert found.broken is None
    assert found.fired["append ENOSPC"] >= 2


@pytest.mark.req("SCN-4.1")
def test_the_wall_clock_jumps_alone() -> None:
    found = run(Start(), Publish(), WallClock(-60), Publish(), Flow())
    first, second = (each.entry.timestamp_ns for each in found.process.broker.received)
    assert first - second == 60 * 10**9


@pytest.mark.req("SCN-4.1")
@pytest.mark.parametrize(
    ("expectation", "invariant"),
    [
        (ExpectLevel("triggered"), "I8"), (ExpectDelivered(1), "I10"), (ExpectStored(1), "I11"),
        (ExpectAttempts(2, 9), "I10"), (ExpectAttempts(0, 0), "I10"),
    ],
)  # fmt: skip
def test_an_expectation_that_does_not_hold_breaks_its_invariant(
    expectation: Step, invariant: str
) -> None:
    found = run(Start(), Link(), Publish(2), expectation, Quiesce())
    assert found.broken is not None
    assert found.broken.invariant == invariant
    assert found.done[-1].step == expectation, "nothing is done after it"


@pytest.mark.req("SCN-4.1")
def test_repeats_are_counted() -> None:
    steps = (Start(), Publish(3), Flow(1), Cut(), Wait(1))
    assert run(*steps, ExpectRepeats(3)).broken is None
    broken = run(*steps, ExpectRepeats(2)).broken
    assert broken is not None
    assert broken.invariant == "I4"


@pytest.mark.req("SCN-4.1")
def test_what_the_connector_waits_for_is_counted() -> None:
    assert run(Start(), Publish(3), ExpectBacklog(3)).broken is None
    broken = run(Start(), Publish(3), ExpectBacklog(2)).broken
    assert broken is not None
    assert broken.invariant == "I10"


@pytest.mark.req("SCN-4.1", "SCN-1.2")
def test_a_misread_strikes_once_and_is_read_again() -> None:
    steps = (Start(), Publish(20), Misread(record=10), Wait(60), ExpectDelivered())
    found = run(*steps, buffer_bytes=700, window=3, rotation_bytes=1 << 15)
    assert found.broken is None
    assert found.fired["read FlipBit"] == 1


@pytest.mark.req("SCN-1.2")
@pytest.mark.parametrize("step", [Misread(file=3), Misread(record=9)])
def test_a_misread_of_what_is_not_there_is_refused(step: Misread) -> None:
    with pytest.raises(PlanError):
        run(Start(), Publish(), step)


@pytest.mark.req("SCN-4.1")
def test_wiped_segments_begin_a_new_ledger() -> None:
    steps = (Start(), Publish(3), Wait(), Kill(), Wipe(), Start(), Publish(2), Wait())
    assert outcomes(*steps)[4] == "1 files are gone"
    found = run(*steps, ExpectDelivered(), Quiesce())
    assert found.broken is None
    assert list(found.process.oracle.ledger.returned) == [1, 2, 3], "one is Quiesce's"


# ---- Backpressure by hand ---------------------------------------------------


@pytest.mark.req("SCN-1.3", "BPR-1.1")
@pytest.mark.parametrize(
    ("word", "used", "expected"),
    [
        ("released", 699, "released"), ("released", 700, "triggered"),
        ("triggered", 701, "triggered"), ("triggered", 501, "triggered"),
        ("triggered", 500, "released"), ("triggered", 499, "released"),
        ("released", 501, "released"), ("released", 0, "released"),
    ],
)  # fmt: skip
def test_the_model_knows_both_thresholds(word: str, used: int, expected: str) -> None:
    assert next_word(word, used, 1000) == expected
    assert next_word(word, used, 1000, held_on=True) == "triggered"


@pytest.mark.req("SCN-1.3", "BPR-2.1")
def test_the_model_sees_a_wrong_signal_a_wrong_level_and_a_wrong_sum() -> None:
    model = LevelModel(1000)
    assert model.signals([BackpressureState(Level.TRIGGERED, 700, 1000)]) == ""
    assert "700 of 1000" in model.signals([BackpressureState(Level.RELEASED, 700, 1000)])
    on = BackpressureState(Level.TRIGGERED, 700, 1000)
    assert model.at_rest(on, 700, is_sure=True) == ""
    assert "700 bytes are counted" in model.at_rest(on, 701, is_sure=True)
    assert "should be released" in model.at_rest(on, 500, is_sure=True)
    assert model.told("triggered", "triggered") == ""
    assert "twice" in model.told("triggered", "triggered")
    assert "knows triggered" in model.told(None, "released")


@pytest.mark.req("SCN-1.3", "BUF-1.1")
@pytest.mark.parametrize("pid", [1, 2, 3])
def test_the_size_of_a_frame_is_that_on_the_wire(pid: int) -> None:
    found = run(Start(), *(Publish() for _ in range(pid)), Flow())
    frame = found.process.world.connector.said.sent[-1] if found.process.world else b""
    assert len(frame) == size_of(pid)
    assert sized(pid, size_of(pid) + 7) == Publish(1, 7)


# ---- Every invariant can be found broken ------------------------------------

BUSY = (Start(), Publish(3), Flow(), Publish(30), Flow(2), Publish(2), Cut(), Wait(1), Quiesce())
CRASHES = (Start(), Publish(3), Flow(2), PowerCut(), Start(), Publish(1), Quiesce())
REFUSED = (Start(), BrokerFault("refuse@2"), Publish(4), Flow(), Quiesce())
RESTARTS = (Start(), Publish(3), Flow(), ShutDown(), BrokerRestart(False), Start(), Flow())
REJECTED = (Start(), Fault("append", "ENOSPC", suffix=".wal"), Publish(3), Flow(), Quiesce())
ROTTEN = (
    Start(),
    BrokerStopsListening(),
    Publish(4),
    Damage(record=1, place=250, lost_max=2),
    Start(),
)


def patched(target: str, value: object) -> Callable[[pytest.MonkeyPatch], None]:
    return lambda patch: patch.setattr(target, value)


never_spilled = patched("reference.event_buffer.EventBuffer.is_spilled", False)
no_retry = patched("reference.link_control.LinkControl.retry_later", lambda *a, **k: None)


def lying_dead_letters(patch: pytest.MonkeyPatch) -> None:
    """A letter is called durable that was never written."""
    from reference.connector_disk import ConnectorDisk
    from reference.connector_inputs import DeadLetterStored, StoreDeadLetter

    def stored(disk: ConnectorDisk, letter: StoreDeadLetter) -> DeadLetterStored:
        disk._log.settle(letter.entry.sequence)
        return DeadLetterStored(letter.entry.sequence)

    patch.setattr("reference.connector_disk.ConnectorDisk.store_dead_letter", stored)


def changed_events(patch: pytest.MonkeyPatch) -> None:
    """One byte of each event's name is another on the wire."""
    from reference.link_messages import encode_publish_frame as original

    place = "reference.event_buffer.encode_publish_frame"
    patch.setattr(place, lambda n, p: original(n, p.replace(b"p2", b"q2")))


def reversed_pages(patch: pytest.MonkeyPatch) -> None:
    """What is unsent on a new link goes out in the wrong order."""
    import reference.link_session as session

    original = session.LinkSession.__init__

    def backwards(self: session.LinkSession, window: int, base: int, unsent: object) -> None:
        original(self, window, base, sorted(unsent, reverse=True))  # type: ignore[call-overload]

    def sent(self: session.LinkSession, sequence: int) -> None:
        self.highest_sent = max(self.highest_sent, sequence)
        self._outstanding.append(sequence)

    patch.setattr(session.LinkSession, "__init__", backwards)
    patch.setattr(session.LinkSession, "sent", sent)


def lost_watermark(patch: pytest.MonkeyPatch) -> None:
    """Closing says that it is clean, and that all is durable, and writes nothing."""
    patch.setattr("reference.retention.Retention.close", lambda retention, mark: "")
    durable = property(lambda log: log.acknowledged_through)
    patch.setattr("reference.wal.WriteAheadLog.durable_watermark", durable)


def reused_numbers(patch: pytest.MonkeyPatch) -> None:
    """Nothing is ever synced: a power cut takes numbers back."""
    patch.setattr("simulators.crash_filesystem.CrashFilesystem.sync", lambda disk, name: None)


def wide_window(patch: pytest.MonkeyPatch) -> None:
    """One more than the window is sent."""
    import reference.link_session as session

    def take_next(self: session.LinkSession) -> int | None:
        full = not self._unsent or len(self._outstanding) > self.window
        return None if full else self._unsent.popleft()

    patch.setattr(session.LinkSession, "take_next", take_next)


def definite_lie(patch: pytest.MonkeyPatch) -> None:
    """Storing works, and is called a definite failure."""
    from reference.errors import NoSegment
    from simulators.connector_driver import ConnectorDriver

    original = ConnectorDriver.publish

    def publish(driver: ConnectorDriver, events: object) -> list[int]:
        original(driver, events)  # type: ignore[arg-type]
        raise NoSegment("a lie")

    patch.setattr(ConnectorDriver, "publish", publish)


def deaf_channel(patch: pytest.MonkeyPatch) -> None:
    """The level is computed, and nobody is told."""
    patch.setattr(BackpressureChannel, "publish", lambda channel, state: None)


MISTAKES = [
    ("I1", lying_dead_letters, REFUSED, {}),
    ("I2", changed_events, BUSY, {}),
    ("I3", reversed_pages, BUSY, {}),
    ("I4", lost_watermark, RESTARTS, {"acknowledge_count_max": 1000}),
    ("I6", reused_numbers, CRASHES, {}),
    ("I8", never_spilled, BUSY, {"buffer_bytes": 400}),
    ("I8", deaf_channel, BUSY, {"buffer_bytes": 400}),
    ("I9", wide_window, BUSY, {"window": 2}),
    ("I10", no_retry, BUSY, {}),
    ("I11", definite_lie, BUSY, {}),
]  # fmt: skip


@pytest.mark.req("SCN-1.3", "SCN-4.1")
@pytest.mark.parametrize(
    ("invariant", "mistake", "steps", "settings"), MISTAKES,
    ids=[f"{name}-{number}" for number, (name, *_) in enumerate(MISTAKES)],
)  # fmt: skip
def test_each_invariant_is_found_broken(
    invariant: str,
    mistake: Callable[[pytest.MonkeyPatch], None],
    steps: tuple[Step, ...],
    settings: dict[str, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert run(*steps, **settings).broken is None, "without the mistake nothing is broken"
    mistake(monkeypatch)
    broken = run(*steps, **settings).broken
    assert broken is not None
    assert broken.invariant == invariant, str(broken)
    assert broken.what


@pytest.mark.req("SCN-1.3")
def test_damage_that_nobody_reports_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(*ROTTEN).broken is None
    monkeypatch.setattr(ConnectorOracle, "_called_lost", lambda oracle, report: None)
    broken = run(*ROTTEN).broken
    assert broken is not None
    assert broken.invariant == "I7"


@pytest.mark.req("SCN-1.3")
def test_a_defect_of_the_connector_is_a_result_and_one_of_the_kit_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(*arguments: object) -> None:
        assert not arguments, "a defect"

    with monkeypatch.context() as patch:
        patch.setattr("reference.connector_core.ConnectorCore._send_more", fails)
        broken = run(Start(), Flow()).broken
    assert broken is not None
    assert broken.invariant == "I10"
    assert "AssertionError" in broken.what
    monkeypatch.setattr("fault_injection.connector_link.ROUNDS_MAX", 3)
    monkeypatch.setattr("fault_injection.connector_link.HandMovedLink.flow", lambda link: 1)
    with pytest.raises(AssertionError, match="for ever"):
        run(Start(), Wait())


# ---- Scenarios --------------------------------------------------------------


@pytest.mark.req("SCN-1.1", "SCN-4.1")
@pytest.mark.parametrize("scenario", CONNECTOR_SCENARIOS, ids=lambda scenario: scenario.id)
def test_a_sample_of_each_scenario_holds(scenario: object) -> None:
    from fault_injection.scenario import Scenario

    assert isinstance(scenario, Scenario)
    assert set(scenario.invariants) <= set(INVARIANTS)
    assert set(scenario.requirements) <= set(requirements())
    assert scenario.strikes
    sample = list(itertools.islice(scenario.cases(Effort()), 0, None, 60))
    for case in sample:
        assert case.plan.scenario == scenario.name
        assert parse_plan(case.plan.as_text()) == case.plan
        assert execute(case, ReferenceLog()).broken is None
    again = itertools.islice(scenario.cases(Effort()), 0, None, 60)
    assert [case.plan for case in again] == [case.plan for case in sample]


@pytest.mark.req("SCN-1.1")
def test_the_connector_has_its_scenarios() -> None:
    numbers = {scenario.number for scenario in CONNECTOR_SCENARIOS}
    assert {31, *range(33, 43), *range(70, 86)} <= numbers
