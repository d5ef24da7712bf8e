"""The whole world under one seed: the same to the byte, every promise kept, mistakes found."""

from __future__ import annotations

from collections import Counter

import pytest

from reference.connector_core import ConnectorCore
from reference.dead_letter_queue import DeadLetterQueue
from reference.event_buffer import EventBuffer
from reference.filesystem import LockMode
from reference.link_messages import Welcome
from reference.link_session import LinkSession
from simulators.crash_filesystem import CrashFilesystem
from simulators.faulty_filesystem import CALLS, CallFault, FaultyFilesystem
from simulators.persistence import PROFILES
from simulators.world import main, run_history
from tests.wal_helpers import FIRST

pytestmark = pytest.mark.usefixtures("quiet")

HISTORIES = 150


@pytest.mark.req("SIM-2.8")
@pytest.mark.parametrize("seed", [0, 7, 4711])
def test_the_same_seed_is_the_same_history_to_the_byte(seed: int) -> None:
    first, second = run_history(seed), run_history(seed)
    assert first.steps == second.steps
    assert first.digest == second.digest
    assert first.digest != run_history(seed + 1).digest


@pytest.mark.req(
    "SIM-2.8", "DEL-1.1", "DEL-1.2", "DEL-1.4", "WAL-1.1", "WAL-1.2", "REC-9.2", "BUF-1.1",
    "DLQ-2.1", "LNK-3.1", "LNK-4.1",
)  # fmt: skip
def test_histories_with_all_faults_keep_every_promise() -> None:
    """Every kind of fault has to strike in them; derandomised, so it does or does not."""
    faults: Counter[str] = Counter()
    for seed in range(HISTORIES):
        history = run_history(seed)
        assert history.broken == "", (seed, history.broken, history.steps)
        faults += history.faults
    for kind in ("power", "ENOSPC", "EDQUOT", "EIO", "EINTR", "EMFILE", "EROFS", "short"):
        assert faults[kind] > 0, kind
    assert len(faults) > 25, "misbehaviours of the broker too"


# ---- Mistakes are found -----------------------------------------------------


def first_broken(histories: int = 400, first: int = 0) -> str:
    """What the first broken history says; fails if none is."""
    for seed in range(first, first + histories):
        try:
            history = run_history(seed)
        except AssertionError as error:
            return f"assertion: {error}"
        if history.broken:
            return history.broken
    raise AssertionError("no history found it")


@pytest.mark.req("SIM-2.8", "WAL-1.1")
def test_a_disk_that_is_never_synced_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CrashFilesystem, "sync", lambda disk, name: None)
    assert first_broken()


@pytest.mark.req("SIM-2.8", "DLQ-2.1")
def test_an_acknowledgement_that_settles_what_was_refused_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        DeadLetterQueue, "ranges_without", lambda queue, first, last: [(first, last)]
    )
    assert "lost" in first_broken(1000, first=1200)  # it is rare: 1217 is the first


@pytest.mark.req("SIM-2.8", "LNK-2.3")
def test_a_connector_that_does_not_send_again_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def forgets(session: LinkSession, window: int, baseline: int, unsent: object) -> None:
        original(session, window, baseline, ())

    original = LinkSession.__init__
    monkeypatch.setattr(LinkSession, "__init__", forgets)
    assert "undelivered" in first_broken()


@pytest.mark.req("SIM-2.8", "BUF-1.2")
def test_a_connector_that_drops_what_does_not_fit_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(EventBuffer, "is_spilled", property(lambda buffer: False))
    assert first_broken()


@pytest.mark.req("SIM-2.8", "LNK-2.4")
def test_a_connector_that_believes_any_welcome_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    original = ConnectorCore._on_welcome

    def believes(core: ConnectorCore, welcome: Welcome) -> None:
        core._known_through = max(
            core._known_through, min(welcome.acknowledged_through, core.buffer.durable_through)
        )
        core._settle(core.buffer.watermark + 1, core._known_through)
        original(core, welcome)

    monkeypatch.setattr(ConnectorCore, "_on_welcome", believes)
    assert "lost" in first_broken()


# ---- The program, and the disk whose calls fail -----------------------------


@pytest.mark.req("SIM-2.8")
def test_the_program_says_what_it_did(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--histories", "3", "--seed", "5", "--verbose"]) == 0
    output = capsys.readouterr().out
    assert "3 histories from seed 5, 0 broken" in output
    assert "end: " in output


@pytest.mark.req("SIM-2.8")
def test_the_program_shows_a_broken_history_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(CrashFilesystem, "sync", lambda disk, name: None)
    assert main(["--histories", "60"]) == 1
    output = capsys.readouterr().out
    assert "power" in output
    assert "seed " in output


@pytest.mark.req("SIM-2.7")
@pytest.mark.parametrize("call", CALLS)
def test_each_call_fails_when_it_is_told_to_and_as_often(call: str) -> None:
    disk = FaultyFilesystem(CrashFilesystem(PROFILES["posix-min"], {FIRST: b"abc", "g": b""}))

    arguments = {
        "create_exclusive": ("new",), "append": (FIRST, b"x"), "overwrite": (FIRST, 0, b"x"),
        "sync": (FIRST,), "truncate": (FIRST, 1), "read": (FIRST, 0, 1),
        "rename_new": (FIRST, "other"), "unlink": (FIRST,), "lock": (LockMode.SHARED,),
    }.get(call, ())  # fmt: skip
    before = disk.inner.list()
    disk.arm(CallFault(call, 28, at=1, times=2))
    for _ in range(2):
        with pytest.raises(OSError, match="No space left"):
            getattr(disk, call)(*arguments)
    assert disk.inner.list() == before, "a call that fails has no effect"
    assert len(disk.fired) == 2
    getattr(disk, call)(*arguments)
    assert len(disk.fired) == 2


@pytest.mark.req("SIM-2.7", "WAL-4.1")
def test_appends_are_short_until_the_disk_heals() -> None:
    disk = FaultyFilesystem(CrashFilesystem(PROFILES["posix-min"], {FIRST: b""}))
    disk.arm(CallFault("append", times=0, short=2, suffix=".wal"))
    assert disk.append(FIRST, b"abcdef") == 2
    assert disk.append(FIRST, b"cdef") == 2
    disk.heal()
    assert disk.append(FIRST, b"ef") == 2
    assert disk.read(FIRST, 0, 9) == b"abcdef"


@pytest.mark.req("SIM-2.3", "SIM-2.7")
def test_a_sync_that_fails_with_eio_has_the_effect_of_one() -> None:
    inner = CrashFilesystem(PROFILES["posix-min"], {FIRST: b""})
    disk = FaultyFilesystem(inner)
    disk.append(FIRST, b"data")
    disk.arm(CallFault("sync", at=1))
    with pytest.raises(OSError, match="Input/output"):
        disk.sync(FIRST)
    disk.sync(FIRST)
    inner.end()
    assert inner.points[-1].contents[1] == b"", "the second one wrote nothing"
