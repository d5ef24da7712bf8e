"""The matrix of a port's mistakes: a row for each, kept as it comes, and shown as a table.

    DIR/rows.jsonl    a line for each mistake, written when it is known; `--resume` reads it
    DIR/matrix.json   all of it, with what was run against what
    DIR/matrix.md     the same as a table

What was tried for a row depends on the list, the seed and the depth, so a run is gone on with
only under the same of these. Spec: PRT-1.5.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from fault_injection import KIT_VERSION
from fault_injection.errors import UsageError
from fault_injection.ports.mistake_list import Found
from fault_injection.spec_requirements import vectors_hash
from reference.limits import SPEC_VERSION

AS_IT_IS: Final = "(as it is)"
"""Name of the rows without a mistake; the seed follows."""
_HEAD: Final = (
    "mistake", "found by", "where", "invariant", "vectors", "cases", "steps", "shrunk", "seconds",
)  # fmt: skip


@dataclass(slots=True)
class Matrix:
    """All rows until now."""

    port: str
    """Who it is, and its command."""
    seed: int
    is_deep: bool
    ways: tuple[str, ...]
    controls: list[Found] = field(default_factory=list)
    """Without a mistake: nothing may be found."""
    rows: list[Found] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0 if every mistake was found and nothing else; 3 if nothing was tried."""
        if any(each.status != "found" for each in self.rows):
            return 1
        if any(each.status != "not-found" for each in self.controls):
            return 1
        return 0 if self.rows or self.controls else 3

    def add(self, row: Found) -> None:
        """Take one more row."""
        (self.controls if row.name.startswith(AS_IT_IS) else self.rows).append(row)

    def as_json(self) -> dict[str, Any]:
        """Return the published form."""
        return {
            "matrix": 1, "kit": KIT_VERSION, "spec": SPEC_VERSION, "vectors": vectors_hash(),
            "port": self.port, "seed": self.seed, "deep": self.is_deep, "ways": list(self.ways),
            "found": sum(each.status == "found" for each in self.rows), "of": len(self.rows),
            "controls": [asdict(each) for each in self.controls],
            "rows": [asdict(each) for each in self.rows],
        }  # fmt: skip


class RowFile:
    """The directory that the matrix is written to."""

    def __init__(self, directory: Path, conditions: Mapping[str, object]) -> None:
        self._directory = directory
        self._path = directory / "rows.jsonl"
        self._conditions = json.dumps(dict(conditions), sort_keys=True)

    def resume(self) -> list[Found]:
        """Return the rows that are there; none if there are none.

        Raises UsageError if they were made under other conditions.
        """
        if not self._path.exists():
            return []
        first, _, rest = self._path.read_text("utf-8").partition("\n")
        if first != self._conditions:
            raise UsageError(
                f"--resume: {self._path} was made with {first}, this run is {self._conditions}"
            )
        # A line that was cut off is tried again.
        lines = [line for line in rest.split("\n")[:-1] if line]
        return [Found(**json.loads(line)) for line in lines]

    def start(self, kept: Sequence[Found] = ()) -> None:
        """Begin the file, with these rows."""
        self._directory.mkdir(parents=True, exist_ok=True)
        lines = [self._conditions, *(json.dumps(asdict(each)) for each in kept)]
        self._path.write_text("".join(f"{line}\n" for line in lines), "utf-8")

    def add(self, row: Found) -> None:
        """Write one more row."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(row)) + "\n")

    def finish(self, matrix: Matrix) -> tuple[Path, Path]:
        """Write the whole of it; return where."""
        table, data = self._directory / "matrix.md", self._directory / "matrix.json"
        data.write_text(json.dumps(matrix.as_json(), indent=1) + "\n", "utf-8")
        table.write_text(markdown(matrix), "utf-8")
        return table, data


def markdown(matrix: Matrix) -> str:
    """Return the matrix as a table, and what it comes to in words."""
    lines = [
        f"# Mistakes of {matrix.port}", "",
        f"Kit {KIT_VERSION}, spec {SPEC_VERSION}, seed {matrix.seed}, "
        f"{'deep' if matrix.is_deep else 'normal depth'}; tried: {', '.join(matrix.ways)}.", "",
        "| " + " | ".join(_HEAD) + " |", "|" + "---|" * len(_HEAD),
    ]  # fmt: skip
    lines += ["| " + " | ".join(_cells(each)) + " |" for each in matrix.rows]
    ways = Counter(each.way for each in matrix.rows if each.status == "found")
    found = sum(ways.values())
    lines += ["", f"{found} of {len(matrix.rows)} found."]
    if ways:
        lines[-1] += " By " + ", ".join(f"{way} {count}" for way, count in sorted(ways.items()))
        lines[-1] += "."
    lines += [f"- {words(each)}" for each in matrix.rows if each.status != "found"]
    lines += ["", *(f"- {words(each)}" for each in matrix.controls)]
    return "\n".join(lines) + "\n"


def words(row: Found) -> str:
    """Return what became of one mistake, in a line."""
    tried = f"{row.vectors} vectors, {row.cases} cases"
    if row.name.startswith(AS_IT_IS):
        if row.status == "not-found":
            return f"{row.name}: nothing found, as it has to be, in {tried}"
        return f"{row.name}: FALSE ALARM: {row.way} {row.where} {row.invariant}: {row.what}"
    if row.status == "not-found":
        return f"{row.name}: NOT FOUND in {tried}"
    if row.status == "error":
        return f"{row.name}: ERROR in {row.where}: {row.what}"
    steps = f", {row.steps_before} steps shrunk to {row.steps}" if row.steps else ""
    return f"{row.name}: {row.way}, {row.where} {row.invariant}".rstrip() + f", {tried}{steps}"


def _cells(row: Found) -> tuple[str, ...]:
    steps = (str(row.steps_before), str(row.steps)) if row.steps else ("", "")
    way = row.way if row.status == "found" else "**not found**"
    if row.status == "error":
        way = "**error**"
    return (
        row.name, way, row.where, row.invariant, str(row.vectors), str(row.cases), *steps,
        f"{row.seconds:.1f}",
    )  # fmt: skip
