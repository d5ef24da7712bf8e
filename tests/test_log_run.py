"""Running a plan: what each step does, what strikes, and what is refused."""

from __future__ import annotations

import pytest

from fault_injection.cuts import (
    SIZES_ONLY,
    cuts,
    file_picks,
    image_after,
    picked_cuts,
)
from fault_injection.errors import PlanError
from fault_injection.invariants import Broken
from fault_injection.log_checks import Asked, check_more, refused_for_room
from fault_injection.log_run import LogRun
from fault_injection.log_steps import (
    Acknowledge,
    Append,
    Check,
    Close,
    Damage,
    Drain,
    Fault,
    Heal,
    Kill,
    Open,
    PowerCut,
    Refuse,
    Replay,
    Snapshot,
)
from fault_injection.plan import Plan, Step, parse_plan
from fault_injection.promises import Answer
from fault_injection.subject import ReferenceLog
from fault_injection.workloads import (
    calls_of,
    disk_of,
    each_call,
    ended,
    files,
    image_of,
    log_plan,
    rotate_and_delete,
    segments_of,
)
from simulators.crash_states import crash_states
from simulators.legal_sets import closed
from simulators.persistence import DISKS, Kind, predecessors
from tests.toy_log import ToyLog

pytestmark = pytest.mark.req("SCN-1.2")
FIRST = "procmond-00001.wal"


def run(*steps: Step, profile: str = "posix-min", **settings: int) -> LogRun:
    """Run the steps on the reference."""
    return LogRun(log_plan("x", *steps, profile=profile, **settings), ReferenceLog()).run()


def outcomes(done: LogRun) -> list[str]:
    """What became of each step."""
    return [each.outcome for each in done.done]


# ---- Steps ------------------------------------------------------------------


def test_a_life_says_what_came_of_each_step() -> None:
    done = run(Open(), Append(2), Acknowledge(1), Replay(), Refuse(), Close(), Open())
    assert outcomes(done) == [
        "replays nothing; next is 1", "returned 1, 2", "through 1", "replays 2; next is 3",
        "2 is a dead letter", "clean", "replays nothing; next is 3",
    ]  # fmt: skip
    assert done.broken is None
    assert done.checks == 3


def test_steps_without_a_log_do_nothing() -> None:
    steps = (Append(1), Acknowledge(1), Refuse(), Close(), Replay(), Check("deletes"))
    assert outcomes(run(*steps))[:5] == [
        "no log",
        "no log",
        "nothing to refuse",
        "no log",
        "no log",
    ]
    assert outcomes(run(Open(), Open()))[1] == "is open"


def test_a_directory_under_a_segments_name_is_stepped_over() -> None:
    there = Damage("directory", name="procmond-00002.wal")
    done = run(Open(), Append(2), Kill(), there, Open(), Append(2), Append(1), Drain())
    assert done.broken is None
    assert done.fired["damage directory"] == 1


def test_refused_is_asked_only_when_the_last_one_was_refused() -> None:
    done = run(Open(), Append(2), Refuse(), Check("refused"), Refuse(), Check("refused"))
    assert outcomes(done)[3:] == ["something is not refused", "2 is a dead letter", "asked"]


def test_a_kill_leaves_the_page_cache_and_strikes_at_its_call() -> None:
    done = run(Open(), Append(2), Kill(), Open())
    assert outcomes(done)[-1] == "replays 1, 2; next is 3"
    before = calls_of(log_plan("x", Open()))
    early = run(Open(), Append(2), Kill(after_calls=before), Open())
    assert early.fired["kill"] == 1
    assert outcomes(early)[1] == "the process is gone in the middle of this"
    assert outcomes(early)[-1] == "replays nothing; next is 1"


def test_a_power_cut_looks_back_to_its_moment() -> None:
    plan = log_plan("x", Open(), Append(1), Append(1))
    last = len(disk_of(plan).points) - 1
    for moment in (last, -1):
        cut = LogRun(plan.then(PowerCut(moment), Open()), ReferenceLog()).run()
        assert outcomes(cut)[-1].startswith("replays 1, 2;")
    early = LogRun(plan.then(PowerCut(0), Open()), ReferenceLog()).run()
    assert outcomes(early)[-1].startswith("replays nothing;")
    assert early.broken is None


