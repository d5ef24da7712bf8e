"""What a case comes to: tables of numbers by round, targets, and how both become JSON.

Not here: Markdown (table.py), the drawing (plot.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tests.benchmarks.rounds import Spread, Values, ratios

OURS: Final = "log"
"""The contestant that the others are compared with."""


@dataclass(slots=True)
class Table:
    """Contestants by settings; a cell holds a number for each round."""

    title: str
    unit: str
    cells: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    """By (contestant, setting)."""

    def add(self, contestant: str, setting: str, value: float) -> None:
        """Add the number of one more round."""
        self.cells.setdefault((contestant, setting), []).append(value)

    def values(self, contestant: str, setting: str) -> Values:
        """Return the numbers of all rounds, empty if there are none."""
        return tuple(self.cells.get((contestant, setting), ()))

    def contestants(self) -> list[str]:
        """Return the rows, in the order in which they came."""
        return list(dict.fromkeys(contestant for contestant, _ in self.cells))

    def settings(self) -> list[str]:
        """Return the columns, in the order in which they came."""
        return list(dict.fromkeys(setting for _, setting in self.cells))

    def best(self, setting: str, among: Iterable[str]) -> str | None:
        """Return who of `among` has the highest median; None if nobody was measured."""
        measured = [name for name in among if (name, setting) in self.cells]
        medians = {name: Spread.of(self.values(name, setting)).median for name in measured}
        return max(medians, key=medians.__getitem__, default=None)

    def compared(self, title: str, ours: str = OURS, without: Sequence[str] = ()) -> Table:
        """Return a table of `ours` divided by each of the others, round by round."""
        table = Table(title, "ratio")
        for (contestant, setting), values in self.cells.items():
            mine = self.values(ours, setting)
            if contestant not in (ours, *without) and len(mine) == len(values):
                table.cells[contestant, setting] = list(ratios(mine, tuple(values)))
        return table


@dataclass(frozen=True, slots=True)
class Target:
    """A bound that the project sets itself, and what was measured."""

    text: str
    wanted: float
    measured: Values
    at_least: bool = True
    unit: str = ""

    @property
    def is_reached(self) -> bool:
        """Whether the median of the rounds keeps the bound."""
        median = Spread.of(self.measured).median
        return median >= self.wanted if self.at_least else median <= self.wanted


@dataclass(slots=True)
class CaseResult:
    """One case, as it is reported."""

    name: str
    title: str
    what: str
    """How it was measured, in a sentence or two."""
    tables: list[Table] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return the case for bench.json; `values` has a number for each round."""
        return {
            "name": self.name,
            "title": self.title,
            "what": self.what,
            "tables": [
                {
                    "title": table.title,
                    "unit": table.unit,
                    "rows": [
                        {
                            "contestant": contestant,
                            "setting": setting,
                            **_spread_as_json(values),
                        }
                        for (contestant, setting), values in table.cells.items()
                    ],
                }
                for table in self.tables
            ],
            "targets": [
                {
                    "text": target.text,
                    "wanted": target.wanted,
                    "at_least": target.at_least,
                    "unit": target.unit,
                    "reached": target.is_reached,
                    **_spread_as_json(target.measured),
                }
                for target in self.targets
            ],
            "notes": self.notes,
        }

    @classmethod
    def from_json(cls, case: dict[str, Any]) -> CaseResult:
        """Return the tables of a case of bench.json again."""
        result = cls(case["name"], case["title"], case["what"], notes=case["notes"])
        for each in case["tables"]:
            table = Table(each["title"], each["unit"])
            for row in each["rows"]:
                table.cells[row["contestant"], row["setting"]] = row["values"]
            result.tables.append(table)
        return result


def _spread_as_json(values: Iterable[float]) -> dict[str, Any]:
    numbers = list(values)
    spread = Spread.of(numbers)
    return {
        "median": spread.median, "low": spread.low, "high": spread.high, "values": numbers,
    }  # fmt: skip
