"""A port as a subject: the same plans that run on the reference run on it.

A port works on a real directory, the kit on a simulated disk. Before the port opens a log,
the disk's files are put into a directory of its own; a `Stage` says how what the port then
does comes back to the disk: `CopyBack` reads the directory after each call (a port that is
not traced), ports/tracing.py carries over every system call as it happens.

Recovery of many directories goes to one process that is never traced (`recover`).

Spec: PRT-1.3.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol
from zlib import crc32

from fault_injection.disk_faults import DiskFaults
from fault_injection.ports.adapter import Adapter, PortError
from fault_injection.ports.errors import AdapterError, PortGaveUp
from fault_injection.promises import STRANGER, Answer
from fault_injection.recovering import unstable
from fault_injection.subject import (
    Appended,
    OpenLog,
    Refused,
    Unreadable,
    draw_seed,
    small_limits,
)
from reference.codec import encode_event
from reference.events import ProcessEvent
from reference.filesystem import Filesystem
from reference.names import DEAD_LETTERS_NAME, LOCK_NAME
from simulators.crash_filesystem import CrashFilesystem
from simulators.disk_image import Image
from simulators.faulty_filesystem import FaultyFilesystem


class Stage(Protocol):
    """Where a port works: a process, a directory, and the disk that it stands for."""

    directory: Path
    adapter: Adapter

    def reflect(self) -> None:
        """Carry over to the disk what the port has done since the last time."""

    def leave(self) -> None:
        """The process is not needed any more."""


class Theatre(Protocol):
    """Makes stages: one for each process of a plan."""

    def enter(self, disk: Filesystem, directory: Path) -> Stage:
        """Start a process for a log on this disk, whose files are in the directory already."""


class PortLog:
    """A port of the log."""

    def __init__(self, command: Sequence[str], theatre: Theatre, scratch: Path) -> None:
        self.command = list(command)
        self._theatre = theatre
        self.scratch = scratch
        self._numbers = 0
        self._recoverer: Adapter | None = None
        with Adapter(self.command) as adapter:
            self.hello = adapter.hello
            adapter.goodbye()
        self.name = f"{self.hello.name} {self.hello.version}"

    def open(self, disk: Filesystem, settings: Mapping[str, int]) -> OpenLog:
        """Open in a process of its own. Raises Refused."""
        directory = self._new_directory(disk)
        stage = self._theatre.enter(disk, directory)
        try:
            found = stage.adapter.ask("open", dir=str(directory), settings=_limits(disk, settings))
        except PortError as error:
            stage.reflect()
            stage.leave()
            raise Refused(str(error)) from error
        stage.reflect()
        return _PortOpenLog(stage, found["report"])

    def recover(
        self, disk: Filesystem, settings: Mapping[str, int],
        offered: Mapping[int, ProcessEvent], *, twice: bool,
    ) -> Answer:  # fmt: skip
        """Recover what is on the disk, in the process that does nothing else. Raises Refused."""
        directory = self._new_directory(disk)
        try:
            limits = _limits(disk, settings)
            answer = self._recovered(directory, limits, offered)
            if twice:
                before = read_files(directory)
                second = self._recovered(directory, {**limits, "fixed": limits["fixed"] + 1},
                                         offered)  # fmt: skip
                answer = replace(answer, unstable=unstable(answer, second, before,
                                                           read_files(directory)))  # fmt: skip
        finally:
            shutil.rmtree(directory)
        return answer

    def _recovered(
        self, directory: Path, limits: Mapping[str, int], offered: Mapping[int, ProcessEvent]
    ) -> Answer:
        if self._recoverer is None:
            self._recoverer = Adapter(self.command)
        try:
            found = self._recoverer.ask("recover", dir=str(directory), settings=limits)
        except PortError as error:
            raise Refused(str(error)) from error
        except AdapterError:
            self.close()  # the next directory gets a new process
            raise
        dead = tuple(int(each) for each in found["dead_letters"])
        return _answer(found["report"], found["entries"], found["next_sequence"], dead, offered)

    def close(self) -> None:
        """End the processes that are left."""
        if self._recoverer is not None:
            self._recoverer.kill()
            self._recoverer = None

    def _new_directory(self, disk: Filesystem) -> Path:
        self._numbers += 1
        directory = Path(tempfile.mkdtemp(prefix=f"{self._numbers}-", dir=self.scratch))
        write_files(disk, directory)
        return directory


class _PortOpenLog:
    def __init__(self, stage: Stage, report: dict[str, Any]) -> None:
        self._stage = stage
        self._report = report

    def append(self, events: Sequence[ProcessEvent]) -> Appended:
        encoded = [encode_event(each).hex() for each in events]
        try:
            found = self._ask("append_batch", events=encoded)
        except PortError as error:
            stored = tuple(int(each) for each in error.fields.get("stored", ()))
            return Appended(stored, "definite" if error.is_definite else "indefinite", str(error))
        return Appended(tuple(int(each) for each in found["sequences"]))

    def acknowledge(self, through: int) -> None:
        self._must("acknowledge", through=str(through))

    def refuse(self, sequence: int) -> bool:
        try:
            self._ask("refuse", sequence=str(sequence), reason="refused by the plan")
        except PortError:
            return False
        return True

    def answer(self, offered: Mapping[int, ProcessEvent]) -> Answer:
        try:
            entries = self._ask("replay", after="0")["entries"]
        except PortError as error:
            raise Unreadable(str(error)) from error
        status = self._must("status")
        hidden = int(status["hidden_from"] or 0)
        dead = dead_letter_sequences(self._stage.directory)
        return _answer(
            self._report, entries, status["next_sequence"], dead, offered, hidden_from=hidden
        )

    def segments(self) -> list[str]:
        segments: list[str] = self._must("status")["segments"]
        return segments

    def close(self) -> bool:
        clean: bool = self._must("close")["clean"]
        self._stage.leave()
        return clean

    def _ask(self, op: str, **fields: object) -> dict[str, Any]:
        try:
            found = self._stage.adapter.ask(op, **fields)
        except PortError:
            self._stage.reflect()
            raise
        self._stage.reflect()
        return found

    def _must(self, op: str, **fields: object) -> dict[str, Any]:
        """Ask for what may not be refused. Raises PortGaveUp."""
        try:
            return self._ask(op, **fields)
        except PortError as error:
            raise PortGaveUp(str(error)) from error


def write_files(disk: Filesystem, directory: Path) -> None:
    """Put the disk's files into the directory, and a directory where something irregular is.

    No fault strikes meanwhile: nothing is called.
    """
    for name in disk.irregular if isinstance(disk, DiskFaults) else ():
        (directory / name).mkdir()
    disk = disk.inner if isinstance(disk, FaultyFilesystem) else disk
    assert isinstance(disk, CrashFilesystem)
    inodes = disk.inodes()
    first: dict[int, Path] = {}
    for name, content in disk.process_image().items():
        path = directory / name
        if (other := first.setdefault(inodes[name], path)) is not path:
            path.hardlink_to(other)  # a rename was cut off between its two names
            continue
        path.write_bytes(content)
        path.chmod(0o600)


def dead_letter_sequences(directory: Path) -> tuple[int, ...]:
    """Return the sequences in the dead-letter file whose lines verify (DLQ-1.2)."""
    path = directory / DEAD_LETTERS_NAME
    found = []
    for line in path.read_bytes().split(b"\n") if path.exists() else ():
        digits, space, text = line.partition(b" ")
        if space and digits == b"%08x" % crc32(text):
            found.append(int(json.loads(text)["sequence"]))
    return tuple(found)


def read_files(directory: Path) -> Image:
    """Return the directory as an image."""
    files = (each for each in sorted(directory.iterdir()) if each.is_file())
    return {each.name: each.read_bytes() for each in files}


def _limits(disk: Filesystem, settings: Mapping[str, int]) -> dict[str, int]:
    """Return the settings of an open. `fixed` is drawn as the reference's random bytes are."""
    disk = disk.inner if isinstance(disk, FaultyFilesystem) else disk
    assert isinstance(disk, CrashFilesystem)
    limits = small_limits(settings)
    names = type(limits).__dataclass_fields__
    files = [(each.name, each.size_bytes) for each in disk.names() if each.name != LOCK_NAME]
    fixed = draw_seed(files, settings)
    return {name: getattr(limits, name) for name in names} | {"fixed": fixed}


def _answer(
    report: Mapping[str, Any], entries: Sequence[Mapping[str, str]], next_sequence: str,
    dead_letters: tuple[int, ...], offered: Mapping[int, ProcessEvent], *, hidden_from: int = 0,
) -> Answer:  # fmt: skip
    known = {encode_event(event).hex(): pid for pid, event in offered.items()}
    replayed = tuple(
        (int(each["sequence"]), known.get(each["event"], STRANGER)) for each in entries
    )
    return Answer(
        replayed, int(next_sequence), _numbers(report, "lost", "possibly-lost"),
        _numbers(report, "lost"), dead_letters, hidden_from=hidden_from,
        kept=_numbers({"damages": [each for each in report["damages"]
                                   if each["kind"] == "undecodable-entry"]}, "none"),
        is_degraded=bool(report.get("degraded")),
    )  # fmt: skip


def _numbers(report: Mapping[str, Any], *fates: str) -> tuple[int, ...]:
    return tuple(
        number
        for damage in report["damages"]
        if damage["fate"] in fates and damage["first_sequence"] is not None
        for number in range(
            int(damage["first_sequence"]),
            int(damage["first_sequence"]) + int(damage["sequence_count"]),
        )
    )
