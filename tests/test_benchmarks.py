"""The benchmark suite: that it measures what it says. Never how fast anything is."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.benchmarks import suite
from tests.benchmarks.events import typical_events
from tests.benchmarks.peers import PEERS, LmdbPeer, Peer, SqlitePeer
from tests.benchmarks.plot import plot
from tests.benchmarks.replay_case import can_replay
from tests.benchmarks.results import CaseResult, Table, Target
from tests.benchmarks.rounds import Spread, ratios, take_turns
from tests.benchmarks.settings import Settings
from tests.benchmarks.stores import LogStore, OverlappedLogStore, Store
from tests.benchmarks.sync_counts import BEGIN, END, SyncCount, count_trace
from tests.benchmarks.table import markdown, target_line


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a quick run of all cases wrote, without peers."""
    place = tmp_path_factory.mktemp("bench")
    arguments = ["--quick", "--no-peers", "--directory", str(place), "--output", str(place / "out")]
    assert suite.main(arguments) == 0
    return place / "out"


@pytest.fixture(scope="module")
def report(output: Path) -> Any:
    return json.loads((output / "bench.json").read_text())


def case_of(report: Any, name: str) -> Any:
    return next(case for case in report["cases"] if case["name"] == name)


# ---- A whole run ------------------------------------------------------------


@pytest.mark.req("ARC-1.1")
def test_a_quick_run_measures_every_case_in_every_round(report: Any) -> None:
    assert [case["name"] for case in report["cases"]] == list(suite.CASES)
    assert (report["quick"], report["rounds"]) == (True, 1)
    for name in suite.CASES:
        rows = [row for table in case_of(report, name)["tables"] for row in table["rows"]]
        assert rows, name
        assert all(row["low"] <= row["median"] <= row["high"] for row in rows)
        assert all(len(row["values"]) == 1 for row in rows)


@pytest.mark.req("ARC-1.1")
def test_each_target_says_whether_it_is_reached(report: Any, output: Path) -> None:
    targets = [target for case in report["cases"] for target in case["targets"]]
    assert len(targets) >= 10
    text = (output / "bench.md").read_text()
    for target in targets:
        reached = target["median"] >= target["wanted"]
        if not target["at_least"]:
            reached = target["median"] <= target["wanted"]
        assert target["reached"] == reached
        verdict = "reached" if reached else r"\*\*not reached\*\*"
        assert re.search(rf"\| {re.escape(target['text'])} \| .* \| {verdict} \|", text)


@pytest.mark.req("WAL-2.1")
def test_the_log_syncs_once_for_a_batch_and_once_for_many_tasks(report: Any) -> None:
    counted = report["syncs"]["log"]
    concurrent = case_of(report, "concurrent")
    if counted is None:
        assert any("not counted" in note for note in concurrent["notes"])
        pytest.skip("there is no strace, or it may not trace here")
    assert counted["per_unit"] == 1
    shared = next(each for each in concurrent["targets"] if "events a sync" in each["text"])
    assert shared["median"] > 50


@pytest.mark.req("ACK-5.3")
def test_acknowledging_reads_no_file(report: Any) -> None:
    case = case_of(report, "acknowledge")
    assert [t["median"] for t in case["targets"] if "files read" in t["text"]] == [0]


@pytest.mark.req("ARC-1.1")
def test_the_drawing_has_a_panel_for_each_case_that_it_knows(output: Path) -> None:
    root = ElementTree.parse(output / "bench.svg").getroot()
    words = [element.text for element in root.iter() if element.get("class") == "title"]
    assert words == [
        "Durable append", "Durable append, one event at a time", "Replay",
        "Stored, delivered, acknowledged", "Memory", "On disk",
    ]  # fmt: skip


@pytest.mark.req("ARC-1.1")
def test_a_run_is_drawn_again_from_its_numbers(report: Any, output: Path) -> None:
    cases = [CaseResult.from_json(case) for case in report["cases"]]
    assert plot(cases) == (output / "bench.svg").read_text()


