"""A port as a subject: the same plans that run on the reference run on it.

A port works on a real directory, the kit on a simulated disk. Before the port opens a log,
the disk's files are put into a directory of its own, and what its process then does there is
carried over to the disk, call by call (tracing.py). One process is open at a time.

Recovery of many directories goes to one process that is never traced (`recover`).

Spec: PRT-1.3.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from fault_injection.disk_faults import irregular_names
from fault_injection.ports.adapter import Adapter, PortError
from fault_injection.ports.carrier import Carrier
from fault_injection.ports.comparing import dead_letters_in
from fault_injection.ports.errors import AdapterError, PortGaveUp
from fault_injection.ports.tracing import TracedAdapter
from fault_injection.promises import STRANGER, Answer
from fault_injection.recovering import unstable
from fault_injection.subject import (
    Appended,
    OpenLog,
    Refused,
    Unreadable,
    draw_seed,
    reported,
    small_limits,
)
from reference.codec import encode_event
from reference.events import ProcessEvent
from reference.filesystem import Filesystem
from reference.names import LOCK_NAME
from simulators.crash_filesystem import CrashFilesystem
from simulators.disk_image import Image
from simulators.faulty_filesystem import FaultyFilesystem


class PortLog:
    """A port of the log."""

    def __init__(self, command: Sequence[str], scratch: Path) -> None:
        """`scratch` is where it works: nothing else is there."""
        self.command = list(command)
        self.scratch = scratch
        self._running: TracedAdapter | None = None
        self._directory: Path | None = None
        self._recoverer: Adapter | None = None

    def open(self, disk: Filesystem, settings: Mapping[str, int]) -> OpenLog:
        """Open in a process of its own; the one before is killed, if it lives. Raises Refused."""
        self._end_process()
        assert isinstance(disk, FaultyFilesystem)
        self._directory = self._new_directory(disk)
        carrier = Carrier(self._directory, disk)
        adapter = self._running = TracedAdapter(self.command, carrier)
        try:
            found = adapter.ask("open", dir=str(self._directory), settings=_limits(disk, settings))
        except PortError as error:
            self._end_process()
            raise Refused(str(error)) from error
        return PortOpenLog(adapter, self._directory, found["report"])

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
        self._end_process()
        if self._recoverer is not None:
            self._recoverer.kill()
            self._recoverer = None

    def _end_process(self) -> None:
        """The process of the last open and its directory are not needed any more."""
        if self._running is not None:
            self._running.kill()
            self._running = None
        if self._directory is not None:
            shutil.rmtree(self._directory)
            self._directory = None

    def _new_directory(self, disk: Filesystem) -> Path:
        directory = Path(tempfile.mkdtemp(dir=self.scratch))
        write_files(disk, directory)
        return directory


class PortOpenLog:
    """A log that a port has open, in a directory."""

    def __init__(self, adapter: Adapter, directory: Path, report: dict[str, Any]) -> None:
        self._adapter = adapter
        self._directory = directory
        self._report = report

    def append(self, events: Sequence[ProcessEvent]) -> Appended:
        encoded = [encode_event(each).hex() for each in events]
        try:
            found = self._adapter.ask("append_batch", events=encoded)
        except PortError as error:
            stored = tuple(int(each) for each in error.fields.get("stored", ()))
            return Appended(stored, "definite" if error.is_definite else "indefinite", str(error))
        return Appended(tuple(int(each) for each in found["sequences"]))

    def acknowledge(self, through: int) -> None:
        self._must("acknowledge", through=str(through))

    def refuse(self, sequence: int) -> bool:
        try:
            self._adapter.ask("refuse", sequence=str(sequence), reason="refused by the plan")
        except PortError:
            return False
        return True

    def answer(self, offered: Mapping[int, ProcessEvent]) -> Answer:
        try:
            entries = self._adapter.ask("replay", after="0")["entries"]
        except PortError as error:
            raise Unreadable(str(error)) from error
        status = self._must("status")
        hidden = int(status["hidden_from"] or 0)
        dead = tuple(each.sequence for each in dead_letters_in(self._directory))
        return _answer(
            self._report, entries, status["next_sequence"], dead, offered, hidden_from=hidden
        )

    def segments(self) -> list[str]:
        segments: list[str] = self._must("status")["segments"]
        return segments

    def close(self) -> bool:
        clean: bool = self._must("close")["clean"]
        self._adapter.kill()  # a log that was closed has nothing left to do
        return clean

    def _must(self, op: str, **fields: object) -> dict[str, Any]:
        """Ask for what may not be refused. Raises PortGaveUp."""
        try:
            return self._adapter.ask(op, **fields)
        except PortError as error:
            raise PortGaveUp(str(error)) from error


def sent_settings(
    settings: Mapping[str, int], files: Sequence[tuple[str, int]] = ()
) -> dict[str, int]:
    """Return the settings of an open as the protocol has them.

    `fixed` is drawn from names and sizes of the `files`, as the reference's random bytes are.
    """
    return {**asdict(small_limits(settings)), "fixed": draw_seed(files, settings)}


def write_files(disk: Filesystem, directory: Path) -> None:
    """Put the disk's files into the directory. No fault strikes meanwhile: nothing is called."""
    files = _inner(disk)
    inodes = files.inodes()
    first: dict[int, Path] = {}
    for name, content in files.process_image().items():
        path = directory / name
        if (other := first.setdefault(inodes[name], path)) is not path:
            path.hardlink_to(other)  # a rename was cut off between its two names
            continue
        path.write_bytes(content)
        path.chmod(0o600)
    for name in irregular_names(disk):
        (directory / name).mkdir()


def read_files(directory: Path) -> Image:
    """Return the directory as an image: of regular files alone."""
    return {each.name: each.read_bytes() for each in sorted(directory.iterdir()) if each.is_file()}


def _inner(disk: Filesystem) -> CrashFilesystem:
    disk = disk.inner if isinstance(disk, FaultyFilesystem) else disk
    assert isinstance(disk, CrashFilesystem)
    return disk


def _limits(disk: Filesystem, settings: Mapping[str, int]) -> dict[str, int]:
    """Return the settings of an open on this disk."""
    files = [(each.name, each.size_bytes) for each in _inner(disk).names()]
    files += [(name, 0) for name in irregular_names(disk)]
    return sent_settings(settings, [each for each in files if each[0] != LOCK_NAME])


def _answer(
    report: Mapping[str, Any], entries: Sequence[Mapping[str, str]], next_sequence: str,
    dead_letters: tuple[int, ...], offered: Mapping[int, ProcessEvent], *, hidden_from: int = 0,
) -> Answer:  # fmt: skip
    known = {encode_event(event).hex(): pid for pid, event in offered.items()}
    replayed = tuple(
        (int(each["sequence"]), known.get(each["event"], STRANGER)) for each in entries
    )
    return replace(
        reported(report), replayed=replayed, next_sequence=int(next_sequence),
        dead_letters=dead_letters, hidden_from=hidden_from,
    )  # fmt: skip
