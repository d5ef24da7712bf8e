"""Reports: each of one run that holds every status, hostile texts, and what they agree on."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from fault_injection.cases import Tally
from fault_injection.reports import write_reports
from fault_injection.reports.badge import badge_json
from fault_injection.reports.console import render_console, render_failure, wants_colour
from fault_injection.reports.html_report import html_page
from fault_injection.reports.json_report import report_json, report_schema
from fault_injection.reports.junit import junit_xml
from fault_injection.reports.markdown import markdown_text
from fault_injection.reports.timeline_svg import timeline_svg
from fault_injection.reports.timeline_text import timeline_text
from fault_injection.reports.words import (
    coverage_sentences,
    distinct_text,
    explored_text,
    verdict,
    visible,
)
from fault_injection.result import (
    MutantResult,
    RunResult,
    ScenarioResult,
    Status,
    TimelineEvent,
)
from tests.report_samples import HOSTILE, explored_failure, read_by_people, sample_result
from tests.vectors.schema_check import schema_errors

VERDICTS = ("passed", "incomplete", "stopped", "failed", "nothing run")
EMPTY_ELEMENTS = frozenset(("meta", "br", "link", "img", "input", "hr"))


def run_with(*statuses: Status, mutants: tuple[bool, ...] = ()) -> RunResult:
    """Return a run of scenarios with these statuses."""
    result = sample_result(hostile=False)
    result.scenarios = [
        ScenarioResult(f"S{number:02d}-x", "x", status, "" if status is Status.PASSED else "why")
        for number, status in enumerate(statuses, 1)
    ]
    result.mutants = [
        MutantResult(f"m{number}", "wrong", "", ("x",) if killed else (), ("t",) if killed else ())
        for number, killed in enumerate(mutants)
    ]
    return result


# ---- The verdict ------------------------------------------------------------


@pytest.mark.req("SCN-2.1", "SCN-2.2")
@pytest.mark.parametrize(
    ("statuses", "mutants", "word", "colour", "code"),
    [
        ((Status.PASSED,), (), "passed", "brightgreen", 0),
        ((Status.PASSED,), (True,), "passed", "brightgreen", 0),
        ((), (True, True), "passed", "brightgreen", 0),
        ((Status.PASSED, Status.NOT_RUN), (), "incomplete", "yellow", 0),
        ((Status.PASSED, Status.KNOWN), (), "incomplete", "yellow", 0),
        ((Status.KNOWN,), (), "incomplete", "yellow", 0),
        ((Status.KNOWN, Status.NOT_RUN), (), "incomplete", "yellow", 0),
        ((Status.PASSED, Status.PARTIAL), (), "stopped", "orange", 1),
        ((Status.KNOWN, Status.PARTIAL), (), "stopped", "orange", 1),
        ((Status.NOT_RUN,), (), "nothing run", "lightgrey", 3),
        ((), (), "nothing run", "lightgrey", 3),
        ((Status.PASSED, Status.ERROR), (), "failed", "red", 1),
        ((Status.PASSED, Status.FAILED, Status.PARTIAL), (), "failed", "red", 1),
        ((Status.PASSED,), (False,), "failed", "red", 1),
    ],
)
def test_only_a_whole_run_that_passed_is_green(
    statuses: tuple[Status, ...], mutants: tuple[bool, ...], word: str, colour: str, code: int
) -> None:
    result = run_with(*statuses, mutants=mutants)
    assert verdict(result).word == word
    assert json.loads(badge_json(result))["color"] == colour
    assert json.loads(report_json(result))["exit_code"] == code == result.exit_code
    assert f"Fault injection: {word}" in markdown_text(result)
    assert f"\n{word.upper()}  " in render_console(result, is_terminal=False)
    tone = word.replace(" ", "-")
    assert f'<header class="verdict {tone}">' in html_page(result)


# ---- JSON -------------------------------------------------------------------


@pytest.mark.req("SCN-2.2")
@pytest.mark.parametrize("hostile", [False, True])
def test_the_json_report_is_what_its_schema_says(hostile: bool) -> None:
    schema = report_schema()
    value = json.loads(report_json(sample_result(hostile=hostile)))
    assert list(schema_errors(value, schema, schema)) == []


@pytest.mark.req("SCN-2.2")
def test_the_schema_refuses_what_it_does_not_know() -> None:
    schema = report_schema()
    value = json.loads(report_json(sample_result()))
    value["scenarios"][0]["colour"] = "green"
    value["scenarios"][1]["status"] = "skipped"
    del value["versions"]["kit"]
    errors = list(schema_errors(value, schema, schema))
    assert any("colour is unknown" in each for each in errors)
    assert any("'skipped' is not one of" in each for each in errors)
    assert any("kit is missing" in each for each in errors)


@pytest.mark.req("SCN-2.2")
def test_counts_beyond_a_double_are_whole() -> None:
    value = json.loads(report_json(sample_result()))
    legal = {each["id"]: each["tally"]["legal"] for each in value["scenarios"]}
    assert int(legal["S16-nested-recovery"]) == 10**43
    assert int(value["totals"]["tally"]["legal"]) == 10**43 + 3_146_147 + 900


# ---- Agreement --------------------------------------------------------------


def _markdown_rows(text: str, first: str) -> list[list[str]]:
    """The cells of a table, by the first head; escaped bars are text."""
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"| {first} "))
    rows = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        rows.append([each.strip() for each in re.split(r"(?<!\\)\|", line)[1:-1]])
    return rows


@pytest.mark.req("SCN-2.2")
def test_all_reports_have_the_same_numbers() -> None:
    result = sample_result()
    assert {each.status for each in result.scenarios} == set(Status)
    data = json.loads(report_json(result))
    console = render_console(result, is_terminal=False).splitlines()
    rows = {
        row[0].replace("\\", ""): row for row in _markdown_rows(markdown_text(result), "scenario")
    }
    page = html_page(result)
    cases = {
        each.get("name"): each
        for each in ElementTree.fromstring(junit_xml(result)).iter("testcase")
    }
    for each in data["scenarios"]:
        name, tally = each["id"], each["tally"]
        wanted = [f"{tally['cases']:,}", f"{tally['checks']:,}"]
        counted = next(s for s in result.scenarios if s.id == name).tally
        rest = [explored_text(counted), distinct_text(counted), f"{each['seconds']:.1f}"]
        word = each["status"].replace("-", " ")
        (shown,) = (
            re.split(" {2,}", line) for line in console if re.match(rf"{name} +\S {word} ", line)
        )
        assert shown[2:7] == wanted + rest
        assert rows[name][2:7] == wanted + rest
        assert rows[name][1].endswith(word)
        found = re.search(
            rf"<tr data-status=\"([a-z-]+)\">.{{0,20}}<code>{name}</code>(.*?)</tr>", page, re.S
        )
        assert found is not None
        assert found[1] == each["status"]
        assert re.findall(r'<td class="n">([^<]*)</td>', found[2]) == wanted + rest
        properties = {p.get("name"): p.get("value") for p in cases[name].iter("property")}
        assert properties["cases"] == str(tally["cases"])
        assert properties["legal"] == tally["legal"]
    sentence = data["verdict"]["sentence"]
    for text in (page, markdown_text(result), "\n".join(console)):
        assert sentence in text
        for covered in coverage_sentences(result)[:2]:
            assert covered in text.replace("\\", "")
    assert json.loads(badge_json(result))["message"] == "2 of 8 passed, 2 of 3 mutants killed"


@pytest.mark.req("SCN-2.2")
def test_every_report_says_why_a_scenario_did_not_pass() -> None:
    result = sample_result(hostile=False)
    for text in (
        render_console(result, is_terminal=False), markdown_text(result), html_page(result),
        junit_xml(result), report_json(result),
    ):  # fmt: skip
        plain = text.replace("\\", "")
        for reason in ("stopped after 3 of 8 parts", "needs root and /dev/loop", "never struck",
                       "no quota yet"):  # fmt: skip
            assert reason in plain


@pytest.mark.req("SCN-1.4", "SCN-2.2")
def test_coverage_is_not_rounded_up() -> None:
    tally = Tally(legal=3_146_147, explored=3619)
    assert explored_text(tally) == "3,619 of 3,146,147"
    assert explored_text(Tally(legal=12, explored=12)) == "all 12"
    assert explored_text(Tally(legal=12, explored=12, is_lower_bound=True)) == "12 of at least 12"
    assert explored_text(Tally(legal=10**43, explored=5)) == "5 of about 10^43"
    assert explored_text(Tally()) == "-"
    result = run_with(Status.PASSED)
    result.scenarios[0].tally = Tally(1, 1, 1, 10**9, 5)
    assert any("less than 0.01 %" in each for each in coverage_sentences(result))
    assert any("sampled by seed, not tried" in each for each in coverage_sentences(result))


# ---- JUnit ------------------------------------------------------------------


@pytest.mark.req("SCN-2.2")
def test_junit_counts_what_it_holds_and_never_calls_a_skip_a_success() -> None:
    root = ElementTree.fromstring(junit_xml(sample_result()))
    for suite in [root, *root.iter("testsuite")]:
        for count, tag in (
            ("tests", "testcase"), ("failures", "failure"), ("errors", "error"),
            ("skipped", "skipped"),
        ):  # fmt: skip
            assert suite.get(count) == str(len(list(suite.iter(tag)))), (suite.get("name"), tag)
    counts = [
        [int(suite.get(each, "")) for each in ("tests", "failures", "errors", "skipped")]
        for suite in [root, *root.iter("testsuite")]
    ]
    assert counts == [[11, 3, 2, 2], [8, 2, 2, 2], [3, 1, 0, 0]]
    kinds = {
        case.get("name"): next((each.tag for each in case if each.tag != "properties"), "")
        for case in root.iter("testcase")
    }
    assert kinds["S01-kill-every-call"] == ""
    assert kinds["S02-power-cut-every-op"] == "failure"
    assert kinds["S04-torn-tail-bytes"] == "error"
    assert kinds["S16-nested-recovery"] == "error"
    assert kinds["S43-real-filesystem"] == "skipped"
    assert kinds["S65-quota-reached"] == "skipped"
    assert kinds["header-crc-unchecked"] == "failure"


@pytest.mark.req("SCN-2.2")
def test_a_junit_failure_holds_the_whole_explanation() -> None:
    root = ElementTree.fromstring(junit_xml(sample_result(hostile=False)))
    text = next(root.iter("failure")).text or ""
    for part in ("BROKEN  I1 no loss", "WHAT HAPPENED", "1 is durable", "WHEN", "BYTES", "replay"):
        assert part in text


# ---- Console ----------------------------------------------------------------


@pytest.mark.req("SCN-2.2")
def test_the_console_is_plain_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    result = sample_result()
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert "\x1b" not in render_console(result, is_terminal=False)
    coloured = render_console(result, is_terminal=True)
    assert "\x1b[31;1m" in coloured
    plain = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert plain == render_console(result, is_terminal=False)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in render_console(result, is_terminal=True)
    assert not wants_colour(True, {"TERM": "dumb"})


@pytest.mark.req("SCN-1.5", "SCN-2.2")
def test_a_failure_is_told_from_the_promise_to_the_command() -> None:
    _, failure = explored_failure()
    text = "\n".join(render_failure(failure, is_terminal=False))
    places = [
        text.index(part)
        for part in (
            "I1 no loss", "WAL-1.1  When append returns", "BECAUSE event 1 is gone",
            "1. The log is opened on an empty disk.", "step  process", "procmond-00001.wal\n",
            "record 1 (event 1)", "python3 -m fault_injection replay",
        )
    ]  # fmt: skip
    assert places == sorted(places)


@pytest.mark.req("SCN-2.2")
def test_the_drawing_in_text_lines_up() -> None:
    events = [
        TimelineEvent("process", "append 2", "", 1),
        TimelineEvent("promise", "1, 2 durable", "promise", 1),
        TimelineEvent("disk", "power fails", "crash", 2),
        TimelineEvent("promise", "2 is gone", "broken", 3),
    ]
    assert timeline_text(events, 66) == [
        "step  process             disk                promise",
        "   1  append 2            │                   1, 2 durable",
        "   2  ════════════════════ power fails ═════════════════════════",
        "   3  │                   │                   ✕ 2 is gone",
    ]
    assert timeline_text([]) == []


# ---- Markdown ---------------------------------------------------------------


@pytest.mark.req("SCN-2.2")
@pytest.mark.parametrize("first", ["scenario", "mutant"])
def test_markdown_tables_are_well_formed(first: str) -> None:
    rows = _markdown_rows(markdown_text(sample_result()), first)
    assert len(rows) > 3
    assert {len(row) for row in rows} == {len(rows[0])}
    assert all(re.fullmatch("-+:?", cell) for cell in rows[1])


@pytest.mark.req("SCN-2.2")
def test_markdown_blocks_are_closed_and_their_fence_is_safe() -> None:
    result = sample_result()
    failures = result.scenarios[1].failures
    failures[0] = replace(failures[0], story=("`````` is a fence", *failures[0].story))
    text = markdown_text(result)
    assert text.count("<details>") == text.count("</details>") == 3
    assert "\n```````text\n" in text
    outside = re.sub(r"(?ms)^(`{3,})text$.*?^\1$", "", text)
    assert "<script>" not in outside
    assert "<script>" in text


# ---- HTML -------------------------------------------------------------------


class Page(HTMLParser):
    """Parses a page strictly: every element is closed, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.ids: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        assert len(dict(attrs)) == len(attrs), f"an attribute twice in {tag}"
        if (name := dict(attrs).get("id")) is not None:
            assert name not in self.ids, name
            self.ids.add(name)
        if tag not in EMPTY_ELEMENTS:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.text += data