def test_a_drain_leaves_one_file() -> None:
    done = run(*files(3), Fault("append", "ENOSPC", times=0), Append(1), Drain())
    assert done.broken is None
    assert outcomes(done)[-1] == "everything acknowledged"


def test_a_snapshot_is_what_a_stale_file_goes_back_to() -> None:
    steps = (Open(), Append(1), Snapshot(), Append(1), Close(), Damage("stale", lost_max=1))
    done = run(*steps, Open(), rotation_bytes=1 << 15)
    assert done.broken is None
    assert outcomes(done)[-1] == "replays 1; next is 3"


def test_a_kill_behind_damage_counts_from_the_new_boot() -> None:
    steps = (Open(), Append(1), Kill(), Damage("cut", amount=9, lost_max=1), Open(), Append(1))
    done = run(*steps, Kill(after_calls=3), Open())
    assert done.fired["kill"] == 2
    assert "the process is gone in the middle of this" in outcomes(done)


# ---- Faults -----------------------------------------------------------------


def test_faults_strike_are_counted_and_heal() -> None:
    done = run(Open(), Fault("append", "ENOSPC", times=0), Append(1), Heal(), Append(1))
    assert done.fired == {"append ENOSPC": 1}
    assert "definite failure: DiskRejected" in outcomes(done)[2]
    assert outcomes(done)[4] == "returned 1"


def test_a_short_write_excuses_no_failure() -> None:
    toy = LogRun(
        log_plan("x", Open(), Fault("append", short=3), Append(1), Append(1)), ToyLog("gives up")
    ).run()
    assert toy.broken is not None
    assert toy.broken.invariant == "I11"


def test_a_write_that_takes_nothing_and_an_endless_interruption_excuse_one() -> None:
    for fault in (Fault("append", short=0), Fault("append", "EINTR", times=0)):
        done = run(Open(), fault, Append(1))
        assert "definite failure" in outcomes(done)[2]
        assert done.broken is None
    assert run(Open(), Fault("append", short=0), Append(1)).fired == {"append nothing": 1}


def test_an_excuse_ends_with_the_boot() -> None:
    plan = log_plan("x", Open(), Fault("sync", "EIO"), Append(1), PowerCut(), Open(), Append(1))
    assert LogRun(plan, ToyLog()).run().broken is None
    broken = LogRun(plan, ToyLog("gives up")).run().broken
    assert broken is not None
    assert broken.invariant == "I11"


@pytest.mark.req("SIM-2.3")
def test_policies_of_a_failed_sync() -> None:
    steps = (Open(), Append(1), Fault("sync", "EIO", policy="{}"), Append(1), Kill())
    read: dict[str, int] = {}
    for policy in ("", "reverts"):
        fault = Fault("sync", "EIO", policy=policy)
        plan = log_plan("x", *steps[:2], fault, *steps[3:], rotation_bytes=1 << 15)
        read[policy] = len(segments_of(plan)[0][2])
        assert "indefinite failure" in outcomes(ended(plan))[3]
    assert read == {"": 2, "reverts": 1}


@pytest.mark.req("SIM-2.3")
def test_a_late_report_comes_with_the_next_sync_of_the_file() -> None:
    fault = Fault("sync", "EIO", policy="late")
    done = run(Open(), Append(1), fault, Append(1), Append(1), rotation_bytes=1 << 15)
    assert outcomes(done)[3] == "returned 2", "the disk said that all is well"
    assert "SyncFailed" in outcomes(done)[4]
    late = Fault("sync", "EIO", suffix=".wal", policy="late")
    lost = run(Open(), late, Append(1), PowerCut(), Open())
    assert lost.broken is not None, "nothing can save it from a power cut in between"
    assert lost.broken.invariant == "I1"


# ---- Checks -----------------------------------------------------------------


class _Files:
    def __init__(self, *names: str) -> None:
        self._names = list(names)

    def segments(self) -> list[str]:
        """Names of segments: all that is asked."""
        return self._names


def ask(what: str, asked: Asked | None = None, *names: str, **image: bytes) -> str:
    """The name of the broken invariant, or an empty text."""
    files = {name.replace("_", "."): content for name, content in image.items()}
    settings = {"quarantine_bytes_max": 10, "quota_bytes": 20_000}
    found = check_more(what, asked or Asked(), _Files(*names), files, settings)  # type: ignore[arg-type]
    return found.invariant if isinstance(found, Broken) else ""