@pytest.mark.req("ARC-1.1")
def test_help_says_how_to_use_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        suite.main(["--help"])
    assert stopped.value.code == 0
    text = capsys.readouterr().out
    assert all(word in text for word in ("--quick", "--only", "--rounds", *suite.CASES))


@pytest.mark.req("ARC-1.1")
@pytest.mark.parametrize("wrong", [["--rounds", "0"], ["--rounds", "x"], ["--only", "speed"]])
def test_wrong_options_are_refused(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        suite.main(wrong)
    assert stopped.value.code == 2
    assert wrong[0] in capsys.readouterr().err


# ---- Stores -----------------------------------------------------------------


CONTESTANTS: tuple[type[Store], ...] = (LogStore, OverlappedLogStore, *filter(can_replay, PEERS))


@pytest.mark.req("WAL-1.1")
@pytest.mark.parametrize("contestant", CONTESTANTS, ids=lambda contestant: contestant.name)
def test_every_store_gives_back_what_it_was_given(contestant: type[Store], tmp_path: Path) -> None:
    if issubclass(contestant, Peer) and not contestant.is_installed():
        pytest.skip(f"{contestant.module} is not installed")
    events = typical_events(30)
    store = contestant(tmp_path / "store")
    store.append_all([events[:10], events[10:30]])
    store.close()
    store = contestant(tmp_path / "store")
    entries = list(store.entries())
    assert sorted(entry.event for entry in entries) == sorted(events)  # two callers, any order
    assert [entry.sequence for entry in entries] == list(range(1, 31))
    assert [sequence for sequence, _ in store.payloads()] == list(range(1, 31))
    store.acknowledge(1, 30)
    assert list(store.entries()) == []
    store.close()


@pytest.mark.req("ARC-1.1")
def test_the_peers_get_the_bytes_that_the_log_stores(tmp_path: Path) -> None:
    events = typical_events(5)
    sizes = []
    for contestant in (LogStore, SqlitePeer):
        store = contestant(tmp_path / contestant.name)
        store.append(events)
        sizes.append([len(payload) for _, payload in store.payloads()])
        store.close()
    assert sizes[0] == pytest.approx(sizes[1], abs=9)  # nines of the time's fraction


# ---- Counting syncs ---------------------------------------------------------


def trace_of(*calls: str) -> list[str]:
    """A trace with these calls between the marks, and others around them."""
    return [
        '7 openat(AT_FDCWD, "/b/lock.mdb", O_RDWR|O_CREAT|O_CLOEXEC, 0644) = 5',
        '7 openat(AT_FDCWD, "/b/data.mdb", O_WRONLY|O_DSYNC|O_CLOEXEC) = 6',
        "7 fsync(5)                          = 0",
        f'7 access("{BEGIN}", F_OK)   = -1 ENOENT (No such file or directory)',
        *calls,
        f'7 access("{END}", F_OK)     = -1 ENOENT (No such file or directory)',
        "8 fdatasync(5)                      = 0",
    ]


@pytest.mark.req("ARC-1.1")
@pytest.mark.parametrize(
    ("calls", "syncs", "writes"),
    [
        (["7 fsync(5) = 0", "12  fdatasync(5) = 0"], 2, 0),
        (["7 fdatasync(5 <unfinished ...>", "7 <... fdatasync resumed>) = 0"], 1, 0),
        (["7 msync(0x7f00, 4096, MS_SYNC) = 0", "7 msync(0x7f00, 4096, MS_ASYNC) = 0"], 1, 0),
        (['7 pwrite64(6, "\\1", 1, 0) = 1', '7 pwrite64(5, "\\1", 1, 0) = 1'], 0, 1),
        (["7 close(6) = 0", '7 write(6, "\\1", 1) = 1'], 0, 0),
        (['7 write(5, "fdatasync(5)", 12) = 12', "7 +++ exited with 0 +++"], 0, 0),
    ],
)
def test_syncs_between_the_marks_are_counted(calls: list[str], syncs: int, writes: int) -> None:
    assert count_trace(trace_of(*calls), 2) == SyncCount(2, syncs, writes)


@pytest.mark.req("ARC-1.1")
def test_a_trace_without_both_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="1 of 2 marks"):
        count_trace(trace_of()[:-2], 1)