def parsed(source: str) -> Page:
    page = Page()
    page.feed(source)
    page.close()
    assert page.open == []
    return page


@pytest.mark.req("SCN-2.2")
@pytest.mark.parametrize("hostile", [False, True])
def test_the_page_is_well_formed_and_whole_by_itself(hostile: bool) -> None:
    source = html_page(sample_result(hostile=hostile))
    page = parsed(source)
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert not any(tag in ("link", "img", "iframe", "object", "embed") for tag, _ in page.tags)
    for _, attributes in page.tags:
        assert not {"src", "srcset", "action", "poster"} & attributes.keys()
        assert not any(name.startswith("on") for name in attributes)
        target = attributes.get("href")
        assert target is None or (target.startswith("#") and target[1:] in page.ids)
    assert not re.search(r"https?://|url\(|@import", source)


@pytest.mark.req("SCN-2.2")
def test_the_page_shows_hostile_texts_as_text() -> None:
    page = parsed(html_page(sample_result()))
    assert '<script>alert("1")</script>' in page.text
    assert "\\x1b[31m \\u202e \\ud800" in page.text
    assert not {"\x1b", "\u202e", "\ud800", "\x00"} & set(page.text)


@pytest.mark.req("SCN-2.2")
def test_the_page_has_every_part() -> None:
    result = sample_result(hostile=False)
    source = html_page(result)
    page = parsed(source)
    assert {"totals", "catalogue", "failures", "failure-1", "crash-states", "requirements",
            "mutants"} <= page.ids  # fmt: skip
    links = re.findall(r'<a href="#([a-z-]+)">', source[source.index("<nav") :])
    sections = re.findall(r'<section id="([a-z-]+)">', source)
    assert links[: len(sections)] == sections
    rows = re.findall(r'data-status="([a-z-]+)"', source)
    assert rows == [each.status.value for each in result.scenarios]
    _, failure = explored_failure()
    for words in (*failure.story, failure.replay_command, '"do": "power-cut"'):
        assert words.replace("`", "") in page.text.replace("`", "")
    assert 'class="timeline"' in source
    assert '<b class="gone">·· ·· ' in source


