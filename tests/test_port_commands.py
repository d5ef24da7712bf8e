"""The commands for ports: first contact, vectors, tiers, known failures, and `run --port`."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fault_injection import cli, command_port, runner
from fault_injection.cases import Tally
from fault_injection.errors import UsageError
from fault_injection.ports import opening, vectors
from fault_injection.ports.adapter import Adapter
from fault_injection.ports.contract import RuleResult
from fault_injection.ports.known import Known, mark_known, read_known, vector_known
from fault_injection.ports.profiles import PROFILES, left_to_show
from fault_injection.ports.real_disk import KINDS, why_not
from fault_injection.ports.tiers import TITLES, counts, tiers_of_run
from fault_injection.ports.vectors import VectorResult, try_vectors, vector_files
from fault_injection.reports.console import render_console
from fault_injection.reports.html_report import html_page
from fault_injection.reports.json_report import report_json, report_schema
from fault_injection.reports.markdown import markdown_text
from fault_injection.result import PortResult, ScenarioResult, Status
from fault_injection.runner import NOT_A_LOG, SLICES, Slice, SliceResult, run_slice
from fault_injection.scenario import Effort
from tests.port_helpers import REFERENCE
from tests.report_samples import sample_result
from tests.traced import needs_ptrace
from tests.vectors.schema_check import schema_errors

PORT = shlex.join(REFERENCE)
STUB = """
import json, sys
hello = dict(protocol=1, name="stub", language="Python", version="0", capabilities=[{capabilities}],
             limits={{}}, issues_url="")
for line in sys.stdin:
    request = json.loads(line)
    reply = {reply}
    if request["op"] == "hello": reply = dict(ok=hello)
    if request["op"] == "bye": reply = dict(ok={{}})
    print(json.dumps(dict(id=request["id"], **reply)), flush=True)
    if request["op"] == "bye": break