@pytest.mark.req("ARC-1.1")
def test_a_peer_that_syncs_too_seldom_is_compared_with_nobody() -> None:
    syncs = {"sqlite3": SyncCount(60, 59), "lmdb": SyncCount(60, 30, 30)}
    settings = Settings(Path(), peers=(SqlitePeer, LmdbPeer), syncs=syncs)
    assert settings.durable_peers() == ["lmdb"]
    rates = Table("rates", "events/s")
    for name in ("log", "sqlite3", "lmdb"):
        rates.add(name, "batch 1", 10)
    assert settings.compared(rates, "ratio").contestants() == ["lmdb"]
    text = markdown(settings, {}, ["plyvel"], [])
    assert re.search(r"\| sqlite3 .*\| 0\.98: \*\*not durable\*\*", text)
    assert re.search(r"\| lmdb .*\| 1\.00 \(0\.50 of them O_DSYNC writes\) \|", text)
    assert "| plyvel | not installed | |" in text


# ---- Rounds and tables ------------------------------------------------------


@pytest.mark.req("ARC-1.1")
def test_everybody_does_every_piece_before_anybody_does_the_next() -> None:
    done: list[tuple[int, str]] = []

    def turn_of(name: str) -> Callable[[int], object]:
        return lambda piece: done.append((piece, name))

    spent = take_turns({name: turn_of(name) for name in "abc"}, 20)
    assert [piece for piece, _ in done] == [piece for piece in range(20) for _ in "abc"]
    assert sorted(done) == [(piece, name) for piece in range(20) for name in "abc"]
    assert {name for _, name in done[::3]} == set("abc"), "nobody is always first"
    assert set(spent) == set("abc")


@pytest.mark.req("ARC-1.1")
def test_ratios_are_taken_inside_a_round() -> None:
    table = Table("rates", "events/s")
    for log, peer in ((10, 5), (100, 40), (30, 30)):
        table.add("log", "batch 1", log)
        table.add("peer", "batch 1", peer)
    compared = table.compared("ratio")
    assert compared.values("peer", "batch 1") == (2.0, 2.5, 1.0)
    assert compared.contestants() == ["peer"]
    assert Spread.of(ratios((1.0, 9.0, 4.0), (1.0, 3.0, 2.0))) == Spread(2.0, 1.0, 3.0)


@pytest.mark.req("ARC-1.1")
def test_the_best_is_the_one_with_the_highest_median() -> None:
    table = Table("rates", "events/s")
    for steady, lucky, fast in ((20, 10, 99), (20, 90, 99), (21, 11, 99)):
        for name, value in (("steady", steady), ("lucky", lucky), ("fast, not durable", fast)):
            table.add(name, "batch 1", value)
    assert table.best("batch 1", ["steady", "lucky", "absent"]) == "steady"
    assert table.best("batch 8", ["steady"]) is None


@pytest.mark.req("ARC-1.1")
def test_a_target_is_judged_by_its_median() -> None:
    most = Target("time", 5, (4.0, 9.0, 5.0), at_least=False, unit="us")
    least = Target("ratio", 1, (0.2, 0.98, 3.0))
    assert (most.is_reached, least.is_reached) == (True, False)
    assert target_line(most) == "reached: time: 5.00 (4.00 to 9.00), at most 5 us"
    assert target_line(least).startswith("NOT REACHED: ratio: 0.98")


@pytest.mark.req("ARC-1.1")
def test_a_drawing_of_nothing_is_still_a_drawing() -> None:
    unknown = CaseResult("unknown", "Unknown", "")
    assert ElementTree.fromstring(plot([unknown])).tag.endswith("svg")
