"""A log that is right but for one lie, for tests of those who have to find it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from fault_injection.promises import Answer
from fault_injection.subject import Appended, OpenLog, ReferenceLog
from reference.events import ProcessEvent
from reference.filesystem import Filesystem

Lie = Callable[[Answer], Answer]


@dataclass(frozen=True, slots=True)
class LyingOpenLog:
    """Passes everything on, and lies in its answer."""

    log: OpenLog
    lie: Lie

    def append(self, events: Sequence[ProcessEvent]) -> Appended:
        return self.log.append(events)

    def acknowledge(self, through: int) -> None:
        self.log.acknowledge(through)

    def refuse(self, sequence: int) -> bool:
        return self.log.refuse(sequence)

    def answer(self, offered: Mapping[int, ProcessEvent]) -> Answer:
        return self.lie(self.log.answer(offered))

    def segments(self) -> list[str]:
        return self.log.segments()

    def close(self) -> bool:
        return self.log.close()


@dataclass(frozen=True, slots=True)
class LyingLog:
    """Opens logs that tell this lie."""

    lie: Lie
    name: str = "a log that lies"

    def open(self, disk: Filesystem, settings: Mapping[str, int]) -> OpenLog:
        return LyingOpenLog(ReferenceLog().open(disk, settings), self.lie)
