"""Each number and word of the reports against the run, place by place, written out by hand.

test_reports.py has what the reports agree on; two that are wrong alike agree as well.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest

from fault_injection.cases import Tally
from fault_injection.reports.badge import badge_json
from fault_injection.reports.console import render_console
from fault_injection.reports.failure_text import hex_text
from fault_injection.reports.html_report import html_page
from fault_injection.reports.json_report import report_json
from fault_injection.reports.junit import junit_xml
from fault_injection.reports.markdown import markdown_text
from fault_injection.reports.timeline_svg import timeline_svg
from fault_injection.reports.words import (
    count_cells,
    count_text,
    coverage_sentences,
    seconds_text,
    shrunk_text,
    struck_by,
    verdict,
)
from fault_injection.result import (
    Failure,
    HexLine,
    PortResult,
    RunResult,
    Status,
    TierResult,
    TimelineEvent,
)
from tests.report_samples import explored_failure, read_by_people, sample_result

COUNTS = {
    "S01-kill-every-call": ("196", "316", "-", "-", "0.2"),
    "S02-power-cut-every-op": ("6", "77", "77 of 900", "60", "0.4"),
    "S03-unsynced-all-subsets": ("6", "1,286", "3,619 of 3,146,147", "1,232", "0.6"),
    "S04-torn-tail-bytes": ("12", "24", "-", "-", "0.1"),
    "S16-nested-recovery": ("1", "5,000", "40,000 of at least 10^43", "4,180", "31.4"),
    "S65-quota-reached": ("3", "9", "-", "-", "0.0"),
    "S43-real-filesystem": ("0", "0", "-", "-", "0.0"),
}


@pytest.fixture
def result() -> RunResult:
    return sample_result(hostile=False)


def failing(**fields: Any) -> Failure:
    """The sample's failure with other fields."""
    return replace(explored_failure()[1], **fields)


def section(page: str, name: str) -> str:
    """A part of the page."""
    return page.partition(f'<section id="{name}">')[2].partition("</section>")[0]


def cells(row: str) -> list[str]:
    """The texts of the cells of a row of HTML."""
    found = re.findall(r"<td[^>]*>(.*?)</td>", row, re.S)
    return [re.sub("<[^>]*>", "", each).strip() for each in found]


# ---- Words that several reports share ---------------------------------------


@pytest.mark.req("SCN-2.2")
def test_the_counts_of_a_scenario(result: RunResult) -> None:
    assert {each.id: count_cells(each) for each in result.scenarios} == COUNTS


@pytest.mark.req("SCN-2.2")
def test_what_was_looked_at_in_sentences(result: RunResult) -> None:
    result.scenarios = result.scenarios[:3]
    assert coverage_sentences(result) == [
        "208 cases tried, the oracle asked 1,679 times.",
        "In 236 moments 3,696 of 3,147,047 legal crash states explored (0.12 %): 1,292 distinct "
        "directories (0 after a crash during recovery), which recover to 78 different answers "
        "(both counted case by case).",
        "The others were sampled by seed, not tried: what they hide is open.",
        "Faults that struck: kill 343, power-cut 1,357.",
    ]
    result.scenarios[0].tally = Tally(1, 1, 2, 90, 9, 7, 5, 3)
    assert "In 238 moments 3,705 of" in coverage_sentences(result)[1]
    assert "(5 after a crash during recovery)" in coverage_sentences(result)[1]


@pytest.mark.req("SCN-2.2")
def test_what_was_not_run_is_named_and_a_part_is_called_one(result: RunResult) -> None:
    result.shard = "2/3"
    sentences = coverage_sentences(result)
    assert sentences[-2:] == [
        "Not run, and so not shown: S43-real-filesystem.",
        "This is part 2/3 of a run: the others are reported apart.",
    ]


@pytest.mark.req("SCN-2.2")
def test_faults_of_one_call_are_added_up_without_their_files() -> None:
    tally = Tally()
    tally.fired.update({"sync procmond-00001.wal": 3, "sync procmond.ack": 4, "append short": 2})
    assert sorted(struck_by(tally)) == [("append short", 2), ("sync", 7)]


