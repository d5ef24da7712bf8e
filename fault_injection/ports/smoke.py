"""First contact with an adapter: each operation once, in a scratch directory, and what came.

What comes back is compared with what has to: a newcomer sees the first thing that is wrong,
not a scenario that failed. Spec: PRT-1.2.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from fault_injection.ports.adapter import Adapter, PortError
from fault_injection.ports.errors import AdapterError, Skipped, Unsupported
from fault_injection.subject import make_event
from reference.codec import encode_event


@dataclass(frozen=True, slots=True)
class SmokeStep:
    """One operation, and what came of it."""

    op: str
    is_good: bool
    text: str


def smoke(adapter: Adapter) -> Iterator[SmokeStep]:
    """Ask for each operation once; end where the adapter does not go on."""
    hello = adapter.hello
    yield SmokeStep(
        "hello", True,
        f"{hello.name} {hello.version} in {hello.language}: {', '.join(hello.capabilities)}",
    )  # fmt: skip
    event = encode_event(make_event(1)).hex()
    with tempfile.TemporaryDirectory(prefix="procmond-smoke-") as place:
        for op, fields, check in _calls(event, place):
            try:
                found = adapter.ask(op, **(fields if not callable(fields) else fields()))
            except (Unsupported, Skipped) as skipped:
                yield SmokeStep(op, True, f"skipped: {skipped}")
                continue
            except PortError as error:
                yield SmokeStep(op, False, f"refused: {error}")
                continue
            except AdapterError as error:
                yield SmokeStep(op, False, f"{error.status}: {error}")
                return
            wrong = check(found)
            text = json.dumps(found)
            shown = text if len(text) < 120 else text[:117] + "..."
            yield SmokeStep(op, not wrong, wrong or shown)
    try:
        adapter.goodbye()
    except AdapterError as error:
        yield SmokeStep("bye", False, f"{error.status}: {error}")
    else:
        yield SmokeStep("bye", True, "ended with exit code 0")


Check = Callable[[dict[str, Any]], str]


def _calls(event: str, place: str) -> list[tuple[str, Any, Check]]:
    """Return operation, fields (or what makes them) and check, in order."""
    decoded: dict[str, Any] = {}

    def keep(found: dict[str, Any]) -> str:
        decoded.update(found)
        name = found["json"].get("name")
        return "" if name == "p1" else f'the name is {name!r}, expected "p1"'

    def expect(field: str, wanted: object) -> Check:
        return lambda found: (
            "" if found[field] == wanted else f"{field} is {found[field]!r}, expected {wanted!r}"
        )

    def replayed(*sequences: str) -> Check:
        def check(found: dict[str, Any]) -> str:
            entries = [(each["sequence"], each["event"]) for each in found["entries"]]
            wanted = [(each, event) for each in sequences]
            return "" if entries == wanted else f"entries {entries}, expected {wanted}"

        return check

    def anything(_: dict[str, Any]) -> str:
        return ""

    return [
        ("decode", {"event": event}, keep),
        ("encode", lambda: {"json": decoded.get("json", {})}, expect("event", event)),
        ("open", {"dir": place, "settings": {}}, anything),
        ("append", {"event": event}, expect("sequence", "1")),
        ("append_batch", {"events": [event, event]}, expect("sequences", ["2", "3"])),
        ("replay", {"after": "0"}, replayed("1", "2", "3")),
        ("acknowledge", {"through": "1"}, anything),
        ("refuse", {"sequence": "2", "reason": "smoke"}, anything),
        ("replay", {"after": "0"}, replayed("3")),
        ("status", {}, expect("next_sequence", "4")),
        ("close", {}, expect("clean", True)),
        ("recover", {"dir": place, "settings": {}}, replayed("3")),
    ]
