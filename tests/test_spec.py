"""SPEC.md says what is true: its examples run, and its generated blocks are current."""

from __future__ import annotations

import doctest
import re

import pytest

from fault_injection.spec_requirements import requirements
from reference.limits import CONFIG_BOUNDS, FRAME_BYTES_MIN, SPEC_VERSION, WalConfig
from reference.report import DamageKind
from tests.spec_text import SPEC_PATH, block, generated_blocks


@pytest.mark.req("FMT-1.2", "FMT-2.6", "FMT-5.3", "EVT-2.1")
def test_fenced_examples_run_and_print_what_they_say() -> None:
    failed, attempted = doctest.testfile(str(SPEC_PATH), module_relative=False)
    assert attempted >= 15
    assert failed == 0


@pytest.mark.req("ERR-1.1", "FMT-5.1", "FMT-5.3")
@pytest.mark.parametrize("name", sorted(generated_blocks()))
def test_generated_block_is_current(name: str) -> None:
    assert block(name) == generated_blocks()[name], "run: python3 -m tests.spec_text --write"


@pytest.mark.req("ARC-1.1")
def test_no_requirement_stands_twice_and_each_has_a_level() -> None:
    named = re.findall(r"^\*\*([A-Z]+-\d+\.\d+)\*\*", SPEC_PATH.read_text(), re.MULTILINE)
    assert named == list(requirements())
    assert {each.level for each in requirements().values()} == {"MUST", "SHOULD"}


@pytest.mark.req("FMT-1.1", "WAL-3.1")
def test_every_setting_is_in_the_table_with_a_requirement_that_exists() -> None:
    fields = [field for field, _, _, _ in CONFIG_BOUNDS]
    assert sorted(fields) == sorted(WalConfig.__dataclass_fields__)
    assert {each for _, _, _, each in CONFIG_BOUNDS} <= set(requirements())


@pytest.mark.req("REP-1.3")
def test_every_kind_of_damage_is_in_the_table() -> None:
    text = SPEC_PATH.read_text()
    for kind in DamageKind:
        assert f"`{kind.value}`" in text, kind


@pytest.mark.req("REC-3.1", "REC-6.1")
def test_the_text_names_the_numbers_of_the_code() -> None:
    text = SPEC_PATH.read_text()
    assert f"Version {SPEC_VERSION}." in text
    assert set(re.findall(r"/ (\d+)[`)]", text)) == {str(FRAME_BYTES_MIN)}


@pytest.mark.req("ARC-1.1")
def test_the_contents_and_the_parts_name_every_section() -> None:
    text = SPEC_PATH.read_text()
    sections = re.findall(r"^## (\d+) (.+)$", text, re.MULTILINE)
    assert [int(number) for number, _ in sections] == list(range(1, len(sections) + 1))
    listed = re.findall(r"\[(\d+) ([^\]]+)\]\(#([^)]+)\)", text.split("## 1 ")[0])
    assert [(number, title) for number, title, _ in listed] == sections
    for number, title, anchor in listed:
        words = re.sub(r"[^a-z0-9 -]", "", f"{number} {title}".lower())
        assert anchor == words.replace(" ", "-")
    last, starts = 0, [1]  # part I has no heading of its own
    for line in re.findall(r"^# Part [IV]+: |^## \d+ ", text, re.MULTILINE):
        if line.startswith("# "):
            starts.append(last + 1)
        else:
            last = int(line.split()[1])
    ends = [*(start - 1 for start in starts[1:]), len(sections)]
    said = re.search(r"Version [^|]*?\n\n", text)
    assert said is not None
    ranges = [
        (int(first), int(end or first))
        for first, end in re.findall(r"\((?:sections )?(\d+)(?: to (\d+))?\)", said[0])
    ]
    assert ranges == list(zip(starts, ends, strict=True))


@pytest.mark.req("ARC-1.1")
def test_docstrings_cite_requirements_that_exist() -> None:
    """`Spec: WAL-4.2` in the code leads to the text; a group such as `WAL-4` is enough."""
    known = set(requirements()) | {each.split(".")[0] for each in requirements()}
    unknown = set()
    checkout = SPEC_PATH.parents[1]
    for layer in ("reference", "simulators", "fault_injection"):
        for path in (checkout / layer).rglob("*.py"):
            for line in re.findall(r"Spec: ([^\"\n]*)", path.read_text()):
                for cited in re.findall(r"[A-Z]{3}-[0-9]+(?:\.[0-9]+)?", line):
                    if cited not in known:
                        unknown.add((path.name, cited))
    assert not unknown