@pytest.mark.req("SCN-2.2")
@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (1234567, "1,234,567"), (10**12 - 1, "999,999,999,999"), (10**12, "about 10^12")],
)
def test_numbers(number: int, text: str) -> None:
    assert count_text(number) == text


@pytest.mark.req("SCN-2.2")
@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (99.94, "99.9 s"), (100, "1 min 40 s"), (3599.6, "60 min 00 s")],
)
def test_durations(seconds: float, text: str) -> None:
    assert seconds_text(seconds) == text


@pytest.mark.req("SCN-1.5", "SCN-2.2")
def test_how_small_a_plan_was_made() -> None:
    assert (
        shrunk_text(failing(plan={"steps": [{}] * 3}, shrunk_from=11)) == "3 steps, of 11 at first"
    )
    assert shrunk_text(failing(plan={"steps": [{}]}, shrunk_from=1)) == "1 step"


@pytest.mark.req("SCN-2.1", "SCN-2.2")
def test_the_verdict_counts_each_status(result: RunResult) -> None:
    assert verdict(result).sentence == (
        "7 scenarios: 2 passed, 1 failed, 1 error, 1 partial, 1 known failure, 1 not run; "
        "2 of 3 mutants killed"
    )


# ---- Bytes ------------------------------------------------------------------

LINE = HexLine("procmond-00001.wal", 0x2010, b"\x01\x02\x03\x04", b"\x01\xff\x03", "body")


@pytest.mark.req("SCN-1.5", "SCN-2.2")
def test_bytes_in_text_have_what_was_written_above_what_was_found() -> None:
    assert list(hex_text([LINE])) == [
        "procmond-00001.wal",
        "  00002010 + 01 02 03 04                                      body",
        "           - 01 ff 03 --",
        "                ^^    ^^",
    ]
    gone = list(hex_text([replace(LINE, found=b"")]))
    assert gone[2:] == ["           - (nothing)"]
    new = list(hex_text([replace(LINE, expected=b"")]))
    assert new[1].split("  body")[0].split(" + ")[1].strip() == "(nothing)"
    assert new[2:] == ["           - 01 ff 03"]


@pytest.mark.req("SCN-1.5", "SCN-2.2")
def test_bytes_on_the_page_have_what_was_written_left_of_what_was_found(result: RunResult) -> None:
    result.scenarios[1].failures = [failing(hex_lines=(LINE,))]
    table = html_page(result).partition('<table class="hex">')[2].partition("</table>")[0]
    (row,) = re.findall(r"<tr><td>.*?</tr>", table)
    assert row == (
        '<tr><td>00002010</td><td class="b">01 <b class="d">02</b> 03 <b class="d">04</b></td>'
        '<td class="b">01 <b class="d">ff</b> 03 <b class="gone">··</b></td>'
        '<td class="note">body</td></tr>'
    )


@pytest.mark.req("SCN-2.2")
def test_bytes_in_json(result: RunResult) -> None:
    result.scenarios[1].failures = [failing(hex_lines=(LINE,))]
    (failure,) = json.loads(report_json(result))["scenarios"][1]["failures"]
    assert failure["bytes"] == [
        {"file": "procmond-00001.wal", "offset": 0x2010, "expected": "01020304",
         "found": "01ff03", "note": "body"},
    ]  # fmt: skip


# ---- JSON -------------------------------------------------------------------


@pytest.mark.req("SCN-2.2")
def test_a_scenario_in_json(result: RunResult) -> None:
    each = json.loads(report_json(result))["scenarios"][4]
    assert each["tally"] == {
        "cases": 1, "checks": 5000, "moments": 90, "legal": str(10**43),
        "legal_is_lower_bound": True, "explored": 40_000, "distinct": 4180, "nested": 3977,
        "equivalents": 41, "fired": {"power-cut": 5000},
    }  # fmt: skip
    assert (each["id"], each["status"], each["seconds"]) == ("S16-nested-recovery", "partial", 31.4)
    assert (each["requirements"], each["invariants"]) == (["REC-9.1"], ["I5"])


