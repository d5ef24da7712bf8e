"""The test vectors: their files are sound and current, and the reference fulfils them.

Each vector is a test case with its ID, marked with its own requirements. A vector that the
reference is known not to fulfil (tests/vectors/disagreements.py) is a strict xfail.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from fault_injection.ports.vectors import content_of
from reference.os_filesystem import OsFilesystem
from simulators.memory_filesystem import MemoryFilesystem
from tests import vector_tools
from tests.vectors import generate
from tests.vectors.disagreements import DISAGREEMENTS
from tests.vectors.document import content_json, pretty
from tests.vectors.flags import NOTES
from tests.vectors.schema_check import schema_errors
from tests.vectors.two_records import two_record_log

SPEC = Path(__file__).parent.parent / "reference" / "SPEC.md"
DOCUMENTS: dict[str, Any] = {name: vector_tools.load(name) for name in vector_tools.vector_files()}
TESTS = [(d["kind"], test) for d in DOCUMENTS.values() for test in d["tests"]]


def _cases(*, directories: bool) -> list[Any]:
    cases = []
    for kind, test in TESTS:
        if (kind == "directories") is not directories:
            continue
        marks = [pytest.mark.req(*test["requirements"])]
        if test["id"] in DISAGREEMENTS:
            marks.append(pytest.mark.xfail(reason=DISAGREEMENTS[test["id"]], strict=True))
        cases.append(pytest.param(kind, test, id=test["id"], marks=marks))
    return cases


# ---- The vectors ------------------------------------------------------------


@pytest.mark.parametrize(("kind", "test"), _cases(directories=False))
def test_value(kind: str, test: Any) -> None:
    assert vector_tools.answer(kind, test["given"]) == test["then"]


@pytest.mark.parametrize(("kind", "test"), _cases(directories=True))
def test_directory_in_memory(kind: str, test: Any) -> None:
    filesystem = generate.memory_directory(test["given"])
    before = filesystem.image()

    answer = vector_tools.answer_directory(filesystem)

    assert answer == test["then"]
    if answer["outcome"] == "refused":
        assert filesystem.image() == before
    else:
        _opening_again_finds_the_same(filesystem, answer)


@pytest.mark.parametrize(("kind", "test"), _cases(directories=True))
def test_directory_on_disk(kind: str, test: Any, tmp_path: Path) -> None:
    directory = tmp_path / "wal"
    directory.mkdir(mode=0o700)
    for file in test["given"]["files"]:
        if file["kind"] == "regular":
            content = content_of(file["parts"])
            (directory / file["name"]).write_bytes(content)
        else:
            (directory / file["name"]).mkdir()

    answer = vector_tools.open_directory(OsFilesystem(directory))
    with OsFilesystem(directory) as reread:
        if letters := vector_tools.dead_letters_in(reread):
            answer["dead_letters"] = letters

    assert answer == test["then"]
    if answer["outcome"] == "opened":
        again = vector_tools.open_directory(OsFilesystem(directory))
        assert again["entries"] == answer["entries"]


def _opening_again_finds_the_same(filesystem: MemoryFilesystem, first: Any) -> None:
    """Spec: REC-9.1. The log was closed cleanly; its older files may still be damaged."""
    after_first = filesystem.image()
    again = vector_tools.open_directory(filesystem)
    assert again["entries"] == first["entries"]
    for field in ("acknowledged_through", "next_sequence"):
        assert again["report"][field] == first["report"][field]
    # Of a file that was moved aside a gap remains, so the place may change, the numbers not.
    numbers = {n for damage in first["report"]["damages"] for n in _numbers(damage)}
    for damage in again["report"]["damages"]:
        assert _numbers(damage) <= numbers
        assert _numbers(damage) or _place(damage) in map(_place, first["report"]["damages"])
    if "procmond.ack" not in filesystem.irregular:  # else no clean mark can be kept
        assert again["report"]["clean_shutdown"]
        assert filesystem.image() == after_first


def _numbers(damage: Any) -> set[int]:
    first = int(damage["first_sequence"] or 0)
    return set(range(first, first + int(damage["sequence_count"])))


def _place(damage: Any) -> tuple[object, ...]:
    return damage["file"], damage["offset"], damage["length_bytes"]


# ---- The files --------------------------------------------------------------


@pytest.mark.req("REP-1.3")
def test_generating_them_again_changes_no_byte() -> None:
    texts = generate.documents()
    assert sorted(texts) == vector_tools.vector_files()
    for name, text in texts.items():
        assert (vector_tools.VECTORS / name).read_text() == text, f"run generate: {name}"


@pytest.mark.req("REP-1.3")
@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_file_fits_the_schema(name: str) -> None:
    schema = vector_tools.load("schema.json")
    kind = {"$ref": f"#/$defs/{DOCUMENTS[name]['kind']}_file"}
    assert list(schema_errors(DOCUMENTS[name], kind, schema)) == []
    assert list(schema_errors(DOCUMENTS[name], schema, schema)) == []


@pytest.mark.req("REP-1.3")
@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("kind",), "codecs"),
        (("extra",), 1),
        (("count",), "21"),
        (("tests", 0, "id"), "Dir-1"),
        (("tests", 0, "requirements"), []),
        (("tests", 0, "flags"), ["clean", "clean"]),
        (("tests", 0, "then", "report", "next_sequence"), 1),
        (("tests", 0, "then", "report", "surprise"), "x"),
        (("tests", 2, "given", "files", 0, "parts", 0), {"hex": "ABC"}),
        (("tests", 2, "then", "entries", 0, "event", "pid"), 2**32),
        (("tests", 2, "then", "entries", 0, "event", "pid"), True),
    ],
)
def test_schema_rejects_a_wrong_file(path: tuple[Any, ...], value: Any) -> None:
    document = vector_tools.load("directories_ended.json")
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    schema = vector_tools.load("schema.json")
    assert list(schema_errors(document, schema, schema)) != []


@pytest.mark.req("REP-1.3")
def test_counts() -> None:
    kinds = Counter(kind for kind, _ in TESTS)
    assert all(d["count"] == len(d["tests"]) for d in DOCUMENTS.values())
    assert kinds["directories"] >= 45
    assert kinds.total() >= 110
    files = vector_tools.VECTORS.glob("*.json")
    assert sum(path.stat().st_size for path in files) < 1_500_000


@pytest.mark.req("REP-1.3")
def test_ids_are_unique_and_registered_for_ever() -> None:
    ids = [test["id"] for _, test in TESTS]
    registered = generate.registered_ids()
    assert len(set(ids)) == len(ids)
    assert sorted(ids) == sorted(registered), "an ID vanished, or was not registered"
    assert len(set(registered)) == len(registered)
    assert set(DISAGREEMENTS) <= set(ids)


@pytest.mark.req("REP-1.3")
def test_each_flag_has_a_note_and_each_note_a_flag() -> None:
    for name, document in DOCUMENTS.items():
        used = {flag for test in document["tests"] for flag in test["flags"]}
        assert used == set(document["notes"]), name
    assert set(NOTES) == {flag for _, test in TESTS for flag in test["flags"]}


@pytest.mark.req("REP-1.3")
def test_each_requirement_is_in_the_specification() -> None:
    known = dict(
        re.findall(r"^\*\*([A-Z]{3}-\d+\.\d+)\*\* \((MUST|SHOULD)\)", SPEC.read_text(), re.M)
    )
    for _, test in TESTS:
        assert set(test["requirements"]) <= set(known), test["id"]
        assert test["level"] == "SHOULD" or "MUST" in {known[r] for r in test["requirements"]}


@pytest.mark.req("FMT-5.1")
def test_first_of_two_is_the_frame_of_the_worked_bytes() -> None:
    [test] = [test for _, test in TESTS if test["id"] == "frame-first-of-two"]
    frame = content_of(test["given"]["parts"])
    [file] = two_record_log().values()
    assert file[8192 : 8192 + len(frame)] == frame


# ---- The generator ----------------------------------------------------------


@pytest.mark.req("REP-1.3")
def test_check_finds_nothing_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert generate.main(["--check"]) == 0
    assert capsys.readouterr().out == ""


@pytest.fixture
def one_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A generator that makes names.json only, somewhere else."""
    monkeypatch.setattr(generate, "HERE", tmp_path)
    monkeypatch.setattr(generate, "REGISTRY", tmp_path / "registry.txt")
    monkeypatch.setattr(generate, "FILES", {"names.json": generate.FILES["names.json"]})
    return tmp_path