@pytest.mark.req("SCN-2.1", "SCN-2.2")
def test_the_page_has_a_colour_of_its_own_for_each_status() -> None:
    style = html_page(run_with()).partition("<style>")[2].partition("</style>")[0]
    rules = dict(re.findall(r"^([^{}]+) \{ --tone: var\(--([a-z]+)\)", style, re.M))
    tones = {
        name: tone for names, tone in rules.items() for name in re.findall(r"\.([a-z-]+)", names)
    }
    assert len({tones[status.value] for status in Status}) == len(Status)
    for tone in tones.values():  # once for each scheme
        assert len(re.findall(rf"--{tone}: #", style)) == 2
        assert len(re.findall(rf"--{tone}-soft: #", style)) == 2
    tiles = re.search(r"\.tiles \{[^}]*repeat\((\d+)", style)
    assert tiles is not None
    assert int(tiles[1]) == len(Status)
    assert all(word.replace(" ", "-") in tones for word in VERDICTS)


@pytest.mark.req("SCN-2.2")
def test_a_requirement_is_shown_only_by_what_was_executed() -> None:
    source = html_page(sample_result(hostile=False))
    rows = dict(re.findall(
        r'<th scope="row" title="[^"]*">([A-Z]+-[0-9.]+)</th>\s*<td><span class="chip ([a-z-]+)"',
        source,
    ))  # fmt: skip
    assert rows["WAL-1.1"] == "failed"
    assert rows["REC-1.1"] == "passed"
    assert rows["DSK-1.1"] == "not-run"
    assert rows["REC-3.3"] == "error"