@pytest.mark.req("SCN-2.2")
def test_a_run_in_json(result: RunResult) -> None:
    result.mutant, result.shard, result.is_deep = "no-sync", "2/3", True
    value = json.loads(report_json(result))
    assert (value["mutant"], value["shard"], value["is_deep"]) == ("no-sync", "2/3", True)
    assert (value["seed"], value["jobs"], value["seconds"]) == (0, 2, 18.25)
    assert value["totals"]["statuses"] == {
        "passed": 2, "failed": 1, "error": 1, "partial": 1, "known-failure": 1, "not-run": 1,
    }  # fmt: skip
    assert value["scenarios"][1]["requirements"] == ["WAL-1.1", "DEL-1.1"]
    assert [each["is_killed"] for each in value["mutants"]] == [True, True, False]
    assert value["mutants"][0]["killed_by_scenarios"] == [
        "S02-power-cut-every-op", "unsynced-all-subsets",
    ]  # fmt: skip
    assert value["mutants"][0]["killed_by_tests"] == ["test_traps.py", "test_wal.py"]


# ---- Page -------------------------------------------------------------------


@pytest.mark.req("SCN-2.2")
def test_the_totals_of_the_page(result: RunResult) -> None:
    totals = section(html_page(result), "totals")
    tiles = re.findall(r"<b>([^<]*)</b><span>(?:<i[^>]*>.</i> )?([^<]*)</span>", totals)
    assert tiles == [
        ("2", "passed"), ("1", "failed"), ("1", "error"), ("1", "partial"), ("1", "known failure"),
        ("1", "not run"), ("224", "cases tried"), ("6,712", "times the oracle was asked"),
        ("43,696", "of at least 10^43 legal crash states"), ("5,472", "distinct directories"),
        ("119", "different answers"),
    ]  # fmt: skip


@pytest.mark.req("SCN-2.2")
def test_the_filter_of_the_page_counts(result: RunResult) -> None:
    buttons = re.findall(
        r"<button[^>]*>([^<]*)\n?</button>", section(html_page(result), "catalogue")
    )
    assert [each.strip() for each in buttons] == [
        "all 7", "✓ passed 2", "✕ failed 1", "! error 1", "◐ partial 1", "≈ known failure 1",
        "○ not run 1",
    ]  # fmt: skip


@pytest.mark.req("SCN-1.4", "SCN-2.2")
def test_the_table_of_crash_states(result: RunResult) -> None:
    table = section(html_page(result), "crash-states")
    heads = re.findall(r'<th scope="col" class="n">([^<]*)</th>', table)
    assert heads == ["explored", "legal", "distinct", "in recovery", "answers", "equivalent"]
    rows = {re.findall(r"<code>(.*?)</code>", row)[0]: cells(row)[1:]
            for row in table.split("<tr>")[2:]}  # fmt: skip
    assert rows == {
        "S02-power-cut-every-op": ["77", "900", "60", "0", "12", "48"],
        "S03-unsynced-all-subsets": ["3,619", "3,146,147", "1,232", "0", "66", "1,166"],
        "S16-nested-recovery": ["40,000", "at least 10^43", "4,180", "3,977", "41", "4,139"],
    }


@pytest.mark.req("SCN-1.4", "SCN-2.2")
def test_a_bar_is_full_only_if_everything_was_explored(result: RunResult) -> None:
    result.scenarios = result.scenarios[1:3]
    result.scenarios[0].tally = Tally(legal=900, explored=900)
    widths = re.findall(r"width:([\d.]+)%", section(html_page(result), "crash-states"))
    outer, inner, outer_top, inner_top = map(float, widths)
    assert inner == outer_top == 100
    assert 40 < outer < 50
    assert 50 < inner_top < 60


@pytest.mark.req("SCN-2.2")
def test_a_failure_is_linked_from_its_scenario(result: RunResult) -> None:
    result.scenarios[1].failures.append(failing(invariant="I2"))
    page = html_page(result)
    assert len(re.findall(r'<article class="failure"', page)) == 3
    rows = section(page, "catalogue").split("<tr data")
    links = {
        re.findall("<code>(.*?)</code>", row)[0]: re.findall(r'href="#(failure-\d)"', row)
        for row in rows[1:]
    }
    assert links == {
        name: {"S02-power-cut-every-op": ["failure-1"], "S65-quota-reached": ["failure-3"]}.get(
            name, [])
        for name in COUNTS
    }  # fmt: skip


