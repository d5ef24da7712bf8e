"""What recovery must answer, stated by hand: the report and the entries of a directory.

Each vector says which sequences survive, which damage is listed with which numbers, and
where numbering goes on. Here this is only spelled as JSON. Nothing is computed from the
bytes except the CRC in a quarantine name, and the totals, which are sums of the list.

The reference is asked afterwards, by generate.py, and must agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

from reference.events import LogEntry
from reference.timestamps import format_rfc3339
from tests.vectors.building import LOG_A
from tests.vectors.document import Json, Vector, content_json, event_json


def found(
    kind: str,
    file: str,
    offset: int,
    length_bytes: int,
    fate: str = "none",
    numbers: Sequence[int] = (),
    detail: str = "",
) -> dict[str, Json]:
    """State one damage. `numbers` are the consecutive sequences that it concerns."""
    assert list(numbers) == list(range(numbers[0], numbers[-1] + 1)) if numbers else True
    assert (fate == "none") == (not numbers), "numbers have a fate"
    return {
        "kind": kind,
        "file": file,
        "offset": offset,
        "length_bytes": length_bytes,
        "fate": fate,
        "first_sequence": str(numbers[0]) if numbers else None,
        "sequence_count": str(len(numbers)),
        "detail": detail,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What an open that succeeds must find."""

    entries: Sequence[LogEntry]
    through: int
    """The watermark: up to here all are acknowledged, dead-lettered or reported."""
    next_sequence: int
    segments: int
    clean: bool = False
    damages: Sequence[dict[str, Json]] = ()
    log_id: bytes | None = LOG_A
    """None: a new log, whose id is random."""
    previous: bytes = b""
    ignored: Sequence[str] = ()
    removed: Sequence[str] = ()
    aside: Sequence[str] = ()
    """Names that the report lists as quarantined."""
    dead_letters: Sequence[tuple[int, bytes]] = ()
    """Sequence and payload of what must stand in procmond.dead afterwards."""

    def as_json(self) -> dict[str, Json]:
        result: dict[str, Json] = {
            "outcome": "opened",
            "report": self._report(),
            "entries": [
                {
                    "sequence": str(entry.sequence),
                    "timestamp": format_rfc3339(entry.timestamp_ns),
                    "event": event_json(entry.event),
                }
                for entry in self.entries
            ],
        }
        if self.dead_letters:
            assert self.log_id is not None
            result["dead_letters"] = [
                {"log_id": self.log_id.hex(), "sequence": str(number), "payload": payload.hex()}
                for number, payload in self.dead_letters
            ]
        return result

    def _report(self) -> dict[str, Json]:
        return {
            "log_id": None if self.log_id is None else self.log_id.hex(),
            "previous_log_id": self.previous.hex(),
            "clean_shutdown": self.clean,
            "segments": self.segments,
            "entries": len(self.entries),
            "acknowledged_through": str(self.through),
            "next_sequence": str(self.next_sequence),
            "lost": self._total("lost"),
            "possibly_lost": self._total("possibly-lost"),
            "dead_lettered": self._total("dead-lettered"),
            "damages": list(self.damages),
            "damages_not_listed": 0,
            "ignored": sorted(self.ignored),
            "removed": sorted(self.removed),
            "quarantined": sorted(self.aside),
            "not_kept": 0,
            "degraded": "",
            "live": False,
        }

    def _total(self, fate: str) -> str:
        return str(sum(int(str(d["sequence_count"])) for d in self.damages if d["fate"] == fate))


def refused(error: str) -> dict[str, Json]:
    """State that opening is refused, with this class of error."""
    return {"outcome": "refused", "error": error}


def copies(files: Mapping[str, bytes], *damages: Mapping[str, Json]) -> list[str]:
    """Return the names under which these damaged stretches are copied aside. Spec: REC-8.1."""
    names = []
    for damage in damages:
        file, offset, length = str(damage["file"]), damage["offset"], damage["length_bytes"]
        assert isinstance(offset, int)
        assert isinstance(length, int)
        stretch = files[file][offset : offset + length]
        assert len(stretch) == length, "the damage lies inside the file"
        names.append(f"{file}@{offset}+{length}-{crc32(stretch):08x}.quarantine")
    return names


def directory_vector(
    id: str,
    requirements: str,
    flags: str,
    comment: str,
    files: Mapping[str, bytes],
    then: Opened | dict[str, Json],
    *,
    irregular: Iterable[str] = (),
) -> Vector:
    """Return the vector. `requirements` and `flags` are separated by spaces."""
    listed: list[Json] = [
        {"name": name, "kind": "regular", "parts": content_json(data)}
        for name, data in sorted(files.items())
    ]
    listed += [{"name": name, "kind": "irregular"} for name in sorted(irregular)]
    return Vector(
        id, requirements.split(), flags.split(), comment, {"files": listed},
        then.as_json() if isinstance(then, Opened) else then,
    )  # fmt: skip