"""


def stub(reply: str, capabilities: str = '"log"') -> str:
    """The command of an adapter that says this to everything."""
    text = STUB.format(reply=reply, capabilities=capabilities)
    return shlex.join([sys.executable, "-S", "-E", "-c", text])


UNSUPPORTED = "dict(unsupported=dict(capability='log'))"
Output = Callable[[], str]


@pytest.fixture
def output(capsys: pytest.CaptureFixture[str]) -> Output:
    def read() -> str:
        captured = capsys.readouterr()
        return captured.out + captured.err

    return read


# ---- First contact ----------------------------------------------------------


@pytest.mark.req("PRT-1.2")
def test_smoke_shows_each_operation_and_writes_a_transcript(tmp_path: Path, output: Output) -> None:
    transcript = tmp_path / "transcript"
    assert cli.run(["port", "smoke", "--port", PORT, "--transcript", str(transcript)]) == 0
    lines = output().splitlines()
    assert len(lines) == 14
    assert all(line.startswith("ok") for line in lines)
    assert transcript.read_text().count("port -> ") == 14


@pytest.mark.req("PRT-1.2")
def test_smoke_shows_what_is_wrong(output: Output) -> None:
    assert cli.run(["port", "smoke", "--port", stub("dict(ok=dict(sequence='2'))")]) == 1
    text = output()
    assert "FAIL  decode        violation: ok: field 'json' is missing" in text
    assert "FAIL  append" not in text, "it ends with the first line that is not allowed"


@pytest.mark.req("PRT-1.2")
def test_smoke_skips_what_the_port_does_not_have(output: Output) -> None:
    assert cli.run(["port", "smoke", "--port", stub(UNSUPPORTED)]) == 0
    assert output().count("skipped: ") == 12


@pytest.mark.req("PRT-1.2")
@pytest.mark.parametrize("what", ["smoke", "vectors", "tiers", "connector"])
def test_a_command_that_does_not_start_is_told(what: str, output: Output) -> None:
    assert cli.run(["port", what, "--port", "./no-such-adapter"]) == 1
    assert "./no-such-adapter cannot be run" in output()


@pytest.mark.req("PRT-1.2")
@pytest.mark.parametrize("port", ["", "'"])
def test_a_port_that_is_no_command_is_wrong_usage(port: str, output: Output) -> None:
    assert cli.run(["port", "smoke", "--port", port]) == 2
    assert "--port" in output()


# ---- Vectors ----------------------------------------------------------------


@pytest.mark.req("PRT-1.3", "PRT-1.4")
def test_every_vector_that_can_be_asked_passes(output: Output) -> None:
    assert cli.run(["port", "vectors", "--port", PORT]) == 0
    text = output()
    total = next(line for line in text.splitlines() if line.startswith("all "))
    passed, failed, stale, known, skipped, not_applicable = map(int, total.split()[1:])
    assert (failed, stale, known, skipped) == (0, 0, 0, 0)
    assert passed > 520
    assert passed + not_applicable == sum(
        json.loads(path.read_text())["count"] for path in vector_files()
    )
    assert "not applicable: the link is tried by `port connector`" in text


@pytest.mark.req("PRT-1.4")
def test_a_port_that_answers_nothing_has_shown_nothing(output: Output) -> None:
    assert cli.run(["port", "vectors", "--port", stub(UNSUPPORTED)]) == 3
    assert "needs the capability log" in output()


@pytest.mark.req("PRT-1.3")
@pytest.mark.parametrize(
    ("id", "change", "words"),
    [
        ("codec-smallest", {"encoded": "01"}, "encoded: 1 bytes expected, 47 found"),
        ("codec-cut-at-0", {"error": "InvalidTag"}, "expected InvalidTag, found EndOfBytes"),
        ("json-empty-line", {"field": "pid"}, 'error, field: expected "pid", found null'),
        ("dir-torn-first-byte", {"entries": []}, "entries, sequences: expected , found 1"),
        ("dir-clean-nothing", {"dead_letters": [{"sequence": "1"}]}, "dead letters: expected"),
    ],
)
def test_a_difference_is_shown(tmp_path: Path, id: str, change: dict[str, Any], words: str) -> None:
    for path in vector_files():
        document = json.loads(path.read_text())
        tests = [test for test in document["tests"] if test["id"] == id]
        if tests:
            tests[0]["then"] |= change
            (tmp_path / path.name).write_text(json.dumps({**document, "tests": tests}))
    with Adapter(REFERENCE) as adapter:
        (found,) = try_vectors(adapter, tmp_path)
    assert found.status == "failed"
    assert words in found.text


@pytest.mark.req("PRT-1.4")
def test_without_a_checkout_there_are_no_vectors(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="this needs a checkout"):
        vector_files(tmp_path)
    assert vectors.vector_ids(tmp_path) == []


# ---- Known failures ---------------------------------------------------------


def known_file(tmp_path: Path, *entries: object) -> Path:
    path = tmp_path / "known.json"
    path.write_text(json.dumps(list(entries)))
    return path


@pytest.mark.req("PRT-1.4")
@pytest.mark.parametrize(
    ("entries", "words"),
    [
        (["x"], "entry 0: an object of texts"),
        ([{"id": "codec-smallest"}], "an id and a reason are needed"),
        ([{"id": "codec-smallest", "reason": ""}], "an id and a reason are needed"),
        ([{"id": "codec-smallest", "reason": "x", "url": ""}], "there is no field 'url'"),
        ([{"id": "codec-smallest", "reason": 1}], "an object of texts"),
        ([{"id": "codec-big", "reason": "x"}], "codec-big is no scenario and no vector"),
        ([{"id": "codec-smallest", "reason": "x"}] * 2, "stands twice"),
    ],
)
def test_a_list_of_known_failures_is_checked(
    tmp_path: Path, entries: list[object], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        read_known(known_file(tmp_path, *entries))


@pytest.mark.req("PRT-1.4")
def test_a_file_that_is_no_list_is_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "known.json").write_text("{}")
    with pytest.raises(UsageError, match="a list of"):
        read_known(tmp_path / "known.json")
    with pytest.raises(UsageError, match="No such file"):
        read_known(tmp_path / "other.json")
    assert read_known(None) == {}


@pytest.mark.req("PRT-1.4")
def test_known_scenarios_are_counted_apart_and_stale_ones_fail() -> None:
    known = {name: Known(name, "no quota yet", "https://x/1") for name in ("A", "B", "C")}
    scenarios = [
        ScenarioResult("A", "", Status.FAILED, "I1 is broken"),
        ScenarioResult("B", "", Status.PASSED),
        ScenarioResult("C", "", Status.NOT_RUN, "why"),
        ScenarioResult("D", "", Status.FAILED, "why"),
    ]
    mark_known(scenarios, known)
    assert [each.status for each in scenarios] == [
        Status.KNOWN, Status.ERROR, Status.NOT_RUN, Status.FAILED,
    ]  # fmt: skip
    assert scenarios[0].reason == "known: no quota yet (https://x/1); I1 is broken"
    assert "take it out" in scenarios[1].reason


@pytest.mark.req("PRT-1.4")
@pytest.mark.parametrize(
    ("status", "after"),
    [("failed", "known"), ("passed", "stale"), ("skipped", "skipped")],
)
def test_known_vectors(status: str, after: str) -> None:
    found = vector_known(VectorResult("a", "f", status), {"a": Known("a", "x")})
    assert found.status == after
    assert vector_known(VectorResult("b", "f", status), {"a": Known("a", "x")}).status == status


@pytest.mark.req("PRT-1.4")
def test_a_stale_entry_fails_the_run_of_the_vectors(tmp_path: Path, output: Output) -> None:
    path = known_file(tmp_path, {"id": "codec-smallest", "reason": "wrong once"})
    assert cli.run(["port", "vectors", "--port", PORT, "--known", str(path)]) == 1
    assert "stale  codec-smallest: it passes: take it out of the list" in output()


# ---- Profiles ---------------------------------------------------------------

WHOLE = PortResult("p", "1", "C", "./p", 1, ("codec", "log", "connector"), tiers_of_run(
    {"kill": 1, "power-cut": 1, "append short": 1, "sync EIO": 1}, ""
))  # fmt: skip
PASSING = [
    VectorResult("codec-smallest", "codec.json", "passed"),
    VectorResult("dir-x", "directories_torn.json", "passed"),
    VectorResult("crc-empty", "crc.json", "not-applicable"),
]
KEPT = [RuleResult("slots-take-turns", "ACK-1.1", "")]


@pytest.mark.req("PRT-1.4")
@pytest.mark.parametrize("profile", PROFILES)
def test_a_claim_holds_if_everything_passed(profile: str) -> None:
    scenarios = [
        ScenarioResult("A", "", Status.PASSED), ScenarioResult("B", "", Status.NOT_RUN, NOT_A_LOG),
    ]  # fmt: skip
    assert left_to_show(profile, WHOLE, scenarios, PASSING, [], KEPT) == []


@pytest.mark.req("PRT-1.4")
def test_what_was_left_out_stands_against_a_claim() -> None:
    port = PortResult("p", "1", "C", "./p", 1, ("log",), tiers_of_run({"kill": 1}, ""))
    scenarios = [
        ScenarioResult("A", "", Status.KNOWN, "known"),
        ScenarioResult("B", "", Status.NOT_RUN, "never struck"),
    ]
    found = [VectorResult("codec-x", "codec.json", "skipped"), PASSING[1]]
    lacking = left_to_show("full", port, scenarios, found, ["refused: event 3"], [])
    assert [each.split(":")[0] for each in lacking] == [
        "the capability codec", "the capability connector", "vector codec-x", "scenario A",
        "scenario B", "the contract", "tier T1", "tier T2", "tier T3", "black box",
    ]  # fmt: skip
    assert left_to_show("codec", WHOLE, [], [], [], []) == ["the vectors"]


@pytest.mark.req("PRT-1.4", "PRT-1.6")
def test_a_rule_that_does_not_hold_stands_against_a_claim() -> None:
    wrong = [*KEPT, RuleResult("second-opener-is-refused", "DSK-1.3", "let in", "failed")]
    lacking = left_to_show("log", WHOLE, [], PASSING, [], wrong)
    assert lacking == ["contract, second-opener-is-refused: let in"]
    assert left_to_show("codec", WHOLE, [], PASSING, [], wrong) == []


@pytest.mark.req("PRT-1.4")
def test_who_claims_bytes_has_them_to_show_for_the_codec_too() -> None:
    wrong = [VectorResult("crc-empty", "crc.json", "failed"),
             VectorResult("dir-y", "directories_torn.json", "failed")]  # fmt: skip
    assert left_to_show("codec", WHOLE, [], [*PASSING, *wrong], [], []) == []
    with_bytes = replace(WHOLE, capabilities=("codec", "bytes"))
    lacking = left_to_show("codec", with_bytes, [], [*PASSING, *wrong], [], [])
    assert lacking == ["vector crc-empty: failed"]


@pytest.mark.req("PRT-1.4")
def test_a_profile_is_of_a_port(output: Output) -> None:
    assert cli.run(["run", "kill-every-call", "--profile", "log", "--no-report"]) == 2
    assert "--port is missing" in output()


# ---- Tiers ------------------------------------------------------------------


@pytest.mark.req("PRT-2.2")
def test_what_struck_belongs_to_a_tier() -> None:
    fired = {"kill": 3, "power-cut": 5, "append short": 1, "unlink EROFS": 2, "sync EIO": 7,
             "sync_directory EIO": 1, "sync ENOSPC": 1, "damage flip": 9}  # fmt: skip
    assert counts(fired) == {"T0": 3, "T1": 5, "T2": 4, "T3": 8}
    found = tiers_of_run({"kill": 3}, "")
    assert [each.count for each in found] == [3, 0, 0, 0, 0]
    assert found[1].reason == "not run: no scenario of this run did it"
    assert tiers_of_run({}, "no ptrace")[0].reason == "not run: no ptrace"
    assert [each.name for each in found] == list(TITLES)


@needs_ptrace
@pytest.mark.req("PRT-2.2")
def test_the_tiers_are_probed(output: Output) -> None:
    assert cli.run(["port", "tiers", "--port", PORT]) == 0
    lines = output().splitlines()
    assert [line[:2] for line in lines] == ["T0", "T1", "T2", "T3", "T4"]
    assert all("run: struck" in line for line in lines[:4])
    why = why_not(KINDS["ext4"])
    assert lines[4].endswith(f"not run: {why}" if why else "run: struck 1 times")


@needs_ptrace
@pytest.mark.req("PRT-2.2")
def test_a_port_without_a_log_has_no_tiers(output: Output) -> None:
    assert cli.run(["port", "tiers", "--port", stub(UNSUPPORTED)]) == 3
    assert "not run: skipped: open: needs the capability log" in output()


@pytest.mark.req("PRT-2.2")
def test_where_nothing_can_be_traced_each_tier_says_so(
    monkeypatch: pytest.MonkeyPatch, output: Output
) -> None:
    monkeypatch.setattr(command_port, "unavailable", lambda: "no ptrace here")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert cli.run(["port", "tiers", "--port", PORT]) == 3
    text = output()
    assert text.count("not run: no ptrace here") == 4
    assert text.count("not run: mounting a filesystem needs root") == 1


# ---- Scenarios --------------------------------------------------------------


@pytest.mark.req("PRT-1.3")
def test_a_scenario_of_the_connector_is_not_run_with_the_reason() -> None:
    slices = [
        run_slice(Slice("poison-event", index, SLICES, Effort(), REFERENCE))
        for index in range(SLICES)
    ]
    result = runner.scenario_result("poison-event", slices, lambda found: pytest.fail("none"))
    assert (result.status, result.reason) == (Status.NOT_RUN, NOT_A_LOG)


@pytest.mark.req("PRT-1.2", "PRT-1.3")
def test_what_a_port_cannot_do_is_not_run_and_a_violation_is_an_error() -> None:
    def result_of(**fields: str) -> ScenarioResult:
        slices = [
            SliceResult(Slice("kill-every-call", i, SLICES, Effort(), REFERENCE), Tally(cases=1))
            for i in range(SLICES)
        ]
        for name, value in fields.items():
            setattr(slices[3], name, value)
        return runner.scenario_result("kill-every-call", slices, lambda _: pytest.fail("none"))

    assert result_of(not_run="no refuse").status is Status.NOT_RUN
    assert result_of(not_run="no refuse").reason == "no refuse"
    assert result_of(error="violation: not JSON").status is Status.ERROR
    assert result_of().status is Status.NOT_RUN
    assert result_of().reason == "never struck on this port: kill"


@needs_ptrace
@pytest.mark.req("PRT-1.3", "PRT-2.2")
def test_a_scenario_on_a_port_passes_and_says_so_everywhere(
    tmp_path: Path, output: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "CASES_MAX", 8)
    arguments = ["run", "kill-every-call", "--port", PORT, "--report", str(tmp_path), "--jobs", "1"]
    code = cli.run(arguments)
    text = output()
    assert code == 0, text
    assert "fault injection on reference 1.0 (Python)" in text
    assert "capabilities: codec, log, connector" in text
    report = json.loads((tmp_path / "report.json").read_text())
    assert list(schema_errors(report, report_schema(), report_schema())) == []
    assert report["port"]["command"] == PORT
    assert [tier["name"] for tier in report["port"]["tiers"]] == list(TITLES)
    assert report["port"]["tiers"][0]["is_run"]
    assert report["port"]["tiers"][4]["reason"].startswith("not run")


@pytest.mark.req("PRT-2.2")
def test_all_reports_show_the_port_and_known_failures() -> None:
    result = sample_result(hostile=False)
    tiers = tiers_of_run({"kill": 3}, "")
    result.port = PortResult("wal|c", "1", "C", "./x", 1, ("log",), tiers)
    result.scenarios[0].status, result.scenarios[0].reason = Status.KNOWN, "known: soon"
    value = json.loads(report_json(result))
    assert list(schema_errors(value, report_schema(), report_schema())) == []
    assert value["totals"]["statuses"]["known-failure"] == 2  # the sample has one
    assert "wal\\|c 1 in C" in markdown_text(result)
    for text in (render_console(result, is_terminal=False), html_page(result)):
        assert "wal|c 1 in C" in text
        assert "run: struck 3 times" in text
        assert "known: soon" in text
    assert value["port"]["capabilities"] == ["log"]