@pytest.mark.req("REP-1.3")
def test_new_ids_need_the_option(one_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert generate.main([]) == 1
    assert "are new, use --register" in capsys.readouterr().err
    assert list(one_file.iterdir()) == []

    assert generate.main(["--register"]) == 0
    assert (one_file / "names.json").exists()
    assert generate.main(["--check"]) == 0


@pytest.mark.req("REP-1.3")
def test_a_vanished_id_is_refused(one_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    generate.main(["--register"])
    with (one_file / "registry.txt").open("a") as registry:
        registry.write("name-of-long-ago\n")
    assert generate.main(["--register"]) == 1
    assert "have no vector: name-of-long-ago" in capsys.readouterr().err


@pytest.mark.req("REP-1.3")
def test_check_shows_a_changed_file(one_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    generate.main(["--register"])
    (one_file / "names.json").write_text("{}\n")
    capsys.readouterr()
    assert generate.main(["--check"]) == 1
    assert capsys.readouterr().out == "names.json differs\n"
    assert (one_file / "names.json").read_text() == "{}\n"


@pytest.mark.req("REP-1.3")
def test_content_survives_being_split_into_parts() -> None:
    for data in (
        b"", b"\0", bytes(31), bytes(32), b"a" + bytes(31) + b"b", b"a" + bytes(99) + b"b",
        bytes(99) + b"b", b"\xff" * 100, b"\xff" * 20,
    ):  # fmt: skip
        parts: Any = content_json(data)
        assert content_of(parts) == data
        assert all(part.get("hex") != "" for part in parts)


@pytest.mark.req("REP-1.3")
def test_printed_json_is_short_where_it_can_be() -> None:
    assert pretty({"a": [1, 2]}) == '{"a": [1, 2]}'
    long = pretty({"a": ["x" * 60, "y" * 60]})
    assert long == '{\n "a": [\n  "' + "x" * 60 + '",\n  "' + "y" * 60 + '"\n ]\n}'