@pytest.mark.req("SCN-2.2")
def test_a_requirement_with_a_scenario_that_passed_and_one_that_failed_is_broken(
    result: RunResult,
) -> None:
    result.scenarios[0].requirements = ("WAL-1.1",)
    table = section(html_page(result), "requirements")
    row = table.partition(">WAL-1.1</th>")[2].partition("</tr>")[0]
    assert cells(row)[:3] == ["✕ broken", "✓", "✕"]


@pytest.mark.req("SCN-2.2")
@pytest.mark.parametrize("status", [Status.FAILED, Status.ERROR, Status.KNOWN])
def test_a_requirement_is_as_bad_as_the_worst_that_was_executed(
    status: Status, result: RunResult
) -> None:
    words = {Status.FAILED: "✕ broken", Status.ERROR: "! no", Status.KNOWN: "≈ broken"}
    for other in (Status.PASSED, Status.PARTIAL, Status.NOT_RUN):
        for first, second in ((status, other), (other, status)):
            result.scenarios = result.scenarios[:2]
            result.scenarios[0].status, result.scenarios[1].status = first, second
            for each in result.scenarios:
                each.requirements = ("WAL-1.1",)
            table = section(html_page(result), "requirements")
            assert cells(table.partition(">WAL-1.1</th>")[2])[0] == words[status]


@pytest.mark.req("SCN-3.2", "SCN-2.2")
def test_the_kill_matrix(result: RunResult) -> None:
    result.mutants[0].killed_by_tests = ("a", "b", "c")
    table = section(html_page(result), "mutants")
    rows = {re.findall("<code>(.*?)</code>", row)[0]: cells(row) for row in table.split("<tr>")[2:]}
    assert rows == {
        "no-sync": ["✓ killed", "✓", "✓", "", "3"],
        "retry-sync": ["✓ killed", "", "", "✓", "✓"],
        "header-crc-unchecked": ["✕ survived", "", "", "", ""],
    }
    assert re.findall("<small>(.*?)</small>", table) == ["T1", "T4"]


@pytest.mark.req("SCN-1.5", "SCN-2.2")
def test_the_story_and_the_plan_on_the_page(result: RunResult) -> None:
    failure = failing(
        story=("One.", "Two `a<b`.", "Broken."),
        plan={"plan": 1, "world": "log", "steps": [{"do": "open"}, {"do": "kill"}]},
        shrunk_from=9,
    )
    result.scenarios[1].failures = [failure]
    page = html_page(result)
    story = page.partition('<ol class="story">')[2].partition("</ol>")[0]
    assert story.split("\n")[1:-1] == [
        "<li>One.</li>", "<li>Two <code>a&lt;b</code>.</li>", '<li class="broken">Broken.</li>',
    ]  # fmt: skip
    plan = page.partition("<summary>The plan</summary><pre>")[2].partition("</pre>")[0]
    assert json.loads(plan.replace("&quot;", '"')) == failure.plan
    assert "<p>The plan has 2 steps, of 9 at first." in page


@pytest.mark.req("SCN-2.2")
def test_the_drawing_numbers_its_rows_and_cuts_through_them_where_a_crash_is() -> None:
    events = [
        TimelineEvent("process", "append <1>", "", 1),
        TimelineEvent("disk", "power fails", "crash", 2),
        TimelineEvent("promise", "1 is gone", "broken", 3),
    ]
    root = ElementTree.fromstring(timeline_svg(events))
    numbers = {each.text: each.get("y") for each in root.iter("text")
               if each.get("text-anchor") == "end"}  # fmt: skip
    assert list(numbers) == ["1", "2", "3"]
    (cut,) = (each for each in root.iter("line") if each.get("stroke-dasharray"))
    assert float(cut.get("y1", "")) + 5 == float(numbers["2"] or "")
    words = {each.text: float(each.get("x", "")) for each in root.iter("text")}
    assert words["append <1>"] < words["power fails"] < words["1 is gone"]