@pytest.mark.req("SCN-1.3")
def test_checks_find_what_they_are_for() -> None:
    again = Asked(Answer(lost=(2, 3)), frozenset({3}))
    assert ask("said-once", again) == "I7"
    assert ask("said-once", Asked(Answer(lost=(2,)), frozenset({3}))) == ""
    failed = Asked(Answer(), fired=("create_exclusive procmond-00002.wal.new: ENOSPC",))
    assert ask("degraded", failed) == "I11"
    assert ask("degraded", Asked(Answer(is_degraded=True), fired=failed.fired)) == ""
    assert ask("degraded") == ""
    copy = Asked(fired=("create_exclusive procmond-00002.wal@8192+9-00000000.quarantine: ENOSPC",))
    assert ask("degraded", copy) == "", "evidence is not needed"
    assert ask("deletes", None, "a", "b") == "I10"
    assert ask("deletes", None, "a") == ""
    assert ask("bounded", x_quarantine=bytes(11)) == "I9"
    assert ask("bounded", x_quarantine=bytes(10)) == ""
    assert ask("bounded", procmond_dead=bytes(30_000)) == "I9"
    copies = {f"x{number}_quarantine": b"" for number in range(65)}
    assert ask("bounded", None, **copies) == "I9", "64 are the most, however small"
    del copies["x0_quarantine"]
    assert ask("bounded", None, **copies) == ""
    strangers = Asked(strangers=frozenset({"notes.txt"}))
    assert ask("untouched", strangers) == "I12"
    with pytest.raises(PlanError, match="is none of"):
        ask("everything")


@pytest.mark.req("SCN-1.3", "REC-9.3")
def test_a_full_disk_is_no_reason_to_refuse_and_a_broken_one_is() -> None:
    full = ("create_exclusive procmond-00002.wal.new: ENOSPC", "append procmond.ack.new: ENOSPC")
    refused = Answer(refused="no room")
    found = refused_for_room(Asked(refused, fired=full))
    assert found is not None
    assert found.invariant == "I10"
    assert refused_for_room(Asked(refused, fired=(*full, "read procmond.ack: EIO"))) is None
    assert refused_for_room(Asked(refused, fired=(*full, "read procmond.ack: ENOSPC"))) is None
    assert refused_for_room(Asked(fired=full)) is None


@pytest.mark.req("SCN-1.3")
def test_goes_on_and_deletes_do_what_they_ask_for() -> None:
    full = (*files(2), Fault("create_exclusive", "ENOSPC", times=0))
    done = run(*full, Append(9), Acknowledge(1), Check("deletes"), Check("goes-on"))
    assert done.broken is None
    assert outcomes(done)[-1].startswith("returned ")
    failed = run(Open(), Fault("sync", "EIO", suffix=".wal"), Append(1), Check("goes-on"))
    assert failed.broken is not None, "a failed sync is not mended without opening again"
    assert failed.broken.invariant == "I10"


# ---- Cuts -------------------------------------------------------------------


@pytest.mark.req("SCN-1.4")
def test_cuts_are_all_the_states_that_the_disk_may_leave() -> None:
    plan = log_plan("x", Open(), Append(1))
    disk = disk_of(plan)
    for moment, point in enumerate(disk.points):
        states = {frozenset(each.image.items()) for each in crash_states(point, disk.profile)}
        mine = [cut for cut in cuts(disk, 4096, first=moment) if cut.moment == moment]
        found = {
            frozenset(LogRun(plan.then(cut), ReferenceLog()).run().disk.process_image().items())
            for cut in mine
        }
        assert found == states


def test_a_cut_that_the_profile_does_not_allow_is_refused() -> None:
    plan = log_plan("x", *rotate_and_delete(), profile="strict")
    disk = disk_of(plan)
    moment = max(range(len(disk.points)), key=lambda at: len(disk.points[at].pending))
    pending = len(disk.points[moment].pending)
    last_alone = PowerCut(moment, f"{1 << (pending - 1):x}")
    with pytest.raises(PlanError, match="does not allow"):
        LogRun(plan.then(last_alone), ReferenceLog()).run()
    for cut in (PowerCut(moment, "z"), PowerCut(9999), PowerCut(moment, f"{1 << pending:x}"),
                PowerCut(moment, "none", "confetti")):  # fmt: skip
        with pytest.raises(PlanError):
            LogRun(plan.then(cut), ReferenceLog()).run()


