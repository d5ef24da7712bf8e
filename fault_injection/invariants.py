"""The promises as predicates: I1 to I12, each with its requirement, and the oracle of a log.

`check_log` is given what was promised by a moment and what came back after it, and says which
invariant is broken. It knows lists and sets, and nothing of files, frames or the code under
test. No loss, detection and numbering are looked at separately, so that a log that reports
everything as lost does not pass for one that loses nothing.

Spec: SCN-1.3, DEL-1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from fault_injection.promises import (
    STRANGER,
    Answer,
    Buried,
    Forgotten,
    Handed,
    Opening,
    Promise,
    Rejected,
    Reported,
    Rotten,
    Settled,
    Stored,
)


@dataclass(frozen=True, slots=True)
class Invariant:
    """A promise under a short name, and the requirements that it stands for."""

    name: str
    title: str
    text: str
    requirements: tuple[str, ...]


INVARIANTS: Final = {
    each.name: each
    for each in (
        Invariant(
            "I1", "no loss",
            "every event whose append returned, and which nobody has settled, is replayed",
            ("WAL-1.1", "DEL-1.1"),
        ),
        Invariant(
            "I2", "no phantom",
            "every replayed event was offered, is byte for byte the same, and was not rejected",
            ("FMT-5.4", "REC-3.3"),
        ),
        Invariant("I3", "order", "replay is in the order of the numbers", ("REC-10.1",)),
        Invariant(
            "I4", "repeats are bounded",
            "after a good end nothing settled comes back; after a crash what comes back is the "
            "same event under the same number",
            ("ACK-5.1", "DEL-1.2"),
        ),
        Invariant(
            "I5", "recovery is idempotent", "recovering twice is the same as recovering once",
            ("REC-9.1", "REC-9.2"),
        ),
        Invariant(
            "I6", "no number twice",
            "a number is given to one event, ever, and none is passed over but burned ones",
            ("WAL-1.2", "REC-6.2"),
        ),
        Invariant(
            "I7", "damage is detected",
            "damage costs the events it hit, each is reported, and none else is called lost",
            ("REC-2.1", "REP-1.1"),
        ),
        Invariant(
            "I8", "backpressure has hysteresis",
            "on at 70 % of the buffer, off at 50 %, one signal for each edge", ("BPR-1.1",),
        ),
        Invariant(
            "I9", "bounds hold", "memory, frames and files stay within their limits",
            ("BUF-1.1", "WAL-3.1", "LNK-1.2"),
        ),
        Invariant(
            "I10", "it goes on",
            "once the faults are over everything is delivered and the log shrinks",
            ("DEL-1.4", "WAL-4.4"),
        ),
        Invariant(
            "I11", "honest failure",
            "an append that may be lost does not return, and one that is called definite is gone",
            ("WAL-4.2", "WAL-4.3", "ERR-1.2"),
        ),
        Invariant(
            "I12", "deletion is safe",
            "no file is deleted before all its events are settled, durably", ("ACK-5.1",),
        ),
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Broken:
    """An invariant that does not hold, and the numbers that show it."""

    invariant: str
    what: str
    sequence: int = 0
    """The first event concerned; 0 if it is about none in particular."""

    def __str__(self) -> str:
        return f"{self.invariant} {INVARIANTS[self.invariant].title}: {self.what}"


@dataclass(slots=True)
class Ledger:
    """What the promises come to, at one moment."""

    returned: dict[int, int] = field(default_factory=dict)
    """Sequence to pid."""
    settled: set[int] = field(default_factory=set)
    rejected: set[int] = field(default_factory=set)
    buried: set[int] = field(default_factory=set)
    reported: set[int] = field(default_factory=set)
    """Called lost, or possibly lost, by an open."""
    gone: set[int] = field(default_factory=set)
    """Reported, with an excuse: they need not come back."""
    lost_max: int = 0
    """So many more may be missing."""
    is_rotten: bool = False
    """The medium was changed, in a way that may cost events."""
    may_repeat: bool = False
    is_interrupted: bool = False
    """An open on a changed medium did not end."""
    repeated: set[int] = field(default_factory=set)
    """Settled, handed out again (the crash was faster than the acknowledgement), and not settled
    again since: a good end cannot forget these."""
    is_forgotten: bool = False
    """The last thing that happened was a good end."""

    @classmethod
    def of(cls, promises: Iterable[object]) -> Ledger:
        """Add the promises up."""
        ledger = cls()
        for promise in promises:
            ledger.add(promise)
        return ledger

    def add(self, promise: object) -> None:
        """Add one more."""
        assert isinstance(promise, Promise)
        if not isinstance(promise, Rotten | Opening | Reported):
            self.is_forgotten = False
        match promise:
            case Stored(numbers):
                self.returned.update(numbers)
            case Handed(numbers):
                self.repeated.update(n for n, _ in numbers if n in self.settled)
                self.returned.update(numbers)
                self.is_interrupted = False
            case Rejected(pids):
                self.rejected.update(pids)
            case Settled(sequences):
                self.settled.update(sequences)
                self.repeated.difference_update(sequences)
            case Buried(sequences):
                self.buried.update(sequences)
            case Forgotten():
                self.is_forgotten = True
            case Rotten(lost_max, repeats):
                self.lost_max += lost_max
                self.is_rotten = self.is_rotten or lost_max > 0
                self.may_repeat = self.may_repeat or repeats
            case Opening():
                self.is_interrupted = True
            case Reported(numbers, gone):
                self.reported.update(numbers)
                self.gone.update(gone)
                self.lost_max -= len(gone)

    @property
    def wanted(self) -> list[int]:
        """Sequences that have to come back."""
        return sorted(set(self.returned) - self.settled - self.buried - self.gone)


def check_log(promises: Sequence[object], answer: Answer) -> Broken | None:
    """Return what is broken, or None. Worse things come first."""
    ledger = Ledger.of(promises)
    if answer.refused:
        return Broken("I10", f"the log could not be opened again: {answer.refused}")
    return (
        _loss(ledger, answer)
        or _phantom(ledger, answer)
        or _order(answer)
        or _numbers(ledger, answer)
        or _repeats(ledger, answer)
        or _false_alarm(ledger, answer)
        or (Broken("I5", answer.unstable) if answer.unstable else None)
    )


def missing_from(ledger: Ledger, answer: Answer) -> list[int]:
    """Return the numbers that have to be there and are not."""
    found = {sequence for sequence, _ in answer.replayed}
    found.update(answer.dead_letters, answer.kept)
    missing = [n for n in [*ledger.wanted, *sorted(ledger.buried)] if n not in found]
    if answer.hidden_from:
        return [n for n in missing if n < answer.hidden_from]
    return missing


def _loss(ledger: Ledger, answer: Answer) -> Broken | None:
    missing = missing_from(ledger, answer)
    silent = [n for n in missing if n not in answer.lost]
    if not missing:
        return None
    if not ledger.lost_max:
        return Broken("I1", _loss_text(missing, ledger), missing[0])
    if silent and not ledger.is_interrupted:
        return Broken("I7", f"{_events(silent)} gone and not reported", silent[0])
    if len(missing) > ledger.lost_max:
        return Broken(
            "I7",
            f"{_events(missing)} gone; the damage could cost {ledger.lost_max} at most",
            missing[0],
        )
    return None


def _phantom(ledger: Ledger, answer: Answer) -> Broken | None:
    for sequence, pid in answer.replayed:
        if pid == STRANGER:
            return Broken("I2", f"{sequence} is an event that nobody offered", sequence)
        if pid in ledger.rejected:
            return Broken("I11", f"{sequence} was rejected for certain and came back", sequence)
        if ledger.returned.get(sequence, pid) != pid:
            return Broken(
                "I2", f"{sequence} was given to event {ledger.returned[sequence]}, "
                f"and event {pid} came back", sequence,
            )  # fmt: skip
    return None


def _order(answer: Answer) -> Broken | None:
    numbers = [sequence for sequence, _ in answer.replayed]
    if numbers != sorted(set(numbers)):
        return Broken("I3", f"replayed in the order {_list(numbers)}")
    return None


def _numbers(ledger: Ledger, answer: Answer) -> Broken | None:
    highest = max(ledger.returned, default=0)
    if answer.next_sequence <= highest:
        return Broken(
            "I6", f"{answer.next_sequence} is next, and {highest} was given before", highest
        )
    return None


def _repeats(ledger: Ledger, answer: Answer) -> Broken | None:
    if ledger.is_forgotten and not ledger.may_repeat:
        old = ledger.settled - ledger.repeated
        again = [n for n, _ in answer.replayed if n in old]
        if again:
            return Broken("I4", f"{_list(again)} were settled before a good end", again[0])
    return None


def _false_alarm(ledger: Ledger, answer: Answer) -> Broken | None:
    """Numbers that are there, or were settled, are not to be called lost."""
    replayed = {sequence for sequence, _ in answer.replayed}
    if found := [n for n in answer.certainly_lost if n in replayed]:
        return Broken("I7", f"{_list(found)} are called lost and were replayed", found[0])
    if not (ledger.is_rotten or ledger.may_repeat) and (
        gone := [n for n in answer.certainly_lost if n in ledger.settled]
    ):
        return Broken(
            "I12", f"{_list(gone)} are called lost: settled, deleted, and not durably so", gone[0]
        )
    return None


def _loss_text(missing: Sequence[int], ledger: Ledger) -> str:
    wanted = ledger.wanted
    rest = "" if len(wanted) == len(missing) else f"; promised were {_list(wanted)}"
    return f"{_events(missing)} gone{rest}"


def _events(numbers: Sequence[int]) -> str:
    return f"event {numbers[0]} is" if len(numbers) == 1 else f"events {_list(numbers)} are"


def _list(numbers: Sequence[int]) -> str:
    """Write numbers with their runs drawn together."""
    words: list[str] = []
    first = last = None
    for number in [*numbers, None]:
        if first is not None and number != (last or 0) + 1:
            words.append(str(first) if first == last else f"{first}..{last}")
            first = None
        if number is not None:
            first = number if first is None else first
            last = number
    return ", ".join(words) or "nothing"
