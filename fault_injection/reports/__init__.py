"""Reports of a run: one model (result.py), five files, and the console.

    report.json   for machines; report.schema.json here says what is in it
    junit.xml     for a CI's list of tests
    summary.md    for $GITHUB_STEP_SUMMARY, or a comment
    index.html    for people: one page that needs nothing else
    badge.json    for shields.io, published wherever a project likes

Spec: SCN-2.2.
"""

from __future__ import annotations

from pathlib import Path

from fault_injection.reports.badge import badge_json
from fault_injection.reports.html_report import html_page
from fault_injection.reports.json_report import report_json
from fault_injection.reports.junit import junit_xml
from fault_injection.reports.markdown import markdown_text
from fault_injection.result import RunResult


def write_reports(result: RunResult, directory: Path) -> list[Path]:
    """Write all five into the directory, which is made if it is not there; return the paths.

    Raises OSError.
    """
    directory.mkdir(parents=True, exist_ok=True)
    texts = {
        "report.json": report_json(result),
        "junit.xml": junit_xml(result),
        "summary.md": markdown_text(result),
        "index.html": html_page(result),
        "badge.json": badge_json(result),
    }
    paths = []
    for name, content in texts.items():
        path = directory / name
        path.write_text(content, encoding="utf-8", newline="\n")
        paths.append(path)
    return paths