@pytest.mark.req("SCN-3.2", "SCN-2.2")
def test_the_kill_matrix_finds_a_scenario_by_its_name_and_by_its_id() -> None:
    source = html_page(sample_result(hostile=False))
    matrix = source[source.index('id="mutants"') :]
    assert re.findall(r'class="m"><span>([^<]*)</span>', matrix) == [
        "S02-power-cut-every-op", "S03-unsynced-all-subsets", "S18-sync-eio-once", "tests",
    ]  # fmt: skip
    assert matrix.count('title="found by ') == 5
    assert matrix.count("survived") == 1


@pytest.mark.req("SCN-3.2", "SCN-2.2")
def test_a_scenario_whose_name_ends_like_another_is_no_killer() -> None:
    result = run_with()
    result.mutants = [
        MutantResult("m1", "x", "", ("sync",), ("t",)),
        MutantResult("m2", "x", "", ("late-sync",), ("t",)),
    ]
    matrix = html_page(result).partition('id="mutants"')[2]
    rows = re.findall(r"<code>(m\d)</code>(.*?)</tr>", matrix, re.S)
    killers = {name: re.findall(r'title="found by ([^"]*)"', cells) for name, cells in rows}
    assert killers == {"m1": ["sync", "t"], "m2": ["late-sync", "t"]}


