"""A log of forty lines that keeps every promise, and breaks one if it is told to.

One file, a line for each fact: `s 3 7` (number 3 is event 7), `a 2` (settled through 2). The
oracle is tried on it, so that what an oracle finds is known before it is used on a real log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fault_injection.promises import STRANGER, Answer
from fault_injection.subject import Appended, OpenLog, Refused, Unreadable
from reference.events import ProcessEvent
from reference.filesystem import Filesystem

NAME = "toy"
LINE = b"%c %09d %09d\n"


@dataclass(frozen=True, slots=True)
class ToyLog:
    """Opens toys. `lie` is the promise that they break; empty for none."""

    lie: str = ""

    def open(self, disk: Filesystem, settings: Mapping[str, int]) -> OpenLog:
        names = [entry.name for entry in disk.list()]
        if self.lie == "refuses" and NAME in names:
            raise Refused("not today")
        if NAME not in names:
            disk.create_exclusive(NAME)
            disk.sync_directory()
        if self.lie == "unstable":
            disk.append(NAME, LINE % (b"x", 0, 0))
        return _OpenToy(disk, self.lie)


class _OpenToy:
    def __init__(self, disk: Filesystem, lie: str) -> None:
        self._disk = disk
        self._lie = lie
        content = disk.read(NAME, 0, 1 << 20)
        size = len(LINE % (b"x", 0, 0))
        facts = [content[at : at + size].split() for at in range(0, len(content), size)]
        whole = [each for each in facts if len(each) == 3 and len(each[2]) == 9]
        self._torn = len(content) % size > 0
        self._events = {int(n): int(pid) for kind, n, pid in whole if kind == b"s"}
        self._settled = max([0, *(int(n) for kind, n, _ in whole if kind == b"a")])
        self._next = max([0, *self._events]) + 1 + self._torn
        self._tail = [self._next - 1] if self._torn else []
        if self._torn:
            disk.append(NAME, b"\n" * (size - len(content) % size))
        if lie == "reuses":
            self._next = 1

    def _write(self, data: bytes) -> None:
        self._disk.append(NAME, data)
        if self._lie != "unsynced":
            self._disk.sync(NAME)

    def append(self, events: Sequence[ProcessEvent]) -> Appended:
        if self._lie == "gives up":
            return Appended((), "indefinite", "no reason")
        numbers = range(self._next, self._next + len(events))
        lines = [LINE % (b"s", n, event.pid) for n, event in zip(numbers, events, strict=True)]
        try:
            self._write(b"".join(lines))
        except OSError as error:
            failure = "definite" if self._lie == "revives" else "indefinite"
            return Appended((), failure, str(error))
        self._next += len(events)
        self._events |= {n: event.pid for n, event in zip(numbers, events, strict=True)}
        return Appended(tuple(numbers))

    def acknowledge(self, through: int) -> None:
        self._settled = through
        if self._lie != "forgets":
            self._write(LINE % (b"a", through, 0))

    def refuse(self, sequence: int) -> bool:
        del sequence
        return False

    def answer(self, offered: Mapping[int, ProcessEvent]) -> Answer:
        del offered
        if self._lie == "unreadable":
            raise Unreadable("no reason")
        replayed = [(n, pid) for n, pid in sorted(self._events.items()) if n > self._settled]
        lost = certain = tuple(self._tail)
        match self._lie:
            case "loses":
                del replayed[:1]
            case "loses the third":
                replayed = [(n, pid) for n, pid in replayed if n != 3]
            case "invents":
                replayed.append((self._next, STRANGER))
            case "reorders":
                replayed.reverse()
            case "swaps" if len(replayed) > 1:
                pids = [pid for _, pid in reversed(replayed)]
                replayed = [(n, pid) for (n, _), pid in zip(replayed, pids, strict=True)]
            case "cries wolf":
                lost = certain = tuple(n for n, _ in replayed)
            case "mourns the settled":
                lost = certain = tuple(range(1, self._settled + 1))
            case "is silent":
                lost = certain = ()
        return Answer(tuple(replayed), self._next, lost, certain)

    def segments(self) -> list[str]:
        return [NAME] * (2 if self._lie == "keeps" else 1)

    def close(self) -> bool:
        return True