def test_picks_grow_or_shrink_to_what_is_legal() -> None:
    disk = disk_of(log_plan("x", *rotate_and_delete(), profile="strict"))
    point = max(disk.points, key=lambda each: len(each.pending))
    last = 1 << (len(point.pending) - 1)
    before = predecessors(point.pending, disk.profile)
    assert closed(last, before, grow=True) == 2 * last - 1
    assert closed(last, before, grow=False) == 0


def test_picked_cuts_keep_just_what_was_picked() -> None:
    plan = log_plan("x", *rotate_and_delete())
    disk = disk_of(plan)
    picks = {
        "names": {Kind.ADD, Kind.DELETE}, "adds": {Kind.ADD},
        SIZES_ONLY[0]: {Kind.SIZE}, "all-but-names": {Kind.WRITE, Kind.SIZE},
        "all-but-adds": set(Kind) - {Kind.ADD}, "all-but-deletes": set(Kind) - {Kind.DELETE},
    }  # fmt: skip
    for pick, kinds in picks.items():
        for cut in picked_cuts(disk, (pick,)):
            pending = disk.points[cut.moment].pending
            _, kept = image_after(disk, cut)
            found = {each.kind for index, each in enumerate(pending) if kept >> index & 1}
            assert found <= kinds, (pick, cut)
            if not any(each.is_rename for each in pending):  # a removal may go with an addition
                assert found == kinds & {each.kind for each in pending}, (pick, cut)


def test_a_pick_of_a_file_keeps_its_bytes_and_the_names() -> None:
    disk = disk_of(log_plan("x", *rotate_and_delete()))
    picks = file_picks(disk)
    assert picks[:2] == ["file:0", "all-but-file:0"]
    removals = list(picked_cuts(disk, ("deletes",)))
    assert removals, "with the additions of their renames"
    found = 0
    for cut in picked_cuts(disk, picks[:2]):
        pending = disk.points[cut.moment].pending
        _, kept = image_after(disk, cut)
        files = {each.inode for index, each in enumerate(pending)
                 if kept >> index & 1 and each.kind in (Kind.WRITE, Kind.SIZE)}  # fmt: skip
        written = {each.inode for each in pending if each.kind in (Kind.WRITE, Kind.SIZE)}
        first = {min(written)} if written else set()
        assert files == (first if cut.kept == "file:0" else written - first)
        found += 1
    assert found


def test_the_nearest_cut_is_legal_on_any_log() -> None:
    plan = log_plan("x", Open(), Append(1), profile="strict")
    for moment, kept in ((0, "ffff"), (99, "all"), (99, "2"), (5, "both-names")):
        cut = PowerCut(moment, kept, nearest=True)
        assert LogRun(plan.then(cut, Open()), ReferenceLog()).run().broken is None
    last = LogRun(plan.then(PowerCut(99, nearest=True), Open()), ReferenceLog()).run()
    assert outcomes(last)[-1].startswith("replays 1;")


# ---- Plans ------------------------------------------------------------------


@pytest.mark.parametrize(
    "step",
    [Fault(error="EWHAT"), Fault(policy="sometimes"), Damage("rust"), Check("that")],
    ids=str,
)
def test_a_plan_that_asks_for_what_does_not_exist_is_refused(step: Step) -> None:
    with pytest.raises(PlanError):
        run(Open(), Append(1), step, Open())
    with pytest.raises(PlanError, match="profile"):
        LogRun(Plan("x", "log", (), "fat32"), ReferenceLog())
    assert sorted(DISKS)[0] == "btrfs"


def test_new_steps_are_data() -> None:
    steps = (Snapshot(), Replay(), Check("goes-on"), Fault("sync", policy="late"),
             Damage("cross", file=-3, name="x", other=2, lost_max=1))  # fmt: skip
    plan = log_plan("x", *steps, quota_bytes=20_000).limited({"rotation_bytes": 9000})
    assert parse_plan(plan.as_text()) == plan
    assert plan.settings == {"quota_bytes": 20_000, "rotation_bytes": 9000}


def test_calls_are_counted_by_kind() -> None:
    plan = log_plan("x", Open(), Append(1), Append(1))
    assert list(each_call(plan, "append")) == [1, 2, 3, 4]  # a block, slots, two records
    assert FIRST in image_of(plan)