@pytest.mark.req("SCN-3.2", "SCN-2.2")
@pytest.mark.parametrize(
    ("row", "lacks"),
    [
        (MutantResult("m", "x", "", ("s",), ("t",)), ()),
        (MutantResult("m", "x", "", (), ("t",)), ("no scenario finds it",)),
        (MutantResult("m", "x", "", (), ("t",), has_scenarios=False), ("no scenario reaches it",)),
        (MutantResult("m", "x", "", ("s",), ()), ("no test finds it",)),
        (MutantResult("m", "x", "", ("s",), was_tested=False), ("tests not tried",)),
        (MutantResult("m", "x", "", was_tested=False), ("no scenario finds it", "tests not tried")),
    ],
)  # fmt: skip
def test_every_report_tells_what_was_tried_in_vain_from_what_was_not_tried(
    row: MutantResult, lacks: tuple[str, ...]
) -> None:
    result = run_with()
    result.mutants = [row]
    assert row.lacks == lacks
    (data,) = json.loads(report_json(result))["mutants"]
    assert tuple(data["lacks"]) == lacks
    words = ", ".join(lacks)
    for text in read_by_people(result):
        assert words in text
        for other in ("scenario finds", "scenario reaches", "test finds", "not tried"):
            assert (other in words) == (f"{other} it" in text or f"tests {other}" in text)
    if not row.is_killed:
        assert words in junit_xml(result)


@pytest.mark.req("SCN-3.2", "SCN-2.2")
def test_every_report_says_how_many_mistakes_were_found_and_by_what() -> None:
    result = run_with()
    result.mutants = [
        MutantResult("a", "x", "", ("s",), ("t",)),
        MutantResult("b", "x", "", ("s",), ("t",)),
        MutantResult("c", "x", "", (), ("t",), has_scenarios=False),
        MutantResult("d", "x", "", ("s",), was_tested=False),
        MutantResult("e", "x", "", (), ("t",)),
    ]
    sentence = (
        "4 of 5 mistakes found: 2 by a scenario and a test, 1 by a scenario alone, "
        "1 by a test alone"
    )
    for text in read_by_people(result):
        assert sentence in text
    result.mutants = result.mutants[-1:]
    assert "0 of 1 mistake found." in html_page(result)


@pytest.mark.req("SCN-2.2")
def test_the_drawing_has_the_lanes_and_what_happened() -> None:
    _, failure = explored_failure()
    root = ElementTree.fromstring(timeline_svg(failure.timeline))
    assert root.tag == "svg"
    texts = [each.text for each in root.iter("text")]
    assert texts[:3] == ["process", "disk", "promise"]
    assert "event 1 is gone" in texts
    assert timeline_svg([]) == ""


# ---- Writing ----------------------------------------------------------------


@pytest.mark.req("SCN-2.2")
def test_all_files_are_written_and_are_utf_8(tmp_path: Path) -> None:
    paths = write_reports(sample_result(), tmp_path / "new" / "reports")
    assert [each.name for each in paths] == [
        "report.json", "junit.xml", "summary.md", "index.html", "badge.json",
    ]  # fmt: skip
    for path in paths:
        content = path.read_bytes()
        assert content.decode("utf-8").endswith("\n")
        assert b"\x1b" not in content
        assert b"\r" not in content
        assert b"\x00" not in content


@pytest.mark.req("SCN-2.2")
def test_equal_runs_give_equal_reports() -> None:
    one, two = sample_result(), sample_result()
    assert html_page(one) == html_page(two)
    assert report_json(one) == report_json(two)
    assert junit_xml(one) == junit_xml(two)


@pytest.mark.req("SCN-2.2")
def test_what_would_not_be_seen_is_written_out() -> None:
    assert visible("a\x1b[0m\u202eb\ud800\u2028") == "a\\x1b[0m\\u202eb\\ud800\\u2028"
    assert visible("é 漢 \n") == "é 漢 \n"
    assert "\x1b" not in visible(HOSTILE)