@pytest.mark.req("SCN-2.2")
def test_the_head_of_each_report_says_what_was_run(result: RunResult) -> None:
    result.is_deep, result.shard, result.mutant = True, "2/3", "no-sync"
    page, console = html_page(result), render_console(result, is_terminal=False)
    facts = dict(re.findall(r"<div><dt>([^<]*)</dt><dd>([^<]*)</dd></div>", page))
    assert (facts["seed"], facts["depth"], facts["part"], facts["jobs"]) == (
        "0",
        "deep",
        "2/3",
        "2",
    )
    assert "The mistake <code>no-sync</code> is switched on" in page
    assert "seed 0, deep depth, part 2/3\n" in console
    assert "with the mistake no-sync switched on" in console
    assert "The mistake `no-sync` is switched on" in markdown_text(result).replace("\\", "")
    suite = next(ElementTree.fromstring(junit_xml(result)).iter("testsuite"))
    said = {each.get("name"): each.get("value") for each in suite[0]}
    assert (said["seed"], said["shard"], said["mutant"]) == ("0", "2/3", "no-sync")


# ---- The other reports ------------------------------------------------------


@pytest.mark.req("SCN-3.2", "SCN-2.2")
def test_mutants_in_text(result: RunResult) -> None:
    lines = render_console(result, is_terminal=False).splitlines()
    start = lines.index("2 of 3 mistakes found: 2 by a scenario and a test")
    assert [line.split(maxsplit=3)[:3] for line in lines[start + 1 : start + 4]] == [
        ["no-sync", "✓", "killed"], ["retry-sync", "✓", "killed"],
        ["header-crc-unchecked", "✕", "SURVIVED"],
    ]  # fmt: skip
    table = markdown_text(result).replace("\\", "").partition("| mutant |")[2].splitlines()
    assert [each.strip() for each in table[0].split("|")[:-1]] == [
        "trap", "result", "scenarios", "tests", "lacks", "mistake",
    ]  # fmt: skip
    assert [each.strip() for each in table[2].split("|")[1:-1]] == [
        "no-sync", "T1", "✓ killed", "S02-power-cut-every-op, unsynced-all-subsets",
        "test_traps.py, test_wal.py", "-", "the file is never synced, because close does it",
    ]  # fmt: skip


@pytest.mark.req("SCN-2.2")
def test_the_times_and_requirements_of_junit(result: RunResult) -> None:
    root = ElementTree.fromstring(junit_xml(result))
    assert root.get("time") == "32.660"
    assert [each.get("time") for each in root.iter("testsuite")] == ["32.660", "0.000"]
    cases = {each.get("name"): each for each in root.iter("testcase")}
    assert cases["S16-nested-recovery"].get("time") == "31.400"
    said = [
        (p.get("name"), p.get("value")) for p in cases["S02-power-cut-every-op"].iter("property")
    ]
    assert said == [
        ("requirement", "WAL-1.1"), ("requirement", "DEL-1.1"), ("status", "failed"),
        ("cases", "6"), ("checks", "77"), ("explored", "77"), ("legal", "900"), ("distinct", "60"),
    ]  # fmt: skip


@pytest.mark.req("SCN-2.2")
def test_a_badge_is_an_error_only_if_something_failed(result: RunResult) -> None:
    badge = json.loads(badge_json(result))
    assert (badge["isError"], badge["message"]) == (True, "2 of 7 passed, 2 of 3 mutants killed")
    result.scenarios, result.mutants = result.scenarios[:1] + result.scenarios[-1:], []
    badge = json.loads(badge_json(result))
    assert (badge["isError"], badge["message"]) == (False, "1 of 2 passed")


@pytest.mark.req("PRT-2.2", "SCN-2.2")
def test_a_tier_that_was_not_run_has_its_reason_in_every_report(result: RunResult) -> None:
    tiers = (TierResult("T0", "killed", 1234), TierResult("T1", "power", 0, "no ptrace"))
    result.port = PortResult("wal-rs", "0.1", "Rust", "./wal-rs", 1, ("codec", "log"), tiers)
    said = "wal-rs 0.1 in Rust, protocol 1, capabilities: codec, log"
    for text in read_by_people(result):
        assert said in text
        assert "run: struck 1,234 times" in text
        assert text.count("no ptrace") == 1
    value = json.loads(report_json(result))["port"]["tiers"]
    assert [(each["is_run"], each["count"], each["reason"]) for each in value] == [
        (True, 1234, ""), (False, 0, "no ptrace"),
    ]  # fmt: skip
